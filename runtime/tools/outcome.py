"""What a tool gives back, and the one place where tools are called."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from runtime.protocol import Tool

MAX_RESULT_CHARS = 2000  # some 700 tokens: more would fill a small model's window in three calls


@dataclass(frozen=True)
class ToolOutcome:
    """The text the model will read; `error` names the kind of failure, if it is one."""

    text: str
    error: str | None = None


def call_tool(tool: Tool, arguments: dict[str, Any]) -> ToolOutcome:
    """Call `tool`; an exception in it is an outcome for the model to read, never raised."""
    try:
        value = tool(**tool.validate(arguments))
        if isinstance(value, ToolOutcome):
            return value
        text = (
            value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
        )
    except (Exception, SystemExit) as error:
        return ToolOutcome(_clean(f"{type(error).__name__}: {_text_of(error)}"), "tool_error")
    return ToolOutcome(_clean(text))


def shorten(text: str, limit: int = MAX_RESULT_CHARS) -> str:
    """Keep the head and the tail (the exception's name is at the end) and say what is missing."""
    if len(text) <= limit:
        return text
    head, tail = text[: limit * 2 // 3], text[-(limit // 3) :]
    return f"{head}\n[... {len(text) - limit} characters left out ...]\n{tail}"


def _clean(text: str) -> str:
    """Short, and without lone surrogates, which nothing can write or tokenise."""
    return shorten(text).encode("utf-8", "replace").decode()


def _text_of(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # an exception whose own text fails
        return "(no text)"
