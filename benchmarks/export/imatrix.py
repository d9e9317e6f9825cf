"""What an importance matrix is worth to an agent: none, of generic text, of its own trajectories.

The reference model answers problems; some of these trajectories calibrate, others, of problems
that the former do not contain, are held out. Each 4-bit type is made three times, and compared
with the reference on the held-out tokens that the model wrote: KL(reference || quantised), tool
calls and free text apart. Generic text is Python's language reference, as many tokens of it as
the calibration trajectories have.

    python -m benchmarks.export.imatrix [--model nano] [--problems FILE] [--types q4_0]
        [--calibration N] [--held-out N] [--work FOLDER] [--save FILE]

`nano` is the shipped teacher, in float16. `smollm2` is the default model, which is packaged in
Q4_1: its reference is that file's weights in float16, so they lie on a grid of 16 steps already,
and figures are those of a second rounding. Neither model's rows all fit the 256-wide blocks of
K-quants; llama.cpp takes other types there.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import typer
from numpy.typing import NDArray

from benchmarks.model_files import hash_model
from benchmarks.report import Figure, save
from benchmarks.statistics import mean_over_groups
from export.command import Display
from export.fidelity.forcing import Forced, force
from export.fidelity.models import opened
from export.fidelity.store import Store
from export.gguf import export_gguf
from export.imatrix import collect_imatrix
from export.quantize import quantize
from export.traces import Vocabulary, read_trajectories
from runtime import Agent
from runtime.engines.base import ScoringEngine
from runtime.engines.llama_cpp import LlamaCppEngine
from runtime.events import TextDelta
from runtime.models import resolve_model
from train.nano.data import problems as generated

Model = Literal["nano", "smollm2"]
TYPES = "q4_0,q4_k_m,iq4_nl"
MODELS: tuple[Model, ...] = ("nano", "smollm2")
CALIBRATIONS = ("none", "generic text", "on-policy")
_TEACHER = Path(__file__).parents[2] / "train" / "nano" / "teacher"
# The default model is not trained on tools: it is shown a call, and cut off before it rambles.
_SETTINGS: dict[str, dict[str, Any]] = {
    "nano": {"max_turns": 8},
    "smollm2": {"tool_choice": "required", "example": True, "max_turns": 4, "max_tokens": 200},
}
_DRAWS = 2000


@dataclass(frozen=True)
class Row:
    """One quantised file. `calls` and `text` are (mean KL in nats, low, high) of a 95 % interval.

    `ratio` is the KL of all tokens over that without calibration, with its interval.
    """

    type: str
    calibration: str
    size: int
    calls: tuple[float, float, float]
    text: tuple[float, float, float]
    same: float  # share of tokens whose likeliest is the reference's
    ratio: tuple[float, float, float]


def measure(
    model: Model,
    folder: Path,
    types: Sequence[str],
    questions: tuple[Sequence[str], Sequence[str]],
    n_threads: int | None,
    display: Display,
) -> list[Row]:
    """Everything for one model; traces that `folder` already has are taken from there."""
    reference = folder / f"{model}-f16.gguf"
    if not reference.exists():
        source = _TEACHER if model == "nano" else resolve_model(None).path
        export_gguf(source, reference, type="f16", display=display)
    traces = [folder / f"{model}-{part}.jsonl" for part in ("calibration", "held-out")]
    for trace, asked in zip(traces, questions, strict=True):
        if not trace.exists():
            record(reference, asked, trace, _SETTINGS[model], n_threads, display)
    with Vocabulary(reference) as vocabulary:
        calibration, held_out = (read_trajectories(trace, vocabulary) for trace in traces)
        own = [each.ids for each in calibration]
        generic = generic_text(vocabulary, sum(map(len, own)))
    matrices: dict[str, Path | None] = {"none": None}
    for name, ids in (("generic text", generic), ("on-policy", own)):
        with display.stage(f"{model}: importance on {name}") as progress:
            matrices[name] = collect_imatrix(
                reference,
                ids,
                folder / f"{model}-{name.replace(' ', '-')}.imatrix",
                n_threads=n_threads,
                dataset=name,
                on_progress=progress,
            )
    rows: list[Row] = []
    longest = max(len(each.ids) for each in held_out)
    store = Store(folder / "results")
    with opened(reference, longest, n_threads) as engine:
        first = Remembered(engine)
        for type in types:
            plain: list[Forced] | None = None
            for name in CALIBRATIONS:
                file = folder / f"{model}-{type}-{name.replace(' ', '-')}.gguf"
                done = quantize(reference, file, type, imatrix=matrices[name], n_threads=n_threads)
                hashes = (hash_model(reference), hash_model(file))
                with (
                    opened(file, longest, n_threads) as second,
                    display.stage(file.name) as progress,
                ):
                    forced = force(first, second, hashes, held_out, store, progress)
                plain = plain or forced
                rows.append(_row(type, name, file, forced, plain))
                display.say(f"{model} {type} {name}: {_text(rows[-1])} {done.fallbacks or ''}")
    return rows


def record(
    model: Path,
    questions: Sequence[str],
    trace: Path,
    settings: dict[str, Any],
    n_threads: int | None,
    display: Display,
) -> None:
    """Answer `questions` and write what `sod-agent --trace` writes."""
    engine = LlamaCppEngine(model, n_threads=n_threads)
    part = trace.with_suffix(".part")
    try:
        with (
            Agent(engine=engine, **settings) as agent,
            part.open("w") as file,
            display.stage(f"{model.name}: {len(questions)} problems") as progress,
        ):
            for number, question in enumerate(questions):
                for event in agent.stream(question):
                    if not isinstance(event, TextDelta):
                        file.write(json.dumps(event.to_dict()) + "\n")
                progress(number + 1, len(questions))
        part.replace(trace)
    finally:
        engine.close()
        part.unlink(missing_ok=True)


def generic_text(vocabulary: Vocabulary, tokens: int) -> list[list[int]]:
    """At least `tokens` ids of English text, in windows of 512: Python's language reference."""
    from pydoc_data.topics import topics

    chunks: list[list[int]] = []
    for topic in sorted(topics):
        ids = vocabulary.tokenizer.encode(topics[topic], special=False)
        chunks += [ids[at : at + 512] for at in range(0, len(ids), 512)]
    # Spread over the whole text: its topics begin with a handful of statements.
    order = np.random.default_rng(0).permutation(len(chunks))
    taken: list[list[int]] = []
    for place in order:
        taken.append(chunks[place])
        if sum(map(len, taken)) >= tokens:
            break
    return taken


class Remembered:
    """The reference's engine, which scores each trajectory once. Not more than some hundred."""

    def __init__(self, engine: ScoringEngine) -> None:
        self._engine = engine
        self._rows: dict[tuple[int, ...], list[NDArray[np.float32]]] = {}

    def score(self, ids: Sequence[int], start: int) -> Iterator[NDArray[np.float32]]:
        key = (start, *ids)
        if key not in self._rows:
            self._rows[key] = list(self._engine.score(ids, start))
        return iter(self._rows[key])

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)


def _row(
    type: str, name: str, file: Path, forced: Sequence[Forced], plain: Sequence[Forced]
) -> Row:
    same = [flag for each in forced for flag in (*each.text_same, *chain(*each.call_same))]
    return Row(
        type=type,
        calibration=name,
        size=file.stat().st_size,
        calls=mean_over_groups([np.array([*chain(*each.call_kl)]) for each in forced]),
        text=mean_over_groups([np.array(each.text_kl) for each in forced]),
        same=sum(same) / len(same),
        ratio=_ratio(_sums(forced), _sums(plain)),
    )


def _sums(forced: Sequence[Forced]) -> NDArray[np.float64]:
    return np.array([sum(each.text_kl) + sum(chain(*each.call_kl)) for each in forced])


def _ratio(one: NDArray[np.float64], other: NDArray[np.float64]) -> tuple[float, float, float]:
    """Sum of `one` over that of `other`; the interval draws trajectories, the same from both."""
    draws = np.random.default_rng(0).integers(len(one), size=(_DRAWS, len(one)))
    ratios = one[draws].sum(axis=1) / other[draws].sum(axis=1)
    low, high = np.quantile(ratios, (0.025, 0.975))
    return float(one.sum() / other.sum()), float(low), float(high)


def figures(model: str, rows: Sequence[Row]) -> Iterator[Figure]:
    for row in rows:
        name = f"{model}, {row.type}, {row.calibration}"
        detail = f"{row.size} bytes, same likeliest token {row.same:.4f}"
        for what, (mean, low, high) in (("tool calls", row.calls), ("free text", row.text)):
            interval = f"95 % interval {low:.3g} to {high:.3g}; {detail}"
            yield Figure(f"{name}: KL, {what}", mean, "nats per token", detail=interval)
        if row.calibration != "none":
            ratio, low, high = row.ratio
            interval = f"95 % interval {low:.3f} to {high:.3f}"
            yield Figure(f"{name}: KL / without", ratio, "x", "below 1", ratio < 1, interval)


def show(model: str, rows: Sequence[Row]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title=f"{model}: mean KL per held-out token, in millinats", title_justify="left")
    for column in ("type", "calibrated on", "MB", "tool calls", "free text", "same top", "/ none"):
        table.add_column(column, justify="left" if column in ("type", "calibrated on") else "right")
    for row in rows:
        table.add_row(
            row.type,
            row.calibration,
            f"{row.size / 1e6:.2f}",
            _interval(row.calls, 1000),
            _interval(row.text, 1000),
            f"{row.same:.2%}",
            _interval(row.ratio, 1),
        )
    Console(width=140).print(table)


def _interval(figure: tuple[float, float, float], scale: float) -> str:
    mean, low, high = (value * scale for value in figure)
    return f"{mean:.3g} ({low:.3g} to {high:.3g})"


def _text(row: Row) -> str:
    return f"calls {row.calls[0]:.3g}, text {row.text[0]:.3g} nats, x{row.ratio[0]:.2f}"


def _questions(file: Path | None, calibration: int, held_out: int) -> tuple[list[str], list[str]]:
    if file is None:
        return (
            [problem.prompt() for problem in generated(calibration, 1, "train")],
            [problem.prompt() for problem in generated(held_out, 1, "eval")],
        )
    with file.open(encoding="utf-8") as lines:  # splitlines() would also cut at U+2028
        asked = [json.loads(line)["question"] for line in lines]
    if len(asked) < calibration + held_out:
        raise typer.BadParameter(f"{file} has {len(asked)} problems: too few")
    return asked[:calibration], asked[calibration : calibration + held_out]


@contextmanager
def _folder(path: Path | None) -> Iterator[Path]:
    if path is not None:
        path.mkdir(parents=True, exist_ok=True)
    with nullcontext(str(path)) if path else tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


def main(
    model: Annotated[
        Literal["nano", "smollm2", "both"], typer.Option(help="Which model.")
    ] = "both",
    problems: Annotated[
        Path | None,
        typer.Option(help="JSON lines with a question each; else generated problems."),
    ] = None,
    types: Annotated[str, typer.Option(help="Types, by commas.")] = TYPES,
    calibration: Annotated[int, typer.Option(min=1, help="Problems to calibrate on.")] = 40,
    held_out: Annotated[int, typer.Option(min=2, help="Problems held out.")] = 20,
    threads: Annotated[int | None, typer.Option(min=1)] = None,
    work: Annotated[
        Path | None, typer.Option(help="Keep files here; traces in it are used again.")
    ] = None,
    save_to: Annotated[Path | None, typer.Option("--save", help="Also write as JSON.")] = None,
) -> None:
    display = Display()
    found: list[Figure] = []
    questions = _questions(problems, calibration, held_out)
    with _folder(work) as folder:
        for each in MODELS if model == "both" else (model,):
            rows = measure(each, folder, types.split(","), questions, threads, display)
            show(each, rows)
            found += figures(each, rows)
    if save_to is not None:
        save(save_to, "imatrix", found)


if __name__ == "__main__":
    typer.run(main)
