r"""The texts that the protocol itself says to the model.

They are short on purpose: a small model on a laptop pays for every token, and reads long
instructions badly.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from runtime.protocol.calls import render_call
from runtime.protocol.messages import Message

if TYPE_CHECKING:
    from runtime.protocol.tools import Tool

_SOLVE = "Solve the problem step by step."
_USE_TOOLS = "Call a tool for what it can do better than you."
_BOX = "Put the final answer in \\boxed{}."

FORCED_ANSWER_HINT = "No more tool calls. Give the final answer now in \\boxed{}."
ANSWER_OPENING = "The final answer is \\boxed{"

REPEATED_CALL_HINT = (
    "Refused: this call was already made and its result does not change. "
    "Use that result, try something else, or give the final answer in \\boxed{}."
)

# Word for word the tool section of Qwen's templates, the wording small models know best.
_TOOLS_HEAD = (
    "# Tools\n\nYou may call one or more functions to assist with the user query.\n\n"
    "You are provided with function signatures within <tools></tools> XML tags:\n<tools>"
)
_TOOLS_TAIL = (
    "\n</tools>\n\nFor each function call, return a json object with function name and "
    "arguments within <tool_call></tool_call> XML tags:\n<tool_call>\n"
    '{"name": <function-name>, "arguments": <args-json-object>}\n</tool_call>'
)


def system_prompt(tools: Sequence[Tool]) -> str:
    """The system message of a run in which `tools` may be called."""
    return " ".join([_SOLVE, _USE_TOOLS, _BOX] if tools else [_SOLVE, _BOX])


def worked_example() -> list[Message]:
    """A solved problem to put before the first question, for models not trained on tools.

    One is enough for a 135M model to write programs instead of prose; it costs some 80 tokens.
    """
    return [
        Message("user", "What is 12 times 34?"),
        Message("assistant", render_call("code_interpreter", {"code": "print(12 * 34)"})),
        Message("tool", "408"),
        Message("assistant", "The answer is \\boxed{408}."),
    ]


def tool_instructions(tools: Sequence[Tool]) -> str:
    """The system text that tells a model of its tools, for templates that cannot."""
    schemas = (json.dumps(tool.schema(), ensure_ascii=False) for tool in tools)
    return _TOOLS_HEAD + "".join(f"\n{schema}" for schema in schemas) + _TOOLS_TAIL
