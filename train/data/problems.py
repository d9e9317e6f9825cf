"""The two kinds of training data: problems to solve, and solved problems to imitate."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from benchmarks.grading import LETTERS
from runtime.protocol import Message


@dataclass(frozen=True)
class Problem:
    """One problem. `domain` is math, science or code.

    `answer` is the reference: a formula, a letter, or a program (it may be empty for code, where
    `tests`, assert statements, decide). `choices` are the texts of A, B, ... `hint` and
    `solution` are seen by self-distillation's teacher only.
    """

    id: str
    domain: str
    question: str
    answer: str
    tests: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    hint: str | None = None
    solution: str | None = None
    family: str = ""  # kinds that are reported apart

    def prompt(self) -> str:
        """The question as the model sees it, with its choices as lines `A. ...`."""
        lettered = zip(LETTERS, self.choices, strict=False)
        return "\n".join([self.question, *(f"{letter}. {text}" for letter, text in lettered)])


@dataclass(frozen=True)
class Demonstration:
    """One solved problem: user, then assistant turns with a tool's result between calls.

    Calls are part of the text, as `runtime.protocol.render_call` writes them. There is no system
    message: the runtime's own goes in front. `not_learned` are the places of assistant messages
    that the student reads but does not imitate: mistakes that are mended later.
    """

    messages: tuple[Message, ...]
    not_learned: tuple[int, ...] = ()


def data_hash(items: Sequence[Problem] | Sequence[Demonstration]) -> str:
    """SHA-256, in hex, of the items in their order."""
    rows = [asdict(item) for item in items]
    for row in rows:
        if not row.get("not_learned", True):
            del row["not_learned"]  # the same hash as before there were such
    return hashlib.sha256(json.dumps(rows, sort_keys=True).encode()).hexdigest()
