"""One ONNX graph with its keys and values: tokens in, logits out.

The arrays of the cache are ours. A graph of onnxruntime-genai's builder (GroupQueryAttention)
writes into them in place, so that stepping back is only a smaller number; other graphs return
longer arrays than they are given, and these are cut. A decode step binds the same memory again
and again, since making the bindings anew costs more than the smallest networks.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from runtime.errors import EngineError, ModelError
from runtime.models.onnx_folder import KEEP_LOGITS, OnnxInfo

_TYPES = {"tensor(float)": np.float32, "tensor(float16)": np.float16}
_INPUTS = frozenset(["input_ids", "attention_mask", "position_ids"])


class OnnxSession:
    """The graph of `info` with a cache for `n_ctx` tokens, on `n_threads` CPU threads.

    Raises ModelError if ONNX Runtime cannot load it or it is no text-generation graph.
    """

    def __init__(self, info: OnnxInfo, n_ctx: int, n_threads: int) -> None:
        self._info = info
        self._session = _open(info.graph, n_threads)
        self.n_past = 0
        self._names, dtype = self._check_inputs()
        capacity = n_ctx if info.shared_cache else 0
        shape = (1, info.kv_heads, capacity, info.head_size)
        # Zeros are memory only once they are written, so a large window costs nothing by itself.
        self._cache: dict[str, NDArray[Any]] = {
            name: np.zeros(shape, dtype) for name in self._names
        }
        self._outputs = [_present(name) for name in self._names]
        self._mask = np.ones((1, n_ctx), np.int64)
        self._positions = np.arange(n_ctx, dtype=np.int64)[None]
        self._prunes = KEEP_LOGITS in {
            each.name for each in self._session.get_overridable_initializers()
        }
        self._given = {each.name for each in self._session.get_inputs()}
        self._binding: Any = self._session.io_binding() if info.shared_cache else None
        if self._binding is not None:
            self._bind_cache(self._binding)
            self._one_row = self._one_row_of_logits()

    def run(self, ids: Sequence[int], rows: int) -> NDArray[np.float32]:
        """Evaluate `ids` after the first `n_past` tokens; logits (rows, V) of the last ones.

        What is returned is valid until the next call. Raises EngineError.
        """
        end = self.n_past + len(ids)
        feeds: dict[str, NDArray[Any]] = {
            "input_ids": np.array([ids], np.int64),
            "attention_mask": self._mask[:, :end],
            "position_ids": self._positions[:, self.n_past : end],
        }
        feeds = {name: feeds[name] for name in feeds if name in self._given}
        if self._prunes:
            feeds[KEEP_LOGITS] = np.array([rows], np.int64)
        try:
            if self._binding is None:
                logits = self._run_growing(feeds)
            else:
                logits = self._run_in_place(feeds, rows if self._prunes else len(ids))
        except Exception as error:  # of many types, none of them documented
            raise EngineError(f"ONNX Runtime failed to evaluate: {_one_line(error)}") from error
        self.n_past = end
        return logits[0, -rows:].astype(np.float32, copy=False)

    def _run_in_place(self, feeds: dict[str, NDArray[Any]], rows: int) -> NDArray[Any]:
        binding = self._binding
        for name, array in feeds.items():
            if name == KEEP_LOGITS:  # bind_cpu_input refuses what is only an initializer
                keep = ort.OrtValue.ortvalue_from_numpy(array)
                binding.bind_ortvalue_input(name, keep)
            else:
                binding.bind_cpu_input(name, array)
        if rows == 1:
            logits, value = self._one_row
            binding.bind_ortvalue_output("logits", value)
            self._session.run_with_iobinding(binding)
            return logits
        # The graph announces one row, for onnxruntime-genai; more do not fit an array of ours.
        binding.bind_output("logits")
        self._session.run_with_iobinding(binding)
        return np.asarray(binding.get_outputs()[-1].numpy())

    def _one_row_of_logits(self) -> tuple[NDArray[Any], Any]:
        array = np.zeros((1, 1, self._info.vocabulary), self._logits_type)
        return array, ort.OrtValue.ortvalue_from_numpy(array)

    def _run_growing(self, feeds: dict[str, NDArray[Any]]) -> NDArray[Any]:
        logits, *present = self._session.run(["logits", *self._outputs], feeds | self._cache)
        self._cache = dict(zip(self._names, present, strict=True))
        return np.asarray(logits)

    def cut(self, length: int) -> None:
        """Forget all but the first `length` tokens."""
        self.n_past = length
        if self._binding is None:
            self._cache = {
                name: np.ascontiguousarray(array[:, :, :length])
                for name, array in self._cache.items()
            }

    def state(self) -> bytes:
        """Keys and values of the `n_past` tokens."""
        return b"".join(array[:, :, : self.n_past].tobytes() for array in self._cache.values())

    def restore(self, state: memoryview, length: int) -> bool:
        """Put a `state()` of `length` tokens back; False if it is not of this model."""
        info, first = self._info, next(iter(self._cache.values()))
        shape = (len(self._cache), 1, info.kv_heads, length, info.head_size)
        if len(state) != int(np.prod(shape)) * first.itemsize:
            return False
        parts = np.frombuffer(state, first.dtype).reshape(shape)
        for name, part in zip(self._names, parts, strict=True):
            if self._binding is None:
                self._cache[name] = part.copy()
            else:
                self._cache[name][:, :, :length] = part
        self.n_past = length
        return True

    def _bind_cache(self, binding: Any) -> None:
        self._values = {
            name: ort.OrtValue.ortvalue_from_numpy(array) for name, array in self._cache.items()
        }
        for name, value in self._values.items():
            if value.data_ptr() != self._cache[name].ctypes.data:
                raise EngineError("ONNX Runtime copies the cache: another version is needed")
            binding.bind_ortvalue_input(name, value)
            binding.bind_ortvalue_output(_present(name), value)

    def _check_inputs(self) -> tuple[list[str], type]:
        info, path = self._info, self._info.graph
        inputs = {each.name: each for each in self._session.get_inputs()}
        outputs = {each.name: each for each in self._session.get_outputs()}
        names = [
            f"past_key_values.{layer}.{kind}"
            for layer in range(info.layers)
            for kind in ("key", "value")
        ]
        wanted = {"input_ids", *names}
        needed_outputs = {"logits", *map(_present, names)}
        if not wanted <= inputs.keys() or not needed_outputs <= outputs.keys():
            raise ModelError(f"{path} is not a text-generation graph with a cache")
        if unknown := inputs.keys() - wanted - _INPUTS:
            raise ModelError(f"{path} has an input that is not known here: {min(unknown)!r}")
        cache, logits = inputs[names[0]], outputs["logits"]
        shapes = [*cache.shape, *logits.shape]
        told = [None, info.kv_heads, None, info.head_size, None, None, info.vocabulary]
        types = {cache.type, logits.type}
        if len(shapes) != len(told) or not types <= _TYPES.keys() or _differ(shapes, told):
            raise ModelError(f"{path} and its genai_config.json are not of one model")
        self._logits_type = _TYPES[logits.type]
        return names, _TYPES[cache.type]


def _open(path: Path, n_threads: int) -> Any:
    options = ort.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = n_threads, 1
    options.log_severity_level = 4  # what fails is raised as well
    try:
        return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # of many types, none of them documented
        raise ModelError(f"ONNX Runtime cannot load {path}: {_one_line(error)}") from error


def _differ(found: Sequence[Any], told: Sequence[int | None]) -> bool:
    """Whether a size that the graph fixes is not what was told; names stand for free sizes."""
    pairs = zip(found, told, strict=True)
    return any(isinstance(size, int) and size != known for size, known in pairs if known)


def _present(name: str) -> str:
    return name.replace("past_key_values", "present", 1)


def _one_line(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text.split(" : ", 3)[-1][:200] or type(error).__name__
