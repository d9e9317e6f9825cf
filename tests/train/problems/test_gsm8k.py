"""GSM8K's annotated solutions as programs, on solutions written for this test."""

from __future__ import annotations

import keyword
import re

import pytest

from runtime.sandbox import Sandbox
from train.data import Problem
from train.problems import Drawn
from train.problems.gsm8k import programs
from train.problems.trajectories import demonstrations

# question, solution
ROWS = (
    (
        "A baker fills 6 trays with 12 rolls each and sells 50 rolls. How many rolls are left?",
        "The baker makes 6*12 = <<6*12=72>>72 rolls.\n"
        "Then 72-50 = <<72-50=22>>22 rolls are left.\n#### 22",
    ),
    (
        "Lena has 1,200 stamps. She gives a quarter of them to Tim. How many does she keep?",
        "She gives away 1200/4 = <<1200/4=300>>300 stamps.\n"
        "She keeps 1200-300 = <<1200-300=900>>900 of them.\n#### 900",
    ),
    (
        "Three shirts cost $7.10 each. What do they cost together?",
        "The shirts cost 3*7.10 = $<<3*7.10=21.3>>21.30 together.\n#### 21.3",
    ),
    (
        "A pass is $4 in May, $4 in June and $4 in July. What do two people pay for all three?",
        "In May it is 2*4 = $<<2*4=8>>8 for the pass.\n"
        "In June it is 2*4 = $<<2*4=8>>8 for the pass.\n"
        "In July it is 2*4 = $<<2*4=8>>8 for the pass.\n"
        "Altogether that is 8+8+8 = $<<8+8+8=24>>24.\n#### 24",
    ),
    (
        "A class has 30 pupils and 40% of them swim. How many swim?",
        "That makes 30*.4 = <<30*.4=12>>12 for the class.\n#### 12",
    ),
    (
        "Noah runs 007 laps of 3 km. How far is that?",
        "He runs 007*3 = <<007*3=21>>21 km.\n#### 21",
    ),
)


def problem(question: str, solution: str) -> Problem:
    answer = solution.rpartition("#### ")[2]
    return Problem(f"own-{len(question)}", "math", question, answer, solution=solution)


def made(solution: str, question: str = "How many?") -> Drawn | None:
    return next(iter(programs([problem(question, solution)])), None)


@pytest.fixture(scope="module")
def drawn() -> list[Drawn]:
    return programs(problem(*row) for row in ROWS)


def test_every_solution_becomes_a_program_that_prints_its_answer(
    drawn: list[Drawn], plain_sandbox: Sandbox
):
    assert [each.question for each in drawn] == [question for question, _ in ROWS]
    solved = list(demonstrations(drawn, 0, plain_sandbox, plain=True))
    answers = [each.messages[-1].content for each in solved]
    assert answers == [f"The answer is \\boxed{{{n}}}." for n in (22, 900, 21.3, 24, 12, 21)]


def test_lines_are_named_after_the_words_and_results_are_used_by_name(drawn: list[Drawn]):
    assert drawn[0].program.split("\n") == [
        "makes_rolls = 6 * 12",
        "rolls_left = makes_rolls - 50",
        "print(rolls_left)",
    ]
    assert drawn[0].group == drawn[0].family == "GSM8K train"


def test_who_does_it_is_in_the_name():
    told = made(
        "Mia has 2*5 = <<2*5=10>>10 eggs.\nTim has 10-3 = <<10-3=7>>7 eggs.\n"
        "That makes 10+7 = <<10+7=17>>17 eggs.\n#### 17",
        "Each of Mia and Tim has 2 boxes of 5 eggs, but Tim 3 less. How many eggs?",
    )
    assert told is not None
    assert told.program.split("\n") == [
        "mia_eggs = 2 * 5",
        "tim_eggs = mia_eggs - 3",
        "makes_eggs = mia_eggs + tim_eggs",
        "print(makes_eggs)",
    ]


def test_a_number_of_the_question_stays_a_number_once_its_like_is_used():
    told = made(
        "It is 2*5 = <<2*5=10>>10 eggs.\nThen 10+10 = <<10+10=20>>20 eggs.\n#### 20", "10 or 3?"
    )
    assert told is not None
    assert told.program == "eggs = 2 * 5\neggs2 = eggs + 10\nprint(eggs2)"


def test_names_are_unique_and_never_keywords(drawn: list[Drawn]):
    for each in drawn:
        names = re.findall(r"^(\w+) = ", each.program, re.M)
        assert len(set(names)) == len(names), each.program
        assert all(name.isidentifier() and not keyword.iskeyword(name) for name in names)
    assert re.findall(r"^\w+ = ", drawn[3].program, re.M) == [
        "may_pass = ",
        "june_pass = ",
        "july_pass = ",
        "altogether = ",
    ]
    told = made(
        "2+3 = <<2+3=5>>5 class.\nThe import 5*4 = <<5*4=20>>20.\n20+1 = <<20+1=21>>21.\n#### 21"
    )
    assert told is not None
    assert [line.split(" = ")[0] for line in told.program.split("\n")[:2]] == ["class_", "import_"]


def test_the_noise_of_floats_is_rounded(drawn: list[Drawn]):
    assert drawn[2].program == "print(round(3 * 7.1, 2))"  # 21.299999999999997
    told = made(
        "It is 0.1+0.2 = <<0.1+0.2=0.3>>0.3 m.\nTwice 0.3*2 = <<0.3*2=0.6>>0.6 m.\n#### 0.6"
    )
    assert told is not None
    assert told.answer == "0.6"
    assert told.program == "result = 0.1 + 0.2\ntwice = result * 2\nprint(round(twice, 2))"


@pytest.mark.parametrize(
    "solution",
    [
        "There are 4 of them.\n#### 4",  # no annotations
        "It is 4 = <<4=4>>4.\n#### 4",  # no calculation
        "2+2 = <<2+2=4>>4 pens.\n#### 5",  # another result
        "x + x = <<x+x=2x>>2x.\n#### 4",  # algebra
        "It is <<len('four')=4>>4.\n#### 4",  # not arithmetic
        "It is <<__import__('os').getpid()=4>>4.\n#### 4",
        "2*(3 = <<2*(3=6>>6.\n#### 6",  # broken
        "9**9**9 = <<9**9**9**9=4>>4.\n#### 4",  # would never end
        "4/0 = <<4/0=4>>4.\n#### 4",
        "7/3 = <<7/3=2.33>>2.33.\n#### 2.33",  # rounded by hand
        "2+2 = <<2+2=4>>4 pens.\n#### four",  # no number
        "2+2 = <<2+2=4>>4 pens.\n3+5 = <<3+5=8>>8 caps.\n#### 8",  # a result that nothing uses
        "",
    ],
)
def test_what_is_left_out(solution: str):
    assert made(solution) is None
    assert programs([]) == []


def test_a_solution_may_be_missing():
    assert programs([Problem("1", "math", "How many?", "4")]) == []


def test_a_number_that_nobody_told_is_not_taught():
    annotated = "In all 23 + 3 = <<23+3=26>>26.\n#### 26"
    assert made(annotated, "He is 18 and was 5 less. What in 3 years?") is None
    assert made(annotated, "He is twenty-three. What in 3 years?") is None  # 20 and 3, not 23
    assert made(annotated, "He is 23. What in 3 years?") is not None
    assert made("It costs 50*0.8 = <<50*0.8=40>>40.\n#### 40", "20% off $50?") is not None
    assert made("It takes 2*60 = <<2*60=120>>120.\n#### 120", "Two hours?") is not None
