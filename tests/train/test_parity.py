"""The student in training and the file on the device: the same question, the same token ids.

The student is written as a float32 GGUF file and run by the runtime's real agent with llama.cpp.
One thing differs by design: the device masks tokens that a tool call may not have, and training
does not (train/rollout/engine.py). A run in which the device refused nothing must be equal to the
last id; one in which it did must be equal up to the turn of the first refusal.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace

import pytest
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from runtime import Agent
from runtime.engines.base import Constraint, Sampling
from runtime.events import TurnFinished, TurnStarted
from runtime.loop import Run
from runtime.record import RunRecord
from train.data import Problem
from train.nano.data import problems
from train.rollout.collect import Collector, Rollout
from train.rollout.engine import BatchEngine, BatchGeneration
from train.rollout.sampling import sample_batch
from train.rollout.sandbox import TrainingSandbox
from train.rollout.tokenizer import HFTokenizer

from .conftest import AGENT, WINDOW
from .gguf_writer import write_gguf

GREEDY = replace(AGENT, temperature=0.0)
FEWEST_EQUAL = 16  # runs of 22 that the device constrains nowhere, so that parity is really tried


@dataclass
class Told:
    """What a run of the agent came to. `clean` are the ids before the first constrained turn."""

    ids: list[int]
    sampled: list[bool]
    step_ids: list[int]
    record: RunRecord
    clean: int


def run(agent: Agent, question: str) -> Told:
    live = Run(agent, question, follow_up=False)
    start, clean = 0, None
    for event in live.events():
        if isinstance(event, TurnStarted):
            start = len(live.transcript.ids)
        elif isinstance(event, TurnFinished) and event.rejected and clean is None:
            clean = start
    transcript = live.transcript
    return Told(
        list(transcript.ids),
        list(transcript.sampled),
        list(transcript.step_ids),
        live.record,
        len(transcript.ids) if clean is None else clean,
    )


@pytest.fixture(scope="module")
def device(
    tmp_path_factory: pytest.TempPathFactory,
    student: PreTrainedModel,
    nano_tokenizer: PreTrainedTokenizerFast,
    sandbox: TrainingSandbox,
) -> Iterator[Agent]:
    folder = tmp_path_factory.mktemp("device")
    path = write_gguf(folder / "student.gguf", student, nano_tokenizer)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOD_AGENT_CACHE", str(folder / "cache"))
        settings = asdict(replace(GREEDY, example=None))
        agent = Agent(str(path), [sandbox.tool], n_ctx=WINDOW, n_threads=1, **settings)
    yield agent
    agent.close()


def collect(
    collector: Collector,
    model: PreTrainedModel,
    questions: Sequence[str],
    seeds: Sequence[int],
    temperature: float,
) -> list[Rollout]:
    return collector.collect(
        questions,
        seeds,
        lambda batch: sample_batch(model, batch, collector.shared.tokenizer, 0),
        settings=replace(AGENT, temperature=temperature),
    )


def test_greedy_runs_are_the_devices_to_the_last_id(
    device: Agent, collector: Collector, student: PreTrainedModel, known_problems: list[Problem]
):
    strange = [each for each in problems(40, 5, "eval") if each.family != "remainder"][:6]
    questions = [problem.prompt() for problem in (*known_problems, *strange)]
    rollouts = collect(collector, student, questions, [0] * len(questions), 0.0)
    equal = calls = 0
    for question, rollout in zip(questions, rollouts, strict=True):
        told = run(device, question)
        ids = rollout.prompt_ids + rollout.completion_ids
        start = len(rollout.prompt_ids)
        assert told.ids[:start] == rollout.prompt_ids
        assert told.ids[: told.clean] == ids[: told.clean]
        assert told.step_ids[start : told.clean] == rollout.step_ids[: told.clean - start]
        if told.clean < len(told.ids):
            continue
        equal += 1
        calls += rollout.tool_calls
        assert told.ids == ids
        assert told.sampled[start:] == rollout.sampled
        assert told.step_ids[start:] == rollout.step_ids
        assert told.record.answer == rollout.record.answer
        assert told.record.stop_reason == rollout.record.stop_reason
        turns = zip(told.record.turns, rollout.record.turns, strict=True)
        assert all(
            (ours.text, ours.result, ours.error) == (theirs.text, theirs.result, theirs.error)
            for ours, theirs in turns
        )
    assert equal >= FEWEST_EQUAL and calls >= 2 * FEWEST_EQUAL


def test_a_rollout_does_not_depend_on_the_batch_around_it(
    collector: Collector, student: PreTrainedModel, known_problems: list[Problem]
):
    questions = [problem.prompt() for problem in known_problems[:9]]
    seeds = [rank * 7919 + 3 for rank in range(9)]
    together = collect(collector, student, questions, seeds, 1.0)
    turned = collect(collector, student, questions[::-1], seeds[::-1], 1.0)[::-1]
    for rank in (0, 3, 8):
        [alone] = collect(collector, student, questions[rank : rank + 1], [seeds[rank]], 1.0)
        for other in (together[rank], turned[rank]):
            assert alone.prompt_ids == other.prompt_ids
            assert alone.completion_ids == other.completion_ids
            assert alone.step_ids == other.step_ids
    assert len({tuple(rollout.completion_ids) for rollout in together}) == 9
    assert sum(rollout.tool_calls for rollout in together) >= 9


class OneRowEngine(BatchEngine):
    """Samples at once what it is asked for, as an engine on the device does."""

    def __init__(self, model: PreTrainedModel, tokenizer: HFTokenizer) -> None:
        super().__init__(tokenizer, tokenizer.hf.chat_template, WINDOW, "one row")
        self._model = model

    def generate(
        self,
        ids: Sequence[int],
        *,
        max_tokens: int,
        sampling: Sampling,
        constraint: Constraint | None = None,
        keep: int = 0,
    ) -> BatchGeneration:
        generation = super().generate(
            ids, max_tokens=max_tokens, sampling=sampling, constraint=constraint, keep=keep
        )
        sample_batch(self._model, [generation], self.tokenizer, 0)
        return generation


def test_the_plain_agent_draws_what_the_batch_draws(
    collector: Collector,
    student: PreTrainedModel,
    sandbox: TrainingSandbox,
    known_problems: list[Problem],
):
    questions = [problem.prompt() for problem in known_problems[:6]]
    seeds = list(range(100, 106))
    rollouts = collect(collector, student, questions, seeds, 1.0)
    engine = OneRowEngine(student, collector.shared.tokenizer)
    for question, seed, rollout in zip(questions, seeds, rollouts, strict=True):
        settings = asdict(replace(AGENT, seed=seed))
        with Agent("one row", [sandbox.tool], engine=engine, **settings) as agent:
            told = run(agent, question)
        assert told.ids == rollout.prompt_ids + rollout.completion_ids
        assert told.step_ids[len(rollout.prompt_ids) :] == rollout.step_ids
        assert told.record.answer == rollout.record.answer


def test_another_seed_draws_something_else(
    collector: Collector, student: PreTrainedModel, known_problems: list[Problem]
):
    question = known_problems[0].prompt()
    drawn = collect(collector, student, [question] * 8, range(8), 1.0)
    assert len({tuple(rollout.completion_ids) for rollout in drawn}) > 1
