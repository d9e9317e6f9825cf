"""The llama.cpp engine: one model, one KV cache, token ids in and out."""

from __future__ import annotations

import ctypes
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runtime.engines.base import Constraint, Sampling
from runtime.engines.cores import physical_cores
from runtime.engines.grammar import to_gbnf
from runtime.engines.llama_bindings import clear_log, interrupts_deferred, last_error, llama
from runtime.engines.llama_sampler import Sampler
from runtime.engines.llama_tokenizer import LlamaTokenizer
from runtime.engines.local import (
    DEFAULT_CTX,
    PREFILL_BATCH,
    LocalEngine,
    LocalGeneration,
    check_threads,
    version_of,
)
from runtime.engines.prefix_cache import PrefixCache
from runtime.errors import EngineError, ModelError, UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class LlamaCppEngine(LocalEngine):
    """Implements `runtime.engines.base.ScoringEngine`.

    `n_ctx` tokens of window (default: the model's own, at most 4096: KV memory is reserved at
    once), `n_threads` for prefill and decode (default: the physical cores this process may use),
    `prefix_folder` for the states of prompt beginnings (default: none are kept on disk).
    Raises ModelError if the file cannot be loaded, UsageError if the window is too large.
    """

    name = "llama.cpp"
    tokenizer: LlamaTokenizer

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
        prefixes = None
        if prefix_folder is not None:
            files = [path, lora, Path(self._lib.__file__)]
            versions = [version_of(file) for file in files if file is not None]
            prefixes = PrefixCache(prefix_folder, versions, PREFILL_BATCH)
        super().__init__(prefixes)

    def _open(
        self, path: Path, lora: Path | None, n_ctx: int | None, n_threads: int | None
    ) -> None:
        lib = self._lib
        check_threads(n_threads)
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

    def _generation(
        self,
        ids: list[int],
        max_tokens: int,
        sampling: Sampling,
        constraint: Constraint | None,
        keep: int,
    ) -> LlamaGeneration:
        return LlamaGeneration(self, ids, max_tokens, sampling, constraint, keep)

    def _decode(self, chunk: Sequence[int]) -> None:
        array = (self._lib.llama_token * len(chunk))(*chunk)
        self._run(self._lib.llama_batch_get_one(array, len(chunk)))

    def _logits_after(self, chunk: Sequence[int]) -> NDArray[np.float32]:
        import numpy as np  # here, so that the agent starts without it

        lib, n = self._lib, len(chunk)
        batch = lib.llama_batch_init(n, 0, 1)
        try:
            batch.n_tokens = n
            for i, token in enumerate(chunk):
                batch.token[i], batch.pos[i], batch.logits[i] = token, len(self._cached) + i, 1
                batch.n_seq_id[i], batch.seq_id[i][0] = 1, 0
            self._run(batch)
        finally:
            lib.llama_batch_free(batch)
        shape = (n, self.tokenizer.n_vocab)
        logits = np.ctypeslib.as_array(lib.llama_get_logits(self._context), shape)
        return np.array(logits, dtype=np.float32)

    def _run(self, batch: Any) -> None:
        status = self._lib.llama_decode(self._context, batch)
        if status != 0:
            raise EngineError(f"llama.cpp failed to evaluate ({status}): {last_error()}")

    def _cut(self, length: int) -> bool:
        if length == 0:
            self._lib.llama_memory_clear(self._memory, False)
            return True
        # False for recurrent models: they cannot step back.
        return bool(self._lib.llama_memory_seq_rm(self._memory, 0, length, -1))

    def _state(self) -> memoryview:
        lib = self._lib
        buffer = (ctypes.c_uint8 * lib.llama_state_seq_get_size(self._context, 0))()
        size = lib.llama_state_seq_get_data(self._context, buffer, len(buffer), 0)
        return memoryview(buffer)[:size]

    def _restore(self, state: memoryview, length: int) -> bool:
        buffer = (ctypes.c_uint8 * len(state)).from_buffer_copy(state)
        lib = self._lib
        return bool(lib.llama_state_seq_set_data(self._context, buffer, len(state), 0))

    def _is_open(self) -> bool:
        return bool(self._context)

    def close(self) -> None:
        """Free the C memory. The adapter goes with its model."""
        if self._context:
            self._lib.llama_free(self._context)
        if self._model:
            self._lib.llama_model_free(self._model)
        self._context = self._model = self._adapter = None


class LlamaGeneration(LocalGeneration):
    """Draws by a sampler chain of llama.cpp."""

    def __init__(
        self,
        engine: LlamaCppEngine,
        ids: list[int],
        max_tokens: int,
        sampling: Sampling,
        constraint: Constraint | None,
        keep: int,
    ) -> None:
        self._sampler: Sampler | None = None
        super().__init__(engine, ids, max_tokens, keep)
        self._llama, self._constraint = engine, constraint
        self._tail = b""
        grammar = None if constraint is None else to_gbnf(constraint)
        self._sampler = Sampler(engine._vocab, sampling, grammar)

    def _sample(self) -> tuple[int, bool]:
        assert self._sampler is not None
        return self._sampler.sample(self._llama._context)

    def _completes(self, token: int) -> bool:
        constraint = self._constraint
        if constraint is None:
            return False
        closes = constraint.closes.encode()
        self._tail = (self._tail + self._llama.tokenizer.piece(token))[-len(closes) - 64 :]
        if constraint.schema is None or not self._tail.rstrip().endswith(closes):
            return False
        # The closing text may be quoted inside a JSON string: then the call cannot end here.
        eos = self._llama._lib.llama_vocab_eos(self._llama._vocab)
        return self._sampler is not None and self._sampler.allows(eos)

    def _release(self) -> None:
        if self._sampler is not None:
            self._sampler.close()
            self._sampler = None
