"""What a person watches: progress bars on a terminal, plain lines elsewhere, nothing on helpers.

Standard error carries it all, so that standard output stays the result's.
"""

from __future__ import annotations

from types import TracebackType

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)


class Display:
    """Bars for the stage and for what happens inside its present step. Use in a `with` block."""

    def __init__(self, show: bool, bars: bool = True) -> None:
        """`show` False is silent (other processes); `bars` False writes lines only."""
        self.console = Console(stderr=True, quiet=not show)
        self._bars = bars and show and self.console.is_terminal
        self._progress = Progress(
            TextColumn("{task.description:<28}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=self.console,
            transient=True,
            disable=not self._bars,
        )
        self._stage: TaskID | None = None
        self._detail: TaskID | None = None

    def __enter__(self) -> Display:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def say(self, text: str, style: str | None = None) -> None:
        """A line that stays."""
        self.console.print(text, style=style, highlight=False, markup=False, soft_wrap=True)

    def stage(self, name: str, total: int, done: int = 0) -> None:
        """Begin a stage of `total` steps."""
        self.end_stage()
        self._stage = self._progress.add_task(name, total=total, completed=done)
        self._detail = self._progress.add_task("", total=1, visible=False)

    def step(self, done: int) -> None:
        """`done` steps of the stage are behind us."""
        if self._stage is not None:
            self._progress.update(self._stage, completed=done)

    def detail(self, name: str, done: int, total: int) -> None:
        """How far the present step is."""
        if self._detail is not None:
            self._progress.update(
                self._detail,
                description=f"  {name}",
                completed=done,
                total=total,
                visible=done < total,
            )

    def end_stage(self) -> None:
        for task in (self._stage, self._detail):
            if task is not None:
                self._progress.remove_task(task)
        self._stage = self._detail = None
