"""Sees a run collapse: tool calls fade, validation falls, the student leaves the teacher.

Users of the paper's published code saw tool calls per trajectory fall from 3.7 to 0.5 between
steps 10 and 20, unnoticed for hours. The guard compares the last steps with the first ones and
says in plain words what it sees and what to do about it; the trainer does it. Pure logic, and its
state is plain JSON, so that a resumed run sees what an uninterrupted one would have.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from train.config import OnCollapse, RunConfig

Cause = Literal["tool_calls", "score", "kl", "sandbox", "not_finite"]

WINDOW = 5  # steps of a mean
LEAST_KL = 0.05  # nats a token; below it student and teacher are as one, whatever the ratio
LEAST_TOOL_CALLS = 0.1  # per trajectory; a student that hardly calls has nothing to lose
HELD = 0.9  # of the start: until then tool calls have not begun to fall
STANDARD_ERRORS = 2.0


@dataclass(frozen=True)
class Alarm:
    """`action` is what the trainer must do, `message` what to tell the person, one sentence."""

    step: int
    cause: Cause
    message: str
    action: OnCollapse


@dataclass
class _Series:
    """A measure: its mean over the run's first steps, and its last values."""

    first: list[float] = field(default_factory=list)
    last: list[float] = field(default_factory=list)

    def add(self, value: float) -> None:
        if len(self.first) < WINDOW:
            self.first.append(value)
        self.last = [*self.last, value][-WINDOW:]

    @property
    def start(self) -> float:
        return math.fsum(self.first) / WINDOW

    @property
    def now(self) -> float:
        return math.fsum(self.last) / WINDOW

    @property
    def ready(self) -> bool:
        """Whether both means are of whole windows, the last one since the latest rollback."""
        return len(self.first) == WINDOW == len(self.last)


@dataclass
class _State:
    """All that the guard remembers."""

    tool_calls: _Series = field(default_factory=_Series)
    kl: _Series = field(default_factory=_Series)
    infra: list[float] = field(default_factory=list)
    held_step: int = 0  # the last one at which tool calls were near their start
    best_step: int | None = None
    best_score: float = 0.0
    best_problems: int = 0
    validations: int = 0
    rollbacks: int = 0
    told: list[Cause] = field(default_factory=list)  # ignored alarms whose cause goes on


class CollapseGuard:
    """Watches one run. Its baseline is the run's start and stays so after a rollback.

    After a rollback the means must fill again, so the restored student has WINDOW steps before it
    is judged. The trainer must keep the guard as it is when it restores a checkpoint, and load
    `state_dict` only when a run is resumed.
    """

    def __init__(self, config: RunConfig) -> None:
        self._config = config
        self._state = _State()

    @property
    def best_step(self) -> int | None:
        """The step with the best validation, to which a rollback returns; None before any."""
        return self._state.best_step

    @property
    def rollbacks(self) -> int:
        """Rollbacks asked for so far."""
        return self._state.rollbacks

    @property
    def learning_rate(self) -> float:
        """The peak learning rate after the rollbacks so far, each of which halves it."""
        return self._config.lr * 0.5**self._state.rollbacks

    def observe_step(
        self,
        step: int,
        tool_calls: float | None,
        kl: float | None,
        infra_rate: float,
        loss: float,
        grad_norm: float,
    ) -> Alarm | None:
        """Take in an optimiser step; the first alarm it gives reason for, if any.

        `tool_calls` is per trajectory, None if every trajectory was lost; `kl` is the mean
        student-teacher KL, nats a token, None without a teacher; `infra_rate` is the share of
        rollouts lost to the sandbox.
        """
        state = self._state
        state.infra = [*state.infra, infra_rate][-WINDOW:]
        measured = {"tool calls": tool_calls, "KL": kl, "loss": loss, "gradient norm": grad_norm}
        broken = [
            f"{name} is {value}"
            for name, value in measured.items()
            if value is not None and not math.isfinite(value)
        ]
        if not broken:
            if tool_calls is not None:
                state.tool_calls.add(tool_calls)
                self._note_held(step)
            if kl is not None:
                state.kl.add(kl)
        return self._first_alarm(step, self._symptoms(step, infra_rate, broken))

    def observe_validation(self, step: int, score: float, problems: int) -> Alarm | None:
        """Take in a validation score, a share of `problems` held-out problems."""
        state = self._state
        state.validations += 1
        if state.best_step is None or score > state.best_score:
            state.best_step, state.best_score, state.best_problems = step, score, problems
        return self._first_alarm(step, iter([("score", self._score_symptom(score, problems))]))

    def state_dict(self) -> dict[str, Any]:
        """Everything the guard remembers, as plain JSON data."""
        return asdict(self._state)

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what `state_dict` gave."""
        state = copy.deepcopy(state)
        series = {name: _Series(**state[name]) for name in ("tool_calls", "kl")}
        self._state = _State(**{**state, **series})

    # What is seen --------------------------------------------------------------------------------

    def _note_held(self, step: int) -> None:
        calls = self._state.tool_calls
        if len(calls.first) < WINDOW or calls.now >= HELD * calls.start:
            self._state.held_step = step

    def _symptoms(
        self, step: int, infra_rate: float, broken: list[str]
    ) -> Iterator[tuple[Cause, str]]:
        """Each cause with what is wrong, or "". A dead sandbox comes first: it brings the rest."""
        yield "sandbox", self._sandbox_symptom(infra_rate)
        yield "not_finite", f"{' and '.join(broken)}" if broken else ""
        yield "tool_calls", self._tool_symptom(step)
        yield "kl", self._kl_symptom()

    def _sandbox_symptom(self, infra_rate: float) -> str:
        if infra_rate >= 1.0:
            return "the sandbox answered no rollout of this step"
        # Steps not yet seen count as sound: one bad step at the start is no pattern.
        mean = math.fsum(self._state.infra) / WINDOW
        if mean <= self._config.guard_infra:
            return ""
        steps = len(self._state.infra)
        return f"the sandbox lost {infra_rate:.0%} of this step's rollouts, {mean:.0%} over {steps}"

    def _tool_symptom(self, step: int) -> str:
        calls, kl = self._state.tool_calls, self._state.kl
        if not calls.ready or calls.start < LEAST_TOOL_CALLS:
            return ""
        if calls.now >= self._config.guard_tool_rate * calls.start:
            return ""
        within = max(1, step - self._state.held_step)
        text = (
            f"tool calls per trajectory fell from {calls.start:.1f} to {calls.now:.1f} "
            f"within {within} steps"
        )
        if kl.ready and kl.now > kl.start:
            text += f" while the student-teacher KL rose from {kl.start:.2g} to {kl.now:.2g}"
        return text

    def _kl_symptom(self) -> str:
        kl = self._state.kl
        if not kl.ready or kl.now <= max(LEAST_KL, self._config.guard_kl * kl.start):
            return ""
        return (
            f"the student-teacher KL rose from {kl.start:.2g} to {kl.now:.2g} nats a token, "
            f"over {self._config.guard_kl:g} times its start"
        )

    def _score_symptom(self, score: float, problems: int) -> str:
        state = self._state
        best = state.best_score
        if score >= self._config.guard_score * best:
            return ""
        # The difference of two proportions, by chance alone. The best is moreover the luckiest of
        # k validations, about sqrt(2 ln k) standard errors above what it is worth.
        pooled = (best * state.best_problems + score * problems) / (state.best_problems + problems)
        chance = math.sqrt(pooled * (1 - pooled) * (1 / state.best_problems + 1 / problems))
        luck = math.sqrt(2 * math.log(state.validations) * best * (1 - best) / state.best_problems)
        if best - score <= STANDARD_ERRORS * chance + luck:
            return ""
        return (
            f"the validation score fell from {best:.2f} at step {state.best_step} to {score:.2f}, "
            f"more than chance does to {problems} problems"
        )

    # What is done --------------------------------------------------------------------------------

    def _first_alarm(self, step: int, symptoms: Iterator[tuple[Cause, str]]) -> Alarm | None:
        state = self._state
        for cause, text in symptoms:
            if not text:
                state.told = [told for told in state.told if told != cause]
            elif cause not in state.told:
                return self._alarm(step, cause, text)
        return None

    def _alarm(self, step: int, cause: Cause, text: str) -> Alarm:
        state, action = self._state, self._config.on_collapse
        if action == "ignore":
            state.told.append(cause)
            return Alarm(step, cause, f"{text}; going on, as --on-collapse says", action)
        best = f"step {state.best_step} (validation {state.best_score:.2f})"
        kept = f"the best checkpoint is {best}" if state.best_step is not None else ""
        why = ""
        if cause == "sandbox":
            why, kept = "the weights are not the cause, so nothing is restored", ""
        elif action == "rollback" and state.best_step is None:
            why = "there is no checkpoint to go back to"
        elif action == "rollback" and state.rollbacks >= self._config.max_rollbacks:
            why = f"already rolled back {state.rollbacks} times"
        elif action == "rollback":
            state.rollbacks += 1
            state.tool_calls.last, state.kl.last, state.infra = [], [], []
            state.held_step = state.best_step or 0
            halved = f"learning rate halved to {self.learning_rate:.3g}"
            return Alarm(step, cause, f"{text}; restoring {best}, {halved}", action)
        reasons = ", ".join(part for part in (why, kept) if part)
        return Alarm(step, cause, f"{text}; stopping{reasons and f': {reasons}'}", "stop")
