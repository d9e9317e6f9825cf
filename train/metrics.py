"""What a round of rollouts looked like: figures for metrics.jsonl, trajectories for the report."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from accelerate.utils import gather_object
from torch import Tensor

from train.rewards import answer_reward, count_messages, overlong_penalty

if TYPE_CHECKING:
    from accelerate import Accelerator

    from benchmarks.grading import Verdict
    from train.config import RunConfig
    from train.data import Problem
    from train.rollout.collect import Rollout
    from train.rollout.tokenizer import HFTokenizer
    from train.step_weights import StepTable

_WEIGHT_BOUNDS = ((0.0, "0"), (0.25, "0-0.25"), (0.5, "0.25-0.5"), (1.0, "0.5-1"))
_NOTHING = 0.01  # a weight below it teaches nothing and counts as 0


@dataclass
class _Row:
    """One rollout, in numbers."""

    infra: bool
    correct: bool
    reward: float
    tool_calls: int
    tool_errors: int
    written: int
    truncated: bool
    divergences: list[float]
    weights: list[float]
    tokens: list[int]
    log_ratio: float  # sum over the student's tokens of log p_student - log p_teacher
    counted: int


@dataclass
class StepStatistics:
    """Means over the rollouts of all processes; those our sandbox lost only count in `infra_rate`.

    `tool_calls` is None if every rollout was lost, `kl` (nats a token, the sampled estimate of
    KL(student || teacher)) without a teacher. `d_by_step` are means, `w_by_step` medians.
    """

    rollouts: int
    infra_rate: float
    accuracy: float | None
    reward: float | None
    tool_calls: float | None
    tool_error_rate: float | None
    length: float | None
    truncated: float | None
    kl: float | None
    d_by_step: list[float]
    w_by_step: list[float]
    tokens_by_weight: dict[str, float]
    seconds: dict[str, float]

    @classmethod
    def of_round(
        cls,
        rollouts: Sequence[Rollout],
        verdicts: Sequence[Verdict],
        problems: Sequence[Problem],
        table: StepTable | None,
        *,
        uniform: bool,
        kl: tuple[Tensor, Tensor] | None,
        keep: int,
        tokenizer: HFTokenizer,
        accelerator: Accelerator,
        seconds: dict[str, float],
        config: RunConfig,
    ) -> tuple[StepStatistics, list[dict[str, Any]]]:
        """The statistics, and the first `keep` trajectories of this process for the report.

        `table` holds d_k and w_k by step (None without a teacher); `uniform` says that the method
        weighs all steps 1. `kl`: (B, T) log-ratios and their mask.
        """
        divergences, weights, tokens = _table_rows(table, uniform, len(rollouts))
        ratios, counted = [0.0] * len(rollouts), [0] * len(rollouts)
        if kl is not None:
            difference, mask = kl
            ratios = difference.masked_fill(mask == 0, 0.0).sum(1).tolist()
            counted = mask.sum(1).tolist()
        rows = [
            _Row(
                infra=rollout.infra or verdict.infra,
                correct=verdict.correct,
                reward=answer_reward(verdict.correct, count_messages(rollout.record))
                + overlong_penalty(rollout.written, config.max_tokens, config.overlong_buffer),
                tool_calls=rollout.tool_calls,
                tool_errors=rollout.tool_errors,
                written=rollout.written,
                truncated=rollout.truncated,
                divergences=divergences[place],
                weights=weights[place],
                tokens=tokens[place],
                log_ratio=ratios[place],
                counted=int(counted[place]),
            )
            for place, (rollout, verdict) in enumerate(zip(rollouts, verdicts, strict=True))
        ]
        kept = [
            _trajectory(rollout, problem, row, tokenizer)
            for rollout, problem, row in list(zip(rollouts, problems, rows, strict=True))[:keep]
        ]
        return cls._summary(gather_object(rows), seconds, kl is not None), kept

    @classmethod
    def _summary(
        cls, rows: Sequence[_Row], seconds: dict[str, float], scored: bool
    ) -> StepStatistics:
        sound = [row for row in rows if not row.infra]
        calls = sum(row.tool_calls for row in sound)
        counted = sum(row.counted for row in sound)
        longest = max((len(row.weights) for row in sound), default=0)
        return cls(
            rollouts=len(rows),
            infra_rate=1 - len(sound) / len(rows),
            accuracy=_mean(float(row.correct) for row in sound),
            reward=_mean(row.reward for row in sound),
            tool_calls=_mean(float(row.tool_calls) for row in sound),
            tool_error_rate=sum(row.tool_errors for row in sound) / calls if calls else None,
            length=_mean(float(row.written) for row in sound),
            truncated=_mean(float(row.truncated) for row in sound),
            kl=sum(row.log_ratio for row in sound) / counted if scored and counted else None,
            d_by_step=[
                statistics.fmean(row.divergences[k] for row in sound if k < len(row.divergences))
                for k in range(longest)
            ],
            w_by_step=[
                statistics.median(row.weights[k] for row in sound if k < len(row.weights))
                for k in range(longest)
            ],
            tokens_by_weight=_by_weight(sound),
            seconds=seconds,
        )

    def to_row(self) -> dict[str, Any]:
        return asdict(self)


def _trajectory(
    rollout: Rollout, problem: Problem, row: _Row, tokenizer: HFTokenizer
) -> dict[str, Any]:
    """One rollout for the report: its text cut where the writer changes."""
    return {
        "question": rollout.question,
        "expected": problem.answer,
        "answer": rollout.record.answer,
        "correct": row.correct,
        "reward": row.reward,
        "infra": row.infra,
        "segments": _segments(rollout, row, tokenizer),
    }


def _segments(rollout: Rollout, row: _Row, tokenizer: HFTokenizer) -> list[dict[str, Any]]:
    segments: list[dict[str, Any]] = []
    start, steps = 0, [*rollout.step_ids, -1]
    for place in range(1, len(steps)):
        if steps[place] == steps[start]:
            continue
        k = steps[start]
        known = 0 < k <= len(row.weights)
        pieces = [tokenizer.piece(token) for token in rollout.completion_ids[start:place]]
        segments.append(
            {
                "kind": "student" if k else "tool",
                "text": b"".join(pieces).decode("utf-8", "replace"),
                "k": k,
                "d": row.divergences[k - 1] if known else None,
                "w": row.weights[k - 1] if known else None,
            }
        )
        start = place
    return segments


def _table_rows(
    table: StepTable | None, uniform: bool, rows: int
) -> tuple[list[list[float]], list[list[float]], list[list[int]]]:
    """d_k, w_k and token counts of each rollout's steps, as lists of its own length."""
    if table is None:
        return [[] for _ in range(rows)], [[] for _ in range(rows)], [[] for _ in range(rows)]
    divergences, weights, tokens = (column.tolist() for column in table)
    lengths = [max((k + 1 for k, n in enumerate(row) if n), default=0) for row in tokens]
    return (
        [row[:length] for row, length in zip(divergences, lengths, strict=True)],
        [
            [1.0] * length if uniform else row[:length]
            for row, length in zip(weights, lengths, strict=True)
        ],
        [row[:length] for row, length in zip(tokens, lengths, strict=True)],
    )


def _by_weight(rows: Sequence[_Row]) -> dict[str, float]:
    """Share of the student's tokens by the weight of their step."""
    shares = dict.fromkeys([*(name for _, name in _WEIGHT_BOUNDS), "1+"], 0.0)
    total = sum(sum(row.tokens) for row in rows)
    for row in rows:
        for weight, tokens in zip(row.weights, row.tokens, strict=True):
            shares[_weight_name(weight)] += tokens / total
    return shares


def _weight_name(weight: float) -> str:
    if weight < _NOTHING:
        return "0"
    return next((name for bound, name in _WEIGHT_BOUNDS[1:] if weight < bound), "1+")


def _mean(values: Iterable[float]) -> float | None:
    kept = list(values)
    return statistics.fmean(kept) if kept else None
