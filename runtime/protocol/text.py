"""Text out of tokens, and the parts of a turn: prose, thinking, tool calls."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, NoReturn

from runtime.protocol.messages import THINK_CLOSE, THINK_OPEN, TOOL_CALL_CLOSE, TOOL_CALL_OPEN

MAX_CALL_CHARS = 200_000  # a longer call is refused unread
_MAX_DECODES = 16  # calls decoded per turn; the rest is cut at its closing tag, unread
_TAG = re.compile("|".join(map(re.escape, (THINK_OPEN, THINK_CLOSE, TOOL_CALL_OPEN))))


class TextStream:
    """Turns token pieces into text as they come; a character cut in two waits for its rest."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")

    def feed(self, piece: bytes) -> str:
        """The text that `piece` completes, possibly empty."""
        return self._decoder.decode(piece)

    def close(self) -> str:
        """What is left: U+FFFD if the stream ends inside a character, else nothing."""
        return self._decoder.decode(b"", final=True)


@dataclass(frozen=True)
class Part:
    """A stretch of a turn. `closed` says that its closing tag is there."""

    kind: Literal["text", "think", "call"]
    start: int
    end: int
    closed: bool = True
    value: Any = None  # of a call: the decoded JSON, or the exception that decoding raised


def split_turn(text: str) -> list[Part]:
    """The parts of an assistant turn, in order, in time linear in its length.

    The closing tag of a call is looked for after its JSON, which may itself contain the tag in
    a string. A `</think>` without its opening tag ends thinking that the prompt had opened.
    """
    parts: list[Part] = []
    here = decodes = 0
    last_think = text.rfind(THINK_CLOSE)
    last_call = text.rfind(TOOL_CALL_CLOSE)
    while tag := _TAG.search(text, here):
        if tag.start() > here:
            parts.append(Part("text", here, tag.start()))
        if tag.group() == THINK_CLOSE:
            parts, here = [Part("think", 0, tag.end())], tag.end()
            continue
        if tag.group() == THINK_OPEN:
            close = text.find(THINK_CLOSE, tag.end()) if tag.end() <= last_think else -1
            # A call inside thinking that never ends is where the engine stopped: it counts.
            end = close + len(THINK_CLOSE) if close >= 0 else _until_call(text, tag.end())
            parts.append(Part("think", tag.start(), end, closed=close >= 0))
        else:
            decodes += 1
            parts.append(_call(text, tag.start(), last_call, decode=decodes <= _MAX_DECODES))
        here = parts[-1].end
    if here < len(text):
        parts.append(Part("text", here, len(text)))
    return parts


def _until_call(text: str, start: int) -> int:
    call = text.find(TOOL_CALL_OPEN, start)
    return call if call >= 0 else len(text)


def _call(text: str, start: int, last_close: int, *, decode: bool) -> Part:
    body = start + len(TOOL_CALL_OPEN)
    value: Any = ValueError("not read")
    end = body
    if decode:
        try:
            value, length = _decode(text[body : body + MAX_CALL_CHARS])
            end = body + length
        except (ValueError, RecursionError) as error:
            value = error
    close = text.find(TOOL_CALL_CLOSE, end) if end <= last_close else -1
    if close < 0:
        return Part("call", start, len(text), closed=False, value=value)
    if not isinstance(value, Exception) and text[end:close].strip():
        value = ValueError("text follows the JSON object")
    return Part("call", start, close + len(TOOL_CALL_CLOSE), value=value)


def _decode(text: str) -> tuple[Any, int]:
    """JSON value at the start of `text`, after blanks, and where it ends."""
    blanks = len(text) - len(text.lstrip())
    return _DECODER.raw_decode(text, blanks)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)


def prose(text: str) -> Iterator[str]:
    """The parts of a turn that are neither thinking nor a call."""
    return (text[part.start : part.end] for part in split_turn(text) if part.kind == "text")
