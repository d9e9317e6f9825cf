"""A small, careful reader of GGUF headers: what a file is, before llama.cpp sees it.

`inspect_gguf` says what a person and the engine want to know, `read_layout` where everything lies
for who rewrites the file (merge.py).

The file is untrusted: every count and length is bounded by the file and by a limit, nothing is
evaluated, and any damage becomes a one-line ModelError. The `gguf` package on PyPI would do the
reading, but it needs numpy, pyyaml and requests, builds an object per token of the vocabulary
(seconds, not milliseconds) and fails with whatever exception the damage happens to cause.
Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
"""

from __future__ import annotations

import math
import mmap
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runtime.errors import ModelError

MAX_KEYS = 65_536
MAX_TENSORS = 65_536
MAX_STRINGS = 4_000_000  # of all arrays together; the largest vocabularies hold under a million
MAX_NAME = 65_535  # bytes of a key or of a tensor's name
KEPT = 1024  # bytes of a metadata text; chat templates are read by the engine, not here
PROTOCOL_KEY = "sod.protocol_version"  # what a model was trained on; export writes it

_U32 = struct.Struct("<I")
_U64 = struct.Struct("<Q")
_STRING, _ARRAY = 8, 9
_SCALARS = {
    kind: struct.Struct("<" + code) for kind, code in zip(range(8), "BbHhIif?", strict=True)
} | {10: _U64, 11: struct.Struct("<q"), 12: struct.Struct("<d")}

# Tensor type -> (elements in a block, bytes of a block); ggml.h and its quantisation structs.
BLOCKS = {
    0: (1, 4), 1: (1, 2), 2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34),
    9: (32, 40), 10: (256, 84), 11: (256, 110), 12: (256, 144), 13: (256, 176), 14: (256, 210),
    15: (256, 292), 16: (256, 66), 17: (256, 74), 18: (256, 98), 19: (256, 50), 20: (32, 18),
    21: (256, 110), 22: (256, 82), 23: (256, 136), 24: (1, 1), 25: (1, 2), 26: (1, 4),
    27: (1, 8), 28: (1, 8), 29: (256, 56), 30: (1, 2), 34: (256, 54), 35: (256, 66),
    39: (32, 17), 40: (64, 36), 41: (128, 18),
}  # fmt: skip

# general.file_type -> name; llama.h, enum llama_ftype.
_FILE_TYPES = {
    0: "F32", 1: "F16", 2: "Q4_0", 3: "Q4_1", 7: "Q8_0", 8: "Q5_0", 9: "Q5_1", 10: "Q2_K",
    11: "Q3_K_S", 12: "Q3_K_M", 13: "Q3_K_L", 14: "Q4_K_S", 15: "Q4_K_M", 16: "Q5_K_S",
    17: "Q5_K_M", 18: "Q6_K", 19: "IQ2_XXS", 20: "IQ2_XS", 21: "Q2_K_S", 22: "IQ3_XS",
    23: "IQ3_XXS", 24: "IQ1_S", 25: "IQ4_NL", 26: "IQ3_S", 27: "IQ3_M", 28: "IQ2_S",
    29: "IQ2_M", 30: "IQ4_XS", 31: "IQ1_M", 32: "BF16", 36: "TQ1_0", 37: "TQ2_0",
    38: "MXFP4_MOE", 39: "NVFP4", 40: "Q1_0",
}  # fmt: skip
# What llama_model_quantize takes, by llama.cpp's names in lower case: "q4_k_m".
FILE_TYPES = {name.lower(): number for number, name in _FILE_TYPES.items()}


@dataclass(frozen=True)
class GgufInfo:
    """What a GGUF header says. Texts are made printable: they come from the file."""

    version: int
    architecture: str  # "llama", "qwen3"; "" if the header does not say
    name: str
    kind: str  # general.type: "model", "adapter", "mmproj", ...
    file_type: str  # "Q4_K_M"; "unknown" if the header does not say
    context_length: int | None  # tokens the model was trained for
    parameters: int
    tensors: int
    chat_template: bool
    size: int  # bytes of the file
    weights: int  # bytes of the tensors alone; those of types unknown here are not counted
    protocol_version: int | None  # of its training; None: it was not trained on the protocol


@dataclass(frozen=True)
class GgufTensor:
    """One tensor's line in the header. `shape` has its innermost dimension first."""

    name: str  # bytes that are no UTF-8 are kept as surrogates; printable() is for people
    shape: tuple[int, ...]
    kind: int  # ggml_type
    offset: int  # of its bytes, from the start of the data

    @property
    def nbytes(self) -> int | None:
        """Of the data; None if the type is unknown here or rows do not fill whole blocks."""
        block, size = BLOCKS.get(self.kind, (0, 0))
        if block == 0 or (self.shape[0] if self.shape else 1) % block:
            return None
        return math.prod(self.shape) // block * size


@dataclass(frozen=True)
class GgufLayout:
    """Where everything of a file lies, in bytes from its start."""

    path: Path
    info: GgufInfo
    metadata: dict[str, Any]  # scalars, beginnings of texts as bytes; None for arrays
    spans: dict[str, tuple[int, int]]  # key -> where key, type and value lie
    tensors: dict[str, GgufTensor]
    alignment: int  # of the data and of every tensor in it
    data: int  # where the tensors' bytes start


class _Damaged(Exception):
    """The header cannot be what its writer meant; the text says how."""


def inspect_gguf(path: Path) -> GgufInfo:
    """Read and check the header of `path`, without its weights.

    Raises ModelError if it is not a readable GGUF file or if its end is missing.
    """
    return read_layout(path).info


def read_layout(path: Path) -> GgufLayout:
    """Read and check the header of `path`: all that `inspect_gguf` does, and where things lie.

    The tensors are within the file; whether they overlap is not checked. Raises ModelError.
    """
    try:
        with path.open("rb") as file:
            magic = file.read(4)
            if magic != b"GGUF":
                raise _Damaged("it does not start with 'GGUF'" if magic else "it is empty")
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                return _parse(path, _Reader(data))
    except _Damaged as damage:
        raise ModelError(f"{path} is not a valid GGUF file: {damage}") from damage
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise ModelError(f"cannot read {path}: {reason}") from error


def _parse(path: Path, reader: _Reader) -> GgufLayout:
    version = reader.u32()
    if version & 0xFFFF == 0:
        raise _Damaged("it is in big-endian byte order")
    if version not in (2, 3):
        raise _Damaged(f"version {version} is not supported (2 and 3 are)")
    tensor_count = reader.count(MAX_TENSORS, "tensors")
    key_count = reader.count(MAX_KEYS, "metadata keys")

    metadata: dict[str, Any] = {}
    spans: dict[str, tuple[int, int]] = {}
    for _ in range(key_count):
        start = reader.position
        key = reader.name()
        metadata[key] = reader.value(reader.u32())
        spans[key] = (start, reader.position)

    tensors: dict[str, GgufTensor] = {}
    parameters, weights, end = 0, 0, 0
    for _ in range(tensor_count):
        name = reader.name()
        shape = tuple(reader.u64() for _ in range(reader.count(4, "dimensions of a tensor", _U32)))
        kind, offset = reader.u32(), reader.u64()
        if name in tensors:
            raise _Damaged(f"it has two tensors called {printable(name)}")
        tensors[name] = GgufTensor(name, shape, kind, offset)
        elements = math.prod(shape)
        parameters += elements
        # A type younger than the table: its size is unknown here, llama.cpp checks the rest.
        block, size = BLOCKS.get(kind, (1, 0))
        weights += elements // block * size
        end = max(end, offset + elements // block * size)

    alignment = _number(metadata, "general.alignment")
    alignment = 32 if alignment is None else alignment
    if alignment < 1 or alignment & (alignment - 1):
        raise _Damaged(f"its tensors are aligned to {alignment} bytes, which is no power of two")
    data = -(-reader.position // alignment) * alignment
    end += data
    if tensor_count and end > reader.size:
        raise _Damaged(f"it is cut off: {reader.size} bytes of at least {end}")

    architecture = _text(metadata.get("general.architecture"))
    info = GgufInfo(
        version=version,
        architecture=architecture,
        name=_text(metadata.get("general.name")),
        kind=_text(metadata.get("general.type")) or "model",
        file_type=_FILE_TYPES.get(metadata.get("general.file_type", -1), "unknown"),
        context_length=_number(metadata, f"{architecture}.context_length"),
        parameters=parameters,
        tensors=tensor_count,
        chat_template=bool(metadata.get("tokenizer.chat_template")),
        size=reader.size,
        weights=weights,
        protocol_version=_number(metadata, PROTOCOL_KEY),
    )
    return GgufLayout(path, info, metadata, spans, tensors, alignment, data)


def _number(metadata: dict[str, Any], key: str) -> int | None:
    value = metadata.get(key)
    return value if type(value) is int else None


def printable(text: str, limit: int = 80) -> str:
    """`text` from a file, fit for a terminal, where escape codes would be obeyed."""
    return "".join(char if char.isprintable() else "?" for char in text[:limit])


def _text(value: Any) -> str:
    return printable(value[:KEPT].decode("utf-8", "replace")) if isinstance(value, bytes) else ""


class _Reader:
    """A bounds-checked position in the file."""

    def __init__(self, data: mmap.mmap) -> None:
        self._data = data
        self.size = len(data)
        self.position = 4
        self._strings_left = MAX_STRINGS

    def _advance(self, length: int) -> int:
        start = self.position
        if length > self.size - start:
            raise _Damaged("it is cut off inside the header")
        self.position = start + length
        return start

    def unpack(self, form: struct.Struct) -> Any:
        start = self._advance(form.size)
        return form.unpack_from(self._data, start)[0]

    def u32(self) -> int:
        return int(self.unpack(_U32))

    def u64(self) -> int:
        return int(self.unpack(_U64))

    def count(self, limit: int, what: str, form: struct.Struct = _U64) -> int:
        value = int(self.unpack(form))
        if value > limit:
            raise _Damaged(f"it declares {value} {what}")
        return value

    def string(self) -> bytes:
        """A text, of which no more than its beginning is kept."""
        length = self.u64()
        start = self._advance(length)
        return self._data[start : start + min(length, KEPT)]

    def name(self) -> str:
        length = self.count(MAX_NAME, "bytes of a name")
        start = self._advance(length)
        return self._data[start : start + length].decode("utf-8", "surrogateescape")

    def value(self, kind: int) -> Any:
        """A scalar or a string; an array is stepped over and given as None."""
        if kind == _STRING:
            return self.string()
        if kind == _ARRAY:
            return self._skip_array()
        if kind not in _SCALARS:
            raise _Damaged(f"metadata of unknown type {kind}")
        return self.unpack(_SCALARS[kind])

    def _skip_array(self) -> None:
        kind = self.u32()
        count = self.u64()
        if kind in _SCALARS:
            self._advance(count * _SCALARS[kind].size)
            return
        if kind != _STRING:
            raise _Damaged(f"an array of unknown type {kind}")
        self._strings_left -= count
        if self._strings_left < 0:
            raise _Damaged(f"it declares more than {MAX_STRINGS} strings")
        # The vocabulary: some 100,000 strings on every start, so a loop without calls of ours.
        data, length_at, position, last = self._data, _U64.unpack_from, self.position, self.size - 8
        for _ in range(count):
            if position > last:
                raise _Damaged("it is cut off inside the header")
            position += 8 + length_at(data, position)[0]
        if position > self.size:
            raise _Damaged("it is cut off inside the header")
        self.position = position
