"""The step benchmark: its shapes are those of the paper's models, and its figures add up."""

from __future__ import annotations

import json

import pytest
import torch
from transformers import PreTrainedTokenizerFast

from benchmarks.training import step_share
from runtime.sandbox import Sandbox
from runtime.tools.code_interpreter import code_interpreter_tool
from train.nano.model import train_tokenizer


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerFast:
    with Sandbox() as sandbox:
        return train_tokenizer(code_interpreter_tool(sandbox), problems=200)


@pytest.mark.parametrize(("role", "weights"), [("student", 0.596e9), ("teacher", 4.02e9)])
def test_the_qwen3_shapes_have_the_published_number_of_weights(tokenizer, role, weights):
    with torch.device("meta"):
        model = step_share.random_model("qwen3-0.6b", role, tokenizer)
    assert model.num_parameters() == pytest.approx(weights, rel=0.005)
    assert model.lm_head.weight is model.model.embed_tokens.weight
    assert model.config.rope_parameters["rope_theta"] == 1e6


def test_the_stages_of_a_nano_step_are_the_whole_step(tokenizer, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")  # undone afterwards, as main does not
    tokenizer.save_pretrained(tmp_path)
    torch.manual_seed(0)
    step_share.random_model("nano", "student", tokenizer).save_pretrained(tmp_path)
    file = tmp_path / "figures.json"
    step_share.main(
        file, "nano", str(tmp_path), problems=1, group=2, tokens=24, steps=1, device="cpu"
    )
    figures = {row["name"]: row["value"] for row in json.loads(file.read_text())["figures"]}
    shares = [figures[f"share of {stage}"] for stage in step_share.STAGES]
    assert sum(shares) == pytest.approx(100)
    assert all(share > 0 for share in shares)
    assert figures["tokens trained on"] < figures["tokens written"]
    assert "share of rollout" in capsys.readouterr().out
