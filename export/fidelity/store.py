"""Results that survive a kill: a file of JSON lines for each thing measured, named by its cause.

A file's name is a hash of everything its rows depend on (model, problems, settings, library), so
a result is found again or not at all. Rows are written as they come: what was measured before an
interrupt is not measured twice.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from export.errors import ExportError
from export.files import reason

_LIBRARIES = ("llama-cpp-python", "onnxruntime", "transformers", "torch")
_WEIGHTS = ("*.safetensors", "*.onnx", "*.onnx_data*", "*.onnx.data", "*.bin")
_FACTS = ("*.json", "*.jinja", "*.model")


class Store:
    """Rows of measured results in `folder`; `folder` None keeps nothing."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def rows(self, *facts: object) -> list[dict[str, Any]]:
        """What is known of `facts`, without a last row that a kill cut off."""
        if self._folder is None:
            return []
        found: list[dict[str, Any]] = []
        with contextlib.suppress(FileNotFoundError), self._errors():
            for line in self._path(facts).read_bytes().splitlines():
                with contextlib.suppress(ValueError):
                    row = json.loads(line)
                    if isinstance(row, dict):
                        found.append(row)
        return found

    def add(self, row: dict[str, Any], *facts: object) -> None:
        """Keep one row more of `facts`. Raises ExportError if it cannot be written."""
        if self._folder is None:
            return
        with self._errors():
            self._folder.mkdir(parents=True, exist_ok=True)
            with self._path(facts).open("ab") as file:
                cut_off = file.tell() > 0 and not _ends_in_newline(Path(file.name))
                file.write(b"\n" * cut_off + json.dumps(row).encode() + b"\n")

    def _path(self, facts: tuple[object, ...]) -> Path:
        assert self._folder is not None
        return self._folder / f"{hashlib.sha256(repr(facts).encode()).hexdigest()[:32]}.jsonl"

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError:
            raise
        except OSError as error:
            raise ExportError(
                f"cannot keep results in {self._folder}: {reason(error)}; give another --work"
            ) from error


def _ends_in_newline(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"


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
    """What a model consists of; raises ExportError if that is nothing."""
    if path.is_file():
        return [path]
    found = _found(path, _WEIGHTS + _FACTS)
    if not found:
        raise ExportError(f"there is no model at {path}")
    return sorted(found)


def _found(folder: Path, patterns: Sequence[str]) -> set[Path]:
    # The graph of an ONNX export lies in a folder of its own.
    places = (folder, folder / "onnx")
    found = {file for place in places for pattern in patterns for file in place.glob(pattern)}
    return {file for file in found if file.is_file()}


def libraries() -> dict[str, str]:
    """Versions of what runs the models: another one rounds differently."""
    found = {}
    for name in _LIBRARIES:
        with contextlib.suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    return found
