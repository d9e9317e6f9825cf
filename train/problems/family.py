"""What a family of generated problems is, and the register of all of them.

A family is a function that draws numbers, names and one of several wordings and returns a problem
with a program that solves it. It computes the answer on its own, never by the program, so that the
two can be held against each other: `trajectories.py` runs every program in the sandbox.

Two things are held out for evaluation: of every family the last quarter of its wordings, and whole
families, marked `held_out=True`. Training meets neither.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

HELD_OUT_SHARE = 4  # one wording in four, at least one


@dataclass(frozen=True)
class Drawn:
    """One problem.

    `program` prints `answer` and nothing else, but that a whole number may come with `.0`: `/`
    stays right when a user's numbers do not divide. It is empty where no tool is needed. `reply`
    is what the student says in place of "The answer is ...", for conversation. `domain`, `tests`
    and `choices` are those of `train.data.Problem`; `answer` is a letter where there are choices.
    """

    question: str
    program: str
    answer: str
    domain: str = "math"
    tests: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    reply: str = ""
    family: str = field(default="", kw_only=True)
    group: str = field(default="", kw_only=True)


class Dice(random.Random):
    """The random choices of one problem; `evaluation` says which wordings may be used."""

    def __init__(self, seed: str, evaluation: bool) -> None:
        super().__init__(seed)
        self._evaluation = evaluation

    def wording(self, *templates: str) -> str:
        """One of at least four `templates`. The last quarter is only used for evaluation."""
        if len(templates) < 4:
            raise ValueError("a family needs four wordings or more, so that some can be held out")
        held = max(1, len(templates) // HELD_OUT_SHARE)
        return self.choice(templates[-held:] if self._evaluation else templates[:-held])

    def chance(self, probability: float) -> bool:
        """True with this probability."""
        return self.random() < probability


Maker = Callable[[Dice], Drawn]


@dataclass(frozen=True)
class Family:
    """A named maker of problems; `group` is the heading it is reported under."""

    name: str
    group: str
    held_out: bool
    make: Maker


FAMILIES: dict[str, Family] = {}


def family(group: str, *, held_out: bool = False) -> Callable[[Maker], Maker]:
    """Register a maker under its own name, with spaces for underscores."""

    def register(make: Maker) -> Maker:
        name = make.__name__.strip("_").replace("_", " ")
        if name in FAMILIES:
            raise ValueError(f"two families are called {name!r}")
        FAMILIES[name] = Family(name, group, held_out, make)
        return make

    return register
