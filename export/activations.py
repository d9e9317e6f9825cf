"""What each weight of a GGUF model is multiplied with, summed up while llama.cpp evaluates tokens.

llama.cpp's own tool for importance matrices works in the same way, through the callback of its
scheduler. Source: tools/imatrix/imatrix.cpp.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from export.errors import ExportError
from export.ggml import GgmlTensor, check_layout
from runtime.engines.cores import physical_cores
from runtime.engines.llama_bindings import clear_log, interrupts_deferred, last_error, llama
from runtime.errors import ModelError
from runtime.models.gguf import inspect_gguf

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

OnProgress = Callable[[int, int], None]  # tokens evaluated, tokens in all

WINDOW = 4096  # tokens; what is longer is cut
_BATCH = 256  # tokens; also how long Ctrl-C may have to wait


@dataclass
class Activations:
    """Sums of squares of each weight's input columns, shape (ne0,), and the rows summed.

    `window` is the most tokens that saw each other, `chunks` how often the KV cache was emptied.
    """

    sums: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    window: int = 0
    chunks: int = 0

    def add(self, weight: str, rows: NDArray[np.float32]) -> None:
        """Add inputs of `weight`, shape (tokens, ne0); raises ExportError if one is not finite."""
        import numpy as np

        # In double precision: sums over a whole data set would drown small squares in float32.
        squares = np.einsum("ij,ij->j", rows, rows, dtype=np.float64)
        if not np.isfinite(squares).all():
            raise ExportError(f"the inputs of {weight} are not finite: the model is broken")
        self.sums[weight] = self.sums[weight] + squares if weight in self.sums else squares
        self.counts[weight] = self.counts.get(weight, 0) + len(rows)


def measure_activations(
    model: Path,
    sequences: Sequence[Sequence[int]],
    *,
    n_threads: int | None = None,
    on_progress: OnProgress | None = None,
) -> Activations:
    """Evaluate `sequences` of token ids, each from an empty KV cache, in windows of the model's.

    Raises ExportError for ids that the model has not and for a model that cannot be measured,
    ModelError for one that cannot be loaded.
    """
    check_layout()
    if not any(sequences):
        raise ExportError("there are no token ids to calibrate on")
    info = inspect_gguf(model)
    if info.kind != "model":
        raise ModelError(f"{model} is a GGUF file of type '{info.kind}', not a model")
    with _Evaluator(model, sequences, n_threads) as evaluator:
        evaluator.run(on_progress or _silent)
        return evaluator.seen


class _Evaluator:
    """A llama.cpp context whose matrix products are looked at."""

    def __init__(
        self, model: Path, sequences: Sequence[Sequence[int]], n_threads: int | None
    ) -> None:
        self._path, self._sequences = model, sequences
        self._threads = n_threads or physical_cores()
        self._lib = llama()
        self._callback = self._lib.ggml_backend_sched_eval_callback(self._look)
        self._error: BaseException | None = None
        self._model: Any = None
        self._context: Any = None
        self._batch: Any = None
        self.seen = Activations()

    def __enter__(self) -> _Evaluator:
        try:
            with interrupts_deferred():
                self._open()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self._batch is not None:
            self._lib.llama_batch_free(self._batch)
        if self._context:
            self._lib.llama_free(self._context)
        if self._model:
            self._lib.llama_model_free(self._model)
        self._batch = self._context = self._model = None

    def _open(self) -> None:
        lib = self._lib
        clear_log()
        self._model = lib.llama_model_load_from_file(
            os.fsencode(self._path), lib.llama_model_default_params()
        )
        if not self._model:
            raise ModelError(f"llama.cpp cannot load {self._path}: {last_error()}")
        self._check_ids(lib.llama_vocab_n_tokens(lib.llama_model_get_vocab(self._model)))
        trained = lib.llama_model_n_ctx_train(self._model)
        self.seen.window = min(trained, WINDOW, max(map(len, self._sequences)))
        params = lib.llama_context_default_params()
        params.n_ctx, params.n_batch, params.n_ubatch = self.seen.window, _BATCH, _BATCH
        params.n_threads = params.n_threads_batch = self._threads
        params.no_perf = True
        params.cb_eval = self._callback
        self._context = lib.llama_init_from_model(self._model, params)
        if not self._context:
            raise ModelError(f"no memory for a window of {self.seen.window} tokens: {last_error()}")
        self._batch = lib.llama_batch_init(_BATCH, 0, 1)

    def _check_ids(self, known: int) -> None:
        ids = (token for sequence in self._sequences for token in sequence)
        bad = next((token for token in ids if not 0 <= token < known), None)
        if bad is not None:
            raise ExportError(
                f"token id {bad} is not one of the {known} of {self._path}: "
                "calibrate on traces of this model"
            )

    def run(self, on_progress: OnProgress) -> None:
        """Evaluate everything; raises ExportError."""
        done, total = 0, sum(map(len, self._sequences))
        memory = self._lib.llama_get_memory(self._context)
        for sequence in self._sequences:
            for start in range(0, len(sequence), self.seen.window):
                chunk = sequence[start : start + self.seen.window]
                self._lib.llama_memory_clear(memory, True)
                self.seen.chunks += 1
                for place in range(0, len(chunk), _BATCH):
                    part = chunk[place : place + _BATCH]
                    self._evaluate(part, place)
                    done += len(part)
                    on_progress(done, total)
        if not self.seen.sums:
            raise ExportError(f"{self._path} has no weights that an importance matrix is about")

    def _evaluate(self, ids: Sequence[int], position: int) -> None:
        batch = self._batch
        batch.n_tokens = len(ids)
        for i, token in enumerate(ids):
            batch.token[i], batch.pos[i] = token, position + i
            batch.n_seq_id[i], batch.seq_id[i][0] = 1, 0
            batch.logits[i] = 1  # or the last layer would drop all rows but one
        with interrupts_deferred():
            status = self._lib.llama_decode(self._context, batch)
        if self._error is not None:
            raise self._error
        if status != 0:
            raise ExportError(f"llama.cpp failed to evaluate ({status}): {last_error()}")

    def _look(self, pointer: int, asked: bool, _user_data: object) -> bool:
        """llama.cpp's callback: asked whether a node matters; then shown it, computed.

        No exception may leave it: ctypes would print and forget it.
        """
        if self._error is not None:
            return False  # when it is shown: compute no further
        try:
            tensor = GgmlTensor.from_address(pointer)
            weight = _weight_of(tensor)
            if not asked and weight is not None:
                self.seen.add(weight, tensor.source(1).rows())
            return weight is not None or not asked
        except BaseException as error:
            self._error = error
            return False


def _weight_of(tensor: GgmlTensor) -> str | None:
    """The name of the weight that `tensor` is a product with; None if it is none of a block's."""
    operation = tensor.operation
    if operation not in ("MUL_MAT", "MUL_MAT_ID"):
        return None
    weight = tensor.source(0)
    name: str = weight.name.decode("utf-8", "replace")
    if "#" in name:  # a copy on another device: "CUDA0#blk.0.attn_k.weight#0"
        name = name.split("#")[1]
    # Like llama.cpp's tool, without the output head, which quantisers keep at more bits.
    if not (name.startswith("blk.") and name.endswith(".weight")):
        return None
    if operation == "MUL_MAT_ID":
        raise ExportError(
            "importance matrices of mixture-of-experts models are not supported: "
            "export without calibration"
        )
    # Stacked matrices have one importance each: none of the architectures exported here has any.
    return name if weight.ne[2] == 1 else None


def _silent(_done: int, _total: int) -> None:
    pass
