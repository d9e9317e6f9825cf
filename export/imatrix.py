"""The importance matrix: how large the inputs of each weight are on the student's own work.

A quantiser that knows the mean square of every input column rounds with care where rounding
would be seen. llama.cpp's own tool collects that on any text; here it is collected on the token
ids of tool trajectories (traces.py), because what an agent reads and writes is not prose.

The file is llama.cpp's (`general.type` = imatrix): for a weight NAME the sums of squares of its
input columns, `NAME.in_sum2`, and how many rows were summed, `NAME.counts`.
Source: tools/imatrix/imatrix.cpp and common/imatrix-loader.cpp of llama.cpp.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from export.activations import Activations, OnProgress, measure_activations
from export.errors import ExportError
from export.files import reason, replacing
from export.traces import Vocabulary, read_sequences
from runtime.errors import ModelError
from runtime.models.gguf import inspect_gguf

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_SUMS, _COUNTS = ".in_sum2", ".counts"


def calibrate(
    model: Path,
    traces: Path,
    out: Path,
    *,
    n_threads: int | None = None,
    on_progress: OnProgress | None = None,
) -> Path:
    """Collect the importance matrix of the GGUF `model` on the trajectories in `traces`.

    Raises what `read_sequences` and `collect_imatrix` raise; on failure `out` is as it was.
    """
    with Vocabulary(model) as vocabulary:
        sequences = read_sequences(traces, vocabulary)
    return collect_imatrix(
        model, sequences, out, n_threads=n_threads, dataset=traces.name, on_progress=on_progress
    )


def collect_imatrix(
    model: Path,
    sequences: Iterable[Sequence[int]],
    out: Path,
    *,
    n_threads: int | None = None,
    dataset: str = "",
    on_progress: OnProgress | None = None,
) -> Path:
    """Evaluate `sequences` of token ids with the GGUF `model` and write its importance matrix.

    Each sequence starts with an empty KV cache, as does each further window of a sequence longer
    than the model's (at most 4096 tokens). `dataset` is only noted in the file. The same
    sequences give the same file. Use a model of type f16 or q8_0: coarser weights distort what
    is measured. `on_progress` is called with the tokens evaluated and those in all.

    Raises ExportError for token ids the model has not, for a model that cannot be measured and
    for a file that cannot be written, ModelError for one that cannot be loaded. Nothing is left
    behind on failure or Ctrl-C.
    """
    rows = [list(sequence) for sequence in sequences]
    seen = measure_activations(model, rows, n_threads=n_threads, on_progress=on_progress)
    with replacing(out) as part:
        _write(part, seen, dataset)
    return out


def load_imatrix(path: Path) -> dict[str, NDArray[np.float32]]:
    """Read an importance matrix: weight name -> mean square of each input column, shape (ne0,).

    These are the numbers that `llama_model_quantize` takes. Its parameter `imatrix` points to an
    array of `llama_model_imatrix_data` (name: bytes, data: float*, size: elements), ended by an
    entry whose name is NULL; names and arrays must outlive the call. Weights that are not in it
    are quantised as without an importance matrix, so compare the names with the model's.

    Raises ExportError if the file is damaged, no importance matrix, or holds impossible numbers.
    """
    import numpy as np

    try:
        info = inspect_gguf(path)
    except ModelError as error:
        raise ExportError(str(error)) from error
    if info.kind != "imatrix":
        raise ExportError(f"{path} is a GGUF file of type '{info.kind}', not an importance matrix")
    tensors = _read_tensors(path)
    means = {}
    for name, sums in tensors.items():
        if not name.endswith(_SUMS):
            continue
        weight = name.removesuffix(_SUMS)
        counts = tensors.get(weight + _COUNTS)
        if counts is None or counts.size == 0 or sums.size % counts.size:
            raise ExportError(f"{path} is damaged: {weight} has sums but no fitting counts")
        with np.errstate(all="ignore"):
            # An expert that was never asked has no statistics: llama.cpp takes 1 for them.
            row = sums.reshape(counts.size, -1) / counts.reshape(-1, 1)
            row = np.where(counts.reshape(-1, 1) == 0, 1, row).astype(np.float32)
        if not np.isfinite(row).all() or (row < 0).any():
            raise ExportError(f"{path} is damaged: {weight} has impossible statistics")
        means[weight] = row.reshape(-1)
    if not means:
        raise ExportError(f"{path} holds no statistics")
    return means


def _write(path: Path, seen: Activations, dataset: str) -> None:
    import gguf
    import numpy as np

    class Writer(gguf.GGUFWriter):
        def add_architecture(self) -> None:
            pass  # an importance matrix has none

    writer = Writer(path, "")
    try:
        writer.add_type(gguf.GGUFType.IMATRIX)
        writer.add_array(gguf.Keys.IMatrix.DATASETS, [dataset])
        writer.add_uint32(gguf.Keys.IMatrix.CHUNK_COUNT, seen.chunks)
        writer.add_uint32(gguf.Keys.IMatrix.CHUNK_SIZE, seen.window)
        for weight in sorted(seen.sums):
            counts = np.array([[seen.counts[weight]]], np.float32)
            writer.add_tensor(weight + _SUMS, seen.sums[weight].astype(np.float32)[None])
            writer.add_tensor(weight + _COUNTS, counts)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
    finally:
        writer.close()


def _read_tensors(path: Path) -> dict[str, NDArray[np.float32]]:
    import gguf
    import numpy as np

    try:
        tensors = {tensor.name: tensor.data for tensor in gguf.GGUFReader(path).tensors}
    except OSError as error:
        raise ExportError(f"cannot read {path}: {reason(error)}") from error
    except (ValueError, KeyError, IndexError) as error:  # whatever the damage causes
        raise ExportError(f"{path} is damaged: {error}") from error
    for name, data in tensors.items():
        if data.dtype != np.float32:
            raise ExportError(f"{path} is damaged: {name} is not float32")
    return {name: np.array(data).reshape(-1) for name, data in tensors.items()}
