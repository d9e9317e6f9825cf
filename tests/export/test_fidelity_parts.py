"""The parts of a comparison: spans of calls, kept results."""

from __future__ import annotations

import math

import numpy as np
import pytest

from export.errors import ExportError
from export.fidelity.figures import against
from export.fidelity.forcing import divergence
from export.fidelity.problems import problems_of_run
from export.fidelity.replay import Answer
from export.fidelity.spans import find_spans
from export.fidelity.store import Store


def test_points_lost_are_of_whole_problems():
    def answers(right: int) -> list[Answer]:
        rest = (False, 1, 1, 1, None, None, "answered", [], [])
        return [Answer(f"p{number}", number < right, *rest) for number in range(200)]

    # 0.615 - 0.605 is a little more than 0.01, and a gate of one point would refuse it.
    assert against(answers(123), answers(121))["lost"] == 1.0
    assert against(answers(121), answers(123))["lost"] == -1.0


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
