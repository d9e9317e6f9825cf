"""Every family: what it draws is whole, solved rightly by its program, and kept apart."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from benchmarks.grading import check
from runtime.sandbox import Sandbox
from runtime.tools.code_interpreter import code_interpreter_tool
from runtime.tools.outcome import call_tool
from train.problems import FAMILIES, Drawn
from train.problems.family import Dice, family
from train.problems.generate import WEIGHTS, draws, problem
from train.problems.trajectories import demonstrations

from .conftest import draw

MANY = 600


@pytest.fixture(scope="module")
def one_each() -> list[Drawn]:
    """One problem of each family, every other one in a held-out wording."""
    return [draw(name, 7, place % 2 == 1) for place, name in enumerate(FAMILIES)]


def test_there_are_many_families_and_every_group_has_a_weight():
    assert len(FAMILIES) >= 60
    groups = {each.group for each in FAMILIES.values()}
    assert groups == set(WEIGHTS)
    for group in groups:  # some are held out of each, and some are trained
        assert {each.held_out for each in FAMILIES.values() if each.group == group} == {True, False}


@pytest.mark.parametrize("evaluation", [False, True], ids=["train", "eval"])
def test_every_family_draws_whole_problems(evaluation: bool):
    for name in FAMILIES:
        drawn = draw(name, 3, evaluation)
        assert drawn == draw(name, 3, evaluation)
        assert drawn.question.strip() == drawn.question != "", name
        assert not re.search(r"\{[a-z]\w*\}|  |\bNone\b", drawn.question), name
        assert drawn.answer, name
        assert bool(drawn.program) == (FAMILIES[name].group != "no tool"), name
        assert drawn.program.strip("\n") == drawn.program, name
        assert "\n\n" not in drawn.program, name
        assert problem(drawn).domain in ("math", "science", "code"), name


def test_a_program_prints_its_answer_in_the_sandbox(one_each: list[Drawn], plain_sandbox: Sandbox):
    """`demonstrations` raises for a program that does not; code and choices are tested below."""
    solved = list(demonstrations(one_each, 0, plain_sandbox, plain=True))
    assert len(solved) == len(FAMILIES)
    for drawn, each in zip(one_each, solved, strict=True):
        assert len(each.messages) == (4 if drawn.program else 2), drawn.family
        assert each.messages[0].content == problem(drawn).prompt()
        assert each.messages[-1].role == "assistant"
        assert not each.not_learned
        if drawn.program:
            assert "Error" not in each.messages[2].content, drawn


def test_answers_of_programming_problems_pass_their_tests(plain_sandbox: Sandbox):
    names = [name for name, each in FAMILIES.items() if each.group == "programming"]
    for name in names:
        drawn = draw(name, 1, FAMILIES[name].held_out)
        assert drawn.domain == "code"
        verdict = check(drawn.answer, problem(drawn), plain_sandbox)
        assert verdict.correct, (drawn.answer, drawn.tests, verdict.detail)


def test_the_letter_of_a_choice_is_the_one_of_the_programs_value(plain_sandbox: Sandbox):
    tool = code_interpreter_tool(plain_sandbox)
    names = [name for name, each in FAMILIES.items() if each.group == "science"]
    seen = Counter()
    for name in names:
        drawn = next(
            each for each in (draw(name, seed, True) for seed in range(40)) if each.choices
        )
        printed = float(call_tool(tool, {"code": drawn.program}).text)
        values = [float(choice.split()[0]) for choice in drawn.choices]
        assert [value == printed for value in values].count(True) == 1, drawn
        assert "ABCD"[values.index(printed)] == drawn.answer, drawn
        seen[drawn.answer] += 1
    assert len(seen) > 2  # the right one is not always in the same place


def test_choices_without_a_tool_have_one_right_letter():
    names = [name for name, each in FAMILIES.items() if each.group == "no tool"]
    all_drawn = [draw(name, seed, False) for name in names for seed in range(5)]
    chosen = [drawn for drawn in all_drawn if drawn.choices]
    assert chosen
    for drawn in chosen:
        assert drawn.answer in "ABCD"[: len(drawn.choices)]
        assert len(set(drawn.choices)) == len(drawn.choices)
        assert not drawn.program


# What is held out ---------------------------------------------------------------------------------


def test_held_out_families_and_wordings_stay_out_of_training():
    trained = draws(MANY, 0, "train")
    families = draws(MANY, 0, "eval", held_out=True)
    wordings = draws(MANY, 0, "eval", held_out=False)
    assert len(trained) == len(families) == len(wordings) == MANY
    assert not any(FAMILIES[each.family].held_out for each in trained)
    assert all(FAMILIES[each.family].held_out for each in families)
    assert not any(FAMILIES[each.family].held_out for each in wordings)
    questions = [
        {problem(each).prompt() for each in some} for some in (trained, families, wordings)
    ]
    assert not questions[0] & questions[1]
    assert not questions[0] & questions[2]
    assert not questions[1] & questions[2]
    assert all(len(some) == MANY for some in questions)  # none is drawn twice
    assert {each.group for each in trained} == set(WEIGHTS)


def test_evaluation_draws_both_kinds_where_none_is_named():
    both = draws(200, 0, "eval")
    assert {FAMILIES[each.family].held_out for each in both} == {True, False}


def test_the_last_quarter_of_the_wordings_is_for_evaluation():
    templates = [str(number) for number in range(9)]
    seen = [
        {Dice(str(seed), evaluation).wording(*templates) for seed in range(200)}
        for evaluation in (False, True)
    ]
    assert seen == [set("0123456"), set("78")]
    with pytest.raises(ValueError, match="four wordings"):
        Dice("", False).wording("a", "b", "c")


def test_the_same_seed_draws_the_same_problems():
    assert draws(80, 5, "train") == draws(80, 5, "train")
    assert draws(80, 5, "train") != draws(80, 6, "train")
    assert draws(80, 5, "train") == draws(200, 5, "train")[:80]


def test_two_families_cannot_share_a_name():
    def power(dice: Dice) -> Drawn:
        raise AssertionError("never drawn")

    with pytest.raises(ValueError, match="two families are called 'power'"):
        family("money")(power)
    assert FAMILIES["power"].group == "arithmetic"
