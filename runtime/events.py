"""What happens during a run, as typed events: the CLI prints them, the trace stores them.

Every event can be written as one JSON object (`to_dict`). The trace of a run holds every token id
and seed, so that the run can be repeated or scored without the agent loop.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, ClassVar

from runtime.record import RunRecord


@dataclass(frozen=True)
class Event:
    """Base of all events; `kind` names the event in a trace."""

    kind: ClassVar[str]

    def to_dict(self) -> dict[str, Any]:
        return {"event": self.kind, **asdict(self)}


@dataclass(frozen=True)
class RunStarted(Event):
    """The first prompt is ready. `prompt_ids` are the token ids of the whole prompt."""

    kind = "run"
    question: str
    model: str
    model_path: str
    lora_path: str | None
    engine: str
    protocol_version: int
    tools: list[dict[str, Any]]
    settings: dict[str, Any]
    n_ctx: int
    prompt_ids: list[int]
    follow_up: bool


@dataclass(frozen=True)
class TurnStarted(Event):
    """The model is about to write. `seed` is this turn's; `forced_ids` were put in its mouth.

    `max_tokens` is what it may write in this turn; `constraint` None, `call` (calls are held to
    their schema), `opened_call` (it begins inside one) or `no_call`.
    """

    kind = "turn"
    turn: int
    seed: int
    forced_ids: list[int]
    max_tokens: int
    constraint: str | None


@dataclass(frozen=True)
class TextDelta(Event):
    """Some text the model has just written (never in the trace: the ids of the turn are)."""

    kind = "text"
    turn: int
    text: str


@dataclass(frozen=True)
class TurnFinished(Event):
    """The model has stopped writing. `sampled_ids` are its tokens, `text` what they say."""

    kind = "turn_end"
    turn: int
    text: str
    sampled_ids: list[int]
    finish: str
    evaluated: int
    reused: int
    rejected: int
    prefill_s: float
    decode_s: float


@dataclass(frozen=True)
class ToolCalled(Event):
    """A valid call, before it runs."""

    kind = "tool_call"
    turn: int
    tool: str
    arguments: dict[str, Any]


@dataclass(frozen=True)
class ToolReturned(Event):
    """What the model gets to read; `error` names the kind of failure, if it is one.

    Also sent for a malformed call: then no `ToolCalled` came before it and `tool` is None.
    `appended_ids` are the tokens added to the transcript: result, and the next turn's opening.
    """

    kind = "tool_result"
    turn: int
    tool: str | None
    result: str
    error: str | None
    seconds: float
    appended_ids: list[int]


@dataclass(frozen=True)
class Nudged(Event):
    """The loop asks for the final answer; `appended_ids` are what it added to the transcript."""

    kind = "nudge"
    turn: int
    appended_ids: list[int]


@dataclass(frozen=True)
class RunFinished(Event):
    """The last event."""

    kind = "end"
    record: RunRecord

    def to_dict(self) -> dict[str, Any]:
        return {"event": self.kind, "record": self.record.to_dict()}
