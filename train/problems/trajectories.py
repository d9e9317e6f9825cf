"""Solved problems as conversations, with what the sandbox really printed.

Most are a program, its output and the answer. Some begin with a program that has a mistake, whose
error the sandbox reports; the mistake is shown to the student but not learned, its mending is. Some
take one call for each step, and say so in the question. Where no tool is needed none is called.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from runtime.protocol import Message, Tool, render_call
from runtime.sandbox import Sandbox
from runtime.tools.code_interpreter import code_interpreter_tool
from runtime.tools.outcome import call_tool
from train.data import Demonstration
from train.errors import DataError
from train.problems.family import Drawn
from train.problems.generate import problem

_MENDED = 0.05  # share of the programs
_STEPWISE = 0.1  # share of the programs with two steps or more
_STEPWISE_ASKED = (
    "{} Use one program for each step.",
    "{} Work it out step by step, with a call for each step.",
    "{} Please compute each step in a program of its own.",
    "Step by step, one program for each step: {}",
)
_ASSIGNMENT = re.compile(r"([a-z_]\w*) = (.+)")
_WHOLE = re.compile(r"(-?\d+)\.0")


def demonstrations(
    drawn: Sequence[Drawn],
    seed: int,
    sandbox: Sandbox,
    *,
    plain: bool = False,
    whole: float = 1.0,
) -> Iterator[Demonstration]:
    """One trajectory for each problem; `plain` ones have no mistakes and no extra calls.

    `whole` is the share of the trajectories of one program that go on to the answer; the others end
    with the program, since how to end is learned from a few. Raises DataError for a program
    that does not print its answer.
    """
    tool = code_interpreter_tool(sandbox)
    for number, each in enumerate(drawn):
        dice = random.Random(f"{seed}-{number}")
        question = problem(each).prompt()
        if not each.program:
            reply = each.reply or _answer(each.answer)
            if "\\boxed" not in reply:
                # Conversation too is an answer: without a box the loop would ask for one.
                reply = f"\\boxed{{{reply}}}"
            yield Demonstration((Message("user", question), Message("assistant", reply)))
            continue
        programs = [each.program]
        wrong = None if plain or dice.random() >= _MENDED else _with_a_mistake(each.program, dice)
        if wrong is None and not plain and dice.random() < _STEPWISE:
            programs = _one_a_step(each.program, tool) or programs
        if len(programs) > 1:
            question = dice.choice(_STEPWISE_ASKED).format(question)
        solved = _converse(each, question, programs, wrong, tool)
        if len(solved.messages) == 4 and dice.random() >= whole:
            solved = replace(solved, messages=solved.messages[:-2])
        yield solved


def _converse(
    drawn: Drawn, question: str, programs: list[str], wrong: str | None, tool: Tool
) -> Demonstration:
    messages = [Message("user", question)]
    for program in [*([] if wrong is None else [wrong]), *programs]:
        messages.append(Message("assistant", render_call(tool.name, {"code": program})))
        messages.append(Message("tool", _run(tool, program)))
    if drawn.domain == "math" and _told(messages[-1].content) != _told(drawn.answer):
        raise DataError(
            f"a program of {drawn.family!r} prints {messages[-1].content!r}, not {drawn.answer!r}: "
            f"{drawn.program!r}"
        )
    messages.append(Message("assistant", _answer(drawn.answer)))
    return Demonstration(tuple(messages), () if wrong is None else (1,))


def _answer(answer: str) -> str:
    return f"The answer is \\boxed{{{_told(answer)}}}."


def _told(number: str) -> str:
    """A whole number without the `.0` that Python prints, any other text as it is."""
    whole = _WHOLE.fullmatch(number)
    return whole[1] if whole else number


def _run(tool: Tool, program: str) -> str:
    return call_tool(tool, {"code": program}).text


# Mistakes that small models make ------------------------------------------------------------------


def _with_a_mistake(program: str, dice: random.Random) -> str | None:
    """`program` with one mistake, or None if there is no place for it."""
    kinds = [_without_print, _unclosed, _misnamed, _without_import]
    dice.shuffle(kinds)
    made = (kind(program, dice) for kind in kinds)
    return next((wrong for wrong in made if wrong not in (None, program)), None)


def _without_print(program: str, dice: random.Random) -> str | None:
    *before, last = program.split("\n")
    match = re.fullmatch(r"print\((.+)\)", last)
    if match is None or last.startswith(" "):
        return None
    return "\n".join([*before, f"answer = {match[1]}"])


def _unclosed(program: str, dice: random.Random) -> str | None:
    return program[:-1] if program.endswith(")") else None


def _misnamed(program: str, dice: random.Random) -> str | None:
    """A name is used that was never given."""
    names = sorted({m[1] for m in map(_ASSIGNMENT.match, program.split("\n")) if m})
    if not names:
        return None
    name = dice.choice(names)
    word = re.compile(rf"\b{name}\b")
    first, rest = word.split(program, maxsplit=1)
    return first + name + word.sub(f"{name}s", rest, count=1)


def _without_import(program: str, dice: random.Random) -> str | None:
    lines = program.split("\n")
    kept = [line for line in lines if not re.match(r"(import|from) ", line)]
    return "\n".join(kept) if len(kept) < len(lines) else None


# One call for each step ---------------------------------------------------------------------------


def _one_a_step(program: str, tool: Tool) -> list[str] | None:
    """Programs of one step each, in which what the earlier ones printed stands as a number."""
    *steps, last = program.split("\n")
    found = [_ASSIGNMENT.fullmatch(step) for step in steps]
    printed = re.fullmatch(r"print\((.+)\)", last)
    if printed is None or not found or not all(found):
        return None
    known: dict[str, str] = {}
    programs = []
    expressions = [(match[1], match[2]) for match in found if match]
    if not any(printed[1] == name for name, _ in expressions):
        expressions.append(("", printed[1]))
    for name, expression in expressions:
        code = re.sub(r"[a-z_]\w*", lambda word: known.get(word[0], word[0]), expression)
        if re.fullmatch(r"[\d.]+", code):
            known[name] = code  # nothing to compute
            continue
        programs.append(f"print({code})")
        known[name] = _run(tool, programs[-1])
        if not re.fullmatch(r"-?\d+(\.\d+)?", known[name]):
            return None
        if known[name].startswith("-"):
            known[name] = f"({known[name]})"
    return programs if 2 <= len(programs) <= 4 else None
