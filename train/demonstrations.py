"""Solved problems as token ids, written with the transcript that the device uses.

The student's cold start thus sees the very ids it will meet: its own turns are learned, prompts
and tool results are not.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypedDict

from runtime import Agent
from runtime.protocol import Transcript
from train.errors import DataError

if TYPE_CHECKING:
    from train.data import Demonstration

IGNORED = -100  # the label of a token that is not learned


class Encoded(TypedDict):
    """Token ids of a trajectory, and their labels: `IGNORED` where the student did not write."""

    input_ids: list[int]
    labels: list[int]


def encode(agent: Agent, demonstration: Demonstration) -> Encoded:
    """`demonstration` as `agent` would have lived it.

    Raises DataError if it does not begin with a question.
    """
    first, *rest = demonstration.messages
    if first.role != "user":
        raise DataError(f"a demonstration begins with a {first.role} message, not with a question")
    transcript, _ = agent.open_transcript(first.content, follow_up=False)
    unlearned: set[int] = set()
    for place, message in enumerate(rest, 1):
        if message.role == "assistant":
            start = len(transcript.ids)
            _write(transcript, message.content)
            if place in demonstration.not_learned:
                unlearned.update(range(start, len(transcript.ids)))
        elif message.role == "tool":
            transcript.add_tool_result(message.content)
        else:
            transcript.add_user(message.content)
    labels = [
        token if sampled and place not in unlearned else IGNORED
        for place, (token, sampled) in enumerate(
            zip(transcript.ids, transcript.sampled, strict=True)
        )
    ]
    return Encoded(input_ids=list(transcript.ids), labels=labels)


def encode_all(
    agent: Agent, demonstrations: Sequence[Demonstration], longest: int
) -> tuple[list[Encoded], int]:
    """All demonstrations of at most `longest` tokens, and how many were longer.

    Raises DataError if none is left.
    """
    encoded = [encode(agent, each) for each in demonstrations]
    kept = [each for each in encoded if len(each["input_ids"]) <= longest]
    if not kept:
        raise DataError(f"no demonstration fits into {longest} tokens: raise --max-tokens")
    return kept, len(encoded) - len(kept)


def _write(transcript: Transcript, text: str) -> None:
    """The student's turn, ended by the token that ends turns in its template."""
    tokenizer = transcript.tokenizer
    tokens = tokenizer.encode(text, special=False)
    for token in [*tokens, *tokenizer.encode(transcript.turn_end, special=True)]:
        transcript.add_sampled(token)
