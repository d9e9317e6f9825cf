"""The conversation as append-only token ids.

The first prompt is rendered once; from then on only tokens are added, so every request is a
prefix of the next and nothing the model sampled is ever tokenised again. The texts between
turns come from the model's own template, by rendering sentinels once and cutting out what
stands between them.

Where each token came from is noted when it is born: `sampled` says whether the model chose it,
`step_ids` in which of its steps (1, 2, ...; 0 for tokens it did not choose).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from runtime.errors import ModelError
from runtime.protocol.encoding import SafeEncoder, show_tags
from runtime.protocol.messages import Message, Role
from runtime.protocol.template import ChatTemplate
from runtime.protocol.tools import Tool

if TYPE_CHECKING:
    from runtime.engines.base import Tokenizer

_REPLY, _CONTENT = "QX7REPLY7ZQ", "QX7CONTENT7ZQ"


@dataclass(frozen=True)
class Seam:
    """The texts from the end of an assistant turn to a content, and from it to the next turn."""

    before: str
    after: str


@dataclass
class Transcript:
    """Token ids of one conversation. Start one with `Transcript.open`."""

    tokenizer: Tokenizer
    encoder: SafeEncoder
    tool_seam: Seam
    user_seam: Seam
    ids: list[int] = field(default_factory=list)
    sampled: list[bool] = field(default_factory=list)
    step_ids: list[int] = field(default_factory=list)
    turn: int = 0  # assistant turns opened so far
    _turn_start: int = 0
    _steps: int = 0
    _in_step: bool = False

    @classmethod
    def open(
        cls,
        tokenizer: Tokenizer,
        template: ChatTemplate,
        messages: Sequence[Message],
        tools: Sequence[Tool] = (),
        thinking: bool = False,
    ) -> Transcript:
        """Render and tokenise the first prompt, which ends where the assistant begins to write.

        Raises ModelError if the template fails or does not show the turns of a conversation.
        """
        encoder = SafeEncoder(tokenizer)
        tools = [encoder.hide_in_tool(tool) for tool in tools]
        messages = [encoder.hide_in_message(message) for message in messages]
        tool_seam = _find_seam(template, "tool", tools, thinking)
        user_seam = _find_seam(template, "user", tools, thinking)
        ids = encoder.encode(template.render(messages, tools, thinking=thinking))
        if tokenizer.add_bos and tokenizer.bos_id is not None and ids[:1] != [tokenizer.bos_id]:
            ids.insert(0, tokenizer.bos_id)
        transcript = cls(tokenizer, encoder, tool_seam, user_seam)
        transcript._open_turn(ids)
        return transcript

    def add_sampled(self, token: int) -> None:
        """A token that the model chose."""
        self._steps += not self._in_step
        self._in_step = True
        self._add([token], self._steps)

    def add_forced(self, text: str) -> None:
        """Text put into the assistant's turn without asking the model."""
        self._add(self.tokenizer.encode(text, special=True))

    def add_tool_result(self, text: str) -> None:
        """End the assistant's turn, add a tool's result and open the next turn.

        Protocol tags and control tokens in `text` stay visible, but only as text.
        """
        self._end_turn(self.tool_seam, show_tags(text))

    def add_user(self, text: str) -> None:
        """End the assistant's turn, add what the user says and open the next turn."""
        self._end_turn(self.user_seam, text)

    @property
    def turn_end(self) -> str:
        """What ends an assistant turn in the template, such as `<|im_end|>`; empty if nothing does.

        A model whose vocabulary has no such token may write it out.
        """
        lines = self.user_seam.before.split()
        return lines[0] if lines else ""

    def text_of_turn(self) -> str:
        """What stands in the current assistant turn, without what ends it."""
        text = self._raw_turn()
        return text.partition(self.turn_end)[0] if self.turn_end else text

    def _raw_turn(self) -> str:
        tokens = self.ids[self._turn_start :]
        pieces = [self.tokenizer.piece(t) for t in tokens if not self.tokenizer.is_eog(t)]
        return b"".join(pieces).decode("utf-8", errors="replace")

    def _end_turn(self, seam: Seam, content: str) -> None:
        before = seam.before
        if self.turn_end and self.turn_end in self._raw_turn():
            before = before.partition(self.turn_end)[2]  # the model wrote it out
        ids = self.encoder.encode_between(before, content, seam.after)
        # The model may have ended its turn itself, with the token that the seam begins with.
        if ids[0] == self.ids[-1] and self.tokenizer.is_eog(ids[0]):
            ids = ids[1:]
        self._open_turn(ids)

    def _open_turn(self, ids: Sequence[int]) -> None:
        self._add(ids)
        self._turn_start = len(self.ids)
        self._in_step = False
        self.turn += 1

    def _add(self, ids: Iterable[int], step: int = 0) -> None:
        for token in ids:
            self.ids.append(token)
            self.sampled.append(step > 0)
            self.step_ids.append(step)


# Seams are the template's, not the question's: asking a second question must not render them again.
_SEAMS: WeakKeyDictionary[ChatTemplate, dict[tuple[str, ...], Seam]] = WeakKeyDictionary()
_MOST_SEAMS = 16  # of one template


def _find_seam(template: ChatTemplate, role: Role, tools: Sequence[Tool], thinking: bool) -> Seam:
    known = _SEAMS.setdefault(template, {})
    key = (role, str(thinking), *(json.dumps(tool.schema()) for tool in tools))
    if key not in known:
        if len(known) >= _MOST_SEAMS:
            known.clear()
        known[key] = _cut_seam(template, role, tools, thinking)
    return known[key]


def _cut_seam(template: ChatTemplate, role: Role, tools: Sequence[Tool], thinking: bool) -> Seam:
    talk = [Message("user", "Q"), Message("assistant", _REPLY), Message(role, _CONTENT)]
    text = template.render(talk, tools, thinking=thinking)
    before, found, after = text.partition(_REPLY)[2].partition(_CONTENT)
    if not before or not found or _CONTENT in after:
        raise ModelError(f"the model's chat template does not show {role} messages as they are")
    return Seam(before, after)
