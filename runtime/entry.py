"""How every command of this project starts and ends: one line of complaint, and its exit code."""

from __future__ import annotations

import io
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any, NoReturn

from runtime.errors import SodError

BAD = 2  # bad input, or a machine that refuses
INTERRUPTED = 130  # what shells say of Ctrl-C, and typer too


class Interrupted(SodError):
    """Ctrl-C, and what became of the work, in one line."""


def main(
    name: str,
    app: Callable[..., Any],
    args: list[str] | None = None,
    *,
    after_interrupt: str = "",
    kill_interrupts: bool = False,
) -> NoReturn:
    """Run the typer `app` and exit: its own code, 2 after an error, 130 after Ctrl-C.

    `name` begins every complaint; one with a dot is a module, told as `python -m name`.
    `after_interrupt` says what became of the work; without it, or after an `Interrupted` that told
    already, nothing is added. `kill_interrupts`: a plain `kill` cleans up as Ctrl-C does.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # not every locale can show every answer
    program = f"python -m {name}" if "." in name else name
    with _kill_as_interrupt() if kill_interrupts else nullcontext():
        try:
            code = app(args, prog_name=program, standalone_mode=False)
            sys.stdout.flush()
        except Interrupted as error:
            code, after_interrupt = complain(name, str(error), INTERRUPTED), ""
        except SodError as error:
            code = complain(name, str(error))
        except KeyboardInterrupt:
            code = INTERRUPTED
        except OSError as error:
            # What standard output still buffers must not fail again when Python exits.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            piped = isinstance(error, BrokenPipeError)  # as with | head: nobody wants to read on
            code = 1 if piped else complain(name, reason(error))
        except MemoryError:
            code = complain(name, "there is not enough memory")
        except Exception as error:
            # The command-line parser's errors share no public base class, but all have this method.
            if not hasattr(error, "format_message"):
                raise
            code = complain(name, f"{error.format_message()} (see {program} --help)")
    if code == INTERRUPTED and after_interrupt:
        complain(name, f"interrupted; {after_interrupt}")
    sys.exit(code)


def complain(name: str, message: str, code: int = BAD) -> int:
    """Print `message` as one line on standard error; the exit code that goes with it."""
    print(f"{name}: " + " ".join(message.split()), file=sys.stderr)
    return code


def reason(error: OSError) -> str:
    """Why the operating system refused, for people."""
    if error.strerror is None:  # transformers and the hub raise OSErrors that are all message
        return str(error)
    return f"{error.strerror}: {error.filename}" if error.filename else error.strerror


@contextmanager
def _kill_as_interrupt() -> Iterator[None]:
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
