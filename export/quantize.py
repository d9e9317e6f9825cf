"""The runtime's quantiser (runtime/engines/quantize.py), with importance matrices."""

from __future__ import annotations

import json
from pathlib import Path

from export.errors import ExportError
from export.files import reason
from runtime.engines.quantize import OnProgress, Quantized, run_task
from runtime.engines.quantize import quantize as run_quantizer
from runtime.errors import ModelError

__all__ = ["OnProgress", "Quantized", "quantize"]


def quantize(
    source: Path,
    out: Path,
    type: str,
    *,
    imatrix: Path | None = None,
    n_threads: int | None = None,
    on_progress: OnProgress | None = None,
) -> Quantized:
    """Write `source`, a GGUF file of any type, as `type` of llama.cpp to `out`.

    `imatrix` is an importance matrix in llama.cpp's GGUF format. A failure or Ctrl-C may leave
    part of `out`: give a file that is thrown away. Raises ExportError.
    """
    try:
        return run_quantizer(
            source,
            out,
            type,
            imatrix=imatrix,
            module="export.quantize",
            n_threads=n_threads,
            on_progress=on_progress,
        )
    except ModelError as error:
        raise ExportError(str(error)) from error
    except OSError as error:
        raise ExportError(
            f"cannot write {type} into {out.parent.absolute()}: {reason(error)}"
        ) from error


def child(text: str) -> int:
    """What the child process runs: the task as JSON."""
    from export.imatrix import load_imatrix

    task = json.loads(text)
    return run_task(task, load_imatrix(Path(task["imatrix"])) if task["imatrix"] else {})
