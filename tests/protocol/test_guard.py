"""The guard against a call repeated for ever."""

from __future__ import annotations

from runtime.protocol import REPEATED_CALL_HINT, RepeatGuard, ToolCall

CALL = ToolCall("python", {"a": 1, "b": 2}, "raw")
SAME = ToolCall("python", {"b": 2, "a": 1}, "other raw")


def test_fourth_identical_call_is_refused() -> None:
    guard = RepeatGuard()
    for call in (CALL, SAME, CALL):
        assert guard.check(call) is None
        guard.record(call, "7")
    assert guard.check(SAME) == REPEATED_CALL_HINT
    assert guard.check(ToolCall("python", {"a": 1, "b": 3}, "")) is None


def test_a_new_result_starts_again() -> None:
    guard = RepeatGuard()
    for result in ("1", "1", "2", "2"):
        guard.record(CALL, result)
    assert guard.check(CALL) is None
    guard.record(CALL, "2")
    assert guard.check(CALL) is not None


def test_other_calls_in_between_do_not_hide_the_repeats() -> None:
    guard = RepeatGuard(limit=2)
    for number in range(2):
        guard.record(CALL, "7")
        guard.record(ToolCall("python", {"n": number}, ""), "8")
    assert guard.check(CALL) is not None
