"""llama.cpp's C API through llama-cpp-python, without the rest of that package.

`import llama_cpp` also imports its server types, numpy and a chat layer that we do not use:
about 120 ms, a third of the whole start-up budget. The submodule with the ctypes signatures is
all we need, so it is imported under a bare parent module that is taken away again; a later
`import llama_cpp` by anybody else still gets the real package.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from types import ModuleType
from typing import Any

from runtime.errors import EngineError

_recent_log: deque[str] = deque(maxlen=40)
_callbacks: list[Any] = []  # ctypes callbacks must outlive their registration


def _import(submodule: str) -> ModuleType:
    name = f"llama_cpp.{submodule}"
    if "llama_cpp" in sys.modules or name in sys.modules:
        return importlib.import_module(name)
    spec = importlib.util.find_spec("llama_cpp")
    if spec is None:
        raise EngineError("llama.cpp is not installed: run `pip install llama-cpp-python`")
    sys.modules["llama_cpp"] = importlib.util.module_from_spec(spec)
    try:
        return importlib.import_module(name)
    except (OSError, RuntimeError) as error:  # a build for another machine, or half-installed
        raise EngineError(
            f"llama.cpp cannot be loaded ({error}): run "
            "`pip install --force-reinstall --no-binary llama-cpp-python llama-cpp-python`"
        ) from error
    finally:
        del sys.modules["llama_cpp"]


@lru_cache(maxsize=1)
def llama() -> Any:
    """The ctypes bindings, loaded once, with llama.cpp's log kept instead of printed."""
    # OpenMP threads spin while they wait for each other. When another program has a core, the
    # default lets decoding fall to a twentieth. This many spins last about 0.1 ms, which is the
    # time between two tokens: on an idle machine nothing is lost.
    os.environ.setdefault("GOMP_SPINCOUNT", "10000")
    lib: Any = _import("llama_cpp")
    _callbacks.append(lib.llama_log_callback(_keep_log))
    lib.llama_log_set(_callbacks[-1], None)
    lib.llama_backend_init()
    return lib


def _keep_log(_level: int, text: bytes, _user_data: object) -> None:
    line = text.decode("utf-8", "replace").strip()
    if line and line != ".":
        _recent_log.append(line)


@contextmanager
def interrupts_deferred() -> Iterator[None]:
    """Ctrl-C waits until the block is left.

    llama.cpp logs through a Python callback while it loads. A KeyboardInterrupt raised inside a
    ctypes callback is printed and lost.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread is interrupted
        return
    came: list[int] = []
    handler = signal.signal(signal.SIGINT, lambda number, _frame: came.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
    if came:
        signal.raise_signal(signal.SIGINT)


def clear_log() -> None:
    _recent_log.clear()


def last_error() -> str:
    """The most telling recent log line, for a one-line message."""
    for line in reversed(_recent_log):
        if any(word in line.lower() for word in ("error", "fail", "unknown", "invalid", "missing")):
            return line
    return _recent_log[-1] if _recent_log else "no reason given"


@lru_cache(maxsize=16)
def schema_to_gbnf(schema_json: str) -> str:
    """A GBNF grammar for a JSON schema, by llama.cpp's own converter.

    The converter lets raw control characters into strings, which JSON forbids, so that one rule
    is replaced.
    """
    grammar: str = _import("llama_grammar").json_schema_to_gbnf(schema_json)
    escapes = r'["\\/bfnrt] | "u" [0-9a-fA-F] [0-9a-fA-F] [0-9a-fA-F] [0-9a-fA-F]'
    char = rf'char ::= [^"\\\x00-\x1F\x7F] | "\\" ({escapes})'
    lines = [char if line.startswith("char ::=") else line for line in grammar.splitlines()]
    return "\n".join(lines)
