"""What a tool gives back, and the one place where tools are called."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from runtime.protocol import Tool


@dataclass(frozen=True)
class ToolOutcome:
    """The text the model will read; `error` names the kind of failure, if it is one."""

    text: str
    error: str | None = None


def call_tool(tool: Tool, arguments: dict[str, Any]) -> ToolOutcome:
    """Call `tool`; an exception in it is an outcome for the model to read, never raised."""
    try:
        value = tool(**tool.validate(arguments))
    except Exception as error:
        return ToolOutcome(f"{type(error).__name__}: {error}", "tool_error")
    if isinstance(value, ToolOutcome):
        return value
    if isinstance(value, str):
        return ToolOutcome(value)
    return ToolOutcome(json.dumps(value, ensure_ascii=False, default=str))
