"""llama.cpp's quantiser, run in a process of its own.

It cannot be interrupted, draws no progress, and a failed assertion in it ends the process it runs
in; a child can be killed, reports tensor by tensor, and dies alone.
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runtime.engines.cores import physical_cores
from runtime.errors import ModelError
from runtime.models.cache import is_full
from runtime.models.gguf import FILE_TYPES, inspect_gguf

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

OnProgress = Callable[[int, int], None]  # tensors done, tensors in all

_TENSOR = re.compile(r"^\[ *(\d+)/ *(\d+)\]")
_FALLBACK = re.compile(r"falling back to +(\w+)")
_UNWEIGHTED = re.compile(r"did not find weights for (\S+)")
# Rows held at once; llama.cpp's default of 8 GiB would hold any tensor of a small model whole.
_BUFFER = 64 << 20
# They are read by row, not multiplied with: an importance matrix has nothing on them.
_NO_IMPORTANCE = ("token_embd.weight", "output.weight")
# The child imports from where its parent does: `-m` would look in the working directory first.
_BOOT = (
    "import sys; sys.path[:] = {path!r}; from {module} import child; sys.exit(child(sys.argv[1]))"
)


@dataclass
class Quantized:
    """What the quantiser did otherwise than asked, for people."""

    fallbacks: dict[str, int] = field(default_factory=dict)  # type instead -> tensors
    unweighted: list[str] = field(default_factory=list)  # weights the imatrix says nothing on


def quantize(
    source: Path,
    out: Path,
    type: str,
    *,
    imatrix: Path | None = None,
    module: str = __name__,
    n_threads: int | None = None,
    on_progress: OnProgress | None = None,
) -> Quantized:
    """Write `source`, a GGUF file of any type, as `type` of llama.cpp to `out`.

    `imatrix` is an importance matrix, for which `module` must be one whose `child` reads such a
    file (export.quantize). A failure or Ctrl-C may leave part of `out`: give a file that is
    thrown away. Raises ModelError if llama.cpp refuses, OSError if `out` cannot be written.
    """
    task = {
        "source": str(source),
        "out": str(out),
        "type": FILE_TYPES[type],
        "imatrix": None if imatrix is None else str(imatrix),
        "threads": n_threads or physical_cores(),
    }
    out.touch()  # llama.cpp would not say why it cannot
    process = subprocess.Popen(
        [sys.executable, "-c", _BOOT.format(path=sys.path, module=module), json.dumps(task)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        start_new_session=True,  # a terminal's Ctrl-C is for us, who then end it
    )
    done, error = Quantized(), ""
    try:
        assert process.stdout is not None
        for line in process.stdout:
            report = json.loads(line)
            error = report.get("error", error)
            _take(report, done, on_progress)
        code = process.wait()
    finally:
        process.kill()
        _, crash = process.communicate()
    if code != 0 and not error:
        error = (crash.strip().splitlines() or [f"it ended with {code}"])[-1]
    if code != 0 and not is_full(out.parent):
        raise ModelError(f"llama.cpp cannot write {type}: {error}")
    if code != 0 or not _is_whole(out, source):
        if is_full(out.parent):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        raise OSError(errno.EIO, "the file was cut off while it was written")
    return done


def _take(report: dict[str, Any], done: Quantized, on_progress: OnProgress | None) -> None:
    if "tensor" in report and on_progress:
        on_progress(*report["tensor"])
    if kind := report.get("fallback"):
        done.fallbacks[kind] = done.fallbacks.get(kind, 0) + 1
    if name := report.get("unweighted"):
        done.unweighted.append(name)


def _is_whole(out: Path, source: Path) -> bool:
    """llama.cpp may write on when the disk is full, and report success."""
    try:
        return inspect_gguf(out).tensors == inspect_gguf(source).tensors
    except ModelError:
        return False


def child(text: str) -> int:
    """What the child process runs: the task as JSON, no importance matrix."""
    return run_task(json.loads(text), {})


def run_task(task: dict[str, Any], means: Mapping[str, NDArray[np.float32]]) -> int:
    """Quantise in this process; `means` are the importances of input columns, by weight."""
    from runtime.engines.llama_bindings import last_error, llama

    lib = llama()
    keep = lib.llama_log_callback(_Log())
    lib.llama_log_set(keep, None)
    params = lib.llama_model_quantize_default_params()
    params.ftype, params.nthread = task["type"], task["threads"]
    params.allow_requantize = True  # whether that is wise was decided before
    params.max_buf_size = _BUFFER
    held: list[Any] = []
    if means:
        params.imatrix = array = _as_array(lib, means)
        params.kv_overrides = overrides = _overrides(lib, Path(task["imatrix"]), len(means))
        held += [array, overrides]
    source, out = os.fsencode(task["source"]), os.fsencode(task["out"])
    if lib.llama_model_quantize(source, out, ctypes.byref(params)) == 0:
        return 0
    _say(error=_Log.failure or last_error())
    return 1


def _as_array(lib: Any, means: Mapping[str, NDArray[np.float32]]) -> Any:
    """llama.cpp's array of importances, ended by a nameless one; it points into `means`."""
    array = (lib.llama_model_imatrix_data * (len(means) + 1))()
    for entry, (name, row) in zip(array, means.items(), strict=False):
        entry.name, entry.size = name.encode(), row.size
        entry.data = row.ctypes.data_as(ctypes.POINTER(ctypes.c_float))
    return array


def _overrides(lib: Any, imatrix: Path, entries: int) -> Any:
    """The keys by which a quantised file says what it was calibrated on; llama-quantize's."""
    array = (lib.llama_model_kv_override * 3)()
    array[0].tag, array[0].key = lib.LLAMA_KV_OVERRIDE_TYPE_STR, b"quantize.imatrix.file"
    array[0].value.val_str = imatrix.name.encode()[:127]
    array[1].tag, array[1].key = lib.LLAMA_KV_OVERRIDE_TYPE_INT, b"quantize.imatrix.entries_count"
    array[1].value.val_i64 = entries
    return array


class _Log:
    """llama.cpp's log, of which three kinds of line are passed on."""

    failure = ""

    def __call__(self, _level: int, text: bytes, _user_data: object) -> None:
        line = text.decode("utf-8", "replace")
        if match := _TENSOR.match(line):
            _say(tensor=[int(match[1]), int(match[2])])
        elif match := _FALLBACK.search(line):
            _say(fallback=match[1].lower())
        elif (match := _UNWEIGHTED.search(line)) and match[1] not in _NO_IMPORTANCE:
            _say(unweighted=match[1])
        elif "failed to quantize" in line:
            _Log.failure = line.partition("failed to quantize: ")[2].strip()


def _say(**report: Any) -> None:
    try:
        print(json.dumps(report), flush=True)
    except OSError:
        os._exit(1)  # nobody listens: the parent was killed
