"""`python -m train.problems`, as a command of its own process."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from train.data import load_demonstrations, load_problems
from train.problems.__main__ import EVALUATIONS
from train.problems.generate import draws

ROOT = Path(__file__).parents[3]
FILES = {"solved.jsonl", "train.jsonl", *(f"eval_{name}.jsonl" for name in EVALUATIONS)}
COUNT = 40
SOLVED = "Ann fills 4 bags with 6 nuts each. That is 4*6 = <<4*6=24>>24 nuts.\n#### 24"


def command(*args: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "train.problems", *map(str, args)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=100,
    )


def rows(file: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """gsm.jsonl of two solved problems; test.jsonl with one of them and a problem of ours."""
    folder = tmp_path_factory.mktemp("inputs")
    long = " ".join(f"w{n}" for n in range(20))
    gsm = [{"question": f"{word} {long}?", "answer": SOLVED} for word in ("Ann", "Bob")]
    gsm[1]["question"] = "Bob fills 4 bags with 6 nuts each. How many nuts is that?"
    (folder / "gsm.jsonl").write_text("\n".join(map(json.dumps, gsm)))
    ours = draws(COUNT, 1, "train")[0].question
    test = [{"question": f"Then {long.upper()}!", "answer": "1"}, {"question": ours, "answer": "1"}]
    (folder / "test.jsonl").write_text("\n".join(map(json.dumps, test)))
    return folder


@pytest.fixture(scope="module")
def written(inputs: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder that the command wrote, and what it said."""
    output = tmp_path_factory.mktemp("written") / "new" / "problems"
    done = command(
        *("--output", output, "--count", COUNT, "--gsm8k", inputs / "gsm.jsonl", "--seed", 1),
        *("--against", inputs / "test.jsonl", "--evaluation", 12),
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    return output, " ".join(done.stderr.split())


def test_the_files_are_written_and_read_by_training(written: tuple[Path, str]):
    output, said = written
    assert {file.name for file in output.iterdir()} == FILES
    solved = load_demonstrations(str(output / "solved.jsonl"), 1000, 0)
    assert len(solved) == COUNT  # two of GSM8K more, and two that the test set shares less
    assert "2 left out for sharing 13 words" in said and f"{COUNT} trajectories" in said
    trained = load_problems(str(output / "train.jsonl"), 1000, 0, "train")
    assert 0 < len(trained) <= COUNT
    questions = {each.question for each in trained}
    for name in EVALUATIONS:
        evaluated = load_problems(str(output / f"eval_{name}.jsonl"), 1000, 0, "eval")
        assert len(evaluated) == 12
        assert len({each.id for each in evaluated}) == 12
        assert not questions & {each.question for each in evaluated}


def test_problems_that_a_test_set_shares_are_left_out(written: tuple[Path, str]):
    output, _ = written
    questions = {row["question"] for row in rows(output / "train.jsonl")}
    assert "Bob fills 4 bags with 6 nuts each. How many nuts is that?" in questions
    assert not any(str(question).startswith("Ann w0 w1") for question in questions)
    assert draws(COUNT, 1, "train")[0].question not in questions


def test_the_same_seed_writes_the_same_bytes_and_another_seed_others(
    written: tuple[Path, str], inputs: Path, tmp_path: Path
):
    args = ("--count", COUNT, "--gsm8k", inputs / "gsm.jsonl", "--evaluation", 12)
    against = ("--against", inputs / "test.jsonl")
    assert command("--output", tmp_path / "1", *args, *against, "--seed", 1).returncode == 0
    assert command("--output", tmp_path / "2", *args, "--seed", 2).returncode == 0
    for name in FILES:
        first = (written[0] / name).read_bytes()
        assert (tmp_path / "1" / name).read_bytes() == first
        assert (tmp_path / "2" / name).read_bytes() != first


@pytest.mark.parametrize(
    "args, said",
    [
        (["--gsm8k", "missing.jsonl"], "cannot read missing.jsonl: no such file"),
        (["--against", "missing.jsonl"], "cannot read missing.jsonl: no such file"),
        (["--output", "BLOCKED/folder"], "Not a directory"),
        (["--output", "BLOCKED"], "File exists"),
        (["--count", "0"], "--count"),
        (["--whole", "1.5"], "--whole"),
        (["--nonsense"], "--nonsense"),
    ],
    ids=["gsm8k", "against", "below a file", "a file", "count", "whole", "flag"],
)
def test_bad_input_is_one_line_and_exit_code_2(args: list[str], said: str, tmp_path: Path):
    blocked = tmp_path / "blocked"
    blocked.write_text("not a folder")
    args = [arg.replace("BLOCKED", str(blocked)) for arg in args]
    done = command("--output", tmp_path / "out", "--count", 3, "--evaluation", 1, *args)
    assert done.returncode == 2
    lines = done.stderr.strip().splitlines()
    assert said in lines[-1] and lines[-1].startswith("train.problems: "), done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()
    assert blocked.read_text() == "not a folder"
