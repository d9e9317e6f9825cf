"""The registry: short model names and where their files come from.

The shipped registry.toml and the user's $XDG_CONFIG_HOME/sod-agent/models.toml (by default
~/.config/sod-agent/models.toml) have one format, and the user's entries win:

    default = "mine"                                # optional

    [models.mine]
    description = "..."                             # optional, as is licence = "..."
    model = SOURCE                                  # or: base = "name of another entry"
    lora = SOURCE                                   # optional; a LoRA GGUF on top
    untrained = true                                # optional; see Entry.untrained
    quantise = { x86 = "q4_0", arm = "q4_0", other = "q8_0" }   # optional; see Quantise

where SOURCE is one of

    { path = "file.gguf" }                          # relative to the registry file
    { hf = "org/repo", file = "x.gguf", revision = "main", sha256 = "..." }   # last two optional
    { package = "pypi-name", version = "1.0", file = "member.gguf", size = 123, sha256 = "..." }
"""

from __future__ import annotations

import re
import sys
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Literal, TypeAlias

from runtime.errors import ModelError
from runtime.models.cache import config_dir
from runtime.models.gguf import FILE_TYPES

SHIPPED = Path(__file__).with_name("registry.toml")


@dataclass(frozen=True)
class PathSource:
    """A file on this machine."""

    path: Path


@dataclass(frozen=True)
class HubSource:
    """A file of a Hugging Face repository; which one is chosen by `quant` if `file` is empty.

    With an empty `sha256` the hash that the hub lists is the one checked.
    """

    repo: str
    file: str = ""
    quant: str = ""
    revision: str = "main"
    sha256: str = ""

    def __str__(self) -> str:
        if self.quant:
            return f"{self.repo}:{self.quant}"
        return f"{self.repo}/{self.file}" if self.file else self.repo


@dataclass(frozen=True)
class PackageSource:
    """A file inside a wheel on the Python package index; `size` in bytes, of the file."""

    package: str
    version: str
    file: str
    size: int
    sha256: str

    @property
    def requirement(self) -> str:
        return f"{self.package}=={self.version}"


Source: TypeAlias = PathSource | HubSource | PackageSource


@dataclass(frozen=True)
class Quantise:
    """Merge the adapter into its base on first use, as this type of llama.cpp by kind of machine.

    "x86" has AVX2, "arm" has dotprod: see runtime.engines.machine. The file is kept (merged.py).
    """

    x86: str
    arm: str
    other: str

    def for_machine(self, kind: Literal["x86", "arm", "other"]) -> str:
        return {"x86": self.x86, "arm": self.arm, "other": self.other}[kind]


@dataclass(frozen=True)
class Entry:
    """One short name. Exactly one of `model` and `base` is set.

    `untrained`: the model never learnt to call tools, so it is shown how in its first prompt.
    """

    name: str
    description: str = ""
    licence: str = ""
    model: Source | None = None
    base: str | None = None
    lora: Source | None = None
    untrained: bool = False
    quantise: Quantise | None = None


@dataclass(frozen=True)
class Registry:
    """All entries by name; `default` is the name of one of them."""

    default: str
    entries: dict[str, Entry]

    def model_source(self, entry: Entry) -> Source:
        """Where the weights of `entry` come from; a base is one step away at most."""
        owner = entry if entry.base is None else self.entries[entry.base]
        assert owner.model is not None
        return owner.model


def load_registry() -> Registry:
    """The shipped entries and the user's own. Raises ModelError naming file and field."""
    default, entries = _read(SHIPPED)
    own = config_dir() / "models.toml"
    if own.is_file():
        own_default, own_entries = _read(own)
        default = own_default or default
        entries |= own_entries
    for entry in entries.values():
        base = entries.get(entry.base) if entry.base is not None else None
        if entry.base is not None and (base is None or base.model is None):
            known = ", ".join(name for name, other in entries.items() if other.model)
            raise ModelError(
                f"registry entry '{entry.name}': base '{entry.base}' is not an entry with a "
                f"model of its own ({known})"
            )
    if default not in entries:
        raise ModelError(f"{own}: default '{default}' is not one of {', '.join(entries)}")
    return Registry(default, entries)


def _read(path: Path) -> tuple[str, dict[str, Entry]]:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib

    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ModelError(f"{path}: {error}") from error
    top = _Table(document, str(path))
    default = top.text("default", "")
    models = top.table("models")
    entries = {name: _entry(name, models.table(name), path.parent) for name in models.left()}
    top.done()
    return default, entries


def _entry(name: str, table: _Table, folder: Path) -> Entry:
    if not re.fullmatch(r"[A-Za-z0-9][\w.-]*", name) or name.endswith(".gguf"):
        raise ModelError(f"{table.where}: a name has letters, digits, '.', '_' and '-' only")
    entry = Entry(
        name,
        description=table.text("description", ""),
        licence=table.text("licence", ""),
        model=_source(table.table("model"), folder) if "model" in table else None,
        base=table.text("base") if "base" in table else None,
        lora=_source(table.table("lora"), folder) if "lora" in table else None,
        untrained=table.flag("untrained"),
        quantise=_quantise(table.table("quantise")) if "quantise" in table else None,
    )
    table.done()
    if (entry.model is None) == (entry.base is None):
        raise ModelError(f"{table.where}: give either 'model' or 'base'")
    if entry.quantise is not None and entry.lora is None:
        raise ModelError(f"{table.where}: 'quantise' merges a 'lora', and there is none")
    return entry


def _quantise(table: _Table) -> Quantise:
    types = Quantise(*(table.choice(kind, FILE_TYPES) for kind in ("x86", "arm", "other")))
    table.done()
    return types


def _source(table: _Table, folder: Path) -> Source:
    source: Source
    if "path" in table:
        source = PathSource(folder / Path(table.text("path")).expanduser())
    elif "hf" in table:
        source = HubSource(
            table.text("hf", pattern=r"[\w.-]+/[\w.-]+"),
            table.member("file"),
            revision=table.text("revision", "main"),
            sha256=table.sha256(""),
        )
    elif "package" in table:
        source = PackageSource(
            # These two become an argument of pip, so they must not look like an option.
            table.text("package", pattern=r"[A-Za-z0-9][\w.-]*"),
            table.text("version", pattern=r"[A-Za-z0-9][\w.!+-]*"),
            table.member("file"),
            table.size("size"),
            table.sha256(),
        )
    else:
        raise ModelError(f"{table.where}: needs one of 'path', 'hf', 'package'")
    table.done()
    return source


class _Table:
    """A TOML table whose fields are taken one by one; what is left over is a mistake."""

    def __init__(self, value: Any, where: str) -> None:
        if not isinstance(value, dict):
            raise ModelError(f"{where}: must be a table")
        self._fields: dict[str, Any] = dict(value)
        self.where = where

    def __contains__(self, key: str) -> bool:
        return key in self._fields

    def left(self) -> list[str]:
        return list(self._fields)

    def table(self, key: str) -> _Table:
        return _Table(self._fields.pop(key, {}), f"{self.where}: {key}")

    def text(self, key: str, default: str | None = None, *, pattern: str = "(?s).+") -> str:
        value = self._fields.pop(key, default)
        if value is None:
            raise ModelError(f"{self.where}: '{key}' is missing")
        if not isinstance(value, str) or not (value == default or re.fullmatch(pattern, value)):
            raise ModelError(f"{self.where}: '{key}' cannot be {value!r}")
        return value

    def choice(self, key: str, choices: Collection[str]) -> str:
        value = self.text(key)
        if value not in choices:
            raise ModelError(
                f"{self.where}: '{key}' cannot be {value!r}: llama.cpp's types are "
                f"{', '.join(choices)}"
            )
        return value

    def member(self, key: str) -> str:
        value = self.text(key)
        path = PurePosixPath(value)
        if path.is_absolute() or "\\" in value or any(p.startswith(".") for p in path.parts):
            raise ModelError(f"{self.where}: '{key}' must be a path inside the source: {value!r}")
        return value

    def sha256(self, default: str | None = None) -> str:
        return self.text("sha256", default, pattern="[0-9a-f]{64}")

    def size(self, key: str) -> int:
        value = self._fields.pop(key, None)
        if type(value) is not int or value <= 0:
            raise ModelError(f"{self.where}: '{key}' must be a number of bytes")
        return value

    def flag(self, key: str) -> bool:
        value = self._fields.pop(key, False)
        if not isinstance(value, bool):
            raise ModelError(f"{self.where}: '{key}' must be true or false")
        return value

    def done(self) -> None:
        if self._fields:
            raise ModelError(f"{self.where}: unknown field '{next(iter(self._fields))}'")
