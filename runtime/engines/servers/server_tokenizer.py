"""llama-server's tokenizer, over /tokenize and /detokenize."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cached_property, lru_cache
from typing import Any

from runtime.engines.servers.base import token_ids
from runtime.errors import EngineError

_MAX_VOCABULARY = 1 << 20
_MARKUP = re.compile(r"<.+>|\[.+\]")
Post = Callable[[str, dict[str, Any]], Any]


class ServerTokenizer:
    """Implements `runtime.engines.base.Tokenizer`; `post` sends JSON to the server."""

    def __init__(self, post: Post, bos_text: str, eos_text: str) -> None:
        self._post = post
        self.bos_text, self.eos_text = bos_text, eos_text
        self._pieces: dict[int, bytes] = {}
        self._eog: set[int] = set()
        self._encode = lru_cache(maxsize=256)(self._ask)
        begun = self._ids("x", special=True, add=True)
        self.add_bos = begun != self._ids("x", special=True)
        bos = self.encode(bos_text, special=True) if bos_text else []
        self.bos_id: int | None = bos[0] if len(bos) == 1 else None
        if self.add_bos and self.bos_id is None:
            self.bos_id = begun[0]
        eos = self.encode(eos_text, special=True) if eos_text else []
        if len(eos) == 1:
            self._eog.add(eos[0])

    def encode(self, text: str, *, special: bool) -> list[int]:
        return list(self._encode(text, special)) if text else []

    def piece(self, token: int) -> bytes:
        piece = self._pieces.get(token)
        if piece is None:
            piece = self._pieces[token] = self._detokenize([token]).encode()
        return piece

    def is_eog(self, token: int) -> bool:
        return token in self._eog

    def special_texts(self) -> frozenset[str]:
        return self._special_texts

    def learn(self, token: int, piece: bytes) -> None:
        """Note what `token` was seen to stand for."""
        self._pieces.setdefault(token, piece)

    def learn_eog(self, token: int) -> None:
        """Note that generation was seen to end with `token`: no server lists them all."""
        self._eog.add(token)

    def _ask(self, text: str, special: bool) -> tuple[int, ...]:
        raw = text.encode("utf-8", "replace").decode()
        answer = self._tokenize({"content": raw, "parse_special": special, "with_pieces": True})
        ids = token_ids([row.get("id") if isinstance(row, dict) else None for row in answer])
        for token, row in zip(ids, answer, strict=True):
            self.learn(token, _piece(row.get("piece")))
        return tuple(ids)

    def _ids(self, text: str, *, special: bool, add: bool = False) -> list[int]:
        return token_ids(
            self._tokenize({"content": text, "add_special": add, "parse_special": special})
        )

    def _tokenize(self, body: dict[str, Any]) -> list[Any]:
        answer = self._post("/tokenize", body)
        tokens = answer.get("tokens") if isinstance(answer, dict) else None
        if not isinstance(tokens, list):
            raise EngineError("the server's /tokenize answered without tokens")
        return tokens

    def _detokenize(self, ids: list[int]) -> str:
        answer = self._post("/detokenize", {"tokens": ids})
        text = answer.get("content") if isinstance(answer, dict) else None
        if not isinstance(text, str):
            raise EngineError("the server's /detokenize answered without content")
        return text

    @cached_property
    def _special_texts(self) -> frozenset[str]:
        """Of every control token; only asked for when some text looks as if it held one.

        No endpoint lists the vocabulary, but the probabilities of one step do: there, control
        tokens have no bytes, or all of their text if the server was started with --special.
        """
        answer = self._post(
            "/completion",
            {"prompt": "x", "n_predict": 1, "n_probs": _MAX_VOCABULARY, "temperature": 0},
        )
        try:
            rows = answer["completion_probabilities"][0]["top_logprobs"]
            silent = [row["id"] for row in rows if row["bytes"] == []]
            texts = {self.piece(token).decode("utf-8", "replace") for token in token_ids(silent)}
            if not silent:
                texts = {row["token"] for row in rows if _MARKUP.fullmatch(row["token"])}
        except (TypeError, KeyError, IndexError):
            raise EngineError("the server does not tell its control tokens") from None
        return frozenset(texts - {""})


def _piece(value: Any) -> bytes:
    """A piece as /tokenize gives it: text, or a list of bytes where it is none."""
    try:
        return value.encode() if isinstance(value, str) else bytes(value)
    except (TypeError, ValueError):
        raise EngineError("the server's /tokenize answered with a piece that is none") from None
