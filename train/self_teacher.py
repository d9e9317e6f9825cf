"""Self-distillation: the student, told more than it was asked, is its own teacher (OPSD).

The privileged text goes into the question, so that the student's tokens can be scored after it.
"""

from __future__ import annotations

from train.data import Problem
from train.errors import DataError


def privileged_question(problem: Problem, method: str) -> str:
    """What the teacher is asked: the problem with its answer (opsd-gt) or with a hint (opsd-hint).

    The hint is the problem's own, or else its solution. Raises DataError if there is neither.
    """
    if method == "opsd-gt":
        answer = problem.answer or problem.solution
        if not answer:
            raise DataError(f"problem {problem.id} has no answer, which --method opsd-gt needs")
        return f"{problem.prompt()}\n(The correct answer is {answer}.)"
    hint = problem.hint or problem.solution
    if not hint:
        raise DataError(f"problem {problem.id} has no 'hint' or 'solution' for --method opsd-hint")
    return f"{problem.prompt()}\n(Hint: {hint})"
