"""Comparisons of real models: the nano teacher, exports of it, and a damaged one."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from benchmarks.problems import load_problems
from export.errors import ExportError
from export.fidelity.__main__ import app
from export.fidelity.figures import Fidelity
from export.fidelity.measure import Plan, measure
from export.fidelity.models import opened
from export.fidelity.replay import replay
from export.fidelity.report import markdown, write_html, write_json
from export.fidelity.store import Store
from export.gguf import export_gguf
from export.hf_engine import HFEngine
from runtime import Agent
from runtime.engines.base import FinishReason, Sampling, ScoringEngine
from runtime.engines.llama_cpp import LlamaCppEngine
from runtime.errors import EngineError, SodError, UsageError
from runtime.sandbox import Sandbox
from runtime.settings import Settings

from .nano import TEACHER, damaged_teacher, write_problems

SETTINGS = Settings(max_turns=7, max_tokens=200)
PROBLEMS = 6


@pytest.fixture(scope="module", autouse=True)
def _calm() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fidelity")


@pytest.fixture(scope="module")
def problem_file(folder: Path) -> Path:
    return write_problems(folder / "eval_problems.jsonl", PROBLEMS)


@pytest.fixture(scope="module")
def plan(problem_file: Path) -> Plan:
    return Plan(load_problems(problem_file), SETTINGS, n_threads=1)


@pytest.fixture(scope="module")
def f32(folder: Path) -> Path:
    return export_gguf(TEACHER, folder / "nano-f32.gguf", type="f32")


@pytest.fixture(scope="module")
def damaged(folder: Path) -> Path:
    return export_gguf(damaged_teacher(folder, 0.25), folder / "damaged-f32.gguf", type="f32")


@pytest.fixture(scope="module")
def fidelity(f32: Path, damaged: Path, plan: Plan, folder: Path) -> Fidelity:
    """The checkpoint against its export, and against the damaged one."""
    return measure(TEACHER, [f32, damaged], plan, Store(folder / "work"))


@pytest.fixture(scope="module")
def reference() -> Iterator[HFEngine]:
    engine = HFEngine(TEACHER, n_threads=1)
    yield engine
    engine.close()


# The engines -------------------------------------------------------------------------------------


def test_scores_are_transformers_logits(reference, f32):
    ids = reference.tokenizer.encode("<|im_start|>user\nWhat is 17 * 23?" * 12, special=True)
    assert len(ids) > 100
    with torch.inference_mode():
        expected = reference._model(input_ids=torch.tensor([ids])).logits[0].numpy()
    by_transformers = np.stack(list(reference.score(ids, 3)))
    assert by_transformers.shape == (len(ids) - 3, expected.shape[1])
    assert np.abs(by_transformers - expected[2:-1]).max() < 1e-3
    llama = LlamaCppEngine(f32, n_threads=1)
    by_llama = np.stack(list(llama.score(ids, 3)))
    llama.close()
    assert np.abs(by_llama - expected[2:-1]).max() < 0.05  # its KV cache is in 16 bits


def test_the_checkpoint_answers_like_its_export(reference, f32, plan):
    question = plan.problems[0].prompt()
    texts = []
    with opened(f32, n_threads=1) as llama:
        for engine in (reference, llama):
            record = Agent("nano", engine=engine, **asdict(SETTINGS)).run(question)
            texts.append([turn.text for turn in record.turns])
            assert record.tokens.reused > 2 * record.tokens.prompt
    assert texts[0] == texts[1] and "<tool_call>" in texts[0][0]


def test_the_grammar_holds_transformers_too(reference):
    agent = Agent("nano", engine=reference, tool_choice="required", max_turns=2, max_tokens=120)
    record = agent.run("Say hello in French, without any tool, please.")
    assert record.turns[0].tool == "code_interpreter"
    warm = Sampling(temperature=1.5, seed=3)
    ids = reference.tokenizer.encode("<|im_start|>user\nHello", special=True)
    first = list(reference.generate(ids, max_tokens=20, sampling=warm))
    assert list(reference.generate(ids, max_tokens=20, sampling=warm)) == first
    other = Sampling(temperature=1.5, seed=4)
    assert list(reference.generate(ids, max_tokens=20, sampling=other)) != first


def test_transformers_keeps_the_rules_of_engines(reference):
    assert isinstance(reference, ScoringEngine)
    with pytest.raises(UsageError, match="no top_p"):
        reference.generate([1], max_tokens=1, sampling=Sampling(top_p=0.5))
    with pytest.raises(UsageError, match="empty"):
        reference.generate([], max_tokens=1, sampling=Sampling())
    with pytest.raises(EngineError, match="not in the vocabulary"):
        list(reference.generate([10**6], max_tokens=1, sampling=Sampling()))
    generation = reference.generate([1, 2, 3], max_tokens=0, sampling=Sampling())
    assert list(generation) == [] and generation.finish is FinishReason.LENGTH
    with pytest.raises(UsageError, match="is not from 1 to"):
        HFEngine(TEACHER, n_ctx=10**7)


# Comparisons -------------------------------------------------------------------------------------


def test_an_export_without_loss_shows_none(fidelity):
    same = fidelity.candidates[0]
    assert fidelity.reference.success.value > 0.6
    assert same.success == fidelity.reference.success
    assert same.lost == 0 and same.lost_low < 0 < same.lost_high and same.p == 1
    assert same.exact_first.value == same.exact_forced.value == 1
    assert same.calls.same.value == same.text.same.value == 1
    assert same.calls.mean < 1e-4 and same.text.p99 < 1e-3
    assert same.speed.candidate > 0 and same.speed.ratio > 0


def test_damage_is_seen_token_by_token_and_in_the_answers(fidelity):
    same, damaged = fidelity.candidates
    assert damaged.lost > 10 and damaged.pairs.only_first > damaged.pairs.only_second
    assert damaged.exact_forced.value < 1
    assert damaged.calls.mean > 100 * same.calls.mean
    assert damaged.calls.low <= damaged.calls.mean <= damaged.calls.high
    assert damaged.calls.same.value < 1
    assert damaged.size == same.size and damaged.hash != same.hash


def test_only_the_models_own_tokens_count(fidelity, plan, folder):
    """Prompts alone are longer than what is counted."""
    same = fidelity.candidates[0]
    counted = same.calls.tokens + same.text.tokens
    rows = [json.loads(line) for file in (folder / "work").iterdir() for line in file.open()]
    answers = {row["problem"]: row for row in rows if row.get("problem")}
    assert len(answers) == PROBLEMS
    assert counted == sum(sum(row["sampled"]) for row in answers.values())
    assert counted < sum(len(row["ids"]) for row in answers.values()) / 2


def test_a_model_against_itself_is_exactly_equal(f32, plan):
    (itself,) = measure(f32, [f32], plan, Store(None)).candidates
    assert (itself.calls.mean, itself.calls.p99, itself.text.mean) == (0, 0, 0)
    assert itself.calls.same.value == itself.text.same.value == itself.exact_forced.value == 1


def test_kept_results_are_not_measured_again(fidelity, f32, damaged, plan, folder):
    copy = folder / "work-copy"
    shutil.copytree(folder / "work", copy)
    for file in copy.iterdir():  # a row that no model would write shows where it came from
        file.write_text(file.read_text().replace('"correct": true', '"correct": false'))
    again = measure(TEACHER, [f32, damaged], plan, Store(copy))
    assert again.reference.success.hits == 0
    assert [model.calls for model in again.candidates] == [m.calls for m in fidelity.candidates]


def test_an_interrupt_keeps_what_was_answered(f32, plan, tmp_path):
    store, asked = Store(tmp_path), []

    def interrupt(done: int, total: int) -> None:
        asked.append(done)
        if done == 2:
            raise KeyboardInterrupt

    with opened(f32, n_threads=1) as engine, Sandbox() as sandbox:
        with pytest.raises(KeyboardInterrupt):
            replay(engine, "f32", plan.problems, SETTINGS, store, sandbox, interrupt)
        (file,) = tmp_path.iterdir()
        assert len(file.read_text().splitlines()) == 2
        kept = replay(engine, "f32", plan.problems, SETTINGS, store, sandbox)
        assert len(file.read_text().splitlines()) == PROBLEMS
        assert kept == replay(engine, "f32", plan.problems, SETTINGS, Store(None), sandbox)

        def ctrl_c(*_: object, **__: object) -> None:
            raise KeyboardInterrupt

        engine.generate = ctrl_c  # the agent loop ends its run well; the comparison must not go on
        with pytest.raises(KeyboardInterrupt):
            replay(engine, "f32", plan.problems, SETTINGS, Store(None), sandbox)


def test_a_call_that_is_cut_off_was_tried(f32, plan):
    short = Settings(max_turns=2, max_tokens=16, tool_choice="required")
    with opened(f32, n_threads=1) as engine, Sandbox() as sandbox:
        (answer,) = replay(engine, "f32", plan.problems[:1], short, Store(None), sandbox)
    assert (answer.calls, answer.ran, answer.valid, answer.first_call) == (1, 0, 0, None)


def test_different_vocabularies_are_refused(f32, model_path, plan, folder):
    with pytest.raises(ExportError, match="have vocabularies of") as error:
        measure(f32, [model_path], plan, Store(folder / "work"))
    assert "\n" not in str(error.value)


def test_tables(fidelity, tmp_path):
    write_json(fidelity, tmp_path / "f.json")
    row = json.loads((tmp_path / "f.json").read_text())
    assert row["candidates"][0]["calls"]["same"]["count"] > 0
    write_html(fidelity, tmp_path / "f.html")
    page = (tmp_path / "f.html").read_text()
    assert "damaged-f32.gguf" in page and "Newcombe" in page
    lines = markdown(fidelity).splitlines()
    assert len(lines) == 5 and len({line.count("|") for line in lines}) == 1


# The command -------------------------------------------------------------------------------------


def run(*args: object):
    return CliRunner().invoke(app, [str(arg) for arg in args])


def test_the_command_finds_the_problems_beside_the_model(fidelity, f32, damaged, folder, tmp_path):
    result = run(
        f32, damaged, "--limit", 1, "--max-turns", 7, "--max-tokens", 200, "--threads", 1,
        "--no-speed", "--json", tmp_path / "out.json", "--work", tmp_path / "work",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert "1 problems, answered by each" in result.output
    row = json.loads((tmp_path / "out.json").read_text())
    assert row["problems"] == 1 and row["candidates"][0]["speed"] is None


def test_a_trace_can_be_compared_on(fidelity, f32, damaged, folder, plan, tmp_path):
    trace = tmp_path / "trace.jsonl"
    events = [
        {"event": "run", "prompt_ids": [1, 2, 3, 4]},
        {"event": "turn_end", "sampled_ids": [5, 6, 7]},
    ]
    trace.write_text("".join(f"{json.dumps(event)}\n" for event in events))
    result = run(
        f32, damaged, "--limit", 1, "--threads", 1, "--no-speed", "--max-tokens", 32,
        "--trajectories", trace, "--json", tmp_path / "out.json", "--work", tmp_path / "work",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    row = json.loads((tmp_path / "out.json").read_text())["candidates"][0]
    assert row["text"]["tokens"] == 3 and row["calls"] is None


def test_bad_input_is_told(f32, model_path, tmp_path):
    cut = tmp_path / "cut.gguf"
    cut.write_bytes(f32.read_bytes()[:50_000])
    empty = tmp_path / "empty"
    empty.mkdir()
    problems = ["--problems", f32.parent / "eval_problems.jsonl", "--limit", 1, "--threads", 1]
    for args, said in (
        ([f32, tmp_path / "none.gguf", *problems], "no model at"),
        ([f32, empty, *problems], "there is no model at"),
        ([model_path, f32], "name a file of problems with --problems"),
        ([f32, cut, *problems], "it is cut off"),
        ([f32, f32, "--trajectories", tmp_path / "none", *problems], "cannot read"),
    ):
        result = run(*args)
        assert isinstance(result.exception, SodError), result.output
        assert said in str(result.exception) and "\n" not in str(result.exception)
