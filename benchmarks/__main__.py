"""All benchmarks of the runtime in one run: `python -m benchmarks [--save FILE]`.

Each can also be run alone, for example `python -m benchmarks.decode_overhead`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from benchmarks import decode_overhead, kv_reuse, startup, tool_latency
from benchmarks.report import machine, save, show


def main(
    model: Annotated[str | None, typer.Option(help="GGUF or registry name.")] = None,
    save_to: Annotated[
        Path | None, typer.Option("--save", help="Also write the figures as JSON.")
    ] = None,
) -> None:
    figures = [
        *decode_overhead.measure(model),
        *startup.measure(model),
        *kv_reuse.measure(model),
        *tool_latency.measure(),
    ]
    facts = machine()
    show(f"{facts['cpu']}, {facts['cores']} cores, Python {facts['python']}", figures)
    if save_to is not None:
        save(save_to, "runtime", figures)


if __name__ == "__main__":
    typer.run(main)
