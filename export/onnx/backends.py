"""Who builds the graph. Each backend gives a graph with the same names, and genai's config for it.

`genai` is onnxruntime-genai's model builder, the default: the fewest and fastest operators, keys
and values written in place, 4 and 8 bits. `transformers` and `optimum` trace PyTorch's own
operations, which reaches every architecture and costs speed.
"""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from export.checkpoint import Checkpoint, one_line, read_json
from export.errors import ExportError

Backend = Literal["genai", "transformers", "optimum"]

# By KL to float32 on the nano teacher and SmolLM2-135M, better at each bit than plain rounding:
# llama.cpp's k-quant rounding, 8 bits for the head and for the layers that lose most.
_INT4 = ("algo_config=k_quant", "matmul_mixed_precision=last_matmul:int8,mixed_layers:int8")
_INSTALL = "run: pip install 'sod-agent[export]'"


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
    folder.mkdir()
    if backend == "genai":
        return _genai(checkpoint.folder, precision, folder)
    raise ExportError(f"backend {backend} is not here")


def _genai(source: Path, precision: str, folder: Path) -> Built:
    # A CPU has no half-precision kernels for this graph; the builder's one for WebGPU has, and
    # runs on a CPU too, with numbers widened as it goes.
    target = "webgpu" if precision == "fp16" else "cpu"
    options = ["hf_token=false", "hf_remote=false"]
    if precision == "fp16":
        options += ["fuse_qk_norm_gqa=false"]  # which the CPU's attention does not know
    if precision == "int4":
        options += _INT4
    run_builder(
        [
            sys.executable,
            *("-m", "onnxruntime_genai.models.builder"),
            *("-i", str(source.absolute()), "-o", str(folder), "-p", precision, "-e", target),
            *("-c", str(folder / "cache"), "--extra_options", *options),
        ],
        folder,
        needs={"onnxruntime_genai": _INSTALL, "onnx_ir": _INSTALL},
    )
    return Built(folder / "model.onnx", read_json(folder / "genai_config.json"))


def run_builder(command: list[str], folder: Path, needs: dict[str, str]) -> None:
    """Run a builder in a process of its own, so that its imports and prints stay there.

    `needs` says for a module what to do when it is missing. Raises ExportError with its last line.
    """
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "PYTHONNOUSERSITE": "1"}
    environment.pop("PYTHONPATH", None)
    log = folder / "log.txt"
    with log.open("wb") as file:
        process = subprocess.Popen(
            command,
            cwd=folder,
            stdout=file,
            stderr=subprocess.STDOUT,
            env=environment,
            stdin=subprocess.DEVNULL,
        )
        try:
            code = process.wait()
        except BaseException:
            process.kill()
            process.wait()
            raise
    if code == 0:
        return
    text = log.read_text("utf-8", "replace")
    for module, hint in needs.items():
        if f"No module named '{module}" in text:
            raise ExportError(f"this backend needs {module}: {hint}")
    if "No space left on device" in text:
        raise OSError(28, "No space left on device")
    lines = [line for line in text.splitlines() if line.strip()]
    why = lines[-1] if lines else f"exit code {code}"
    raise ExportError(f"the builder failed: {one_line(Exception(why))}")
