"""Rollouts where all processes must generate the same number of times.

That is so with vLLM, which TRL talks to from all of them at once, and with sharded weights (FSDP,
DeepSpeed ZeRO-3), whose every forward pass is a collective. A process whose rollouts are done
goes on asking for a token that nobody reads, until the last one is done too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch

from runtime.engines.base import Sampling
from train.rollout.collect import Rollout, Sampler
from train.rollout.engine import BatchGeneration

if TYPE_CHECKING:
    from train.sod_trainer import SODTrainer


def collect_in_lockstep(
    trainer: SODTrainer, questions: Sequence[str], seeds: Sequence[int], sample: Sampler
) -> list[Rollout]:
    """`Collector.collect` with `sample`, which is called equally often on every process."""
    idle = [trainer.collector.shared.tokenizer.eog_ids[0]]

    def in_step(batch: Sequence[BatchGeneration]) -> None:
        if batch:  # the collector's last call is empty: from there on the loop below asks
            _pending(trainer, len(batch))
            sample(batch)

    rollouts = trainer.collector.collect(questions, seeds, in_step, trainer.rollout_progress)
    while _pending(trainer, 0):
        sample([BatchGeneration(idle, 1, Sampling(seed=1), None)])
    return rollouts


def vllm_sampler(trainer: SODTrainer) -> Sampler:
    """Samples through TRL's vLLM: it syncs the weights and knows server and colocate mode.

    The draws are vLLM's, so the seeds of the rollouts do not apply, and the budget is that of the
    whole completion; what goes beyond a turn's is cut.
    """
    tokenizer = trainer.collector.shared.tokenizer

    def sample(batch: Sequence[BatchGeneration]) -> None:
        # One completion per prompt: the rollouts of a group have parted ways after their first.
        prompts = [generation.ids for generation in batch]
        written, _ = trainer._generate_single_turn(prompts, None, {}, 1)
        for generation, tokens in zip(batch, written, strict=True):
            generation.fill(tokens, tokenizer)

    return sample


def _pending(trainer: SODTrainer, here: int) -> int:
    """Generations still asked for on any process."""
    count = torch.tensor(here, device=trainer.accelerator.device)
    return int(trainer.accelerator.reduce(count, reduction="sum"))
