"""What the commands of export/ share: errors of one line, exit codes, a progress bar."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from export.files import reason
from runtime.errors import SodError

FAILED = 2
_INTERRUPTED = 130  # what typer makes of Ctrl-C


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


def main(name: str, app: typer.Typer, args: list[str] | None = None) -> None:
    """Run `app` as `python -m name` and exit: 2 after a failure or Ctrl-C, told in one line."""
    # A plain `kill`, too, must leave no half-written file behind.
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        code = app(args, prog_name=f"python -m {name}", standalone_mode=False)
        sys.stdout.flush()
    except SodError as error:
        code = _complain(name, str(error))
    except KeyboardInterrupt:
        code = _INTERRUPTED
    except OSError as error:
        # What standard output still buffers must not fail again when Python exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        piped = isinstance(error, BrokenPipeError)  # as with | head: nobody wants to read on
        code = 1 if piped else _complain(name, reason(error))
    except MemoryError:
        code = _complain(name, "there is not enough memory")
    except Exception as error:
        # The command-line parser's errors share no public base class, but all have this method.
        if not hasattr(error, "format_message"):
            raise
        code = _complain(name, f"{error.format_message()} (see python -m {name} --help)")
    finally:
        signal.signal(signal.SIGTERM, before)
    if code == _INTERRUPTED:
        code = _complain(name, "interrupted; nothing was written")
    sys.exit(code)


def _complain(name: str, message: str) -> int:
    print(f"{name}: " + " ".join(message.split()), file=sys.stderr)
    return FAILED
