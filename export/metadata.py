"""What a GGUF file says about itself: name, licence, what it was made of, the protocol."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gguf
import yaml

from export.checkpoint import read_json
from runtime.models.gguf import PROTOCOL_KEY

_RANDOM = "nano"  # as a student, the trainer's name for random weights


@dataclass(frozen=True)
class Provenance:
    """Where a model comes from; None is unknown and not written."""

    name: str
    licence: str | None = None
    base: str | None = None  # the model it was trained from
    protocol: int | None = None  # runtime.protocol.PROTOCOL_VERSION of its training
    about: str | None = None


def provenance_of(folder: Path, name: str) -> Provenance:
    """From the run's lock.json beside the folder, and the model card in it.

    A model that was not trained here has no protocol version: it never learnt the protocol.
    """
    lock = _read(folder.parent / "lock.json") if folder.name == "student" else {}
    card = _card(folder)
    base = _text(lock.get("config"), "student") or _first(card.get("base_model"))
    if base == _RANDOM:
        base = None
    protocol = lock.get("protocol_version")
    return Provenance(
        name=name,
        licence=_first(card.get("license")),
        base=base,
        protocol=protocol if type(protocol) is int else None,
        about=_about(lock),
    )


def add_general(
    writer: gguf.GGUFWriter, provenance: Provenance, kind: str, parameters: int = 0
) -> None:
    """Write `general.*` and the protocol version."""
    writer.add_type(kind)
    writer.add_name(provenance.name)
    if parameters:
        writer.add_size_label(gguf.size_label(parameters, 0, 0, 0))
    if provenance.licence:
        writer.add_license(provenance.licence)
    if provenance.about:
        writer.add_description(provenance.about)
    if provenance.base:
        writer.add_base_model_count(1)
        writer.add_base_model_name(0, Path(provenance.base).name)
        if "/" in provenance.base and not Path(provenance.base).exists():
            writer.add_base_model_repo_url(0, f"https://huggingface.co/{provenance.base}")
    if provenance.protocol is not None:
        writer.add_uint32(PROTOCOL_KEY, provenance.protocol)


def _about(lock: dict[str, Any]) -> str | None:
    method, teacher = (_text(lock.get("config"), name) for name in ("method", "teacher"))
    if method is None:
        return None
    return f"Trained with {method}" + (f" from the teacher {teacher}" if teacher else "")


def _read(file: Path) -> dict[str, Any]:
    return read_json(file) if file.is_file() else {}


def _card(folder: Path) -> dict[str, Any]:
    try:
        return dict(gguf.Metadata.load_model_card(folder))
    except (OSError, ValueError, yaml.YAMLError):
        return {}  # a card is for people; a broken one is no reason to fail


def _text(tree: Any, name: str) -> str | None:
    value = tree.get(name) if isinstance(tree, dict) else None
    return value if isinstance(value, str) and value else None


def _first(value: Any) -> str | None:
    found = value[0] if isinstance(value, list) and value else value
    return found if isinstance(found, str) and found else None
