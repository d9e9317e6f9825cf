"""How a run goes: the one home of these settings and their defaults."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from runtime.errors import UsageError

ToolChoice = Literal["auto", "required", "none"]


@dataclass(frozen=True)
class Settings:
    """The settings of a run; raises UsageError for values that make no sense.

    `max_turns` and `max_tokens` are what the model may write in the whole run; when they are spent
    it is still asked for its answer, in one short turn more. `tool_choice`: `required` opens the
    first turn with a tool call, `none` offers no tool. `grammar` False leaves calls unconstrained.
    `example` puts one worked tool call before the question (None: if the model is untrained and
    the call required).
    """

    max_turns: int = 16
    max_tokens: int = 2048
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int = 0
    tool_choice: ToolChoice = "auto"
    system: str | None = None
    thinking: bool = False
    grammar: bool = True
    example: bool | None = None

    def __post_init__(self) -> None:
        if self.max_turns < 1:
            raise UsageError(f"max_turns must be at least 1, not {self.max_turns}")
        if self.max_tokens < 1:
            raise UsageError(f"max_tokens must be at least 1, not {self.max_tokens}")
        if not 0 <= self.temperature < float("inf"):
            raise UsageError(f"temperature must be 0 or more, not {self.temperature}")
        if not 0 < self.top_p <= 1:
            raise UsageError(f"top_p must be above 0 and at most 1, not {self.top_p}")
        if self.tool_choice not in get_args(ToolChoice):
            raise UsageError(f"tool_choice must be auto, required or none, not {self.tool_choice}")
