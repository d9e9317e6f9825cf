"""Draws problems from all families, so that training and evaluation cannot meet.

Training sees the families that are not held out, in their first wordings. Evaluation sees the held
out families, and the others in their held-out wordings. A question is drawn once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace

from train.data import Problem
from train.problems import FAMILIES, Drawn, Family
from train.problems.family import Dice

# How often a group is drawn, against the others. What people ask most, and what takes the most
# examples to learn, weighs more; greetings take few.
WEIGHTS = {
    "one-step word problems": 14,
    "two-step word problems": 18,
    "multi-step word problems": 16,
    "arithmetic": 14,
    "number theory": 9,
    "money": 8,
    "units": 6,
    "geometry": 7,
    "time": 7,
    "speed": 4,
    "text": 5,
    "lists": 3,
    "statistics": 3,
    "equations": 4,
    "sequences": 4,
    "counting": 4,
    "science": 4,
    "programming": 3,
    "no tool": 6,
}
_MOST_TRIES = 50  # for a question that was not drawn before


def draws(count: int, seed: int, split: str, *, held_out: bool | None = None) -> list[Drawn]:
    """`count` problems of different questions for `split` "train" or "eval".

    `held_out` narrows evaluation: True for held-out families alone, False for held-out wordings
    of the families that are trained. Fewer than `count` only if families run out of questions.
    """
    return list(_draws(count, seed, split, held_out))


def _draws(count: int, seed: int, split: str, held_out: bool | None) -> Iterator[Drawn]:
    evaluation = split == "eval"
    wanted = held_out if evaluation else False
    groups: dict[str, list[Family]] = {}
    for family in FAMILIES.values():
        if wanted in (None, family.held_out):
            groups.setdefault(family.group, []).append(family)
    names = sorted(groups)
    seen: set[tuple[str, tuple[str, ...]]] = set()
    for number in range(count):
        # A stream for each problem: a change of one family leaves the others' problems alone.
        for attempt in range(_MOST_TRIES):
            dice = Dice(f"{split}-{seed}-{number}-{attempt}", evaluation)
            group = dice.choices(names, [WEIGHTS[name] for name in names])[0]
            family = dice.choice(groups[group])
            drawn = replace(family.make(dice), family=family.name, group=family.group)
            key = (drawn.question, drawn.choices)
            if key not in seen:
                seen.add(key)
                yield drawn
                break


def problem(drawn: Drawn) -> Problem:
    """`drawn` as training and evaluation read it; the id is made from its text."""
    text = "\n".join((drawn.question, *drawn.choices))
    digest = hashlib.sha256(text.encode()).hexdigest()[:12]
    return Problem(
        id=f"{drawn.family.replace(' ', '-')}-{digest}",
        domain=drawn.domain,
        question=drawn.question,
        answer=drawn.answer,
        tests=drawn.tests,
        choices=drawn.choices,
        family=f"{drawn.group}: {drawn.family}",
        solution=drawn.program or drawn.reply,
    )
