"""What every benchmark shares: the machine it ran on, a table for people, JSON for the record."""

from __future__ import annotations

import json
import os
import platform
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path


@dataclass(frozen=True)
class Figure:
    """One measured figure. `target` says what was aimed for, `met` whether it was reached."""

    name: str
    value: float
    unit: str
    target: str = ""
    met: bool | None = None
    detail: str = ""


def median(values: Sequence[float]) -> float:
    return statistics.median(values)


def percentile(values: Sequence[float], percent: float) -> float:
    """The value that `percent` of the measurements do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def machine() -> dict[str, str | int]:
    """What a reader needs to compare figures with their own machine."""
    cpu = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith(("model name", "Hardware")):
                cpu = line.split(":", 1)[1].strip()
                break
    return {
        "cpu": cpu,
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 0,
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
    }


def show(title: str, figures: Sequence[Figure]) -> None:
    """A table on standard output."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title, title_justify="left")
    for column, side in (("", "left"), ("value", "right"), ("aim", "left"), ("detail", "left")):
        table.add_column(column, justify="right" if side == "right" else "left")
    for figure in figures:
        verdict = {None: "", True: " met", False: " MISSED"}[figure.met]
        value = f"{figure.value:.3g} {figure.unit}".strip()
        table.add_row(figure.name, value, figure.target + verdict, figure.detail)
    Console().print(table)


def save(path: Path, name: str, figures: Sequence[Figure]) -> None:
    """Write the figures with the machine and the time; whole or not at all."""
    row = {
        "benchmark": name,
        "when": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "machine": machine(),
        "figures": [asdict(figure) for figure in figures],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text(json.dumps(row, indent=2, ensure_ascii=False) + "\n")
    part.replace(path)
