"""Puts page, model and their descriptions into one folder that any static server serves."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from export.errors import ExportError
from export.files import writing
from export.web.bundle import FILES, bundle
from export.web.describe import QUESTIONS, describe_model, describe_protocol
from runtime.settings import ToolChoice

_OURS = {*FILES, "model.gguf", "model.json", "protocol.json"}


def build_page(
    model: Path,
    out: Path,
    *,
    untrained: bool = False,
    tool_choice: ToolChoice = "auto",
    questions: Sequence[str] = QUESTIONS,
) -> Path:
    """Write the page for the GGUF file `model` to the folder `out`; an older page is replaced.

    See `describe_model` for the other arguments. Raises ExportError, and ModelError for a file
    that the page cannot run; `out` is then as it was.
    """
    check_out(out)
    card = describe_model(model, untrained=untrained, tool_choice=tool_choice, questions=questions)
    built = bundle()
    part = out.with_name(f".{out.name}.{os.getpid()}.part")
    try:
        with writing(out):
            part.mkdir(parents=True)
            for name in FILES:
                shutil.copyfile(built / name, part / name)
            _place(model, part / "model.gguf")
            for name, content in (("model.json", card), ("protocol.json", describe_protocol())):
                text = json.dumps(content, ensure_ascii=False, indent=1)
                (part / name).write_text(text, encoding="utf-8")
            shutil.rmtree(out, ignore_errors=True)
            part.replace(out)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return out


def check_out(out: Path) -> None:
    """Raises ExportError if `out` holds anything that is not a page of ours."""
    if out.is_dir():
        foreign = sorted({path.name for path in out.iterdir()} - _OURS)
        if foreign:
            raise ExportError(
                f"{out} holds other things ({', '.join(foreign[:3])}): name a new folder with --out"
            )
    elif out.exists():
        raise ExportError(f"{out} is a file: name a folder with --out")


def _place(model: Path, target: Path) -> None:
    """The model in the page's folder: a second name of the file where that can be, else a copy."""
    with suppress(OSError):
        target.hardlink_to(model.resolve())
        return
    shutil.copyfile(model, target)
