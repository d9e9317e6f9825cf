"""The command `python -m export.onnx`."""

from __future__ import annotations

import shlex
import time
from pathlib import Path
from typing import Annotated

import typer

from export.card import Made, write_card
from export.command import Display, main
from export.errors import ExportError
from export.onnx.backends import Backend
from export.onnx.folder import Precision, export_onnx
from export.source import find_source, names_of
from runtime.models.onnx_folder import holds_onnx, inspect_onnx

HELP = """Export a model as a folder that ONNX Runtime runs on CPUs, on phones and in browsers.

With no arguments: the newest runs/*/student in 4 bits, beside it. The path goes to standard
output. sod-agent, onnxruntime-genai and transformers.js read the same folder.
"""
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command(help=HELP)
def run(
    model: Annotated[
        str | None,
        typer.Option(
            help="Hugging Face folder or id, or a GGUF file.", show_default="newest runs/*/student"
        ),
    ] = None,
    int4: Annotated[bool, typer.Option("--int4", help="4 bits; the default.")] = False,
    int8: Annotated[bool, typer.Option("--int8", help="8 bits.")] = False,
    fp16: Annotated[bool, typer.Option("--fp16", help="Half precision, for GPUs.")] = False,
    fp32: Annotated[bool, typer.Option("--fp32", help="Not quantised.")] = False,
    backend: Annotated[Backend, typer.Option(help="What builds the graph.")] = "genai",
    optimum_python: Annotated[
        Path | None,
        typer.Option(help="Interpreter of an environment with optimum-onnx, for that backend."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="The folder to write.", show_default="beside the model")
    ] = None,
    card: Annotated[bool, typer.Option(help="Write a model card into the folder.")] = True,
) -> int:
    display, started = Display(), time.monotonic()
    precision = _choose(int4=int4, int8=int8, fp16=fp16, fp32=fp32)
    source = find_source(model)
    name, beside = names_of(source, model)
    out = (out or beside.with_name(f"{beside.name}-onnx-{precision}")).absolute()
    _check_out(out)
    display.say(f"exporting {source} as ONNX, {precision}")
    export_onnx(
        source,
        out,
        precision=precision,
        backend=backend,
        optimum_python=optimum_python,
        name=name,
        display=display,
    )
    if card:
        write_card(Made(out, source, precision, notes=(f"graph by {backend}",)))
    size = inspect_onnx(out).size
    display.say(f"{size / 1e6:.1f} MB, {time.monotonic() - started:.1f} s")
    display.say(f'run it: sod-agent --model {shlex.quote(str(out))} "What is 17 * 23?"')
    print(out)
    return 0


def _choose(**flags: bool) -> Precision:
    chosen = [name for name, given in flags.items() if given]
    if len(chosen) > 1:
        raise ExportError("give one of --int4, --int8, --fp16 and --fp32")
    precision: Precision = "int4"
    for each in chosen:
        precision = each  # type: ignore[assignment]  # the flags are named as the precisions
    return precision


def _check_out(out: Path) -> None:
    if not out.parent.is_dir():
        raise ExportError(f"there is no folder {out.parent} to write {out.name} into")
    if out.is_file():
        raise ExportError(f"{out} is a file: name a folder with --out")
    if out.is_dir() and any(out.iterdir()) and not holds_onnx(out):
        raise ExportError(f"{out} holds something else: name a new folder with --out")


if __name__ == "__main__":
    main("export.onnx", app)
