"""From the start of the `sod-agent` process to its first evaluated token, and its peak memory.

Model load is reported apart, because it depends on the model and the disk. The time is read off
the trace: when the first turn begins, the next thing to happen is `llama_decode`.

    python -m benchmarks.startup [--model NAME] [--rounds N]
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from benchmarks.report import Figure, median, show
from runtime.models import resolve_model


def one_start(model: Path, folder: Path) -> tuple[float, dict[str, Any]]:
    """Seconds from spawning the process to its first turn, model load included; its record."""
    trace = folder / "trace.jsonl"
    command = [sys.executable, "-m", "runtime.cli.main", "What is 6 * 7?", "--json"]
    command += ["--model", str(model), "--trace", str(trace)]
    command += ["--tool-choice", "required", "--max-tokens", "128"]
    spawned = time.time()
    done = subprocess.run(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, check=False)
    rows = [json.loads(line) for line in trace.read_text().splitlines()]
    first_turn = next(row["at"] for row in rows if row["event"] == "turn")
    record: dict[str, Any] = json.loads(done.stdout)
    return first_turn - spawned, record


def measure(model: str | None = None, rounds: int = 9) -> list[Figure]:
    """Medians over `rounds` starts, after one that warms the disk cache."""
    path = resolve_model(model).path
    starts = []
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(rounds + 1):
            starts.append(one_start(path, Path(folder)))
    starts = starts[1:]
    loads = [record["timings"]["load_s"] for _, record in starts]
    apart = median([spent - load for (spent, _), load in zip(starts, loads, strict=True)])
    size = path.stat().st_size / 2**20
    peak = median([record["peak_rss_mb"] for _, record in starts])
    return [
        Figure(
            "process start to first evaluated token, without model load",
            apart * 1000,
            "ms",
            "under 300 ms",
            apart < 0.3,
            f"model load {median(loads) * 1000:.0f} ms, {rounds} starts",
        ),
        Figure(
            "peak memory beyond the model file",
            peak - size,
            "MiB",
            detail=f"peak {peak:.0f} MiB, model file {size:.0f} MiB, window 4096",
        ),
    ]


def main(
    model: Annotated[str | None, typer.Option(help="GGUF or registry name.")] = None,
    rounds: Annotated[int, typer.Option(help="Starts to time.", min=1)] = 9,
) -> None:
    show("Start and memory of sod-agent", measure(model, rounds))


if __name__ == "__main__":
    typer.run(main)
