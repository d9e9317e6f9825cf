"""LoRA adapters: a real GGUF adapter changes what the real model writes, a zero one does not."""

from __future__ import annotations

import os
from pathlib import Path

import gguf
import numpy as np
import pytest

from runtime.engines.base import Sampling
from runtime.engines.llama_cpp import LlamaCppEngine
from runtime.errors import ModelError
from runtime.models import resolve_model

HIDDEN, RANK = 576, 4  # SmolLM2-135M
PROMPT = "<|im_start|>user\nName three colours.<|im_end|>\n<|im_start|>assistant\n"


def write_lora(path: Path, scale: float, hidden: int = HIDDEN) -> Path:
    """A rank-4 adapter on every attention output projection, with weights of size `scale`."""
    writer = gguf.GGUFWriter(str(path), "llama")
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", float(RANK))
    random = np.random.default_rng(0)
    for layer in range(30):
        name = f"blk.{layer}.attn_output.weight"
        down = random.standard_normal((RANK, hidden), dtype=np.float32)
        up = random.standard_normal((hidden, RANK), dtype=np.float32) * np.float32(scale)
        writer.add_tensor(f"{name}.lora_a", down)
        writer.add_tensor(f"{name}.lora_b", up)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def write(model_path: Path, lora: Path | None) -> list[int]:
    engine = LlamaCppEngine(model_path, lora=lora, n_ctx=256, n_threads=2)
    try:
        ids = engine.tokenizer.encode(PROMPT, special=True)
        return list(engine.generate(ids, max_tokens=16, sampling=Sampling()))
    finally:
        engine.close()


def test_an_adapter_is_applied(model_path, tmp_path):
    base = write(model_path, None)
    assert write(model_path, write_lora(tmp_path / "zero.gguf", 0.0)) == base
    assert write(model_path, write_lora(tmp_path / "big.gguf", 0.5)) != base


def test_an_adapter_of_another_shape_is_one_line(model_path, tmp_path):
    lora = write_lora(tmp_path / "other.gguf", 0.1, hidden=320)
    with pytest.raises(ModelError, match="does not fit this model") as error:
        LlamaCppEngine(model_path, lora=lora, n_ctx=256)
    assert "\n" not in str(error.value)


def test_a_registry_entry_may_put_an_adapter_on_a_base(model_path, tmp_path, monkeypatch):
    write_lora(tmp_path / "zero.gguf", 0.0)
    folder = tmp_path / "sod-agent"
    folder.mkdir()
    (folder / "models.toml").write_text(
        f'[models.base]\nmodel = {{ path = "{model_path}" }}\nuntrained = true\n'
        f'[models.mine]\nbase = "base"\nlora = {{ path = "{tmp_path / "zero.gguf"}" }}\n'
    )
    monkeypatch.setitem(os.environ, "XDG_CONFIG_HOME", str(tmp_path))
    found = resolve_model("mine")
    assert found.path == model_path and found.lora == tmp_path / "zero.gguf"
    assert not found.untrained
    assert resolve_model("base").untrained
    assert write(found.path, found.lora) == write(model_path, None)
