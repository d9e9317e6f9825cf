"""Hands a job to a fork and watches it: the clock, its pipes, its scratch folder, the parent.

A job ends with its report, at its deadline or with its process; in every case the process gets
SIGKILL before the answer goes out. What only takes time is left for after the answer: reaping,
emptying the scratch folder, and the next fork, so that a job finds one waiting behind its walls.
"""

from __future__ import annotations

import math
import os
import resource
import select
import signal
import time
from dataclasses import dataclass

from . import child, scratch
from .frames import Message, write_frame
from .report import Capture

_TICK = 0.05  # seconds between looks at the scratch folder
_REAP_TICK = 0.001  # seconds, once both pipes are closed: the process is about to end


class Abandoned(Exception):
    """The parent went away while a job was running; the job is over."""


@dataclass(frozen=True)
class Outcome:
    """`ended` is "report", "exit", "timeout" or "disk"; `code` that of "exit" (-n: signal n)."""

    output: str
    report: str
    ended: str
    code: int = 0


@dataclass
class _Fork:
    pid: int
    jobs: int
    output: int
    status: int
    is_reaped: bool = False

    def poll(self) -> int | None:
        """The exit code, or None while the process lives."""
        done, raw = os.waitpid(self.pid, os.WNOHANG)
        self.is_reaped = bool(done)
        return os.waitstatus_to_exitcode(raw) if done else None

    def bury(self) -> None:
        if not self.is_reaped:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        for fd in (self.jobs, self.output, self.status):
            os.close(fd)


class Watcher:
    """Runs one job at a time, each in a fork of its own."""

    def __init__(self, setting: child.Setting, requests: int, max_output: int) -> None:
        """`requests` is the descriptor whose hang-up means that the parent is gone."""
        self._setting = setting
        self._requests = requests
        self._max_output = max_output
        self._spare: _Fork | None = None
        self._last: _Fork | None = None

    def prepare(self) -> None:
        """Clear away the last job and make the fork for the next one."""
        self.clear()
        if self._spare is not None and self._spare.poll() is not None:
            self._spare.bury()  # it was killed while it waited
            self._spare = None
        if self._spare is None:
            self._spare = self._fork()

    def clear(self) -> None:
        """Make sure that nothing is left of the last job, neither a process nor a file."""
        if self._last is not None:
            self._last.bury()
            self._last = None
            scratch.empty(self._setting.scratch)

    def run(self, job: Message, timeout: float) -> Outcome:
        """Give `job` to a fresh fork for `timeout` seconds. Raises Abandoned."""
        deadline = time.monotonic() + timeout
        self.prepare()
        assert self._spare is not None
        fork = self._last = self._spare
        self._spare = None
        child.lower_limit(fork.pid, resource.RLIMIT_CPU, math.ceil(timeout) + 1)
        write_frame(fork.jobs, job)
        return self._watch(fork, deadline)

    def _fork(self) -> _Fork:
        jobs, jobs_end = os.pipe()
        output, output_end = os.pipe()
        status, status_end = os.pipe()
        pid = os.fork()
        if pid == 0:
            child.main(self._setting, jobs, output_end, status_end)
        for fd in (jobs, output_end, status_end):
            os.close(fd)
        os.set_blocking(output, False)
        return _Fork(pid, jobs_end, output, status)

    def _watch(self, fork: _Fork, deadline: float) -> Outcome:
        capture = Capture(self._max_output)
        poller = select.poll()
        poller.register(self._requests, 0)  # only its hang-up
        is_open = {fork.output, fork.status}
        for fd in is_open:
            poller.register(fd, select.POLLIN)
        report, ended, code = b"", "", None
        next_look = time.monotonic() + _TICK
        while not ended:
            now = time.monotonic()
            wait = min(_TICK if is_open else _REAP_TICK, deadline - now)
            events = poller.poll(max(0.0, wait) * 1000)
            for fd, _ in events:
                if fd == self._requests:
                    raise Abandoned
                if not (chunk := os.read(fd, 1 << 16 if fd == fork.output else select.PIPE_BUF)):
                    poller.unregister(fd)
                    is_open.discard(fd)
                elif fd == fork.output:
                    capture.add(chunk)
                else:
                    report, ended = chunk, "report"
            if ended:
                break
            if now >= deadline:
                ended = "timeout"
            elif (not is_open or not events) and (code := fork.poll()) is not None:
                ended = "exit"
            if not ended and now >= next_look:
                ended = "disk" if scratch.is_over(self._setting.scratch) else ""
                next_look = now + _TICK
        if not fork.is_reaped:
            os.kill(fork.pid, signal.SIGKILL)
        _drain(fork.output, capture)
        return Outcome(capture.text(), report.decode(errors="replace"), ended, code or 0)


def _drain(output: int, capture: Capture) -> None:
    try:
        while chunk := os.read(output, 1 << 16):
            capture.add(chunk)
    except BlockingIOError:
        pass
