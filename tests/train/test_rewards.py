"""The reward, part by part."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.record import RunRecord, StopReason, TurnRecord
from train.rewards import answer_reward, count_messages, overlong_penalty


@pytest.mark.parametrize(
    ("messages", "reward"),
    [(2, -1.0), (4, -0.9), (6, -0.8), (10, -0.6), (11, -0.6), (40, -0.6)],
)
def test_a_wrong_answer_after_work_costs_less(messages: int, reward: float) -> None:
    assert answer_reward(False, messages) == pytest.approx(reward)
    assert answer_reward(True, messages) == 1.0


@pytest.mark.parametrize(
    ("tokens", "penalty"),
    [(0, 0.0), (80, 0.0), (81, -0.05), (90, -0.5), (99, -0.95), (100, -1.0), (500, -1.0)],
)
def test_overlong(tokens: int, penalty: float) -> None:
    assert overlong_penalty(tokens, 100, 20) == pytest.approx(penalty)
    assert overlong_penalty(tokens, 100, 0) == 0.0


@given(st.integers(0, 5000), st.integers(1, 3000), st.integers(1, 3000))
def test_overlong_is_bounded_and_falls(tokens: int, limit: int, buffer: int) -> None:
    penalty = overlong_penalty(tokens, limit, buffer)
    assert -1.0 <= overlong_penalty(tokens + 1, limit, buffer) <= penalty <= 0.0


def test_messages_are_the_question_the_turns_and_the_results() -> None:
    call = TurnRecord("call", tool="code_interpreter", result="4")
    malformed = TurnRecord("<tool_call>{", result="Error: cut off", error="cut_off")
    last = TurnRecord(r"\boxed{4}")

    def messages(*turns: TurnRecord) -> int:
        return count_messages(RunRecord("4", StopReason.ANSWERED, "m", "e", list(turns)))

    assert messages(last) == 2
    assert messages(call, last) == 4
    assert messages(call, malformed, last) == 6
