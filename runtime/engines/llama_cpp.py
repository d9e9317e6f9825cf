"""The llama.cpp engine: one model, one KV cache, token ids in and out.

What was evaluated stays in the KV cache; a call of `generate` finds the longest common prefix
with it and evaluates only the rest. An append-only transcript therefore costs each token once,
and `GenerationStats.evaluated` / `.reused` count it.
"""

from __future__ import annotations

import ctypes
import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runtime.engines.base import Constraint, FinishReason, GenerationStats, Sampling
from runtime.engines.grammar import to_gbnf
from runtime.engines.llama_bindings import clear_log, interrupts_deferred, last_error, llama
from runtime.engines.llama_sampler import Sampler
from runtime.engines.llama_tokenizer import LlamaTokenizer
from runtime.engines.prefix_cache import PrefixCache
from runtime.errors import EngineError, ModelError, UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DEFAULT_CTX = 4096
MAX_THREADS = 512  # llama.cpp's own limit
PREFILL_BATCH = 512  # also how long, in tokens, Ctrl-C may have to wait
SCORE_BATCH = 64  # rows of logits at once: 39 MB for a vocabulary of 151,936


class LlamaCppEngine:
    """Implements `runtime.engines.base.ScoringEngine`.

    `n_ctx` tokens of window (default: the model's own, at most 4096: KV memory is reserved at
    once), `n_threads` for prefill and decode (default: the physical cores this process may use),
    `prefix_folder` for the states of prompt beginnings (default: none are kept on disk).
    Raises ModelError if the file cannot be loaded, UsageError if the window is too large.
    """

    name = "llama.cpp"

    def __init__(
        self,
        path: Path,
        *,
        lora: Path | None = None,
        n_ctx: int | None = None,
        n_threads: int | None = None,
        prefix_folder: Path | None = None,
    ) -> None:
        self._model: Any = None
        self._context: Any = None
        self._adapter: Any = None
        self.model_path, self.lora_path = str(path), None if lora is None else str(lora)
        self._lib = llama()
        started = time.perf_counter()
        clear_log()
        try:
            with interrupts_deferred():
                self._open(path, lora, n_ctx, n_threads)
        except BaseException:
            self.close()
            raise
        self.load_s = time.perf_counter() - started
        self._writer: LlamaGeneration | None = None  # whose tokens the cache ends in
        self._cached: list[int] = []  # the tokens whose keys and values are in the cache
        self._prefixes: PrefixCache | None = None
        if prefix_folder is not None:
            files = [path, lora, Path(self._lib.__file__)]
            versions = [_version_of(file) for file in files if file is not None]
            self._prefixes = PrefixCache(prefix_folder, versions, PREFILL_BATCH)

    def _open(
        self, path: Path, lora: Path | None, n_ctx: int | None, n_threads: int | None
    ) -> None:
        lib = self._lib
        if n_threads is not None and not 1 <= n_threads <= MAX_THREADS:
            raise UsageError(f"--threads must be from 1 to {MAX_THREADS}, not {n_threads}")
        if n_ctx is not None and n_ctx < 1:
            raise UsageError(f"--ctx must be a number of tokens, not {n_ctx}")
        self._model = lib.llama_model_load_from_file(
            os.fsencode(path), lib.llama_model_default_params()
        )
        if not self._model:
            raise ModelError(f"llama.cpp cannot load {path}: {last_error()}")
        if not lib.llama_model_has_decoder(self._model):
            raise ModelError(f"{path} is not a text-generation model")
        trained = lib.llama_model_n_ctx_train(self._model)
        if n_ctx is not None and n_ctx > trained:
            raise UsageError(f"--ctx {n_ctx} is more than this model's window of {trained} tokens")
        params = lib.llama_context_default_params()
        params.n_ctx = n_ctx or min(trained, DEFAULT_CTX)
        params.n_batch = params.n_ubatch = PREFILL_BATCH
        self.n_threads = params.n_threads = params.n_threads_batch = n_threads or physical_cores()
        params.no_perf = True
        self._context = lib.llama_init_from_model(self._model, params)
        if not self._context:
            raise ModelError(
                f"no memory for a window of {params.n_ctx} tokens ({last_error()}): "
                "try a smaller --ctx"
            )
        self.n_ctx: int = params.n_ctx
        self._memory = lib.llama_get_memory(self._context)
        self._vocab = lib.llama_model_get_vocab(self._model)
        self.tokenizer = LlamaTokenizer(self._vocab)
        template = lib.llama_model_chat_template(self._model, None)
        self.chat_template: str | None = template.decode("utf-8", "replace") if template else None
        if lora is not None:
            self._apply_lora(lora)

    def _apply_lora(self, path: Path) -> None:
        lib = self._lib
        self._adapter = lib.llama_adapter_lora_init(self._model, os.fsencode(path))
        if not self._adapter:
            raise ModelError(f"the LoRA {path} does not fit this model: {last_error()}")
        adapters = (lib.llama_adapter_lora_p_ctypes * 1)(self._adapter)
        scales = (ctypes.c_float * 1)(1.0)
        if lib.llama_set_adapters_lora(self._context, adapters, 1, scales) != 0:
            raise ModelError(f"the LoRA {path} cannot be applied: {last_error()}")

    def generate(
        self,
        ids: Sequence[int],
        *,
        max_tokens: int,
        sampling: Sampling,
        constraint: Constraint | None = None,
        keep: int = 0,
    ) -> LlamaGeneration:
        """See `Engine.generate`."""
        self._check_open()
        if not ids:
            raise UsageError("there is nothing to continue: the prompt is empty")
        keep = min(keep, len(ids) - 1)
        return LlamaGeneration(self, list(ids), max_tokens, sampling, constraint, keep)

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
                yield from self._logits_after(ids[at : min(at + SCORE_BATCH, len(ids) - 1)])
        finally:
            if self._context:
                self._forget()

    def _logits_after(self, chunk: Sequence[int]) -> NDArray[np.float32]:
        """Evaluate `chunk`; the logits (len(chunk), V) after each of its tokens, a copy."""
        import numpy as np  # here, so that the agent starts without it

        lib, n = self._lib, len(chunk)
        batch = lib.llama_batch_init(n, 0, 1)
        try:
            batch.n_tokens = n
            for i, token in enumerate(chunk):
                batch.token[i], batch.pos[i], batch.logits[i] = token, len(self._cached) + i, 1
                batch.n_seq_id[i], batch.seq_id[i][0] = 1, 0
            self._decode(batch)
        finally:
            lib.llama_batch_free(batch)
        self._cached.extend(chunk)
        shape = (n, self.tokenizer.n_vocab)
        logits = np.ctypeslib.as_array(lib.llama_get_logits(self._context), shape)
        return np.array(logits, dtype=np.float32)

    def close(self) -> None:
        """Free the C memory. The adapter goes with its model."""
        if self._context:
            self._lib.llama_free(self._context)
        if self._model:
            self._lib.llama_model_free(self._model)
        self._context = self._model = self._adapter = None

    def _check_open(self) -> None:
        if not self._context:
            raise EngineError("the engine is closed")

    def _reuse(self, ids: list[int]) -> int:
        """Cut the cache back to its common prefix with `ids`; returns that prefix's length."""
        limit = min(len(self._cached), len(ids) - 1)  # the last token always gives the logits
        shared = next((i for i in range(limit) if self._cached[i] != ids[i]), limit)
        if shared < len(self._cached) and not self._lib.llama_memory_seq_rm(
            self._memory, 0, shared, -1
        ):
            shared = 0  # recurrent models cannot step back
            self._lib.llama_memory_clear(self._memory, False)
        del self._cached[shared:]
        return shared

    def _prefill(self, ids: list[int], keep: int) -> int:
        """Have all of `ids` in the KV cache; returns how many did not have to be evaluated."""
        # A kept prefix is evaluated apart and the rest always after it, whatever the cache holds:
        # other batches round differently, and the same question must get the same answer.
        reused = self._reuse(ids[: keep + 1] if keep else ids)
        if reused < keep:
            self._forget()
            if self._prefixes is not None and self._prefixes.restore(self._context, ids[:keep]):
                self._cached.extend(ids[:keep])
                reused = keep
            else:
                self._forget()  # whatever a failed restore has left
                self._evaluate(ids[:keep])
                if self._prefixes is not None:
                    self._prefixes.store(self._context, ids[:keep])
                reused = 0
        self._evaluate(ids[len(self._cached) :])
        return reused

    def _forget(self) -> None:
        self._writer = None
        self._cached.clear()
        self._lib.llama_memory_clear(self._memory, False)

    def _evaluate(self, tokens: Sequence[int]) -> None:
        lib = self._lib
        for start in range(0, len(tokens), PREFILL_BATCH):
            chunk = tokens[start : start + PREFILL_BATCH]
            array = (lib.llama_token * len(chunk))(*chunk)
            self._decode(lib.llama_batch_get_one(array, len(chunk)))
            self._cached.extend(chunk)

    def _decode(self, batch: Any) -> None:
        status = self._lib.llama_decode(self._context, batch)
        if status != 0:
            self._forget()
            raise EngineError(f"llama.cpp failed to evaluate ({status}): {last_error()}")


class LlamaGeneration:
    """Implements `runtime.engines.base.Generation`."""

    def __init__(
        self,
        engine: LlamaCppEngine,
        ids: list[int],
        max_tokens: int,
        sampling: Sampling,
        constraint: Constraint | None,
        keep: int,
    ) -> None:
        self.finish = FinishReason.CLOSED
        self.stats = GenerationStats()
        self._engine, self._pending = engine, ids
        self._left, self._keep = max_tokens, keep
        self._constraint = constraint
        self._tail = b""
        self.called_at = time.perf_counter()
        grammar = None if constraint is None else to_gbnf(constraint)
        self._sampler: Sampler | None = Sampler(engine._vocab, sampling, grammar)

    def __iter__(self) -> Iterator[int]:
        return self

    def __next__(self) -> int:
        if self._sampler is None:
            raise StopIteration
        if self._left <= 0:
            raise self._stop(FinishReason.LENGTH)
        if not self._advance():
            raise self._stop(FinishReason.CONTEXT)
        token, refused = self._sampler.sample(self._engine._context)
        self._count(refused)
        self._pending.append(token)
        self._left -= 1
        if self._engine.tokenizer.is_eog(token):
            self._stop(FinishReason.EOG)
        elif self._constraint is not None and self._closes(self._constraint, token):
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

    def _closes(self, constraint: Constraint, token: int) -> bool:
        """Whether the closing text is complete, and not merely quoted inside a JSON string."""
        closes = constraint.closes.encode()
        self._tail = (self._tail + self._engine.tokenizer.piece(token))[-len(closes) - 64 :]
        if constraint.schema is None or not self._tail.rstrip().endswith(closes):
            return False
        eos = self._engine._lib.llama_vocab_eos(self._engine._vocab)
        return self._sampler is not None and self._sampler.allows(eos)

    def _stop(self, reason: FinishReason) -> StopIteration:
        self.finish = reason
        self.close()
        return StopIteration()

    def close(self) -> None:
        """Free the sampler; what was evaluated stays in the engine's cache."""
        if self._sampler is not None:
            self._sampler.close()
            self._sampler = None

    def __del__(self) -> None:
        self.close()


def _version_of(file: Path) -> tuple[str, int, int]:
    status = file.stat()
    return str(file.resolve()), status.st_size, status.st_mtime_ns


def physical_cores() -> int:
    """Cores this process may use, hyper-threads counted once: SMT siblings slow llama.cpp down."""
    if not hasattr(os, "sched_getaffinity"):
        return max(1, (os.cpu_count() or 2) // 2)
    cpus = os.sched_getaffinity(0)
    siblings = set()
    for cpu in cpus:
        path = Path(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list")
        try:
            siblings.add(path.read_text().strip())
        except OSError:
            return len(cpus)
    return len(siblings)
