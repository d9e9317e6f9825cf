"""Rollouts with vLLM, through TRL's own generation path.

TRL syncs the weights, talks to the server or runs vLLM in process. All processes must ask it the
same number of times: one whose rollouts are done asks for a token nobody reads. Sampling is
vLLM's, so the per-rollout seeds do not apply.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch

from train.rollout.collect import Rollout
from train.rollout.engine import BatchGeneration

if TYPE_CHECKING:
    from train.sod_trainer import SODTrainer


def collect_in_lockstep(
    trainer: SODTrainer, questions: Sequence[str], seeds: Sequence[int]
) -> list[Rollout]:
    """Collect with `trainer`'s vLLM; every process returns after the last one's last round."""
    tokenizer = trainer.collector.shared.tokenizer

    def sample(batch: Sequence[BatchGeneration]) -> None:
        written = _generate(trainer, [generation.ids for generation in batch])
        for generation, tokens in zip(batch, written, strict=True):
            generation.fill(tokens, tokenizer)

    rollouts = trainer.collector.collect(questions, seeds, sample, trainer.rollout_progress)
    # `collect` ends with an empty batch, which `_generate` takes as "nothing left here".
    while _pending(trainer, 0):
        _ask(trainer, [[trainer.collector.shared.tokenizer.eog_ids[0]]])
    return rollouts


def _generate(trainer: SODTrainer, prompts: list[list[int]]) -> list[list[int]]:
    if not prompts:
        return []
    _pending(trainer, len(prompts))
    return _ask(trainer, prompts)


def _ask(trainer: SODTrainer, prompts: list[list[int]]) -> list[list[int]]:
    written: list[list[int]]
    # One completion per prompt: the rollouts of a group have parted ways after their first turn.
    written, _ = trainer._generate_single_turn(prompts, None, {}, 1)
    return written


def _pending(trainer: SODTrainer, here: int) -> int:
    """Generations still asked for on any process."""
    count = torch.tensor(here, device=trainer.accelerator.device)
    return int(trainer.accelerator.reduce(count, reduction="sum"))
