"""Solved problems as conversations: what the sandbox said, what is learned, how steps are told."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest

from runtime.protocol import Message
from runtime.sandbox import Sandbox
from train.data import Demonstration, load_demonstrations
from train.demonstrations import IGNORED, encode
from train.errors import DataError
from train.problems import FAMILIES, Drawn, trajectories
from train.problems.__main__ import _conversation
from train.problems.generate import draws
from train.problems.trajectories import demonstrations
from train.rollout.collect import Collector
from train.rollout.tokenizer import HFTokenizer

from .conftest import draw

CALL = re.compile(r"<tool_call>\n(.*)\n</tool_call>", re.S)
TRIP = Drawn(
    "Mia has 3 bags of 14 nuts and eats 5. She shares the rest with Ben. How many does each get?",
    "total = 3 * 14\nleft = total - 5\neach = left / 2\nprint(each)",
    "18.5",
    family="nuts",
)


def program(message: Message) -> str:
    match = CALL.search(message.content)
    assert match is not None, message
    return str(json.loads(match[1])["arguments"]["code"])


@pytest.fixture(scope="module")
def mended(plain_sandbox: Sandbox) -> list[tuple[Drawn, Demonstration]]:
    """Trajectories of which each begins with a mistake, where a twentieth of them usually does."""
    drawn = [each for each in draws(60, 3, "train") if "sympy" not in each.program]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trajectories, "_MENDED", 1.0)
        solved = demonstrations(drawn, 0, plain_sandbox)
        return [pair for pair in zip(drawn, solved, strict=True) if pair[1].not_learned]


def test_a_mistake_is_shown_with_the_sandboxs_words_and_then_mended(mended):
    assert len(mended) > 40
    kinds = set()
    for drawn, solved in mended:
        question, wrong, told, right, printed, last = solved.messages
        assert solved.not_learned == (1,)
        assert program(wrong) != drawn.program == program(right), drawn
        assert printed.content.removesuffix(".0") == drawn.answer.removesuffix(".0") or (
            drawn.domain != "math"
        )
        assert last.content == f"The answer is \\boxed{{{drawn.answer.removesuffix('.0')}}}."
        assert question.role == "user" and told.role == printed.role == "tool"
        kinds.add(re.split(r"[:\n(]", told.content.split("\n")[-1])[0] or told.content)
    assert {"SyntaxError", "NameError"} <= kinds, kinds
    assert kinds <= {"SyntaxError", "NameError", "(nothing was printed)", ""}, kinds


def test_a_mistake_is_not_learned_and_its_mending_is(
    mended, collector: Collector, tokenizer: HFTokenizer
):
    for _, solved in mended[:5]:
        encoded = encode(collector.opener, solved)
        learned = [token for token in encoded["labels"] if token != IGNORED]
        text = b"".join(tokenizer.piece(token) for token in learned).decode()
        _, _, _, right, _, last = (message.content for message in solved.messages)
        assert text == f"{right}<|im_end|>{last}<|im_end|>"
        everything = b"".join(tokenizer.piece(token) for token in encoded["input_ids"]).decode()
        assert all(message.content in everything for message in solved.messages)


def test_the_file_of_a_mended_trajectory_is_read_as_it_was(mended, tmp_path):
    solved = [each for _, each in mended]
    rows = "\n".join(json.dumps(_conversation(each)) for each in solved)
    (tmp_path / "solved.jsonl").write_text(rows)
    assert json.loads(rows.split("\n")[0])["messages"][1]["weight"] == 0
    read = load_demonstrations(str(tmp_path / "solved.jsonl"), 1000, 0)
    assert sorted(read, key=str) == sorted(solved, key=str)


# One call for each step ---------------------------------------------------------------------------


def stepwise(drawn: Drawn, sandbox: Sandbox) -> Demonstration:
    """The trajectory with a call for each step, which usually is one in ten."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trajectories, "_MENDED", 0.0)
        patch.setattr(trajectories, "_STEPWISE", 1.0)
        [solved] = demonstrations([drawn], 0, sandbox)
    return solved


def test_steps_are_computed_with_the_numbers_that_were_printed(plain_sandbox: Sandbox):
    solved = stepwise(TRIP, plain_sandbox)
    question = solved.messages[0].content
    assert TRIP.question in question
    assert "step" in question.replace(TRIP.question, "").lower()  # the question asks for it
    programs = [program(each) for each in solved.messages[1::2][:-1]]
    printed = [each.content for each in solved.messages[2::2]]
    assert programs == ["print(3 * 14)", "print(42 - 5)", "print(37 / 2)"]
    assert printed == ["42", "37", "18.5"]
    assert solved.messages[-1].content == "The answer is \\boxed{18.5}."


def test_a_negative_result_is_used_in_brackets(plain_sandbox: Sandbox):
    code = "a = 3 - 8\nb = 7 / 2\nc = b - a\nprint(round(c, 1))"
    solved = stepwise(replace(TRIP, program=code, answer="8.5"), plain_sandbox)
    programs = [program(each) for each in solved.messages[1::2][:-1]]
    assert programs == ["print(3 - 8)", "print(7 / 2)", "print(3.5 - (-5))", "print(round(8.5, 1))"]


def test_programs_that_are_not_steps_stay_whole(plain_sandbox: Sandbox):
    for code, answer in (
        ("print(2 + 2)", "4"),
        ("total = 0\nfor n in range(4):\n    total += n\nprint(total)", "6"),
        ('word = "abc"\nprint(len(word))', "3"),
    ):
        solved = stepwise(replace(TRIP, program=code, answer=answer), plain_sandbox)
        assert [program(each) for each in solved.messages[1:-1:2]] == [code]
        assert solved.messages[0].content == TRIP.question


# The rest -----------------------------------------------------------------------------------------


def test_a_whole_number_is_told_without_the_point_that_python_prints(plain_sandbox: Sandbox):
    shared = replace(TRIP, program="print(80 - 80 * 20 / 100)", answer="64")
    [solved] = demonstrations([shared], 0, plain_sandbox, plain=True)
    assert [each.content for each in solved.messages[2:]] == ["64.0", "The answer is \\boxed{64}."]
    [solved] = demonstrations([replace(shared, answer="64.0")], 0, plain_sandbox, plain=True)
    assert solved.messages[-1].content == "The answer is \\boxed{64}."


def test_a_program_that_prints_something_else_is_an_error_of_one_line(plain_sandbox: Sandbox):
    with pytest.raises(DataError, match=r"^a program of 'nuts' prints '18.5', not '19'") as caught:
        list(demonstrations([replace(TRIP, answer="19")], 0, plain_sandbox, plain=True))
    assert "\n" not in str(caught.value)


def test_where_no_tool_is_needed_none_is_called(plain_sandbox: Sandbox):
    for name in ("greeting", "capital of a country", "which is of a kind"):
        drawn = draw(name, 0, False)
        assert not FAMILIES[name].held_out
        [solved] = demonstrations([drawn], 0, plain_sandbox)
        assert [each.role for each in solved.messages] == ["user", "assistant"]
        assert "tool_call" not in solved.messages[1].content
        assert drawn.answer in solved.messages[1].content


def test_some_trajectories_end_with_the_program(plain_sandbox: Sandbox):
    trips = [replace(TRIP, question=f"{n}. {TRIP.question}") for n in range(40)]
    solved = list(demonstrations(trips, 0, plain_sandbox, plain=True, whole=0.5))
    roles = [[each.role for each in one.messages] for one in solved]
    assert roles.count(["user", "assistant"]) in range(10, 31)
    assert roles.count(["user", "assistant", "tool", "assistant"]) in range(10, 31)
    short = next(one for one in solved if len(one.messages) == 2)
    assert program(short.messages[1]) == TRIP.program


def test_the_same_seed_makes_the_same_trajectories(plain_sandbox: Sandbox):
    drawn = draws(30, 1, "train")
    first, second = (list(demonstrations(drawn, 4, plain_sandbox)) for _ in range(2))
    assert first == second
