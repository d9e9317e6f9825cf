"""A model's chat template: messages to text.

What a template cannot do is done for it, once and visibly: tool instructions go into the system
message, tool results into a user turn, the system message into the first user turn. Whether it
can is asked of the template itself, by rendering a probe. A template is untrusted input (see
`template_sandbox`); whatever it provokes is one `ModelError`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from runtime.errors import ModelError
from runtime.protocol.messages import (
    TOOL_CALL_OPEN,
    TOOL_RESPONSE_CLOSE,
    TOOL_RESPONSE_OPEN,
    Message,
)
from runtime.protocol.prompt import tool_instructions
from runtime.protocol.template_budget import TemplateLimit, TemplateRefusal

if TYPE_CHECKING:
    from runtime.protocol.template_sandbox import CompiledTemplate
    from runtime.protocol.tools import Tool

# For a model file without a template. Tools are added as for any template that knows none.
CHATML = """\
{%- for message in messages %}
    {{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
{%- endif %}
"""

_PROBE, _RESULT = "QX7PROBE7ZQ", "QX7RESULT7ZQ"


class ChatTemplate:
    """Renders conversations with the Jinja `source` of a model file, or with ChatML if None.

    `bos_text` and `eos_text` are the texts of the model's control tokens, "" if it has none.
    Raises ModelError if the template does not compile.
    """

    def __init__(self, source: str | None, bos_text: str = "", eos_text: str = "") -> None:
        self.source = CHATML if source is None else source
        self._special = {"bos_token": bos_text, "eos_token": eos_text}
        self._compiled = self._compile()

    def render(
        self,
        messages: Sequence[Message],
        tools: Sequence[Tool] = (),
        *,
        thinking: bool = False,
        add_generation_prompt: bool = True,
    ) -> str:
        """The text of a conversation.

        Raises ModelError if the template fails, refuses the conversation or asks for too much.
        """
        if tools and not self.supports_tools:
            messages = _with_system(messages, tool_instructions(tools))
        if not self.supports_tools:
            messages = [_as_user(message) for message in messages]
        if not self._supports_system:
            messages = _fold_system(messages)
        if self._must_alternate:
            messages = _merge(messages)
        schemas = [tool.schema() for tool in tools] if self.supports_tools else []
        return self._render(messages, schemas, thinking, add_generation_prompt)

    @cached_property
    def supports_tools(self) -> bool:
        """True if the template announces tools and shows their results in Hermes form."""
        function = {"name": _PROBE, "description": "", "parameters": {}}
        schema = {"type": "function", "function": function}
        talk = [Message("user", "Q"), Message("assistant", "A"), Message("tool", _RESULT)]
        return self._shows(talk, [_PROBE, _RESULT, TOOL_CALL_OPEN], [schema])

    @cached_property
    def _supports_system(self) -> bool:
        talk = [Message("system", _PROBE), Message("user", "Q")]
        return self._shows(talk, [_PROBE])

    @cached_property
    def _must_alternate(self) -> bool:
        return not self._shows([Message("user", "Q"), Message("user", _PROBE)], [_PROBE])

    def _shows(
        self, talk: Sequence[Message], texts: Sequence[str], schemas: Sequence[Any] = ()
    ) -> bool:
        try:
            rendered = self._render(talk, schemas, False, True)
        except ModelError as error:
            if isinstance(error.__cause__, TemplateLimit):
                raise  # an expensive template, rather than one that cannot do this
            return False
        return all(text in rendered for text in texts)

    def _compile(self) -> CompiledTemplate:
        from runtime.protocol.template_sandbox import CompiledTemplate

        try:
            return CompiledTemplate(self.source)
        except Exception as error:
            raise _model_error(error) from error

    def _render(
        self,
        messages: Sequence[Message],
        schemas: Sequence[dict[str, Any]],
        thinking: bool,
        add_generation_prompt: bool,
    ) -> str:
        variables: dict[str, Any] = {
            "messages": [{"role": m.role, "content": m.content} for m in messages],
            "tools": list(schemas) or None,
            "documents": None,
            "add_generation_prompt": add_generation_prompt,
            "enable_thinking": thinking,  # Qwen's name for it
            "thinking": thinking,  # DeepSeek's and Granite's
        }
        variables |= {name: text for name, text in self._special.items() if text}
        size = len(str(variables))
        try:
            return self._compiled.render(variables, size)
        except Exception as error:
            raise _model_error(error) from error


def _model_error(error: Exception) -> ModelError:
    reason = " ".join(str(error).split())[:200] or type(error).__name__
    if isinstance(error, TemplateRefusal):
        return ModelError(f"the model's chat template refuses this conversation: {reason}")
    if isinstance(error, TemplateLimit):
        return ModelError(f"the model's chat template is refused: {reason}")
    return ModelError(f"the model's chat template is broken: {reason}")


def _with_system(messages: Sequence[Message], extra: str) -> list[Message]:
    if messages and messages[0].role == "system":
        first = replace(messages[0], content=f"{messages[0].content}\n\n{extra}")
        return [first, *messages[1:]]
    return [Message("system", extra), *messages]


def _as_user(message: Message) -> Message:
    if message.role != "tool":
        return message
    return Message("user", f"{TOOL_RESPONSE_OPEN}\n{message.content}\n{TOOL_RESPONSE_CLOSE}")


def _fold_system(messages: Sequence[Message]) -> list[Message]:
    """The system text at the head of the first user message."""
    system = "\n\n".join(message.content for message in messages if message.role == "system")
    rest = [message for message in messages if message.role != "system"]
    if not system:
        return rest
    if rest and rest[0].role == "user":
        return [Message("user", f"{system}\n\n{rest[0].content}"), *rest[1:]]
    return [Message("user", system), *rest]


def _merge(messages: Sequence[Message]) -> list[Message]:
    """Neighbours of one role as one message."""
    merged: list[Message] = []
    for message in messages:
        if merged and merged[-1].role == message.role:
            merged[-1] = replace(message, content=f"{merged[-1].content}\n\n{message.content}")
        else:
            merged.append(message)
    return merged
