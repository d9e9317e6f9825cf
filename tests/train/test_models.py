"""Models in, student out: every bad source is one line, and a saved student is a whole one."""

from __future__ import annotations

import copy
import errno
import json
import os
from pathlib import Path

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from export.gguf import export_gguf
from runtime.models import resolve_model
from runtime.tools.code_interpreter import code_interpreter_tool
from tests.models.adapters import write_adapter
from train import models
from train.config import RunConfig
from train.errors import TrainingError
from train.models import chat_template_of, find_model, load_policy, load_teacher, save_student
from train.nano.model import random_model, train_tokenizer
from train.rollout.tokenizer import HFTokenizer

CONFIG = RunConfig()
SHAPE = random_model("student", 0).config
LAYERS, WIDTH, FFN = SHAPE.num_hidden_layers, SHAPE.hidden_size, SHAPE.intermediate_size


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerFast:
    return train_tokenizer(code_interpreter_tool(None), problems=300)


@pytest.fixture
def folder(tmp_path: Path, tokenizer: PreTrainedTokenizerFast) -> Path:
    """A sound model, for a test to break."""
    save_student(random_model("student", 0), tokenizer, tmp_path / "model")
    return tmp_path / "model"


def edit(file: Path, **changes: object) -> None:
    file.write_text(json.dumps({**json.loads(file.read_text()), **changes}))


def fails(source: object, *words: str, config: RunConfig = CONFIG) -> None:
    with pytest.raises(TrainingError) as caught:
        load_teacher(str(source), config)
    text = str(caught.value)
    assert "\n" not in text and len(text) < 500
    for word in words:
        assert word in text, text


def test_what_is_saved_is_loaded_again(folder, tokenizer):
    model, again, eos_ids = load_policy(str(folder), CONFIG, 0)
    for name, weight in random_model("student", 0).state_dict().items():
        assert torch.equal(weight, model.state_dict()[name]), name
    assert chat_template_of(again) == tokenizer.chat_template
    assert again.get_vocab() == tokenizer.get_vocab()
    assert set(eos_ids) == set(HFTokenizer(tokenizer).eog_ids)  # where rollouts ended


def test_a_saved_tokenizer_still_knows_control_tokens(tmp_path, tokenizer):
    HFTokenizer(tokenizer).encode("<|im_end|>", special=False)  # leaves a switch in the backend
    save_student(random_model("student", 0), tokenizer, tmp_path / "model")
    again = load_policy(str(tmp_path / "model"), CONFIG, 0)[1]
    assert again("<|im_end|>").input_ids == [again.eos_token_id]


def test_what_is_trained_is_float32_and_what_is_frozen_as_asked(folder):
    narrow, lora = RunConfig(dtype="bfloat16"), RunConfig(dtype="bfloat16", lora_rank=4)
    assert load_policy(str(folder), narrow, 0)[0].dtype == torch.float32
    assert load_policy(str(folder), lora, 0)[0].dtype == torch.bfloat16
    assert load_teacher(str(folder), narrow)[0].dtype == torch.bfloat16


def test_a_teacher_is_frozen(folder):
    teacher = load_teacher(str(folder), RunConfig(teacher_load="offload"))[0]
    assert not teacher.training and teacher.device.type == "cpu"
    assert not any(weight.requires_grad for weight in teacher.parameters())


def test_nano_is_drawn_from_the_seed(folder, monkeypatch):
    monkeypatch.setattr(models, "NANO_TEACHER", folder)
    one, other = (load_policy("nano", CONFIG, seed)[0].state_dict() for seed in (1, 2))
    name = "model.layers.0.mlp.up_proj.weight"
    assert torch.equal(one[name], random_model("student", 1).state_dict()[name])
    assert not torch.equal(one[name], other[name])
    assert torch.equal(
        load_teacher("nano", CONFIG)[0].state_dict()[name],
        random_model("student", 0).state_dict()[name],
    )


def test_nano_without_its_teacher(tmp_path, monkeypatch):
    monkeypatch.setattr(models, "NANO_TEACHER", tmp_path / "teacher")
    fails("nano", "make_teacher")


@pytest.mark.parametrize("source", ["", "no such model", "/no/such/folder", "here/model.gguf"])
def test_no_model(source):
    if source:
        fails(source, source, "give a folder, a .gguf file or a Hugging Face id")
    else:
        assert find_model(source) == Path()  # the working folder, which is not a model
        fails(source, "config.json")


@pytest.mark.parametrize("source", ["no-such-org/no-such-model", "no-such-org/model@v1"])
def test_an_id_without_network(source, monkeypatch):
    monkeypatch.setenv("SOD_AGENT_OFFLINE", "1")
    fails(source, source, "not in the cache", "downloads are off")


def test_a_file_that_is_no_model(tmp_path):
    (tmp_path / "weights.bin").write_bytes(b"x")
    fails(tmp_path / "weights.bin", "neither a folder nor a .gguf file")


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("config.json", None, ["no config.json"]),
        ("config.json", b"{", ["config", "JSON"]),
        ("model.safetensors", None, [".safetensors", "pickled"]),
        ("model.safetensors", b"", ["model.safetensors is damaged"]),
        ("model.safetensors", b"x" * 500, ["model.safetensors is damaged"]),
        ("tokenizer.json", None, ["no tokenizer"]),
        ("tokenizer.json", b"{", ["the tokenizer of"]),
    ],
)
def test_a_folder_with_something_missing_or_broken(folder, name, content, words):
    file = folder / name
    file.unlink() if content is None else file.write_bytes(content)
    fails(folder, *words)


@pytest.mark.parametrize("share", [0.01, 0.5, 0.999])
def test_weights_cut_short(folder, share):
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[: int(file.stat().st_size * share)])
    fails(folder, str(file), "damaged")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"model_type": "t5", "architectures": None}, ["no causal language model but a t5"]),
        ({"architectures": ["Qwen3ForSequenceClassification"]}, ["Qwen3ForSequenceClassification"]),
        ({"model_type": "own", "auto_map": {"AutoConfig": "own.Own"}}, ["such code is not run"]),
        # transformers would fill these in with random numbers
        (
            {"num_hidden_layers": LAYERS + 1, "layer_types": None},
            ["lacks 11 weights", f"model.layers.{LAYERS}."],
        ),
        (
            {"intermediate_size": 32},
            [f"{3 * LAYERS} weights of other shapes", f"({WIDTH}, {FFN}), not ({WIDTH}, 32)"],
        ),
    ],
)
def test_a_config_of_something_else(folder, changes, words):
    edit(folder / "config.json", **changes)
    fails(folder, *words)


def test_a_lora_adapter_alone(folder):
    (folder / "config.json").rename(folder / "adapter_config.json")
    fails(folder, "LoRA adapter")


def test_a_tokenizer_that_cannot_end_a_turn(folder):
    edit(folder / "tokenizer_config.json", eos_token=None)
    fails(folder, "eos_token")


def test_a_tokenizer_without_padding_pads_with_its_end(folder):
    edit(folder / "tokenizer_config.json", pad_token=None)
    assert load_policy(str(folder), CONFIG, 0)[1].pad_token == "<|im_end|>"


@pytest.mark.parametrize(
    ("size", "words"), [(0, ["empty"]), (3, ["GGUF"]), (5000, ["not a valid"])]
)
def test_a_gguf_cut_short(tmp_path, size, words):
    # A whole one is not loaded here: transformers takes half a minute for it.
    with resolve_model("smollm2-135m").path.open("rb") as whole:
        (tmp_path / "cut.gguf").write_bytes(whole.read(size))
    fails(tmp_path / "cut.gguf", "cut.gguf", *words)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_eight_bits_without_a_gpu(folder):
    config = RunConfig(teacher_load="8bit")
    fails(folder, "8bit needs a CUDA GPU", "offload", config=config)


def test_a_model_that_does_not_fit(folder, monkeypatch):
    def full(*_: object, **__: object) -> None:
        raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: 9 bytes")

    monkeypatch.setattr("transformers.AutoModelForCausalLM.from_pretrained", full)
    fails(folder, "does not fit into memory", "--dtype bfloat16")


def test_an_adapter_is_merged_and_goes_on_training(tmp_path, tokenizer):
    from peft import LoraConfig, get_peft_model

    lora = LoraConfig(r=4, target_modules="all-linear", init_lora_weights=False)
    model = get_peft_model(random_model("student", 0), lora)
    before = copy.deepcopy(model.state_dict())
    save_student(model, tokenizer, tmp_path / "student")
    merged = load_policy(str(tmp_path / "student"), CONFIG, 0)[0]
    ids = torch.arange(20)[None]
    with torch.no_grad():
        assert torch.allclose(merged(ids).logits, model.eval()(ids).logits, atol=1e-4)
        assert not torch.allclose(merged(ids).logits, random_model("student", 0)(ids).logits)
    assert all(torch.equal(before[name], weight) for name, weight in model.state_dict().items())


def test_saving_again_replaces_the_folder(folder, tokenizer):
    (folder / "left-over.txt").write_text("x")
    save_student(random_model("student", 7), tokenizer, folder)
    assert not (folder / "left-over.txt").exists()
    assert list(folder.parent.iterdir()) == [folder]
    name = "model.norm.weight"
    assert torch.equal(
        load_policy(str(folder), CONFIG, 0)[0].state_dict()[name],
        random_model("student", 7).state_dict()[name],
    )


def test_a_full_disk_leaves_what_was_there(folder, tokenizer, monkeypatch):
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    before = {file.name: file.read_bytes() for file in folder.iterdir()}
    monkeypatch.setattr(tokenizer.__class__, "save_pretrained", full)
    with pytest.raises(TrainingError, match="no space left on the disk"):
        save_student(random_model("student", 7), tokenizer, folder)
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == before
    assert list(folder.parent.iterdir()) == [folder]


def test_a_quantised_gguf_is_unpacked_to_be_trained(tmp_path, tokenizer):
    shape = {"hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2, "vocab_size": 768}
    heads = {"num_attention_heads": 4, "num_key_value_heads": 2}
    model = LlamaForCausalLM(LlamaConfig(**shape, **heads, eos_token_id=2))
    save_student(model, tokenizer, tmp_path / "whole")
    file = export_gguf(tmp_path / "whole", tmp_path / "small.gguf", type="q8_0")
    loaded, again, _ = load_policy(str(file), CONFIG, 0)
    assert {weight.dtype for weight in loaded.parameters()} == {torch.float32}
    assert "quantization_config" not in loaded.config.to_dict()
    for name, weight in model.named_parameters():
        assert torch.allclose(weight, loaded.get_parameter(name), atol=1e-3), name
    save_student(loaded, again, tmp_path / "student")
    saved, _, _ = load_policy(str(tmp_path / "student"), CONFIG, 0)
    assert torch.equal(saved.lm_head.weight, loaded.lm_head.weight)


def test_a_short_name_is_the_file_that_the_device_runs(tmp_path, monkeypatch):
    base = resolve_model("smollm2-135m").path
    assert find_model("smollm2-135m") == base
    adapter = tmp_path / "adapter.gguf"
    write_adapter(adapter, {"blk.0.attn_q.weight": (576, 576)})
    (tmp_path / "sod-agent").mkdir()
    (tmp_path / "sod-agent" / "models.toml").write_text(
        f'[models.tuned]\nbase = "smollm2-135m"\nlora = {{ path = "{adapter}" }}\n'
    )
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    with pytest.raises(TrainingError, match="tuned is a base with an adapter on top"):
        find_model("tuned")
