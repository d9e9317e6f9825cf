"""The figures as tables for people, and the progress of a measurement."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from runtime.cli.view import printable

_LINE_EVERY_S = 60.0  # where there is no terminal to draw a bar on


@contextmanager
def progress(console: Console, total: int) -> Iterator[Callable[[Mapping[str, Any], bool], None]]:
    """A bar with the accuracy so far and the time left; the block reports each row, and whether
    it was known before. Without a terminal it is a line a minute.
    """
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
        speed_estimate_period=900,
    )
    done = asked = correct = sound = 0
    started = said = time.monotonic()

    def report(row: Mapping[str, Any], known: bool) -> None:
        nonlocal done, asked, correct, sound, said, started
        if known:
            started = said = time.monotonic()
        done, asked = done + 1, asked + (not known)
        correct, sound = correct + row["correct"], sound + (not row["infra"])
        share = f"{100 * correct / max(1, sound):.1f} % right"
        if known:  # took no time, so it must not count in what is left
            bar.reset(task, total=total, completed=done, description=share)
        else:
            bar.update(task, completed=done, description=share)
        now = time.monotonic()
        if not console.is_terminal and now - said >= _LINE_EVERY_S:
            said = now
            left = (now - started) / max(1, asked) * (total - done)
            line = f"{done} of {total}, {share}, {left / 60:.0f} minutes left"
            console.print(line, highlight=False)

    with bar:
        task = bar.add_task("", total=total)
        yield report


def show(report: Mapping[str, Any], console: Console) -> None:
    """All figures, as tables."""
    console.print(_main(report))
    for name, title in (("by_group", "by family"), ("by_domain", "by domain")):
        if name == "by_group" or len(report[name]) > 1:
            console.print(_parts(title, report[name]))
    if report["failures"] or report["lost"]["count"]:
        console.print(_failures(report))


def _main(report: Mapping[str, Any]) -> Table:
    calls, seconds, k = report["tool_calls"], report["seconds"], report["samples"]
    temperature = report["settings"]["temperature"]
    how = "greedy" if temperature == 0 else f"temperature {temperature:g}"
    table = _table(
        f"{report['model']}: {report['problems']} problems of {report['problems_file']}, {how}",
        ("figure", "left"), ("value", "right"), ("95 %", "right"), ("of", "left"),
    )  # fmt: skip
    accuracy = report["accuracy"]
    of = f"{accuracy['correct']} of {accuracy['count']}"
    name = "pass@1" if k == 1 else f"mean pass@1 of {k}"
    table.add_row(name, _percent(accuracy["value"]), _interval(accuracy), of)
    for key, name in (("majority", f"maj@{k}"), ("pass_at_k", f"pass@{k}")):
        if report[key] is not None:
            _add_share(table, name, report[key])
    _add_share(table, "valid tool calls", calls["valid"])
    _add_share(table, "answered without a call", calls["answered_without"])
    table.add_row("tool calls per problem", f"{calls['per_problem']:.2f}", "", "")
    if seconds["median"] is not None:
        of = f"p90 {seconds['p90']:.2f}"
        table.add_row("seconds per problem, median", f"{seconds['median']:.2f}", "", of)
    if report["tokens_per_s"] is not None:
        of = f"{report['tokens_per_problem']:.0f} tokens a problem"
        table.add_row("tokens per second", f"{report['tokens_per_s']:.1f}", "", of)
    return table


def _parts(title: str, parts: Mapping[str, Mapping[str, Any]]) -> Table:
    worst = any(part.get("worst") for part in parts.values())
    columns = [("", "left"), ("right", "right"), ("95 %", "right"), ("of", "right")]
    table = _table(title, *columns, *([("worst", "left")] if worst else []))
    for name, part in parts.items():
        named = [
            f"{row['family']} {row['correct']}/{row['count']}" for row in part.get("worst", ())
        ]
        cells = [name, _percent(part["value"]), _interval(part), str(part["count"])]
        _add(table, *cells, *([", ".join(named)] if worst else []))
    return table


def _failures(report: Mapping[str, Any]) -> Table:
    table = _table("failures", ("cause", "left"), ("count", "right"), ("for example", "left"))
    for row in report["failures"]:
        _add(table, row["text"], str(row["count"]), ", ".join(row["examples"]))
    lost = report["lost"]
    if lost["count"]:
        text = "left out: the sandbox or the engine failed"
        _add(table, text, str(lost["count"]), ", ".join(lost["examples"]))
    return table


def _table(title: str, *columns: tuple[str, str]) -> Table:
    table = Table(title=Text(printable(title)), title_justify="left")
    for name, side in columns:
        table.add_column(name, justify="right" if side == "right" else "left")
    return table


def _add(table: Table, *cells: str) -> None:
    """A row whose texts come from a file: nothing in them is markup or a control code."""
    table.add_row(*(Text(printable(cell)) for cell in cells))


def _add_share(table: Table, name: str, share: Mapping[str, Any]) -> None:
    value = "-" if share["value"] is None else _percent(share["value"])
    interval = "" if share["value"] is None else _interval(share)
    table.add_row(name, value, interval, f"{share['hits']} of {share['count']}")


def _percent(value: float) -> str:
    return f"{100 * value:.1f} %"


def _interval(figures: Mapping[str, Any]) -> str:
    return f"{100 * figures['low']:.1f} to {100 * figures['high']:.1f}"
