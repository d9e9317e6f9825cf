"""Supervised training on demonstrations: TRL's SFTTrainer on our token ids."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from train.config import RunConfig
from train.demonstrations import Encoded

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase, TrainerCallback


def train_on_demonstrations(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    encoded: Sequence[Encoded],
    config: RunConfig,
    folder: Path,
    callbacks: Sequence[TrainerCallback] = (),
    resume_from: str | None = None,
    save_every: int = 0,
) -> None:
    """Train `model` in place for `sft_epochs` passes over `encoded`, with a cosine schedule."""
    from datasets import Dataset
    from trl import SFTConfig, SFTTrainer

    arguments: dict[str, Any] = {
        "output_dir": str(folder),
        "num_train_epochs": config.sft_epochs,
        "per_device_train_batch_size": min(config.sft_batch, config.micro_batch),
        "gradient_accumulation_steps": max(1, config.sft_batch // config.micro_batch),
        "learning_rate": config.sft_lr,
        "lr_scheduler_type": "cosine",
        "warmup_steps": 0.05,  # a share of all steps
        "weight_decay": config.weight_decay,
        "max_grad_norm": config.max_grad_norm,
        "bf16": config.dtype == "bfloat16",
        "gradient_checkpointing": config.gradient_checkpointing,
        "max_length": None,
        "packing": False,
        "dataset_kwargs": {"skip_prepare_dataset": True},
        "seed": config.seed,
        "logging_steps": 10,
        "save_strategy": "steps" if save_every else "no",
        "save_steps": save_every or 500,
        "save_total_limit": 2,
        "report_to": "none",
        "disable_tqdm": True,
        "dataloader_pin_memory": False,
    }
    trainer = SFTTrainer(
        model=model,
        args=SFTConfig(**arguments),
        train_dataset=Dataset.from_list([dict(each) for each in encoded]),
        processing_class=tokenizer,
        callbacks=list(callbacks),
    )
    trainer.train(resume_from_checkpoint=resume_from)
