"""The held-out problems through one model, by the agent loop of the device, greedy and graded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from benchmarks.calls import is_call, ran
from benchmarks.grading import score
from benchmarks.model_files import libraries
from benchmarks.problems import Problem
from benchmarks.problems import digest as problems_digest
from export.errors import ExportError
from export.fidelity.store import Store
from export.traces import Trajectory
from runtime import Agent
from runtime.engines.base import Engine
from runtime.events import TurnFinished
from runtime.loop import Run
from runtime.protocol import PROTOCOL_VERSION, Tool
from runtime.record import RunRecord, StopReason
from runtime.sandbox import Kind, Sandbox
from runtime.settings import Settings
from runtime.tools.code_interpreter import code_interpreter_tool

Progress = Callable[[int, int], None]  # problems done, problems in all


@dataclass(frozen=True)
class Answer:
    """What a model made of one problem.

    `calls` were tried, unfinished ones included; `ran` of them gave no error; `valid` ones ran
    and were well-formed without the grammar's help. `first_call` is [tool, arguments] of the
    first turn, if it was a call the schema allows. `infra`: our side failed, nothing is known.
    """

    problem: str
    correct: bool
    infra: bool
    calls: int
    ran: int
    valid: int
    first_call: list[Any] | None
    answer: str | None
    stop: str
    ids: list[int]
    sampled: list[int]  # 1 for the tokens that the model chose

    def trajectory(self) -> Trajectory:
        return Trajectory(list(self.ids), [bool(flag) for flag in self.sampled])


def replay(
    engine: Engine,
    model: str,
    problems: Sequence[Problem],
    settings: Settings,
    store: Store,
    sandbox: Sandbox,
    progress: Progress | None = None,
) -> list[Answer]:
    """Answers in the order of `problems`; those in `store` under the hash `model` are not asked
    again. Temperature and seed of `settings` are overruled: greedy, 0.

    Raises ExportError if the engine fails; KeyboardInterrupt leaves what was answered in `store`.
    """
    settings = replace(settings, temperature=0.0, top_p=1.0, seed=0)
    cause = (
        "replay",
        model,
        problems_digest(list(problems)),
        asdict(settings),
        engine.n_ctx,
        PROTOCOL_VERSION,
        libraries(),
    )
    known = {row["problem"]: Answer(**row) for row in store.rows(*cause) if "problem" in row}
    tool = code_interpreter_tool(sandbox)
    answers = []
    for done, problem in enumerate(problems):
        if progress is not None:
            progress(done, len(problems))
        answer = known.get(problem.id)
        if answer is None:
            answer = _ask(engine, problem, settings, tool, sandbox)
            if not answer.infra:
                store.add(asdict(answer), *cause)
        answers.append(answer)
    if progress is not None:
        progress(len(problems), len(problems))
    return answers


def _ask(
    engine: Engine, problem: Problem, settings: Settings, tool: Tool, sandbox: Sandbox
) -> Answer:
    agent = Agent(engine.model_path, [tool], engine=engine, **asdict(settings))
    run = Run(agent, problem.prompt(), follow_up=False)
    refused = []  # per turn, the samples that the grammar did not let pass
    for event in run.events():
        if isinstance(event, TurnFinished):
            refused.append(event.rejected)
    record = run.record
    if record.stop_reason is StopReason.INTERRUPTED:
        raise KeyboardInterrupt
    if record.stop_reason is StopReason.ENGINE_ERROR:
        raise ExportError(f"{engine.model_path} failed at problem {problem.id}: {record.message}")
    verdict = score(record, problem, sandbox)
    turns = list(zip(record.turns, refused, strict=True))
    tried = [(turn, count) for turn, count in turns if is_call(turn)]
    lost = any(turn.error == Kind.INFRA.value for turn, _ in tried)
    return Answer(
        problem=problem.id,
        correct=verdict.correct,
        infra=verdict.infra or lost,
        calls=len(tried),
        ran=sum(ran(turn) for turn, _ in tried),
        valid=sum(ran(turn) and count == 0 for turn, count in tried),
        first_call=_first_call(record),
        answer=record.answer,
        stop=record.stop_reason.value,
        ids=run.transcript.ids,
        sampled=[int(flag) for flag in run.transcript.sampled],
    )


def _first_call(record: RunRecord) -> list[Any] | None:
    first = record.turns[0] if record.turns else None
    return None if first is None or first.tool is None else [first.tool, first.arguments]
