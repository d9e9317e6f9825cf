"""The ONNX engine: ONNX Runtime on the CPU, over a folder that `python -m export.onnx` writes.

Plain ONNX Runtime and not onnxruntime-genai: the two are equally fast (benchmarks/), and with the
cache in our own arrays a prompt's shared beginning is kept, cut back and stored to the token.
Needs the extra `onnx`: onnxruntime, tokenizers and llguidance.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

try:
    import numpy as np
    import onnxruntime
    import tokenizers  # noqa: F401  # so that what is missing is told here
    from numpy.typing import NDArray

    from runtime.engines.onnx_grammar import Guide, Vocabulary
    from runtime.engines.onnx_sampler import OnnxSampler
    from runtime.engines.onnx_session import OnnxSession
except ModuleNotFoundError as error:
    from runtime.errors import UsageError as _UsageError

    raise _UsageError(
        f"the ONNX engine needs {error.name}: run `pip install 'sod-agent[onnx]'`"
    ) from error

from runtime.engines.base import Constraint, Sampling
from runtime.engines.cores import physical_cores
from runtime.engines.local import (
    DEFAULT_CTX,
    PREFILL_BATCH,
    LocalEngine,
    LocalGeneration,
    check_threads,
    version_of,
)
from runtime.engines.onnx_tokenizer import OnnxTokenizer, read_template
from runtime.engines.prefix_cache import PrefixCache
from runtime.errors import UsageError
from runtime.models.onnx_folder import inspect_onnx


class OnnxEngine(LocalEngine):
    """Implements `runtime.engines.base.ScoringEngine` for the model in `folder`.

    `n_ctx` tokens of window (default: the model's own, at most 4096; memory is used as it fills),
    `n_threads` CPU threads (default: the physical cores this process may use), `prefix_folder`
    for the states of prompt beginnings (default: none are kept on disk).
    Raises ModelError if the model cannot be loaded, UsageError for a window that is too large.
    """

    name = "onnx"
    lora_path: str | None = None
    tokenizer: OnnxTokenizer

    def __init__(
        self,
        folder: Path,
        *,
        n_ctx: int | None = None,
        n_threads: int | None = None,
        prefix_folder: Path | None = None,
    ) -> None:
        self.model_path = str(folder)
        started = time.perf_counter()
        info = inspect_onnx(folder)
        check_threads(n_threads)
        if n_ctx is not None and not 1 <= n_ctx <= info.context_length:
            raise UsageError(
                f"--ctx {n_ctx} does not fit this model's window of {info.context_length} tokens"
            )
        self.n_ctx = n_ctx or min(info.context_length, DEFAULT_CTX)
        self.n_threads = n_threads or physical_cores()
        self.tokenizer = OnnxTokenizer(folder, info)
        self.chat_template = read_template(folder)
        self._session: OnnxSession | None = OnnxSession(info, self.n_ctx, self.n_threads)
        self._logits: NDArray[np.float32] | None = None  # (V,), after the last evaluated token
        prefixes = None
        if prefix_folder is not None:
            files = [version_of(file) for file in sorted(info.graph.parent.iterdir())]
            facts = files, version_of(folder / "tokenizer.json"), onnxruntime.__version__
            prefixes = PrefixCache(prefix_folder, facts, PREFILL_BATCH)
        super().__init__(prefixes)
        self.load_s = time.perf_counter() - started

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """The tokens for constrained decoding."""
        return Vocabulary(self.tokenizer)

    def _generation(
        self,
        ids: list[int],
        max_tokens: int,
        sampling: Sampling,
        constraint: Constraint | None,
        keep: int,
    ) -> OnnxGeneration:
        return OnnxGeneration(self, ids, max_tokens, sampling, constraint, keep)

    def _is_open(self) -> bool:
        return self._session is not None

    def _decode(self, chunk: Sequence[int]) -> None:
        assert self._session is not None
        self._logits = self._session.run(chunk, rows=1)[-1]

    def _logits_after(self, chunk: Sequence[int]) -> NDArray[np.float32]:
        assert self._session is not None
        return np.array(self._session.run(chunk, rows=len(chunk)))

    def _cut(self, length: int) -> bool:
        if self._session is not None:
            self._session.cut(length)
        return True

    def _state(self) -> bytes:
        assert self._session is not None
        return self._session.state()

    def _restore(self, state: memoryview, length: int) -> bool:
        return self._session is not None and self._session.restore(state, length)

    def close(self) -> None:
        """Free the model and its cache."""
        self._session = None


class OnnxGeneration(LocalGeneration):
    """Draws in numpy, held to a constraint by llguidance."""

    def __init__(
        self,
        engine: OnnxEngine,
        ids: list[int],
        max_tokens: int,
        sampling: Sampling,
        constraint: Constraint | None,
        keep: int,
    ) -> None:
        super().__init__(engine, ids, max_tokens, keep)
        self._onnx = engine
        self._sampler = OnnxSampler(sampling)
        self._guide = None if constraint is None else Guide(engine.vocabulary, constraint)
        self._ends = constraint is not None and constraint.schema is not None

    def _sample(self) -> tuple[int, bool]:
        logits = self._onnx._logits
        assert logits is not None
        token, guide = self._sampler.draw(logits), self._guide
        if guide is None:
            return token, False
        refused = not guide.allows(token)
        if refused:
            token = self._sampler.draw(logits, guide.mask())
        if not self._onnx.tokenizer.is_eog(token):
            guide.accept(token)
        return token, refused

    def _completes(self, token: int) -> bool:
        return self._ends and self._guide is not None and self._guide.is_complete()

    def _release(self) -> None:
        self._guide = None
