"""Runs inside Pyodide: one program, read, run and reported as runtime/sandbox does it.

`runtime.sandbox.program` and `runtime.sandbox.worker.report` are the runtime's own files. The
last expression of this file is what the worker gets.
"""

from __future__ import annotations

import builtins
import contextlib
import io
import json
import linecache
import sys
import types
import warnings
from typing import Any

sys.path.insert(0, "/lib/ours")

from runtime.sandbox import program as programs
from runtime.sandbox.worker.report import FILENAME, Capture, exception_line, format_error


class _Output(io.RawIOBase):
    def __init__(self, capture: Capture) -> None:
        self._capture = capture

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._capture.add(bytes(data))
        return len(data)


def is_plain(code: str) -> bool:
    """Whether a program only computes and prints, and so leaves the interpreter as it was.

    What Monty may run is a list of names, attributes and syntax that reach nothing else.
    """
    try:
        return programs.parse(code).suits_monty
    except SyntaxError:
        return True  # it does not run at all


def run(code: str, max_output: int) -> str:
    """The report as JSON: `text` is output and error, `error` the kind of failure or null."""
    capture = Capture(max_output)
    try:
        program = programs.parse(code)
    except SyntaxError as error:
        return _report("", exception_line(error), "user_error")
    stream = io.TextIOWrapper(
        io.BufferedWriter(_Output(capture)),
        encoding="utf-8",
        errors="backslashreplace",
        line_buffering=True,
    )
    for name in ("stdout", "stderr", "__stdout__", "__stderr__"):
        setattr(sys, name, stream)
    sys.stdin = io.StringIO()
    failure, kind = _execute(program.code, program.source)
    for each in (sys.stdout, stream):
        with contextlib.suppress(Exception):  # it may be of the program's own making
            each.flush()
    return _report(capture.text(), failure, kind)


def _execute(code: str, source: str) -> tuple[str | None, str | None]:
    main = types.ModuleType("__main__")
    main.__dict__.update(__file__=FILENAME, __builtins__=builtins)
    sys.modules["__main__"] = main
    sys.argv = [FILENAME]
    linecache.cache[FILENAME] = (len(source), None, source.splitlines(True), FILENAME)
    warnings.filterwarnings("ignore", category=SyntaxWarning)
    try:
        exec(compile(code, FILENAME, "exec", dont_inherit=True), main.__dict__)
    except SystemExit as stop:
        if stop.code is None or stop.code == 0:
            return None, None
        if not isinstance(stop.code, int):
            print(stop.code)  # as CPython does, on stderr
        return f"SystemExit: {stop.code}", "user_error"
    except BaseException as error:
        kind = "memory" if isinstance(error, MemoryError) else "user_error"
        try:
            return _describe(error, source), kind
        except BaseException:  # no memory left to say more, or a __str__ that raises
            return type(error).__name__, kind
    return None, None


def _describe(error: BaseException, source: str) -> str:
    frames = []
    trace = error.__traceback__
    while trace is not None:
        if (code := trace.tb_frame.f_code).co_filename == FILENAME:
            frames.append((trace.tb_lineno, code.co_name))
        trace = trace.tb_next
    return format_error(frames, exception_line(error), source)


def _report(output: str, error: str | None, kind: str | None) -> str:
    parts = (part.rstrip("\n") for part in (output, error) if part)
    text = "\n".join(parts).encode("utf-8", "backslashreplace").decode()
    return json.dumps({"text": text, "error": kind})


types.SimpleNamespace(is_plain=is_plain, run=run)
