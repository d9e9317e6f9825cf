"""A fresh fork of the worker: goes behind the walls, waits for one program, runs it, reports.

The report is a one-letter tag and a text, written to a pipe of its own. The program could write
one itself: it can lie about how it ended, and nothing more.
"""

from __future__ import annotations

import builtins
import contextlib
import errno
import io
import linecache
import os
import random
import resource
import select
import sys
import types
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NoReturn

from . import isolation, selftest
from .frames import read_frame
from .report import FILENAME, exception_line, format_error

OK, ERROR, MEMORY, BROKEN = b"K", b"E", b"M", b"B"  # the tags

JOB_LIMIT = 16 << 20  # bytes; the parent caps programs far below

_JOBS_FD, _STATUS_FD = 3, 4
_FILE_BYTES = 16 << 20
_OPEN_FILES = 64


@dataclass(frozen=True)
class Setting:
    """What stays the same for every fork of one worker."""

    walls: isolation.Walls
    worker_pid: int
    address_space: int  # bytes
    home: str
    scratch: str
    hidden_paths: Sequence[str]  # host folders to cut out of error texts


def main(setting: Setting, jobs: int, output: int, status: int) -> NoReturn:
    """Go behind the walls, wait for one job, do it, report, end. Runs in the fork."""
    report = BROKEN
    try:
        os.dup2(jobs, _JOBS_FD)
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.dup2(status, _STATUS_FD)
        _limit(setting.address_space)
        setting.walls.confine_program(setting.worker_pid)
        os.closerange(_STATUS_FD + 1, _OPEN_FILES)
        _reseed()
        job = read_frame(_JOBS_FD, JOB_LIMIT)
        os.close(_JOBS_FD)
        if "code" in job:
            report = _run_program(setting, job["code"], job["source"])
        else:
            report = _run_selftest(setting)
    except BaseException as error:
        report = BROKEN + repr(error).encode()
    finally:
        try:
            # Up to this size a pipe takes, and gives, a report in one piece.
            os.write(_STATUS_FD, report[: select.PIPE_BUF])
        finally:
            os._exit(0)


def _run_program(setting: Setting, code: str, source: str) -> bytes:
    # One stream for both, so that the order of what is printed is kept.
    output = io.TextIOWrapper(
        io.BufferedWriter(io.FileIO(1, "w", closefd=False)),
        encoding="utf-8",
        errors="backslashreplace",
        line_buffering=True,
    )
    for name in ("stdout", "stderr", "__stdout__", "__stderr__"):
        setattr(sys, name, output)
    report = _execute(code, source, setting.hidden_paths)
    for stream in (sys.stdout, output):
        with contextlib.suppress(Exception):  # it may be of the program's own making
            stream.flush()
    return report


def _run_selftest(setting: Setting) -> bytes:
    escaped = selftest.escapes(setting.home, setting.scratch)
    return BROKEN + ", ".join(escaped).encode() if escaped else OK


def _limit(address_space: int) -> None:
    for name, value in (
        ("RLIMIT_AS", address_space),
        ("RLIMIT_FSIZE", _FILE_BYTES),
        ("RLIMIT_NOFILE", _OPEN_FILES),
        ("RLIMIT_CORE", 0),
        ("RLIMIT_MEMLOCK", 0),
        ("RLIMIT_MSGQUEUE", 0),
    ):
        lower_limit(0, getattr(resource, name), value)


def lower_limit(pid: int, which: int, value: int) -> None:
    """Lower a limit of a process (0: this one) for good; a lower one stays as it is."""
    _, hard = resource.prlimit(pid, which)
    if hard == resource.RLIM_INFINITY or value < hard:
        hard = value
    resource.prlimit(pid, which, (hard, hard))


def _reseed() -> None:
    # Every fork would otherwise draw the same numbers from a generator seeded at import.
    random.seed()
    if (numpy_random := sys.modules.get("numpy.random")) is not None:
        numpy_random.seed()


def _execute(code: str, source: str, hidden_paths: Sequence[str]) -> bytes:
    main = types.ModuleType("__main__")
    main.__dict__.update(__file__=FILENAME, __builtins__=builtins)
    sys.modules["__main__"] = main
    sys.argv = [FILENAME]
    linecache.cache[FILENAME] = (len(source), None, source.splitlines(True), FILENAME)
    warnings.filterwarnings("ignore", category=SyntaxWarning)
    try:
        exec(compile(code, FILENAME, "exec", dont_inherit=True), main.__dict__)
    except SystemExit as stop:
        return _exit_report(stop)
    except BaseException as error:
        no_memory = isinstance(error, MemoryError) or getattr(error, "errno", 0) == errno.ENOMEM
        tag = MEMORY if no_memory else ERROR
        try:
            text = _describe(error, source, hidden_paths)
        except BaseException:  # no memory left to say more, or a __str__ that raises
            text = type(error).__name__
        return tag + text.encode(errors="backslashreplace")
    return OK


def _describe(error: BaseException, source: str, hidden_paths: Sequence[str]) -> str:
    frames = []
    trace = error.__traceback__
    while trace is not None:
        if (code := trace.tb_frame.f_code).co_filename == FILENAME:
            frames.append((trace.tb_lineno, code.co_name))
        trace = trace.tb_next
    line = exception_line(error)
    for path in hidden_paths:
        line = line.replace(path + os.sep, "")
    return format_error(frames, line, source)


def _exit_report(stop: SystemExit) -> bytes:
    if stop.code is None or stop.code == 0:
        return OK
    if not isinstance(stop.code, int):
        print(stop.code)  # as CPython does, on stderr
    return ERROR + f"SystemExit: {stop.code}".encode(errors="backslashreplace")
