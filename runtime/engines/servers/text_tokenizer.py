"""A tokenizer for servers that take and give text only.

An id carries up to three bytes of text, so a transcript of ids stays what it is elsewhere:
append-only, with control tokens told apart from text that merely looks like them. The server
tokenises the text again at every request; the ids in a trace are then not the model's.

Three bytes are a little less than a token of prose has, so that a window counted in these ids is
rather too small than too large.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import groupby

_WIDTH = 3
_CONTROL = 1 << 26  # this id's bytes are (part of) a control token

# How the control tokens of known models begin. Where the vocabulary is not known, text that
# contains one of these is broken by a space before it reaches the server.
_BEGINNINGS = """
<| <\uff5c <s> </s> <bos> <eos> <pad> <unk> <mask> <unused <turn| <tool| <channel|
<start_of_ <end_of_ <start_header_id> <end_header_id> <extra_id_ <fim_ [gMASK]
[INST] [/INST] [TOOL_ [/TOOL_ [AVAILABLE_TOOLS] [/AVAILABLE_TOOLS]
[SYSTEM_PROMPT] [/SYSTEM_PROMPT]
"""
CONTROL_TEXTS = frozenset(_BEGINNINGS.split())


class TextTokenizer:
    """Implements `runtime.engines.base.Tokenizer`.

    `control_texts` are what the server would parse as control tokens, or how those begin.
    """

    # The server puts the first token itself; a template must not write it a second time.
    bos_text = ""
    add_bos = False
    bos_id: int | None = None

    def __init__(self, control_texts: Iterable[str] = (), eos_text: str = "") -> None:
        self._control_texts = frozenset(control_texts) or CONTROL_TEXTS
        longest_first = sorted(self._control_texts, key=len, reverse=True)
        self._control = re.compile("(" + "|".join(map(re.escape, longest_first)) + ")")
        self.eos_text = eos_text

    def encode(self, text: str, *, special: bool) -> list[int]:
        if not special:
            return _pack(text, 0)
        ids: list[int] = []
        for number, part in enumerate(self._control.split(text)):
            ids += _pack(part, _CONTROL if number % 2 else 0)
        return ids

    def piece(self, token: int) -> bytes:
        size = (token >> 24) & 3
        return (token & 0xFFFFFF).to_bytes(_WIDTH, "big")[_WIDTH - size :]

    def is_eog(self, token: int) -> bool:
        return False  # the server stops without giving the text of that token

    def special_texts(self) -> frozenset[str]:
        return self._control_texts

    def text(self, ids: Sequence[int]) -> str:
        """The prompt to send: control tokens as they are, what looks like one broken by a space."""
        parts = []
        for control, run in groupby(ids, key=lambda token: bool(token & _CONTROL)):
            part = b"".join(map(self.piece, run)).decode("utf-8", "replace")
            parts.append(part if control else self._control.sub(_broken, part))
        return "".join(parts)


def _pack(text: str, flag: int) -> list[int]:
    raw = text.encode("utf-8", "replace")
    chunks = [raw[start : start + _WIDTH] for start in range(0, len(raw), _WIDTH)]
    return [flag | len(chunk) << 24 | int.from_bytes(chunk, "big") for chunk in chunks]


def _broken(match: re.Match[str]) -> str:
    return f"{match[0][0]} {match[0][1:]}"
