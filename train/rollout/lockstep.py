"""Rollouts where all processes must generate the same number of times.

That is so with vLLM, which TRL talks to from all of them at once, and with sharded weights (FSDP,
DeepSpeed ZeRO-3), whose every forward pass is a collective. A process whose rollouts are done
goes on asking for a token that nobody reads, until the last one is done too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import torch

from runtime.engines.base import Sampling
from train.rollout.engine import BatchGeneration

if TYPE_CHECKING:
    from accelerate import Accelerator

    from train.rollout.collect import Rollout, Sampler
    from train.rollout.tokenizer import HFTokenizer
    from train.sod_trainer import SODTrainer


def is_sharded(accelerator: Accelerator) -> bool:
    """Whether every forward pass is a collective of all processes."""
    from accelerate.utils import DistributedType

    return accelerator.distributed_type in (DistributedType.FSDP, DistributedType.DEEPSPEED)


def collect_in_lockstep(
    collect: Callable[[Sampler], list[Rollout]],
    sample: Sampler,
    tokenizer: HFTokenizer,
    accelerator: Accelerator,
) -> list[Rollout]:
    """Run `collect` with `sample`, which is called equally often on every process."""

    def in_step(batch: Sequence[BatchGeneration]) -> None:
        if batch:  # the collector's last call is empty: from there on the loop below asks
            _most(accelerator, len(batch))
            sample(batch)

    rollouts = collect(in_step)
    while _most(accelerator, 0):
        sample([_idle(tokenizer)])
    return rollouts


def vllm_sampler(trainer: SODTrainer) -> Sampler:
    """Samples through TRL's vLLM: it syncs the weights and knows server and colocate mode.

    The draws are vLLM's, so the seeds of the rollouts do not apply, and the budget is that of the
    whole completion; what goes beyond a turn's is cut.
    """
    tokenizer = trainer.collector.shared.tokenizer

    def sample(batch: Sequence[BatchGeneration]) -> None:
        # TRL deals the server's answers out in equal shares, so all processes ask equally many.
        missing = _most(trainer.accelerator, len(batch)) - len(batch)
        asked = [*batch, *(_idle(tokenizer) for _ in range(missing))]
        # One completion per prompt: the rollouts of a group have parted ways after their first.
        prompts = [generation.ids for generation in asked]
        written, _ = trainer._generate_single_turn(prompts, None, {}, 1)
        for generation, tokens in zip(asked, written, strict=True):
            generation.fill(tokens, tokenizer)

    return sample


def _idle(tokenizer: HFTokenizer) -> BatchGeneration:
    """A generation that nobody reads."""
    return BatchGeneration([tokenizer.eog_ids[0]], 1, Sampling(seed=1), None)


def _most(accelerator: Accelerator, here: int) -> int:
    """The largest `here` of all processes."""
    count = torch.tensor([here], device=accelerator.device)
    return int(accelerator.gather(count).max())
