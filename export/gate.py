"""The export gate: bits go up until no more task success is lost than was allowed.

Perplexity does not show what a quantisation does to tool calls, so the held-out problems decide.
The decision is by the measured loss itself, not by its interval: with few problems an interval
reaches far, and a gate that waited for certainty would refuse every type. The interval is told
with every step, and so is how finely the problems can tell at all.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.problems import load_problems
from export.command import Display
from export.errors import ExportError
from export.fidelity.figures import Fidelity, Model
from export.fidelity.measure import Comparison, Plan
from export.fidelity.problems import find_problems, settings_for
from export.fidelity.store import Store
from export.files import writing
from export.imatrix import calibrate as collect
from runtime.models.cache import cache_dir

LADDER = {"q4_k_m": 4.9, "q5_k_m": 5.7, "q8_0": 8.5, "f16": 16.0}  # type -> bits per weight
_UNQUANTISED = ("f16", "bf16", "f32")
_QUIET = Display(show=False)


@dataclass(frozen=True)
class Passed:
    """What came through the gate. `tried` are all types measured, the last one is `type`.

    `within` is False if even the last type lost more than was allowed.
    """

    type: str
    path: Path
    tried: dict[str, Model]
    fidelity: Fidelity
    within: bool
    gate: float

    def told(self) -> tuple[str, ...]:
        """A line for each type that was tried."""
        return tuple(verdict(type, model, self.gate) for type, model in self.tried.items())


def steps_from(type: str) -> list[str]:
    """`type`, then the types of more bits that are tried after it, up to f16."""
    if type in _UNQUANTISED:
        return [type]
    return [type, *(name for name, bits in LADDER.items() if bits > _bits(type) and name != type)]


def _bits(type: str) -> float:
    """Bits per weight, roughly: q4_0 has 4.5, q5_1 and q6_k more than their name says."""
    if type in LADDER:
        return LADDER[type]
    digits = [char for char in type if char.isdigit()]
    return float(digits[0]) + 0.5 if digits else 0.0


def step_up(
    reference: Path,
    types: Sequence[str],
    make: Callable[[str], Path],
    plan: Plan,
    *,
    gate: float = 1.0,
    store: Store | None = None,
    display: Display = _QUIET,
) -> Passed:
    """Make one of `types` after the other until one loses at most `gate` points of task success.

    `make` writes the model as a type and returns its file; a file that does not pass is removed.
    The last type is taken in any case. Token-by-token figures are measured for that one alone.
    Raises SodError; whatever `make` wrote last is then the caller's to remove.
    """
    if not 0 <= gate <= 100:
        raise ExportError(f"--gate is in points of task success, from 0 to 100, not {gate:g}")
    tried: dict[str, Model] = {}
    with Comparison(reference, plan, store or Store(None), display) as comparison:
        before = comparison.reference()
        _tell_resolution(before, gate, display)
        for type in types:
            path = make(type)
            tried[type] = model = comparison.candidate(path, tokens=False)
            within = model.lost <= gate
            display.say(verdict(type, model, gate))
            if within or type == types[-1]:
                measured = comparison.candidate(path)
                fidelity = comparison.summary([measured])
                return Passed(type, path, tried, fidelity, within, gate)
            path.unlink()
    raise ExportError("there is no type to try")


def export_gated(
    source: Path,
    type: str,
    place: Callable[[str], Path],
    convert: Callable[..., Path],
    *,
    gate: float,
    problems: Path | None = None,
    limit: int | None = None,
    adapter: Path | None = None,
    calibrate: Path | None = None,
    name: str | None = None,
    display: Display = _QUIET,
) -> Passed:
    """Export `source` as `type`, or as the next type that loses at most `gate` points.

    Compared is with `source` itself if it is a GGUF file, and otherwise with it in f16. `convert`
    is `export.gguf.export_gguf`; `place` says where a type's file belongs, and only the one that
    passes gets there. `problems` None are those of the run that `source` lies in.
    Raises SodError; nothing is left behind then.
    """
    if type in _UNQUANTISED and calibrate is not None:
        raise ExportError(f"{type} is not quantised, so there is nothing to calibrate")
    found = find_problems(problems, source)
    plan = Plan(load_problems(found, limit), settings_for(found), speed=True)
    store = Store(cache_dir() / "fidelity")
    with _work_folder(place(type).parent) as folder:
        reference = source
        if source.is_dir():
            reference = folder / f"{name or source.name}-f16.gguf".replace("/", "-")
            convert(source, reference, type="f16", adapter=adapter, name=name, display=display)
        imatrix = None
        if calibrate is not None:
            imatrix = folder / "imatrix.gguf"
            with display.stage("calibrating") as progress:
                collect(reference, calibrate, imatrix, on_progress=progress)

        def make(type: str) -> Path:
            out = folder / "try" / place(type).name
            out.parent.mkdir(exist_ok=True)
            used = None if type in _UNQUANTISED else imatrix
            return convert(reference, out, type=type, imatrix=used, display=display)

        types = steps_from(type)
        passed = step_up(reference, types, make, plan, gate=gate, store=store, display=display)
        out = place(passed.type)
        if passed.type != type:
            display.say(f"{type} lost too much: exported as {passed.type}")
        if not (source.is_file() and out.exists() and out.samefile(source)):
            with writing(out):
                passed.path.replace(out)
    fidelity = passed.fidelity
    measured = [replace(model, path=str(out)) for model in fidelity.candidates]
    return replace(passed, path=out, fidelity=replace(fidelity, candidates=measured))


@contextmanager
def _work_folder(beside: Path) -> Iterator[Path]:
    """A hidden folder on the same disk, removed at the end."""
    with writing(beside):
        folder = Path(tempfile.mkdtemp(dir=beside, prefix=".sod-gate-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _tell_resolution(reference: Model, gate: float, display: Display) -> None:
    count = reference.success.count
    if reference.success.hits == 0:
        raise ExportError(
            f"{Path(reference.path).name} solves none of the {count} problems, so that nothing "
            "could be lost: give easier ones with --problems, or leave out --gate"
        )
    one = 100 / count
    if one > gate:
        display.say(
            f"{count} problems: one alone is {one:.1f} points, so that the gate of {gate:g} lets "
            "pass what loses none"
        )


def verdict(type: str, model: Model, gate: float) -> str:
    """What the gate says of a type, in one line."""
    lost = f"{abs(model.lost):.1f} points {'lost' if model.lost >= 0 else 'gained'}"
    interval = (
        f"95 % interval of the loss {model.lost_low + 0.0:.1f} to {model.lost_high + 0.0:.1f}"
    )
    if model.lost <= gate:
        return f"{type} passes: {lost} ({interval})"
    sure = "" if model.lost_low > gate else ", which the interval does not exclude to be chance"
    return f"{type} does not pass: {lost}, and {gate:g} allowed ({interval}){sure}"
