"""Stops a model that makes the same call for ever."""

from __future__ import annotations

import json

from runtime.protocol.calls import ToolCall
from runtime.protocol.prompt import REPEATED_CALL_HINT


class RepeatGuard:
    """Refuses a call that has already given the same result `limit` times in a row."""

    def __init__(self, limit: int = 3) -> None:
        self.limit = limit
        self._seen: dict[str, tuple[str, int]] = {}

    def check(self, call: ToolCall) -> str | None:
        """A hint to send as the tool's result instead of running `call`, or None to run it."""
        _, times = self._seen.get(_key(call), ("", 0))
        return REPEATED_CALL_HINT if times >= self.limit else None

    def record(self, call: ToolCall, result: str) -> None:
        """Remember what `call` returned."""
        last, times = self._seen.get(_key(call), (result, 0))
        self._seen[_key(call)] = (result, times + 1 if last == result else 1)


def _key(call: ToolCall) -> str:
    return json.dumps([call.name, call.arguments], sort_keys=True)
