"""The figures of a round against hand-made rollouts, and the trajectories of the report."""

from __future__ import annotations

import json

import pytest
import torch
from accelerate import Accelerator

from benchmarks.grading import Verdict
from runtime.record import RunRecord, StopReason, TurnRecord
from train.config import RunConfig
from train.data import Problem
from train.metrics import StepStatistics
from train.rollout.collect import Rollout
from train.rollout.tokenizer import HFTokenizer
from train.step_weights import StepTable
from train.trl_config import on_cpu

CONFIG = RunConfig(max_tokens=20, overlong_buffer=0)
PROBLEM = Problem("p", "math", "What?", "42")


def rollout(
    steps: list[int],
    errors: list[str | None],
    stop: StopReason = StopReason.ANSWERED,
    infra: bool = False,
) -> Rollout:
    """Tokens of these steps (0: not the student's), one tool result for each of `errors`."""
    record = RunRecord("42", stop, "m", "e")
    record.turns = [TurnRecord("call", result="r", error=error) for error in errors]
    record.turns.append(TurnRecord("answer"))
    ids = list(range(10, 10 + len(steps)))
    return Rollout("What?", [1, 2], ids, [step > 0 for step in steps], steps, record, infra)


ROLLOUTS = [
    rollout([1, 1, 0, 0, 2, 2], [None]),
    rollout([1, 0, 2, 0, 3, 3], ["user_error", None], StopReason.MAX_TURNS),
    rollout([1, 1, 0, 0, 0, 0], ["infra"], infra=True),
    rollout([1, 1, 1, 0, 0, 0], []),
]
VERDICTS = [Verdict(True), Verdict(False), Verdict(False, infra=True), Verdict(False, infra=True)]
TABLE = StepTable(
    torch.tensor([[0.2, 0.4, 0.0], [0.1, 0.3, 0.9], [9.0, 0.0, 0.0], [8.0, 0.0, 0.0]]),
    torch.tensor([[1.0, 0.5, 0.0], [1.2, 0.3, 0.005], [1.0, 0.0, 0.0], [1.0, 0.0, 0.0]]),
    torch.tensor([[2, 2, 0], [1, 1, 2], [2, 0, 0], [3, 0, 0]]),
)


def statistics(tokenizer: HFTokenizer, **changes: object) -> tuple[StepStatistics, list[dict]]:
    mask = torch.tensor([[step > 0 for step in each.step_ids] for each in ROLLOUTS]).int()
    ratios = torch.full(mask.shape, torch.nan).masked_fill(mask == 1, 0.5)
    ratios[0, 0] = -1.0
    ratios[2:] = 100.0
    given = {
        "table": TABLE,
        "uniform": False,
        "kl": (ratios, mask),
        "keep": 2,
        "seconds": {"rollout": 1.0},
    } | changes
    return StepStatistics.of_round(
        ROLLOUTS,
        VERDICTS,
        [PROBLEM] * 4,
        tokenizer=tokenizer,
        accelerator=Accelerator(cpu=on_cpu()),
        config=CONFIG,
        **given,
    )


def test_lost_rollouts_only_count_in_the_rate_of_failures(tokenizer: HFTokenizer):
    seen, _ = statistics(tokenizer)
    assert (seen.rollouts, seen.infra_rate) == (4, 0.5)
    assert seen.accuracy == 0.5
    assert seen.reward == pytest.approx((1 + -0.8) / 2)  # six messages: -1 + 0.05 * 4
    assert seen.tool_calls == 1.5 and seen.tool_error_rate == pytest.approx(1 / 3)
    assert (seen.length, seen.truncated) == (4.0, 0.5)
    assert seen.kl == pytest.approx((-1.0 + 3 * 0.5 + 4 * 0.5) / 8)
    assert seen.d_by_step == pytest.approx([0.15, 0.35, 0.9])
    assert seen.w_by_step == pytest.approx([1.1, 0.4, 0.005])


def test_tokens_are_counted_by_the_weight_of_their_step(tokenizer: HFTokenizer):
    seen, _ = statistics(tokenizer)
    shares = {"0": 2, "0-0.25": 0, "0.25-0.5": 1, "0.5-1": 2, "1+": 3}  # tokens of eight
    assert seen.tokens_by_weight == pytest.approx({k: n / 8 for k, n in shares.items()})


def test_uniform_weights_are_ones(tokenizer: HFTokenizer):
    seen, _ = statistics(tokenizer, uniform=True)
    assert seen.w_by_step == [1.0, 1.0, 1.0] and seen.tokens_by_weight["1+"] == 1.0


def test_without_a_teacher_there_is_no_divergence(tokenizer: HFTokenizer):
    seen, kept = statistics(tokenizer, table=None, kl=None)
    assert (seen.kl, seen.d_by_step, seen.w_by_step) == (None, [], [])
    assert not any(seen.tokens_by_weight.values())
    assert all(part["d"] is None for part in kept[0]["segments"])


def test_trajectories_are_cut_where_the_writer_changes(tokenizer: HFTokenizer):
    _, kept = statistics(tokenizer)
    assert len(kept) == 2
    parts = kept[1]["segments"]
    assert [(part["kind"], part["k"]) for part in parts] == [
        ("student", 1),
        ("tool", 0),
        ("student", 2),
        ("tool", 0),
        ("student", 3),
    ]
    assert [part["d"] for part in parts] == pytest.approx([0.1, None, 0.3, None, 0.9])
    assert parts[4]["w"] == pytest.approx(0.005)
    text = b"".join(tokenizer.piece(token) for token in ROLLOUTS[1].completion_ids).decode()
    assert "".join(part["text"] for part in parts) == text
    assert kept[0]["expected"] == "42" and kept[0]["correct"] and not kept[0]["infra"]


def test_rows_are_plain_json(tokenizer: HFTokenizer):
    seen, kept = statistics(tokenizer)
    assert json.loads(json.dumps(seen.to_row())) == seen.to_row()
    assert json.loads(json.dumps(kept)) == kept


def test_a_round_that_was_lost_as_a_whole(tokenizer: HFTokenizer):
    seen = StepStatistics.of_round(
        ROLLOUTS[2:],
        VERDICTS[2:],
        [PROBLEM] * 2,
        None,
        uniform=False,
        kl=None,
        keep=1,
        tokenizer=tokenizer,
        accelerator=Accelerator(cpu=on_cpu()),
        seconds={},
        config=CONFIG,
    )[0]
    assert seen.infra_rate == 1.0
    assert {seen.accuracy, seen.reward, seen.tool_calls, seen.tool_error_rate, seen.kl} == {None}
