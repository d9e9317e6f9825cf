"""Which llama.cpp type is meant by --q4, --q5 and --q8 on the machine that will run the model."""

from __future__ import annotations

from typing import Literal, NamedTuple

from export.errors import ExportError
from runtime.engines.machine import machine_kind
from runtime.models.gguf import FILE_TYPES

__all__ = ["FILE_TYPES", "Choice", "Target", "check_type", "four_bits"]

Target = Literal["auto", "x86", "arm"]


class Choice(NamedTuple):
    """A type of llama.cpp and, where it was chosen for the user, why."""

    type: str
    why: str | None = None


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
    return _FOUR_BITS[machine_kind() if target == "auto" else target]
