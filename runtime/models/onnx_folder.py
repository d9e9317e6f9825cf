"""A folder with an ONNX model: what is in it, before ONNX Runtime sees it.

`python -m export.onnx` writes such folders, and so does onnxruntime-genai's model builder:
`genai_config.json` names the graph and its shapes. `sod.json`, which only we write, adds the
protocol version and the size of every file, so that a damaged copy is told as such. The folder is
untrusted: no path leaves it and every number is bounded.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from runtime.errors import ModelError

# Graphs that we export compute logits for the last N tokens only; the name is transformers'.
KEEP_LOGITS = "num_logits_to_keep"
GENAI_CONFIG, MANIFEST = "genai_config.json", "sod.json"
MAX_JSON = 4_000_000  # bytes of one of the two
MAX_LAYERS = 1024
MAX_HEADS = 4096  # and dimensions of a head
MAX_VOCABULARY = 4_000_000
MAX_CONTEXT = 1 << 24


@dataclass(frozen=True)
class OnnxInfo:
    """What the folder says. The names of `GgufInfo` mean the same here."""

    graph: Path
    architecture: str
    file_type: str  # "int4"; "unknown" if the folder does not say
    context_length: int
    vocabulary: int  # rows of the logits
    layers: int
    kv_heads: int
    head_size: int
    eos_ids: tuple[int, ...]
    bos_id: int | None
    shared_cache: bool  # whether keys and values are written in place, into one buffer
    size: int  # bytes of the graph and its weights
    protocol_version: int | None


def holds_onnx(folder: Path) -> bool:
    """Whether `folder` looks like an ONNX model at all."""
    return (folder / GENAI_CONFIG).is_file() or (folder / MANIFEST).is_file()


def inspect_onnx(folder: Path) -> OnnxInfo:
    """Read and check what `folder` says about its model, without the model.

    Raises ModelError if a file is missing, damaged or shorter than it was.
    """
    path = folder / GENAI_CONFIG
    model = _Fields(_load(path), path).table("model")
    decoder = model.table("decoder")
    search = _Fields(_load(path), path).table("search")
    manifest = _load(folder / MANIFEST) if (folder / MANIFEST).is_file() else {}
    graph = _inside(folder, decoder.text("filename"))
    _check_sizes(folder, manifest)
    if not graph.is_file():
        raise ModelError(f"{folder} lacks {decoder.text('filename')}: copy the whole folder again")
    eos = model.value("eos_token_id")
    ids = eos if isinstance(eos, list) else [eos]
    if not ids or not all(type(token) is int and token >= 0 for token in ids):
        raise ModelError(f"{path} is damaged: its eos_token_id is no token id")
    version = manifest.get("protocol_version")
    bos = model.value("bos_token_id")
    return OnnxInfo(
        graph=graph,
        architecture=_printable(model.value("type")),
        file_type=_printable(manifest.get("quantization")) or "unknown",
        context_length=model.number("context_length", MAX_CONTEXT),
        vocabulary=model.number("vocab_size", MAX_VOCABULARY),
        layers=decoder.number("num_hidden_layers", MAX_LAYERS),
        kv_heads=decoder.number("num_key_value_heads", MAX_HEADS),
        head_size=decoder.number("head_size", MAX_HEADS),
        eos_ids=tuple(ids),
        bos_id=bos if type(bos) is int and bos >= 0 else None,
        shared_cache=search.value("past_present_share_buffer") is True,
        size=sum(file.stat().st_size for file in graph.parent.iterdir() if file.is_file()),
        protocol_version=version if type(version) is int else None,
    )


def _check_sizes(folder: Path, manifest: dict[str, Any]) -> None:
    files = manifest.get("files", {})
    if not isinstance(files, dict):
        raise ModelError(f"{folder / MANIFEST} is damaged: 'files' is not a table")
    for name, size in files.items():
        file = _inside(folder, name)
        found = file.stat().st_size if file.is_file() else None
        if found is None:
            raise ModelError(f"{folder} lacks {_printable(name)}: copy the whole folder again")
        if found != size:
            raise ModelError(
                f"{file} is damaged: it has {found} bytes and should have {_printable(str(size))}; "
                "copy the whole folder again"
            )


def _load(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > MAX_JSON:
            raise ModelError(f"{path} is too large to be what it is called")
        found = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise ModelError(
            f"{path.parent} is not a whole ONNX model: it has no {path.name}; "
            "`python -m export.onnx` writes one"
        ) from None
    except OSError as error:
        raise ModelError(f"cannot read {path}: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{path} is damaged: it is not JSON") from error
    if not isinstance(found, dict):
        raise ModelError(f"{path} is damaged: it is not a JSON object")
    return found


def _inside(folder: Path, name: str) -> Path:
    path = PurePosixPath(name)
    if not name or path.is_absolute() or "\\" in name or ".." in path.parts or "\0" in name:
        raise ModelError(f"{folder} names a file outside of it: {_printable(name)!r}")
    return folder / path


class _Fields:
    """A JSON object whose fields are checked when they are read."""

    def __init__(self, fields: dict[str, Any], path: Path) -> None:
        self._fields, self._path = fields, path

    def table(self, key: str) -> _Fields:
        value = self._fields.get(key)
        if not isinstance(value, dict):
            raise ModelError(f"{self._path} is damaged: it has no '{key}'")
        return _Fields(value, self._path)

    def value(self, key: str) -> Any:
        return self._fields.get(key)

    def text(self, key: str) -> str:
        value = self._fields.get(key)
        if not isinstance(value, str) or not value:
            raise ModelError(f"{self._path} is damaged: '{key}' is not a text")
        return value

    def number(self, key: str, limit: int) -> int:
        value = self._fields.get(key)
        if type(value) is not int or not 1 <= value <= limit:
            raise ModelError(f"{self._path} is damaged: '{key}' is not from 1 to {limit}")
        return value


def _printable(value: Any, limit: int = 80) -> str:
    # The text reaches a terminal, where escape codes would be obeyed.
    if not isinstance(value, str):
        return ""
    return "".join(char if char.isprintable() else "?" for char in value)[:limit]
