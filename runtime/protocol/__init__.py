"""What the model reads and writes: messages, tool schemas, calls, answers, transcripts.

The agent, the trainer and the graders share this package, so they can never disagree on what
the student said. It knows nothing of engines: text and token ids go in, text and ids come out.
Importing it is light; jinja2 and msgspec are imported when a template or a tool is first used.
"""

from __future__ import annotations

from runtime.protocol.answer import extract_answer
from runtime.protocol.calls import Malformed, MalformedReason, ToolCall, parse_turn, render_call
from runtime.protocol.guard import RepeatGuard
from runtime.protocol.messages import (
    PROTOCOL_VERSION,
    TOOL_CALL_CLOSE,
    TOOL_CALL_OPEN,
    TOOL_RESPONSE_CLOSE,
    TOOL_RESPONSE_OPEN,
    Message,
)
from runtime.protocol.prompt import (
    ANSWER_OPENING,
    FORCED_ANSWER_HINT,
    REPEATED_CALL_HINT,
    system_prompt,
    tool_instructions,
    worked_example,
)
from runtime.protocol.template import ChatTemplate
from runtime.protocol.text import TextStream
from runtime.protocol.tools import Tool, calls_schema, load_tools, tool
from runtime.protocol.transcript import Transcript

__all__ = [
    "ANSWER_OPENING",
    "FORCED_ANSWER_HINT",
    "PROTOCOL_VERSION",
    "REPEATED_CALL_HINT",
    "TOOL_CALL_CLOSE",
    "TOOL_CALL_OPEN",
    "TOOL_RESPONSE_CLOSE",
    "TOOL_RESPONSE_OPEN",
    "ChatTemplate",
    "Malformed",
    "MalformedReason",
    "Message",
    "RepeatGuard",
    "TextStream",
    "Tool",
    "ToolCall",
    "Transcript",
    "calls_schema",
    "extract_answer",
    "load_tools",
    "parse_turn",
    "render_call",
    "system_prompt",
    "tool",
    "tool_instructions",
    "worked_example",
]
