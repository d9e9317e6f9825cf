"""ggml's own functions through ctypes: they live in the library that llama.cpp's bindings load."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from runtime.engines.llama_bindings import llama
from runtime.errors import EngineError
from runtime.models.gguf import BLOCKS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

F32, F16, BF16 = 0, 1, 30  # ggml_type


def bind(signatures: Mapping[str, tuple[Any, list[Any]]]) -> Any:
    """The library with those functions typed: name -> (type of the result, of the arguments).

    Raises EngineError if llama.cpp cannot be loaded or lacks one of them.
    """
    lib = llama()._lib
    for name, (result, arguments) in signatures.items():
        try:
            function = getattr(lib, name)
        except AttributeError as error:
            raise EngineError(f"this build of llama.cpp lacks a function ({error})") from error
        function.restype, function.argtypes = result, arguments
    return lib


def dequantize(kind: int, data: bytes) -> NDArray[np.float32]:
    """The numbers in `data`, whole blocks of the ggml_type `kind`, shape (elements,).

    Raises EngineError for a type that this llama.cpp cannot turn into numbers.
    """
    import numpy as np

    if kind == F32:
        return np.frombuffer(data, "<f4").astype(np.float32)
    if kind == F16:
        return np.frombuffer(data, "<f2").astype(np.float32)
    if kind == BF16:
        return (np.frombuffer(data, "<u2").astype(np.uint32) << 16).view(np.float32)
    function = _dequantizer(kind)
    elements, size = BLOCKS[kind]
    numbers = np.empty(len(data) // size * elements, np.float32)
    function(data, numbers.ctypes.data, numbers.size)
    return numbers


@lru_cache(maxsize=64)
def _dequantizer(kind: int) -> Any:
    """`void dequantize_row_TYPE(const block *, float *, int64_t)`; ggml-quants.h."""
    if kind not in BLOCKS:
        raise EngineError(f"tensors of type {kind} are not known here")
    lib = bind(
        {
            "ggml_type_name": (ctypes.c_char_p, [ctypes.c_int]),
            "ggml_blck_size": (ctypes.c_int64, [ctypes.c_int]),
            "ggml_type_size": (ctypes.c_size_t, [ctypes.c_int]),
        }
    )
    # The function is found by a name and trusts its input: better make sure that it is the one.
    if (lib.ggml_blck_size(kind), lib.ggml_type_size(kind)) != BLOCKS[kind]:
        raise EngineError(f"this build of llama.cpp stores tensors of type {kind} in another way")
    name = f"dequantize_row_{lib.ggml_type_name(kind).decode()}"
    arguments = [ctypes.c_char_p, ctypes.c_void_p, ctypes.c_int64]
    return getattr(bind({name: (None, arguments)}), name)
