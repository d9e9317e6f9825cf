"""A base and a LoRA as one GGUF file: what the adapter changes in 16 bits, the rest as it was.

Everything is streamed; in memory are the factors of one weight and a block of its rows. The rest
is copied byte by byte, since the quantiser reads every type and another step would only lose.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from runtime.errors import EngineError, ModelError
from runtime.models.adapter import Adapter, Factors, NotMerged, open_adapter
from runtime.models.gguf import (
    FILE_TYPES,
    PROTOCOL_KEY,
    GgufLayout,
    GgufTensor,
    printable,
    read_layout,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

OnTensor = Callable[[int, int], None]  # tensors done, tensors in all

_F16 = 1  # GGML_TYPE_F16
_BLOCK = 1 << 20  # numbers computed at once: 4 MiB in float32
_FILE_TYPE = "general.file_type"
# What the adapter says of the student holds for the merged model too.
_OF_ADAPTER = ("general.name", "general.description", PROTOCOL_KEY)


@dataclass(frozen=True)
class MergePlan:
    """What will be written, checked before anything is: see `plan_merge`."""

    base: GgufLayout
    adapter: Adapter

    @property
    def nbytes(self) -> int:
        """Of the tensors."""
        return sum(self.stored(tensor)[1] for tensor in self.base.tensors.values())

    def stored(self, tensor: GgufTensor) -> tuple[int, int]:
        """The ggml_type and the bytes of the base's `tensor` in the merged file."""
        if tensor.name in self.adapter.factors:
            return _F16, 2 * tensor.shape[0] * tensor.shape[1]
        assert tensor.nbytes is not None
        return tensor.kind, tensor.nbytes


def plan_merge(base: Path, adapter: Path) -> MergePlan:
    """Read both headers and compare them.

    Raises ModelError if the adapter does not fit, NotMerged if it fits and cannot be merged.
    """
    layout = read_layout(base)
    for tensor in layout.tensors.values():
        if tensor.nbytes is None:
            raise NotMerged(f"{base.name} holds tensors of type {tensor.kind}, not known here")
    return MergePlan(layout, open_adapter(adapter, layout))


def merge(plan: MergePlan, out: Path, on_tensor: OnTensor) -> None:
    """Write the merged file to `out`; a failure leaves part of it.

    Raises ModelError for numbers that are none, NotMerged for those that 16 bits cannot hold and
    for types that ggml cannot read, OSError if a file cannot be read or written.
    """
    base, total = plan.base, len(plan.base.tensors)
    adapter = plan.adapter.layout.path
    with base.path.open("rb") as old, adapter.open("rb") as low, out.open("wb") as new:
        _write_header(plan, old, low, new)
        for done, tensor in enumerate(base.tensors.values(), 1):
            _pad(new, base.alignment)
            old.seek(base.data + tensor.offset)
            if factors := plan.adapter.factors.get(tensor.name):
                _write_changed(plan, tensor, factors, old, low, new)
            else:
                _copy(old, new, plan.stored(tensor)[1])
            on_tensor(done, total)
        _pad(new, base.alignment)


def _write_header(plan: MergePlan, old: BinaryIO, low: BinaryIO, new: BinaryIO) -> None:
    base, adapter = plan.base, plan.adapter.layout
    taken = [key for key in _OF_ADAPTER if key in adapter.spans]
    kept = [span for key, span in base.spans.items() if key not in (*taken, _FILE_TYPE)]
    count = len(kept) + len(taken) + 1
    new.write(b"GGUF" + struct.pack("<IQQ", base.info.version, len(base.tensors), count))
    for file, spans in ((old, kept), (low, [adapter.spans[key] for key in taken])):
        for start, end in spans:
            file.seek(start)
            _copy(file, new, end - start)
    new.write(_name(_FILE_TYPE) + struct.pack("<II", 4, FILE_TYPES["f16"]))
    offset = 0
    for tensor in base.tensors.values():
        kind, nbytes = plan.stored(tensor)
        shape = struct.pack(f"<I{len(tensor.shape)}Q", len(tensor.shape), *tensor.shape)
        new.write(_name(tensor.name) + shape + struct.pack("<IQ", kind, offset))
        offset += -(-nbytes // base.alignment) * base.alignment


def _write_changed(
    plan: MergePlan,
    tensor: GgufTensor,
    factors: Factors,
    old: BinaryIO,
    low: BinaryIO,
    new: BinaryIO,
) -> None:
    import numpy as np

    adapter = plan.adapter.layout
    columns, rows = tensor.shape
    down, up = (
        _numbers(low, side, adapter.data + side.offset) for side in (factors.down, factors.up)
    )
    assert tensor.nbytes is not None
    step, row_bytes = max(1, _BLOCK // columns), tensor.nbytes // rows
    for start in range(0, rows, step):
        n = min(step, rows - start)
        block = _dequantized(tensor, _read(old, n * row_bytes)).reshape(n, columns)
        with np.errstate(all="ignore"):  # told below
            block += np.float32(factors.scale) * (up[start : start + n] @ down)
            stored = block.astype("<f2")
        if not np.isfinite(stored).all():
            shown = printable(tensor.name)
            if np.isfinite(block).all():
                raise NotMerged(f"{shown} gets numbers too large for 16 bits")
            raise ModelError(f"{adapter.path} makes {shown} hold what is no number")
        new.write(stored.tobytes())


def _numbers(file: BinaryIO, tensor: GgufTensor, start: int) -> NDArray[np.float32]:
    """A whole tensor, its rows first."""
    assert tensor.nbytes is not None
    file.seek(start)
    return _dequantized(tensor, _read(file, tensor.nbytes)).reshape(tensor.shape[::-1])


def _dequantized(tensor: GgufTensor, data: bytes) -> NDArray[np.float32]:
    from runtime.engines.ggml import dequantize

    try:
        return dequantize(tensor.kind, data)
    except EngineError as error:
        raise NotMerged(f"{printable(tensor.name)} cannot be read: {error}") from error


def _read(file: BinaryIO, length: int) -> bytes:
    data = file.read(length)
    if len(data) != length:  # its header was sound
        raise NotMerged(f"{file.name} became shorter while it was read")
    return data


def _copy(source: BinaryIO, target: BinaryIO, length: int) -> None:
    while length > 0:
        chunk = _read(source, min(length, 1 << 20))
        target.write(chunk)
        length -= len(chunk)


def _pad(file: BinaryIO, alignment: int) -> None:
    file.write(bytes(-file.tell() % alignment))


def _name(text: str) -> bytes:
    raw = text.encode("utf-8", "surrogateescape")
    return struct.pack("<Q", len(raw)) + raw
