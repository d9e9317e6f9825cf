"""`python -m export.onnx.trace FOLDER GRAPH`: trace a checkpoint with `transformers.exporters`.

Run in a process of its own by `traced.py`: it patches PyTorch and prints.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

_NAMES = re.compile(r"(?:past_key_values|cache)\.layers\.(\d+)\.(key|value)s")


def trace(source: Path, graph: Path) -> None:
    """Write the float32 graph of `source` with the names that all our graphs have."""
    import onnx_ir
    import torch
    from transformers import AutoModelForCausalLM, DynamicCache
    from transformers.exporters.exporter_onnx import OnnxConfig, OnnxExporter

    model: Any = AutoModelForCausalLM.from_pretrained(
        source, dtype=torch.float32, trust_remote_code=False, local_files_only=True
    ).eval()
    model.config.use_cache = True
    # Sizes that occur nowhere else, so that each free axis gets a name of its own.
    batch, past, new = 2, 5, 3
    with torch.no_grad():
        cache = model(
            input_ids=torch.ones(batch, past, dtype=torch.long),
            past_key_values=DynamicCache(config=model.config),
            use_cache=True,
        ).past_key_values
    inputs = {
        "input_ids": torch.ones(batch, new, dtype=torch.long),
        "attention_mask": torch.ones(batch, past + new, dtype=torch.long),
        "position_ids": torch.arange(past, past + new)[None].repeat(batch, 1),
        "past_key_values": cache,
        "use_cache": True,
    }
    options = OnnxConfig(dynamic=True, ort_fusions="cpu")
    program: Any = OnnxExporter().export(model, inputs, config=options).program
    for values, prefix in (
        (program.graph.inputs, "past_key_values"),
        (program.graph.outputs, "present"),
    ):
        for value in values:
            if match := _NAMES.fullmatch(value.name):
                value.name = f"{prefix}.{match[1]}.{match[2]}"
    onnx_ir.save(program, str(graph), external_data=f"{graph.name}.data")


if __name__ == "__main__":
    trace(Path(sys.argv[1]), Path(sys.argv[2]))
