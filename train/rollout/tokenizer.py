"""A transformers tokenizer behind the runtime's `Tokenizer` interface.

The protocol then encodes prompts and tool results for training with the same code, and to the
same ids, as on the device. Byte-level BPE (GPT-2, Qwen, SmolLM) and SentencePiece-style pieces
(Gemma, Llama 2) are understood.
"""

from __future__ import annotations

import copy
import re
from functools import cached_property
from typing import TYPE_CHECKING, Any

from runtime.engines.eog import EOG_TEXTS
from runtime.errors import ModelError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_BYTE = re.compile(r"<0x([0-9A-F]{2})>")


class HFTokenizer:
    """Implements `runtime.engines.base.Tokenizer`.

    `eos_ids` are further ids that end a generation, such as those of a generation config.
    Raises ModelError for a tokenizer without a fast (Rust) backend.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase, eos_ids: tuple[int, ...] = ()) -> None:
        backend: Any = getattr(tokenizer, "backend_tokenizer", None)
        if backend is None:
            raise ModelError("this tokenizer has no tokenizer.json: convert it to a fast one")
        self.hf = tokenizer
        self._backend, self._plain = _private_copy(backend), _private_copy(backend)
        self._plain.encode_special_tokens = True
        self.bos_id: int | None = tokenizer.bos_token_id
        self.bos_text = tokenizer.bos_token or ""
        self.eos_text = tokenizer.eos_token or ""
        self.add_bos = self.bos_id is not None and tokenizer("").input_ids[:1] == [self.bos_id]
        added = tokenizer.added_tokens_decoder
        self._added = {token: str(entry.content) for token, entry in added.items()}
        self._control = frozenset(str(entry) for entry in added.values() if entry.special)
        ends = {token for token, text in self._added.items() if text in EOG_TEXTS}
        ends.update(eos_ids)
        if tokenizer.eos_token_id is not None:
            ends.add(tokenizer.eos_token_id)
        self.eog_ids = tuple(sorted(ends))
        self._eog = frozenset(ends)
        self._pieces: dict[int, bytes] = {}

    def encode(self, text: str, *, special: bool) -> list[int]:
        """Ids of `text`; no token is added. `special` parses control tokens in it."""
        backend = self._backend if special else self._plain
        ids: list[int] = backend.encode(text, add_special_tokens=False).ids
        return ids

    def piece(self, token: int) -> bytes:
        """The bytes a token stands for; control tokens as their text."""
        piece = self._pieces.get(token)
        if piece is None:
            piece = self._pieces[token] = self._read_piece(token)
        return piece

    def is_eog(self, token: int) -> bool:
        return token in self._eog

    def special_texts(self) -> frozenset[str]:
        return self._control

    def token_id(self, text: str) -> int | None:
        """The id of the single added token that reads `text`, if there is one."""
        return next((token for token, added in self._added.items() if added == text), None)

    def _read_piece(self, token: int) -> bytes:
        if token in self._added:
            return self._added[token].encode()
        text = self._backend.id_to_token(token)
        if text is None:  # a padded row of the embedding matrix
            return b""
        if self._byte_level:
            return bytes(self._byte_level[char] for char in text)
        if match := _BYTE.fullmatch(text):
            return bytes([int(match[1], 16)])
        return str(text).replace("\u2581", " ").encode()

    @cached_property
    def _byte_level(self) -> dict[str, int]:
        """GPT-2's characters for bytes; empty if this tokenizer writes its pieces as text."""
        if "ByteLevel" not in self._backend.decoder.__class__.__name__ and (
            '"ByteLevel"' not in self._backend.to_str()
        ):
            return {}
        plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
        rest = [byte for byte in range(256) if byte not in plain]
        table = {chr(byte): byte for byte in plain}
        return table | {chr(256 + n): byte for n, byte in enumerate(rest)}


def _private_copy(backend: Any) -> Any:
    """A tokenizer whose switches nobody else turns, between two calls or in another thread."""
    own = copy.deepcopy(backend)
    own.no_truncation()
    own.no_padding()
    own.encode_special_tokens = False
    return own
