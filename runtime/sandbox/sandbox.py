"""`Sandbox`: runs a program in the first tier that can be trusted with it.

Monty goes first with the programs that `program.py` finds it fit for, and its answer is final if
the program ran without an error. Anything else (a feature it is not trusted with, its own limits,
an error) is asked of CPython, whose answer is the reference; programs have no side effects, so
nobody can tell that one ran twice.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import time
import weakref
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING

from runtime.errors import SandboxUnavailable, UsageError
from runtime.sandbox import program as programs
from runtime.sandbox.result import Kind, Result, TierReport

if TYPE_CHECKING:
    from runtime.sandbox.cpython import CPythonTier
    from runtime.sandbox.monty import MontyTier
    from runtime.sandbox.program import Program

TIERS = ("monty", "cpython")

# With a warm CPython behind it, Monty gets this share of the time, and no more than this.
_FIRST_SHARE = 0.25
_FIRST_SECONDS = 1.0
_LONGEST = 7 * 86400.0  # seconds; the system calls behind a timeout take no more than some weeks


_SANDBOXES: weakref.WeakSet[Sandbox] = weakref.WeakSet()


class Sandbox:
    """Runs untrusted Python. Use as a context manager, or call `close`. Thread-safe."""

    def __init__(
        self,
        tiers: Sequence[str] = TIERS,
        *,
        memory_mb: int = 512,
        max_output: int = 8192,
        workers: int = 1,
        min_landlock_abi: int = 1,
    ) -> None:
        """Nothing is started yet.

        Args:
            tiers: which of "monty" and "cpython" to use.
            memory_mb: limit of one program, in MiB.
            max_output: bytes of output kept; the rest is counted and dropped.
            workers: programs that run at once, per tier. Further calls of `run` wait, and their
                clock starts when their turn comes.
            min_landlock_abi: refuse CPython on kernels with less (6 adds the scoping of signals
                to the kernel side, which the system-call filter already gives).

        Raises UsageError for an unknown tier or a limit below 1.
        """
        if not tiers or set(tiers) - set(TIERS):
            raise UsageError(f"sandbox tiers are {' and '.join(TIERS)}, not {list(tiers)}")
        if min(memory_mb, max_output, workers) < 1:
            raise UsageError("memory_mb, max_output and workers of a sandbox must be at least 1")
        self._monty: MontyTier | None = None
        self._cpython: CPythonTier | None = None
        self._closed = False
        self._tiers = frozenset(tiers)
        self._memory_bytes = memory_mb << 20
        self._max_output = max_output
        self._workers = workers
        self._min_landlock_abi = min_landlock_abi
        self._open()
        _SANDBOXES.add(self)

    def run(self, code: str, timeout: float = 10.0) -> Result:
        """Run `code` for at most `timeout` seconds of wall time.

        Starting a CPython worker (about a second, see `warm`) is not charged to the program.
        Whatever the program does is in the result. More than a week counts as a week. Raises
        UsageError for a timeout that is not a positive number, SandboxUnavailable after `close`.
        """
        if not 0 < timeout < float("inf"):
            raise UsageError(f"a sandbox timeout must be a positive number, not {timeout}")
        if self._closed:
            raise SandboxUnavailable("the sandbox is closed")
        timeout = min(timeout, _LONGEST)
        started = time.monotonic()
        try:
            result = self._run(programs.parse(code), timeout)
        except SyntaxError as error:
            from runtime.sandbox.worker.report import exception_line

            result = Result("", exception_line(error), Kind.USER_ERROR, 0.0, "parser")
        if result.kind is Kind.TIMEOUT:
            error_text = f"TimeoutError: the program was stopped after {timeout:g} s"
            result = dataclasses.replace(result, error=error_text)
        return dataclasses.replace(result, seconds=time.monotonic() - started)

    def warm(self, *, cpython: bool = True) -> None:
        """Start the tiers in the background, ahead of need. Never blocks or raises.

        `cpython` False leaves out the CPython worker, which takes a second of one core to start.
        """
        if self._closed:
            return
        if self._monty is not None:
            self._monty.warm()
        if cpython and self._cpython is not None:
            with contextlib.suppress(OSError):  # the first program that needs it reports why
                self._cpython.warm()

    def describe(self) -> list[TierReport]:
        """What each tier offers on this machine; waits for a worker that has to be started."""
        return [tier.report() for tier in (self._monty, self._cpython) if tier is not None]

    def close(self) -> None:
        """End all workers and remove their files. Waits for running programs."""
        if not self._closed:
            self._closed = True
            for tier in (self._monty, self._cpython):
                if tier is not None:
                    tier.close()

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _open(self) -> None:
        if "monty" in self._tiers:
            from runtime.sandbox.monty import MontyTier

            self._monty = MontyTier(self._memory_bytes, self._max_output, self._workers)
        if "cpython" in self._tiers:
            from runtime.sandbox.cpython import CPythonTier
            from runtime.sandbox.process import Limits

            limits = Limits(self._memory_bytes, self._max_output, self._min_landlock_abi)
            self._cpython = CPythonTier(limits, self._workers)

    def _run(self, program: Program, timeout: float) -> Result:
        deadline = time.monotonic() + timeout
        first = self._try_monty(program, timeout)
        if first is not None and (first.kind is Kind.OK or self._cpython is None):
            return first
        left = deadline - time.monotonic()
        if first is not None and left <= 0:
            return first
        assert self._cpython is not None
        try:
            return self._cpython.run(program, left)
        except SandboxUnavailable as error:
            return self._without_cpython(program, first, left, str(error))

    def _try_monty(self, program: Program, timeout: float) -> Result | None:
        """None if CPython should see the program first."""
        if self._monty is None:
            return None
        second = self._cpython
        if second is not None and second.is_off():
            second = None
        if second is not None and not program.suits_monty:
            return None
        if second is not None and second.is_ready():
            timeout = min(timeout * _FIRST_SHARE, _FIRST_SECONDS)
        try:
            return self._monty.run(program, timeout)
        except (ImportError, OSError, RuntimeError) as error:
            if second is not None:
                return None
            return Result("", f"SandboxError: {error}", Kind.INFRA, 0.0, "monty")

    def _without_cpython(
        self, program: Program, first: Result | None, timeout: float, reason: str
    ) -> Result:
        if first is None and self._monty is not None:
            first = self._try_monty(program, timeout)
        if first is None:
            return Result("", f"SandboxUnavailable: {reason}", Kind.INFRA, 0.0, "cpython")
        from runtime.sandbox.monty import is_gap

        if first.kind is Kind.USER_ERROR and first.error is not None and is_gap(first.error):
            error = f"{first.error}\nThis program needs full Python. {reason}"
            return dataclasses.replace(first, error=error, kind=Kind.INFRA)
        return first


def _start_afresh() -> None:
    """In a fork of the process: workers answer only to the process that started them."""
    for sandbox in _SANDBOXES:
        if not sandbox._closed:
            if sandbox._monty is not None:
                sandbox._monty.leave()
            sandbox._open()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start_afresh)
