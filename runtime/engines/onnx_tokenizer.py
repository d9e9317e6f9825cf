"""The tokenizer of an ONNX folder: its tokenizer.json, by the `tokenizers` library.

Byte-level BPE (GPT-2, Qwen, SmolLM) and SentencePiece-style pieces (Gemma, Llama 2) are
understood. Generations end at the same texts as with llama.cpp.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runtime.engines.eog import EOG_TEXTS
from runtime.errors import ModelError

if TYPE_CHECKING:
    from runtime.models.onnx_folder import OnnxInfo

_BYTE = re.compile(r"<0x([0-9A-F]{2})>")
MAX_FILE = 200_000_000  # bytes; the largest tokenizers have 35 MB


class OnnxTokenizer:
    """Implements `runtime.engines.base.Tokenizer` for the tokenizer in `folder`.

    Raises ModelError if it is missing or damaged, or has more tokens than the model has logits.
    """

    def __init__(self, folder: Path, info: OnnxInfo) -> None:
        source = _read(folder / "tokenizer.json")
        self._backend, self._plain = _parse(folder, source), _parse(folder, source)
        self._plain.encode_special_tokens = True
        self._byte_level = _BYTE_LEVEL if '"ByteLevel"' in source else {}
        self.n_vocab = info.vocabulary
        if self._backend.get_vocab_size() > self.n_vocab:
            raise ModelError(
                f"{folder}: the tokenizer has {self._backend.get_vocab_size()} tokens and the "
                f"model {self.n_vocab}: they are not of one model"
            )
        added = self._backend.get_added_tokens_decoder()
        self._added = {token: str(entry.content) for token, entry in added.items()}
        self._control = frozenset(str(entry.content) for entry in added.values() if entry.special)
        self._eog = frozenset(
            {token for token, text in self._added.items() if text in EOG_TEXTS} | set(info.eos_ids)
        )
        config = _config(folder / "tokenizer_config.json")
        self.eos_text = _token_text(config, "eos_token") or self._added.get(info.eos_ids[0], "")
        self.bos_text = _token_text(config, "bos_token")
        self.bos_id: int | None = self._backend.token_to_id(self.bos_text)
        first = self._backend.encode("", add_special_tokens=True).ids[:1]
        self.add_bos = self.bos_id is not None and first == [self.bos_id]
        self._pieces: dict[int, bytes] = {}

    def is_eog(self, token: int) -> bool:
        return token in self._eog

    @property
    def eog_ids(self) -> list[int]:
        return sorted(self._eog)

    def encode(self, text: str, *, special: bool) -> list[int]:
        backend = self._backend if special else self._plain
        clean = text.encode("utf-8", "replace").decode()  # a lone surrogate is no text
        ids: list[int] = backend.encode(clean, add_special_tokens=False).ids
        return ids

    def piece(self, token: int) -> bytes:
        """The bytes a token stands for; control tokens as their text."""
        piece = self._pieces.get(token)
        if piece is None:
            piece = self._pieces[token] = self._read_piece(token, self._backend.id_to_token(token))
        return piece

    def special_texts(self) -> frozenset[str]:
        return self._control

    def pieces(self) -> list[bytes]:
        """The bytes of every token; b"" for rows of the logits that no token stands for."""
        found = [b""] * self.n_vocab
        for text, token in self._backend.get_vocab(with_added_tokens=True).items():
            found[token] = self._read_piece(token, text)
        return found

    def _read_piece(self, token: int, text: str | None) -> bytes:
        if token in self._added:
            return self._added[token].encode()
        if text is None:  # a padded row of the embedding matrix
            return b""
        if self._byte_level:
            try:
                return bytes([self._byte_level[char] for char in text])
            except KeyError:
                return text.encode()  # a token that was added to the vocabulary as it is
        if match := _BYTE.fullmatch(text):
            return bytes([int(match[1], 16)])
        return text.replace("\u2581", " ").encode()


def read_template(folder: Path) -> str | None:
    """The chat template of `folder`: a file of its own, or a field of tokenizer_config.json."""
    file = folder / "chat_template.jinja"
    if file.is_file():
        return _read(file)
    template = _config(folder / "tokenizer_config.json").get("chat_template")
    return template if isinstance(template, str) else None


def _read(path: Path) -> str:
    try:
        if path.stat().st_size > MAX_FILE:
            raise ModelError(f"{path} is too large to be what it is called")
        return path.read_text("utf-8")
    except FileNotFoundError:
        raise ModelError(f"{path.parent} lacks {path.name}: copy the whole folder again") from None
    except UnicodeDecodeError as error:
        raise ModelError(f"{path} is damaged: it is not text") from error
    except OSError as error:
        raise ModelError(f"cannot read {path}: {error.strerror or error}") from error


def _config(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(_read(path)) if path.is_file() else {}
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{path} is damaged: it is not JSON") from error
    if not isinstance(found, dict):
        raise ModelError(f"{path} is damaged: it is not a JSON object")
    return found


def _parse(folder: Path, source: str) -> Any:
    from tokenizers import Tokenizer

    try:
        tokenizer: Any = Tokenizer.from_str(source)
    except BaseException as error:  # a panic of the Rust library is no Exception
        if isinstance(error, (KeyboardInterrupt, SystemExit, MemoryError)):
            raise
        reason = " ".join(str(error).split())[:120]
        raise ModelError(f"{folder / 'tokenizer.json'} is damaged: {reason}") from error
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def _token_text(config: dict[str, Any], key: str) -> str:
    value = config.get(key)
    if isinstance(value, dict):
        value = value.get("content")
    return value if isinstance(value, str) else ""


def _byte_level() -> dict[str, int]:
    """GPT-2's characters for bytes."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    rest = [byte for byte in range(256) if byte not in plain]
    return {chr(byte): byte for byte in plain} | {chr(256 + n): byte for n, byte in enumerate(rest)}


_BYTE_LEVEL = _byte_level()
