"""From the start of the `sod-agent` process to its first evaluated token, and its peak memory.

Model load is reported apart, because it depends on the model and the disk. The time is read off
the trace: when the first turn begins, the next thing to happen is `llama_decode`. Starts with an
empty prefix cache and with a filled one alternate.

    python -m benchmarks.startup [--model NAME] [--rounds N]
"""

from __future__ import annotations

import json
import os
import shutil
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
    cache = {**os.environ, "SOD_AGENT_CACHE": str(folder / "cache")}
    spawned = time.time()
    done = subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, env=cache)
    rows = [json.loads(line) for line in trace.read_text().splitlines()]
    first_turn = next(row["at"] for row in rows if row["event"] == "turn")
    record: dict[str, Any] = json.loads(done.stdout)
    return first_turn - spawned, record


def measure(model: str | None = None, rounds: int = 9) -> list[Figure]:
    """Medians over `rounds` starts, after one that warms the disk cache."""
    path = resolve_model(model).path
    empty, filled = [], []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for _ in range(rounds + 1):
            shutil.rmtree(folder / "cache", ignore_errors=True)
            empty.append(one_start(path, folder))
            filled.append(one_start(path, folder))
    empty, starts = empty[1:], filled[1:]
    firsts = [
        median([record["timings"]["ttft_s"] for _, record in runs]) for runs in (empty, starts)
    ]
    prompt = starts[0][1]["tokens"]["prompt"]
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
            "time to first token, prefix cache filled / empty",
            firsts[1] / firsts[0],
            "x",
            detail=" against ".join(f"{first * 1000:.0f} ms" for first in reversed(firsts))
            + f", prompt of {prompt} tokens",
        ),
        Figure(
            "peak memory beyond the model file",
            peak - size,
            "MiB",
            detail=f"peak {peak:.0f} MiB, file {size:.0f} MiB, window 4096; sandbox workers apart",
        ),
    ]


def main(
    model: Annotated[str | None, typer.Option(help="GGUF or registry name.")] = None,
    rounds: Annotated[int, typer.Option(help="Starts to time.", min=1)] = 9,
) -> None:
    show("Start and memory of sod-agent", measure(model, rounds))


if __name__ == "__main__":
    typer.run(main)
