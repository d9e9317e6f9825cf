"""LoRA adapters of peft: merged, or as a GGUF adapter on top of the exported base."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file, save_file

from export.errors import ExportError
from export.gguf import export_adapter, export_gguf
from runtime.engines.llama_cpp import LlamaCppEngine
from runtime.models.gguf import inspect_gguf
from tests.export.conftest import random_model, tokenizer_of
from tests.export.logits import logits

TARGETS = ["q_proj", "k_proj", "v_proj", "o_proj", "up_proj", "down_proj"]
IDS = list(range(7, 47))


def adapted(folder: Path, family: str, **how):
    """A random model and a random adapter on it, saved; returns the merged model."""
    model = random_model(family)
    config = LoraConfig(**{"r": 4, "lora_alpha": 12, "target_modules": TARGETS, **how})
    wrapped = get_peft_model(model, config)
    torch.manual_seed(5)
    with torch.no_grad():
        for name, weight in wrapped.named_parameters():
            if "lora_" in name:
                weight.normal_(0, 0.1)
    wrapped.save_pretrained(folder)
    return wrapped.merge_and_unload().eval()


def wanted(model) -> np.ndarray:
    with torch.no_grad():
        return model(torch.tensor([IDS])).logits[0].numpy()


def close(a: np.ndarray, b: np.ndarray, tolerance: float) -> bool:
    return float(np.abs(a - b).max() / b.std()) < tolerance


@pytest.mark.parametrize(
    ("family", "how"),
    [
        ("llama", {}),
        ("qwen3", {"use_rslora": True}),
        ("gemma3", {"rank_pattern": {"q_proj": 2}, "alpha_pattern": {"layers.1.mlp.up_proj": 30}}),
    ],
)
def test_merged_and_apart_it_is_what_peft_computes(family, how, save, tmp_path):
    base = save(random_model(family), tokenizer_of(family), "base")
    merged_model = adapted(tmp_path / "lora", family, **how)
    exact = 5e-3 if family == "gemma3" else 1e-4
    merged = export_gguf(base, tmp_path / "merged.gguf", type="f32", adapter=tmp_path / "lora")
    assert close(logits(merged, IDS), wanted(merged_model), exact)

    plain = export_gguf(base, tmp_path / "base.gguf", type="f32")
    apart = export_adapter(base, tmp_path / "lora", tmp_path / "lora.gguf")
    assert inspect_gguf(apart).kind == "adapter"
    engine = LlamaCppEngine(plain, lora=apart, n_ctx=256, n_threads=2)
    found = np.stack(list(engine.score(IDS, 1)))
    engine.close()
    assert close(found, wanted(merged_model)[:-1], 0.05)  # the engine's KV cache is f16
    assert not close(logits(plain, IDS), wanted(merged_model), 0.5)


def test_an_adapter_that_does_not_fit_is_refused(save, tmp_path):
    base = save(random_model("llama"), tokenizer_of("llama"), "base")
    adapted(tmp_path / "lora", "gemma3")
    for export in (
        lambda out: export_gguf(base, out, adapter=tmp_path / "lora"),
        lambda out: export_adapter(base, tmp_path / "lora", out),
    ):
        with pytest.raises(ExportError, match="does not fit"):
            export(tmp_path / "out.gguf")
        assert not list(tmp_path.glob("*out.gguf*"))


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"use_dora": True}, "a DoRA"),
        ({"bias": "all"}, "trains biases"),
        ({"peft_type": "IA3"}, "of type IA3"),
        ({"init_lora_weights": "pissa_niter_4"}, "which changes the base"),
        ({"alpha_pattern": {".*q_proj": 3}}, "by a pattern"),
        ({"lora_alpha": None}, "without lora_alpha"),
    ],
)
def test_what_is_more_than_a_lora_is_refused(change, what, save, tmp_path):
    base = save(random_model("qwen3"), tokenizer_of("qwen3"), "base")
    adapted(tmp_path / "lora", "qwen3")
    file = tmp_path / "lora" / "adapter_config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | change))
    with pytest.raises(ExportError, match=what):
        export_gguf(base, tmp_path / "out.gguf", adapter=tmp_path / "lora")


def test_whole_modules_and_lost_factors_are_refused(save, tmp_path):
    base = save(random_model("qwen3"), tokenizer_of("qwen3"), "base")
    adapted(tmp_path / "lora", "qwen3")
    file = tmp_path / "lora" / "adapter_model.safetensors"
    factors = load_file(file)
    save_file({**factors, "base_model.model.model.norm.weight": torch.ones(64)}, file)
    with pytest.raises(ExportError, match=r"more than linear layers .*norm.weight"):
        export_gguf(base, tmp_path / "out.gguf", adapter=tmp_path / "lora")
    lost = next(name for name in factors if "lora_B" in name)
    save_file({name: value for name, value in factors.items() if name != lost}, file)
    with pytest.raises(ExportError, match="only one of its two factors"):
        export_gguf(base, tmp_path / "out.gguf", adapter=tmp_path / "lora")
    file.unlink()
    with pytest.raises(ExportError, match=r"has no adapter_model\.safetensors"):
        export_gguf(base, tmp_path / "out.gguf", adapter=tmp_path / "lora")
    with pytest.raises(ExportError, match=r"no adapter_config\.json"):
        export_gguf(base, tmp_path / "out.gguf", adapter=base)
