"""Opening a model for comparison, whatever it is, and whether two of them can be compared."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.model_files import model_files
from export.errors import ExportError
from runtime.engines import open_engine
from runtime.engines.base import ScoringEngine
from runtime.models.gguf import inspect_gguf
from runtime.models.onnx_folder import holds_onnx, inspect_onnx


def check_model(path: Path) -> None:
    """Refuse early what could not be opened after an hour. Raises ModelError."""
    if path.suffix == ".gguf":
        inspect_gguf(path)
    elif path.is_dir() and holds_onnx(path):
        inspect_onnx(path)
    else:
        model_files(path)


@contextmanager
def opened(
    path: Path, n_ctx: int | None = None, n_threads: int | None = None
) -> Iterator[ScoringEngine]:
    """The engine for `path`: llama.cpp for a .gguf file, ONNX Runtime for a folder with an ONNX
    model, transformers for a Hugging Face folder. Closed when the block is left.

    Raises ModelError, UsageError or ExportError for what cannot be opened.
    """
    engine = _open(path, n_ctx, n_threads)
    try:
        yield engine
    finally:
        engine.close()


def _open(path: Path, n_ctx: int | None, n_threads: int | None) -> ScoringEngine:
    if path.is_dir() and not holds_onnx(path):
        from export.hf_engine import HFEngine

        return HFEngine(path, n_ctx=n_ctx, n_threads=n_threads)
    if not path.exists():
        raise ExportError(f"no model at {path}")
    name = "onnx" if path.is_dir() else "llama.cpp"
    engine = open_engine(name, path, n_ctx=n_ctx, n_threads=n_threads)
    if not isinstance(engine, ScoringEngine):
        engine.close()
        raise ExportError(f"{path} cannot be measured: its engine, {name}, tells no probabilities")
    return engine


def check_same_vocabulary(reference: ScoringEngine, candidate: ScoringEngine) -> None:
    """Raises ExportError unless every token id stands for the same bytes in both models."""
    sizes = [len(next(engine.score([0, 0], 1))) for engine in (reference, candidate)]
    models = f"{candidate.model_path} and {reference.model_path}"
    if sizes[0] != sizes[1]:
        raise ExportError(
            f"{models} have vocabularies of {sizes[1]} and {sizes[0]} tokens: give exports of one "
            "model"
        )
    ours, theirs = reference.tokenizer, candidate.tokenizer
    for token in range(sizes[0]):
        if ours.piece(token) != theirs.piece(token):
            raise ExportError(
                f"{models} have different vocabularies: token {token} is {theirs.piece(token)!r} "
                f"and {ours.piece(token)!r}; give exports of one model"
            )
