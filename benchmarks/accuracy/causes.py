"""Why an answer is wrong: one cause for each failed run, read off its record."""

from __future__ import annotations

import re
from enum import Enum

from benchmarks.calls import is_call, ran
from benchmarks.grading import MAX_ANSWER, check, same_answer
from benchmarks.problems import Problem
from runtime.record import RunRecord, StopReason, TurnRecord
from runtime.sandbox import Kind, Sandbox


class Cause(str, Enum):
    """What went wrong (a closed set); the first that fits, in the order of `cause_of`."""

    LOST = "lost"  # the sandbox or the engine failed: nothing is known about the answer
    WRONG_FORM = "wrong_form"
    NO_TURNS = "out_of_turns"
    NO_TOKENS = "out_of_tokens"
    NO_WINDOW = "window_full"
    ERROR = "program_error"
    NO_ANSWER = "no_answer"
    FAILS_TESTS = "fails_tests"
    NO_CALL = "no_call"
    WRONG_PROGRAM = "wrong_program"
    ANSWERED_OTHERWISE = "answered_otherwise"
    OTHER = "other"


TEXTS = {
    Cause.LOST: "lost to the sandbox or the engine",
    Cause.WRONG_FORM: "right number in a wrong form",
    Cause.NO_TURNS: "no answer: out of turns",
    Cause.NO_TOKENS: "no answer: out of tokens",
    Cause.NO_WINDOW: "no answer: the window is full",
    Cause.ERROR: "program error never mended",
    Cause.NO_ANSWER: "no answer",
    Cause.FAILS_TESTS: "the answered program fails its tests",
    Cause.NO_CALL: "no tool call made",
    Cause.WRONG_PROGRAM: "wrong program: what it printed was answered",
    Cause.ANSWERED_OTHERWISE: "printed right, answered otherwise",
    Cause.OTHER: "answered neither what was printed nor right",
}
_BUDGETS = {
    StopReason.MAX_TURNS: Cause.NO_TURNS,
    StopReason.MAX_TOKENS: Cause.NO_TOKENS,
    StopReason.CONTEXT_FULL: Cause.NO_WINDOW,
}
_NUMBER = re.compile(r"(?<![\w.,])-?\d+(?:,\d{3})*(?:\.\d+)?(?![\w.,]*\d)")


def cause_of(record: RunRecord, problem: Problem, sandbox: Sandbox) -> Cause:
    """Why `record`, which the grader found wrong, is wrong.

    A budget that ran out is the cause only if the last program did not fail: a model that repeats
    a faulty program until its turns are spent fails at mending it.
    """
    answer = (record.answer or "").strip()
    if answer and problem.domain != "code" and _right_inside(answer, problem, sandbox):
        return Cause.WRONG_FORM
    # A repeated call was refused, not run: what it does was seen before.
    calls = [t for t in record.turns if is_call(t) and t.error != "repeated_call"]
    cut_off = bool(calls) and calls[-1].result is None
    if calls and not cut_off and not ran(calls[-1]):
        return Cause.ERROR
    if record.stop_reason in _BUDGETS:
        return _BUDGETS[record.stop_reason]
    if not answer:
        return Cause.NO_ANSWER
    if problem.domain == "code":
        return Cause.FAILS_TESTS
    if not calls:
        return Cause.NO_CALL
    printed = [_candidates(turn) for turn in calls if ran(turn)]
    if printed and _any_same(printed[-1], answer, problem, sandbox):
        return Cause.WRONG_PROGRAM
    if any(check(text, problem, sandbox).correct for texts in printed for text in texts):
        return Cause.ANSWERED_OTHERWISE
    if any(_any_same(texts, answer, problem, sandbox) for texts in printed):
        return Cause.WRONG_PROGRAM
    return Cause.OTHER


def lost(record: RunRecord) -> bool:
    """Whether one of its calls met a failure of the sandbox."""
    return any(turn.error == Kind.INFRA.value for turn in record.turns)


def _candidates(turn: TurnRecord) -> list[str]:
    """What a program's output may be taken to say: the end of its last line, and all of it."""
    lines = [line.strip() for line in (turn.result or "").splitlines() if line.strip()]
    if not lines:
        return []
    # The end first: it is often a plain number, which needs no sandbox to be compared.
    return list(dict.fromkeys([re.split(r"[:=\s]+", lines[-1].rstrip(". "))[-1], lines[-1]]))


def _any_same(texts: list[str], answer: str, problem: Problem, sandbox: Sandbox) -> bool:
    return any(same_answer(text, answer, problem, sandbox) for text in texts if text)


def _right_inside(answer: str, problem: Problem, sandbox: Sandbox) -> bool:
    """Whether a wrong answer holds the right number: its only one, or rounded otherwise."""
    gold = problem.answer.strip()
    if len(answer) > MAX_ANSWER:
        return False
    numbers = _NUMBER.findall(answer)
    if len(numbers) != 1 or not _NUMBER.fullmatch(gold):
        return False
    if check(numbers[0], problem, sandbox).correct:
        return True
    places = [len(text.partition(".")[2]) for text in (numbers[0], gold)]
    if min(places) == 0:
        return False
    given, expected = (float(text.replace(",", "")) for text in (numbers[0], gold))
    return abs(given - expected) <= 0.5000001 * 10.0 ** -min(places)
