"""The files that a model consists of: their hash, their size, and what runs them."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

from runtime.engines.cores import physical_cores
from runtime.errors import ModelError

DEVICE_LIBRARIES = ("llama-cpp-python", "onnxruntime")
LIBRARIES = (*DEVICE_LIBRARIES, "transformers", "torch")
_WEIGHTS = ("*.safetensors", "*.onnx", "*.onnx_data*", "*.onnx.data", "*.bin")
_FACTS = ("*.json", "*.jinja", "*.model")
_TINY = 32_000_000  # bytes of weights: a token takes a millisecond


def hash_model(path: Path) -> str:
    """SHA-256 over the weights, configuration, tokenizer and template of a file or folder."""
    total = hashlib.sha256()
    for file in model_files(path):
        one = hashlib.sha256()
        with file.open("rb") as stream:
            while piece := stream.read(1 << 20):
                one.update(piece)
        name = "" if file == path else file.relative_to(path).as_posix()
        total.update(f"{name}\0{one.hexdigest()}\n".encode())
    return total.hexdigest()


def model_size(path: Path) -> int:
    """Bytes of the weights on disk, for ONNX with their graph."""
    weights = [path] if path.is_file() else _found(path, _WEIGHTS)
    return sum(file.stat().st_size for file in weights)


def model_files(path: Path) -> list[Path]:
    """What a model consists of; raises ModelError if that is nothing."""
    if path.is_file():
        return [path]
    found = _found(path, _WEIGHTS + _FACTS)
    if not found:
        raise ModelError(f"there is no model at {path}")
    return sorted(found)


def _found(folder: Path, patterns: Sequence[str]) -> set[Path]:
    # The graph of an ONNX export lies in a folder of its own.
    places = (folder, folder / "onnx")
    found = {file for place in places for pattern in patterns for file in place.glob(pattern)}
    return {file for file in found if file.is_file()}


def libraries(names: Sequence[str] = LIBRARIES) -> dict[str, str]:
    """Versions of what runs the models, as far as installed: another one rounds differently."""
    found = {}
    for name in names:
        with contextlib.suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    return found


def threads_for(model: Path) -> int:
    """CPU threads to run `model` with: those of a tiny one would only wait for each other."""
    return 1 if model_size(model) < _TINY else physical_cores()
