"""Held-out problems as JSON lines: `question`, `answer`, `domain`, and `tests` or `choices`.

`family` says what kind of problem it is, "group: name"; other fields are not read.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.grading import LETTERS
from runtime.errors import SodError
from runtime.sandbox.program import syntax_tree

_DOMAINS = ("math", "science", "code")


class ProblemsError(SodError):
    """The file of problems cannot be read or used; the message names the line."""


@dataclass(frozen=True)
class Problem:
    """Implements `benchmarks.grading.Gradable`. `tests` are assert statements, for code."""

    id: str
    domain: str
    question: str
    answer: str
    tests: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    family: str = ""

    def prompt(self) -> str:
        """The question as the model sees it, with its choices as lines `A. ...`."""
        lettered = zip(LETTERS, self.choices, strict=False)
        return "\n".join([self.question, *(f"{letter}. {text}" for letter, text in lettered)])


def load_problems(path: Path, limit: int | None = None) -> list[Problem]:
    """The first `limit` problems of a file, in its order.

    Raises ProblemsError, naming the line, for a file that cannot be read or used.
    """
    problems: dict[str, Problem] = {}
    try:
        lines = path.read_text("utf-8").split("\n")  # U+2028 may stand in a question
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise ProblemsError(f"cannot read the problems {path}: {reason}") from error
    for number, line in enumerate(lines, start=1):
        if len(problems) == limit:
            break
        if not line.strip():
            continue
        where = f"{path}, line {number}"
        problem = _problem(line, where, number)
        if problem.id in problems:
            raise ProblemsError(f"{where}: the id {problem.id!r} is there twice")
        problems[problem.id] = problem
    if not problems:
        raise ProblemsError(f"{path} holds no problems")
    return list(problems.values())


def _problem(line: str, where: str, number: int) -> Problem:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ProblemsError(f"{where} is not JSON") from error
    if not _is_text(row):
        raise ProblemsError(f"{where} holds half of a surrogate pair, which no model can read")
    if not isinstance(row, dict):
        raise ProblemsError(f"{where} is not an object with 'question' and 'answer'")
    question, answer = row.get("question"), row.get("answer", "")
    if not isinstance(question, str) or not question.strip():
        raise ProblemsError(f"{where} has no text as 'question'")
    if not isinstance(answer, str | int | float) or isinstance(answer, bool):
        raise ProblemsError(f"{where}: 'answer' is neither a text nor a number")
    tests, choices = _texts(row, "tests", where), _texts(row, "choices", where)
    domain = row.get("domain") or ("code" if tests else "science" if choices else "math")
    if domain not in _DOMAINS:
        raise ProblemsError(f"{where}: 'domain' is {domain!r}, not one of {', '.join(_DOMAINS)}")
    if domain == "code" and not tests:
        raise ProblemsError(f"{where}: a code problem needs 'tests', a list of assert statements")
    if domain != "code" and not str(answer).strip():
        raise ProblemsError(f"{where} has no 'answer'")
    if domain == "code":
        _check_tests(tests, where)
    name, family = row.get("id"), row.get("family") or ""
    if not isinstance(family, str):
        raise ProblemsError(f"{where}: 'family' is not a text")
    return Problem(
        id=str(name) if isinstance(name, str | int) else f"line-{number}",
        domain=domain,
        question=question,
        answer=str(answer),
        tests=tests,
        choices=choices,
        family=family,
    )


def _is_text(value: object) -> bool:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except (UnicodeEncodeError, RecursionError):
        return False
    return True


def _check_tests(tests: tuple[str, ...], where: str) -> None:
    try:
        syntax_tree("\n".join(tests))
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ProblemsError(f"{where}: 'tests' are not Python: {error}") from error


def _texts(row: dict[str, Any], field: str, where: str) -> tuple[str, ...]:
    value = row.get(field) or ()
    if not isinstance(value, list | tuple) or not all(isinstance(text, str) for text in value):
        raise ProblemsError(f"{where}: '{field}' is not a list of texts")
    return tuple(value)


def digest(problems: list[Problem]) -> str:
    """A hash of the problems in their order; their families, which answer nothing, left out."""
    rows = [asdict(problem) for problem in problems]
    for row in rows:
        del row["family"]
    return hashlib.sha256(json.dumps(rows, sort_keys=True).encode()).hexdigest()
