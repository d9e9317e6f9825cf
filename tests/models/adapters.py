"""Adapters for tests, written by the gguf library; the runtime's reader must agree with it."""

from __future__ import annotations

from pathlib import Path

import gguf
import numpy as np
from gguf.quants import quantize

Q8_0 = gguf.GGMLQuantizationType.Q8_0


def write_adapter(
    path: Path,
    shapes: dict[str, tuple[int, int]],
    *,
    rank: int = 4,
    alpha: float | None = 8.0,
    size: float = 0.02,
    kind: gguf.GGMLQuantizationType | type = np.float32,
    seed: int = 0,
    protocol: int | None = None,
    leave_out: str = "",
    more: dict[str, np.ndarray] | None = None,
    arch: str = "llama",
    adapter_type: str = "lora",
) -> Path:
    """Random factors of `rank` for weights of those shapes, (rows, columns)."""
    writer = gguf.GGUFWriter(path, arch)
    writer.add_type("adapter")
    writer.add_name("Tuned")
    writer.add_string("adapter.type", adapter_type)
    if alpha is not None:
        writer.add_float32("adapter.lora.alpha", alpha)
    if protocol is not None:
        writer.add_uint32("sod.protocol_version", protocol)
    random = np.random.default_rng(seed)
    for name, (rows, columns) in shapes.items():
        down = random.standard_normal((rank, columns), dtype=np.float32)
        up = random.standard_normal((rows, rank), dtype=np.float32) * np.float32(size)
        for side, values in ((f"{name}.lora_a", down), (f"{name}.lora_b", up)):
            if side == leave_out:
                continue
            if kind == Q8_0:
                writer.add_tensor(side, quantize(values, Q8_0), raw_dtype=Q8_0)
            else:
                writer.add_tensor(side, values.astype(kind))
    for name, values in (more or {}).items():
        writer.add_tensor(name, values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def smollm2_shapes(layers: int = 30) -> dict[str, tuple[int, int]]:
    """The linear layers of SmolLM2-135M, (rows, columns)."""
    of = {
        "attn_q": (576, 576), "attn_k": (192, 576), "attn_v": (192, 576), "attn_output": (576, 576),
        "ffn_gate": (1536, 576), "ffn_up": (1536, 576), "ffn_down": (576, 1536),
    }  # fmt: skip
    return {
        f"blk.{layer}.{name}.weight": shape for layer in range(layers) for name, shape in of.items()
    }
