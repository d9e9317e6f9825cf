"""Which model file to run: paths, short names of the registry, Hugging Face ids.

`resolve_model` turns what the user typed into checked files on disk and downloads only what was
asked for. Short names come from `registry.toml` and from the user's own models.toml (see
registry.py). Importing this package imports the standard library only.
"""

from __future__ import annotations

from runtime.models.cache import cache_dir
from runtime.models.gguf import GgufInfo, inspect_gguf
from runtime.models.progress import Progress, StderrProgress
from runtime.models.registry import Registry, load_registry
from runtime.models.resolve import ResolvedModel, resolve_model, resolve_short_name

__all__ = [
    "GgufInfo",
    "Progress",
    "Registry",
    "ResolvedModel",
    "StderrProgress",
    "cache_dir",
    "inspect_gguf",
    "load_registry",
    "resolve_model",
    "resolve_short_name",
]
