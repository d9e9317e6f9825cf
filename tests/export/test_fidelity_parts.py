"""The parts of a comparison: intervals, problems, spans of calls, kept results."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from export.errors import ExportError
from export.fidelity.figures import against
from export.fidelity.forcing import divergence
from export.fidelity.problems import load_problems, problems_of_run
from export.fidelity.replay import Answer
from export.fidelity.spans import find_spans
from export.fidelity.statistics import (
    Pairs,
    mcnemar,
    mean_over_tokens,
    paired_difference,
    wilson,
)
from export.fidelity.store import Store

SAMPLE = Path(__file__).parents[1] / "data" / "problems_sample.jsonl"


# (both, only first, only second, neither): published limits of second minus first.
PUBLISHED = {
    # Altman et al., Statistics with Confidence (2000), table 6.2
    (14, 0, 5, 22): (0.122, 0.011, 0.226),
    # Bentur et al. (2009), in Fagerland, Lydersen, Laake, Statistics in Medicine 33 (2014)
    (1, 7, 1, 12): (-0.286, -0.507, -0.026),
    # Newcombe (1998), table II: 36, 12, 2, 0
    (36, 2, 12, 0): (0.2, 0.0569, 0.3404),
}


@pytest.mark.parametrize("table", PUBLISHED)
def test_the_paired_interval_is_newcombes(table):
    got = paired_difference(Pairs(*table))
    assert got == pytest.approx(PUBLISHED[table], abs=5e-4)
    # The other way round it is the mirror image.
    mirrored = paired_difference(Pairs(table[0], table[2], table[1], table[3]))
    assert mirrored == pytest.approx((-got[0], -got[2], -got[1]))


def test_the_paired_interval_at_the_edges():
    assert paired_difference(Pairs(0, 0, 0, 0)) == (0.0, -1.0, 1.0)
    change, low, high = paired_difference(Pairs(50, 0, 0, 0))
    assert change == 0 and -0.08 < low < -0.05 and low == -high
    # Answers that go together tell more than answers that do not.
    _, low, _ = paired_difference(Pairs(90, 5, 5, 100))
    _, apart, _ = paired_difference(Pairs(45, 50, 50, 55))
    assert apart < low < 0


def test_mcnemar_is_an_exact_sign_test():
    assert mcnemar(Pairs(10, 0, 0, 10)) == 1.0
    assert mcnemar(Pairs(14, 0, 5, 22)) == pytest.approx(2 / 2**5)
    assert mcnemar(Pairs(1, 7, 1, 12)) == pytest.approx(2 * 9 / 2**8)
    assert mcnemar(Pairs(0, 3, 3, 0)) == 1.0
    assert mcnemar(Pairs(0, 2000, 1000, 0)) < 1e-60


def test_wilson_contains_its_share():
    assert wilson(0, 0) == (0.0, 1.0)
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=1e-4)  # Newcombe (1998)
    assert wilson(0, 20) == pytest.approx((0.0, 0.1611), abs=1e-4)


def test_pairs_are_counted():
    pairs = Pairs.of([True, True, False, False], [True, False, True, False])
    assert (pairs.both, pairs.only_first, pairs.only_second, pairs.neither) == (1, 1, 1, 1)
    with pytest.raises(ValueError):
        Pairs.of([True], [])


def test_points_lost_are_of_whole_problems():
    def answers(right: int) -> list[Answer]:
        rest = (False, 1, 1, 1, None, None, "answered", [], [])
        return [Answer(f"p{number}", number < right, *rest) for number in range(200)]

    # 0.615 - 0.605 is a little more than 0.01, and a gate of one point would refuse it.
    assert against(answers(123), answers(121))["lost"] == 1.0
    assert against(answers(121), answers(123))["lost"] == -1.0


def test_the_mean_over_tokens_knows_that_trajectories_differ():
    rng = np.random.default_rng(1)
    alike = [rng.normal(1, 0.1, 50) for _ in range(40)]
    apart = [np.full(50, rng.normal(1, 0.1)) for _ in range(40)]
    mean, low, high = mean_over_tokens(alike)
    assert low < mean < high and mean == pytest.approx(np.concatenate(alike).mean())
    _, wide_low, wide_high = mean_over_tokens(apart)
    assert wide_high - wide_low > 3 * (high - low)
    assert mean_over_tokens(alike) == mean_over_tokens(alike)
    assert all(map(math.isnan, mean_over_tokens([])))


def test_divergence_is_the_sum_by_definition():
    p, q = np.array([0.5, 0.25, 0.25]), np.array([0.25, 0.25, 0.5])
    kl, same = divergence(np.log(p).astype(np.float32) + 7, np.log(q).astype(np.float32) - 3)
    assert kl == pytest.approx(0.25 * math.log(2), abs=1e-6) and not same
    row = np.random.default_rng(0).normal(size=1000).astype(np.float32)
    assert divergence(row, row) == (0.0, True)
    sure = np.array([500.0, -500.0], dtype=np.float32)  # a probability of 0 is no NaN
    assert divergence(sure, sure) == (0.0, True)
    with pytest.raises(ExportError, match="3 and 2 tokens"):
        divergence(np.zeros(3, np.float32), np.zeros(2, np.float32))


def test_calls_are_told_from_text(engine):
    def sampled(text):
        return [(token, True) for token in engine.tokenizer.encode(text, special=True)]

    def given(text):
        return [(token, False) for token in engine.tokenizer.encode(text, special=True)]

    call = '<tool_call>\n{"name": "f", "arguments": {}}\n</tool_call>'
    turns = [
        given(f"<|im_start|>system\nCall so: {call}<|im_end|>\n<|im_start|>assistant\n"),
        sampled(f"I compute it. {call}<|im_end|>"),
        given(f"\n<|im_start|>user\nresult {call}<|im_end|>\n<|im_start|>assistant\n<tool_call>\n"),
        sampled('{"name": "g"}\n</tool_call>'),
        given("<|im_end|>\n<|im_start|>assistant\n"),
        sampled("Done. <tool_call>\n{never closed"),
    ]
    tokens = [pair for turn in turns for pair in turn]
    ids, flags = [token for token, _ in tokens], [flag for _, flag in tokens]
    spans = find_spans(ids, flags, engine.tokenizer)

    def text(positions):
        return b"".join(engine.tokenizer.piece(ids[at]) for at in positions).decode()

    assert [text(positions).strip() for positions in spans.calls] == [
        call,
        '{"name": "g"}\n</tool_call>',
        "<tool_call>\n{never closed",
    ]
    # A token that ends in the tag's first character belongs to the call, space and all.
    assert text(spans.text) == "I compute it.<|im_end|>Done."
    counted = sorted(spans.text + [at for positions in spans.calls for at in positions])
    assert counted == [at for at, flag in enumerate(flags) if flag]


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
        ("[" * 100_000, "line 2 is not JSON"),
    ],
)
def test_bad_problems_are_named(tmp_path, line, said):
    file = tmp_path / "p.jsonl"
    file.write_text(f'{{"id": "a", "question": "q", "answer": 1}}\n{line}\n')
    with pytest.raises(ExportError) as error:
        load_problems(file)
    assert said in str(error.value) and "\n" not in str(error.value)


def test_problem_files_that_cannot_be_read(tmp_path):
    with pytest.raises(ExportError, match="No such file"):
        load_problems(tmp_path / "none.jsonl")
    (tmp_path / "empty.jsonl").write_text("\n")
    with pytest.raises(ExportError, match="holds no problems"):
        load_problems(tmp_path / "empty.jsonl")
    (tmp_path / "binary.jsonl").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ExportError, match="not UTF-8"):
        load_problems(tmp_path / "binary.jsonl")


def test_a_model_knows_the_problems_of_its_run(tmp_path):
    student = tmp_path / "run" / "student"
    student.mkdir(parents=True)
    assert problems_of_run(student) is None
    (tmp_path / "run" / "eval_problems.jsonl").touch()
    for model in (student, tmp_path / "run" / "student-q4_0.gguf"):
        assert problems_of_run(model) == tmp_path / "run" / "eval_problems.jsonl"


def test_results_survive_a_kill(tmp_path):
    store = Store(tmp_path / "work")
    assert store.rows("model", 1) == []
    for number in range(3):
        store.add({"number": number}, "model", 1)
    (file,) = (tmp_path / "work").iterdir()
    with file.open("ab") as stream:
        stream.write(b'{"number": 3, "hal')
    assert [row["number"] for row in store.rows("model", 1)] == [0, 1, 2]
    store.add({"number": 4}, "model", 1)
    assert [row["number"] for row in store.rows("model", 1)] == [0, 1, 2, 4]
    assert store.rows("model", 2) == []
    nothing = Store(None)
    nothing.add({"number": 0}, "model", 1)
    assert nothing.rows("model", 1) == []


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ExportError, match=r"cannot keep results in .*--work"):
        Store(tmp_path / "file").add({}, "model")


def test_a_full_disk_is_one_line(tmp_path, full_disk):
    store = Store(tmp_path)
    store._path(("model",)).symlink_to(full_disk)
    with pytest.raises(ExportError, match="no space left on the disk"):
        store.add({"number": 0}, "model")
