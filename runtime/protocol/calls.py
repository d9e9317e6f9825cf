"""Reads a tool call out of a turn. Parsing is a value, never an exception.

What the model wrote wrongly comes back as `Malformed`, whose message is meant to be sent to the
model as the tool's result. Text before a call is reasoning and is left alone; text after it, a
second call above all, was written without seeing the result and is refused.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from runtime.protocol.messages import TOOL_CALL_CLOSE, TOOL_CALL_OPEN
from runtime.protocol.text import MAX_CALL_CHARS, Part, split_turn

if TYPE_CHECKING:
    from runtime.protocol.tools import Tool


class MalformedReason(str, Enum):
    """Why a call cannot be run (a closed set)."""

    BAD_JSON = "bad_json"
    BAD_CALL = "bad_call"  # JSON, but not {"name": ..., "arguments": {...}}
    UNKNOWN_TOOL = "unknown_tool"
    BAD_ARGUMENTS = "bad_arguments"
    SEVERAL_CALLS = "several_calls"
    TEXT_AFTER_CALL = "text_after_call"
    CUT_OFF = "cut_off"
    TOO_LONG = "too_long"


@dataclass(frozen=True)
class ToolCall:
    """A call that can be run. `arguments` is plain JSON data, valid for the tool's schema."""

    name: str
    arguments: dict[str, Any]
    raw: str


@dataclass(frozen=True)
class Malformed:
    """A call that cannot be run. `message` tells the model what to change."""

    reason: MalformedReason
    message: str
    raw: str


def parse_turn(text: str, tools: Sequence[Tool]) -> ToolCall | Malformed | None:
    """The call in an assistant turn, what is wrong with it, or None if there is no call."""
    parts = split_turn(text)
    calls = [part for part in parts if part.kind == "call"]
    if not calls:
        return _stray_close(text, parts)
    raw = text[calls[0].start : calls[0].end]
    if len(calls) > 1:
        return Malformed(
            MalformedReason.SEVERAL_CALLS,
            "Error: nothing was run. Make one call, then wait for its result.",
            text[calls[0].start : calls[-1].end],
        )
    problem = _check(calls[0], tools)
    if problem is None and text[calls[0].end :].strip():
        message = "Error: nothing was run. Write nothing after a call; its result comes next."
        return Malformed(MalformedReason.TEXT_AFTER_CALL, message, text[calls[0].start :])
    if problem is None:
        return ToolCall(calls[0].value["name"], calls[0].value["arguments"], raw)
    return Malformed(problem[0], f"Error: {problem[1]}", raw)


def render_call(name: str, arguments: dict[str, Any]) -> str:
    """The text of a call, exactly as Qwen's chat templates write it."""
    call = json.dumps({"name": name, "arguments": arguments}, ensure_ascii=False)
    return f"{TOOL_CALL_OPEN}\n{call}\n{TOOL_CALL_CLOSE}"


def _check(part: Part, tools: Sequence[Tool]) -> tuple[MalformedReason, str] | None:
    call = part.value
    if part.end - part.start > MAX_CALL_CHARS:
        return MalformedReason.TOO_LONG, f"the call is longer than {MAX_CALL_CHARS} characters."
    if not part.closed:
        return MalformedReason.CUT_OFF, "the call was cut off. Write it again, shorter."
    if isinstance(call, Exception):
        return MalformedReason.BAD_JSON, f"the call is not valid JSON: {_why(call)}."
    if not isinstance(call, dict) or set(call) != {"name", "arguments"}:
        return MalformedReason.BAD_CALL, 'the call must be {"name": ..., "arguments": {...}}.'
    name, arguments = call["name"], call["arguments"]
    if not isinstance(name, str) or not isinstance(arguments, dict):
        return MalformedReason.BAD_CALL, '"name" must be a string, "arguments" an object.'
    tool = next((tool for tool in tools if tool.name == name), None)
    if tool is None:
        names = ", ".join(tool.name for tool in tools) or "none"
        return MalformedReason.UNKNOWN_TOOL, f"no tool {name[:40]!r}. Available: {names}."
    if not _is_text(arguments):
        return MalformedReason.BAD_JSON, "the call holds half of a surrogate pair."
    try:
        tool.validate(arguments)
    except ValueError as error:
        return MalformedReason.BAD_ARGUMENTS, f"wrong arguments for {name}: {error}."
    return None


def _stray_close(text: str, parts: Sequence[Part]) -> Malformed | None:
    for part in parts:
        if part.kind == "text" and TOOL_CALL_CLOSE in text[part.start : part.end]:
            message = "Error: a call was closed that was never opened."
            return Malformed(MalformedReason.BAD_CALL, message, text[part.start : part.end])
    return None


def _why(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at character {error.pos}"
    if isinstance(error, RecursionError):
        return "nested too deeply"
    return str(error).split(";", 1)[0]


def _is_text(arguments: dict[str, Any]) -> bool:
    """False for a lone surrogate, which JSON escapes can make and nothing can encode."""
    try:
        json.dumps(arguments, ensure_ascii=False).encode()
    except (UnicodeEncodeError, RecursionError):
        return False
    return True
