"""Engines: token ids in, token ids out. `base.py` is the interface, one file per library."""

from __future__ import annotations

from pathlib import Path

from runtime.engines.base import Engine
from runtime.errors import UsageError

ENGINES = ("llama.cpp", "onnx")


def open_engine(
    name: str,
    path: Path,
    *,
    lora: Path | None = None,
    n_ctx: int | None = None,
    n_threads: int | None = None,
    prefix_folder: Path | None = None,
) -> Engine:
    """Load a model with the engine called `name`; the engine's library is imported here.

    `prefix_folder` is where it may keep the states of prompt beginnings (None: nowhere).

    Raises UsageError for an unknown engine, ModelError for a model that cannot be loaded.
    """
    if name == "llama.cpp":
        from runtime.engines.llama_cpp import LlamaCppEngine

        return LlamaCppEngine(
            path, lora=lora, n_ctx=n_ctx, n_threads=n_threads, prefix_folder=prefix_folder
        )
    if name == "onnx":
        if lora is not None:
            raise UsageError(
                "--lora is for GGUF models: merge the adapter before the export to ONNX"
            )
        from runtime.engines.onnx import OnnxEngine

        return OnnxEngine(path, n_ctx=n_ctx, n_threads=n_threads, prefix_folder=prefix_folder)
    if name == "openai":
        raise UsageError("a server has no model file: give the agent an OpenAIEngine(base_url)")
    raise UsageError(f"unknown engine '{name}': choose from {', '.join(ENGINES)}")
