"""Evaluation: its intervals and tests against known values, and its figures against rollouts."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from accelerate import Accelerator
from transformers import PreTrainedModel

from benchmarks.statistics import wilson
from train.data import Problem
from train.evaluate import Evaluator, Outcome, paired, summarise
from train.grade import Grader
from train.rollout.collect import Collector
from train.rollout.sandbox import TrainingSandbox
from train.trl_config import on_cpu


def outcome(number: int, correct: bool, **changes: object) -> Outcome:
    plain = Outcome(f"p{number}", "sums", correct, False, 2, 0, True)
    return replace(plain, **changes)


# Twice the binomial tail of the smaller count, at most 1.
@pytest.mark.parametrize(
    ("gained", "lost", "p"),
    [(0, 0, 1.0), (1, 0, 1.0), (5, 0, 0.0625), (6, 0, 0.03125), (8, 1, 0.0390625), (3, 3, 1.0),
     (9, 1, 0.021484375), (2, 10, 0.03857421875)],
)  # fmt: skip
def test_mcnemar_is_exact(gained: int, lost: int, p: float):
    was = [False] * gained + [True] * lost + [True, False]
    now = [True] * gained + [False] * lost + [True, False]
    before = [outcome(number, each) for number, each in enumerate(was)]
    after = [outcome(number, each) for number, each in enumerate(now)]
    assert paired(before, after[::-1]) == {"gained": gained, "lost": lost, "p": pytest.approx(p)}


def test_problems_that_either_evaluation_lost_are_not_paired():
    before = [outcome(0, False, infra=True), outcome(1, False), outcome(2, True), outcome(3, True)]
    after = [outcome(0, True), outcome(1, True, infra=True), outcome(2, False), outcome(9, True)]
    assert paired(before, after) == {"gained": 0, "lost": 1, "p": 1.0}


def test_the_figures_of_an_evaluation():
    outcomes = [
        outcome(0, True),
        outcome(1, False, tool_errors=1, first_call=False),
        outcome(2, True, family="areas", tool_calls=4),
        outcome(3, False, tool_calls=0, first_call=False),
        outcome(4, True, infra=True, tool_calls=9, tool_errors=9),
    ]
    result = summarise(outcomes, "before", 1.5)
    assert (result.problems, result.correct, result.infra) == (4, 2, 1)
    assert result.accuracy == 0.5 and (result.low, result.high) == wilson(2, 4)
    assert (result.tool_calls, result.valid_calls, result.first_call) == (2.0, 0.875, 0.5)
    assert list(result.by_family.items()) == [
        ("areas", {"problems": 1, "correct": 1}),
        ("sums", {"problems": 3, "correct": 1}),
    ]
    assert result.to_row()["seconds"] == 1.5 and result.to_row()["split"] == "before"


def test_nothing_left_to_measure_is_not_an_error():
    result = summarise([outcome(0, True, infra=True)], "after", 0.0)
    assert (result.problems, result.accuracy, result.low, result.high) == (0, 0.0, 0.0, 1.0)
    assert not any(map(math.isnan, (result.tool_calls, result.valid_calls, result.first_call)))


@pytest.fixture(scope="module")
def evaluator(collector: Collector, sandbox: TrainingSandbox) -> Evaluator:
    return Evaluator(collector, Grader(sandbox, 2), Accelerator(cpu=on_cpu()), 0, rows=3)


def test_a_real_evaluation_is_greedy_in_order_and_leaves_the_mode(
    evaluator: Evaluator, student: PreTrainedModel, known_problems: list[Problem]
):
    problems = known_problems[:8][::-1]
    seen: list[tuple[int, int]] = []
    student.train()
    result, outcomes = evaluator.evaluate(
        student, problems, "validation", lambda done, total: seen.append((done, total))
    )
    assert student.training
    student.eval()
    again, repeated = evaluator.evaluate(student, problems, "validation")
    assert not student.training
    assert outcomes == repeated and result.accuracy == again.accuracy
    assert [each.problem for each in outcomes] == [problem.id for problem in problems]
    assert seen[-1] == (8, 8)
    assert result.tool_calls > 1 and result.valid_calls > 0.5 and result.first_call > 0.5
    assert result.infra == 0 and result.correct == sum(each.correct for each in outcomes)
    assert result.correct > 0, "the student knows these problems"


def test_a_student_that_knows_nothing_scores_nothing(
    evaluator: Evaluator, random_student: PreTrainedModel, known_problems: list[Problem]
):
    result, _ = evaluator.evaluate(random_student, known_problems[:3], "before")
    assert (result.correct, result.first_call) == (0, 0.0)
