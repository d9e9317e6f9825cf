"""Drawing tokens: the right distribution, the row's own random stream, and each row's own end."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import torch
from transformers import GenerationConfig, PreTrainedModel

from runtime.engines.base import Constraint, FinishReason, Sampling
from runtime.protocol import TOOL_CALL_CLOSE, TOOL_CALL_OPEN
from train.data import Problem
from train.rollout.collect import Collector
from train.rollout.engine import BatchGeneration
from train.rollout.sampling import SeededDraw, _uniforms, rollout_seed, sample_batch
from train.rollout.tokenizer import HFTokenizer

DRAWS = 20_000
LOGITS = torch.tensor([2.0, -1.0, 0.5, -torch.inf, 1.0, 0.0, -6.0, -torch.inf])


def draw(uniforms: torch.Tensor, temperature: float = 1.0, top_p: float = 1.0) -> torch.Tensor:
    """One token of `LOGITS` for each uniform."""
    processor = SeededDraw(uniforms.unsqueeze(1), temperature, top_p)
    scores = LOGITS.expand(len(uniforms), -1)
    out = processor(torch.zeros(len(uniforms), 1, dtype=torch.long), scores)
    assert ((out == 0).sum(1) == 1).all() and ((out == -torch.inf).sum(1) == len(LOGITS) - 1).all()
    return out.argmax(1)


def chi_square(tokens: torch.Tensor, expected: torch.Tensor) -> float:
    counts = torch.bincount(tokens, minlength=len(expected)).double()
    assert (counts[expected == 0] == 0).all()
    mean = expected[expected > 0] * len(tokens)
    return float(((counts[expected > 0] - mean) ** 2 / mean).sum())


# Five degrees of freedom: 20.5 is passed by chance once in a thousand.
@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_draws_follow_the_softmax(temperature: float):
    tokens = draw(_uniforms(1, DRAWS), temperature)
    assert chi_square(tokens, torch.softmax(LOGITS.double() / temperature, 0)) < 20.5


def test_first_draws_of_neighbouring_seeds_follow_the_softmax():
    """A rollout's first uniform must not be a function of its place in the batch."""
    seeds = [rollout_seed(0, step, place) for step in range(100) for place in range(200)]
    firsts = torch.cat([_uniforms(seed * 1_000_003 % 0xFFFFFFFF, 1) for seed in seeds])
    assert chi_square(draw(firsts), torch.softmax(LOGITS.double(), 0)) < 20.5
    pairs = torch.stack([firsts[:-1], firsts[1:]])
    assert abs(torch.corrcoef(pairs)[0, 1]) < 4 / math.sqrt(DRAWS)


def test_top_p_cuts_the_tail_and_keeps_the_proportions():
    probabilities = torch.softmax(LOGITS.double(), 0)
    ordered = probabilities.sort(descending=True)
    kept = ordered.indices[:3]  # 0.56, 0.21, 0.13: the third crosses 0.85
    assert ordered.values[:2].sum() < 0.85 < ordered.values[:3].sum()
    expected = torch.zeros_like(probabilities)
    expected[kept] = probabilities[kept] / probabilities[kept].sum()
    assert chi_square(draw(_uniforms(2, DRAWS), top_p=0.85), expected) < 13.8  # two of freedom


@pytest.mark.parametrize("top_p", [1.0, 0.5])
def test_a_token_of_probability_zero_is_never_drawn(top_p: float):
    ends = torch.tensor([0.0, 2.0**-53, 1 - 2.0**-53, 0.5], dtype=torch.float64)
    for logits in (LOGITS, LOGITS.flip(0), torch.tensor([-torch.inf, 0.0, -torch.inf])):
        processor = SeededDraw(ends.unsqueeze(1), 1.0, top_p)
        out = processor(torch.zeros(4, 1), logits.expand(4, -1))
        assert torch.isfinite(logits[out.argmax(1)]).all()


def test_uniforms_are_the_seeds_own_and_their_beginning_is_the_same_at_any_length():
    assert torch.equal(_uniforms(5, 10), _uniforms(5, 100)[:10])
    assert not torch.equal(_uniforms(5, 10), _uniforms(6, 10))
    uniforms = _uniforms(5, 1000)
    assert uniforms.min() >= 0 and uniforms.max() < 1


# Batches of generations --------------------------------------------------------------------------


def asks(
    collector: Collector, problems: list[Problem], budgets: list[int], temperature: float
) -> list[BatchGeneration]:
    constraint = Constraint(TOOL_CALL_OPEN, TOOL_CALL_CLOSE, {"type": "object"})
    return [
        BatchGeneration(
            collector.prompt_ids(problem.prompt()),
            budget,
            Sampling(temperature, seed=seed),
            constraint,
        )
        for seed, (problem, budget) in enumerate(zip(problems, budgets, strict=True))
    ]


def written(batch: list[BatchGeneration]) -> list[list[int]]:
    return [list(generation) for generation in batch]


def test_each_row_keeps_to_its_own_budget(
    collector: Collector, student: PreTrainedModel, known_problems: list[Problem]
):
    budgets = [0, 1, 7, 200]
    batch = asks(collector, known_problems[:4], budgets, 0.0)
    sample_batch(student, batch, collector.shared.tokenizer, 0)
    rows = written(batch)
    assert [len(row) for row in rows[:3]] == budgets[:3] and 7 < len(rows[3]) < 200
    assert [each.finish for each in batch[:3]] == [FinishReason.LENGTH] * 3
    assert batch[3].finish is FinishReason.CONSTRAINT  # its call was complete
    assert [each.stats.generated for each in batch] == [len(row) for row in rows]


def test_budgets_of_zero_ask_the_model_nothing(collector: Collector, known_problems: list[Problem]):
    batch = asks(collector, known_problems[:2], [0, 0], 1.0)
    sample_batch(None, batch, collector.shared.tokenizer, 0)
    assert written(batch) == [[], []]


@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_rows_at_once_and_a_shared_prefix_change_nothing(
    collector: Collector,
    student: PreTrainedModel,
    known_problems: list[Problem],
    temperature: float,
):
    results = []
    for at_once, share_prefix in ((0, False), (1, False), (3, False), (0, True), (3, True)):
        batch = asks(collector, known_problems[:5], [40] * 5, temperature)
        sample_batch(student, batch, collector.shared.tokenizer, 0, at_once, share_prefix)
        results.append(written(batch))
    assert all(each == results[0] for each in results)


def test_generation_stops_with_its_last_row(
    collector: Collector, student: PreTrainedModel, known_problems: list[Problem]
):
    """A row past its budget or its call must not keep the batch alive."""
    with counted(student) as passes:
        batch = asks(collector, known_problems[:2], [3, 200], 0.0)
        sample_batch(student, batch, collector.shared.tokenizer, 0)
    assert passes[0] == max(len(row) for row in written(batch)) < 200


@contextmanager
def counted(model: PreTrainedModel) -> Iterator[list[int]]:
    passes = [0]

    def count(*_: object) -> None:
        passes[0] += 1

    handle = model.register_forward_hook(count)
    try:
        yield passes
    finally:
        handle.remove()


@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_a_models_own_generation_settings_do_not_leak_in(
    collector: Collector,
    student: PreTrainedModel,
    known_problems: list[Problem],
    temperature: float,
):
    """Qwen's models bring a repetition penalty, a temperature and a top_k of their own."""
    habits = GenerationConfig(
        do_sample=True, temperature=0.3, top_k=2, top_p=0.4, repetition_penalty=1.9, num_beams=2,
        no_repeat_ngram_size=2, min_new_tokens=30, max_length=5, suppress_tokens=[1, 2, 3],
    )  # fmt: skip
    model = copy.deepcopy(student)
    results = []
    for config in (student.generation_config, habits):
        model.generation_config = config
        batch = asks(collector, known_problems[:3], [60] * 3, temperature)
        sample_batch(model, batch, collector.shared.tokenizer, 0)
        results.append(written(batch))
    assert results[0] == results[1]
    assert model.generation_config is habits


def test_a_lora_student_keeps_its_generation_settings(
    collector: Collector, student: PreTrainedModel, known_problems: list[Problem]
):
    from peft import LoraConfig, get_peft_model

    base = copy.deepcopy(student)
    own = base.generation_config
    model = get_peft_model(base, LoraConfig(target_modules="all-linear", task_type="CAUSAL_LM"))
    batch = asks(collector, known_problems[:2], [5] * 2, 1.0)
    sample_batch(model, batch, collector.shared.tokenizer, 0)
    assert base.generation_config is own
    assert model.generation_config.to_dict() == own.to_dict()


def test_an_empty_batch_is_no_work(tokenizer: HFTokenizer):
    sample_batch(None, [], tokenizer, 0)
