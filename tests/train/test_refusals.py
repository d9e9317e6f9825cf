"""Bad input to `python -m train.sod`: one clear line, exit code 2, no traceback, nothing left."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.train.test_run import ROOT, command, run, run_here
from train.models import NANO_TEACHER


def refused(args: list[str], *words: str) -> None:
    code, out, err = run_here(args)
    assert code == 2, (code, err)
    lines = [line for line in err.splitlines() if line.strip()]
    assert len(lines) == 1, err
    assert out == ""
    for word in words:
        assert word in lines[0], lines[0]


def test_missing_model(tmp_path):
    refused(command(tmp_path / "run", student=str(tmp_path / "none")), "none", "folder")


def test_no_teacher(tmp_path):
    refused(command(tmp_path / "run", teacher=str(tmp_path)), "config.json")


def test_other_tokenizer(tmp_path):
    other = tmp_path / "other"
    shutil.copytree(NANO_TEACHER, other)
    tokenizer = json.loads((other / "tokenizer.json").read_text())
    vocabulary = tokenizer["model"]["vocab"]
    a, b = list(vocabulary)[300:302]
    vocabulary[a], vocabulary[b] = vocabulary[b], vocabulary[a]  # equal sizes, other ids
    (other / "tokenizer.json").write_text(json.dumps(tokenizer))
    refused(command(tmp_path / "run", teacher=str(other)), "vocabular")


def test_truncated_weights(tmp_path):
    broken = tmp_path / "broken"
    shutil.copytree(NANO_TEACHER, broken)
    file = broken / "model.safetensors"
    file.write_bytes(file.read_bytes()[:1000])
    refused(command(tmp_path / "run", student=str(broken)), "model.safetensors")


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "empty"),
        ('{"question": "1 + 1?"}\n', "answer"),
        ("not json\n", "line 1"),
    ],
)
def test_bad_dataset(tmp_path, text, word):
    file = tmp_path / "problems.jsonl"
    file.write_text(text)
    refused(command(tmp_path / "run", train_data=str(file)), "problems.jsonl", word)


def test_hub_out_of_reach(tmp_path):
    refused(command(tmp_path / "run", train_data="no-such/dataset"), "no-such/dataset")
    refused(command(tmp_path / "run", student="no-such/model"), "no-such/model")


def test_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    refused(command(tmp_path / "file" / "run"), "file")


def test_unknown_setting(tmp_path):
    refused(command(tmp_path / "run", "--learning-rate", "1"), "learning-rate")


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk takes root")
def test_full_disk(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1536k", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("no mounting in this container")
    try:
        done = run(command(disk / "run", "--no-cold-start", "--no-progress"))
        assert done.returncode == 2, done.stderr
        assert "no space left" in done.stderr.lower()
        assert "Traceback" not in done.stderr
        assert not (disk / "run" / "student").exists()
        assert not list(Path(disk).rglob("*.part"))
    finally:
        subprocess.run(["umount", str(disk)], check=True, cwd=ROOT)
