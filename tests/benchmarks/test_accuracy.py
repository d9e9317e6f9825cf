"""`python -m benchmarks.accuracy` on the nano teacher: real llama.cpp, the real sandbox."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from benchmarks.accuracy.__main__ import app
from benchmarks.accuracy.ask import Plan, _Asker, seed_of, setup
from benchmarks.accuracy.store import Samples
from benchmarks.problems import Problem, load_problems
from runtime.errors import SodError
from runtime.models import resolve_model
from runtime.settings import Settings

from ..export.nano import nano_gguf, write_problems

SHORT = ("--max-turns", "7", "--max-tokens", "200")


@pytest.fixture(scope="module")
def nano(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return nano_gguf(tmp_path_factory.mktemp("nano"))


@pytest.fixture(scope="module")
def problems(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_problems(tmp_path_factory.mktemp("problems") / "nano.jsonl", 8)


def measured(nano: Path, problems: Path, output: Path, *more: str) -> dict[str, Any]:
    args = ["--problems", str(problems), "--model", str(nano), "--output", str(output), "--json"]
    done = CliRunner().invoke(app, [*args, *SHORT, *more], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def rows_of(report: dict[str, Any]) -> list[dict[str, Any]]:
    found = []
    for line in Path(report["samples_file"]).read_text().splitlines()[1:]:
        with contextlib.suppress(ValueError):  # a line that was cut off
            found.append(json.loads(line))
    return found


def told(rows: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    return [
        (row["problem"], row["sample"], [turn["text"] for turn in row["record"]["turns"]])
        for row in rows
    ]


def test_greedy_and_resumed(nano, problems, tmp_path):
    first = measured(nano, problems, tmp_path, "--limit", "6")
    rows = rows_of(first)
    assert [row["problem"] for row in rows] == [each.id for each in load_problems(problems, 6)]
    accuracy = first["accuracy"]
    assert accuracy["count"] == 6 and accuracy["correct"] == sum(row["correct"] for row in rows)
    assert accuracy["correct"] >= 2  # the teacher solves most of them
    assert sum(each["count"] for each in first["failures"]) == 6 - accuracy["correct"]
    assert first["tool_calls"]["tried"] == sum(row["calls"] for row in rows) >= 3
    assert first["tool_calls"]["valid"]["value"] > 0.5
    assert set(rows[0]["record"]) >= {"answer", "stop_reason", "turns", "tokens", "timings"}
    assert first["settings"]["temperature"] == 0 and first["tokens_per_s"] > 0

    # As a kill in the middle of the last line leaves it.
    file = Path(first["samples_file"])
    file.write_bytes(file.read_bytes()[:-100])
    again = measured(nano, problems, tmp_path, "--limit", "6")
    assert again["accuracy"] == accuracy and again["samples_file"] == first["samples_file"]
    assert told(rows_of(again)) == told(rows)

    more = measured(nano, problems, tmp_path)  # goes on to the rest
    assert more["accuracy"]["count"] == 8 and more["samples_file"] == first["samples_file"]


def test_samples_and_votes(nano, problems, tmp_path):
    report = measured(nano, problems, tmp_path, "--limit", "3", "--samples", "2")
    more = measured(nano, problems, tmp_path, "--limit", "3", "--samples", "3")
    rows = rows_of(more)
    assert len(rows) == 9 and more["samples_file"] == report["samples_file"]
    assert more["settings"]["temperature"] == 0.7
    assert len({row["seed"] for row in rows}) == 9
    for row in rows:
        assert row["seed"] == seed_of(0, Problem(row["problem"], "math", "q", "1"), row["sample"])
    share = sum(row["correct"] for row in rows) / 9
    assert more["accuracy"]["value"] == pytest.approx(share)
    assert more["accuracy"]["low"] <= share <= more["accuracy"]["high"]
    assert more["majority"]["count"] == 3
    assert more["pass_at_k"]["value"] >= max(share, more["majority"]["value"])
    other = measured(nano, problems, tmp_path, "--limit", "3", "--samples", "2", "--seed", "1")
    assert other["samples_file"] != report["samples_file"]


def test_what_was_lost_is_asked_again(nano, problems, tmp_path):
    first = measured(nano, problems, tmp_path, "--limit", "2")
    file = Path(first["samples_file"])
    row = rows_of(first)[1]
    with file.open("a") as stream:
        stream.write(json.dumps(row | {"infra": True, "correct": False, "cause": "lost"}) + "\n")
    again = measured(nano, problems, tmp_path, "--limit", "2")
    assert again["lost"]["count"] == 0 and again["accuracy"] == first["accuracy"]
    assert len(rows_of(again)) == 4


def test_another_model_has_another_file(nano, problems, tmp_path):
    every = load_problems(problems)
    changed = tmp_path / "nano.gguf"
    weights = bytearray(nano.read_bytes())
    weights[-1] ^= 1
    changed.write_bytes(weights)
    settings = Settings()

    def file(model: Path, settings: Settings = settings) -> Path:
        plan = Plan(resolve_model(str(model)), every, settings)
        return Samples(tmp_path, setup(plan, every, problems)).path

    assert file(nano) == file(nano) == file(nano, Settings(seed=3))  # greedy: no seed
    others = [file(changed), file(nano, Settings(max_turns=2)), file(nano, Settings(temperature=1))]
    assert len({file(nano), *others}) == 4


@pytest.mark.parametrize("choice", ["auto", "required"])
def test_an_untrained_model_sees_what_sod_agent_shows_it(nano, choice):
    model = replace(resolve_model(str(nano)), untrained=True)
    with _Asker(Plan(model, [], Settings(tool_choice=choice))) as asker:
        assert asker._agent.settings.example is (choice == "required")


def test_the_table_is_for_people(nano, problems, tmp_path):
    args = ["--problems", str(problems), "--model", str(nano), "--output", str(tmp_path)]
    done = CliRunner().invoke(app, [*args, *SHORT, "--limit", "2"], env={"COLUMNS": "140"})
    assert done.exit_code == 0
    for text in ("pass@1", "valid tool calls", "seconds per problem", "by family"):
        assert text in done.stdout
    assert str(tmp_path) in done.stderr and "pass@1" not in done.stderr


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("--samples", "2", "--temperature", "0"), "needs a --temperature above 0"),
        (("--temperature", "-1"), "temperature must be 0 or more"),
        (("--max-turns", "0"), "max_turns must be at least 1"),
        (("--model", "no-such-model"), "no such model"),
        (("--problems", "none.jsonl"), "cannot read the problems none.jsonl"),
        (("--output", "FILE"), "another --output"),
    ],
)
def test_bad_input_is_one_line(args, said, nano, problems, tmp_path):
    (tmp_path / "FILE").touch()
    given = {"--problems": str(problems), "--model": str(nano), "--output": str(tmp_path / "new")}
    given |= dict(zip(args[::2], args[1::2], strict=True))
    if given["--output"] == "FILE":
        given["--output"] = str(tmp_path / "FILE")
    with pytest.raises(SodError, match=said) as error:
        CliRunner().invoke(
            app, [text for pair in given.items() for text in pair], catch_exceptions=False
        )
    assert "\n" not in str(error.value)
    assert not (tmp_path / "new").exists()


def test_ctrl_c_keeps_what_was_answered(nano, tmp_path):
    problems = write_problems(tmp_path / "many.jsonl", 400)
    command = [sys.executable, "-m", "benchmarks.accuracy", "--problems", str(problems)]
    command += ["--model", str(nano), "--output", str(tmp_path / "out"), *SHORT]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    until = time.monotonic() + 90
    while not list((tmp_path / "out").glob("*.jsonl")) and time.monotonic() < until:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130 and out == ""
    last = err.splitlines()[-1]
    assert "interrupted" in last and "the same command goes on" in last and "Traceback" not in err
    (file,) = (tmp_path / "out").glob("*.jsonl")
    assert len(file.read_text().splitlines()) >= 2

    bad = subprocess.run([*command, "--samples", "0"], capture_output=True, text=True)
    assert bad.returncode == 2 and len(bad.stderr.splitlines()) == 1
