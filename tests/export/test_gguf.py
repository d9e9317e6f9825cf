"""Exports against transformers: logits, greedy text and stop tokens, for every architecture."""

from __future__ import annotations

import copy
import json
import random
from pathlib import Path

import gguf
import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

from export.errors import ExportError
from export.gguf import export_gguf
from runtime import Agent
from runtime.engines.base import Sampling
from runtime.engines.llama_cpp import LlamaCppEngine
from runtime.errors import ModelError
from runtime.models.gguf import inspect_gguf
from tests.export.conftest import NANO, random_model, tokenizer_of
from tests.export.logits import logits
from train.nano.problems import draw

FAMILIES = ["llama", "qwen2", "qwen3", "gemma3"]
# Largest difference of two logits, in standard deviations of the logits. In float32 llama.cpp
# and transformers agree to the last bits (Gemma's activation is a table of f16 in llama.cpp); with
# f16 weights llama.cpp rounds the activations too.
EXACT, TABLE, ROUNDED = 1e-4, 5e-3, 1e-2


def distance(model, path: Path, vocabulary: int = 380) -> float:
    """How far the logits of the file are from the model's."""
    ids = torch.randint(0, vocabulary, (60,), generator=torch.manual_seed(3)).tolist()
    with torch.no_grad():
        wanted = model(torch.tensor([ids])).logits[0].float().numpy()
    return float(np.abs(wanted - logits(path, ids)).max() / wanted.std())


def rounded(model):
    """A copy with its matrices rounded to f16, as in the file."""
    copied = copy.deepcopy(model)
    with torch.no_grad():
        for weight in copied.parameters():
            if weight.dim() > 1:
                weight.copy_(weight.half().float())
    return copied


@pytest.mark.parametrize("family", FAMILIES)
def test_logits_are_those_of_transformers(family, save, tmp_path):
    model = random_model(family)
    folder = save(model, tokenizer_of(family))
    path = export_gguf(folder, tmp_path / "f32.gguf", type="f32")
    assert distance(model, path) < (TABLE if family == "gemma3" else EXACT)
    path = export_gguf(folder, tmp_path / "f16.gguf", type="f16")
    assert distance(rounded(model), path) < ROUNDED


@pytest.mark.parametrize("family", FAMILIES)
def test_greedy_text_is_that_of_transformers(family, save, tmp_path):
    model, tokenizer = random_model(family), tokenizer_of(family)
    path = export_gguf(save(model, tokenizer), tmp_path / "m.gguf", type="f16")
    messages = [{"role": "user", "content": "What is 17 * 23? Größe, 日本."}]
    prompt = tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
    ids = tokenizer(prompt, add_special_tokens=False).input_ids
    engine = LlamaCppEngine(path, n_ctx=256, n_threads=2)
    assert engine.tokenizer.encode(prompt, special=True) == ids
    assert engine.chat_template == tokenizer.chat_template
    written = list(engine.generate(ids, max_tokens=24, sampling=Sampling()))
    engine.close()
    with torch.no_grad():
        found = rounded(model)(torch.tensor([ids + written])).logits[0, len(ids) - 1 : -1]
    # Random weights have near ties: then the token must be as good as the best up to rounding
    # (the engine keeps keys and values in f16).
    behind = found.max(1).values - found.gather(1, torch.tensor(written)[:, None])[:, 0]
    assert float((behind / found.std()).max()) < 3 * ROUNDED
    assert (behind == 0).float().mean() > 0.8


def test_greedy_text_of_a_trained_model_is_the_same(tmp_path):
    model = AutoModelForCausalLM.from_pretrained(NANO, dtype=torch.float32)
    tokenizer = AutoTokenizer.from_pretrained(NANO)
    path = export_gguf(NANO, tmp_path / "nano.gguf", type="f16")
    engine = LlamaCppEngine(path, n_ctx=256, n_threads=2)
    for question in ("Begin at 14. Plus 23. Times 6. What is the result?", "Sum of 86 and 80?"):
        messages = [{"role": "user", "content": question}]
        ids = tokenizer.apply_chat_template(messages, add_generation_prompt=True).input_ids
        wanted = model.generate(torch.tensor([ids]), max_new_tokens=40, do_sample=False)
        found = list(engine.generate(ids, max_tokens=40, sampling=Sampling()))
        assert found == wanted[0, len(ids) :].tolist()
    engine.close()


@pytest.mark.parametrize(
    ("family", "rope"),
    [
        ("llama", {"rope_type": "linear", "factor": 4.0}),
        (
            "llama",
            {
                "rope_type": "llama3",
                "factor": 8.0,
                "low_freq_factor": 1.0,
                "high_freq_factor": 4.0,
                "original_max_position_embeddings": 64,
            },
        ),
        (
            "qwen3",
            {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 128},
        ),
    ],
)
def test_scaled_positions_are_converted(family, rope, save, tmp_path):
    model = random_model(family, rope_parameters={"rope_theta": 10000.0, **rope})
    path = export_gguf(save(model, tokenizer_of(family)), tmp_path / "m.gguf", type="f32")
    assert distance(model, path) < EXACT


def test_gemmas_two_kinds_of_layers_are_converted(save, tmp_path):
    full = {"rope_type": "linear", "rope_theta": 5e5, "factor": 8.0}
    model = random_model(
        "gemma3",
        layer_types=["full_attention", "sliding_attention"] * 2,
        num_hidden_layers=4,
        rope_parameters={
            "full_attention": full,
            "sliding_attention": {"rope_type": "default", "rope_theta": 2e4},
        },
    )
    path = export_gguf(save(model, tokenizer_of("gemma3")), tmp_path / "m.gguf", type="f32")
    assert distance(model, path) < TABLE


@pytest.mark.parametrize(
    ("family", "changes", "what"),
    [
        ("qwen3", {"rope_parameters": {"rope_type": "dynamic", "factor": 2.0}}, "type dynamic"),
        ("qwen3", {"attention_bias": True}, "attention biases"),
        ("qwen3", {"hidden_act": "relu"}, "activation relu"),
        ("qwen2", {"use_sliding_window": True, "sliding_window": 8, "max_window_layers": 1}, "win"),
        ("gemma3", {"query_pre_attn_scalar": 99}, "query scale"),
        ("gemma3", {"attn_logit_softcapping": 50.0}, "capped"),
    ],
)
def test_what_llama_cpp_computes_otherwise_is_refused(family, changes, what, save, tmp_path):
    if "rope_parameters" in changes:
        changes = {"rope_parameters": {"rope_theta": 1e4, **changes["rope_parameters"]}}
    folder = save(random_model(family, **changes), tokenizer_of(family))
    with pytest.raises(ExportError, match=what):
        export_gguf(folder, tmp_path / "m.gguf")
    assert not (tmp_path / "m.gguf").exists()


def test_shards_bfloat16_and_a_tied_head_that_is_stored_too(save, tmp_path):
    model = random_model("qwen3").to(torch.bfloat16)
    folder = save(model, tokenizer_of("qwen3"), max_shard_size="60KB")
    assert len(list(folder.glob("*.safetensors"))) > 2
    path = export_gguf(folder, tmp_path / "m.gguf", type="bf16")
    tensors = {tensor.name: tensor for tensor in gguf.GGUFReader(path).tensors}
    stored = model.model.layers[1].mlp.up_proj.weight.detach().float().numpy()
    raw = tensors["blk.1.ffn_up.weight"]
    assert raw.tensor_type == gguf.GGMLQuantizationType.BF16
    assert np.array_equal(gguf.quants.dequantize(raw.data, raw.tensor_type), stored)
    assert tensors["blk.1.attn_norm.weight"].tensor_type == gguf.GGMLQuantizationType.F32
    assert "output.weight" not in tensors


def test_it_stops_where_training_stopped(save, tmp_path):
    tokenizer = copy.deepcopy(tokenizer_of("qwen3"))
    folder = save(random_model("qwen3"), tokenizer)
    pad, tool = tokenizer.pad_token_id, tokenizer.convert_tokens_to_ids("<tool_call>")
    # Neither is a text at which llama.cpp stops by itself.
    (folder / "generation_config.json").write_text(json.dumps({"eos_token_id": [1, pad, tool]}))
    engine = LlamaCppEngine(export_gguf(folder, tmp_path / "m.gguf"), n_ctx=256, n_threads=2)
    assert all(map(engine.tokenizer.is_eog, (1, pad, tool)))
    assert not engine.tokenizer.is_eog(tool + 1)
    engine.close()
    many = {"eos_token_id": [1, pad, tool, 50, 51]}
    (folder / "generation_config.json").write_text(json.dumps(many))
    with pytest.raises(ExportError, match="room for two"):
        export_gguf(folder, tmp_path / "m.gguf")


def test_the_file_says_where_it_comes_from(save, tmp_path):
    folder = save(random_model("qwen3"), tokenizer_of("qwen3"), "student")
    (folder.parent / "lock.json").write_text(
        json.dumps(
            {
                "config": {"student": "org/base", "teacher": "org/big", "method": "sod"},
                "protocol_version": 7,
            }
        )
    )
    (folder / "README.md").write_text("---\nlicense: apache-2.0\n---\nA card.\n")
    path = export_gguf(folder, tmp_path / "m.gguf", name="mine")
    fields = gguf.GGUFReader(path).fields
    assert fields["general.name"].contents() == "mine"
    assert fields["general.license"].contents() == "apache-2.0"
    assert fields["general.base_model.0.repo_url"].contents() == "https://huggingface.co/org/base"
    assert "org/big" in fields["general.description"].contents()
    assert inspect_gguf(path).protocol_version == 7
    with pytest.raises(ModelError, match="version 7 of the protocol"):
        Agent(str(path))


def test_the_nano_teacher_solves_a_problem_after_export(tmp_path):
    path = export_gguf(NANO, tmp_path / "nano.gguf", type="q8_0")
    assert inspect_gguf(path).protocol_version is None
    problems = [draw(random.Random(seed)) for seed in (1, 2, 3)]
    with Agent(str(path), n_threads=2, max_tokens=400) as agent:
        records = [agent.run(problem.question) for problem in problems]
    assert [record.answer for record in records] == [problem.answer for problem in problems]
    assert all(record.turns[0].arguments for record in records)


def test_from_gguf_to_transformers_and_back(model_path, tmp_path):
    """SmolLM2-135M: real weights and the real tokenizer."""
    where = {"pretrained_model_name_or_path": model_path.parent, "gguf_file": model_path.name}
    model = AutoModelForCausalLM.from_pretrained(
        **where, dtype=torch.float16, quantization_config=GgufConfig(dequantize=True)
    )
    tokenizer = AutoTokenizer.from_pretrained(**where)
    folder = tmp_path / "hf"
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    path = export_gguf(folder, tmp_path / "back.gguf", type="f16")
    text = "<|im_start|>user\nWhat is 17 * 23? I'm 12345 years old.\n\n\tÄh?<|im_end|>\n"
    first, second = (LlamaCppEngine(p, n_ctx=256, n_threads=2) for p in (model_path, path))
    ids = first.tokenizer.encode(text, special=True)
    assert second.tokenizer.encode(text, special=True) == ids
    first.close()
    second.close()
    before, after = logits(model_path, ids), logits(path, ids)
    # The original multiplies with 4-bit weights and 8-bit activations, the copy with f16.
    assert np.abs(before - after).mean() / before.std() < 0.05
    assert (before.argmax(1) == after.argmax(1)).mean() > 0.9


def test_a_gguf_file_is_requantised_without_python(model_path, tmp_path):
    path = export_gguf(model_path, tmp_path / "small.gguf", type="q4_0")
    before, after = inspect_gguf(model_path), inspect_gguf(path)
    assert after.file_type == "Q4_0"
    assert (after.tensors, after.parameters) == (before.tensors, before.parameters)
