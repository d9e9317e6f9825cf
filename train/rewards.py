"""What a trajectory is paid: each part a named, pure function.

Whether the answer is right is decided by `benchmarks.grading.score`, which evaluation uses too; a
rollout that the sandbox lost (`Verdict.infra`) is masked by the trainer and never gets here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runtime.record import RunRecord


def answer_reward(correct: bool, messages: int) -> float:
    """1 if right, else min(-0.6, -1 + 0.05 * (messages - 2)), as in SOD (arXiv 2605.07725).

    A wrong answer after some work is punished less than a wild guess. `messages` is what
    `count_messages` gives; a guess without a tool call has 2.
    """
    return 1.0 if correct else min(-0.6, -1.0 + 0.05 * (messages - 2))


def overlong_penalty(tokens: int, max_tokens: int, buffer: int) -> float:
    """DAPO's soft overlong punishment (arXiv 2503.14476, eq. 13), between -1 and 0.

    It grows linearly over the last `buffer` of the `max_tokens` tokens. `buffer` 0 turns it off.
    """
    if buffer == 0:
        return 0.0
    excess = tokens - (max_tokens - buffer)
    return -min(max(excess / buffer, 0.0), 1.0)


def count_messages(record: RunRecord) -> int:
    """Messages of a run: the question, every assistant turn, every tool result."""
    return 1 + len(record.turns) + sum(turn.result is not None for turn in record.turns)
