"""Grades many rollouts at once with the checker that evaluation uses (benchmarks/grading.py)."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import cast

from benchmarks.grading import Verdict, score
from runtime.sandbox import Sandbox
from train.data import Problem
from train.rollout.collect import Rollout
from train.rollout.sandbox import TrainingSandbox


class Grader:
    """Checks answers in threads: a program's tests and hard formulas run in the sandbox."""

    def __init__(self, sandbox: TrainingSandbox, threads: int) -> None:
        self._sandbox = cast(Sandbox, sandbox)  # the checker only calls `run`
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="grader")

    def grade(self, rollouts: Sequence[Rollout], problems: Sequence[Problem]) -> list[Verdict]:
        """One verdict per rollout, in order. Rollouts that the sandbox lost are not checked."""
        return list(self._pool.map(self._grade, rollouts, problems))

    def _grade(self, rollout: Rollout, problem: Problem) -> Verdict:
        if rollout.infra:
            return Verdict(False, infra=True, detail="the sandbox failed during the rollout")
        return score(rollout.record, problem, self._sandbox)

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)
