"""What a call of the code tool costs: both sandbox tiers against a plain, unconfined subprocess.

The same small program runs in all three, in turns of ten calls, so that they see the same machine.
Calls are `--gap` seconds apart, as an agent's are: in between a worker prepares the next fork, but
caches cool down. `--gap 0` measures calls back to back.

    python -m benchmarks.tool_latency [--calls N] [--gap S] [--json]
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Annotated

import typer

from benchmarks.report import Figure, machine, median, percentile, show
from runtime.sandbox import Kind, Sandbox

PROGRAM = "print(sum(n * n for n in range(100)))"
EXPECTED = "328350\n"
AIMS_MS = {"monty": 1.0, "cpython": 10.0}
TURN = 10


def plain_subprocess() -> str:
    command = [sys.executable, "-c", PROGRAM]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def in_sandbox(sandbox: Sandbox) -> str:
    result = sandbox.run(PROGRAM)
    if result.kind is not Kind.OK:
        raise SystemExit(f"error: the {result.tier} tier failed: {result.error}")
    return result.output


def time_calls(calls: int, gap: float) -> dict[str, list[float]]:
    """Milliseconds of every call, by contender."""
    with Sandbox(("monty",)) as monty, Sandbox(("cpython",)) as cpython:
        contenders: dict[str, Callable[[], str]] = {
            "subprocess": plain_subprocess,
            "monty": lambda: in_sandbox(monty),
            "cpython": lambda: in_sandbox(cpython),
        }
        times: dict[str, list[float]] = {name: [] for name in contenders}
        for call in contenders.values():
            call()
        for done in range(0, calls, TURN):
            for name, call in contenders.items():
                for _ in range(min(TURN, calls - done)):
                    time.sleep(gap)
                    started = time.perf_counter()
                    output = call()
                    times[name].append((time.perf_counter() - started) * 1000)
                    if output != EXPECTED:
                        raise SystemExit(f"error: {name} printed {output!r}")
    return times


def measure(calls: int = 100, gap: float = 0.02) -> list[Figure]:
    times = time_calls(calls, gap)
    base = median(times["subprocess"])
    figures = []
    for name, values in times.items():
        aim = AIMS_MS.get(name)
        for label, value in (("p50", median(values)), ("p95", percentile(values, 95))):
            figures.append(
                Figure(
                    f"{name} {label}",
                    value,
                    "ms",
                    "" if aim is None else f"under {aim:g} ms",
                    None if aim is None else value < aim,
                    f"{value / base:.3f} x subprocess",
                )
            )
    return figures


def main(
    calls: Annotated[int, typer.Option(help="Calls of each contender.", min=1)] = 100,
    gap: Annotated[float, typer.Option(help="Seconds between calls.", min=0)] = 0.02,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    figures = measure(calls, gap)
    if as_json:
        row = {"machine": machine(), "calls": calls, "gap_s": gap}
        print(json.dumps(row | {"figures": [asdict(figure) for figure in figures]}))
    else:
        show("Latency of the code tool", figures)


if __name__ == "__main__":
    typer.run(main)
