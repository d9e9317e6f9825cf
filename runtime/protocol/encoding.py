"""Text to ids, where only the template can write control tokens.

A question or a tool's result may contain the text `<|im_end|>`; parsed as a control token it
would end the turn and speak as somebody else. Such texts are encoded as the plain characters
they are. Where there are none, the ids are exactly those of the whole text.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from runtime.protocol.messages import Message
from runtime.protocol.tools import Tool

if TYPE_CHECKING:
    from runtime.engines.base import Tokenizer

_TAGS = re.compile(r"<(?=/?(?:tool_call|tool_response|tools|think)>)")


def show_tags(text: str) -> str:
    """`text` with the tags of the protocol broken visibly by a space."""
    return _TAGS.sub("< ", text)


class SafeEncoder:
    """Encodes trusted text with untrusted text inside it."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._hidden: list[str] = []
        self._mark = f"HIDDEN{os.urandom(8).hex()}N"  # nobody can write it into a message

    def hide(self, text: str) -> str:
        """`text` with placeholders for control tokens, to go through a template."""
        return text if self._is_plain(text) else self._special.sub(self._placeholder, text)

    def hide_in_message(self, message: Message) -> Message:
        """`message` with its content hidden."""
        return replace(message, content=self.hide(message.content))

    def hide_in_tool(self, tool: Tool) -> Tool:
        """`tool` with its descriptions hidden."""
        parameters = self.hide(json.dumps(tool.parameters, ensure_ascii=False))
        return replace(
            tool, description=self.hide(tool.description), parameters=json.loads(parameters)
        )

    def encode(self, rendered: str) -> list[int]:
        """Ids of what the template made of hidden texts."""
        ids: list[int] = []
        parts = re.split(rf"{self._mark}(\d+)E", rendered)
        for number, part in enumerate(parts):
            if number % 2:
                ids += self._tokenizer.encode(self._hidden[int(part)], special=False)
            elif part:
                ids += self._tokenizer.encode(part, special=True)
        return ids

    def encode_between(self, before: str, content: str, after: str) -> list[int]:
        """Ids of untrusted `content` between two trusted texts."""
        if self._is_plain(content):
            return self._tokenizer.encode(before + content + after, special=True)
        return [
            *self._tokenizer.encode(before, special=True),
            *self._tokenizer.encode(content, special=False),
            *self._tokenizer.encode(after, special=True),
        ]

    def _is_plain(self, text: str) -> bool:
        # Cheaper than `special_texts`, which looks at the whole vocabulary.
        encode = self._tokenizer.encode
        return encode(text, special=True) == encode(text, special=False)

    @cached_property
    def _special(self) -> re.Pattern[str]:
        texts = sorted(self._tokenizer.special_texts(), key=len, reverse=True)
        return re.compile("|".join(map(re.escape, texts)))

    def _placeholder(self, match: re.Match[str]) -> str:
        self._hidden.append(match[0])
        return f"{self._mark}{len(self._hidden) - 1}E"
