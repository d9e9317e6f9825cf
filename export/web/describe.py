"""What the page is told: `protocol.json` from the runtime's code, `model.json` from a GGUF file."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from runtime import loop, protocol
from runtime.engines import open_engine
from runtime.engines.base import Constraint
from runtime.engines.grammar import to_gbnf
from runtime.models.gguf import inspect_gguf
from runtime.protocol import (
    TOOL_CALL_CLOSE,
    TOOL_CALL_OPEN,
    ChatTemplate,
    Message,
    Tool,
    Transcript,
    calls_schema,
    system_prompt,
    text,
    tool_instructions,
    worked_example,
)
from runtime.protocol.messages import THINK_CLOSE, THINK_OPEN
from runtime.protocol.template import CHATML
from runtime.sandbox import Sandbox
from runtime.settings import Settings, ToolChoice
from runtime.tools.code_interpreter import TIMEOUT_S, code_interpreter_tool
from runtime.tools.outcome import MAX_RESULT_CHARS

ROOT = Path(__file__).parents[2]
# What reads a program and words its errors; none of it imports anything that a browser lacks.
SANDBOX_FILES = (
    "runtime/sandbox/forks.py",
    "runtime/sandbox/program.py",
    "runtime/sandbox/worker/report.py",
)
QUESTIONS = (
    "What is the remainder when the product of 47 and 83 is divided by 13?",
    "A pen costs 3 and a cup costs 7. Ann buys 4 pens and 2 cups. What is the total?",
    "Start with 58. Multiply by 6. Subtract 97. What do you get?",
)
_TEMPLATE_SECONDS = 5.0  # wall time on a phone; runtime's limit is 0.3 s of CPU time
_MAX_CONTEXT = 4096  # tokens, as in runtime; the KV cache has to fit into a phone


def describe_protocol() -> dict[str, Any]:
    """The content of `protocol.json`; src/protocol.js has its types."""
    tools = _tools()
    schema = calls_schema(tools)
    sandbox = inspect.signature(Sandbox.__init__).parameters
    settings = Settings()

    def grammar(schema: dict[str, Any] | None, opened: bool = False) -> str:
        return to_gbnf(Constraint(TOOL_CALL_OPEN, TOOL_CALL_CLOSE, schema, opened=opened))

    return {
        "version": protocol.PROTOCOL_VERSION,
        "tags": {
            "call_open": TOOL_CALL_OPEN,
            "call_close": TOOL_CALL_CLOSE,
            "response_open": protocol.TOOL_RESPONSE_OPEN,
            "response_close": protocol.TOOL_RESPONSE_CLOSE,
            "think_open": THINK_OPEN,
            "think_close": THINK_CLOSE,
        },
        "system": {"tools": system_prompt(tools), "none": system_prompt([])},
        "tools": [tool.schema() for tool in tools],
        "tool_instructions": tool_instructions(tools),
        "worked_example": [
            {"role": message.role, "content": message.content} for message in worked_example()
        ],
        "forced_answer_hint": protocol.FORCED_ANSWER_HINT,
        "answer_opening": protocol.ANSWER_OPENING,
        "repeated_call_hint": protocol.REPEATED_CALL_HINT,
        "default_template": CHATML,
        "grammars": {
            "call": grammar(schema),
            "opened_call": grammar(schema, opened=True),
            "no_call": grammar(None),
        },
        "limits": {
            "max_call_chars": text.MAX_CALL_CHARS,
            "max_decodes": text._MAX_DECODES,
            "max_result_chars": MAX_RESULT_CHARS,
            "answer_tokens": loop.ANSWER_TOKENS,
            "window_reserve": loop.WINDOW_RESERVE,
            "repeats": protocol.RepeatGuard().limit,
            "tool_seconds": TIMEOUT_S,
            "tool_output_bytes": sandbox["max_output"].default,
            "tool_memory_bytes": sandbox["memory_mb"].default << 20,
            "template_seconds": _TEMPLATE_SECONDS,
        },
        "settings": {"max_turns": settings.max_turns, "max_tokens": settings.max_tokens},
        "sandbox_files": {
            "runtime/__init__.py": "",
            "runtime/sandbox/__init__.py": "",
            "runtime/sandbox/worker/__init__.py": "",
            **{name: (ROOT / name).read_text(encoding="utf-8") for name in SANDBOX_FILES},
        },
    }


def describe_model(
    path: Path,
    *,
    untrained: bool = False,
    tool_choice: ToolChoice = "auto",
    questions: Sequence[str] = QUESTIONS,
) -> dict[str, Any]:
    """The content of `model.json`: what the page shows, and what wllama cannot tell it.

    Opens the model with llama.cpp and renders a conversation with its template, so that a file
    that no page could use is refused here. `untrained` models are shown a worked example where a
    call is required. Raises ModelError.
    """
    info = inspect_gguf(path)
    engine = open_engine("llama.cpp", path, n_ctx=256)
    try:
        tokenizer = engine.tokenizer
        template = ChatTemplate(engine.chat_template, tokenizer.bos_text, tokenizer.eos_text)
        Transcript.open(tokenizer, template, [Message("user", "Q")], _tools())
        return {
            "file": "model.gguf",
            "name": info.name or path.stem,
            "bytes": info.size,
            "sha256": _sha256(path),
            "parameters": info.parameters,
            "quantisation": info.file_type,
            "context": min(info.context_length or _MAX_CONTEXT, _MAX_CONTEXT),
            "bos_text": tokenizer.bos_text,
            "eos_text": tokenizer.eos_text,
            "special_texts": sorted(tokenizer.special_texts()),
            "tool_choice": tool_choice,
            "example": untrained and tool_choice == "required",
            "questions": list(questions),
        }
    finally:
        engine.close()


def _tools() -> list[Tool]:
    with Sandbox() as sandbox:  # only described here, so it may be closed
        return [code_interpreter_tool(sandbox)]


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()
