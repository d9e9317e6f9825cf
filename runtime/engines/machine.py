"""What kind of machine this is, as far as llama.cpp's fastest kernels depend on it."""

from __future__ import annotations

import platform
from typing import Literal

from runtime.engines.llama_bindings import llama

Kind = Literal["x86", "arm", "other"]


def machine_kind() -> Kind:
    """ "x86" with AVX2, "arm" with dotprod, both as llama.cpp was built here, or "other".

    On the first two llama.cpp repacks the rows of Q4_0 for SIMD. Raises EngineError.
    """
    features = llama().llama_print_system_info().decode()
    if platform.machine().lower() in ("x86_64", "amd64"):
        return "x86" if "AVX2 = 1" in features else "other"
    if platform.machine().lower() in ("aarch64", "arm64"):
        return "arm" if "DOTPROD = 1" in features else "other"
    return "other"
