"""`python -m export.gguf`: a checkpoint as a GGUF file that `sod-agent --model` runs.

Weights go through one tensor at a time into an unquantised file, which llama.cpp quantises. The
result takes its name only after llama.cpp has read every text as training did and has evaluated
it; a failure, a full disk or Ctrl-C leaves nothing behind.
"""

from __future__ import annotations

import re
import shlex
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from export.command import Display, main
from export.errors import ExportError
from export.files import replacing, scratch
from export.source import find_source
from export.targets import FILE_TYPES, Choice, Target, check_type, four_bits
from runtime.errors import ModelError
from runtime.models.gguf import GgufInfo, inspect_gguf

HELP = """Export a model as a GGUF file for sod-agent and llama.cpp.

With no arguments: the newest runs/*/student in 8 bits, beside it. The path goes to standard
output. --q4 takes the 4-bit type that runs best on the target and says which.
"""
_QUIET = Display(show=False)


def export_gguf(
    source: Path,
    out: Path,
    *,
    type: str = "q8_0",
    adapter: Path | None = None,
    imatrix: Path | None = None,
    calibrate: Path | None = None,
    name: str | None = None,
    display: Display = _QUIET,
) -> Path:
    """Write the model `source`, a Hugging Face folder or a GGUF file, as `type` to `out`.

    `type` is llama.cpp's name in lower case. `adapter` is the folder of a LoRA to merge in.
    `imatrix` is an importance matrix; `calibrate` are traces to make one of. `name` is written
    into the file (default: the folder's).
    Raises ExportError or ModelError; `out` is then as it was.
    """
    type = check_type(type)
    if source.is_dir():
        with replacing(out) as part:
            _from_folder(source, part, type, adapter, imatrix, calibrate, name, display)
            _check(part, display)
        return out
    info = _check_gguf(source, adapter)
    if info.file_type not in ("F32", "F16", "BF16", type.upper()):
        display.say(f"{source} is {info.file_type} already: what that lost stays lost")
    with replacing(out) as part:
        _quantize(source, part, type, imatrix, calibrate, display)
        _check(part, display)
    return out


def export_adapter(
    base: Path, adapter: Path, out: Path, *, name: str | None = None, display: Display = _QUIET
) -> Path:
    """Write the LoRA in the folder `adapter` as a GGUF adapter for the model in `base`.

    Raises ExportError; `out` is then as it was.
    """
    from export.architectures import architecture_of
    from export.checkpoint import Checkpoint
    from export.convert import write_adapter
    from export.lora import check_fits, open_adapter
    from export.metadata import provenance_of

    if not base.is_dir():
        raise ExportError(f"{base} is no Hugging Face folder: give the LoRA's base as one")
    checkpoint, lora = Checkpoint(base), open_adapter(adapter)
    architecture = architecture_of(checkpoint.architecture, checkpoint.config)
    check_fits(lora, architecture.shapes(), str(base))
    with replacing(out) as part:
        provenance = provenance_of(base, name or adapter.resolve().name)
        write_adapter(lora, architecture, provenance, part)
    display.say(f"{len(lora.factors)} layers changed by {adapter}")
    return out


def _from_folder(
    source: Path,
    out: Path,
    type: str,
    adapter: Path | None,
    imatrix: Path | None,
    calibrate: Path | None,
    name: str | None,
    display: Display,
) -> None:
    from export.checkpoint import Checkpoint
    from export.convert import FLOATS, check_vocabulary, plan_model, write_model
    from export.lora import open_adapter
    from export.metadata import provenance_of

    checkpoint = Checkpoint(source)
    lora = open_adapter(adapter) if adapter else None
    provenance = provenance_of(source, name or source.resolve().name)
    plan = plan_model(checkpoint, type if type in FLOATS else "f16", provenance, lora)
    _check_space(out, plan.nbytes, quantized=type not in FLOATS)
    for token in plan.table.left_out:
        display.say(f"left out the token {token}, which has no row in the embedding")
    plan, compared = check_vocabulary(plan, out)
    display.say(f"llama.cpp reads {compared} texts to the same token ids")
    with _unquantized(out, type in FLOATS) as floats:
        with display.stage("converting") as progress:
            write_model(plan, floats, progress)
        if type not in FLOATS:
            _quantize(floats, out, type, imatrix, calibrate, display)


@contextmanager
def _unquantized(out: Path, final: bool) -> Iterator[Path]:
    if final:
        yield out
    else:
        with scratch(out, "f16") as path:
            yield path


def _quantize(
    source: Path,
    out: Path,
    type: str,
    imatrix: Path | None,
    calibrate: Path | None,
    display: Display,
) -> None:
    from export.quantize import quantize

    if calibrate is not None:
        from export.imatrix import calibrate as collect

        with scratch(out, "imatrix") as matrix:
            with display.stage("calibrating") as progress:
                collect(source, calibrate, matrix, on_progress=progress)
            _quantize(source, out, type, matrix, None, display)
        return
    with display.stage(f"quantising to {type}") as progress:
        done = quantize(source, out, type, imatrix=imatrix, on_progress=progress)
    for kind, count in done.fallbacks.items():
        display.say(f"{kind} for {count} weights: their rows do not fit the blocks of {type}")
    if done.unweighted:
        names = ", ".join(done.unweighted[:3])
        display.say(f"{len(done.unweighted)} weights have no importance: {names}, ...")


def _check(path: Path, display: Display) -> None:
    from export.verify import check_runs

    with display.stage("checking"):
        check_runs(path)


def _check_gguf(source: Path, adapter: Path | None) -> GgufInfo:
    info = inspect_gguf(source)
    if info.kind != "model" or not info.tensors:
        raise ModelError(f"{source} is not a language model but of type '{info.kind}'")
    if adapter is not None:
        raise ExportError(
            f"a LoRA is merged into a Hugging Face folder, not into {source}: name the folder of "
            "its base, or write the adapter alone with --lora-only"
        )
    return info


def _check_space(out: Path, nbytes: int, *, quantized: bool) -> None:
    """Refuse before the work what the disk cannot hold after it."""
    # A file of half the size beside the unquantised one is the most that a quantiser leaves.
    needed = nbytes * 3 // 2 if quantized else nbytes
    free = shutil.disk_usage(out.parent).free
    if needed > free:
        raise ExportError(
            f"no space left on the disk: {_size(needed)} are needed in {out.parent.absolute()} "
            f"while exporting, and {_size(free)} are free"
        )


app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command(help=HELP)
def run(
    model: Annotated[
        str | None,
        typer.Option(
            help="Hugging Face folder or id, or a GGUF file.", show_default="newest runs/*/student"
        ),
    ] = None,
    q4: Annotated[bool, typer.Option("--q4", help="4 bits: the best type for --target.")] = False,
    q5: Annotated[bool, typer.Option("--q5", help="5 bits (q5_k_m).")] = False,
    q8: Annotated[bool, typer.Option("--q8", help="8 bits (q8_0); the default.")] = False,
    f16: Annotated[bool, typer.Option("--f16", help="16 bits, not quantised.")] = False,
    type: Annotated[str | None, typer.Option(help="Any type of llama.cpp, such as iq4_nl.")] = None,
    target: Annotated[
        Target, typer.Option(help="What --q4 is chosen for; auto is this machine.")
    ] = "auto",
    lora: Annotated[
        Path | None, typer.Option(help="Folder of a LoRA adapter to merge into the model.")
    ] = None,
    lora_only: Annotated[
        bool, typer.Option("--lora-only", help="Write the adapter alone, for sod-agent --lora.")
    ] = False,
    calibrate: Annotated[
        Path | None,
        typer.Option(help="Traces of sod-agent --trace or of a run, to quantise by."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="The file to write.", show_default="beside the model")
    ] = None,
    gate: Annotated[
        float | None,
        typer.Option(help="Points of task success that may be lost; more bits are tried if not."),
    ] = None,
    problems: Annotated[
        Path | None, typer.Option(help="For --gate.", show_default="the run's held-out ones")
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="For --gate: only the first so many problems.")
    ] = None,
    card: Annotated[bool, typer.Option(help="Write a model card beside the file.")] = True,
) -> int:
    display, started = Display(), time.monotonic()
    if lora_only:
        return _run_adapter(model, lora, out, display)
    choice = _choose(type, target, q4=q4, q5=q5, q8=q8, f16=f16)
    source = find_source(model)
    name, beside = _names(source, model)

    def place(type: str) -> Path:
        return out or beside.with_name(f"{beside.name}-{type}.gguf")

    _check_out(place(choice.type), source)
    if choice.why:
        display.say(f"{choice.type}: {choice.why} (--type takes any other)")
    display.say(f"exporting {source} as {choice.type}")
    passed = None
    if gate is None:
        result = export_gguf(
            source,
            place(choice.type),
            type=choice.type,
            adapter=lora,
            calibrate=calibrate,
            name=name,
            display=display,
        )
    else:
        from export.gate import export_gated

        passed = export_gated(
            source,
            choice.type,
            place,
            export_gguf,
            gate=gate,
            problems=problems,
            limit=limit,
            adapter=lora,
            calibrate=calibrate,
            name=name,
            display=display,
        )
        result = passed.path
    if card:
        from export.card import card_of_gguf

        card_of_gguf(result, source, choice.type, lora, calibrate, passed)
    info = inspect_gguf(result)
    display.say(
        f"{_size(info.size)}, {info.weights * 8 / info.parameters:.2f} bits per weight, "
        f"{time.monotonic() - started:.1f} s"
    )
    display.say(f'run it: sod-agent --model {shlex.quote(str(result))} "What is 17 * 23?"')
    print(result)
    return 0


def _run_adapter(model: str | None, lora: Path | None, out: Path | None, display: Display) -> int:
    from export.lora import open_adapter

    if lora is None:
        raise ExportError("--lora-only needs the adapter: give its folder as --lora")
    base = find_source(model or open_adapter(lora).base)
    out = out or lora.absolute().with_name(f"{lora.absolute().name}-lora.gguf")
    _check_out(out, base)
    export_adapter(base, lora, out, display=display)
    display.say(f"run it: sod-agent --model BASE.gguf --lora {shlex.quote(str(out))}")
    print(out)
    return 0


def _choose(type: str | None, target: Target, *, q4: bool, q5: bool, q8: bool, f16: bool) -> Choice:
    if q4 + q5 + q8 + f16 + (type is not None) > 1:
        raise ExportError("give one of --q4, --q5, --q8, --f16 and --type")
    if type is not None:
        return Choice(check_type(type))
    if q4:
        return four_bits(target)
    return Choice("q5_k_m" if q5 else "f16" if f16 else "q8_0")


def _names(source: Path, asked: str | None) -> tuple[str, Path]:
    """What to call the model, and the path that its files begin with."""
    whole = source.resolve()
    if whole.is_file():
        stem = re.sub(rf"(?i)[-._]({'|'.join(FILE_TYPES)})$", "", whole.stem)
        return stem, source.with_name(stem)
    if whole.name == "student":  # of a run: beside it, in the run's folder
        return f"{whole.parent.name} student", source.absolute()
    if whole.parent.name == "snapshots":  # of the hub's cache, which is not ours to fill
        name = (asked or whole.name).partition("@")[0]
        return name, Path(name.rpartition("/")[2]).absolute()
    return whole.name, whole


def _check_out(out: Path, source: Path) -> None:
    if out.is_dir():
        raise ExportError(f"{out} is a folder: name a file in it with --out")
    if not out.absolute().parent.is_dir():
        raise ExportError(f"there is no folder {out.absolute().parent} to write {out.name} into")
    if out.exists() and source.exists() and out.samefile(source):
        raise ExportError(f"{out} is what is to be exported: name another file with --out")


def _size(nbytes: int) -> str:
    return f"{nbytes / 1e9:.2f} GB" if nbytes >= 1e9 else f"{nbytes / 1e6:.1f} MB"


if __name__ == "__main__":
    main("export.gguf", app)
