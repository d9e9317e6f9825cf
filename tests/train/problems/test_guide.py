"""docs/PROBLEMS.md: its counts, its commands as they are written, and its family."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from runtime.sandbox import Sandbox
from train.problems import FAMILIES
from train.problems.__main__ import EVALUATIONS, app
from train.problems.generate import WEIGHTS
from train.problems.trajectories import demonstrations

from .conftest import draw

ROOT = Path(__file__).parents[3]
TEXT = (ROOT / "docs" / "PROBLEMS.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", TEXT, re.M | re.S)


def test_the_table_counts_the_families():
    assert f"\n{len(FAMILIES)} families of problems" in TEXT
    rows = re.findall(r"^\| ([a-z -]+) \| (\d+) \| (\d+): ([^|]+) \| .+ / .+ \|$", TEXT, re.M)
    assert [row[0] for row in rows] == list(WEIGHTS)
    for group, count, held, names in rows:
        families = [each for each in FAMILIES.values() if each.group == group]
        held_out = sorted(each.name for each in families if each.held_out)
        assert (int(count), int(held)) == (len(families), len(held_out))
        assert names.split(", ") == held_out


def test_files_and_flags_are_the_commands():
    options = {
        option
        for parameter in typer.main.get_command(app).params
        for option in parameter.opts
        if option != "--help"
    }
    table = set(re.findall(r"`(--[a-z0-9-]+)`", TEXT)) - {"--sft-data", "--train-data"}
    assert table == options
    assert all(f"`eval_{name}.jsonl`" in TEXT for name in EVALUATIONS)


@pytest.mark.parametrize("place", range(2))
def test_the_commands_run_as_written(place: int, tmp_path: Path):
    annotated = "That is 4*6 = <<4*6=24>>24 nuts.\n#### 24"
    for name, who in (("train", "Ann"), ("test", "Bob")):
        row = {"question": f"{who} fills 4 bags with 6 nuts. How many nuts?", "answer": annotated}
        (tmp_path / f"gsm8k_{name}.jsonl").write_text(json.dumps(row))
    command = blocks("sh")[place].replace("\\\n", " ")
    python, *args = shlex.split(command)
    assert python == "python"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, *args], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    output = tmp_path / args[args.index("--output") + 1]
    assert len((output / "solved.jsonl").read_text().splitlines()) == 200 + place


def test_the_family_of_the_guide_works(plain_sandbox: Sandbox):
    [code] = blocks("python")
    before = dict(FAMILIES)
    try:
        exec(compile(code, "docs/PROBLEMS.md", "exec"), {})
        assert set(FAMILIES) - set(before) == {"fence posts"}
        drawn = [draw("fence posts", seed, seed % 2 == 1) for seed in range(6)]
    finally:
        for name in set(FAMILIES) - set(before):
            del FAMILIES[name]
    assert len(list(demonstrations(drawn, 0, plain_sandbox, plain=True))) == 6
