"""Files of problems: what is read, and what is refused by its line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.problems import ProblemsError, digest, load_problems

SAMPLE = Path(__file__).parents[1] / "data" / "problems_sample.jsonl"


def test_a_question_may_hold_a_line_separator(tmp_path):
    file = tmp_path / "problems.jsonl"
    row = {"question": "1\u2028+ 1?", "answer": "2", "domain": "math"}
    file.write_text(json.dumps(row, ensure_ascii=False) + "\n", "utf-8")
    assert load_problems(file)[0].question == "1\u2028+ 1?"


def test_problems_are_read_in_order():
    problems = load_problems(SAMPLE)
    assert problems[0].answer == "72" and problems[0].domain == "math"
    assert load_problems(SAMPLE, 2) == problems[:2]


def test_choices_are_part_of_the_question(tmp_path):
    file = tmp_path / "p.jsonl"
    row = {"question": "Which?", "answer": "B", "choices": ["one", "two"]}
    file.write_text(json.dumps(row))
    (problem,) = load_problems(file)
    assert problem.domain == "science" and problem.prompt() == "Which?\nA. one\nB. two"


@pytest.mark.usefixtures("no_garbage")
@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "line 2 is not JSON"),
        ("[]", "line 2 is not an object"),
        ('{"answer": "1"}', "line 2 has no text as 'question'"),
        ('{"question": "q"}', "line 2 has no 'answer'"),
        ('{"question": "q", "answer": [1]}', "neither a text nor a number"),
        ('{"question": "q", "answer": "1", "domain": "art"}', "'domain' is 'art'"),
        ('{"question": "q", "answer": "1", "domain": "code"}', "needs 'tests'"),
        ('{"question": "q", "answer": "1", "choices": [1]}', "'choices' is not a list of texts"),
        ('{"question": "q", "answer": "1", "id": "a"}', "the id 'a' is there twice"),
        ('{"question": "q", "answer": "1", "family": 3}', "'family' is not a text"),
        ('{"question": "\\ud800", "answer": "1"}', "half of a surrogate pair"),
        ('{"question": "q", "tests": ["assert ("]}', "'tests' are not Python"),
        ("[" * 100_000, "line 2 is not JSON"),
    ],
)
def test_bad_problems_are_named(tmp_path, line, said):
    file = tmp_path / "p.jsonl"
    file.write_text(f'{{"id": "a", "question": "q", "answer": 1}}\n{line}\n')
    with pytest.raises(ProblemsError) as error:
        load_problems(file)
    assert said in str(error.value) and "\n" not in str(error.value)


def test_problem_files_that_cannot_be_read(tmp_path):
    with pytest.raises(ProblemsError, match="No such file"):
        load_problems(tmp_path / "none.jsonl")
    (tmp_path / "empty.jsonl").write_text("\n")
    with pytest.raises(ProblemsError, match="holds no problems"):
        load_problems(tmp_path / "empty.jsonl")
    (tmp_path / "binary.jsonl").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ProblemsError, match="not UTF-8"):
        load_problems(tmp_path / "binary.jsonl")


def test_the_hash_is_of_what_is_asked(tmp_path):
    def hashed(**row: str) -> str:
        file = tmp_path / "p.jsonl"
        file.write_text(json.dumps({"question": "q", "answer": "1", **row}))
        return digest(load_problems(file))

    assert hashed() == hashed(family="sums: small") != hashed(answer="2")
