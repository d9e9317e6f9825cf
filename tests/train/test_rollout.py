"""Rollouts: which tokens are the student's, where its turns end, and what our failures do."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import groupby

import pytest
from tokenizers import Tokenizer
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from runtime.engines.base import Constraint, FinishReason, Sampling
from runtime.errors import EngineError
from runtime.protocol import (
    ANSWER_OPENING,
    FORCED_ANSWER_HINT,
    TOOL_CALL_CLOSE,
    TOOL_CALL_OPEN,
    render_call,
)
from runtime.record import StopReason
from train.data import Problem
from train.rollout.collect import Collector, Rollout, RolloutSettings
from train.rollout.engine import BatchEngine, BatchGeneration
from train.rollout.sampling import sample_batch
from train.rollout.sandbox import TrainingSandbox
from train.rollout.tokenizer import HFTokenizer

from .conftest import AGENT, WINDOW

CALLS = Constraint(TOOL_CALL_OPEN, TOOL_CALL_CLOSE, {"type": "object"})
CALL = render_call("code_interpreter", {"code": "print(6 * 7)"})
ANSWER = "The final answer is \\boxed{42}.<|im_end|>"


def scripted(tokenizer: HFTokenizer, *turns: str) -> Callable[[Sequence[BatchGeneration]], None]:
    """A sampler that writes these turns, the last one again and again."""
    written = [tokenizer.encode(turn, special=True) for turn in turns]

    def sample(batch: Sequence[BatchGeneration]) -> None:
        for generation in batch:
            generation.fill(written.pop(0) if len(written) > 1 else written[0], tokenizer)

    return sample


def live(collector: Collector, *turns: str, **settings: object) -> Rollout:
    """One rollout of these turns."""
    sample = scripted(collector.shared.tokenizer, *turns)
    [rollout] = collector.collect(
        ["What is 6 * 7?"], [0], sample, settings=replace(AGENT, **settings)
    )
    return rollout


def check(rollout: Rollout) -> None:
    """What holds for every rollout."""
    assert len(rollout.completion_ids) == len(rollout.sampled) == len(rollout.step_ids)
    runs = [sampled for sampled, _ in groupby(rollout.sampled)]
    steps = [step for step, _ in groupby(rollout.step_ids) if step]
    assert steps == list(range(1, sum(runs) + 1))
    assert [step > 0 for step in rollout.step_ids] == rollout.sampled


def texts(rollout: Rollout, tokenizer: HFTokenizer) -> list[tuple[bool, str]]:
    """The completion, cut where the writer changes."""
    pairs = zip(rollout.sampled, rollout.completion_ids, strict=True)
    return [
        (sampled, b"".join(tokenizer.piece(token) for _, token in run).decode())
        for sampled, run in groupby(pairs, key=lambda pair: pair[0])
    ]


# Whose token it is ------------------------------------------------------------------------------


def test_tool_results_and_the_protocol_are_not_the_students(
    collector: Collector, tokenizer: HFTokenizer
):
    rollout = live(collector, CALL, ANSWER)
    check(rollout)
    assert texts(rollout, tokenizer) == [
        (True, CALL),
        (False, "<|im_end|>\n<|im_start|>tool\n42<|im_end|>\n<|im_start|>assistant\n"),
        (True, ANSWER),
    ]
    assert rollout.record.answer == "42" and rollout.written == sum(rollout.sampled)
    assert (rollout.tool_calls, rollout.tool_errors, rollout.truncated) == (1, 0, False)


def test_what_a_student_writes_after_its_call_is_dropped(collector: Collector):
    assert (
        live(collector, f"{CALL}<|im_end|>", ANSWER).completion_ids
        == live(collector, CALL, ANSWER).completion_ids
    )


def test_the_forced_part_of_an_answer_is_not_the_students(
    collector: Collector, tokenizer: HFTokenizer
):
    rollout = live(collector, "I give up.<|im_end|>", "7}\nOr so.<|im_end|>")
    check(rollout)
    asked = f"\n<|im_start|>user\n{FORCED_ANSWER_HINT}<|im_end|>\n<|im_start|>assistant\n"
    assert texts(rollout, tokenizer) == [
        (True, "I give up.<|im_end|>"),
        (False, asked + ANSWER_OPENING),
        (True, "7}"),
    ]
    assert rollout.record.answer == "7"


def test_a_call_in_the_last_turn_runs_and_the_answer_is_asked_for(collector: Collector):
    rollout = live(collector, CALL, f"{CALL}<|im_end|>", "42}", max_turns=2)
    check(rollout)
    assert max(rollout.step_ids) == 3  # `max_turns` and the forced answer
    assert rollout.record.stop_reason is StopReason.MAX_TURNS and rollout.truncated


def test_the_budget_of_tokens_is_of_the_whole_rollout(collector: Collector, tokenizer: HFTokenizer):
    rollout = live(collector, "word " * 100, "4}", max_tokens=60)
    check(rollout)
    assert rollout.truncated and rollout.record.stop_reason is StopReason.MAX_TOKENS
    assert rollout.written <= 60


def test_a_prompt_that_fills_the_window_gives_an_empty_completion(
    tokenizer: HFTokenizer, sandbox: TrainingSandbox
):
    small = Collector(
        RolloutSettings(tokenizer, tokenizer.hf.chat_template, sandbox, AGENT, n_ctx=150)
    )
    [rollout] = small.collect(["What is 6 * 7?"], [0], scripted(tokenizer, ANSWER))
    small.close()
    assert rollout.completion_ids == [] and rollout.record.stop_reason is StopReason.CONTEXT_FULL


def test_rollouts_of_the_trained_student_keep_their_books(
    collector: Collector, student: PreTrainedModel, known_problems: list[Problem]
):
    questions = [problem.prompt() for problem in known_problems[:4]] * 2
    seen: list[tuple[int, int]] = []
    rollouts = collector.collect(
        questions,
        range(8),
        lambda batch: sample_batch(student, batch, collector.shared.tokenizer, 0),
        lambda done, total: seen.append((done, total)),
    )
    for rollout, question in zip(rollouts, questions, strict=True):
        check(rollout)
        assert rollout.question == question
        assert rollout.prompt_ids == collector.prompt_ids(question)
    assert sum(rollout.tool_calls for rollout in rollouts) >= 8
    assert seen[-1] == (8, 8) and seen == sorted(seen)


def test_every_question_needs_its_seed(collector: Collector, tokenizer: HFTokenizer):
    with pytest.raises(ValueError):
        collector.collect(["a", "b"], [0], scripted(tokenizer, ANSWER))


def test_tokens_that_nobody_sampled_are_an_error(tokenizer: HFTokenizer):
    with pytest.raises(EngineError, match="before the batch was sampled"):
        next(
            BatchEngine(tokenizer, None, WINDOW, "x").generate(
                [1], max_tokens=1, sampling=Sampling()
            )
        )


# Our failures -----------------------------------------------------------------------------------


def test_a_rollout_that_the_sandbox_lost_is_marked_and_ends_there(tokenizer: HFTokenizer):
    dead = TrainingSandbox(1, 5.0, retries=0)
    dead.close()
    collector = Collector(
        RolloutSettings(tokenizer, tokenizer.hf.chat_template, dead, AGENT, WINDOW)
    )
    rollout = live(collector, CALL, ANSWER)
    collector.close()
    check(rollout)
    assert rollout.infra and rollout.record.turns[-1].error == "infra"
    assert len(rollout.record.turns) == 1 and dead.failed == 1


# Where a turn ends --------------------------------------------------------------------------------


def cut(
    tokenizer: HFTokenizer, text: str, constraint: Constraint | None = CALLS, budget: int = 500
) -> tuple[str, FinishReason]:
    """What is kept of `text`, and why its turn ended."""
    generation = BatchGeneration([1], budget, Sampling(), constraint)
    generation.fill(tokenizer.encode(text, special=True), tokenizer)
    return b"".join(map(tokenizer.piece, generation)).decode(), generation.finish


@pytest.fixture(scope="module")
def untagged(nano_tokenizer: PreTrainedTokenizerFast) -> HFTokenizer:
    """A tokenizer to which the tags of a call are ordinary text, several tokens each."""
    spec = json.loads(nano_tokenizer.backend_tokenizer.to_str())
    spec["added_tokens"] = [each for each in spec["added_tokens"] if each["special"]]
    fast = PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer.from_str(json.dumps(spec)),
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
    )
    tokenizer = HFTokenizer(fast)
    assert len(tokenizer.encode(TOOL_CALL_CLOSE, special=True)) > 1
    return tokenizer


@pytest.fixture(params=["one token", "many tokens"])
def either(
    request: pytest.FixtureRequest, tokenizer: HFTokenizer, untagged: HFTokenizer
) -> HFTokenizer:
    return tokenizer if request.param == "one token" else untagged


def test_a_turn_ends_when_its_call_is_complete(either: HFTokenizer):
    assert cut(either, f"Let me see. {CALL}and more") == (
        f"Let me see. {CALL}",
        FinishReason.CONSTRAINT,
    )


def test_the_closing_tag_inside_a_string_does_not_end_the_call(either: HFTokenizer):
    quoting = render_call("code_interpreter", {"code": f"print('{TOOL_CALL_CLOSE}')  # > </x>"})
    assert cut(either, f"{quoting}{CALL}") == (quoting, FinishReason.CONSTRAINT)


@pytest.mark.parametrize(
    "text",
    [
        f"A call ends in {TOOL_CALL_CLOSE} and 3 > 2.",
        f"<think>a call ends in {TOOL_CALL_CLOSE}</think> 3 > 2",
        CALL.removesuffix(TOOL_CALL_CLOSE),
        "a > b >> c",
    ],
)
def test_prose_that_quotes_the_tag_goes_on(either: HFTokenizer, text: str):
    assert cut(either, f"{text}<|im_end|>x") == (f"{text}<|im_end|>", FinishReason.EOG)


@pytest.mark.parametrize("body", ["{}", "print(1)", '{"name": "x",', '{"code": "a\nb}', "[1] 2"])
def test_a_wrong_call_ends_too(either: HFTokenizer, body: str):
    wrong = f"{TOOL_CALL_OPEN}\n{body}\n{TOOL_CALL_CLOSE}"
    assert cut(either, f"{wrong}more") == (wrong, FinishReason.CONSTRAINT)


def test_an_opened_call_needs_no_opening_tag(either: HFTokenizer):
    rest = CALL.removeprefix(f"{TOOL_CALL_OPEN}\n")
    opened = replace(CALLS, opened=True)
    assert cut(either, f"{rest}more", opened) == (rest, FinishReason.CONSTRAINT)


@pytest.mark.parametrize("constraint", [None, replace(CALLS, schema=None)])
def test_without_a_schema_nothing_is_cut_at_a_call(
    either: HFTokenizer, constraint: Constraint | None
):
    text = f"{CALL} more<|im_end|>"
    assert cut(either, f"{text}tail", constraint) == (text, FinishReason.EOG)


def test_the_budget_ends_a_turn_and_comes_after_the_other_ends(tokenizer: HFTokenizer):
    size = len(tokenizer.encode(CALL, special=True))
    assert cut(tokenizer, CALL, budget=size) == (CALL, FinishReason.CONSTRAINT)
    kept, finish = cut(tokenizer, CALL, budget=size - 1)
    assert CALL.startswith(kept) and finish is FinishReason.LENGTH
    assert cut(tokenizer, CALL, budget=0) == ("", FinishReason.LENGTH)
    assert cut(tokenizer, "a<|im_end|>", budget=2)[1] is FinishReason.EOG
