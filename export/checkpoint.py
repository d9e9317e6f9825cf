"""A Hugging Face folder, opened without running anything it brings and without reading weights.

Weights are memory-mapped and given out in blocks of rows, so that a conversion never holds more
than it works on. Pickled weights are not read: they can run code.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from export.errors import ExportError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from transformers import PreTrainedTokenizerBase

MAX_LAYERS = 512  # of llama.cpp
_INDEX, _SINGLE = "model.safetensors.index.json", "model.safetensors"
_STORED = {"F32": "<f4", "F16": "<f2", "BF16": "<u2"}  # safetensors' name -> numpy's
_TOKENIZER_FILES = ("tokenizer.json", "tokenizer.model", "vocab.json")


@dataclass(frozen=True)
class Weight:
    """One tensor of a safetensors file, not read yet. `shape` is (rows, ...), as in PyTorch."""

    name: str
    dtype: str  # "F32", "F16" or "BF16"
    shape: tuple[int, ...]
    file: Path
    offset: int  # bytes from the beginning of the file

    def map(self) -> NDArray[Any]:
        """The stored numbers, mapped; those of BF16 as uint16. Raises OSError."""
        import numpy as np

        return np.memmap(self.file, _STORED[self.dtype], "r", self.offset, self.shape)

    def widen(self, stored: NDArray[Any]) -> NDArray[np.float32]:
        """Part of `map()` as float32: exact."""
        import numpy as np

        if self.dtype == "BF16":
            return (stored.astype(np.uint32) << 16).view(np.float32)
        return stored.astype(np.float32)


class Checkpoint:
    """The model in `folder`: its configuration, its weights by name, its tokenizer.

    Raises ExportError, one line, for a folder that is no such model.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        _check_folder(folder)
        with reading(folder):
            self.config = _load_config(folder)
        self.architecture = _architecture(folder, self.config)
        self.weights = open_weights(folder)

    @cached_property
    def tokenizer(self) -> PreTrainedTokenizerBase:
        """Its tokenizer, as training and transformers use it. Raises ExportError."""
        if not any((self.folder / name).is_file() for name in _TOKENIZER_FILES):
            raise ExportError(f"{self.folder} has no tokenizer: put its tokenizer.json there")
        with reading(self.folder, "the tokenizer of "):
            from transformers import AutoTokenizer

            tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(
                self.folder, trust_remote_code=False, local_files_only=True
            )
        if getattr(tokenizer, "backend_tokenizer", None) is None:
            raise ExportError(f"{self.folder} has no fast tokenizer: put its tokenizer.json there")
        return tokenizer

    @cached_property
    def stop_ids(self) -> tuple[int, ...]:
        """The ids that end a generation: generation_config.json's, else config.json's."""
        file = self.folder / "generation_config.json"
        ids = read_json(file).get("eos_token_id") if file.is_file() else None
        if ids is None:
            ids = getattr(self.config, "eos_token_id", None)
        listed = ids if isinstance(ids, list) else [] if ids is None else [ids]
        if any(type(token) is not int or token < 0 for token in listed):
            raise ExportError(f"{file} is damaged: eos_token_id holds what is no token id")
        return tuple(listed)


def open_weights(folder: Path, name: str = _SINGLE) -> dict[str, Weight]:
    """The weights of `folder` by name, of one file or of those an index lists.

    Raises ExportError for files that are missing, damaged or hold types that are not floats.
    """
    index = folder / _INDEX
    if (folder / name).is_file() or not index.is_file():
        return _open_file(folder / name)
    places = read_json(index).get("weight_map")
    if not isinstance(places, dict) or not all(isinstance(part, str) for part in places.values()):
        raise ExportError(f"{index} is damaged: it has no weight_map")
    parts = {part: _open_file(folder / Path(part).name) for part in sorted(set(places.values()))}
    if lost := [weight for weight, part in places.items() if weight not in parts[part]]:
        raise ExportError(f"{folder} lacks {len(lost)} weights of its index, such as {lost[0]}")
    return {weight: parts[part][weight] for weight, part in places.items()}


def read_json(file: Path) -> dict[str, Any]:
    """A JSON object; raises ExportError."""
    try:
        found = json.loads(file.read_text("utf-8"))
    except OSError as error:
        raise ExportError(f"cannot read {file}: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise ExportError(f"{file} is damaged: it is not JSON ({one_line(error)})") from error
    if not isinstance(found, dict):
        raise ExportError(f"{file} is damaged: it is not a JSON object")
    return found


@contextmanager
def reading(folder: Path, what: str = "") -> Iterator[None]:
    """One line for whatever transformers finds wrong, and none of its reports."""
    from transformers.utils import logging

    level = logging.get_verbosity()
    logging.set_verbosity(logging.CRITICAL)
    try:
        yield
    except ExportError:
        raise
    except Exception as error:
        if "trust_remote_code" in str(error):
            raise ExportError(
                f"{what}{folder} needs code that comes with it, and such code is not run: use a "
                "model that transformers knows"
            ) from error
        raise ExportError(f"cannot read {what}{folder}: {one_line(error)}") from error
    finally:
        logging.set_verbosity(level)


def one_line(error: BaseException) -> str:
    """The message of a library's exception, short and on one line."""
    return " ".join(str(error).split())[:200].rstrip(". ") or type(error).__name__


def _check_folder(folder: Path) -> None:
    if not (folder / "config.json").is_file():
        if (folder / "adapter_config.json").is_file():
            raise ExportError(
                f"{folder} is a LoRA adapter: give its base as --model and it as --lora"
            )
        raise ExportError(f"{folder} is not a model: it has no config.json")
    if not any((folder / name).is_file() for name in (_SINGLE, _INDEX)):
        pickled = any(folder.glob("pytorch_model*.bin"))
        why = "; pickled ones are not read: they can run code" if pickled else ""
        raise ExportError(f"{folder} has no model.safetensors{why}")


def _load_config(folder: Path) -> Any:
    from transformers import AutoConfig

    raw = read_json(folder / "config.json")
    layers = raw.get("num_hidden_layers", 1)
    if type(layers) is not int or not 0 < layers <= MAX_LAYERS:  # transformers would list them
        raise ExportError(f"{folder}/config.json makes no sense: num_hidden_layers is {layers}")
    return AutoConfig.from_pretrained(folder, trust_remote_code=False, local_files_only=True)


def _architecture(folder: Path, config: Any) -> str:
    """The class that transformers would build: "Qwen3ForCausalLM"."""
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES as CAUSAL

    if getattr(config, "quantization_config", None):
        raise ExportError(f"{folder} is quantised already: export the model that it was made from")
    named = config.architectures or [CAUSAL.get(config.model_type)]
    return str(named[0] or config.model_type)


def _open_file(file: Path) -> dict[str, Weight]:
    from gguf.utility import SafetensorsLocal
    from safetensors import SafetensorError, safe_open

    if not file.is_file():
        raise ExportError(f"{file.parent} lacks {file.name}: fetch it again")
    try:
        # safetensors checks that header and length agree, which the other reader does not; that
        # one knows where each tensor lies, so that it can be mapped.
        with safe_open(file, framework="np"):
            found = SafetensorsLocal(file).tensors
    except (SafetensorError, OSError, ValueError) as error:
        raise ExportError(f"{file} is damaged ({one_line(error)}): fetch it again") from error
    for name, tensor in found.items():
        if tensor.dtype not in _STORED:
            raise ExportError(
                f"{name} in {file} is stored as {tensor.dtype}: only F32, F16 and BF16 weights "
                "can be exported"
            )
    return {
        name: Weight(name, tensor.dtype, tensor.shape, file, tensor.data_range.offset)
        for name, tensor in found.items()
    }
