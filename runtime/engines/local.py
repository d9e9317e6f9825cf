"""What engines in this process share: one KV cache, and nothing in it evaluated twice.

What was evaluated stays in the cache; a call of `generate` finds the longest common prefix with
it and evaluates only the rest. An append-only transcript therefore costs each token once, and
`GenerationStats.evaluated` / `.reused` count it. An engine adds how tokens are evaluated, how the
cache is cut back and saved, and how a token is drawn.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from runtime.engines.base import (
    Constraint,
    FinishReason,
    Generation,
    GenerationStats,
    Sampling,
    Tokenizer,
)
from runtime.engines.prefix_cache import PrefixCache
from runtime.errors import EngineError, UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DEFAULT_CTX = 4096
MAX_THREADS = 512  # llama.cpp's own limit
PREFILL_BATCH = 512  # also how long, in tokens, Ctrl-C may have to wait
SCORE_BATCH = 64  # rows of logits at once: 39 MB for a vocabulary of 151,936


def check_threads(n_threads: int | None) -> None:
    """Raises UsageError for a number of threads that no engine takes; None is any."""
    if n_threads is not None and not 1 <= n_threads <= MAX_THREADS:
        raise UsageError(f"--threads must be from 1 to {MAX_THREADS}, not {n_threads}")


class LocalEngine(ABC):
    """The part of `runtime.engines.base.ScoringEngine` that needs no library."""

    n_ctx: int
    tokenizer: Tokenizer

    def __init__(self, prefixes: PrefixCache | None) -> None:
        self._writer: LocalGeneration | None = None  # whose tokens the cache ends in
        self._cached: list[int] = []  # the tokens whose keys and values are in the cache
        self._prefixes = prefixes

    # What an engine's library does --------------------------------------------------------------

    @abstractmethod
    def _is_open(self) -> bool: ...

    @abstractmethod
    def _decode(self, chunk: Sequence[int]) -> None:
        """Evaluate `chunk` after what the cache holds. Raises EngineError."""

    @abstractmethod
    def _logits_after(self, chunk: Sequence[int]) -> NDArray[np.float32]:
        """The same, with the logits (len(chunk), V) after each of its tokens: a copy."""

    @abstractmethod
    def _cut(self, length: int) -> bool:
        """Keep the first `length` tokens in the cache; False if this model cannot step back."""

    @abstractmethod
    def _state(self) -> bytes | memoryview:
        """The cache as bytes, for another process."""

    @abstractmethod
    def _restore(self, state: memoryview, length: int) -> bool:
        """Put a state of `length` tokens into the empty cache; False if it does not fit."""

    @abstractmethod
    def _generation(
        self,
        ids: list[int],
        max_tokens: int,
        sampling: Sampling,
        constraint: Constraint | None,
        keep: int,
    ) -> LocalGeneration: ...

    # What follows from it ------------------------------------------------------------------------

    def generate(
        self,
        ids: Sequence[int],
        *,
        max_tokens: int,
        sampling: Sampling,
        constraint: Constraint | None = None,
        keep: int = 0,
    ) -> Generation:
        """See `Engine.generate`."""
        self._check_open()
        if not ids:
            raise UsageError("there is nothing to continue: the prompt is empty")
        keep = min(keep, len(ids) - 1)
        return self._generation(list(ids), max_tokens, sampling, constraint, keep)

    def score(self, ids: Sequence[int], start: int) -> Iterator[NDArray[np.float32]]:
        """See `ScoringEngine.score`."""
        self._check_open()
        if not 1 <= start <= len(ids):
            raise UsageError(f"scoring starts at 1 to {len(ids)}, not {start}")
        if len(ids) - 1 > self.n_ctx:  # the last one is only predicted
            raise UsageError(f"{len(ids)} tokens to score, but the window has {self.n_ctx}")
        return self._score(list(ids), start)

    def _score(self, ids: list[int], start: int) -> Iterator[NDArray[np.float32]]:
        # Nothing is taken from the cache and nothing left in it: batches of other sizes round
        # differently, and what is written must not depend on what was scored before.
        try:
            self._forget()
            for at in range(start - 1, len(ids) - 1, SCORE_BATCH):
                self._check_open()
                if self._cached != ids[:at]:  # at first, or somebody has used it in between
                    self._forget()
                    self._evaluate(ids[:at])
                chunk = ids[at : min(at + SCORE_BATCH, len(ids) - 1)]
                rows = self._logits_after(chunk)
                self._cached.extend(chunk)
                yield from rows
        finally:
            if self._is_open():
                self._forget()

    def _check_open(self) -> None:
        if not self._is_open():
            raise EngineError("the engine is closed")

    def _prefill(self, ids: list[int], keep: int) -> int:
        """Have all of `ids` in the KV cache; returns how many did not have to be evaluated."""
        # A kept prefix is evaluated apart and the rest always after it, whatever the cache holds:
        # other batches round differently, and the same question must get the same answer.
        reused = self._reuse(ids[: keep + 1] if keep else ids)
        if reused < keep:
            self._forget()
            reused = keep if self._restore_prefix(ids[:keep]) else 0
            if not reused:
                self._forget()  # whatever a failed restore has left
                self._evaluate(ids[:keep])
                if self._prefixes is not None and self._prefixes.wants(keep):
                    self._prefixes.store(ids[:keep], self._state())
        self._evaluate(ids[len(self._cached) :])
        return reused

    def _reuse(self, ids: list[int]) -> int:
        """Cut the cache back to its common prefix with `ids`; returns that prefix's length."""
        limit = min(len(self._cached), len(ids) - 1)  # the last token always gives the logits
        shared = next((i for i in range(limit) if self._cached[i] != ids[i]), limit)
        if shared < len(self._cached) and not self._cut(shared):
            shared = 0
            self._forget()
        del self._cached[shared:]
        return shared

    def _restore_prefix(self, ids: list[int]) -> bool:
        state = None if self._prefixes is None else self._prefixes.load(ids)
        if state is None or not self._restore(state, len(ids)):
            return False
        self._cached.extend(ids)
        return True

    def _evaluate(self, tokens: Sequence[int]) -> None:
        for start in range(0, len(tokens), PREFILL_BATCH):
            chunk = tokens[start : start + PREFILL_BATCH]
            try:
                self._decode(chunk)
            except BaseException:  # what an interrupt has left in the cache is not known
                self._forget()
                raise
            self._cached.extend(chunk)

    def _forget(self) -> None:
        self._writer = None
        self._cached.clear()
        self._cut(0)


class LocalGeneration(ABC):
    """Implements `runtime.engines.base.Generation`."""

    def __init__(self, engine: LocalEngine, ids: list[int], max_tokens: int, keep: int) -> None:
        self.finish = FinishReason.CLOSED
        self.stats = GenerationStats()
        self._engine, self._pending = engine, ids
        self._left, self._keep = max_tokens, keep
        self._ended = False
        self.called_at = time.perf_counter()

    @abstractmethod
    def _sample(self) -> tuple[int, bool]:
        """Draw from the last logits: the token, and whether a first draw was refused."""

    @abstractmethod
    def _completes(self, token: int) -> bool:
        """Whether the constraint is complete with `token`: nothing more may follow."""

    @abstractmethod
    def _release(self) -> None:
        """Free what drawing needed. Called once or more."""

    def __iter__(self) -> Iterator[int]:
        return self

    def __next__(self) -> int:
        if self._ended:
            raise StopIteration
        if self._left <= 0:
            raise self._stop(FinishReason.LENGTH)
        if not self._advance():
            raise self._stop(FinishReason.CONTEXT)
        token, refused = self._sample()
        self._count(refused)
        self._pending.append(token)
        self._left -= 1
        if self._engine.tokenizer.is_eog(token):
            self._stop(FinishReason.EOG)
        elif self._completes(token):
            self._stop(FinishReason.CONSTRAINT)
        return token

    def _advance(self) -> bool:
        """Evaluate what is not in the cache yet; False if the window has no room for it."""
        engine, stats = self._engine, self.stats
        if len(self._pending) > engine.n_ctx:
            return False
        started = time.perf_counter()
        engine._check_open()
        if stats.generated == 0:
            stats.reused = engine._prefill(self._pending, self._keep)
            stats.evaluated = stats.prefilled = len(self._pending) - stats.reused
            stats.prefill_s = time.perf_counter() - started
        elif engine._writer is self:
            engine._evaluate(self._pending[-1:])
            stats.evaluated += 1
        else:  # another generation has used the cache in between
            stats.evaluated += len(self._pending) - engine._prefill(self._pending, 0)
        engine._writer = self
        return True

    def _count(self, refused: bool) -> None:
        stats, now = self.stats, time.perf_counter()
        stats.generated += 1
        stats.rejected += refused
        if stats.generated == 1:
            stats.ttft_s = now - self.called_at
            self._first_sample = now
        stats.decode_s = now - self._first_sample

    def _stop(self, reason: FinishReason) -> StopIteration:
        self.finish = reason
        self.close()
        return StopIteration()

    def close(self) -> None:
        """Free what drawing needed; what was evaluated stays in the engine's cache."""
        self._ended = True
        self._release()

    def __del__(self) -> None:
        self._release()


def version_of(file: Path) -> tuple[str, int, int]:
    """What a state on disk depends on, for one file: path, bytes, time of its last change in ns."""
    status = file.stat()
    return str(file.resolve()), status.st_size, status.st_mtime_ns
