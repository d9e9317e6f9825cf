"""Nano problems and their solutions as the rest of training reads them.

The splits cannot meet: a problem belongs to the split that the hash of its question says.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator

from runtime.protocol import Message, render_call
from train.data import GENERATED, GENERATED_DEMONSTRATIONS, Demonstration, Problem
from train.nano.problems import Draw, draw

_HELD_OUT = 0.2  # share of all questions that training never sees


def problems(count: int, seed: int, split: str) -> list[Problem]:
    """`count` different problems of `split` ("train" or "eval")."""
    return [
        Problem(
            id=f"nano-{split}-{number}",
            domain=drawn.domain,
            question=drawn.question,
            answer=drawn.answer,
            tests=drawn.tests,
            choices=drawn.choices,
            family=drawn.family,
            solution="\n".join(drawn.programs),
        )
        for number, drawn in enumerate(_draws(count, seed, split))
    ]


def demonstrations(count: int, seed: int, split: str = "train") -> list[Demonstration]:
    """`count` solved problems: one call a step, then the answer in a box."""
    return [_solve(drawn) for drawn in _draws(count, seed, split)]


def _solve(drawn: Draw) -> Demonstration:
    problem = Problem(
        "demonstration", drawn.domain, drawn.question, drawn.answer, drawn.tests, drawn.choices
    )
    messages = [Message("user", problem.prompt())]
    steps = zip(drawn.thoughts, drawn.programs, drawn.outputs, strict=True)
    for thought, program, output in steps:
        call = render_call("code_interpreter", {"code": program})
        messages.append(Message("assistant", f"{thought}\n{call}" if thought else call))
        messages.append(Message("tool", output))
    messages.append(Message("assistant", f"The final answer is \\boxed{{{drawn.answer}}}."))
    return Demonstration(tuple(messages))


def _draws(count: int, seed: int, split: str) -> Iterator[Draw]:
    rng = random.Random(f"{split}-{seed}")
    seen: set[str] = set()
    while len(seen) < count:
        drawn = draw(rng)
        if drawn.question not in seen and _split_of(drawn.question) == split:
            seen.add(drawn.question)
            yield drawn


def _split_of(question: str) -> str:
    digest = hashlib.sha256(question.encode()).digest()
    return "eval" if digest[0] < 256 * _HELD_OUT else "train"


GENERATED["nano"] = problems
GENERATED_DEMONSTRATIONS["nano"] = demonstrations
