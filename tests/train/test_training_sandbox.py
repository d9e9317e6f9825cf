"""The sandbox under training load: killed, broken and dead, and never silently so."""

from __future__ import annotations

import contextlib
import os
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from runtime.sandbox import Kind
from train.errors import TrainingError
from train.rollout.sandbox import TrainingSandbox

NEEDS_CPYTHON = "class A:\n    x = 6 * 7\nprint(A.x)"
SLOW = f"import time\n{NEEDS_CPYTHON}\ntime.sleep(3)"


@pytest.fixture
def fresh() -> Iterator[TrainingSandbox]:
    sandbox = TrainingSandbox(1, 5.0)
    yield sandbox
    sandbox.close()


def workers() -> set[int]:
    """Process ids of the CPython workers that this process has started."""
    found = set()
    for child in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            if any("worker.zygote" in part for part in child.cmdline()):
                found.add(child.pid)
    return found


@contextlib.contextmanager
def killer(spared: set[int], kills: int) -> Iterator[list[int]]:
    """Kills the first `kills` workers that appear, apart from the `spared`."""
    killed: list[int] = []
    over = threading.Event()

    def kill() -> None:
        while not over.wait(0.02) and len(killed) < kills:
            for pid in (workers() - spared - set(killed)) if len(killed) < kills else ():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, 9)
                    killed.append(pid)

    thread = threading.Thread(target=kill)
    thread.start()
    try:
        yield killed
    finally:
        over.set()
        thread.join()


@pytest.fixture
def no_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    """No worker can be started: its folder cannot be made, as on a full disk."""
    monkeypatch.setattr(tempfile, "tempdir", str(Path(tempfile.gettempdir()) / "not" / "there"))


def test_workers_killed_again_and_again_are_our_failure(fresh: TrainingSandbox):
    with killer(workers(), kills=100) as killed:
        result = fresh.run(SLOW, 5.0)
    assert result.kind is Kind.INFRA and result.error
    assert len(killed) >= 3  # the sandbox's own second try, and ours
    assert (fresh.calls, fresh.retried, fresh.failed) == (1, 2, 1)


def test_a_program_outlives_workers_that_are_killed_a_few_times(fresh: TrainingSandbox):
    with killer(workers(), kills=2) as killed:
        result = fresh.run(NEEDS_CPYTHON, 5.0)
    assert len(killed) == 2
    assert (result.kind, result.output) == (Kind.OK, "42\n")
    assert (fresh.calls, fresh.retried, fresh.failed) == (1, 1, 0)


def test_the_programs_own_faults_are_not_tried_again(fresh: TrainingSandbox):
    assert fresh.run("1 / 0").kind is Kind.USER_ERROR
    assert fresh.run("while True: pass", 0.2).kind is Kind.TIMEOUT
    assert fresh.run("print(" + "-" * 50_000 + "1)").kind is Kind.USER_ERROR
    assert (fresh.calls, fresh.retried, fresh.failed) == (3, 0, 0)


def test_the_canary_sings_and_survives_a_kill(fresh: TrainingSandbox):
    fresh.canary()
    for pid in workers():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, 9)
    fresh.canary()


def test_the_canary_restarts_a_sandbox_that_was_closed(fresh: TrainingSandbox):
    fresh.canary()
    fresh._sandbox.close()
    fresh.canary()
    assert fresh.run(NEEDS_CPYTHON).output == "42\n"


def test_a_sandbox_that_stays_dead_stops_the_run(
    fresh: TrainingSandbox, no_workers: None, monkeypatch: pytest.MonkeyPatch
):
    with monkeypatch.context() as healthy:
        healthy.setattr(tempfile, "tempdir", None)
        fresh.canary()
    fresh._sandbox.close()
    with pytest.raises(
        TrainingError, match=r"^the sandbox is dead: the cpython tier is gone: .*\w"
    ):
        fresh.canary()


def test_a_machine_without_any_tier_is_told_at_once(no_workers: None):
    sandbox = TrainingSandbox(1, 5.0, tiers=("cpython",))
    with pytest.raises(TrainingError, match="none of its tiers can run"):
        sandbox.canary()
    sandbox.close()


def test_a_tier_that_this_machine_never_had_is_not_missed(no_workers: None):
    sandbox = TrainingSandbox(1, 5.0)
    sandbox.canary()  # Monty alone
    assert sandbox.run("print(6 * 7)").output == "42\n"
    sandbox.close()


def test_a_closed_sandbox_is_our_failure_and_the_tool_says_so(fresh: TrainingSandbox):
    fresh._sandbox.close()
    outcome = fresh.tool(code="print(1)")
    assert outcome.error == "infra"
    fresh.restart()
    assert fresh.tool(code="print(1)").text == "1"  # the restart reaches the tool


def test_counters_add_up_from_many_threads(fresh: TrainingSandbox):
    threads = [threading.Thread(target=fresh.run, args=("print(1)",)) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (fresh.calls, fresh.retried, fresh.failed) == (16, 0, 0)
