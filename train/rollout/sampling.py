"""Draws the tokens of a batch: transformers' `generate`, with one random stream per rollout.

`generate` draws from one global stream, so a rollout would depend on the batch around it and on
the number of processes. Here each generation has its own uniforms, made from its own seed, and a
token is the inverse of the cumulative distribution at the next of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch
from transformers import (
    GenerationConfig,
    LogitsProcessor,
    LogitsProcessorList,
    StoppingCriteria,
    StoppingCriteriaList,
)

from train.rollout.engine import BatchGeneration
from train.shared_prefix import cache_argument, common_prefix, plain_inputs, repeated_cache

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from train.rollout.tokenizer import HFTokenizer


def rollout_seed(seed: int, step: int, place: int) -> int:
    """The seed of a rollout; the same on any number of processes."""
    return (seed * 1_000_003 + step * 8_191 + place * 131_071 + 1) % 0xFFFFFFFF


class SeededDraw(LogitsProcessor):  # type: ignore[misc]
    """Leaves one token per row possible: the one that the row's own random stream draws.

    `uniforms` (B, T) in [0, 1), one for each token to come.
    """

    def __init__(self, uniforms: torch.Tensor, temperature: float, top_p: float) -> None:
        self.uniforms, self.temperature, self.top_p = uniforms, temperature, top_p
        self.position = 0

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        probabilities = torch.softmax(scores.float() / self.temperature, dim=-1)  # (B, V)
        if self.top_p < 1.0:
            ordered, order = probabilities.sort(dim=-1, descending=True)
            beyond = ordered.cumsum(-1) - ordered >= self.top_p
            ordered = ordered.masked_fill(beyond, 0.0)
            probabilities = torch.zeros_like(probabilities).scatter_(-1, order, ordered)
        below = probabilities.double().cumsum(-1)
        mark = self.uniforms[:, self.position, None] * below[:, -1:]
        # right=True: a token of probability zero is never drawn, not even by a mark of zero.
        tokens = torch.searchsorted(below, mark, right=True).clamp_(max=scores.size(-1) - 1)
        self.position += 1
        return torch.full_like(scores, -torch.inf).scatter_(-1, tokens, 0.0)


class TurnComplete(StoppingCriteria):  # type: ignore[misc]
    """Ends a row whose tool call is complete or whose budget is spent, as the device does.

    `width` is the prompts' length in tokens. A row that has ended is not looked at again.
    """

    def __init__(self, rows: Sequence[BatchGeneration], tokenizer: HFTokenizer, width: int) -> None:
        self.rows, self.tokenizer, self.width = rows, tokenizer, width
        self._done = [False] * len(rows)

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor, **_: object) -> torch.Tensor:
        for index, last in enumerate(input_ids[:, -1].tolist()):
            if not self._done[index]:
                self._done[index] = self._ends(index, last, input_ids)
        return torch.tensor(self._done, device=input_ids.device)

    def _ends(self, index: int, last: int, input_ids: torch.Tensor) -> bool:
        row = self.rows[index]
        if self.tokenizer.is_eog(last) or input_ids.size(1) - self.width >= row.max_tokens:
            return True
        # Few tokens end in the tag's last character, so few rows are read as text.
        if not self.tokenizer.piece(last).rstrip().endswith(b">"):
            return False
        return row.completes_call(input_ids[index, self.width :].tolist(), self.tokenizer)


def sample_batch(
    model: PreTrainedModel,
    batch: Sequence[BatchGeneration],
    tokenizer: HFTokenizer,
    pad_id: int,
    at_once: int = 0,
    share_prefix: bool = False,
) -> None:
    """Fill every generation of `batch`; `at_once` bounds the rows of one `generate` (0: all).

    `share_prefix` computes what all rows begin with once.

    All of a batch share one temperature and top_p; temperature 0 is greedy.
    """
    size = at_once or max(1, len(batch))
    for start in range(0, len(batch), size):
        rows = batch[start : start + size]
        longest = max(row.max_tokens for row in rows)
        if longest <= 0:
            written: list[list[int]] = [[] for _ in rows]
        else:
            written = _generate(model, rows, tokenizer, pad_id, longest, share_prefix)
        for row, tokens in zip(rows, written, strict=True):
            row.fill(tokens, tokenizer)


def _generate(
    model: PreTrainedModel,
    rows: Sequence[BatchGeneration],
    tokenizer: HFTokenizer,
    pad_id: int,
    longest: int,
    share_prefix: bool,
) -> list[list[int]]:
    device = model.device
    width = max(len(row.ids) for row in rows)
    ids = torch.full((len(rows), width), pad_id)
    mask = torch.zeros((len(rows), width), dtype=torch.long)
    prefix = common_prefix([row.ids[:-1] for row in rows]) if share_prefix and len(rows) > 1 else []
    for index, row in enumerate(rows):
        # Padding comes after the prefix: there the cache of all rows ends alike.
        start = width - len(row.ids) + len(prefix)
        ids[index, : len(prefix)] = torch.tensor(prefix, dtype=torch.long)
        mask[index, : len(prefix)] = 1
        ids[index, start:] = torch.tensor(row.ids[len(prefix) :])
        mask[index, start:] = 1
    sampling = rows[0].sampling
    draws = LogitsProcessorList()
    if sampling.temperature > 0:
        uniforms = torch.stack([_uniforms(row.sampling.seed, longest) for row in rows])
        draws.append(SeededDraw(uniforms.to(device), sampling.temperature, sampling.top_p))
    config = GenerationConfig(
        max_new_tokens=longest,
        do_sample=False,
        eos_token_id=list(tokenizer.eog_ids),
        pad_token_id=pad_id,
    )
    with torch.no_grad(), _no_habits(model), plain_inputs(model):
        begun = {}
        if prefix:
            cache = repeated_cache(model, ids[:1, : len(prefix)].to(device), len(rows))
            begun[cache_argument(model)] = cache
        output = model.generate(
            **begun,
            input_ids=ids.to(device),
            attention_mask=mask.to(device),
            generation_config=config,
            logits_processor=draws,
            stopping_criteria=StoppingCriteriaList([TurnComplete(rows, tokenizer, width)]),
        )
    tails: list[list[int]] = output[:, width:].tolist()
    return tails


@contextmanager
def _no_habits(model: PreTrainedModel) -> Iterator[None]:
    """`model` without its own generation settings, which fill in what a config leaves open.

    A repetition penalty, as Qwen2.5's, would draw from another policy than the one that is trained.
    """
    # peft hands its own settings down to the model inside when it generates, and leaves them there.
    models = [model, model.get_base_model()] if hasattr(model, "peft_config") else [model]
    habits = [each.generation_config for each in models]
    try:
        for each in models:
            each.generation_config = GenerationConfig()
        yield
    finally:
        for each, habit in zip(models, habits, strict=True):
            each.generation_config = habit


def _uniforms(seed: int, count: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(count, generator=generator, dtype=torch.float64)
