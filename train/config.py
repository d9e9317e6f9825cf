"""Every setting of a run and its default: the one home of both.

Precedence, weakest first: the defaults here, the preset (train/presets/NAME.yaml), the file given
with --config, the flags. Flags, their help and the YAML keys are made from this dataclass.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, Literal

Method = Literal["sod", "opd", "grpo", "sft", "opsd-gt", "opsd-hint"]
WeightBaseline = Literal["first", "mean", "ema", "floor"]
Divergence = Literal["sampled", "full"]
OnCollapse = Literal["stop", "rollback", "ignore"]
TeacherLoad = Literal["full", "8bit", "offload"]
Vllm = Literal["off", "server", "colocate"]
Schedule = Literal["constant", "linear", "cosine"]
Dtype = Literal["float32", "bfloat16"]

# Fields that may differ between a run and its continuation: they change nothing that is learned.
NOT_PART_OF_THE_RUN = frozenset({"output", "progress"})


def _setting(default: Any, help: str, group: str) -> Any:
    return field(default=default, metadata={"help": help, "group": group})


# ruff: noqa: RUF009 - `_setting` makes a dataclass field, as `field` itself does
@dataclass(frozen=True)
class RunConfig:
    """The settings of one run. Lengths are tokens, times seconds. `train.config_io` reads it."""

    # The run
    preset: str = _setting("nano", "Settings to start from, a name in train/presets.", "run")
    output: str = _setting("", "Folder of the run (default: runs/PRESET-METHOD).", "run")
    seed: int = _setting(0, "Same seed, same machine: same run.", "run")
    method: Method = _setting("sod", "What the student learns from.", "run")
    progress: bool = _setting(True, "Show progress bars.", "run")

    # Models
    student: str = _setting(
        "nano", "Folder, GGUF or Hugging Face id; nano: a tiny one of random weights.", "models"
    )
    teacher: str = _setting(
        "nano", "Folder, GGUF or Hugging Face id; nano: the shipped one.", "models"
    )
    teacher_load: TeacherLoad = _setting(
        "full", "8bit needs bitsandbytes; offload keeps it in CPU memory between uses.", "models"
    )
    dtype: Dtype = _setting(
        "float32", "Of arithmetic and frozen weights; trained ones are float32.", "models"
    )
    lora_rank: int = _setting(
        0, "Train a LoRA adapter of this rank, merged on save; 0: all.", "models"
    )
    lora_alpha: int = _setting(32, "Scale of the adapter.", "models")
    lora_base: str = _setting(
        "", "Begin the adapter on this model, as what the student changed of it.", "models"
    )
    gradient_checkpointing: bool = _setting(False, "Less memory, a third slower.", "models")

    # Data
    train_data: str = _setting(
        "nano", "JSON lines, a Hugging Face dataset id, or generated problems (nano).", "data"
    )
    sft_data: str = _setting("nano", "Solved problems for the cold start, likewise.", "data")
    eval_data: str = _setting("nano", "Problems held out for evaluation, likewise.", "data")
    train_problems: int = _setting(4096, "Use at most this many problems.", "data")
    sft_examples: int = _setting(4096, "Use at most this many solved problems.", "data")
    eval_problems: int = _setting(256, "Use at most this many held-out problems.", "data")

    # The agent: what the runtime's Settings call the same -----------------------------------------
    max_turns: int = _setting(16, "Assistant turns of a rollout at most.", "agent")
    max_tokens: int = _setting(20480, "Tokens the student may write in a rollout.", "agent")
    max_prompt_tokens: int = _setting(2560, "Longer problems are left out, and counted.", "agent")
    temperature: float = _setting(1.0, "Of rollouts; evaluation is greedy.", "agent")
    top_p: float = _setting(1.0, "Of rollouts.", "agent")
    thinking: bool = _setting(False, "Let the template open a thinking block.", "agent")
    tool_timeout: float = _setting(10.0, "Seconds one tool call may take.", "agent")
    sandbox_workers: int = _setting(
        2, "Programs run at once, each in a process of its own.", "agent"
    )

    # SOD (arXiv 2605.07725) -----------------------------------------------------------------------
    coef: float = _setting(1.0, "Factor of the distillation term.", "sod")
    grpo_coef: float = _setting(1.0, "Factor of the reward term; 0 is distillation alone.", "sod")
    epsilon: float = _setting(1e-6, "Added to divergences before they are divided.", "sod")
    delta: float = _setting(0.2, "A step weighs at most 1 + delta.", "sod")
    weight_baseline: WeightBaseline = _setting(
        "first", "What a step's divergence is compared with; first is the paper's rule.", "sod"
    )
    weight_floor: float = _setting(0.25, "Least weight under --weight-baseline floor.", "sod")
    weight_ema: float = _setting(0.5, "Memory of --weight-baseline ema.", "sod")
    divergence: Divergence = _setting(
        "sampled", "Log-ratio of sampled tokens (paper), or reverse KL over the vocabulary.", "sod"
    )
    clip_low: float = _setting(0.2, "Clip range of the policy gradient, below 1.", "sod")
    clip_high: float = _setting(0.28, "Clip range above 1.", "sod")
    overlong_buffer: int = _setting(
        0, "DAPO's penalty grows over the last so many tokens of max_tokens; 0: off.", "sod"
    )

    # Optimisation
    steps: int = _setting(150, "Optimiser steps.", "optimisation")
    batch_problems: int = _setting(64, "Problems of one round of rollouts.", "optimisation")
    group_size: int = _setting(16, "Rollouts of each problem.", "optimisation")
    mini_batch_problems: int = _setting(
        16, "Problems of one optimiser step; must divide batch_problems.", "optimisation"
    )
    micro_batch: int = _setting(16, "Trajectories in one forward pass.", "optimisation")
    share_prefix: bool = _setting(
        False, "Compute what all trajectories begin with once a batch: faster.", "optimisation"
    )
    lr: float = _setting(1e-6, "Peak learning rate.", "optimisation")
    lr_schedule: Schedule = _setting("constant", "After the warm-up.", "optimisation")
    warmup_steps: int = _setting(0, "Linear warm-up.", "optimisation")
    weight_decay: float = _setting(0.0, "Of AdamW.", "optimisation")
    max_grad_norm: float = _setting(1.0, "Gradients are clipped to this norm.", "optimisation")

    # Cold start
    cold_start: bool = _setting(True, "Train on solved problems first.", "cold start")
    sft_epochs: float = _setting(5.0, "Passes over them.", "cold start")
    sft_lr: float = _setting(1e-5, "Peak learning rate of the cold start.", "cold start")
    sft_schedule: Schedule = _setting("cosine", "Learning rate of the cold start.", "cold start")
    sft_batch: int = _setting(32, "Trajectories of one step.", "cold start")
    sft_lora_rank: int = _setting(
        0, "Train an adapter of this rank, then merged; 0: all weights.", "cold start"
    )
    sft_lora_start: str = _setting(
        "", "Begin the adapter as what this trained model changed of the student.", "cold start"
    )
    sft_layers_only: bool = _setting(
        False, "Leave embeddings and norms as they are, as export.adapter needs it.", "cold start"
    )
    sft_save_every: int = _setting(200, "Steps between checkpoints.", "cold start")
    pass_mark: float = _setting(
        0.0, "Share of held-out problems whose first call must run before SOD starts.", "cold start"
    )

    # Watching
    eval_every: int = _setting(25, "Steps between validations, each with a checkpoint.", "watching")
    validation_problems: int = _setting(64, "Held-out problems of a validation.", "watching")
    keep_trajectories: int = _setting(4, "Rollouts a step to keep for the report.", "watching")
    on_collapse: OnCollapse = _setting("rollback", "What the guard does.", "watching")
    guard_tool_rate: float = _setting(
        0.5, "Alarm when tool calls per trajectory fall below this share of the start.", "watching"
    )
    guard_score: float = _setting(
        0.6, "Alarm when the validation score falls below this share of the best.", "watching"
    )
    guard_kl: float = _setting(
        4.0, "Alarm when the student-teacher KL rises above this multiple of the start.", "watching"
    )
    guard_infra: float = _setting(
        0.2, "Alarm when this share of rollouts is lost to the sandbox.", "watching"
    )
    max_rollbacks: int = _setting(3, "Stop at the next alarm after so many.", "watching")

    # Rollout engine
    rollout_batch: int = _setting(
        0, "Rollouts sampled at once, to save memory; 0: all.", "rollout engine"
    )
    vllm: Vllm = _setting("off", "Roll out with vLLM through TRL.", "rollout engine")
    vllm_url: str = _setting("", "Of `trl vllm-serve`, for --vllm server.", "rollout engine")
    vllm_memory: float = _setting(0.3, "Share of the GPU for --vllm colocate.", "rollout engine")

    @property
    def sequences(self) -> int:
        """Rollouts of one round, over all processes."""
        return self.batch_problems * self.group_size

    @property
    def needs_teacher(self) -> bool:
        """Whether another model scores the student's tokens."""
        return self.method in ("sod", "opd") and self.coef != 0

    def as_lock(self) -> dict[str, Any]:
        """Every setting that decides what is learned."""
        return {
            each.name: getattr(self, each.name)
            for each in fields(self)
            if each.name not in NOT_PART_OF_THE_RUN
        }
