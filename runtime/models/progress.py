"""How long work is shown: `resolve_model(on_progress=...)` takes any callable of a Progress.

Only the first report of a download has `done` 0, and it says what is fetched, from where and to
where, so nothing is ever fetched silently; a model that is made of others is announced likewise.
`StderrProgress` prints that line and, on a terminal, draws a bar.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID


Unit: TypeAlias = Literal["bytes", "tensors"]


@dataclass(frozen=True)
class Progress:
    """One report of a piece of work, in `unit`, by default the bytes of a download.

    `total` may be an estimate, or 0 if no reports follow.
    """

    what: str
    done: int
    total: int
    unit: Unit = "bytes"


OnProgress = Callable[[Progress], None]


def announce(report: Progress) -> None:
    """The default when no callback is given: one line on stderr at the start."""
    if report.done == 0:
        sys.stderr.write(report.what + "\n")
        sys.stderr.flush()


class StderrProgress:
    """A callback that draws on stderr; use it as a context manager around `resolve_model`."""

    def __init__(self) -> None:
        self._bar: RichProgress | None = None
        self._task: TaskID | None = None

    def __call__(self, report: Progress) -> None:
        if report.done == 0:
            self._stop()  # of the work before
        announce(report)
        if not sys.stderr.isatty() or report.total <= 0:
            return
        if self._bar is None:
            self._bar = _rich_bar(report.unit)
            self._bar.start()
            self._task = self._bar.add_task("", total=report.total)
        assert self._task is not None
        self._bar.update(self._task, completed=report.done)

    def __enter__(self) -> StderrProgress:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop()

    def _stop(self) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None


def _rich_bar(unit: Unit) -> RichProgress:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        MofNCompleteColumn,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )
    from rich.progress import Progress as RichProgress

    amount = (
        [DownloadColumn(), TransferSpeedColumn()]
        if unit == "bytes"
        else [MofNCompleteColumn(), TextColumn("tensors")]
    )
    return RichProgress(
        BarColumn(),
        *amount,
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )
