"""Record a real run of `sod-agent` as a picture: `python docs/record_demo.py` writes docs/demo.svg.

The commands run on a pseudo-terminal, so the picture shows what a person sees, colours included.
"""

from __future__ import annotations

import io
import os
import pty
import re
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

WIDTH = 96
COMMANDS = [
    'sod-agent "What is 17 * 23?"',
    'sod-agent "What is 17 * 23?" 2>/dev/null | sed "s/^/17 * 23 = /"',
]


def run(command: str) -> str:
    """What `command` writes to a terminal, escape sequences included."""
    chunks: list[bytes] = []

    def keep(descriptor: int) -> bytes:
        data = os.read(descriptor, 4096)
        chunks.append(data)
        return data

    pty.spawn(["/bin/sh", "-c", f"stty cols {WIDTH}; {command}"], keep)
    text = b"".join(chunks).decode("utf-8", "replace").replace("\r\n", "\n")
    # Neighbours of one colour become one text, or each token of the model would be drawn apart.
    return re.sub(r"(\x1b\[\d+m)([^\x1b]*)((?:\x1b\[0m\1[^\x1b]*)+)", _join, text)


def _join(match: re.Match[str]) -> str:
    return match[1] + match[2] + match[3].replace(f"\x1b[0m{match[1]}", "")


def main() -> None:
    os.environ["PATH"] = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    os.environ["TERM"] = "xterm-256color"
    console = Console(record=True, width=WIDTH, file=io.StringIO())
    for command in COMMANDS:
        console.print(Text(f"$ {command}", style="bold"))
        console.print(Text.from_ansi(run(command)))
    svg = console.export_svg(title="sod-agent, offline, two cores")
    svg = re.sub(r"@font-face \{.*?\}", "", svg, flags=re.DOTALL)  # no fonts from the network
    Path(__file__).with_name("demo.svg").write_text(svg)


if __name__ == "__main__":
    main()
