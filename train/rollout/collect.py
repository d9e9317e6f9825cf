"""Runs the runtime's agent loop for a batch of questions and keeps where each token came from.

All loops advance to the next token they need (tools run in threads meanwhile, so one slow program
does not hold up the rest), then one batched call samples for all of them. What a rollout draws
depends on its own seed only, never on the batch it is in.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from runtime import Agent
from runtime.events import Event, RunFinished, ToolReturned, TurnStarted
from runtime.loop import Run
from runtime.protocol import Transcript
from runtime.record import RunRecord, StopReason
from runtime.settings import Settings
from train.rollout.engine import BatchEngine, BatchGeneration
from train.rollout.sandbox import INFRA, TrainingSandbox
from train.rollout.tokenizer import HFTokenizer

# Samples what a batch of generations asks for, and fills them.
Sampler = Callable[[Sequence[BatchGeneration]], None]
# Told after every round: rollouts finished, rollouts in all.
Progress = Callable[[int, int], None]


@dataclass
class Rollout:
    """One trajectory. `completion_ids` are the tokens after the prompt.

    `sampled` tells the student's tokens from those of tool results and of the protocol;
    `step_ids` counts the student's steps from 1 (0: not the student's). Both are written down
    when a token is born. `infra` is set when our sandbox failed it: nothing is learned from it.
    """

    question: str
    prompt_ids: list[int]
    completion_ids: list[int]
    sampled: list[bool]
    step_ids: list[int]
    record: RunRecord
    infra: bool = False

    @property
    def tool_calls(self) -> int:
        return sum(turn.result is not None for turn in self.record.turns)

    @property
    def tool_errors(self) -> int:
        return sum(turn.error is not None for turn in self.record.turns)

    @property
    def truncated(self) -> bool:
        """Whether a budget, and not the student, ended it."""
        budgets = (StopReason.MAX_TOKENS, StopReason.CONTEXT_FULL, StopReason.MAX_TURNS)
        return self.record.stop_reason in budgets

    @property
    def written(self) -> int:
        """Tokens the student wrote."""
        return sum(self.sampled)


@dataclass
class RolloutSettings:
    """What all rollouts of a run share. `n_ctx` is the window in tokens."""

    tokenizer: HFTokenizer
    chat_template: str | None
    sandbox: TrainingSandbox
    agent: Settings
    n_ctx: int
    threads: int = 8
    model_name: str = "student"
    prompts: dict[str, Transcript] = field(default_factory=dict)


class _Agent(Agent):
    """An agent that opens each question once: the rollouts of a group share their prompt."""

    def __init__(self, shared: RolloutSettings) -> None:
        engine = BatchEngine(
            shared.tokenizer, shared.chat_template, shared.n_ctx, shared.model_name
        )
        self._prompts = shared.prompts
        super().__init__(shared.model_name, [shared.sandbox.tool], engine=engine)
        self.settings = replace(shared.agent, example=False)

    def open_transcript(self, question: str, follow_up: bool) -> tuple[Transcript, int]:
        opened = self._prompts.get(question)
        if opened is None:
            opened = self._prompts[question] = self._first_prompt(question)
        fresh = copy.copy(opened)
        fresh.ids, fresh.sampled = list(opened.ids), list(opened.sampled)
        fresh.step_ids = list(opened.step_ids)
        return fresh, 0


class _Slot:
    """One rollout in flight."""

    def __init__(self, agent: _Agent, question: str, seed: int) -> None:
        agent.settings = replace(agent.settings, seed=seed)
        self.agent, self.question, self.infra = agent, question, False
        self.run = Run(agent, question, follow_up=False)
        self.record: RunRecord | None = None
        self._events: Generator[Event, None, None] = self.run.events()

    def advance(self) -> BatchGeneration | None:
        """On to the next generation that has to be sampled; None at the end of the run."""
        for event in self._events:
            if isinstance(event, TurnStarted):
                engine: BatchEngine = self.agent.engine  # type: ignore[assignment]
                return engine.pending
            if isinstance(event, ToolReturned) and event.error == INFRA:
                self.infra, self.record = True, self.run.record
                self._events.close()
                return None
            if isinstance(event, RunFinished):
                self.record = event.record
        return None

    def rollout(self) -> Rollout:
        transcript, record = self.run.transcript, self.record
        assert record is not None
        start = record.tokens.prompt
        return Rollout(
            self.question,
            transcript.ids[:start],
            transcript.ids[start:],
            transcript.sampled[start:],
            transcript.step_ids[start:],
            record,
            self.infra,
        )


class Collector:
    """Collects rollouts. Its agents are kept: opening one costs more than a short rollout."""

    def __init__(self, shared: RolloutSettings) -> None:
        self.shared = shared
        self._agents: list[_Agent] = []
        self._pool = ThreadPoolExecutor(shared.threads, thread_name_prefix="rollout")

    def collect(
        self,
        questions: Sequence[str],
        seeds: Sequence[int],
        sample: Sampler,
        progress: Progress | None = None,
        settings: Settings | None = None,
    ) -> list[Rollout]:
        """One rollout per question, in order. `settings` replaces the run's (for evaluation)."""
        while len(self._agents) < len(questions):
            self._agents.append(_Agent(self.shared))
        self.shared.prompts.clear()
        base = replace(settings or self.shared.agent, example=False)
        slots = []
        asks = zip(questions, seeds, strict=True)
        for agent, (question, seed) in zip(self._agents, asks, strict=False):
            agent.settings = base
            slots.append(_Slot(agent, question, seed))
        active = slots
        while active:
            asked = list(self._pool.map(_Slot.advance, active))
            active = [slot for slot, ask in zip(active, asked, strict=True) if ask is not None]
            batch = [ask for ask in asked if ask is not None]
            if progress is not None:
                progress(len(slots) - len(active), len(slots))
            sample(batch)
        return [slot.rollout() for slot in slots]

    def prompt_ids(self, question: str) -> list[int]:
        """Token ids of the first prompt for `question`."""
        return self.opener.open_transcript(question, follow_up=False)[0].ids

    @property
    def opener(self) -> Agent:
        """An agent that opens transcripts outside a round: demonstrations, length checks."""
        if not self._agents:
            self._agents.append(_Agent(self.shared))
        return self._agents[0]

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)


def lost(rollout: Rollout, grading_failed: bool) -> bool:
    """Whether our side, not the student, failed a rollout: nothing may be learned from it."""
    return rollout.infra or grading_failed
