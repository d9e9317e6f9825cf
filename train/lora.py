"""The adapter that is trained in place of all weights."""

from __future__ import annotations

from typing import Any


def lora_config(rank: int, alpha: int) -> Any:
    """A peft LoraConfig on all linear layers but the head; None for rank 0."""
    if rank == 0:
        return None
    from peft import LoraConfig

    return LoraConfig(r=rank, lora_alpha=alpha, target_modules="all-linear", task_type="CAUSAL_LM")
