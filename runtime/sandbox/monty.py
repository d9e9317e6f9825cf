"""Tier 1: a Python interpreter in Rust, without files, network, clock access or host calls.

`pydantic-monty` keeps a pool of worker processes. A program gets no file mounts, no handler for
the operating system and no host functions, so all it can do is compute and print.
"""

from __future__ import annotations

import builtins
import ctypes
import os
import re
import sys
import threading
from typing import TYPE_CHECKING

from runtime.sandbox.forks import fork_safe_lock
from runtime.sandbox.program import Program
from runtime.sandbox.result import Kind, Result, TierReport
from runtime.sandbox.worker.report import Capture, exception_line, format_error

if TYPE_CHECKING:
    from pydantic_monty import Monty, MontyRuntimeError, MontySyntaxError

NAME = "monty"

_PRINT_BYTES = 4 << 20
# Monty looks for its program through sysconfig, which several threads must not do at once.
_START_LOCK = fork_safe_lock()
# Its event loop is one for the process: used from a fork, it would crash the original.
_first_process: dict[str, int] = {}
_GRACE = 0.1  # seconds from a program's time limit to the end of its worker
_OUR_LIBRARIES = frozenset({"numpy", "sympy", "mpmath"})
_MISSING_MODULE = re.compile(r"ModuleNotFoundError: No module named '(\w+)")
_MISSING_NAME = re.compile(r"NameError: name '(\w+)' is not defined")


class MontyTier:
    """Thread-safe. The pool starts with the first program."""

    def __init__(self, memory_bytes: int, max_output: int, workers: int) -> None:
        self._memory_bytes = memory_bytes
        self._max_output = max_output
        self._workers = workers
        self._pool: Monty | None = None
        self._closed = False

    def warm(self) -> None:
        """Start the pool in a thread; a failure is reported by the first program."""
        threading.Thread(target=self.report, daemon=True).start()

    def run(self, program: Program, timeout: float) -> Result:
        """Raises ImportError or OSError if Monty cannot be started here."""
        from pydantic_monty import (
            CollectString,
            MontyCrashedError,
            MontyError,
            MontyRuntimeError,
            MontySyntaxError,
        )

        # Far cheaper than a callback per print; it ends a program that prints beyond its limit.
        printed = CollectString(_PRINT_BYTES)
        error: str | None = None
        kind = Kind.OK
        try:
            with self._started().checkout(
                limits={
                    "max_feed_duration_secs": timeout,
                    "max_total_sleep_secs": timeout,
                    "max_memory": self._memory_bytes,
                },
                os_policy={"sleep_system_max": float("inf")},  # refused if too long, never cut
                assert_message_annotations=False,
            ) as session:
                session.feed_run(program.code, print_callback=printed)
        except MontyCrashedError as crash:
            kind = Kind.TIMEOUT if crash.timed_out else Kind.MEMORY
            error = "TimeoutError" if crash.timed_out else "MemoryError: the program crashed"
        except (MontyRuntimeError, MontySyntaxError) as failure:
            kind, error = _verdict(failure, program.source)
        except MontyError as failure:
            kind, error = Kind.INFRA, f"SandboxError: {failure}"
        capture = Capture(self._max_output)
        capture.add(printed.output.encode(errors="replace"))
        return Result(capture.text(), error, kind, 0.0, NAME)

    def report(self) -> TierReport:
        try:
            self._started()
        except (ImportError, OSError, RuntimeError) as error:
            return TierReport(NAME, False, f"pydantic-monty cannot start: {error}")
        return TierReport(
            NAME,
            True,
            "a subset of Python in an interpreter of its own",
            (
                "no files, network, processes or host functions exist in the language",
                f"limits: {self._memory_bytes >> 20} MB memory, wall time, output",
                "a crash ends a worker process, never this one",
            ),
        )

    def close(self) -> None:
        with _START_LOCK:
            self._closed = True
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.__exit__(None, None, None)

    def leave(self) -> None:
        """In a fork of the process: keep the pool for ever, its end would kill its workers."""
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(self._pool))

    def _started(self) -> Monty:
        with _START_LOCK:
            if self._closed:
                raise RuntimeError("the sandbox is closed")
            if self._pool is None:
                from pydantic_monty import Monty

                if _first_process.setdefault("pid", os.getpid()) != os.getpid():
                    raise RuntimeError("Monty cannot run in a fork of a process that has used it")
                self._pool = Monty(
                    max_processes=self._workers, feed_duration_limit_grace=_GRACE
                ).__enter__()
            return self._pool


def is_gap(error: str) -> bool:
    """Whether an error says that Monty lacks something which full Python has."""
    last = error.rsplit("\n", 1)[-1]
    if match := _MISSING_MODULE.match(last):
        name = match[1]
        return name in sys.stdlib_module_names or name in _OUR_LIBRARIES
    if match := _MISSING_NAME.match(last):
        return hasattr(builtins, match[1])
    return last.startswith("NotImplementedError: The monty")


def _verdict(failure: MontyRuntimeError | MontySyntaxError, source: str) -> tuple[Kind, str]:
    line = exception_line(failure.exception())
    frames = [(frame.line, frame.function_name or "<module>") for frame in failure.traceback()]
    if line.startswith("TimeoutError: ") and "limit exceeded" in line:
        return Kind.TIMEOUT, "TimeoutError"
    if line.startswith("MemoryError"):
        return Kind.MEMORY, format_error(frames, "MemoryError", source)
    return Kind.USER_ERROR, format_error(frames, line, source)
