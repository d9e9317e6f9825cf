r"""Rows to problems: the field names that public datasets use, and what a problem must have.

Answers are taken from an answer field, or from the end of a solution: after `####`, as in GSM8K,
or inside the last `\boxed{}`, as in MATH.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from benchmarks.grading import LETTERS, choice_letter
from runtime.protocol import extract_answer
from train.data.problems import Problem
from train.data.sources import Row, Split, read_rows, select

# name: make(count, seed, split). Modules that generate problems add themselves.
GENERATED: dict[str, Callable[[int, int, str], list[Problem]]] = {}

_DOMAINS = {
    **dict.fromkeys(("math", "mathematics", "maths"), "math"),
    **dict.fromkeys(("science", "stem", "physics", "chemistry", "biology"), "science"),
    **dict.fromkeys(("code", "coding", "programming", "python"), "code"),
}


def load_problems(source: str, limit: int, seed: int, split: Split) -> list[Problem]:
    """At most `limit` problems of a file, a folder, a Hugging Face dataset or a generator.

    Order: as they stand for split "eval", shuffled by `seed` before the cut for "train". Raises
    DataError, in one line, for anything that cannot be read or used.
    """
    if source in GENERATED:
        return select(GENERATED[source](limit, seed, split), source, limit, seed, "eval")
    problems: dict[str, Problem] = {}
    for row in read_rows(source, split, sorted(GENERATED)):
        problem = _problem(row)
        if problem.id in problems:
            raise row.error(f"the id {problem.id!r} is there twice. Ids must differ.")
        problems[problem.id] = problem
    return select(list(problems.values()), source, limit, seed, split)


def _problem(row: Row) -> Problem:
    tests = _tests(row)
    choices, keys = _choices(row)
    domain = _domain(row, "code" if tests else "science" if choices else "math")
    solution = row.first("solution")
    answer = _answer(row)
    if domain == "code" and not tests:
        raise row.error("a code problem needs 'tests', a list of assert statements.")
    if answer is None and domain != "code":
        raise row.error("no field 'answer'. Add it, as text or a number.")
    if domain == "science" and choices:
        answer = _letter(row, str(answer), choices, keys)
    return Problem(
        id=_text(row, "id", row.first("id")) or f"{row.source}-{row.number}",
        domain=domain,
        question=_question(row),
        answer=answer or "",
        tests=tests,
        choices=choices,
        hint=_text(row, "hint", row.first("hint")),
        solution=_text(row, "solution", solution) or _worked(row),
        family=_text(row, "family", row.first("family")) or "",
    )


def _question(row: Row) -> str:
    value = row.first("question", "problem", "prompt", "query")
    if isinstance(value, list):
        said = [part for part in value if isinstance(part, Mapping) and part.get("role") == "user"]
        value = said[-1].get("content") if said else None
    text = _text(row, "question", value)
    if text is None or not text.strip():
        raise row.error("no field 'question'. Add it, as text.")
    return text


def _answer(row: Row) -> str | None:
    value = row.first("answer", "ground_truth", "final_answer")
    if value is None and isinstance(graded := row.first("reward_model"), Mapping):
        value = graded.get("ground_truth")
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    text = _text(row, "answer", value)
    if text is not None and text.strip():
        return _final(text) or text.strip()
    solution = row.first("solution")
    return _final(solution) if isinstance(solution, str) else None


def _worked(row: Row) -> str | None:
    """The solution, where the answer field holds a whole one."""
    value = row.first("answer")
    return value.strip() if isinstance(value, str) and "####" in value else None


def _final(text: str) -> str | None:
    if "####" in text:
        return text.rpartition("####")[2].strip() or None
    return extract_answer(text)


def _domain(row: Row, likely: str) -> str:
    """`domain` must be one that is known; other fields only suggest one."""
    stated = row.first("domain")
    if stated is None:
        return _DOMAINS.get(str(row.first("ability", "data_source")).lower(), likely)
    domain = _DOMAINS.get(str(stated).lower())
    if domain is None:
        raise row.error(f"unknown domain {str(stated)!r}. Domains are math, science and code.")
    return domain


def _tests(row: Row) -> tuple[str, ...]:
    value = row.first("tests", "test_cases", "test")
    if isinstance(value, str) and value.lstrip().startswith("["):
        try:
            value = json.loads(value)
        except ValueError:
            raise row.error("'tests' starts like a JSON list but is not one.") from None
    tests = tuple([value] if isinstance(value, str) else value or ())
    if not all(isinstance(test, str) for test in tests):
        raise row.error("'tests' must be assert statements, as text or a list of texts.")
    try:
        tree = ast.parse("\n".join(tests))
    except (SyntaxError, ValueError, RecursionError) as error:
        raise row.error(f"'tests' is not Python ({str(error).splitlines()[0]}).") from None
    if tests and not any(isinstance(node, ast.Assert) for node in ast.walk(tree)):
        raise row.error("'tests' asserts nothing, so that any program would pass.")
    return tests


def _choices(row: Row) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The texts, and the names that the row itself gives them."""
    value = row.first("choices", "options")
    if isinstance(value, Mapping) and isinstance(value.get("text"), list):  # as in ARC
        texts, keys = value["text"], value.get("label", [])
    elif isinstance(value, Mapping):
        filled = {key: text for key, text in value.items() if text is not None}
        texts, keys = list(filled.values()), list(filled)
    else:
        texts, keys = value or [], []
    if not isinstance(texts, list) or not all(
        isinstance(text, (str, int, float)) for text in texts
    ):
        raise row.error("'choices' must be a list of texts, or an object of letters and texts.")
    if len(texts) > len(LETTERS):
        raise row.error(f"{len(texts)} choices. There can be {len(LETTERS)} at most.")
    return tuple(map(str, texts)), tuple(map(str, keys))


def _letter(row: Row, answer: str, choices: tuple[str, ...], keys: Iterable[str]) -> str:
    names = list(keys)
    letter = LETTERS[names.index(answer)] if answer in names else choice_letter(answer, choices)
    if letter is None:
        last = LETTERS[len(choices) - 1]
        raise row.error(f"the answer {answer[:80]!r} is not among the choices A to {last}.")
    return letter


def _text(row: Row, name: str, value: Any) -> str | None:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, (str, int, float, type(None))):
        raise row.error(f"'{name}' must be text or a number, not {type(value).__name__}.")
    return None if value is None else str(value)
