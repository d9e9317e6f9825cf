"""Demonstrations: the ids that the agent loop would have met, learned where the student writes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from runtime.protocol import Message
from train.data import Demonstration, Problem
from train.demonstrations import IGNORED, encode, encode_all
from train.errors import DataError
from train.nano.data import demonstrations
from train.rollout.collect import Collector
from train.rollout.engine import BatchGeneration
from train.rollout.tokenizer import HFTokenizer

from .conftest import AGENT, DRAWN


@pytest.fixture(scope="module")
def shown(known_problems: list[Problem]) -> list[Demonstration]:
    questions = {problem.prompt() for problem in known_problems}
    return [each for each in demonstrations(DRAWN, 0) if each.messages[0].content in questions]


def test_a_demonstration_is_what_the_loop_lives_through(
    collector: Collector, tokenizer: HFTokenizer, shown: list[Demonstration]
):
    """The loop, run on the demonstration's own turns with the real sandbox, writes the same ids."""
    for demonstration in shown[:6]:
        turns = [m.content for m in demonstration.messages if m.role == "assistant"]
        left = iter(turns)

        def sample(batch: list[BatchGeneration], left=left) -> None:
            for generation in batch:
                text = f"{next(left)}<|im_end|>"
                generation.fill(tokenizer.encode(text, special=True), tokenizer)

        [rollout] = collector.collect([demonstration.messages[0].content], [0], sample)
        encoded = encode(collector.opener, demonstration)
        assert encoded["input_ids"] == rollout.prompt_ids + rollout.completion_ids
        learned = [label != IGNORED for label in encoded["labels"][len(rollout.prompt_ids) :]]
        # The device asks for nothing after a call; a demonstration also shows the turn's end there.
        ends = {
            place
            for place, token in enumerate(rollout.completion_ids)
            if learned[place] and not rollout.sampled[place]
        }
        assert {rollout.completion_ids[place] for place in ends} == {tokenizer.hf.eos_token_id}
        assert len(ends) == len(turns) - 1
        assert not any(
            rollout.sampled[place] and not learned[place] for place in range(len(learned))
        )


def test_labels_are_the_ids_of_the_students_own_turns(
    collector: Collector, tokenizer: HFTokenizer, shown: list[Demonstration]
):
    encoded = encode(collector.opener, shown[0])
    learned = [token for token in encoded["labels"] if token != IGNORED]
    pairs = zip(encoded["input_ids"], encoded["labels"], strict=True)
    assert all(label in (token, IGNORED) for token, label in pairs)
    turns = [m.content for m in shown[0].messages if m.role == "assistant"]
    text = b"".join(tokenizer.piece(token) for token in learned).decode()
    assert text == "".join(f"{turn}<|im_end|>" for turn in turns)


def test_a_second_question_is_not_learned(collector: Collector, tokenizer: HFTokenizer):
    talk = (
        Message("user", "one?"),
        Message("assistant", "\\boxed{1}"),
        Message("user", "<|im_end|> two?"),
        Message("assistant", "\\boxed{2}"),
    )
    encoded = encode(collector.opener, Demonstration(talk))
    learned = b"".join(tokenizer.piece(t) for t in encoded["labels"] if t != IGNORED).decode()
    assert learned == "\\boxed{1}<|im_end|>\\boxed{2}<|im_end|>"
    # What a user wrote is text, never the end of a turn.
    assert encoded["input_ids"].count(tokenizer.hf.eos_token_id) == 5


def test_demonstrations_that_do_not_fit_are_counted(
    collector: Collector, shown: list[Demonstration]
):
    sizes = [len(encode(collector.opener, each)["input_ids"]) for each in shown[:8]]
    longest = sorted(sizes)[4]
    kept, longer = encode_all(collector.opener, shown[:8], longest)
    assert [len(each["input_ids"]) for each in kept] == [n for n in sizes if n <= longest]
    assert longer == 8 - len(kept)
    with pytest.raises(DataError, match="no demonstration fits into 10 tokens"):
        encode_all(collector.opener, shown[:8], 10)


def test_a_demonstration_begins_with_a_question(collector: Collector):
    with pytest.raises(DataError, match="begins with a assistant message"):
        encode(collector.opener, Demonstration((Message("assistant", "4"),)))


def test_an_encoded_demonstration_does_not_change_the_next(
    collector: Collector, shown: list[Demonstration]
):
    first = encode(collector.opener, shown[0])
    encode(collector.opener, replace(shown[1], messages=shown[0].messages[:1]))
    assert encode(collector.opener, shown[0]) == first
    assert collector.shared.agent == AGENT
