"""Exports against transformers: logits, token ids, greedy text, for every architecture."""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import pytest
import torch

from export.gguf import export_gguf
from runtime.engines.llama_cpp import LlamaCppEngine
from tests.export.conftest import random_model, tokenizer_of

# Both compute with the weights rounded to f16; llama.cpp rounds activations and the KV cache to
# f16 as well. The logits' spread is the yardstick.
TOLERANCE = 0.03


def rounded(model):
    """A copy with its matrices rounded to f16, as in the file."""
    copied = copy.deepcopy(model)
    with torch.no_grad():
        for weight in copied.parameters():
            if weight.dim() > 1:
                weight.copy_(weight.half().float())
    return copied


def reference(model, ids: list[int]) -> np.ndarray:
    with torch.no_grad():
        return rounded(model)(torch.tensor([ids])).logits[0, :-1].numpy()


def exported(path: Path, ids: list[int]) -> np.ndarray:
    engine = LlamaCppEngine(path, n_ctx=256, n_threads=2)
    try:
        return np.stack(list(engine.score(ids, 1)))
    finally:
        engine.close()


def difference(model, path: Path) -> float:
    """The largest difference of two logits, in standard deviations of the logits."""
    ids = torch.randint(0, 380, (60,), generator=torch.manual_seed(3)).tolist()
    wanted, found = reference(model, ids), exported(path, ids)
    return float(np.abs(wanted - found).max() / wanted.std())


@pytest.mark.parametrize("family", ["llama", "qwen2", "qwen3", "gemma3"])
def test_logits_are_those_of_transformers(family, save, tmp_path):
    model = random_model(family)
    path = export_gguf(save(model, tokenizer_of(family)), tmp_path / "m.gguf", type="f16")
    assert difference(model, path) < TOLERANCE
