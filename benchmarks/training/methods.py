"""What each way of weighting is worth: the same cold start, taught in every way, side by side.

Runs `python -m train.sod` itself, once to make the cold start and then once per row of WAYS with
--no-cold-start. All runs of a seed share problems, teacher and held-out problems. One seed says
little about a small difference: --seeds repeats everything. Runs that are already whole under
--output are not made again, interrupted ones go on.

    python -m benchmarks.training.methods [--steps N] [--seeds N] [--jobs N] [--only NAME ...]
        [--output FOLDER] [--save FILE]
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from benchmarks.report import Figure, save

# name: flags of train.sod
WAYS: dict[str, tuple[str, ...]] = {
    "opd": ("--method", "opd"),
    "first": ("--weight-baseline", "first"),
    "mean": ("--weight-baseline", "mean"),
    "ema": ("--weight-baseline", "ema"),
    "floor": ("--weight-baseline", "floor"),
    "mean, full": ("--weight-baseline", "mean", "--divergence", "full"),
    "grpo": ("--method", "grpo"),
}


def run(folder: Path, flags: list[str]) -> None:
    """One run of train.sod to its end, its output in `folder`.log; done ones are kept.

    Raises RuntimeError with the run's last words if it fails.
    """
    if _evaluation(folder, "after") is not None:
        return
    words = [sys.executable, "-m", "train.sod", "--output", str(folder), *flags]
    if (folder / "lock.json").exists():
        words.append("--resume")
    folder.parent.mkdir(parents=True, exist_ok=True)
    # One thread each: jobs that share cores wait for each other's threads otherwise.
    threads = {"OMP_NUM_THREADS": "1"}
    with folder.with_suffix(".log").open("w") as log:
        code = subprocess.run(words, stdout=log, stderr=log, env={**os.environ, **threads})
    if code.returncode not in (0, 1):  # 1: the guard ended it, which is a result
        raise RuntimeError(f"{folder} failed: {folder.with_suffix('.log').read_text()[-500:]}")


def _evaluation(folder: Path, split: str) -> dict[str, Any] | None:
    file = folder / "metrics.jsonl"
    if not file.exists():
        return None
    rows: list[dict[str, Any]] = [json.loads(line) for line in file.read_text().splitlines()]
    return next((row for row in rows if row.get("split") == split), None)


def _late_weights(folder: Path) -> tuple[float, float]:
    """Mean d_k and w_k of steps after the first, over the run."""
    sums = {"d_by_step": [0.0, 0], "w_by_step": [0.0, 0]}
    for line in (folder / "metrics.jsonl").read_text().splitlines():
        row = json.loads(line)
        for name, total in sums.items():
            late = [value for value in (row.get(name) or [])[1:] if value is not None]
            total[0] += sum(late)
            total[1] += len(late)
    return tuple(total / max(count, 1) for total, count in sums.values())  # type: ignore[return-value]


def main(
    steps: Annotated[int, typer.Option(help="Optimiser steps of each run.", min=1)] = 40,
    seeds: Annotated[int, typer.Option(help="Repeat with this many seeds.", min=1)] = 1,
    jobs: Annotated[int, typer.Option(help="Runs at a time, one thread each.", min=1)] = 2,
    problems: Annotated[int, typer.Option(help="Held-out problems.", min=1)] = 400,
    only: Annotated[list[str] | None, typer.Option(help="Just this one; may be repeated.")] = None,
    output: Annotated[Path, typer.Option(help="Where the runs go.")] = Path("runs/methods"),
    save_to: Annotated[Path | None, typer.Option("--save", help="JSON file of figures.")] = None,
) -> None:
    """Compare the ways on the nano preset."""
    names = only or list(WAYS)
    if unknown := [name for name in names if name not in WAYS]:
        raise typer.BadParameter(f"{unknown[0]!r} is none of {', '.join(WAYS)}")
    console = Console()
    figures: list[Figure] = []
    for seed in range(seeds):
        home = output / f"seed-{seed}"
        shared = ["--seed", str(seed), "--eval-problems", str(problems), "--no-progress"]
        run(home / "cold", [*shared, "--steps", "1"])
        start = ["--student", str(home / "cold/cold_start"), "--no-cold-start"]
        with ThreadPoolExecutor(jobs) as pool:
            waiting = {
                name: pool.submit(
                    run,
                    home / name.replace(", ", "-"),
                    [*shared, *start, "--steps", str(steps), *WAYS[name]],
                )
                for name in names
            }
            for name, job in waiting.items():
                job.result()
                console.print(f"seed {seed}: {name} done", style="dim")
        figures += _figures(home, names, seed, console)
    if save_to is not None:
        save(save_to, "training methods", figures)


def _figures(home: Path, names: list[str], seed: int, console: Console) -> list[Figure]:
    table = Table(title=f"seed {seed}: held-out accuracy in %", title_justify="left")
    for column in ("", "before", "after", "95 %", "tool calls", "late d_k", "late w_k"):
        table.add_column(column)
    figures = []
    for name in names:
        folder = home / name.replace(", ", "-")
        before, after = _evaluation(folder, "before"), _evaluation(folder, "after")
        if before is None or after is None:
            raise RuntimeError(f"{folder} has no evaluation: see {folder.with_suffix('.log')}")
        divergence, weight = _late_weights(folder)
        interval = f"{100 * after['low']:.1f} to {100 * after['high']:.1f}"
        cells = (f"{100 * before['accuracy']:.1f}", f"{100 * after['accuracy']:.1f}", interval)
        late = (f"{after['tool_calls']:.2f}", f"{divergence:.3f}", f"{weight:.3f}")
        table.add_row(name, *cells, *late)
        detail = f"from {cells[0]} %, 95 % interval {interval}; {late[0]} tool calls"
        detail += f"; late d_k {late[1]}, w_k {late[2]}"
        figures.append(Figure(f"seed {seed}, {name}", 100 * after["accuracy"], "%", detail=detail))
    console.print(table)
    return figures


if __name__ == "__main__":
    typer.run(main)
