"""What counts as a tool call in the record of a run, for every figure about calls."""

from __future__ import annotations

from runtime.protocol import TOOL_CALL_OPEN
from runtime.record import TurnRecord


def is_call(turn: TurnRecord) -> bool:
    """Whether a call was tried; one that its budget cut off has no result."""
    return turn.result is not None or (not turn.forced and TOOL_CALL_OPEN in turn.text)


def ran(turn: TurnRecord) -> bool:
    """Whether the turn's call was run, and without an error."""
    return turn.result is not None and turn.error is None
