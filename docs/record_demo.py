"""Record a real run of `sod-agent` as a picture: `python docs/record_demo.py` writes docs/demo.svg.

The command runs on a pseudo-terminal, so the picture shows what a person sees, colours included.
"""

from __future__ import annotations

import io
import os
import pty
import shlex
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

WIDTH = 88
COMMANDS = [
    'sod-agent --tool-choice required "What is 17 * 23?"',
    'sod-agent --tool-choice required "What is 17 * 23?" 2>/dev/null',
]


def run(command: str) -> str:
    """What `command` writes to a terminal, escape sequences included."""
    chunks: list[bytes] = []

    def keep(descriptor: int) -> bytes:
        data = os.read(descriptor, 4096)
        chunks.append(data)
        return data

    here = shlex.quote(f"{sys.executable} -m runtime.cli.main")
    shell = f"sod-agent() {{ eval {here} '\"$@\"'; }}; stty cols {WIDTH}; {command}"
    pty.spawn(["/bin/sh", "-c", shell], keep)
    return b"".join(chunks).decode("utf-8", "replace").replace("\r\n", "\n")


def main() -> None:
    console = Console(record=True, width=WIDTH, file=io.StringIO())
    for command in COMMANDS:
        console.print(Text(f"$ {command}", style="bold"))
        console.print(Text.from_ansi(run(command)))
    console.save_svg(str(Path(__file__).parent / "demo.svg"), title="sod-agent, offline, 2 cores")


if __name__ == "__main__":
    main()
