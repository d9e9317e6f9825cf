"""The parts of a measurement: causes of failure, votes, figures, the samples file."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

import pytest

from benchmarks.accuracy.causes import TEXTS, Cause, cause_of
from benchmarks.accuracy.store import AccuracyError, Samples
from benchmarks.accuracy.summary import Asked, majority, summarise
from benchmarks.grading import same_answer
from benchmarks.problems import Problem
from benchmarks.statistics import wilson
from runtime.record import RunRecord, StopReason, TurnRecord
from runtime.sandbox import Sandbox

SUM = Problem("sum", "math", "What is 70 + 2?", "72", family="arithmetic: sums")
LENGTH = Problem("length", "math", "How long?", "2.35")
CHOICE = Problem("choice", "science", "Which?", "B", choices=("cat", "dog"))
DOUBLE = Problem("double", "code", "Double it.", "", tests=("assert f(2) == 4",))


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


def ran(output: str, error: str | None = None) -> TurnRecord:
    call = '<tool_call>\n{"name": "code_interpreter", "arguments": {"code": "..."}}\n</tool_call>'
    return TurnRecord(call, False, "code_interpreter", {"code": "..."}, output, error, 0.1)


CUT_OFF = TurnRecord('<tool_call>\n{"name": "code_int')
SPOKEN = TurnRecord("The answer is in the box.")
ANSWERED, TURNS, TOKENS = StopReason.ANSWERED, StopReason.MAX_TURNS, StopReason.MAX_TOKENS


@pytest.mark.parametrize(
    ("problem", "answer", "turns", "stop", "cause"),
    [
        (SUM, "75", [ran("75"), SPOKEN], ANSWERED, Cause.WRONG_PROGRAM),
        (SUM, "75", [ran("sum: 75"), SPOKEN], ANSWERED, Cause.WRONG_PROGRAM),
        (SUM, "75", [ran("72"), SPOKEN], ANSWERED, Cause.ANSWERED_OTHERWISE),
        # The last program is the one that was believed.
        (SUM, "75", [ran("72"), ran("75"), SPOKEN], ANSWERED, Cause.WRONG_PROGRAM),
        (SUM, "75", [ran("76"), SPOKEN], ANSWERED, Cause.OTHER),
        (SUM, "75", [ran("(nothing was printed)"), SPOKEN], ANSWERED, Cause.OTHER),
        (SUM, "75", [SPOKEN], ANSWERED, Cause.NO_CALL),
        (SUM, "x", [ran("NameError: x", "user_error"), SPOKEN], ANSWERED, Cause.ERROR),
        (SUM, None, [ran("NameError: x", "user_error")] * 3, TURNS, Cause.ERROR),
        (SUM, "75", [ran("SyntaxError", "user_error"), ran("75")], ANSWERED, Cause.WRONG_PROGRAM),
        (SUM, "75", [ran("75"), ran("refused", "repeated_call")], TURNS, Cause.NO_TURNS),
        (SUM, None, [CUT_OFF], TOKENS, Cause.NO_TOKENS),
        (SUM, None, [ran("75")], StopReason.CONTEXT_FULL, Cause.NO_WINDOW),
        (SUM, None, [SPOKEN], StopReason.END_OF_TURN, Cause.NO_ANSWER),
        (SUM, "72 or so of them, I think", [ran("72"), SPOKEN], ANSWERED, Cause.WRONG_FORM),
        (SUM, "between 72 and 75", [ran("72"), SPOKEN], ANSWERED, Cause.ANSWERED_OTHERWISE),
        (SUM, "172", [SPOKEN], ANSWERED, Cause.NO_CALL),
        (LENGTH, "2.3451", [ran("2.3451"), SPOKEN], ANSWERED, Cause.WRONG_FORM),
        (LENGTH, "2.4", [ran("2.4"), SPOKEN], ANSWERED, Cause.WRONG_FORM),
        (LENGTH, "2.5", [ran("2.5"), SPOKEN], ANSWERED, Cause.WRONG_PROGRAM),
        (LENGTH, "2", [ran("2"), SPOKEN], ANSWERED, Cause.WRONG_PROGRAM),
        (CHOICE, "A", [SPOKEN], ANSWERED, Cause.NO_CALL),
        (CHOICE, "A", [ran("dog"), SPOKEN], ANSWERED, Cause.ANSWERED_OTHERWISE),
        (DOUBLE, "def f(x): return 3", [ran("3"), SPOKEN], ANSWERED, Cause.FAILS_TESTS),
    ],
)  # fmt: skip
def test_the_cause_of_a_failure(problem, answer, turns, stop, cause, sandbox):
    assert cause_of(RunRecord(answer, stop, "m", "e", turns), problem, sandbox) is cause


def test_every_cause_has_words():
    assert set(TEXTS) == set(Cause)


@pytest.mark.parametrize(
    ("problem", "one", "other", "same"),
    [
        (SUM, "72", "72.0", True),
        (SUM, "72", r"\frac{144}{2}", True),
        (SUM, r"\sqrt{2}", r"\frac{2}{\sqrt{2}}", True),
        (SUM, "72", "73", False),
        (SUM, "9^{9^{9}}", "9^{9^{9}} + 1", False),
        (SUM, "some", "none", False),
        (CHOICE, "B", "(b) dog", True),
        (CHOICE, "A", "dog", False),
        (CHOICE, "neither", "both", False),
        (DOUBLE, "def f(x): return 2*x", "def f(x): return x*2", False),
    ],
)
def test_answers_that_say_the_same(problem, one, other, same, sandbox):
    assert same_answer(one, other, problem, sandbox) is same
    assert same_answer(other, one, problem, sandbox) is same


def row(problem: Problem, answer: str | None, sample: int = 0, **changes: Any) -> dict[str, Any]:
    plain = {
        "problem": problem.id,
        "sample": sample,
        "correct": answer == problem.answer,
        "infra": False,
        "cause": None if answer == problem.answer else "no_call",
        "calls": 1,
        "ran": 1,
        "valid": 1,
        "seconds": 2.0,
        "decode_s": 0.5,
        "record": {"answer": answer, "tokens": {"generated": 50}},
    }
    return plain | changes


def plainly(one: str, other: str, _: Problem) -> bool:
    return one == other


@pytest.mark.parametrize(
    ("answers", "right"),
    [
        (["72", "72", "75"], True),
        (["75", "72", "75"], False),
        (["75", "72"], False),  # a tie goes to the first
        (["72", "75"], True),
        ([None, None, "72"], True),  # what was not answered does not vote
        ([None], False),
        (["75", "72", "72", "75", "72"], True),
    ],
)
def test_the_majority(answers, right):
    rows = [row(SUM, answer, number) for number, answer in enumerate(answers)]
    assert majority(Asked(SUM, rows), plainly) is right


def test_figures_of_one_sample():
    problems = [
        SUM,
        Problem("bus", "math", "q", "1", family="arithmetic: buses"),
        Problem("tin", "math", "q", "1", family="money: tins"),
        CHOICE,
    ]
    rows = [
        row(SUM, "72", calls=2, ran=2, valid=1),
        row(problems[1], "5", seconds=9.0),
        row(problems[2], "1", infra=True, correct=False, cause="lost"),
        row(CHOICE, "B", calls=0, ran=0, valid=0),
    ]
    got = summarise(problems, rows, 1, plainly)
    assert got["accuracy"]["correct"] == 2 and got["accuracy"]["count"] == 3
    assert got["accuracy"]["low"] < 2 / 3 < got["accuracy"]["high"]
    assert got["majority"] is None and got["pass_at_k"] is None
    assert got["lost"] == {"count": 1, "examples": ["tin"]}
    assert list(got["by_group"]) == ["arithmetic", "science"]
    assert [each["family"] for each in got["by_group"]["arithmetic"]["worst"]] == ["buses"]
    assert got["by_domain"]["science"]["value"] == 1
    assert got["tool_calls"]["tried"] == 3 and got["tool_calls"]["valid"]["hits"] == 2
    assert got["tool_calls"]["per_problem"] == 1
    assert got["tool_calls"]["answered_without"]["hits"] == 1
    assert got["seconds"] == {"median": 2.0, "p90": 9.0, "total": 13.0}
    assert got["tokens_per_s"] == 100
    (failure,) = got["failures"]
    assert failure["cause"] == "no_call" and failure["examples"] == ["bus"]
    json.dumps(got, allow_nan=False)


def test_figures_of_several_samples():
    problems = [SUM, LENGTH]
    rows = [row(SUM, "72", n) for n in range(3)]
    rows += [row(LENGTH, answer, n) for n, answer in enumerate(["1", "2.35", "1"])]
    got = summarise(problems, rows, 3, plainly)
    assert got["accuracy"]["value"] == pytest.approx(2 / 3)
    assert got["accuracy"]["low"] == pytest.approx(1 / 3) and got["accuracy"]["high"] == 1
    assert got["majority"]["hits"] == 1 and got["pass_at_k"]["hits"] == 2
    # Alike as they are, one problem and three samples are not three problems.
    own = got["by_group"]["arithmetic"]
    assert own["value"] == 1 and own["low"] == pytest.approx(wilson(1, 1)[0])
    # A lost sample is left out, and the problem counts by the others.
    rows[3] |= {"infra": True, "correct": False}
    got = summarise(problems, rows, 3, plainly)
    assert got["accuracy"]["value"] == pytest.approx(3 / 4)
    assert not math.isnan(got["accuracy"]["low"])


def test_figures_of_nothing():
    got = summarise([SUM], [row(SUM, None, infra=True)], 1, plainly)
    assert got["problems"] == 0 and got["lost"]["count"] == 1
    json.dumps(got, allow_nan=False)


def test_samples_survive_a_kill(tmp_path):
    with Samples(tmp_path, {"model": "a"}) as samples:
        samples.add(row(SUM, "1"))
        samples.add(row(SUM, "2", 1))
    whole = samples.path.read_bytes()
    assert json.loads(whole.splitlines()[0]) == {"setup": {"model": "a"}}
    samples.path.write_bytes(whole[:-9])
    with Samples(tmp_path, {"model": "a"}) as samples:
        assert list(samples.rows()) == [("sum", 0)]
        samples.add(row(SUM, "3", 1))
        assert samples.rows()["sum", 1]["record"]["answer"] == "3"
        with (
            pytest.raises(AccuracyError, match="another run writes"),
            Samples(tmp_path, {"model": "a"}),
        ):
            pass
    with Samples(tmp_path, {"model": "b"}) as other:
        assert other.rows() == {}


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(AccuracyError, match="another --output"), Samples(tmp_path / "file", {}):
        pass
