"""`python -m export.gguf`: a checkpoint as a GGUF file that `sod-agent --model` runs.

This file turns flags into a type, a name and a call of `export_gguf`.
"""

from __future__ import annotations

import re
import shlex
import time
from pathlib import Path
from typing import Annotated

import typer

from export.command import Display, main
from export.errors import ExportError
from export.gguf_file import export_adapter, export_gguf, size
from export.source import find_source, names_of
from export.targets import FILE_TYPES, Choice, Target, check_type, four_bits
from runtime.models.gguf import inspect_gguf

HELP = """Export a model as a GGUF file for sod-agent and llama.cpp.

With no arguments: the newest runs/*/student in 8 bits, beside it. The path goes to standard
output. --q4 takes the 4-bit type that runs best on the target and says which.
"""

__all__ = ["app", "export_adapter", "export_gguf"]

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
    name, beside = names_of(source, model)
    if source.is_file():  # one that is quantised already says so in its name
        name = re.sub(rf"(?i)[-._]({'|'.join(FILE_TYPES)})$", "", name)
        beside = beside.with_name(name)

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
        f"{size(info.size)}, {info.weights * 8 / info.parameters:.2f} bits per weight, "
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


def _check_out(out: Path, source: Path) -> None:
    if out.is_dir():
        raise ExportError(f"{out} is a folder: name a file in it with --out")
    if not out.absolute().parent.is_dir():
        raise ExportError(f"there is no folder {out.absolute().parent} to write {out.name} into")
    if out.exists() and source.exists() and out.samefile(source):
        raise ExportError(f"{out} is what is to be exported: name another file with --out")


if __name__ == "__main__":
    main("export.gguf", app)
