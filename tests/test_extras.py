"""A command whose extra is not installed says which one, in one line."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize(
    ("command", "extra"),
    [("train.sod", "train"), ("train.problems", "train"), ("export.gguf", "export")],
)
def test_a_missing_extra_is_named(command, extra):
    done = subprocess.run(
        [sys.executable, "-S", "-m", command], capture_output=True, text=True, cwd=ROOT
    )
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert f"pip install -c constraints-cpu.txt -e '.[{extra}]'" in done.stderr


def test_an_import_without_it_is_an_import_error():
    done = subprocess.run(
        [sys.executable, "-S", "-c", "import train"], capture_output=True, text=True, cwd=ROOT
    )
    assert done.returncode == 1 and "ImportError: train needs torch" in done.stderr
