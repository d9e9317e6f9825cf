"""Where the model to export is: the newest student, a folder, a GGUF file or a Hugging Face id."""

from __future__ import annotations

import re
from pathlib import Path

from export.checkpoint import one_line
from export.errors import ExportError
from runtime.models.cache import offline

RUNS = Path("runs")

_HUB_ID = re.compile(r"(?P<repo>[\w.-]+/[\w.-]+?)(@(?P<revision>[\w./-]+))?")
_HUB_FILES = ["*.safetensors", "*.json", "*.jinja", "*.txt", "tokenizer.model", "README.md"]


def find_source(model: str | None = None) -> Path:
    """The folder or .gguf file of `model`; None is the newest `runs/*/student`.

    An id `org/name[@revision]` of Hugging Face is fetched if need be. What is in the folder is
    checked when it is opened. Raises ExportError.
    """
    if model is None:
        return newest_student(RUNS)
    path = Path(model).expanduser()
    if path.is_dir():
        return path
    if path.is_file():
        if path.suffix != ".gguf":
            raise ExportError(f"{model} is neither a folder nor a .gguf file")
        return path
    match = _HUB_ID.fullmatch(model)
    if match is None or path.suffix == ".gguf":
        raise ExportError(
            f"no model at {model}: give a folder, a .gguf file or a Hugging Face id (org/name)"
        )
    return _fetch(model, match["repo"], match["revision"])


def names_of(source: Path, asked: str | None) -> tuple[str, Path]:
    """What to call the model in `source`, and the path that the names of its exports begin with.

    `asked` is what `find_source` was given.
    """
    whole = source.resolve()
    if whole.is_file():
        return whole.stem, source.with_name(whole.stem)
    if whole.name == "student":  # of a run: beside it, in the run's folder
        return f"{whole.parent.name} student", source.absolute()
    if whole.parent.name == "snapshots":  # of the hub's cache, which is not ours to fill
        name = (asked or whole.name).partition("@")[0]
        return name, Path(name.rpartition("/")[2]).absolute()
    return whole.name, whole


def newest_student(runs: Path) -> Path:
    """The student in `runs` whose weights were written last. Raises ExportError."""
    found = [
        (max(file.stat().st_mtime_ns for file in weights), folder)
        for folder in runs.glob("*/student")
        if (weights := list(folder.glob("*.safetensors")))
    ]
    if not found:
        raise ExportError(
            f"there is no student in {runs.absolute()}: train one with `python -m train.sod`, or "
            "name a model with --model"
        )
    return max(found)[1]


def _fetch(source: str, repo: str, revision: str | None) -> Path:
    try:
        from huggingface_hub import errors, snapshot_download
    except ModuleNotFoundError:
        raise ExportError(
            f"there is no folder {source} here; to fetch it from Hugging Face install the extra: "
            "pip install 'sod-agent[hub]'"
        ) from None
    try:
        folder = snapshot_download(
            repo,
            revision=revision,
            allow_patterns=_HUB_FILES,
            ignore_patterns=["*/*"],
            local_files_only=offline(),
        )
    except errors.LocalEntryNotFoundError:
        why = "downloads are off" if offline() else "Hugging Face cannot be reached"
        reason = f"it is not in the cache and {why}; with network, `hf download {repo}` gets it"
    except Exception as error:  # the library lets its HTTP client's exceptions through
        reason = one_line(error)
    else:
        return Path(folder)
    raise ExportError(f"no folder {source} here, and not from Hugging Face either: {reason}")
