"""Tiny GGUF files, built here byte by byte, and a private cache, config and hub cache per test."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

MakeGguf = Callable[..., bytes]


def _text(value: str) -> bytes:
    raw = value.encode()
    return struct.pack("<Q", len(raw)) + raw


def _value(value: Any) -> bytes:
    if isinstance(value, str):
        return struct.pack("<I", 8) + _text(value)
    if isinstance(value, list):
        return struct.pack("<IIQ", 9, 8, len(value)) + b"".join(map(_text, value))
    return struct.pack("<II", 4, value)


def build_gguf(*, version: int = 3, shape: tuple[int, ...] = (64, 4), **metadata: Any) -> bytes:
    """A complete file with one Q4_0 tensor. Keyword `general__type` is key `general.type`."""
    keys: dict[str, Any] = {
        "general.architecture": "llama",
        "general.name": "Tiny",
        "general.file_type": 2,
        "llama.context_length": 256,
        "tokenizer.chat_template": "{{ messages }}",
        "tokenizer.ggml.tokens": [f"<{i}>" for i in range(50)],
    } | {key.replace("__", "."): value for key, value in metadata.items()}
    header = b"GGUF" + struct.pack("<IQQ", version, 1, len(keys))
    for key, value in keys.items():
        header += _text(key) + _value(value)
    header += _text("token_embd.weight") + struct.pack("<I", len(shape))
    header += struct.pack(f"<{len(shape)}Q", *shape) + struct.pack("<IQ", 2, 0)
    return header + bytes(-len(header) % 32) + bytes(64 * 4 // 32 * 18)


@pytest.fixture
def make_gguf() -> MakeGguf:
    return build_gguf


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Nothing of the machine's own caches and settings is seen or touched."""
    for name in ("SOD_AGENT_OFFLINE", "HF_HUB_OFFLINE", "HF_HUB_CACHE", "HF_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SOD_AGENT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    return tmp_path


@pytest.fixture
def write_registry(home: Path) -> Callable[[str], Path]:
    """Write the user's models.toml; returns its path."""

    def write(text: str) -> Path:
        path = home / "config" / "sod-agent" / "models.toml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    return write
