"""The parent's end of one warm CPython worker: start it, ask it, notice its death, end it.

The worker gets a process group, a folder and an environment of its own; it inherits nothing
but its two pipes. What it sends is bounded and checked.
"""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import weakref
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from runtime.errors import SandboxUnavailable
from runtime.sandbox.worker.frames import Message, read_frame, write_frame

START_TIMEOUT = 60.0  # seconds; importing sympy from a cold disk is slow
GRACE = 0.35  # seconds the worker has beyond a program's timeout to report it

_BOOT = "import sys; sys.path.insert(0, sys.argv[1]); from worker.zygote import main; "
_BOOT += "del sys.path[0]; main()"
_ENVIRONMENT = {
    "PATH": "/usr/bin:/bin",
    "LANG": "C.UTF-8",
    "TZ": "UTC",
    # One process with one thread is all a program gets; libraries should not try for more.
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
}


class WorkerDied(Exception):
    """The worker ended, hung or talked nonsense. A new one may do better."""


@dataclass(frozen=True)
class Limits:
    """Limits of every program: `memory_bytes` above the worker's own size, `max_output` bytes."""

    memory_bytes: int
    max_output: int
    min_landlock_abi: int


class Worker:
    """One worker process. Not thread-safe: one request at a time."""

    def __init__(self, limits: Limits) -> None:
        """Start the process and return at once, while it imports its libraries."""
        self._home = tempfile.mkdtemp(prefix="sod-sandbox-")
        scratch = os.path.join(self._home, "scratch")
        environment = dict(_ENVIRONMENT, HOME=scratch, TMPDIR=scratch)
        if (libraries := os.environ.get("LD_LIBRARY_PATH")) is not None:
            environment["LD_LIBRARY_PATH"] = libraries  # some interpreters need it to start
        folder = str(Path(__file__).parent)
        try:
            os.mkdir(scratch, 0o700)
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", "-B", "-X", "utf8", "-c", _BOOT, folder],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                bufsize=0,
                cwd="/",
                env=environment,
                start_new_session=True,
            )
        except OSError:
            shutil.rmtree(self._home, ignore_errors=True)
            raise
        assert self._process.stdin is not None and self._process.stdout is not None
        self._requests = self._process.stdin.fileno()
        self._replies = self._process.stdout.fileno()
        os.set_blocking(self._requests, False)
        self._reply_limit = 64 * 1024 + 8 * limits.max_output
        self._facts: Message | None = None
        self.stop = weakref.finalize(self, _stop, self._process, self._home, os.getpid())
        config = asdict(limits) | {"home": self._home, "scratch": scratch, "paths": _packages()}
        with contextlib.suppress(OSError):  # if it died at once, the first read tells
            write_frame(self._requests, config, time.monotonic() + START_TIMEOUT)

    def is_ready(self) -> bool:
        """Whether the worker waits for its first request, or has given up."""
        poller = select.poll()  # select() knows no descriptors beyond 1023
        poller.register(self._replies, select.POLLIN)
        return self._facts is not None or bool(poller.poll(0))

    def facts(self) -> Message:
        """Wait for the start. Raises SandboxUnavailable, WorkerDied."""
        if self._facts is None:
            try:
                self._facts = self._read(time.monotonic() + START_TIMEOUT)
            except TimeoutError:
                self.stop()
                raise WorkerDied(
                    f"the sandbox worker did not start in {START_TIMEOUT:g} s"
                ) from None
            except BaseException:
                self.stop()
                raise
        if (reason := self._facts.get("unavailable")) is not None:
            raise SandboxUnavailable(f"full Python is off: {reason}")
        return self._facts

    def run(self, code: str, source: str, timeout: float) -> Message | None:
        """Run one program; None if the worker itself had to be stopped at the timeout.

        Raises SandboxUnavailable, WorkerDied.
        """
        self.facts()
        deadline = time.monotonic() + timeout + GRACE
        request: dict[str, Any] = {"code": code, "source": source, "timeout": timeout}
        try:
            write_frame(self._requests, request, deadline)
            return self._read(deadline)
        except TimeoutError:
            self.stop()
            return None
        except OSError as error:
            self.stop()
            raise WorkerDied("the sandbox worker closed its pipe") from error
        except BaseException:  # an interrupt: the next program must not get this one's reply
            self.stop()
            raise

    def _read(self, deadline: float) -> Message:
        try:
            return read_frame(self._replies, self._reply_limit, deadline)
        except EOFError:
            code = self._end_code()
            self.stop()
            raise WorkerDied(f"the sandbox worker ended with status {code}") from None
        except ValueError as error:
            self.stop()
            raise WorkerDied(f"the sandbox worker sent {error}") from None

    def _end_code(self) -> int | None:
        try:
            return self._process.wait(1.0)
        except subprocess.TimeoutExpired:
            return None


def _packages() -> list[str]:
    """Installed packages only: not the current folder, not the user's own source trees."""
    names = ("site-packages", "dist-packages")
    return [path for path in sys.path if os.path.basename(path) in names and os.path.isdir(path)]


def _stop(process: subprocess.Popen[bytes], home: str, owner: int) -> None:
    if os.getpid() != owner:
        return  # a fork of the owner must not end the owner's worker, only let go of its pipes
    with contextlib.suppress(ProcessLookupError, PermissionError):
        # The group holds the worker and what it forked, which cannot leave it.
        os.killpg(process.pid, signal.SIGKILL)
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()
    process.wait()
    shutil.rmtree(home, ignore_errors=True)
