"""The engine of training: the agent loops of many rollouts, one batched forward.

The runtime's loop asks an engine for tokens and then announces its turn, before it reads the
first token. So `BatchEngine.generate` only notes down what is asked; the collector fills in the
tokens of all rollouts at once, and each loop goes on as on the device. A turn ends where the
device ends it: at an end-of-generation token, at the budget, or when `</tool_call>` is complete.
What is not done is to mask tokens that the tool's schema refuses, because then the tokens would
not be drawn from the policy whose log-probabilities are trained.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from runtime.engines.base import Constraint, FinishReason, GenerationStats, Sampling
from runtime.errors import EngineError
from runtime.protocol.text import split_turn

if TYPE_CHECKING:
    from train.rollout.tokenizer import HFTokenizer


class BatchGeneration:
    """Implements `runtime.engines.base.Generation`; `fill` must come before the first token."""

    def __init__(
        self, ids: list[int], max_tokens: int, sampling: Sampling, constraint: Constraint | None
    ) -> None:
        self.ids, self.max_tokens = ids, max_tokens
        self.sampling, self.constraint = sampling, constraint
        self.finish = FinishReason.CLOSED
        self.stats = GenerationStats()
        self.called_at = time.perf_counter()
        self._tokens: Iterator[int] | None = None
        self._finish = FinishReason.CLOSED

    def fill(self, tokens: Sequence[int], tokenizer: HFTokenizer) -> None:
        """Take what a sampler wrote after `ids`; tokens beyond the end of the turn are dropped."""
        kept, self._finish = self._cut(tokens, tokenizer)
        self.stats.evaluated = len(self.ids) + len(kept)
        self._tokens = iter(kept)

    def __iter__(self) -> Iterator[int]:
        return self

    def __next__(self) -> int:
        if self._tokens is None:
            raise EngineError("a rollout read tokens before the batch was sampled")
        for token in self._tokens:
            self.stats.generated += 1
            return token
        self.finish = self._finish
        raise StopIteration

    def completes_call(self, tokens: Sequence[int], tokenizer: HFTokenizer) -> bool:
        """Whether `tokens` end in the closing tag of a call, and not in prose that quotes it."""
        constraint = self.constraint
        if constraint is None or constraint.schema is None:
            return False
        text = b"".join(tokenizer.piece(token) for token in tokens).rstrip()
        if not text.endswith(constraint.closes.encode()):
            return False
        opening = constraint.opens if constraint.opened else ""
        last = split_turn(opening + text.decode("utf-8", "replace"))[-1]
        return last.kind == "call" and last.closed and not _inside_string(last.value)

    def _cut(self, tokens: Sequence[int], tokenizer: HFTokenizer) -> tuple[list[int], FinishReason]:
        """The tokens of the turn and what ended it, as the device's engine decides it."""
        for index, token in enumerate(tokens[: self.max_tokens]):
            if tokenizer.is_eog(token):
                return list(tokens[: index + 1]), FinishReason.EOG
            if tokenizer.piece(token).rstrip().endswith(b">"):
                kept = list(tokens[: index + 1])
                if self.completes_call(kept, tokenizer):
                    return kept, FinishReason.CONSTRAINT
        return list(tokens[: self.max_tokens]), FinishReason.LENGTH


class BatchEngine:
    """Implements `runtime.engines.base.Engine` for one rollout. Raises nothing by itself."""

    name = "transformers"
    lora_path: str | None = None
    load_s = 0.0

    def __init__(
        self, tokenizer: HFTokenizer, chat_template: str | None, n_ctx: int, model_path: str
    ) -> None:
        self.tokenizer, self.chat_template = tokenizer, chat_template
        self.n_ctx, self.model_path = n_ctx, model_path
        self.pending: BatchGeneration | None = None

    def generate(
        self,
        ids: Sequence[int],
        *,
        max_tokens: int,
        sampling: Sampling,
        constraint: Constraint | None = None,
        keep: int = 0,
    ) -> BatchGeneration:
        """See `Engine.generate`; the tokens come with `BatchGeneration.fill`."""
        self.pending = BatchGeneration(list(ids), max_tokens, sampling, constraint)
        return self.pending

    def close(self) -> None:
        self.pending = None


def _inside_string(value: Any) -> bool:
    """Whether the JSON of a call breaks off inside a string, which then quotes the closing tag.

    JSON that is wrong in another way is over at the tag: the student reads what was wrong with it.
    """
    return isinstance(value, json.JSONDecodeError) and value.msg.startswith("Unterminated string")
