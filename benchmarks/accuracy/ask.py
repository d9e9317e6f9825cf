"""The problems through the agent, sample by sample, graded as they come."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.accuracy.causes import Cause, cause_of, lost
from benchmarks.accuracy.store import AccuracyError, Samples
from benchmarks.calls import is_call, ran
from benchmarks.grading import score
from benchmarks.model_files import DEVICE_LIBRARIES, hash_model, libraries, threads_for
from benchmarks.problems import Problem, digest
from runtime import Agent
from runtime.cli import interrupt
from runtime.events import RunFinished, TurnFinished
from runtime.models import ResolvedModel
from runtime.protocol import PROTOCOL_VERSION
from runtime.record import StopReason
from runtime.sandbox import Sandbox
from runtime.settings import Settings
from runtime.tools.code_interpreter import code_interpreter_tool

OnSample = Callable[[dict[str, Any], bool], None]  # the row, and whether it was known before
_MAX_LOST = 8  # samples in a row that our side lost: then it is broken


@dataclass(frozen=True)
class Plan:
    """What is asked: `samples` answers to each of `problems`, by `model` under `settings`.

    `settings.seed` is what the samples' own seeds are derived from. `n_ctx` and `n_threads` None
    are the engine's own window, and what suits the model's size.
    """

    model: ResolvedModel
    problems: Sequence[Problem]
    settings: Settings
    samples: int = 1
    n_ctx: int | None = None
    n_threads: int | None = None

    def runs(self) -> list[tuple[Problem, int]]:
        """Problem by problem: its samples share the prompt, which is evaluated once."""
        return [(problem, n) for problem in self.problems for n in range(self.samples)]


def setup(plan: Plan, every_problem: Sequence[Problem], problems_file: Path) -> dict[str, Any]:
    """What the samples depend on, as JSON types. `every_problem` are those of the whole file."""
    settings = asdict(plan.settings)
    if plan.settings.temperature == 0:
        settings["seed"] = 0  # has no effect
    model = plan.model
    return {
        "model": model.name,
        "model_hash": hash_model(model.path),
        "lora_hash": None if model.lora is None else hash_model(model.lora),
        "untrained": model.untrained,
        "problem_set": problems_file.stem,
        "problems_hash": digest(list(every_problem)),
        "settings": settings,
        "n_ctx": plan.n_ctx,
        "protocol_version": PROTOCOL_VERSION,
        "libraries": libraries(DEVICE_LIBRARIES),
    }


def seed_of(seed: int, problem: Problem, sample: int) -> int:
    """The seed of one sample: its own, whatever else is asked before it."""
    text = f"{seed}\0{problem.id}\0{sample}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")


def ask(plan: Plan, samples: Samples, on_sample: OnSample) -> list[dict[str, Any]]:
    """A row for each of `plan.runs()`, in their order; those in `samples` are not asked again,
    but for the ones that our side had lost.

    Raises SodError if the model cannot be run, AccuracyError if the sandbox or the engine keeps
    failing; KeyboardInterrupt leaves what was answered in `samples`.
    """
    known = {key: row for key, row in samples.rows().items() if not row["infra"]}
    rows: list[dict[str, Any]] = []
    failing = 0
    with ExitStack() as stack:
        asker: _Asker | None = None
        for problem, number in plan.runs():
            row = known.get((problem.id, number))
            if row is None:
                if asker is None:  # a finished measurement needs no model
                    asker = stack.enter_context(_Asker(plan))
                row = asker.ask(problem, number)
                samples.add(row)
                failing = failing + 1 if row["infra"] else 0
                if failing == _MAX_LOST:
                    raise AccuracyError(
                        f"the last {failing} samples were lost ({row['detail']}): run `sod-agent "
                        "doctor`; the same command goes on from here"
                    )
            rows.append(row)
            on_sample(row, row is known.get((problem.id, number)))
    return rows


class _Asker:
    """The agent as `sod-agent` opens it: an untrained model that must call sees one example."""

    def __init__(self, plan: Plan) -> None:
        self._plan, self._sandbox = plan, Sandbox()
        try:
            self._agent = Agent(
                plan.model,
                [code_interpreter_tool(self._sandbox)],
                n_ctx=plan.n_ctx,
                n_threads=plan.n_threads or threads_for(plan.model.path),
                **asdict(plan.settings),
            )
        except BaseException:
            self._sandbox.close()
            raise

    def __enter__(self) -> _Asker:
        return self

    def __exit__(self, *_: object) -> None:
        self._agent.close()
        self._sandbox.close()

    def ask(self, problem: Problem, sample: int) -> dict[str, Any]:
        agent, greedy = self._agent, self._plan.settings.temperature == 0
        seed = 0 if greedy else seed_of(self._plan.settings.seed, problem, sample)
        agent.settings = replace(agent.settings, seed=seed)
        refused: list[int] = []  # per turn, the samples that the grammar did not let pass
        decode_s = 0.0
        for event in agent.stream(problem.prompt()):
            interrupt.check()
            if isinstance(event, TurnFinished):
                refused.append(event.rejected)
                decode_s += event.decode_s
            if isinstance(event, RunFinished):
                record = event.record
        if record.stop_reason is StopReason.INTERRUPTED:
            raise KeyboardInterrupt
        verdict = score(record, problem, self._sandbox)
        infra = verdict.infra or lost(record)
        correct = verdict.correct and not infra
        cause = None
        if infra:
            cause = Cause.LOST
        elif not correct:
            cause = cause_of(record, problem, self._sandbox)
        turns = zip(record.turns, refused, strict=False)  # an engine may fail within a turn
        tried = [(turn, count) for turn, count in turns if is_call(turn)]
        return {
            "problem": problem.id,
            "sample": sample,
            "seed": seed,
            "correct": correct,
            "infra": infra,
            "detail": verdict.detail,
            "cause": None if cause is None else cause.value,
            "calls": len(tried),
            "ran": sum(ran(turn) for turn, _ in tried),
            "valid": sum(ran(turn) and count == 0 for turn, count in tried),
            "seconds": record.timings.total_s,
            "decode_s": round(decode_s, 4),
            "record": record.to_dict(),
        }
