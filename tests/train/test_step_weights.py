"""Step weights: the published numbers, the recurrence they stand for, and what must not count."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.training.step_weights import published_loop
from train.step_weights import (
    BASELINES,
    step_divergences,
    step_table,
    step_weights,
    steps_from_mask,
)

# Computed by the paper's published implementation, YoungZ365/SOD.
CASES = json.loads((Path(__file__).parents[1] / "data" / "step_weights.json").read_text())
NAMES = [case["name"] for case in CASES]

SETTINGS = {"epsilon": 1e-3, "delta": 0.3, "floor": 0.2, "memory": 0.7}


def tensors(case: dict) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    student, teacher, mask = (
        torch.tensor(case[key]) for key in ("student_logps", "teacher_logps", "mask")
    )
    return student, teacher, mask


def close(actual: torch.Tensor, expected: object, tolerance: float = 1e-5) -> None:
    expected = torch.as_tensor(expected, dtype=actual.dtype)
    torch.testing.assert_close(actual, expected, rtol=0, atol=tolerance)


def recurrence(divergences: list[float], baseline: str) -> list[float]:
    """The weights of one row as the paper and the docstring write them, a step at a time."""
    epsilon, top = SETTINGS["epsilon"], 1 + SETTINGS["delta"]
    memory = SETTINGS["memory"]
    weights, product, average = [], 1.0, 0.0
    for k, d in enumerate(divergences):
        if baseline == "mean":
            mean = sum(divergences) / len(divergences)
            weights.append(min((mean + epsilon) / (d + epsilon), top))
        elif k == 0:
            weights.append(1.0)
            average = d
        elif baseline == "ema":
            weights.append(min((average + epsilon) / (d + epsilon), top))
            average = memory * average + (1 - memory) * d
        else:
            product *= (divergences[k - 1] + epsilon) / (d + epsilon)
            low = SETTINGS["floor"] if baseline == "floor" else 0.0
            weights.append(max(min(product, top), low))
    return weights


def walk(gaps: list[float], steps: list[int], baseline: str) -> tuple[list[float], list[float]]:
    """Divergences of the steps of one row, and the weight of each token."""
    by_step: dict[int, list[float]] = {}
    for gap, step in zip(gaps, steps, strict=True):
        if step:
            by_step.setdefault(step, []).append(gap)
    order = sorted(by_step)
    divergences = [sum(by_step[step]) / len(by_step[step]) for step in order]
    weights = dict(zip(order, recurrence(divergences, baseline), strict=True))
    return divergences, [weights[step] if step else 0.0 for step in steps]


@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_published_numbers(case):
    weights = step_weights(*tensors(case), case["epsilon"], case["delta"])
    close(weights, case["expected_weights"])
    divergences = step_divergences(*tensors(case))
    assert [len(row) for row in divergences] == [len(r) for r in case["expected_step_divergences"]]
    for row, expected in zip(divergences, case["expected_step_divergences"], strict=True):
        assert row == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_the_loop_that_the_benchmark_times_is_the_published_one(case):
    weights = published_loop(*tensors(case), case["epsilon"], case["delta"])
    close(weights, case["expected_weights"])


def test_steps_are_the_runs_of_the_mask():
    mask = torch.tensor([[1, 1, 0, 1, 0, 0, 1], [0, 1, 1, 1, 1, 0, 0], [0] * 7, [1] * 7])
    expected = [[1, 1, 0, 2, 0, 0, 3], [0, 1, 1, 1, 1, 0, 0], [0] * 7, [1] * 7]
    assert steps_from_mask(mask).tolist() == expected
    assert steps_from_mask(mask.bool()).dtype == torch.long


@st.composite
def rows(draw, recorded: bool):
    """Rows of (gap, step) that a rollout could have left, steps by mask or as recorded."""
    length = draw(st.integers(1, 24))
    gap = st.sampled_from([0.0, 1e-4, 0.03, 0.5, 2.0, 9.0])
    batch = []
    for _ in range(draw(st.integers(1, 3))):
        gaps = draw(st.lists(gap, min_size=length, max_size=length))
        live = draw(st.lists(st.booleans(), min_size=length, max_size=length))
        steps, step, before = [], 0, False
        for alive in live:
            # Recorded steps may touch, and lose all their tokens to the mask.
            step += draw(st.integers(0, 2)) if recorded else alive and not before
            steps.append(step if alive else 0)
            before = alive
        batch.append((gaps, steps))
    return batch


def check_against_the_recurrence(batch, baseline, **steps):
    gaps = torch.tensor([gaps for gaps, _ in batch])
    mask = torch.tensor([[step > 0 for step in steps] for _, steps in batch])
    expected = [walk(*row, baseline) for row in batch]
    weights = step_weights(-gaps, 0 * gaps, mask, baseline=baseline, **SETTINGS, **steps)
    close(weights, [tokens for _, tokens in expected])
    for row, (divergences, _) in zip(
        step_divergences(-gaps, 0 * gaps, mask, steps.get("step_ids")), expected, strict=True
    ):
        assert row == pytest.approx(divergences, abs=1e-6)


@given(batch=rows(recorded=False), baseline=st.sampled_from(BASELINES))
@settings(max_examples=60, deadline=None)
def test_runs_of_the_mask_follow_the_recurrence(batch, baseline):
    check_against_the_recurrence(batch, baseline)


@given(batch=rows(recorded=True), baseline=st.sampled_from(BASELINES))
@settings(max_examples=60, deadline=None)
def test_recorded_steps_follow_the_recurrence(batch, baseline):
    steps = torch.tensor([steps for _, steps in batch])
    steps.clamp_(max=steps.shape[1])
    batch = [(gaps, row) for (gaps, _), row in zip(batch, steps.tolist(), strict=True)]
    check_against_the_recurrence(batch, baseline, step_ids=steps)
    check_against_the_recurrence(batch, baseline, step_ids=steps, max_steps=24)


@pytest.mark.parametrize("baseline", BASELINES)
@pytest.mark.parametrize("junk", [float("nan"), float("inf"), -1e30])
def test_masked_tokens_change_nothing(baseline, junk):
    student, teacher, mask = tensors(CASES[0])
    before = step_weights(student, teacher, mask, baseline=baseline)
    divergences = step_divergences(student, teacher, mask)
    hidden = mask == 0
    student, teacher = student.masked_fill(hidden, junk), teacher.masked_fill(hidden, 3.0)
    assert torch.equal(step_weights(student, teacher, mask, baseline=baseline), before)
    assert step_divergences(student, teacher, mask) == divergences
    # Nor does the step that the rollout recorded for a token the mask leaves out.
    steps = steps_from_mask(mask).masked_fill(hidden, 1)
    again = step_weights(student, teacher, mask, baseline=baseline, step_ids=steps)
    assert torch.equal(again, before)


@pytest.mark.parametrize("baseline", BASELINES)
def test_never_waits_for_the_device(baseline):
    # Meta tensors hold no numbers: whatever reads one back, or has a shape that depends on
    # one, fails.
    logps = torch.empty(2, 9, device="meta")
    mask = torch.empty(2, 9, device="meta", dtype=torch.long)
    for options in ({}, {"step_ids": mask}, {"max_steps": 4}):
        weights = step_weights(logps, logps, mask, baseline=baseline, **options)
        assert weights.shape == (2, 9)
    step_table(logps, logps, mask, baseline=baseline, max_steps=4)
    with pytest.raises(RuntimeError, match="meta"):
        step_table(logps, logps, mask, baseline=baseline)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_step_of_20480_tokens_keeps_its_digits(dtype):
    generator = torch.Generator().manual_seed(3)
    student, teacher = torch.randn(2, 1, 20480, generator=generator).to(dtype).mul(10)
    mask = torch.ones(1, 20480)
    mask[0, 10240] = 0
    first, second = step_divergences(student, teacher, mask)[0]
    gaps = (student.double() - teacher.double()).abs()[0]
    assert first == pytest.approx(float(gaps[:10240].mean()), rel=2e-7)
    assert second == pytest.approx(float(gaps[10241:].mean()), rel=2e-7)


def test_table_by_step():
    student = torch.tensor([[-1.0, -3.0, -9.0, -4.0, -1.0], [-1.0, -1.0, -1.0, -1.0, -1.0]])
    mask = torch.tensor([[1, 1, 0, 1, 0], [0, 0, 0, 0, 0]])
    table = step_table(student, torch.zeros(2, 5), mask)
    close(table.divergences, [[2.0, 4.0], [0.0, 0.0]])
    close(table.weights, [[1.0, 0.5], [0.0, 0.0]])
    assert table.tokens.tolist() == [[2, 1], [0, 0]]
    wider = step_table(student, torch.zeros(2, 5), mask, max_steps=4)
    assert wider.tokens.tolist() == [[2, 1, 0, 0], [0, 0, 0, 0]]
    assert step_divergences(student, torch.zeros(2, 5), mask)[1] == []


def test_weights_carry_no_gradient():
    student, teacher, mask = tensors(CASES[0])
    assert not step_weights(student.requires_grad_(), teacher, mask).requires_grad


def test_unknown_baseline():
    student, teacher, mask = tensors(CASES[0])
    with pytest.raises(ValueError, match="unknown weight baseline 'last': one of first, mean"):
        step_weights(student, teacher, mask, baseline="last")


def test_more_steps_than_max_steps_is_an_error():
    student, teacher, mask = tensors(CASES[0])
    with pytest.raises(RuntimeError, match="out of bounds"):
        step_weights(student, teacher, mask, max_steps=2)
