"""Which of a trajectory's tokens are tool calls, and which free text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from runtime.engines.base import Tokenizer
from runtime.protocol import TOOL_CALL_CLOSE, TOOL_CALL_OPEN

_OPEN, _CLOSE = TOOL_CALL_OPEN.encode(), TOOL_CALL_CLOSE.encode()


@dataclass(frozen=True)
class Spans:
    """Positions in a trajectory: of the free text's tokens, and of each tool call's.

    Only tokens that the model chose are here: no prompt, no tool result, nothing forced.
    """

    text: list[int]
    calls: list[list[int]]


def find_spans(ids: list[int], sampled: list[bool], tokenizer: Tokenizer) -> Spans:
    """Sort the sampled tokens of a trajectory. A call reaches from its opening tag to its closing.

    A token that holds part of a tag belongs to the call; a call that is not closed ends with its
    turn.
    """
    spans = Spans([], [])
    for start, end in _stretches(sampled):
        pieces = [tokenizer.piece(token) for token in ids[start:end]]
        before = b"".join(tokenizer.piece(token) for token in ids[max(0, start - 16) : start])
        regions = _calls_in(b"".join(pieces), opened=before.rstrip().endswith(_OPEN))
        calls: list[list[int]] = [[] for _ in regions]
        offset = 0
        for position, piece in enumerate(pieces, start):
            until = offset + len(piece)
            inside = [n for n, (low, high) in enumerate(regions) if offset < high and until > low]
            if inside:
                calls[inside[0]].append(position)
            else:
                spans.text.append(position)
            offset = until
        spans.calls.extend(call for call in calls if call)
    return spans


def _stretches(sampled: list[bool]) -> Iterator[tuple[int, int]]:
    """Begin and end of each run of sampled tokens; between two turns others always stand."""
    start = None
    for position, chosen in enumerate([*sampled, False]):
        if chosen and start is None:
            start = position
        elif not chosen and start is not None:
            yield start, position
            start = None


def _calls_in(text: bytes, opened: bool) -> list[tuple[int, int]]:
    """Begin and end, in bytes, of the calls in what the model wrote in one turn."""
    regions = []
    start = 0 if opened else text.find(_OPEN)
    while start >= 0:
        close = text.find(_CLOSE, start)
        end = len(text) if close < 0 else close + len(_CLOSE)
        regions.append((start, end))
        start = text.find(_OPEN, end)
    return regions
