"""Tier 2: any Python program, in a confined fork of a warm CPython with numpy and sympy.

Keeps a few workers, restarts those that die, retries a call once if the failure was ours, and
turns what the worker saw of a program into a typed result.
"""

from __future__ import annotations

import queue
import signal
from collections.abc import Iterator
from contextlib import contextmanager

from runtime.errors import SandboxUnavailable
from runtime.sandbox.process import Limits, Worker, WorkerDied
from runtime.sandbox.program import Program
from runtime.sandbox.result import Kind, Result, TierReport
from runtime.sandbox.worker.frames import Message

NAME = "cpython"


class _Slot:
    """Room for one worker, which is started on demand and again after its end."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._worker: Worker | None = None

    def worker(self) -> Worker:
        worker = self._worker
        if worker is None or not worker.stop.alive:
            worker = self._worker = Worker(self._limits)
        return worker

    def is_ready(self) -> bool:
        return self._worker is not None and self._worker.stop.alive and self._worker.is_ready()

    def stop(self) -> None:
        if self._worker is not None:
            self._worker.stop()


class CPythonTier:
    """Thread-safe; runs as many programs at once as it has workers, others wait their turn."""

    def __init__(self, limits: Limits, workers: int) -> None:
        self._limits = limits
        self._size = workers
        self._slots: queue.LifoQueue[_Slot] = queue.LifoQueue()
        for _ in range(workers):
            self._slots.put(_Slot(limits))
        self._off: str | None = None

    def warm(self) -> None:
        """Start a worker if none runs. Returns at once."""
        with self._free_slot() as slot:
            if slot is not None and self._off is None:
                slot.worker()

    def is_ready(self) -> bool:
        """Whether a program would not have to wait for a worker to start."""
        with self._free_slot() as slot:
            return slot is None or slot.is_ready()

    def is_off(self) -> bool:
        """Whether this machine is known not to offer the isolation."""
        return self._off is not None

    def run(self, program: Program, timeout: float) -> Result:
        """Raises SandboxUnavailable; every other failure is a result."""
        with self._slot() as slot:
            try:
                return self._attempt(slot, program, timeout)
            except (WorkerDied, OSError):
                pass  # our failure: the program gets one more chance, in a new worker
            try:
                return self._attempt(slot, program, timeout)
            except (WorkerDied, OSError) as error:
                return Result("", f"SandboxError: {error}", Kind.INFRA, 0.0, NAME)

    def report(self) -> TierReport:
        """Start a worker if none runs, and say what confines its programs."""
        try:
            with self._slot() as slot:
                facts = self._ready_worker(slot).facts()
        except (SandboxUnavailable, WorkerDied, OSError) as error:
            return TierReport(NAME, False, str(error))
        return TierReport(
            NAME,
            True,
            "full Python with the installed packages, each program in a fresh fork",
            (
                f"Landlock ABI {facts.get('landlock_abi')}: allow-list of files",
                "seccomp: allow-list of system calls (no sockets, processes, threads, signals)",
                f"limits: {self._limits.memory_bytes >> 20} MB memory, CPU and wall time, "
                "file size, open files, scratch size, output",
                "self-test: passed when the worker started",
            ),
        )

    def close(self) -> None:
        """Wait for running programs and end all workers."""
        slots = [self._slots.get() for _ in range(self._size)]
        self._off = "the sandbox is closed"
        for slot in slots:
            slot.stop()
            self._slots.put(slot)  # for a call that still waits for its turn

    def _attempt(self, slot: _Slot, program: Program, timeout: float) -> Result:
        worker = self._ready_worker(slot)
        return _result(worker.run(program.code, program.source, timeout))

    def _ready_worker(self, slot: _Slot) -> Worker:
        if self._off is not None:
            raise SandboxUnavailable(self._off)
        worker = slot.worker()
        try:
            worker.facts()
        except SandboxUnavailable as error:
            self._off = str(error)
            worker.stop()
            raise
        return worker

    @contextmanager
    def _slot(self) -> Iterator[_Slot]:
        slot = self._slots.get()
        try:
            yield slot
        finally:
            self._slots.put(slot)

    @contextmanager
    def _free_slot(self) -> Iterator[_Slot | None]:
        """The slot the next call would get, or None if all are at work."""
        try:
            slot = self._slots.get_nowait()
        except queue.Empty:
            yield None
            return
        try:
            yield slot
        finally:
            self._slots.put(slot)


def _result(outcome: Message | None) -> Result:
    """`outcome` is None if the worker hung together with its program."""
    if outcome is None:
        return Result("", "TimeoutError", Kind.TIMEOUT, 0.0, NAME)
    output, report, code = outcome.get("output"), outcome.get("report"), outcome.get("code")
    if not (isinstance(output, str) and isinstance(report, str) and isinstance(code, int)):
        raise WorkerDied("the sandbox worker sent a malformed reply")
    kind, error = _verdict(outcome.get("ended"), report, code)
    return Result(output, error, kind, 0.0, NAME)


def _verdict(ended: object, report: str, code: int) -> tuple[Kind, str | None]:
    tag, text = report[:1], report[1:]
    if ended == "timeout" or code == -signal.SIGXCPU:
        return Kind.TIMEOUT, "TimeoutError"
    if ended == "disk":
        return Kind.USER_ERROR, "OSError: the scratch folder is full"
    if tag == "E":
        return Kind.USER_ERROR, text
    if tag == "M":
        return Kind.MEMORY, text
    if tag == "B":
        return Kind.INFRA, f"SandboxError: {text}"
    if code == -signal.SIGKILL:  # not by us: the kernel was out of memory
        return Kind.MEMORY, "MemoryError: the program was killed"
    if code < 0:
        return Kind.USER_ERROR, f"the program crashed ({_signal_name(-code)})"
    if code > 0:
        return Kind.USER_ERROR, f"SystemExit: {code}"
    return Kind.OK, None


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
