"""Who builds the graph. Each backend gives a graph with the same names, and genai's config for it.

`genai` is onnxruntime-genai's model builder, the default: the fewest and fastest operators, keys
and values written in place. `transformers` and `optimum` trace PyTorch's own operations, which
reaches every architecture and costs speed (docs/EXPORT.md has the figures).
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from export.checkpoint import Checkpoint, read_json
from export.errors import ExportError
from export.onnx.process import run_ours
from export.onnx.traced import genai_config, quantize, trace_with_optimum, trace_with_transformers

Backend = Literal["genai", "transformers", "optimum"]

# llama.cpp's k-quant rounding, and 8 bits for the head and for the layers that lose most, as in its
# mixed types. KL to float32 is 0.05 on the nano teacher and 0.18 on SmolLM2-135M; with plain
# rounding 0.05 and 0.25, without the 8 bits 0.10 and 0.31, with neither 0.17 and 0.41.
_INT4 = ("algo_config=k_quant", "matmul_mixed_precision=last_matmul:int8,mixed_layers:int8")
_INSTALL = "run: pip install 'sod-agent[export-onnx]'"
# What the builder knows and this project tests or has no reason to doubt.
_GENAI = (
    *("LlamaForCausalLM", "Qwen2ForCausalLM", "Qwen3ForCausalLM", "Gemma3ForCausalLM"),
    *("MistralForCausalLM", "SmolLM3ForCausalLM", "Phi3ForCausalLM"),
)


@dataclass(frozen=True)
class Built:
    """A graph with its weights beside it, and the genai_config.json for it."""

    graph: Path
    genai_config: dict[str, Any]


def build(
    backend: Backend,
    checkpoint: Checkpoint,
    precision: str,
    folder: Path,
    optimum_python: Path | None = None,
) -> Built:
    """Build the graph of `checkpoint` in the new folder `folder`. Raises ExportError."""
    for module in ("torch", "onnx", "onnxruntime", "llguidance", "tokenizers"):
        if find_spec(module) is None:
            raise ExportError(f"exporting to ONNX needs {module}: {_INSTALL}")
    folder.mkdir()
    if backend == "genai":
        return _genai(checkpoint, precision, folder)
    if backend == "optimum":
        graph = trace_with_optimum(checkpoint, folder, optimum_python)
    else:
        graph = trace_with_transformers(checkpoint, folder)
    return Built(quantize(graph, precision), genai_config(checkpoint.config))


def _genai(checkpoint: Checkpoint, precision: str, folder: Path) -> Built:
    if checkpoint.architecture not in _GENAI:
        raise ExportError(
            f"{checkpoint.folder} is a {checkpoint.architecture}, and the builder is for "
            f"{', '.join(_GENAI)}: try --backend transformers"
        )
    options = ["hf_token=false", "hf_remote=false"]
    if precision == "int4":
        options += _INT4
    target = "cpu"
    if precision == "fp16":
        # The builder's half-precision graph for CPUs does not run. The one for WebGPU does, also
        # on a CPU, without the fused norms that the CPU's attention does not know.
        target = "webgpu"
        options.append("fuse_qk_norm_gqa=false")
    source = str(checkpoint.folder.absolute())
    run_ours(
        "export.onnx.genai_build",
        [source, str(folder), precision, target, *options],
        folder,
        needs={"onnxruntime_genai": _INSTALL, "onnx_ir": _INSTALL},
    )
    return Built(folder / "model.onnx", read_json(folder / "genai_config.json"))
