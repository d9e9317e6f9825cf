"""Sandboxes shared by the tests of one module: starting a CPython worker takes a second."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from runtime.sandbox import Sandbox


@pytest.fixture(scope="module")
def cpython() -> Iterator[Sandbox]:
    with Sandbox(("cpython",)) as sandbox:
        (report,) = sandbox.describe()
        if not report.available:
            pytest.skip(report.detail)
        yield sandbox


@pytest.fixture(scope="module")
def monty() -> Iterator[Sandbox]:
    with Sandbox(("monty",)) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def both() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@dataclass(frozen=True)
class Process:
    pid: int
    parent: int
    state: str


def workers() -> list[Process]:
    """Every CPython worker of this machine, and the forks it has."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if b"worker.zygote" in (folder / "cmdline").read_bytes():
                state, parent = (folder / "stat").read_text().rpartition(")")[2].split()[:2]
                found.append(Process(int(folder.name), int(parent), state))
    return found
