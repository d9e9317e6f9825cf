"""`python -m export.web`: build the page for a model, and serve it."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from export.command import Display, main
from export.errors import ExportError
from export.source import find_source
from export.web.build import build_page, check_out
from export.web.describe import QUESTIONS
from export.web.serve import open_server
from runtime.models import resolve_model
from runtime.models.registry import load_registry
from runtime.settings import ToolChoice

HELP = """Make a static page that runs a model, its tool included, in a browser.

With no arguments: the newest runs/*/student, in 8 bits. The folder's path goes to standard output;
any static server serves it, --serve does so here. The first page needs npm, to fetch the packages
that page/package-lock.json pins.
"""
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command(help=HELP)
def run(
    model: Annotated[
        str | None,
        typer.Option(
            help="GGUF file, Hugging Face folder or id, or a name from the registry.",
            show_default="newest runs/*/student",
        ),
    ] = None,
    out: Annotated[Path, typer.Option(help="The folder to write.")] = Path("web"),
    type: Annotated[
        str, typer.Option(help="llama.cpp's type, for a model that is no GGUF file yet.")
    ] = "q8_0",
    tool_choice: Annotated[
        ToolChoice,
        typer.Option(help="Whether the first turn must call the tool, or none may."),
    ] = "auto",
    question: Annotated[
        list[str] | None, typer.Option(help="An example on the page; may be repeated.")
    ] = None,
    serve: Annotated[
        int | None, typer.Option(metavar="PORT", help="Serve the page on this machine.")
    ] = None,
) -> int:
    display = Display()
    check_out(out)
    # Beside the page, so that the model can take its place there without being copied.
    beside = out.absolute().parent
    if not beside.is_dir():
        raise ExportError(f"there is no folder {beside} to write {out.name} into")
    with tempfile.TemporaryDirectory(prefix=".sod-web-", dir=beside) as folder:
        path, untrained = _gguf(model, type, Path(folder), display)
        with display.stage("building the page"):
            build_page(
                path,
                out,
                untrained=untrained,
                tool_choice=tool_choice,
                questions=question or QUESTIONS,
            )
    size = sum(file.stat().st_size for file in out.iterdir())
    display.say(f"{size / 1e6:.0f} MB in {out}")
    print(out, flush=True)
    if serve is not None:
        _serve(out, serve, display)
    return 0


def _gguf(model: str | None, type: str, folder: Path, display: Display) -> tuple[Path, bool]:
    """The GGUF file of `model`, made in `folder` if need be, and whether it never learnt tools."""
    if model in load_registry().entries:
        found = resolve_model(model)
        if found.lora is not None:
            raise ExportError(f"{model} has a LoRA on top, which the page cannot load: merge it")
        return found.path, found.untrained
    source = find_source(model)
    if source.is_file():
        return source, False
    from export.gguf import export_gguf

    name = source.parent.name if source.name == "student" else source.name
    out = folder / f"{name}-{type}.gguf"
    return export_gguf(source, out, type=type, name=name, display=display), False


def _serve(folder: Path, port: int, display: Display) -> None:
    with open_server(folder, port) as server:
        display.say(f"http://localhost:{server.server_port}/ (Ctrl-C ends it)")
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            display.say("stopped")


if __name__ == "__main__":
    main("export.web", app)
