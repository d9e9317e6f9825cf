"""Builders run in processes of their own, so that their imports, patches and prints stay there."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from export.checkpoint import one_line
from export.errors import ExportError


def run_ours(module: str, args: Sequence[str], folder: Path, needs: Mapping[str, str]) -> None:
    """Run a module of this project as `run` does."""
    root = str(Path(__file__).parents[2])
    run([sys.executable, "-m", module, *args], folder, needs, root)


def run(command: Sequence[str], folder: Path, needs: Mapping[str, str], path: str = "") -> None:
    """Run `command` in `folder`, offline; `path` is where it may import from besides.

    `needs` says for a module what to do when it is missing.
    Raises ExportError with the last line of what it printed, OSError for a full disk.
    """
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "PYTHONPATH": path}
    log = folder / "log.txt"
    with log.open("wb") as file:
        process = subprocess.Popen(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            env=environment,
        )
        try:
            code = process.wait()
        finally:  # of Ctrl-C too
            process.kill()
            process.wait()
    if code == 0:
        return
    text = log.read_text("utf-8", "replace")
    for module, hint in needs.items():
        if f"No module named '{module}" in text or f"No module named {module}" in text:
            raise ExportError(f"this backend needs {module}: {hint}")
    if os.strerror(errno.ENOSPC) in text:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    lines = [line for line in text.splitlines() if line.strip()]
    why = one_line(Exception(lines[-1])) if lines else f"exit code {code}"
    raise ExportError(f"the builder failed: {why}")
