"""What is measured, and in what order: a reference, then one candidate after the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.model_files import hash_model, threads_for
from benchmarks.problems import Problem
from export.command import Display
from export.errors import ExportError
from export.fidelity.figures import Fidelity, Model, summarise
from export.fidelity.forcing import Forced, force
from export.fidelity.models import check_model, check_same_vocabulary, opened
from export.fidelity.replay import Answer, replay
from export.fidelity.speed import Speed, compare_speed
from export.fidelity.store import Store
from export.traces import Trajectory
from runtime.engines.base import ScoringEngine
from runtime.sandbox import Sandbox
from runtime.settings import Settings

_QUIET = Display(show=False)


@dataclass(frozen=True)
class Plan:
    """How models are measured. `trajectories` None: those that the reference writes itself.

    `n_ctx` None is the reference's own window, `n_threads` None what suits its size: all models
    get the same. `speed` False leaves decoding speed out.
    """

    problems: Sequence[Problem]
    settings: Settings
    trajectories: Sequence[Trajectory] | None = None
    n_ctx: int | None = None
    n_threads: int | None = None
    speed: bool = True


class Comparison:
    """The reference, open, to compare candidates with one at a time. Use in a `with` block.

    Raises SodError for a model that cannot be opened or compared.
    """

    def __init__(
        self, reference: Path, plan: Plan, store: Store, display: Display = _QUIET
    ) -> None:
        self.path, self.plan = reference, plan
        self._store, self._display = store, display
        self._hash = hash_model(reference)
        self._n_threads = plan.n_threads or threads_for(reference)
        self._opening = opened(reference, plan.n_ctx, self._n_threads)
        self._sandbox = Sandbox()
        self._known: dict[str, list[Answer]] = {}  # by the hash of the model
        self.notes: list[str] = []

    def __enter__(self) -> Comparison:
        try:
            self._engine = self._opening.__enter__()
        except BaseException:
            self._sandbox.close()
            raise
        return self

    def __exit__(self, *details: Any) -> None:
        self._sandbox.close()
        self._opening.__exit__(*details)

    def reference(self) -> Model:
        """The reference's own figures; its answers are kept to compare with."""
        self._answers = self._replay(self._engine, self.path, self._hash)
        return summarise(self.path, self._hash, self._answers)

    def trajectories(self) -> list[Trajectory]:
        """What is teacher-forced: the plan's trajectories, or what the reference wrote."""
        if self.plan.trajectories is not None:
            return list(self.plan.trajectories)
        return [answer.trajectory() for answer in self._answers if not answer.infra]

    def candidate(self, path: Path, *, tokens: bool = True) -> Model:
        """The figures of one candidate. `tokens` False measures task success alone."""
        if not hasattr(self, "_answers"):
            self.reference()
        digest = hash_model(path)
        with opened(path, self._engine.n_ctx, self._n_threads) as engine:
            check_same_vocabulary(self._engine, engine)
            if (engine.chat_template or "") != (self._engine.chat_template or ""):
                self._note(f"{path.name} has another chat template than the reference")
            answers = self._replay(engine, path, digest)
            forced, speed = None, None
            if tokens:
                forced = self._force(engine, path, digest)
                speed = self._speed(engine)
        return summarise(path, digest, answers, self._answers, forced, speed)

    def summary(self, candidates: Sequence[Model]) -> Fidelity:
        """The reference with the figures of some candidates."""
        return Fidelity(
            reference=summarise(self.path, self._hash, self._answers),
            candidates=list(candidates),
            problems=len(self.plan.problems),
            trajectories=len(self.trajectories()),
            settings=asdict(self.plan.settings),
            notes=list(self.notes),
        )

    def _replay(self, engine: ScoringEngine, path: Path, digest: str) -> list[Answer]:
        if digest in self._known:
            return self._known[digest]
        with self._display.stage(f"{path.name}: problems") as progress:
            answers = replay(
                engine,
                digest,
                self.plan.problems,
                self.plan.settings,
                self._store,
                self._sandbox,
                progress,
            )
        self._known[digest] = answers
        lost = sum(answer.infra for answer in answers)
        if lost == len(answers):
            raise ExportError("the sandbox fails here: run `sod-agent doctor`")
        if lost:
            self._note(f"{lost} problems are left out for {path.name}: the sandbox failed")
        return answers

    def _force(self, engine: ScoringEngine, path: Path, digest: str) -> list[Forced]:
        trajectories = self.trajectories()
        longest = max((len(trajectory.ids) for trajectory in trajectories), default=0)
        if longest > self._engine.n_ctx:
            self._note(f"trajectories of up to {longest} tokens are cut to {self._engine.n_ctx}")
        with self._display.stage(f"{path.name}: tokens") as progress:
            hashes = (self._hash, digest)
            return force(self._engine, engine, hashes, trajectories, self._store, progress)

    def _speed(self, engine: ScoringEngine) -> Speed | None:
        if not self.plan.speed:
            return None
        trajectories = sorted(self.trajectories(), key=lambda trajectory: len(trajectory.ids))
        if not trajectories:
            return None
        return compare_speed(self._engine, engine, trajectories[len(trajectories) // 2])

    def _note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)
            self._display.say(text)


def measure(
    reference: Path,
    candidates: Sequence[Path],
    plan: Plan,
    store: Store,
    display: Display = _QUIET,
) -> Fidelity:
    """Measure every candidate against `reference`. Raises SodError."""
    for path in (reference, *candidates):
        check_model(path)
    with Comparison(reference, plan, store, display) as comparison:
        comparison.reference()
        return comparison.summary([comparison.candidate(path) for path in candidates])
