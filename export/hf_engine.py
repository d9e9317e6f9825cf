"""A Hugging Face folder as an engine: the reference that exports are compared with.

transformers computes, in float32, what the checkpoint says. Tokenizer, grammar and stop tokens are
llama.cpp's, over the folder's own vocabulary (checked against its tokenizer when it is opened): a
difference between this engine and an exported file is a difference of the numbers.
"""

from __future__ import annotations

import ctypes
import inspect
import math
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from export.checkpoint import Checkpoint, one_line
from export.convert import check_vocabulary, plan_model, write_vocabulary
from export.errors import ExportError
from export.metadata import provenance_of
from export.traces import Vocabulary
from runtime.engines.base import Constraint, Sampling
from runtime.engines.cores import physical_cores
from runtime.engines.grammar import to_gbnf
from runtime.engines.llama_bindings import llama
from runtime.engines.local import DEFAULT_CTX, LocalEngine, LocalGeneration
from runtime.errors import EngineError, UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray


class HFEngine(LocalEngine):
    """Implements `runtime.engines.base.ScoringEngine` for tests and comparisons, not for speed.

    `n_ctx` is the window in tokens (default: the model's own, at most 4096). Raises ExportError
    for a folder that `export` cannot convert, UsageError for too large a window.
    """

    name = "transformers"
    lora_path: str | None = None

    def __init__(
        self, folder: Path, *, n_ctx: int | None = None, n_threads: int | None = None
    ) -> None:
        started = time.perf_counter()
        super().__init__(None)
        self.model_path = str(folder)
        checkpoint = Checkpoint(folder)
        trained = int(getattr(checkpoint.config, "max_position_embeddings", DEFAULT_CTX))
        if n_ctx is not None and not 1 <= n_ctx <= trained:
            raise UsageError(f"--ctx {n_ctx} is not from 1 to this model's window of {trained}")
        self.n_ctx = n_ctx or min(trained, DEFAULT_CTX)
        plan = plan_model(checkpoint, "f32", provenance_of(folder, folder.name))
        self.chat_template: str | None = plan.table.chat_template
        self.vocabulary = _open_vocabulary(plan)
        self.tokenizer = self.vocabulary.tokenizer
        self._model: Any = _load(folder, n_threads or physical_cores())
        # Renamed in transformers 5.
        takes = inspect.signature(self._model.forward).parameters
        self._cache_name = "cache" if "cache" in takes else "past_key_values"
        self._cut(0)
        self.load_s = time.perf_counter() - started

    def _generation(
        self,
        ids: list[int],
        max_tokens: int,
        sampling: Sampling,
        constraint: Constraint | None,
        keep: int,
    ) -> HFGeneration:
        if sampling.top_p < 1 or sampling.top_k > 0:
            raise UsageError("transformers is here to compare with: no top_p and no top_k")
        return HFGeneration(self, ids, max_tokens, sampling, constraint, keep)

    def _is_open(self) -> bool:
        return self._model is not None

    def _decode(self, chunk: Sequence[int]) -> None:
        self.logits = self._forward(chunk, 1)[0]

    def _logits_after(self, chunk: Sequence[int]) -> NDArray[np.float32]:
        return self._forward(chunk, len(chunk))

    def _cut(self, length: int) -> bool:
        if length == 0:
            from transformers import DynamicCache

            # Without the configuration its layers keep every token, so that it can be cropped.
            self._cache: Any = DynamicCache()
        elif removed := len(self._cached) - length:
            self._cache.crop(-removed)
        return True

    def _forward(self, ids: Sequence[int], rows: int) -> NDArray[np.float32]:
        """Evaluate `ids` after what is in the cache; the last `rows` rows of logits (rows, V)."""
        import torch

        if not all(0 <= token < self.vocabulary.tokenizer.n_vocab for token in ids):
            raise EngineError("transformers failed to evaluate: an id is not in the vocabulary")
        try:
            with torch.inference_mode():
                output = self._model(
                    input_ids=torch.tensor([list(ids)]),
                    use_cache=True,
                    logits_to_keep=rows,
                    **{self._cache_name: self._cache},
                )
        except RuntimeError as error:  # torch's, for want of memory for one
            raise EngineError(f"transformers failed to evaluate: {one_line(error)}") from error
        logits: NDArray[np.float32] = output.logits[0].numpy()
        return logits

    def _state(self) -> bytes:
        raise EngineError("transformers keeps no prompts on disk")

    def _restore(self, state: memoryview, length: int) -> bool:
        return False

    def close(self) -> None:
        """Free the weights."""
        self._model = self._cache = None
        self.vocabulary.close()


class HFGeneration(LocalGeneration):
    """Draws in numpy, held to a constraint by llama.cpp's grammar."""

    def __init__(
        self,
        engine: HFEngine,
        ids: list[int],
        max_tokens: int,
        sampling: Sampling,
        constraint: Constraint | None,
        keep: int,
    ) -> None:
        self._grammar: _Grammar | None = None
        super().__init__(engine, ids, max_tokens, keep)
        self._hf, self._constraint, self._tail = engine, constraint, b""
        self._temperature = sampling.temperature
        self._random = np.random.default_rng(sampling.seed)
        if constraint is not None:
            self._grammar = _Grammar(engine.vocabulary, constraint)

    def _sample(self) -> tuple[int, bool]:
        """The likeliest token that the grammar allows, after Gumbel noise if it is warm.

        The largest of the noisy logits is a draw from the softmax; the largest allowed one is a
        draw from the softmax over what is allowed.
        """
        scores = self._hf.logits.astype(np.float64)
        if self._temperature > 0:
            scores = scores / self._temperature + self._random.gumbel(size=len(scores))
        token, refused = int(scores.argmax()), False
        if self._grammar is not None:
            if not self._grammar.allows(token):
                ranked, refused = np.argsort(-scores, kind="stable").tolist(), True
                token = next((each for each in ranked if self._grammar.allows(each)), -1)
                if token < 0:
                    raise EngineError("the grammar of the tool schemas allows no token")
            self._grammar.accept(token)
        return token, refused

    def _completes(self, token: int) -> bool:
        """Whether the closing text is complete, and not merely quoted inside a JSON string."""
        if self._constraint is None or self._constraint.schema is None:
            return False
        closes = self._constraint.closes.encode()
        self._tail = (self._tail + self._hf.tokenizer.piece(token))[-len(closes) - 64 :]
        if not self._tail.rstrip().endswith(closes):
            return False
        return self._grammar is not None and self._grammar.may_end()

    def _release(self) -> None:
        if self._grammar is not None:
            self._grammar.close()
            self._grammar = None


class _Grammar:
    """llama.cpp's grammar, asked token by token. Close it: it owns C memory."""

    def __init__(self, vocabulary: Vocabulary, constraint: Constraint) -> None:
        self._lib = lib = llama()
        self._vocab = vocabulary.vocab
        text = to_gbnf(constraint).encode()
        self._sampler = lib.llama_sampler_init_grammar(self._vocab, text, b"root")
        if not self._sampler:
            raise EngineError("the tool schemas do not make a valid grammar for llama.cpp")
        self._one = lib.llama_token_data(0, 0.0, 0.0)
        self._array = lib.llama_token_data_array(ctypes.pointer(self._one), 1, -1, False)

    def allows(self, token: int) -> bool:
        self._one.id, self._one.logit = token, 0.0
        self._array.size, self._array.selected = 1, -1
        self._lib.llama_sampler_apply(self._sampler, ctypes.byref(self._array))
        return not math.isinf(self._one.logit)

    def accept(self, token: int) -> None:
        self._lib.llama_sampler_accept(self._sampler, token)

    def may_end(self) -> bool:
        return self.allows(self._lib.llama_vocab_eos(self._vocab))

    def close(self) -> None:
        if self._sampler:
            self._lib.llama_sampler_free(self._sampler)
        self._sampler = None


def _open_vocabulary(plan: Any) -> Vocabulary:
    with tempfile.TemporaryDirectory(prefix="sod-vocabulary-") as folder:
        path = Path(folder) / "vocabulary.gguf"
        plan, _ = check_vocabulary(plan, path)
        write_vocabulary(plan, path)
        return Vocabulary(path)


def _load(folder: Path, n_threads: int) -> Any:
    try:
        import torch
        from transformers import AutoModelForCausalLM, logging
    except ModuleNotFoundError as error:
        raise ExportError(
            f"{folder} is a Hugging Face folder; to run it install the extra: "
            "pip install 'sod-agent[train]'"
        ) from error
    torch.set_num_threads(n_threads)
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        model = AutoModelForCausalLM.from_pretrained(
            folder,
            dtype=torch.float32,
            trust_remote_code=False,
            local_files_only=True,
            use_safetensors=True,
        )
    except (OSError, ValueError, RuntimeError, KeyError) as error:
        raise ExportError(f"transformers cannot load {folder}: {one_line(error)}") from error
    return model.eval()
