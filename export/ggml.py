"""ggml's tensors, seen while llama.cpp computes: what each weight is multiplied with.

llama.cpp calls back before and after the nodes of its graph, but gives only a pointer, and a
node's inputs have no accessor: they must be read from the struct. Its layout is not part of any
interface, so it is checked against the loaded library first (`check_layout`).
Source: ggml/include/ggml.h and ggml-backend.h of llama.cpp, as in llama-cpp-python 0.3.36.
"""

from __future__ import annotations

import ctypes
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from export.errors import ExportError
from runtime.engines.ggml import F32, bind
from runtime.errors import EngineError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class GgmlTensor(ctypes.Structure):
    """`struct ggml_tensor`. `ne` are elements and `nb` bytes per step, innermost first."""

    _fields_ = (
        ("type", ctypes.c_int),
        ("buffer", ctypes.c_void_p),
        ("ne", ctypes.c_int64 * 4),
        ("nb", ctypes.c_size_t * 4),
        ("op", ctypes.c_int),
        ("op_params", ctypes.c_int32 * 16),
        ("flags", ctypes.c_int32),
        ("src", ctypes.c_void_p * 10),
        ("view_src", ctypes.c_void_p),
        ("view_offs", ctypes.c_size_t),
        ("data", ctypes.c_void_p),
        ("name", ctypes.c_char * 64),
        ("extra", ctypes.c_void_p),
        ("padding", ctypes.c_char * 8),
    )

    @property
    def operation(self) -> str:
        """The operation that computes this tensor, in ggml's word: "MUL_MAT"."""
        name: bytes = library().ggml_op_name(self.op)
        return name.decode()

    def source(self, index: int) -> GgmlTensor:
        """The operation's input number `index`."""
        return GgmlTensor.from_address(self.src[index])

    def rows(self) -> NDArray[np.float32]:
        """A copy of the values, as rows of `ne[0]`; raises ExportError unless they are float32."""
        import numpy as np

        if self.type != F32 or self.nb[0] != 4:
            raise ExportError(
                f"the input of {self.name.decode(errors='replace')} is not float32: this "
                "llama.cpp cannot be used to collect an importance matrix"
            )
        lib, pointer = library(), ctypes.addressof(self)
        raw = np.empty(lib.ggml_nbytes(pointer), np.uint8)
        lib.ggml_backend_tensor_get(pointer, raw.ctypes.data, 0, raw.nbytes)
        strided: NDArray[np.float32] = np.lib.stride_tricks.as_strided(
            raw.view(np.float32), tuple(self.ne)[::-1], tuple(self.nb)[::-1], writeable=False
        )
        return strided.reshape(-1, self.ne[0])


class _InitParams(ctypes.Structure):
    """`struct ggml_init_params`."""

    _fields_ = (
        ("mem_size", ctypes.c_size_t),
        ("mem_buffer", ctypes.c_void_p),
        ("no_alloc", ctypes.c_bool),
    )


@lru_cache(maxsize=1)
def library() -> Any:
    """llama.cpp's library, in which ggml's functions are found too; raises EngineError."""
    signatures: dict[str, tuple[Any, list[Any]]] = {
        "ggml_init": (ctypes.c_void_p, [_InitParams]),
        "ggml_free": (None, [ctypes.c_void_p]),
        "ggml_new_tensor_2d": (
            ctypes.c_void_p,
            [ctypes.c_void_p, ctypes.c_int, ctypes.c_int64, ctypes.c_int64],
        ),
        "ggml_set_name": (ctypes.c_void_p, [ctypes.c_void_p, ctypes.c_char_p]),
        "ggml_mul_mat": (ctypes.c_void_p, [ctypes.c_void_p] * 3),
        "ggml_nbytes": (ctypes.c_size_t, [ctypes.c_void_p]),
        "ggml_op_name": (ctypes.c_char_p, [ctypes.c_int]),
        "ggml_backend_tensor_get": (None, [ctypes.c_void_p] * 2 + [ctypes.c_size_t] * 2),
    }
    try:
        return bind(signatures)
    except EngineError as error:
        raise _unknown(str(error)) from error


@lru_cache(maxsize=1)
def check_layout() -> None:
    """Have ggml build a product of two tensors and find every field used here where it should be.

    Raises ExportError if the loaded llama.cpp lays its tensors out in another way.
    """
    lib = library()
    context = lib.ggml_init(_InitParams(1 << 16, None, False))
    try:
        left = lib.ggml_new_tensor_2d(context, F32, 7, 3)
        right = lib.ggml_new_tensor_2d(context, F32, 7, 5)
        lib.ggml_set_name(left, b"blk.0.check.weight")
        product = lib.ggml_mul_mat(context, left, right)
        weight, result = GgmlTensor.from_address(left), GgmlTensor.from_address(product)
        seen = {
            "type": (result.type, F32),
            "name": (weight.name, b"blk.0.check.weight"),
            "ne": (tuple(weight.ne) + tuple(result.ne), (7, 3, 1, 1, 3, 5, 1, 1)),
            "nb": (tuple(weight.nb), (4, 28, 84, 84)),
            "src": (tuple(result.src)[:3], (left, right, None)),
        }
        wrong = [name for name, (found, meant) in seen.items() if found != meant]
        # Only now may its number be looked up: ggml does not check the range.
        if wrong or not 0 <= result.op < 256 or result.operation != "MUL_MAT":
            raise _unknown(f"its tensors differ in {', '.join(wrong) or 'op'}")
    finally:
        lib.ggml_free(context)


def _unknown(how: str) -> ExportError:
    return ExportError(
        f"this build of llama.cpp is not one that importance matrices can be collected with: {how};"
        " install llama-cpp-python 0.3.36, or export without calibration"
    )
