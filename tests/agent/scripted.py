"""An engine that says what a test tells it to, with the real tokenizer: for the loop's logic only.

Everything the real engine does (KV reuse, constraints, sampling) is tested on the real one.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from runtime.engines.base import Constraint, FinishReason, GenerationStats, Sampling, Tokenizer

EOT = "<|im_end|>"


class ScriptedGeneration:
    def __init__(self, ids: list[int], finish: FinishReason, limit: int, prompt: int) -> None:
        self._ids = iter(ids[:limit])
        self.finish = FinishReason.LENGTH if len(ids) > limit else finish
        self.called_at = time.perf_counter()
        self.stats = GenerationStats(evaluated=prompt, prefilled=prompt)

    def __iter__(self) -> Iterator[int]:
        return self

    def __next__(self) -> int:
        token = next(self._ids)
        self.stats.generated += 1
        return token


class ScriptedEngine:
    """Each call of `generate` writes the next reply; `requests` keeps what it was given."""

    name = "scripted"
    model_path = "script.gguf"
    lora_path = None
    load_s = 0.0

    def __init__(
        self, tokenizer: Tokenizer, template: str | None, replies: Sequence[str], n_ctx: int = 4096
    ) -> None:
        self.tokenizer, self.chat_template, self.n_ctx = tokenizer, template, n_ctx
        self.replies = list(replies)
        self.requests: list[tuple[list[int], Constraint | None]] = []

    def generate(
        self,
        ids: Sequence[int],
        *,
        max_tokens: int,
        sampling: Sampling,
        constraint: Constraint | None = None,
        keep: int = 0,
    ) -> ScriptedGeneration:
        self.requests.append((list(ids), constraint))
        out = self.tokenizer.encode(self.replies.pop(0), special=True)
        eog = bool(out) and self.tokenizer.is_eog(out[-1])
        finish = FinishReason.EOG if eog else FinishReason.CONSTRAINT
        return ScriptedGeneration(out, finish, max_tokens, len(ids))

    def close(self) -> None:
        pass
