"""The folder: what is in it, and that it is whole or absent.

config.json, generation_config.json     for transformers.js
tokenizer.json, tokenizer_config.json, chat_template.jinja
genai_config.json                       for onnxruntime-genai and sod-agent
onnx/model_q4.onnx, .onnx_data          the graph and its weights; named as transformers.js asks
sod.json                                protocol version, source, how it was made, file sizes
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Any, Literal, get_args

from export.checkpoint import Checkpoint, read_json
from export.command import Display
from export.errors import ExportError
from export.files import writing
from export.metadata import provenance_of
from export.onnx.backends import Backend, Built, build
from export.onnx.gguf_source import as_checkpoint
from export.onnx.graph import finish
from runtime.models.onnx_folder import GENAI_CONFIG, MANIFEST, OnnxInfo, inspect_onnx

Precision = Literal["int4", "int8", "fp16", "fp32"]
PRECISIONS: tuple[Precision, ...] = get_args(Precision)
# transformers.js finds a graph by these names: its `dtype`, and what that adds to "model".
_DTYPES = {
    "int4": ("q4", "_q4"),
    "int8": ("int8", "_int8"),
    "fp16": ("fp16", "_fp16"),
    "fp32": ("fp32", ""),
}
_LIBRARIES = ("onnxruntime", "onnxruntime-genai", "onnx", "transformers", "torch", "onnxscript")
_QUIET = Display(show=False)


def export_onnx(
    source: Path,
    out: Path,
    *,
    precision: Precision = "int4",
    backend: Backend = "genai",
    optimum_python: Path | None = None,
    name: str | None = None,
    display: Display = _QUIET,
) -> Path:
    """Write the model `source`, a Hugging Face folder or a GGUF file, to the folder `out`.

    `optimum_python` is the interpreter of the environment that backend "optimum" needs.
    Raises ExportError; `out` is then as it was.
    """
    with (
        _replacing_folder(out) as part,
        tempfile.TemporaryDirectory(
            dir=out.absolute().parent, prefix=f".{out.name}.work."
        ) as scratch,
    ):
        work = Path(scratch)
        checkpoint, protocol, about = _open(source, work, name, display)
        with display.stage(f"building the {precision} graph ({backend})"):
            built = build(backend, checkpoint, precision, work / "build", optimum_python)
        dtype, suffix = _DTYPES[precision]
        graph = part / "onnx" / f"model{suffix}.onnx"
        graph.parent.mkdir()
        with display.stage("writing the weights"):
            finish(
                built.graph,
                graph,
                f"{graph.name}_data",
                head_size=built.genai_config["model"]["decoder"]["head_size"],
                tied=_is_tied(checkpoint),
            )
        _write_texts(checkpoint, part, dtype)
        _write_config(checkpoint, built, part, graph)
        _write_manifest(
            part,
            {"protocol_version": protocol, "quantization": precision, "backend": backend, **about},
        )
        with display.stage("checking"):
            _check(part, checkpoint)
    return out


def _open(
    source: Path, work: Path, name: str | None, display: Display
) -> tuple[Checkpoint, int | None, dict[str, Any]]:
    """The checkpoint, the protocol version of its training, and what else is known of it."""
    if source.is_dir():
        checkpoint = Checkpoint(source)
        known = provenance_of(source, name or source.resolve().name)
        about = {
            "name": known.name,
            "licence": known.licence,
            "base": known.base,
            "about": known.about,
        }
        return checkpoint, known.protocol, {"source": source.resolve().name, **about}
    display.say(f"{source} is taken apart first: what its quantisation lost stays lost")
    folder, info = as_checkpoint(source, work / "checkpoint")
    about = {
        "source": source.name,
        "name": name or info.name or source.stem,
        "source_type": info.file_type,
    }
    return Checkpoint(folder), info.protocol_version, about


def _is_tied(checkpoint: Checkpoint) -> bool:
    """Whether the head's weights are the embedding's."""
    return getattr(checkpoint.config, "tie_word_embeddings", False) is True


def _write_texts(checkpoint: Checkpoint, part: Path, dtype: str) -> None:
    checkpoint.tokenizer.save_pretrained(part)
    # transformers.js looks for the template in here, the others in the file.
    settings = read_json(part / "tokenizer_config.json")
    if isinstance(template := checkpoint.tokenizer.chat_template, str):
        settings["chat_template"] = template
    _write_json(part / "tokenizer_config.json", settings)
    config = read_json(checkpoint.folder / "config.json")
    config["transformers.js_config"] = {"dtype": dtype, "use_external_data_format": True}
    _write_json(part / "config.json", config)
    stops = {"eos_token_id": list(checkpoint.stop_ids), "do_sample": False}
    _write_json(part / "generation_config.json", stops)


def _write_config(checkpoint: Checkpoint, built: Built, part: Path, graph: Path) -> None:
    config = built.genai_config
    config["model"]["decoder"]["filename"] = graph.relative_to(part).as_posix()
    if checkpoint.stop_ids:
        config["model"]["eos_token_id"] = list(checkpoint.stop_ids)
    _write_json(part / GENAI_CONFIG, config)


def _write_manifest(part: Path, facts: dict[str, Any]) -> None:
    versions = {}
    for library in _LIBRARIES:
        try:
            versions[library] = metadata.version(library)
        except metadata.PackageNotFoundError:
            continue
    files = {
        file.relative_to(part).as_posix(): file.stat().st_size
        for file in sorted(part.rglob("*"))
        if file.is_file()
    }
    known = {key: value for key, value in facts.items() if value is not None}
    _write_json(part / MANIFEST, {"format": 1, **known, "made_with": versions, "files": files})


def _check(part: Path, checkpoint: Checkpoint) -> None:
    """Open it as sod-agent will, and have it say one token."""
    from runtime.engines.base import Sampling
    from runtime.engines.onnx import OnnxEngine

    info: OnnxInfo = inspect_onnx(part)
    engine = OnnxEngine(part, n_ctx=min(64, info.context_length), n_threads=1)
    try:
        ids = engine.tokenizer.encode("Hello, world 123", special=False)
        theirs = checkpoint.tokenizer("Hello, world 123", add_special_tokens=False).input_ids
        if ids != list(theirs):
            raise ExportError(
                "the tokenizer that was written reads a text otherwise than transformers"
            )
        list(engine.generate(ids, max_tokens=2, sampling=Sampling()))
        if any(row.min() != row.min() for row in engine.score(ids, 1)):
            raise ExportError("the exported graph computes what is no number")
    finally:
        engine.close()


def _write_json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


@contextmanager
def _replacing_folder(out: Path) -> Iterator[Path]:
    """A folder beside `out` that takes its place when the block ends well, else is removed."""
    part = out.with_name(f".{out.name}.{os.getpid()}.part")
    old = out.with_name(f".{out.name}.{os.getpid()}.old")
    try:
        with writing(out):
            part.mkdir()
            yield part
            if out.exists():
                out.rename(old)
            part.rename(out)
    except BaseException:
        if old.exists() and not out.exists():
            old.rename(out)
        raise
    finally:
        shutil.rmtree(part, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)
