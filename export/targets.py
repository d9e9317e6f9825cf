"""Which llama.cpp type is meant by --q4, --q5 and --q8 on the machine that will run the model."""

from __future__ import annotations

import platform
from typing import Literal, NamedTuple

import gguf

from export.errors import ExportError

Target = Literal["auto", "x86", "arm"]


class Choice(NamedTuple):
    """A type of llama.cpp and, where it was chosen for the user, why."""

    type: str
    why: str | None = None


# What llama_model_quantize takes; llama.cpp's names.
FILE_TYPES: dict[str, int] = {
    kind.name.removeprefix("MOSTLY_").removeprefix("ALL_").lower(): int(kind)
    for kind in gguf.LlamaFileType
    if kind != gguf.LlamaFileType.GUESSED
}

_FOUR_BITS = {
    "x86": Choice("q4_0", "AVX2 kernels over repacked rows"),
    "arm": Choice("q4_0", "dotprod and i8mm kernels over repacked rows"),
    "other": Choice("q4_k_m", "no kernels over repacked rows here, so the closest 4 bits"),
}


def check_type(name: str) -> str:
    """`name` as llama.cpp writes it, lower case; raises ExportError for one it has not."""
    found = name.lower()
    if found not in FILE_TYPES:
        usual = "f16, q8_0, q6_k, q5_k_m, q4_k_m, q4_0, iq4_nl"
        raise ExportError(f"llama.cpp has no type '{name}'; usual ones: {usual}")
    return found


def four_bits(target: Target) -> Choice:
    """The 4-bit type that is best on `target`; "auto" is this machine."""
    return _FOUR_BITS[_this_machine() if target == "auto" else target]


def _this_machine() -> str:
    from runtime.engines.llama_bindings import llama

    features = llama().llama_print_system_info().decode()
    if platform.machine().lower() in ("x86_64", "amd64"):
        return "x86" if "AVX2 = 1" in features else "other"
    if platform.machine().lower() in ("aarch64", "arm64"):
        return "arm" if "DOTPROD = 1" in features else "other"
    return "other"
