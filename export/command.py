"""What the commands of export/ share: how they end, and a progress bar."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NoReturn

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from runtime import entry


class Display:
    """Lines and a bar on standard error, or nothing if `show` is False."""

    def __init__(self, show: bool = True) -> None:
        self._console = Console(stderr=True, quiet=not show)

    def say(self, text: str) -> None:
        """A line that stays."""
        self._console.print(text, highlight=False, markup=False, soft_wrap=True)

    @contextmanager
    def stage(self, what: str) -> Iterator[Callable[[int, int], None]]:
        """A bar on a terminal; the block reports to it: (done, in all)."""
        bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TimeRemainingColumn(),
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
        )
        with bar:
            task = bar.add_task(what, total=None)
            yield lambda done, total: bar.update(task, completed=done, total=total)


def main(
    name: str,
    app: typer.Typer,
    args: list[str] | None = None,
    after_interrupt: str = "nothing was written",
) -> NoReturn:
    """Run `app` as the command `name`; a plain `kill`, too, leaves no half-written file behind."""
    entry.main(name, app, args, after_interrupt=after_interrupt, kill_interrupts=True)
