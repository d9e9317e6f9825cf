"""The tokenizer inside a GGUF file, by llama.cpp."""

from __future__ import annotations

import ctypes
from functools import cached_property
from typing import Any

from runtime.engines.llama_bindings import llama
from runtime.errors import EngineError


class LlamaTokenizer:
    """Implements `runtime.engines.base.Tokenizer` for a llama.cpp vocabulary."""

    def __init__(self, vocab: Any) -> None:
        lib = llama()
        self._lib, self._vocab = lib, vocab
        self.n_vocab: int = lib.llama_vocab_n_tokens(vocab)
        self._pieces: dict[int, bytes] = {}
        bos, eos = lib.llama_vocab_bos(vocab), lib.llama_vocab_eos(vocab)
        self.bos_id: int | None = bos if bos >= 0 else None
        self.add_bos: bool = bool(lib.llama_vocab_get_add_bos(vocab)) and bos >= 0
        self.bos_text = self._text(bos)
        self.eos_text = self._text(eos)

    def is_eog(self, token: int) -> bool:
        return bool(self._lib.llama_vocab_is_eog(self._vocab, token))

    def encode(self, text: str, *, special: bool) -> list[int]:
        raw = text.encode("utf-8", "surrogatepass")
        size = len(raw) + 8
        while True:
            buffer = (self._lib.llama_token * size)()
            n = self._lib.llama_tokenize(self._vocab, raw, len(raw), buffer, size, False, special)
            if n >= 0:
                return list(buffer[:n])
            if -n <= size:
                raise EngineError("this text cannot be tokenised by the model")
            size = -n

    def piece(self, token: int) -> bytes:
        """The bytes a token stands for; control tokens as their text."""
        piece = self._pieces.get(token)
        if piece is None:
            piece = self._pieces[token] = self._read_piece(token)
        return piece

    def special_texts(self) -> frozenset[str]:
        return self._special_texts

    @cached_property
    def _special_texts(self) -> frozenset[str]:
        is_control = self._lib.llama_vocab_is_control
        texts = (self._text(t) for t in range(self.n_vocab) if is_control(self._vocab, t))
        return frozenset(text for text in texts if text)

    def _text(self, token: int) -> str:
        return self.piece(token).decode("utf-8", "replace") if token >= 0 else ""

    def _read_piece(self, token: int) -> bytes:
        size = 64
        while True:
            buffer = ctypes.create_string_buffer(size)
            n = self._lib.llama_token_to_piece(self._vocab, token, buffer, size, 0, True)
            if n >= 0:
                return buffer.raw[:n]
            size = -n
