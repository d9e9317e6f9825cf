"""Traces: the ids that the model read and wrote, from both kinds of file; bad files name a line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from export.errors import ExportError
from export.traces import Vocabulary, read_sequences, read_trajectories
from runtime import Agent
from runtime.protocol import TOOL_CALL_OPEN
from tests.export.nano import nano_gguf, record, told
from train.nano.data import problems


@pytest.fixture(scope="module")
def nano(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return nano_gguf(tmp_path_factory.mktemp("nano"))


@pytest.fixture(scope="module")
def agent(nano: Path) -> Iterator[Agent]:
    with Agent(str(nano), n_threads=1) as agent:
        yield agent


@pytest.fixture(scope="module")
def vocabulary(nano: Path) -> Iterator[Vocabulary]:
    with Vocabulary(nano) as vocabulary:
        yield vocabulary


@pytest.fixture(scope="module")
def trace(agent: Agent, nano: Path) -> Path:
    return record(agent, 3, nano.with_name("trace.jsonl"))


def test_a_trace_gives_the_transcripts(agent, vocabulary, tmp_path):
    path, meant = tmp_path / "trace.jsonl", []
    with path.open("w") as file:
        for number, problem in enumerate(problems(4, 3, "train")):
            follow_up = number == 3
            for event in told(agent.stream(problem.prompt(), follow_up=follow_up)):
                file.write(json.dumps(event.to_dict()) + "\n")
            if follow_up:
                meant.pop()  # it goes on in the conversation before it
            meant.append(agent._transcript)
    found = read_trajectories(path, vocabulary)
    assert [each.ids for each in found] == [list(each.ids) for each in meant]
    assert any(any(each.sampled) for each in found)
    # Of a follow-up's trajectory the transcript knows what was sampled; the trace does too.
    assert [each.sampled for each in found] == [list(each.sampled) for each in meant]
    assert read_sequences(path) == [each.ids for each in found]


def test_the_trainers_trajectories_are_tokenised_again(trace, vocabulary, agent, tmp_path):
    """Written as train/metrics.py does: the question, and texts cut where the writer changes."""
    rows, questions = [], [problem.prompt() for problem in problems(3, 7, "train")]
    meant = read_trajectories(trace, vocabulary)
    piece = vocabulary.tokenizer.piece
    for question, each in zip(questions, meant, strict=True):
        start = end = each.sampled.index(True)
        segments = []
        while start < len(each.ids):
            while end < len(each.ids) and each.sampled[end] == each.sampled[start]:
                end += 1
            text = b"".join(map(piece, each.ids[start:end])).decode("utf-8", "replace")
            kind = "student" if each.sampled[start] else "tool"
            segments.append({"kind": kind, "text": text, "k": 1, "d": None, "w": None})
            start = end
        rows.append({"step": 1, "question": question, "infra": False, "segments": segments})
    path = tmp_path / "trajectories.jsonl"
    failed = {**rows[0], "infra": True}
    path.write_text("".join(json.dumps(row) + "\n" for row in [*rows, failed]))
    found = read_trajectories(path, vocabulary)
    text = [b"".join(map(piece, each.ids)) for each in found]
    assert text == [b"".join(map(piece, each.ids)) for each in meant]
    # A model writes some words in other pieces than a tokeniser: few.
    same = [
        a == b
        for one, other in zip(found, meant, strict=True)
        for a, b in zip(one.ids, other.ids, strict=False)
    ]
    assert sum(same) / len(same) > 0.9
    assert TOOL_CALL_OPEN.encode() in text[0]
    with pytest.raises(ExportError, match="line 1 holds texts"):
        read_trajectories(path)


def test_ids_in_trajectories_are_taken_as_they_are(vocabulary, tmp_path):
    ids = vocabulary.tokenizer.encode("2 + 2", special=True)
    row = {"prompt_ids": [1, 2], "segments": [{"kind": "student", "text": "2 + 2", "ids": ids}]}
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps(row))
    [found] = read_trajectories(path)
    assert found.ids == [1, 2, *ids]
    assert found.sampled == [False, False] + [True] * len(ids)


RUN = {"event": "run", "prompt_ids": [5, 6], "follow_up": False}
TURN = {"event": "turn_end", "sampled_ids": [7], "text": "x"}


@pytest.mark.usefixtures("no_garbage")
@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([], "holds no trajectories"),
        (["", "  "], "holds no trajectories"),
        ([RUN, "{"], "line 2 is not JSON"),
        ([RUN, "[" * 100_000], "line 2 is not JSON"),
        ([b"\xff\xfe"], "line 1 is not JSON"),
        (["[1]"], "line 1 is not an object"),
        ([{"a": 1}], "line 1 is neither an event of a trace nor a trajectory"),
        ([TURN], "line 1 comes before the beginning of a run"),
        ([{"event": "run"}], "line 1 has no list of token ids as 'prompt_ids'"),
        ([RUN, {**TURN, "sampled_ids": [1.5]}], "line 2 has no list of token ids"),
        ([RUN, {**TURN, "sampled_ids": [True]}], "line 2 has no list of token ids"),
        ([RUN, {**TURN, "sampled_ids": [768]}], "line 2 has token id 768, .* the 768 of"),
        ([RUN, {**TURN, "sampled_ids": [-1]}], "line 2 has token id -1"),
        ([RUN, {**TURN, "text": "another model's"}], "line 2 is of another model"),
        ([{"segments": []}], "line 1 has no question"),
        ([{"prompt_ids": [1], "segments": [1]}], "line 1 has a segment without a text"),
    ],
)
def test_a_malformed_file_names_its_line(vocabulary, tmp_path, lines, message):
    path = tmp_path / "bad.jsonl"
    with path.open("wb") as file:
        for line in lines:
            text = json.dumps(line) if isinstance(line, dict) else line
            file.write((text if isinstance(text, bytes) else text.encode()) + b"\n")
    with pytest.raises(ExportError, match=message):
        read_trajectories(path, vocabulary)


def test_a_line_cut_off_by_a_kill_is_left_out(trace, tmp_path):
    path = tmp_path / "cut.jsonl"
    path.write_bytes(trace.read_bytes()[:-40])
    assert read_sequences(path) == read_sequences(trace)  # the last event carries no ids


def test_an_absent_file_is_refused(tmp_path):
    with pytest.raises(ExportError, match=r"cannot read .*: No such file"):
        read_trajectories(tmp_path / "absent")
    with pytest.raises(ExportError, match="Is a directory"):
        read_trajectories(tmp_path)


def test_the_prompt_is_the_agents(agent, vocabulary):
    question = "What is 2 + 2?"
    assert vocabulary.prompt(question) == agent.open_transcript(question, False)[0].ids
