"""Text shared by both tiers: the capped output and the short, CPython-like traceback."""

from __future__ import annotations

import traceback
from collections.abc import Sequence

FILENAME = "main.py"

_MAX_FRAMES = 5
_MAX_LINE = 200  # characters of a source line
_MAX_MESSAGE = 1000  # characters of the exception's own text


class Capture:
    """Keeps the first `limit` bytes of an output and counts the rest."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._head = bytearray()
        self._dropped = 0

    def add(self, data: bytes) -> None:
        kept = data[: max(0, self._limit - len(self._head))]
        self._head += kept
        self._dropped += len(data) - len(kept)

    def text(self) -> str:
        if not self._dropped:
            return self._head.decode(errors="replace")
        # The cut may fall inside a character: drop its half instead of showing a replacement.
        head = self._head.decode(errors="replace").rstrip("\ufffd")
        return f"{head}\n[output truncated: {self._dropped} more bytes]\n"


def exception_line(error: BaseException) -> str:
    """`ValueError: text`, and for a SyntaxError its source line and caret."""
    return "".join(traceback.format_exception_only(type(error), error)).rstrip()


def format_error(frames: Sequence[tuple[int, str]], exception: str, source: str) -> str:
    """A traceback of the user's own `frames` (line number, function name), innermost last."""
    lines = source.split("\n")
    parts = []
    if frames:
        parts.append("Traceback (most recent call last):")
    if len(frames) > _MAX_FRAMES:
        parts.append(f"  [... {len(frames) - _MAX_FRAMES} frames omitted ...]")
    for number, function in frames[-_MAX_FRAMES:]:
        parts.append(f'  File "{FILENAME}", line {number}, in {_clip(function, _MAX_LINE)}')
        if 0 < number <= len(lines) and (line := lines[number - 1].strip()):
            parts.append(f"    {_clip(line, _MAX_LINE)}")
    parts.append(_clip(exception, _MAX_MESSAGE))
    return "\n".join(parts)


def _clip(text: str, limit: int) -> str:
    return (
        text if len(text) <= limit else f"{text[:limit]} [... {len(text) - limit} more characters]"
    )
