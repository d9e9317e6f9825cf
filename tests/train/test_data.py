"""Loading data: every source and shape, and every error a person can make with one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from runtime.protocol import Message, parse_turn
from runtime.protocol.calls import Malformed, ToolCall
from runtime.sandbox import Sandbox
from runtime.tools.code_interpreter import code_interpreter_tool
from train.data import (
    GENERATED,
    GENERATED_DEMONSTRATIONS,
    Demonstration,
    Problem,
    data_hash,
    load_demonstrations,
    load_problems,
)
from train.errors import DataError

SAMPLE = Path(__file__).parent.parent / "data" / "problems_sample.jsonl"


def write(folder: Path, *rows: Any) -> str:
    """A JSON-lines file; texts are written as they are."""
    path = folder / "rows.jsonl"
    lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    path.write_text("\n".join(lines), "utf-8")
    return str(path)


def one(folder: Path, **fields: Any) -> Problem:
    return load_problems(write(folder, {"question": "q", **fields}), 9, 0, "eval")[0]


def test_the_sample() -> None:
    problems = load_problems(str(SAMPLE), 3, 0, "eval")
    assert [problem.id for problem in problems] == [f"gsm8k-train-{i}" for i in range(3)]
    assert (problems[0].domain, problems[0].answer) == ("math", "72")
    assert problems[0].question.startswith("Natalia") and "<<48/2=24>>" in problems[0].solution
    assert problems[0].prompt() == problems[0].question


def test_training_order_is_a_seeded_draw() -> None:
    drawn = [[p.id for p in load_problems(str(SAMPLE), 4, seed, "train")] for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]
    whole = load_problems(str(SAMPLE), 99, 1, "train")
    assert [problem.id for problem in whole[:4]] == drawn[0] and len(whole) == 6


@pytest.mark.parametrize(
    ("fields", "answer"),
    [
        ({"answer": 72}, "72"),
        ({"answer": 72.0}, "72"),
        ({"answer": 0.5}, "0.5"),
        ({"answer": " 72 "}, "72"),
        ({"answer": "48+24 = 72\n#### 72"}, "72"),
        ({"ground_truth": ["72"]}, "72"),
        ({"final_answer": "72"}, "72"),
        ({"reward_model": {"style": "rule", "ground_truth": "72"}}, "72"),
        ({"solution": r"so $x=\boxed{\frac{1}{2}}$."}, r"\frac{1}{2}"),
        ({"solution": "...\n#### 72"}, "72"),
    ],
)
def test_where_answers_are_found(fields: dict[str, Any], answer: str, tmp_path: Path) -> None:
    assert one(tmp_path, **fields).answer == answer


def test_a_whole_solution_in_the_answer_is_kept(tmp_path: Path) -> None:
    assert one(tmp_path, answer="1+1=2\n#### 2").solution == "1+1=2\n#### 2"


@pytest.mark.parametrize(
    "fields",
    [
        {"problem": "q"},
        {"query": "q"},
        {"prompt": "q"},
        {"prompt": [{"role": "system", "content": "s"}, {"role": "user", "content": "q"}]},
    ],
)
def test_where_questions_are_found(fields: dict[str, Any], tmp_path: Path) -> None:
    (problem,) = load_problems(write(tmp_path, {"answer": 1, **fields}), 9, 0, "eval")
    assert (problem.question, problem.id) == ("q", "rows-1")


@pytest.mark.parametrize(
    ("fields", "domain"),
    [
        ({}, "math"),
        ({"domain": "Science"}, "science"),
        ({"ability": "coding", "tests": "assert f() == 1"}, "code"),
        ({"tests": ["assert f() == 1"]}, "code"),
        ({"data_source": "somewhere/unknown"}, "math"),
        ({"choices": ["1", "2"], "answer": "B"}, "science"),
    ],
)
def test_domains(fields: dict[str, Any], domain: str, tmp_path: Path) -> None:
    assert one(tmp_path, **{"answer": 1, **fields}).domain == domain


@pytest.mark.parametrize(
    "choices",
    [
        ["red", "blue"],
        {"A": "red", "B": "blue"},
        {"text": ["red", "blue"], "label": ["1", "2"]},
    ],
)
@pytest.mark.parametrize("answer", ["B", "(b)", "blue"])
def test_choices(choices: Any, answer: str, tmp_path: Path) -> None:
    problem = one(tmp_path, domain="science", choices=choices, answer=answer)
    assert problem.answer == "B"
    assert problem.prompt() == "q\nA. red\nB. blue"


def test_a_row_may_name_its_choices_itself(tmp_path: Path) -> None:
    choices = {"text": ["red", "blue"], "label": ["1", "2"]}
    assert one(tmp_path, choices=choices, answer=2).answer == "B"


@pytest.mark.parametrize("tests", ["assert f() == 1", ["assert f() == 1"], '["assert f() == 1"]'])
def test_unit_tests(tests: Any, tmp_path: Path) -> None:
    problem = one(tmp_path, domain="code", tests=tests)
    assert (problem.tests, problem.answer) == (("assert f() == 1",), "")


GOOD = {"id": "1", "domain": "math", "question": "q", "answer": "1"}


@pytest.mark.usefixtures("no_garbage")
@pytest.mark.parametrize(
    ("rows", "place", "text"),
    [
        ([], "", "empty"),
        (["", "  "], "", "empty"),
        ([GOOD, "", "{'id': 1}"], "line 3", "not JSON"),
        (["[" * 100_000], "line 1", "not JSON"),
        ([GOOD, "[1]"], "line 2", "not a JSON object"),
        ([GOOD, {"question": "q"}], "line 2", "no field 'answer'"),
        ([{"question": "q", "solution": "no mark"}], "line 1", "no field 'answer'"),
        ([{"answer": "1"}], "line 1", "no field 'question'"),
        ([{"question": " ", "answer": "1"}], "line 1", "no field 'question'"),
        ([{"question": ["q"], "answer": "1"}], "line 1", "no field 'question'"),
        ([{"question": "q", "answer": {"a": 1}}], "line 1", "'answer' must be text"),
        ([{"question": "q", "answer": True}], "line 1", "'answer' must be text"),
        ([GOOD, GOOD], "line 2", "id '1' is there twice"),
        ([{**GOOD, "domain": "poetry"}], "line 1", "unknown domain 'poetry'"),
        ([{**GOOD, "domain": "code"}], "line 1", "needs 'tests'"),
        ([{**GOOD, "domain": "code", "tests": []}], "line 1", "needs 'tests'"),
        ([{**GOOD, "domain": "code", "tests": [1]}], "line 1", "assert statements"),
        ([{**GOOD, "domain": "code", "tests": "assert ("}], "line 1", "not Python"),
        ([{**GOOD, "domain": "code", "tests": "f()"}], "line 1", "asserts nothing"),
        ([{**GOOD, "domain": "code", "tests": "[f()"}], "line 1", "JSON list"),
        ([{**GOOD, "choices": ["a", "b"], "domain": "science"}], "line 1", "choices A to B"),
        ([{**GOOD, "choices": "a, b", "domain": "science"}], "line 1", "'choices' must be"),
        ([{**GOOD, "choices": ["a"] * 27, "domain": "science"}], "line 1", "27 choices"),
    ],
)
def test_bad_rows(rows: list[Any], place: str, text: str, tmp_path: Path) -> None:
    source = write(tmp_path, *rows)
    with pytest.raises(DataError) as caught:
        load_problems(source, 9, 0, "train")
    message = str(caught.value)
    assert text in message and place in message and source in message and "\n" not in message


def test_other_bad_sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DataError, match=r"cannot read .*gone\.jsonl: no such file"):
        load_problems(str(tmp_path / "gone.jsonl"), 9, 0, "train")
    monkeypatch.setitem(GENERATED, "toy", lambda count, seed, split: [])
    with pytest.raises(DataError, match=r"no data 'nowhere'.*generated problems \(.*toy.*\)"):
        load_problems("nowhere", 9, 0, "train")
    with pytest.raises(DataError, match="toy is empty"):
        load_problems("toy", 9, 0, "train")
    latin = tmp_path / "latin.jsonl"
    latin.write_bytes(json.dumps(GOOD).encode() + b'\n{"question": "caf\xe9"}')
    with pytest.raises(DataError, match=r"latin\.jsonl, line 2: not UTF-8 at byte 18"):
        load_problems(str(latin), 9, 0, "train")
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(DataError, match=r"cannot load the dataset .*empty"):
        load_problems(str(empty), 9, 0, "train")
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(DataError, match="needs the datasets library: pip install"):
        load_problems("org/name", 9, 0, "train")


def test_a_byte_order_mark_and_odd_line_ends_are_read(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    row = json.dumps({**GOOD, "question": "a\u2028b"}, ensure_ascii=False)
    path.write_bytes(b"\xef\xbb\xbf" + row.encode() + b"\r\n")
    assert load_problems(str(path), 9, 0, "eval")[0].question == "a\u2028b"


def test_hub_out_of_reach() -> None:
    code = (
        "from train.data import load_problems\n"
        "from train.errors import DataError\n"
        "try: load_problems('org/name:main', 9, 0, 'train')\n"
        "except DataError as error: print(error)"
    )
    env = {"HF_HUB_OFFLINE": "1", "PATH": ""}
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=env, check=True
    )
    assert run.stdout.startswith("cannot load the dataset org/name:main: ")
    assert run.stdout.count("\n") == 1 and "network" in run.stdout


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    datasets = pytest.importorskip("datasets")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    datasets.disable_progress_bars()


ROWS = [{"problem": f"{n} + 1?", "reward_model": {"ground_truth": str(n + 1)}} for n in range(3)]


@pytest.mark.usefixtures("cache")
def test_folders(tmp_path: Path) -> None:
    import datasets

    data = datasets.Dataset.from_list(ROWS)
    plain, saved = tmp_path / "plain", tmp_path / "saved"
    plain.mkdir()
    data.to_parquet(str(plain / "train.parquet"))
    data.select([2]).to_json(str(tmp_path / "test.jsonl"))
    data.save_to_disk(str(saved))
    for folder in (plain, saved):
        problems = load_problems(str(folder), 9, 0, "eval")
        assert [problem.answer for problem in problems] == ["1", "2", "3"]
        assert problems[0].id == f"{folder.name}-1"
    broken = datasets.Dataset.from_list([*ROWS, {"problem": None, "reward_model": None}])
    broken.to_parquet(str(plain / "train.parquet"))
    with pytest.raises(DataError, match=r"plain, train row 4: no field 'answer'"):
        load_problems(str(plain), 9, 0, "train")


@pytest.mark.usefixtures("cache")
def test_evaluation_takes_the_test_split(tmp_path: Path) -> None:
    import datasets

    data = datasets.Dataset.from_list(ROWS)
    both = datasets.DatasetDict({"train": data, "test": data.select([2])})
    both.save_to_disk(str(tmp_path / "both"))
    assert len(load_problems(str(tmp_path / "both"), 9, 0, "train")) == 3
    assert len(load_problems(str(tmp_path / "both"), 9, 0, "eval")) == 1
    datasets.DatasetDict({"test": data}).save_to_disk(str(tmp_path / "one"))
    with pytest.raises(DataError, match="no split train, only test"):
        load_problems(str(tmp_path / "one"), 9, 0, "train")


def test_generated(monkeypatch: pytest.MonkeyPatch) -> None:
    def make(count: int, seed: int, split: str) -> list[Problem]:
        return [Problem(f"{split}-{seed}-{n}", "math", "q", "1") for n in range(count)]

    monkeypatch.setitem(GENERATED, "toy", make)
    problems = load_problems("toy", 2, 7, "train")
    assert [problem.id for problem in problems] == ["train-7-0", "train-7-1"]


# Demonstrations ----------------------------------------------------------------------------------

CODE = {"code": "print(1 + 1)"}


def openai(arguments: Any) -> dict[str, Any]:
    call = {"type": "function", "function": {"name": "code_interpreter", "arguments": arguments}}
    return {
        "messages": [
            {"role": "system", "content": "Be good."},
            {"role": "user", "content": [{"type": "text", "text": "1 + 1?"}]},
            {"role": "assistant", "content": "I compute.", "tool_calls": [call]},
            {"role": "tool", "content": "2", "tool_call_id": "x"},
            {"role": "assistant", "content": r"\boxed{2}", "tool_calls": None},
        ]
    }


@pytest.mark.parametrize("arguments", [CODE, json.dumps(CODE), {**CODE, "absent": None}])
def test_openai_messages(arguments: Any, tmp_path: Path) -> None:
    (shown,) = load_demonstrations(write(tmp_path, openai(arguments)), 9, 0)
    assert [message.role for message in shown.messages] == [
        "user",
        "assistant",
        "tool",
        "assistant",
    ]
    assert shown.messages[0] == Message("user", "1 + 1?")
    assert shown.messages[1].content.startswith("I compute.\n<tool_call>\n")
    with Sandbox() as sandbox:
        call = parse_turn(shown.messages[1].content, [code_interpreter_tool(sandbox)])
    assert isinstance(call, ToolCall) and not isinstance(call, Malformed)
    assert call.arguments == CODE


def test_sharegpt_conversations(tmp_path: Path) -> None:
    said = [("system", "s"), ("human", "q"), ("gpt", "c"), ("observation", "2"), ("gpt", "2")]
    row = {"conversations": [{"from": name, "value": value} for name, value in said]}
    (shown,) = load_demonstrations(write(tmp_path, row), 9, 0)
    assert [message.role for message in shown.messages] == [
        "user",
        "assistant",
        "tool",
        "assistant",
    ]


@pytest.mark.parametrize("ids", [("a", "b"), (None, None), ("a", "a")])
def test_calls_made_together_are_lived_one_by_one(ids: tuple[Any, Any], tmp_path: Path) -> None:
    calls = [
        {"id": name, "function": {"name": "f", "arguments": {"x": number}}}
        for number, name in enumerate(ids)
    ]
    results = [
        {"role": "tool", "content": f"result {number}", "tool_call_id": name}
        for number, name in enumerate(ids)
    ]
    if ids == ("a", "b"):
        results.reverse()  # the ids say which is whose
    messages = [
        {"role": "user", "content": "q"},
        {"role": "assistant", "content": "Both.", "tool_calls": calls},
        *results,
        {"role": "assistant", "content": "done"},
    ]
    (shown,) = load_demonstrations(write(tmp_path, {"messages": messages}), 9, 0)
    roles = [message.role for message in shown.messages]
    assert roles == ["user", "assistant", "tool", "assistant", "tool", "assistant"]
    first, answer, second, other = [message.content for message in shown.messages[1:5]]
    assert first.startswith("Both.\n<tool_call>") and "Both" not in second
    assert ('"x": 0' in first, '"x": 1' in second) == (True, True)
    assert (answer, other) == ("result 0", "result 1")


def chat(*roles: str) -> dict[str, Any]:
    return {"messages": [{"role": role, "content": "x"} for role in roles]}


CALL = {"function": {"name": "f", "arguments": "{}"}}


def calling(*calls: Any) -> dict[str, Any]:
    return {"messages": [{"role": "assistant", "content": None, "tool_calls": list(calls)}]}


@pytest.mark.parametrize(
    ("row", "text"),
    [
        ({"text": "x"}, "no field 'messages'"),
        ({"messages": "x"}, "no field 'messages'"),
        ({"messages": []}, "must start with the user"),
        ({"messages": ["x"]}, "must be an object"),
        (chat("assistant"), "must start with the user"),
        (chat("user"), "end with the assistant"),
        (chat("user", "user", "assistant"), "message 2 is of user and follows user"),
        (chat("user", "tool", "assistant"), "message 2 is of tool and follows user"),
        (chat("user", "assistant", "tool", "tool", "assistant"), "After tool comes assistant."),
        (chat("user", "critic"), "unknown role 'critic'"),
        ({"messages": [{"role": ["user"], "content": "q"}]}, "unknown role ['user']"),
        ({"messages": [{"role": "assistant", "tool_calls": "f"}]}, "tool_calls must be a list"),
        ({"messages": [{"role": "user", "content": 1}]}, "must be text, not int"),
        (calling(CALL, CALL), "2 tool calls in one turn, without 2 results"),
        (calling({"function": {"name": "f", "arguments": "{"}}), "not JSON"),
        (calling({"function": {"name": "f", "arguments": "[]"}}), "function.arguments, an object"),
        (calling({"name": None}), "function.name"),
        (calling("f"), "function.name"),
    ],
)
def test_bad_conversations(row: dict[str, Any], text: str, tmp_path: Path) -> None:
    source = write(tmp_path, openai(CODE), row)
    with pytest.raises(DataError) as caught:
        load_demonstrations(source, 9, 0)
    message = str(caught.value)
    assert message.startswith(f"{source}, line 2: ") and text in message and "\n" not in message


def test_generated_demonstrations(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = Demonstration((Message("user", "q"), Message("assistant", "a")))
    monkeypatch.setitem(GENERATED_DEMONSTRATIONS, "toy", lambda count, seed, split: [shown] * 3)
    assert load_demonstrations("toy", 2, 0) == [shown, shown]


def test_the_hash_tells_data_apart() -> None:
    problems = load_problems(str(SAMPLE), 9, 0, "eval")
    assert data_hash(problems) == data_hash(load_problems(str(SAMPLE), 9, 5, "eval"))
    assert len({data_hash(problems), data_hash(problems[::-1]), data_hash(problems[1:])}) == 3
    shown = Demonstration((Message("user", "\ud800"), Message("assistant", "a")))
    assert len(data_hash([shown])) == 64
