"""Held-out evaluation: the agent loop, greedy, graded like the training reward.

It is the loop of the device on the model in memory. What a quantised file does is measured by the
benchmarks, not here.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from accelerate.utils import gather_object

from benchmarks.statistics import Pairs, mcnemar, wilson
from train.rollout.collect import Collector, Progress, Rollout, Sampler
from train.rollout.lockstep import collect_in_lockstep, is_sharded
from train.rollout.sampling import sample_batch

if TYPE_CHECKING:
    from accelerate import Accelerator
    from transformers import PreTrainedModel

    from train.data import Problem
    from train.grade import Grader
    from train.rollout.engine import BatchGeneration


@dataclass(frozen=True)
class Outcome:
    """One problem's result. `first_call`: the first turn called a tool and the call ran."""

    problem: str
    family: str
    correct: bool
    infra: bool
    tool_calls: int
    tool_errors: int
    first_call: bool


@dataclass
class Evaluation:
    """`low` and `high` are Wilson's 95 % interval of `accuracy`; `seconds` is wall time.

    `valid_calls` is the share of tool calls that ran without an error, `first_call` the share of
    problems whose first turn was such a call. Problems that the sandbox lost are left out.
    """

    split: str
    problems: int
    correct: int
    accuracy: float
    low: float
    high: float
    tool_calls: float
    valid_calls: float
    first_call: float
    infra: int
    by_family: dict[str, dict[str, int]]
    seconds: float
    paired: dict[str, float] | None = None

    def to_row(self) -> dict[str, Any]:
        return asdict(self)


class Evaluator:
    """Evaluates on a fixed list of problems, shared among the processes."""

    def __init__(
        self,
        collector: Collector,
        grader: Grader,
        accelerator: Accelerator,
        pad_id: int,
        rows: int,
        share_prefix: bool = False,
    ) -> None:
        """`rows` bounds the problems that are answered at once (0: all)."""
        self._collector, self._grader, self._accelerator = collector, grader, accelerator
        self._pad_id, self._rows, self._share_prefix = pad_id, rows, share_prefix

    def evaluate(
        self,
        model: PreTrainedModel,
        problems: Sequence[Problem],
        split: str,
        progress: Progress | None = None,
    ) -> tuple[Evaluation, list[Outcome]]:
        """Answer `problems` greedily; outcomes are in their order, on every process."""
        started = time.perf_counter()
        own = problems[self._accelerator.process_index :: self._accelerator.num_processes]
        outcomes = self._answer(model, own, progress)
        place = {problem.id: number for number, problem in enumerate(problems)}
        gathered: list[Outcome] = sorted(
            gather_object(outcomes), key=lambda outcome: place[outcome.problem]
        )
        return summarise(gathered, split, time.perf_counter() - started), gathered

    def _answer(
        self, model: PreTrainedModel, problems: Sequence[Problem], progress: Progress | None
    ) -> list[Outcome]:
        shared = self._collector.shared
        greedy = replace(shared.agent, temperature=0.0, top_p=1.0)

        def sample(batch: Sequence[BatchGeneration]) -> None:
            with self._accelerator.autocast():
                sample_batch(
                    model, batch, shared.tokenizer, self._pad_id, self._rows, self._share_prefix
                )

        def collect(sample: Sampler) -> list[Rollout]:
            questions = [problem.prompt() for problem in problems]
            return self._collector.collect(questions, [0] * len(problems), sample, progress, greedy)

        training = model.training
        model.eval()
        try:
            if is_sharded(self._accelerator):
                rollouts = collect_in_lockstep(collect, sample, shared.tokenizer, self._accelerator)
            else:
                rollouts = collect(sample)
        finally:
            model.train(training)
        verdicts = self._grader.grade(rollouts, problems)
        outcomes = []
        for problem, rollout, verdict in zip(problems, rollouts, verdicts, strict=True):
            turns = rollout.record.turns
            outcomes.append(
                Outcome(
                    problem.id,
                    problem.family or problem.domain,
                    verdict.correct,
                    rollout.infra or verdict.infra,
                    rollout.tool_calls,
                    rollout.tool_errors,
                    bool(turns) and turns[0].tool is not None and turns[0].error is None,
                )
            )
        return outcomes


def summarise(outcomes: Sequence[Outcome], split: str, seconds: float) -> Evaluation:
    """The figures of an evaluation."""
    sound = [outcome for outcome in outcomes if not outcome.infra]
    correct = sum(outcome.correct for outcome in sound)
    calls = sum(outcome.tool_calls for outcome in sound)
    errors = sum(outcome.tool_errors for outcome in sound)
    families: dict[str, dict[str, int]] = defaultdict(lambda: {"problems": 0, "correct": 0})
    for outcome in sound:
        families[outcome.family]["problems"] += 1
        families[outcome.family]["correct"] += outcome.correct
    low, high = wilson(correct, len(sound))
    count = max(1, len(sound))
    return Evaluation(
        split=split,
        problems=len(sound),
        correct=correct,
        accuracy=correct / count,
        low=low,
        high=high,
        tool_calls=calls / count,
        valid_calls=1 - errors / calls if calls else 0.0,
        first_call=sum(outcome.first_call for outcome in sound) / count,
        infra=len(outcomes) - len(sound),
        by_family={name: dict(families[name]) for name in sorted(families)},
        seconds=seconds,
    )


def paired(before: Sequence[Outcome], after: Sequence[Outcome]) -> dict[str, float]:
    """Problems gained and lost between two evaluations, and McNemar's exact two-sided p."""
    was = {outcome.problem: outcome.correct for outcome in before if not outcome.infra}
    both = [
        (was[outcome.problem], outcome.correct)
        for outcome in after
        if not outcome.infra and outcome.problem in was
    ]
    pairs = Pairs.of([old for old, _ in both], [new for _, new in both])
    return {"gained": pairs.only_second, "lost": pairs.only_first, "p": mcnemar(pairs)}
