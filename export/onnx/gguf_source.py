"""A GGUF file as a Hugging Face folder of float32 weights, for builders that read nothing else."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

from export.checkpoint import reading
from export.errors import ExportError
from runtime.models.gguf import GgufInfo, inspect_gguf


def as_checkpoint(source: Path, folder: Path) -> tuple[Path, GgufInfo]:
    """Write the model in `source` to the new folder `folder`, by transformers' own reader.

    Raises ExportError or ModelError.
    """
    info = inspect_gguf(source)
    if info.kind != "model" or not info.tensors:
        raise ExportError(f"{source} is not a language model but of type '{info.kind}'")
    with reading(source):
        import torch
        from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer
        from transformers.utils import logging

        logging.disable_progress_bar()
        where, file = str(source.absolute().parent), {"gguf_file": source.name}
        config: Any = AutoConfig.from_pretrained(where, **file)
        if head := _number(source, f"{info.architecture}.attention.key_length"):
            config.head_dim = head  # transformers reads it for some architectures only
        options: dict[str, Any] = {"config": config, "dtype": torch.float32}
        with suppress(ImportError):  # transformers before 5.24 knows no other way than unpacking
            from transformers import GgufConfig

            options["quantization_config"] = GgufConfig(dequantize=True)
        model: Any = AutoModelForCausalLM.from_pretrained(where, **options, **file)
        # The weights are plain numbers now, but transformers would not save them as such.
        model.hf_quantizer, model.is_quantized = None, False
        if hasattr(model.config, "quantization_config"):
            del model.config.quantization_config
        model.save_pretrained(folder)
        AutoTokenizer.from_pretrained(where, **file).save_pretrained(folder)
    return folder, info


def _number(source: Path, key: str) -> int | None:
    from gguf import GGUFReader

    field = GGUFReader(source).get_field(key)
    return None if field is None else int(field.contents())
