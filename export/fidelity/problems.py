"""Held-out problems as JSON lines: `question`, `answer`, `domain`, and `tests` or `choices`."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.grading import LETTERS
from export.errors import ExportError
from runtime.settings import Settings

RUN_FILE = "eval_problems.jsonl"  # what a training run leaves in its folder
MAX_TURNS, MAX_TOKENS = 8, 1024  # for problems that no run kept
_DOMAINS = ("math", "science", "code")


@dataclass(frozen=True)
class Problem:
    """Implements `benchmarks.grading.Gradable`. `tests` are assert statements, for code."""

    id: str
    domain: str
    question: str
    answer: str
    tests: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()

    def prompt(self) -> str:
        """The question as the model sees it, with its choices as lines `A. ...`."""
        lettered = zip(LETTERS, self.choices, strict=False)
        return "\n".join([self.question, *(f"{letter}. {text}" for letter, text in lettered)])


def load_problems(path: Path, limit: int | None = None) -> list[Problem]:
    """The first `limit` problems of a file, in its order.

    Raises ExportError, naming the line, for a file that cannot be read or used.
    """
    problems: dict[str, Problem] = {}
    try:
        lines = path.read_text("utf-8").split("\n")  # U+2028 may stand in a question
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise ExportError(f"cannot read the problems {path}: {reason}") from error
    for number, line in enumerate(lines, start=1):
        if len(problems) == limit:
            break
        if not line.strip():
            continue
        where = f"{path}, line {number}"
        problem = _problem(line, where, number)
        if problem.id in problems:
            raise ExportError(f"{where}: the id {problem.id!r} is there twice")
        problems[problem.id] = problem
    if not problems:
        raise ExportError(f"{path} holds no problems")
    return list(problems.values())


def _problem(line: str, where: str, number: int) -> Problem:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ExportError(f"{where} is not JSON") from error
    if not isinstance(row, dict):
        raise ExportError(f"{where} is not an object with 'question' and 'answer'")
    question, answer = row.get("question"), row.get("answer", "")
    if not isinstance(question, str) or not question.strip():
        raise ExportError(f"{where} has no text as 'question'")
    if not isinstance(answer, str | int | float) or isinstance(answer, bool):
        raise ExportError(f"{where}: 'answer' is neither a text nor a number")
    tests, choices = _texts(row, "tests", where), _texts(row, "choices", where)
    domain = row.get("domain") or ("code" if tests else "science" if choices else "math")
    if domain not in _DOMAINS:
        raise ExportError(f"{where}: 'domain' is {domain!r}, not one of {', '.join(_DOMAINS)}")
    if domain == "code" and not tests:
        raise ExportError(f"{where}: a code problem needs 'tests', a list of assert statements")
    if domain != "code" and not str(answer).strip():
        raise ExportError(f"{where} has no 'answer'")
    name = row.get("id")
    return Problem(
        id=str(name) if isinstance(name, str | int) else f"line-{number}",
        domain=domain,
        question=question,
        answer=str(answer),
        tests=tests,
        choices=choices,
    )


def _texts(row: dict[str, Any], field: str, where: str) -> tuple[str, ...]:
    value = row.get(field) or ()
    if not isinstance(value, list | tuple) or not all(isinstance(text, str) for text in value):
        raise ExportError(f"{where}: '{field}' is not a list of texts")
    return tuple(value)


def problems_of_run(model: Path) -> Path | None:
    """The held-out problems of the training run that `model` lies in, if there are any."""
    for folder in list(model.resolve().parents)[:3]:
        if (folder / RUN_FILE).is_file():
            return folder / RUN_FILE
    return None


def find_problems(given: Path | None, model: Path) -> Path:
    """`given`, or the problems of the run that `model` lies in; raises ExportError if none are."""
    found = given or problems_of_run(model)
    if found is None:
        raise ExportError(
            f"there is no {RUN_FILE} beside {model}: name a file of problems with --problems"
        )
    return found


def settings_for(
    problems: Path, max_turns: int | None = None, max_tokens: int | None = None
) -> Settings:
    """How the agent answers a file of problems: as asked, or as the training run of that file did.

    Raises UsageError for numbers that make no sense.
    """
    kept = _budgets_of_run(problems)
    return Settings(
        max_turns=max_turns or kept.get("max_turns", MAX_TURNS),
        max_tokens=max_tokens or kept.get("max_tokens", MAX_TOKENS),
    )


def _budgets_of_run(problems: Path) -> dict[str, int]:
    try:
        config = json.loads((problems.parent / "lock.json").read_text("utf-8"))["config"]
        named = {name: config[name] for name in ("max_turns", "max_tokens") if name in config}
    except (OSError, ValueError, KeyError, TypeError):
        return {}  # not in a run's folder
    return {name: value for name, value in named.items() if type(value) is int and value > 0}


def digest(problems: list[Problem]) -> str:
    """A hash of the problems in their order."""
    rows = [asdict(problem) for problem in problems]
    return hashlib.sha256(json.dumps(rows, sort_keys=True).encode()).hexdigest()
