"""lock.json: what a run was made from, and that its continuation is made from the same.

`claim_folder` takes the run's folder for one process, `write_lock` records settings, hashes of
models, template and data, the commit, versions and machine, and `check_lock` refuses to resume a
run whose ingredients changed. Versions, commit and machine may differ: they are only told, since
a run must be able to move to another machine.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from importlib import metadata
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from runtime.protocol import PROTOCOL_VERSION
from train.config import RunConfig
from train.errors import ConfigError

LOCK_NAME = "lock.json"
CLAIM_NAME = ".claim"
SHOWN = 5  # differences told in one line
_PACKAGES = ("sod-agent", "torch", "transformers", "trl", "peft", "accelerate")
_MODEL_FILES = (
    "*.safetensors",
    "*.safetensors.index.json",
    "*.gguf",
    "pytorch_model*.bin",
    "config.json",
    "generation_config.json",
    "adapter_config.json",
    "tokenizer*.json",
    "tokenizer.model",
    "vocab.json",
    "merges.txt",
    "added_tokens.json",
    "special_tokens_map.json",
    "chat_template*",
)
_ABSENT = object()


@dataclass(frozen=True)
class ModelFacts:
    """`source` is the name that was given, `hash` that of the files (see `hash_model`)."""

    source: str
    hash: str


@dataclass(frozen=True)
class DataFacts:
    """A dataset as the run uses it: after limits and filters."""

    source: str
    hash: str
    problems: int


@dataclass(frozen=True)
class RunFacts:
    """What decides a run beside its settings. Keys: student, teacher; train, sft, eval."""

    models: Mapping[str, ModelFacts]
    data: Mapping[str, DataFacts]
    template_hash: str


@contextmanager
def claim_folder(folder: Path, resume: bool) -> Iterator[None]:
    """Hold `folder` for this process alone until the block ends, or the process, however it does.

    Raises ConfigError if another process holds it, if it cannot be created or written, if it holds
    a run and `resume` is False, or none and `resume` is True.
    """
    if resume and not (folder / LOCK_NAME).exists():
        raise ConfigError(f"{folder} holds no run to resume: leave out --resume to start one")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # Permission bits do not tell: the disk may be full or mounted read-only.
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(b"x" * 4096)
        claim = FileLock(folder / CLAIM_NAME, timeout=0)
        claim.acquire()
    except Timeout:
        raise ConfigError(f"another run is writing in {folder}: give another --output") from None
    except OSError as error:
        raise ConfigError(f"cannot write in {folder}: {error.strerror or error}") from None
    try:
        if not resume and (folder / LOCK_NAME).exists():
            raise ConfigError(f"{folder} holds a run: give another --output, or --resume")
        yield
    finally:
        claim.release()


def write_lock(folder: Path, config: RunConfig, facts: RunFacts) -> None:
    """Write lock.json, whole or not at all, into a folder that this process has claimed."""
    lock = {
        **_ingredients(config, facts),
        "thinking": config.thinking,
        "commit": _commit(),
        "versions": _versions(),
        "machine": _machine(),
        "created": datetime.now(timezone.utc).isoformat(timespec="seconds"),
    }
    part = folder / f"{LOCK_NAME}.part"
    with part.open("w", encoding="utf-8") as file:
        json.dump(lock, file, indent=2, ensure_ascii=False)
        file.flush()
        os.fsync(file.fileno())
    part.replace(folder / LOCK_NAME)


def check_lock(folder: Path, config: RunConfig, facts: RunFacts) -> list[str]:
    """Compare lock.json with what would go on; returns differences that do not matter to resume.

    Raises ConfigError if settings, models, template, data or protocol differ (the first five are
    named), or if lock.json cannot be read.
    """
    file = folder / LOCK_NAME
    try:
        lock = json.loads(file.read_text("utf-8"))
        before = _flat({name: lock[name] for name in _ingredients(config, facts)})
        around = _flat({name: lock[name] for name in ("commit", "versions", "machine")})
    except OSError as error:
        raise ConfigError(f"cannot read {file}: {error.strerror}") from None
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"{file} is damaged ({error!r}): the run cannot be resumed") from None
    changed = _differences(before, _flat(_ingredients(config, facts)))
    # The same files from elsewhere are the same model and the same data.
    moved = {name: text for name, text in changed.items() if name.endswith(".source")}
    refused = [text for name, text in changed.items() if name not in moved]
    if refused:
        more = f"; and {len(refused) - SHOWN} more" if len(refused) > SHOWN else ""
        raise ConfigError(
            f"{folder} holds a run made differently: {'; '.join(refused[:SHOWN])}{more}"
        )
    now = _flat({"commit": _commit(), "versions": _versions(), "machine": _machine()})
    return [*moved.values(), *_differences(around, now).values()]


def hash_model(path: Path) -> str:
    """SHA-256 over names and contents of a model's files: weights, configuration, tokenizer.

    `path` is a folder as transformers saves it, or one file. Read in pieces. Raises ConfigError.
    """
    if path.is_dir():
        found = {file for pattern in _MODEL_FILES for file in path.glob(pattern) if file.is_file()}
        files = sorted(found)
    else:
        files = [path] if path.is_file() else []
    if not files:
        raise ConfigError(f"there is no model at {path}")
    total = hashlib.sha256()
    for file in files:
        one = hashlib.sha256()
        with file.open("rb") as stream:
            while piece := stream.read(1 << 20):
                one.update(piece)
        total.update(f"{file.name}\0{one.hexdigest()}\n".encode())
    return total.hexdigest()


def hash_text(text: str) -> str:
    """SHA-256 of a template or of a dataset's lines."""
    # A dataset may hold half a surrogate pair, which is no reason to fail here.
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _ingredients(config: RunConfig, facts: RunFacts) -> dict[str, Any]:
    return {
        "config": config.as_lock(),
        **asdict(facts),
        "protocol_version": PROTOCOL_VERSION,
    }


def _flat(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        name = f"{prefix}{key}"
        flat |= _flat(value, f"{name}.") if isinstance(value, dict) else {name: value}
    return flat


def _differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, str]:
    """Name -> "name: old -> new", for what differs or is on one side only."""
    return {
        name: f"{name.removeprefix('config.')}: {_show(old)} -> {_show(new)}"
        for name in [*before, *(name for name in now if name not in before)]
        if (old := before.get(name, _ABSENT)) != (new := now.get(name, _ABSENT))
    }


def _show(value: Any) -> str:
    if value is _ABSENT:
        return "nothing"
    text = str(value)
    return f"{text[:12]}..." if len(text) == hashlib.sha256().digest_size * 2 else text


def _commit() -> dict[str, Any] | None:
    """The commit of this very file and whether tracked files differ from it; None outside git."""
    here = Path(__file__)
    try:
        # An installed copy may lie inside somebody else's repository.
        _git(here.parent, "ls-files", "--error-unmatch", here.name)
        dirty = bool(_git(here.parent, "status", "--porcelain", "--untracked-files=no"))
        return {"id": _git(here.parent, "rev-parse", "HEAD"), "dirty": dirty}
    except (OSError, subprocess.SubprocessError):
        return None


def _git(folder: Path, *args: str) -> str:
    done = subprocess.run(
        ["git", "--no-optional-locks", *args],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=10,
        check=True,
    )
    return done.stdout.strip()


def _versions() -> dict[str, str | None]:
    found: dict[str, str | None] = {"python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = None
    return found


def _machine() -> dict[str, Any]:
    import torch

    gpus = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
    return {
        "platform": platform.platform(),
        "processor": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "gpus": gpus,
    }
