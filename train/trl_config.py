"""RunConfig in TRL's words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from train.config import RunConfig
from train.errors import ConfigError


def micro_batches(config: RunConfig, processes: int) -> tuple[int, int, int]:
    """Trajectories a forward pass, passes an optimiser step, and passes a round, per process.

    Raises ConfigError if an optimiser step cannot be divided among the processes.
    """
    step = config.mini_batch_problems * config.group_size
    if step % processes:
        raise ConfigError(
            f"{processes} processes cannot share {step} trajectories a step: change "
            "mini_batch_problems or group_size"
        )
    local = step // processes
    micro = next(n for n in range(min(config.micro_batch, local), 0, -1) if local % n == 0)
    rounds = config.batch_problems // config.mini_batch_problems
    return micro, local // micro, rounds * local // micro


def grpo_config(config: RunConfig, folder: Path, processes: int) -> Any:
    """The GRPOConfig of a run that keeps its checkpoints in `folder`."""
    from trl import GRPOConfig

    micro, accumulation, passes = micro_batches(config, processes)
    arguments: dict[str, Any] = {
        "output_dir": str(folder),
        "max_steps": config.steps,
        "per_device_train_batch_size": micro,
        "gradient_accumulation_steps": accumulation,
        "steps_per_generation": passes,
        "num_generations": config.group_size,
        "max_completion_length": config.max_tokens,
        "temperature": config.temperature,
        "top_p": config.top_p,
        "learning_rate": config.lr,
        "lr_scheduler_type": scheduler_name(config.lr_schedule),
        "warmup_steps": config.warmup_steps,
        "weight_decay": config.weight_decay,
        "max_grad_norm": config.max_grad_norm,
        "bf16": config.dtype == "bfloat16",
        "gradient_checkpointing": config.gradient_checkpointing,
        # Token mean over the round, clipped on both sides, no reference model: the paper's loss.
        "loss_type": "dapo",
        "beta": 0.0,
        "epsilon": config.clip_low,
        "epsilon_high": config.clip_high,
        "mask_truncated_completions": False,
        "use_vllm": config.vllm != "off",
        "seed": config.seed,
        "logging_steps": 1,
        "save_strategy": "steps",
        "save_steps": config.eval_every,
        "save_total_limit": 2,
        "report_to": "none",
        "disable_tqdm": True,
        "remove_unused_columns": False,
        "dataloader_pin_memory": False,
        "use_cpu": on_cpu(),
        "ddp_find_unused_parameters": False,
    }
    if config.vllm != "off":
        arguments |= {
            "vllm_mode": config.vllm,
            # It wants vLLM's own log-probabilities, which a rollout of several turns lacks for
            # tool results; the ratio is taken to those of the model in training instead.
            "vllm_importance_sampling_correction": False,
            "vllm_server_base_url": config.vllm_url or None,
            "vllm_gpu_memory_utilization": config.vllm_memory,
            "vllm_max_model_length": config.max_prompt_tokens + config.max_tokens,
        }
    return GRPOConfig(**arguments)


def scheduler_name(schedule: str) -> str:
    """transformers' name; its plain `constant` would ignore the warm-up."""
    return {"constant": "constant_with_warmup"}.get(schedule, schedule)


def on_cpu() -> bool:
    """Whether there is no accelerator to train on."""
    import torch

    return not torch.accelerator.is_available()
