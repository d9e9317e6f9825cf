"""What is trained in place of all weights."""

from __future__ import annotations

import pytest
import torch
from peft import get_peft_model
from transformers import AutoModelForCausalLM

from train.errors import TrainingError
from train.lora import lora_config, start_adapter, train_layers_only
from train.models import NANO_TEACHER


@pytest.fixture
def model():
    return AutoModelForCausalLM.from_pretrained(NANO_TEACHER, dtype=torch.float32)


def changed(model, rank: int) -> dict[str, torch.Tensor]:
    """The weights of `model`, its layers changed by a matrix of `rank`."""
    generator = torch.Generator().manual_seed(0)
    weights = {name: weight.clone() for name, weight in model.state_dict().items()}
    for name, weight in weights.items():
        if "proj" in name:
            rows, columns = weight.shape
            up = torch.randn(rows, rank, generator=generator)
            weight += 0.01 * up @ torch.randn(rank, columns, generator=generator)
    return weights


def test_an_adapter_begins_as_a_step_of_its_rank(model):
    trained = changed(model, 4)
    start = {name: weight.clone() for name, weight in model.state_dict().items()}
    adapted = get_peft_model(model, lora_config(8, 16))
    start_adapter(adapted, trained, "x")
    merged = adapted.merge_and_unload().state_dict()
    assert any(not torch.equal(start[name], weight) for name, weight in trained.items())
    for name, weight in trained.items():
        assert torch.allclose(merged[name], weight, atol=1e-5), name


def test_a_change_of_less_than_its_rank_leaves_the_rest_of_an_adapter_able_to_learn(model):
    unchanged = {name: weight.clone() for name, weight in model.state_dict().items()}
    adapted = get_peft_model(model, lora_config(8, 16))
    start_adapter(adapted, unchanged, "x")
    for name, weight in adapted.named_parameters():
        assert "lora_" not in name or bool(weight.any()) == ("lora_A" in name), name


def test_what_does_not_fit_is_cut_to_the_best_of_its_rank(model):
    trained = changed(model, 6)
    name = next(name for name in trained if name.endswith("q_proj.weight"))
    before = model.state_dict()[name].clone()
    adapted = get_peft_model(model, lora_config(2, 2))
    start_adapter(adapted, trained, "x")
    got = adapted.merge_and_unload().state_dict()[name] - before
    left, values, right = torch.linalg.svd(trained[name] - before)
    assert torch.allclose(got, (left[:, :2] * values[:2]) @ right[:2], atol=1e-5)


def test_the_weights_of_another_model_are_refused(model):
    adapted = get_peft_model(model, lora_config(2, 2))
    with pytest.raises(TrainingError, match=r"runs/x is no step .* holds no model\.layers\.0\."):
        start_adapter(adapted, {}, "runs/x")


def test_weights_that_an_adapter_cannot_change_are_not_dropped_in_silence(model):
    trained = changed(model, 2)
    name = "model.embed_tokens.weight"
    adapted = get_peft_model(model, lora_config(2, 2))
    start_adapter(adapted, trained | {name: trained[name].bfloat16()}, "runs/x")  # rounded only
    with pytest.raises(TrainingError, match=f"runs/x has another {name} .* --sft-layers-only"):
        start_adapter(adapted, trained | {name: trained[name] + 0.1}, "runs/x")
    with pytest.raises(TrainingError, match=f"runs/x has another {name}"):  # another vocabulary
        start_adapter(adapted, trained | {name: trained[name][:-1]}, "runs/x")


def test_layers_only(model):
    train_layers_only(model)
    trained = {name for name, weight in model.named_parameters() if weight.requires_grad}
    assert trained == {name for name, _ in model.named_parameters() if "_proj." in name}
