"""Graphs traced from PyTorch's operations: by transformers itself, or by optimum.

optimum-onnx 0.1.0 needs transformers below 4.58 and so an environment of its own; the checkpoint
folder is all that the two share.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from export.checkpoint import Checkpoint, read_json
from export.errors import ExportError
from export.onnx.process import run, run_ours

_BITS = {"int4": 4, "int8": 8}
_OPTIMUM = (
    "make an environment for it and name its interpreter: python3 -m venv optimum && "
    "optimum/bin/pip install torch 'optimum-onnx[onnxruntime]==0.1.0', then --optimum-python "
    "optimum/bin/python"
)


def trace_with_transformers(checkpoint: Checkpoint, folder: Path) -> Path:
    """The float32 graph by `transformers.exporters`, in a process of its own."""
    source = str(checkpoint.folder.absolute())
    graph = folder / "model.onnx"
    needs = {"onnxscript": "run: pip install 'sod-agent[export-onnx]'"}
    run_ours("export.onnx.trace", [source, str(graph)], folder, needs)
    return graph


def trace_with_optimum(checkpoint: Checkpoint, folder: Path, python: Path | None) -> Path:
    """The float32 graph by optimum in the environment of the interpreter `python`."""
    if python is None:
        raise ExportError(f"optimum-onnx cannot live beside transformers 5: {_OPTIMUM}")
    if not python.is_file():
        raise ExportError(f"there is no interpreter {python}: {_OPTIMUM}")
    source = folder / "source"
    source.mkdir()
    for file in checkpoint.folder.absolute().glob("*.safetensors*"):
        (source / file.name).symlink_to(file)
    config = _for_transformers_4(read_json(checkpoint.folder / "config.json"))
    (source / "config.json").write_text(json.dumps(config))
    # Not resolved: a virtual environment is found by the link that stands in it.
    command = [str(python.absolute()), "-m", "optimum.exporters.onnx", "--model", str(source)]
    task = ["--task", "text-generation-with-past", "--no-post-process", str(folder / "out")]
    run([*command, *task], folder, needs={"optimum": _OPTIMUM})
    return folder / "out" / "model.onnx"


def quantize(graph: Path, precision: str) -> Path:
    """Hold the matrices of `graph` in 4 or 8 bits; returns the new graph beside it."""
    if precision == "fp32":
        return graph
    if precision not in _BITS:
        raise ExportError(f"this backend makes fp32, int8 and int4, not {precision}")
    import logging

    import onnx
    from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer

    logging.getLogger(MatMulNBitsQuantizer.__module__).setLevel(logging.ERROR)  # a line a node
    quantizer: Any = MatMulNBitsQuantizer(
        onnx.load(str(graph)),
        block_size=32,
        is_symmetric=True,
        accuracy_level=4,
        bits=_BITS[precision],
    )
    quantizer.process()
    out = graph.with_name(f"{precision}.onnx")
    quantizer.model.save_model_to_file(str(out), use_external_data_format=True)
    return out


def genai_config(config: Any) -> dict[str, Any]:
    """What onnxruntime-genai and our engine must know of a traced graph of `config`."""
    heads = config.num_attention_heads
    size = getattr(config, "head_dim", None) or config.hidden_size // heads
    return {
        "model": {
            "bos_token_id": config.bos_token_id,
            "context_length": config.max_position_embeddings,
            "decoder": {
                "session_options": {"log_id": "onnxruntime-genai", "provider_options": []},
                "head_size": size,
                "hidden_size": config.hidden_size,
                "inputs": {
                    "input_ids": "input_ids",
                    "attention_mask": "attention_mask",
                    "position_ids": "position_ids",
                    "past_key_names": "past_key_values.%d.key",
                    "past_value_names": "past_key_values.%d.value",
                },
                "outputs": {
                    "logits": "logits",
                    "present_key_names": "present.%d.key",
                    "present_value_names": "present.%d.value",
                },
                "num_attention_heads": heads,
                "num_hidden_layers": config.num_hidden_layers,
                "num_key_value_heads": getattr(config, "num_key_value_heads", None) or heads,
            },
            "eos_token_id": config.eos_token_id,
            "pad_token_id": config.pad_token_id,
            "type": config.model_type,
            "vocab_size": config.vocab_size,
        },
        "search": {
            "do_sample": False,
            "max_length": config.max_position_embeddings,
            "num_beams": 1,
            "past_present_share_buffer": False,
        },
    }


def _for_transformers_4(config: dict[str, Any]) -> dict[str, Any]:
    """A config of transformers 5 as 4 reads it; what it does not know it would silently default."""
    rope = config.pop("rope_parameters", None)
    if isinstance(rope, dict) and "rope_theta" in rope:
        config["rope_theta"] = rope.pop("rope_theta")
        config["rope_scaling"] = rope if rope.get("rope_type") != "default" else None
    elif rope is not None:
        raise ExportError("this model has several rotary embeddings, which optimum cannot read")
    if "dtype" in config:
        config["torch_dtype"] = config.pop("dtype")
    return config
