"""A shared prefix changes the time that a batch takes, and nothing else."""

from __future__ import annotations

import pytest
import torch

from train.config import RunConfig
from train.demonstrations import IGNORED
from train.models import load_policy
from train.shared_prefix import (
    LikeLengths,
    PrefixCollator,
    SharedPrefixModel,
    prefix_loss,
    shared_prefix,
    shares_prefix,
)

PREFIX = [5, 6, 7, 8, 9, 10]


def row(question, *turns):
    ids, labels = PREFIX + question, [IGNORED] * (len(PREFIX) + len(question))
    for learned, text in turns:
        ids, labels = ids + text, labels + (text if learned else [IGNORED] * len(text))
    return {"input_ids": ids, "labels": labels}


ROWS = [
    row([20, 21, 22], (True, [30, 31]), (False, [40]), (True, [32])),
    row([23], (True, [33, 34, 35, 36])),
    row([24, 25, 26, 27, 28], (True, [37])),
]


def test_the_prefix_is_what_all_begin_with():
    assert shared_prefix(ROWS) == PREFIX
    assert shared_prefix([*ROWS, {"input_ids": [5, 6, 1], "labels": [IGNORED] * 3}]) == [5, 6]


def test_nothing_learned_is_in_the_prefix():
    rows = [{"input_ids": [1, 2, 3, 4], "labels": [IGNORED, IGNORED, 3, 4]}] * 2
    assert shared_prefix(rows) == [1]


@pytest.mark.parametrize("lora", [0, 4])
def test_loss_and_gradients_equal_those_of_whole_rows(lora):
    model, _, _ = load_policy("nano", RunConfig(), 0)
    model.eval()
    if lora:
        from peft import get_peft_model

        from train.lora import lora_config

        torch.manual_seed(0)
        model = get_peft_model(model, lora_config(lora, 8))
        for name, weight in model.named_parameters():
            if "lora_B" in name:
                torch.nn.init.normal_(weight, std=0.1)
    trained = {name: each for name, each in model.named_parameters() if each.requires_grad}
    items = sum(label != IGNORED for each in ROWS for label in each["labels"])

    total = torch.zeros(())
    for each in ROWS:
        logits = model(input_ids=torch.tensor([each["input_ids"]])).logits[0, :-1]
        total = total + torch.nn.functional.cross_entropy(
            logits, torch.tensor(each["labels"][1:]), ignore_index=IGNORED, reduction="sum"
        )
    whole = total / items
    whole.backward()
    expected = {name: each.grad.clone() for name, each in trained.items()}
    model.zero_grad()

    shared = prefix_loss(model, PrefixCollator(PREFIX, 0)(ROWS), None)
    shared.backward()
    torch.testing.assert_close(shared, whole)
    for name, each in trained.items():
        torch.testing.assert_close(each.grad, expected[name], rtol=1e-3, atol=1e-6)


def padded(rows):
    """TRL's layout: prompts padded on the left, completions on the right."""
    prompts = [row[0] for row in rows]
    completions = [row[1] for row in rows]
    before, after = max(map(len, prompts)), max(map(len, completions))
    ids, mask, labels = [], [], []
    for prompt, completion in rows:
        left, right = before - len(prompt), after - len(completion)
        ids.append([0] * left + prompt + completion + [0] * right)
        mask.append([0] * left + [1] * (len(prompt) + len(completion)) + [0] * right)
        labels.append([IGNORED] * before + completion + [IGNORED] * right)
    return tuple(map(torch.tensor, (ids, mask, labels)))


@pytest.mark.parametrize(
    ("rows", "shared"),
    [
        ([([*PREFIX, 20, 21], [30, 31]), ([*PREFIX, 22], [32]), (PREFIX * 2, [33, 34, 35])], 6),
        ([(PREFIX, [30, 31]), (PREFIX, [32])], 5),  # the last token of a prompt is a row's own
        ([([1, *PREFIX], [30]), ([2], [31])], 0),
        ([(PREFIX, [30])], 0),
    ],
)
def test_log_probabilities_and_gradients_of_padded_rows(rows, shared):
    from trl.trainer.utils import add_fused_lm_head

    model, _, _ = load_policy("nano", RunConfig(), 0)
    model.eval()
    add_fused_lm_head(model)
    ids, mask, labels = padded(rows)
    widths = []
    handle = model.base_model.register_forward_hook(
        lambda _, __, out: widths.append(out["last_hidden_state"].shape[:2])
    )
    results = []
    for form in (model, SharedPrefixModel(model)):
        out = form(input_ids=ids, attention_mask=mask, labels=labels, fused_lm_head=True)
        logps = out.log_probs[:, -(labels != IGNORED).any(0).sum() :]
        (logps * torch.arange(1, logps.numel() + 1).view_as(logps)).sum().backward()
        gradients = {name: each.grad.clone() for name, each in model.named_parameters()}
        results.append((logps.detach(), gradients))
        model.zero_grad()
    handle.remove()
    (whole, expected), (logps, gradients) = results
    torch.testing.assert_close(logps, whole)
    for name, gradient in gradients.items():
        torch.testing.assert_close(gradient, expected[name], rtol=1e-3, atol=1e-4)
    # One row runs through what is shared, all rows through the rest.
    alone = [(1, shared)] if shared else []
    assert widths[1:] == [*alone, (len(rows), ids.size(1) - shared)]


def test_models_whose_attention_slides_are_trained_on_whole_rows():
    model, other = (load_policy("nano", RunConfig(), 0)[0] for _ in range(2))
    asked = RunConfig(share_prefix=True)
    assert shares_prefix(asked, 1, model, other)
    assert not shares_prefix(RunConfig(), 1, model) and not shares_prefix(asked, 2, model)
    recomputed = RunConfig(share_prefix=True, gradient_checkpointing=True)
    assert not shares_prefix(recomputed, 1, model)
    assert shares_prefix(recomputed, 1, model, learns=False)
    other.config.layer_types = ["full_attention", "sliding_attention"]
    assert not shares_prefix(asked, 1, model, other)


def test_batches_are_of_like_length_in_random_order():
    lengths = [(7 * row) % 101 for row in range(203)]
    sampler = LikeLengths(lengths, 4, 0)
    order = list(sampler)
    assert sorted(order) == list(range(203)) and order == list(sampler) and len(sampler) == 203
    batches = [[lengths[row] for row in order[at : at + 4]] for at in range(0, 203, 4)]
    spread = sum(max(batch) - min(batch) for batch in batches) / len(batches)
    assert spread < 10  # of 100; random batches spread over 60
    means = [sum(batch) / len(batch) for batch in batches]
    half = len(means) // 2
    # Long and short ones come at all times, not one after the other.
    assert abs(sum(means[:half]) / half - sum(means[half:]) / len(means[half:])) < 20
    sampler.set_epoch(1)
    assert list(sampler) != order
