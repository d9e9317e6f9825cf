"""From what the user typed after --model and --lora to checked files on this machine.

A name is, in this order: a short name of the registry, a file, a Hugging Face id. Nothing is
downloaded that is already here, and nothing at all with SOD_AGENT_OFFLINE=1. Every file's header
is read before llama.cpp sees it.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from runtime.errors import ModelError, UsageError
from runtime.models.adapter import NotMerged
from runtime.models.cache import offline
from runtime.models.checksum import file_sha256
from runtime.models.gguf import GgufInfo, inspect_gguf
from runtime.models.hub import fetch_hub_file, find_hub_file, parse_hub_id
from runtime.models.merged import Recipe, find_merged, make_merged, recipe_for
from runtime.models.onnx_folder import OnnxInfo, holds_onnx, inspect_onnx
from runtime.models.package import by_hand, fetch_package_file, find_package_file
from runtime.models.progress import OnProgress, announce
from runtime.models.registry import (
    Entry,
    HubSource,
    PackageSource,
    PathSource,
    Registry,
    Source,
    load_registry,
)


@dataclass(frozen=True)
class ResolvedModel:
    """Files that are present and whose headers are sound."""

    path: Path
    name: str  # what to call it: the short name, the hub id or the file's name
    lora: Path | None  # on top of it while it runs; None if there is none, or it was merged
    source: str  # where it came from, for people
    info: GgufInfo | OnnxInfo
    untrained: bool = False  # it never learnt to call tools
    notes: list[str] = field(default_factory=list)  # choices made for the user, one line each

    def engine_for(self, asked: str | None) -> str:
        """The engine `asked` for, or the one that runs this model. Raises UsageError."""
        own = "onnx" if isinstance(self.info, OnnxInfo) else "llama.cpp"
        if asked in ("onnx", "llama.cpp") and asked != own:
            raise UsageError(
                f"--engine {asked} does not run {self.path}: leave it out, or say --engine {own}"
            )
        return asked or own


def resolve_model(
    name: str | None,
    lora: str | None = None,
    *,
    on_progress: OnProgress | None = None,
    allow_network: bool = True,
    allow_merge: bool = True,
) -> ResolvedModel:
    """Find, or download on first use, the model `name` and the adapter `lora` on top of it.

    `name` is a .gguf file, a folder with an ONNX model, a Hugging Face id (`org/repo`,
    `org/repo:Q4_K_M`, `org/repo/file.gguf`) or a short name of the registry; None is the
    registry's default.
    `lora` is a file or a Hugging Face id and replaces the adapter of a registry entry.
    An entry with `quantise` is merged into one file on first use (merged.py), unless that cannot be
    done or `allow_merge` is false: then the adapter is put on top of the base, and a note says so.
    Without `on_progress` a download is announced on stderr. Raises ModelError.
    """
    locator = _Locator(load_registry(), on_progress or announce, allow_network and not offline())
    model = locator.registry.default if name is None else name
    entry = locator.registry.entries.get(model)
    source = locator.registry.model_source(entry) if entry else locator.parse(model)
    recipe = locator.recipe(entry, source) if entry and lora is None else None
    if recipe and (kept := find_merged(recipe)):
        return _merged(recipe, source, kept, locator.notes)
    path = locator.locate(source, model)
    if path.is_dir():
        if lora is not None or (entry is not None and entry.lora is not None):
            raise ModelError("--lora is for GGUF models: merge it before the export to ONNX")
        untrained = entry is not None and entry.untrained
        shown = path.resolve().name if entry is None else model
        return ResolvedModel(path, shown, None, "folder", inspect_onnx(path), untrained)
    info = inspect_gguf(path)
    if info.kind == "adapter":
        raise ModelError(f"{path} is a LoRA adapter: give it as --lora on top of its base model")
    if info.kind != "model":
        raise ModelError(f"{path} is not a language model but of type '{info.kind}'")
    if info.tensors == 0:
        raise ModelError(f"{path} has no weights, only a vocabulary")

    adapter_source = locator.parse(lora) if lora is not None else entry.lora if entry else None
    adapter = None
    if adapter_source is not None:
        adapter = locator.locate(adapter_source, lora or model)
        _check_adapter(adapter, info)
    if recipe and adapter is not None:
        if allow_merge:
            try:
                locator.notes += make_merged(recipe, path, adapter, locator.on_progress)
                return _merged(recipe, source, inspect_gguf(recipe.path), locator.notes)
            except NotMerged as error:
                locator.notes.append(
                    f"{adapter.name} is not merged into {path.name} but applied while it runs, "
                    f"which is slower: {error}"
                )
        else:
            locator.notes.append(
                f"the next run merges {adapter.name} into it, as {recipe.type}, and keeps "
                f"{recipe.path}"
            )
    shown = path.stem if isinstance(source, PathSource) and entry is None else model
    untrained = entry is not None and entry.untrained and adapter is None
    return ResolvedModel(path, shown, adapter, _describe(source), info, untrained, locator.notes)


def resolve_short_name(name: str) -> Path | None:
    """The one file or folder that the registry's `name` stands for; None if it has no such entry.

    For those who train or export: an entry that puts an adapter on its base while it runs is
    refused, since its base alone is another model. Raises ModelError.
    """
    if name not in load_registry().entries:
        return None
    found = resolve_model(name)
    if found.lora is not None:
        raise ModelError(
            f"{name} is a base with an adapter on top: merge the two (`quantise` in models.toml), "
            "or name the base"
        )
    return found.path


@dataclass
class _Locator:
    """Turns sources into files, downloading where that is allowed."""

    registry: Registry
    on_progress: OnProgress
    network: bool
    notes: list[str] = field(default_factory=list)

    def parse(self, text: str) -> Source:
        with suppress(OSError, ValueError, RuntimeError):  # a text that cannot be a path
            path = Path(text).expanduser()
            if path.is_file():
                return PathSource(path)
            if text and path.is_dir():
                return _folder(path, text)
        if hub := parse_hub_id(text):
            return hub
        if text.endswith(".gguf"):
            raise ModelError(f"no such file: {text}")
        names = ", ".join(self.registry.entries)
        raise ModelError(
            f"no such model '{text}': not a file, not a registry name ({names}), "
            "not a Hugging Face id (org/repo)"
        )

    def locate(self, source: Source, asked: str) -> Path:
        if isinstance(source, PathSource):
            if not source.path.is_file() and not holds_onnx(source.path):
                raise ModelError(f"the file of '{asked}' is missing: {source.path}")
            return source.path
        if isinstance(source, PackageSource):
            return self._package_file(source, asked)
        return self._hub_file(source)

    def recipe(self, entry: Entry, base: Source) -> Recipe | None:
        """What `entry` on `base` is merged into, if it is to be."""
        if entry.quantise is None or entry.lora is None:
            return None
        hashes = [self._sha256(source, entry.name) for source in (base, entry.lora)]
        if hashes[0] is None or hashes[1] is None:
            return None
        return recipe_for(entry.name, hashes[0], hashes[1], entry.quantise)

    def _sha256(self, source: Source, asked: str) -> str | None:
        """The hash of the file; None for a folder. What the registry says needs no file."""
        if not isinstance(source, PathSource) and source.sha256:
            return source.sha256
        path = self.locate(source, asked)
        try:
            return None if path.is_dir() else file_sha256(path)
        except OSError as error:
            raise ModelError(f"cannot read {path}: {error.strerror or error}") from error

    def _package_file(self, source: PackageSource, asked: str) -> Path:
        if found := find_package_file(source):
            return found
        if not self.network:
            raise ModelError(f"'{asked}' is not here and downloads are off; {by_hand(source)}")
        return fetch_package_file(source, self.on_progress)

    def _hub_file(self, source: HubSource) -> Path:
        found = find_hub_file(source)
        if found is None and not self.network:
            raise ModelError(
                f"'{source}' is not in the Hugging Face cache and downloads are off; on a machine "
                f"with network run 'hf download {source.repo} {source.file or 'FILE.gguf'}'"
            )
        path, notes = found or fetch_hub_file(source, self.on_progress)
        self.notes += notes
        return path


def _folder(path: Path, text: str) -> PathSource:
    if holds_onnx(path):
        return PathSource(path)
    if (path / "config.json").is_file():
        raise ModelError(
            f"{text} is a checkpoint: `python -m export.gguf --model {text}` or `python -m "
            "export.onnx` makes of it what runs here"
        )
    raise ModelError(f"{text} is a folder without an ONNX model: name the .gguf file in it")


def _check_adapter(path: Path, model: GgufInfo) -> None:
    adapter = inspect_gguf(path)
    if adapter.kind != "adapter":
        raise ModelError(f"{path} is not a LoRA adapter but of type '{adapter.kind}'")
    if adapter.architecture != model.architecture:
        raise ModelError(
            f"{path} is an adapter for '{adapter.architecture}', the model is "
            f"'{model.architecture}'"
        )


def _merged(recipe: Recipe, base: Source, info: GgufInfo, notes: list[str]) -> ResolvedModel:
    # The adapter was trained, whatever its base was.
    described = f"{_describe(base)}, its adapter merged in"
    return ResolvedModel(recipe.path, recipe.name, None, described, info, False, notes)


def _describe(source: Source) -> str:
    if isinstance(source, PathSource):
        return "file"
    if isinstance(source, PackageSource):
        return f"Python package {source.requirement}"
    return f"Hugging Face {source.repo}"
