"""Where one training step spends its time: rollout, teacher, weights, update; and peak memory.

Runs `SODTrainer` itself on generated problems. Student and teacher have the named shape and random
weights, so nothing is fetched but a tokenizer. Random weights write random text: rollouts of
--tokens tokens that call no tool, so the sandbox's time is not in these figures. Rewards and step
weights are computed all the same. The first step, which allocates and warms up, is left out.

    python -m benchmarks.training.step_share --save FILE [--shape nano|qwen3-0.6b]
        [--tokenizer FOLDER] [--problems N] [--group N] [--tokens N] [--steps N] [--micro-batch N]
        [--device auto|cpu]
"""

from __future__ import annotations

import os
import resource
import sys
import tempfile
import time
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from benchmarks.report import Figure, median, save, show

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from train.config import RunConfig
    from train.sod_trainer import SODTrainer

Role = Literal["student", "teacher"]
Shape = Literal["nano", "qwen3-0.6b"]
Device = Literal["auto", "cpu"]
STAGES = ("rollout", "grading", "teacher", "weights", "update")
_PROMPT = 1024  # tokens; the protocol's prompt and a generated problem are shorter
# From the configs of Qwen/Qwen3-0.6B and Qwen/Qwen3-4B.
QWEN3: dict[Role, dict[str, int]] = {
    "student": {
        "hidden_size": 1024,
        "num_hidden_layers": 28,
        "num_attention_heads": 16,
        "intermediate_size": 3072,
    },
    "teacher": {
        "hidden_size": 2560,
        "num_hidden_layers": 36,
        "num_attention_heads": 32,
        "intermediate_size": 9728,
    },
}


@dataclass
class Measured:
    """Wall seconds of each step by stage, and the tokens the student wrote in it."""

    seconds: list[dict[str, float]] = field(default_factory=list)
    tokens: list[float] = field(default_factory=list)


def random_model(shape: Shape, role: Role, tokenizer: PreTrainedTokenizerBase) -> PreTrainedModel:
    """A model of `shape` with random weights, on PyTorch's default device."""
    if shape == "nano":
        from train.nano.model import random_model as nano_model

        return nano_model(role, seed=0)
    from transformers import Qwen3Config, Qwen3ForCausalLM

    return Qwen3ForCausalLM(
        Qwen3Config(
            **QWEN3[role],
            vocab_size=151936,
            num_key_value_heads=8,
            head_dim=128,
            max_position_embeddings=40960,
            rope_parameters={"rope_type": "default", "rope_theta": 1e6},
            tie_word_embeddings=True,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )


def measure(config: RunConfig, shape: Shape, tokenizer: PreTrainedTokenizerBase) -> list[Figure]:
    """Train for `config.steps` steps, one round each; figures of all but the first."""
    import torch
    from accelerate import Accelerator

    from train.prepare import load_data, open_tools
    from train.rollout.sandbox import TrainingSandbox
    from train.trl_config import on_cpu

    torch.manual_seed(config.seed)
    student = random_model(shape, "student", tokenizer)  # float32, as whatever is trained
    teacher = random_model(shape, "teacher", tokenizer).to(getattr(torch, config.dtype))
    accelerator = Accelerator(
        cpu=on_cpu(), mixed_precision="bf16" if config.dtype == "bfloat16" else "no"
    )
    sandbox = TrainingSandbox(config.sandbox_workers, config.tool_timeout)
    tools = open_tools(config, student, tokenizer, (), sandbox, accelerator)
    try:
        problems = load_data(config).train
        with tempfile.TemporaryDirectory() as folder:
            trainer = _trainer(config, Path(folder), student, teacher, tokenizer, tools, problems)
            measured = _train(trainer)
    finally:
        tools.close()
        sandbox.close()
    return _figures(config, measured, str(accelerator.device))


def _trainer(
    config: RunConfig,
    folder: Path,
    student: PreTrainedModel,
    teacher: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    tools: Any,
    problems: list[Any],
) -> SODTrainer:
    from datasets import Dataset

    from train.sod_trainer import SODTrainer
    from train.trl_config import grpo_config

    arguments = grpo_config(config, folder, 1)
    arguments.save_strategy = "no"
    rows = [
        {"prompt": [{"role": "user", "content": problem.prompt()}], "index": index}
        for index, problem in enumerate(problems)
    ]
    return SODTrainer(
        model=student,
        args=arguments,
        train_dataset=Dataset.from_list(rows),
        processing_class=tokenizer,
        config=config,
        collector=tools.collector,
        grader=tools.grader,
        problems=problems,
        teacher=teacher,
    )


def _train(trainer: SODTrainer) -> Measured:
    from transformers import PrinterCallback, TrainerCallback

    measured = Measured()

    class Clock(TrainerCallback):  # type: ignore[misc]
        started = 0.0

        def on_step_begin(self, *_: Any, **__: Any) -> None:
            self.started = time.perf_counter()

        def on_step_end(self, *_: Any, **__: Any) -> None:
            wall, seen = time.perf_counter() - self.started, trainer.statistics
            assert seen is not None
            update = wall - sum(seen.seconds.values())
            measured.seconds.append({**seen.seconds, "update": update})
            measured.tokens.append((seen.length or 0.0) * seen.rollouts)

    trainer.remove_callback(PrinterCallback)
    trainer.add_callback(Clock())
    trainer.train()
    return measured


def _figures(config: RunConfig, measured: Measured, device: str) -> list[Figure]:
    seconds, tokens = measured.seconds[1:], measured.tokens[1:]
    walls = [sum(step.values()) for step in seconds]
    work = f"{config.batch_problems} x {config.group_size} rollouts on {device}, {config.dtype}"
    rates = [count / wall for count, wall in zip(tokens, walls, strict=True)]
    rollout_rates = [count / step["rollout"] for count, step in zip(tokens, seconds, strict=True)]
    figures = [
        Figure("one step", median(walls), "s", detail=f"{work}, median of {len(walls)} steps"),
        Figure("tokens trained on", median(rates), "tokens/s", detail="over the whole step"),
        Figure("tokens written", median(rollout_rates), "tokens/s", detail="over the rollouts"),
    ]
    for stage in STAGES:
        share = median([step[stage] / wall for step, wall in zip(seconds, walls, strict=True)])
        rest = "and all else: the student's log-probabilities, optimiser"
        detail = rest if stage == "update" else ""
        figures.append(Figure(f"share of {stage}", 100 * share, "%", detail=detail))
    return [*figures, _peak_memory()]


def _peak_memory() -> Figure:
    """Of the accelerator if there is one, else of the process, libraries included."""
    import torch

    from train.trl_config import on_cpu

    if not on_cpu():
        peak = torch.accelerator.max_memory_allocated() / 2**20
        return Figure("peak memory of tensors", peak, "MiB", detail="on the accelerator")
    unit = 1 if sys.platform == "darwin" else 1024  # getrusage's, in bytes
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20
    return Figure("peak memory of the process", peak, "MiB", detail="PyTorch included")


def run_config(
    shape: Shape, problems: int, group: int, tokens: int, steps: int, micro_batch: int
) -> RunConfig:
    """SOD on generated problems, one optimiser step a round, in the precision of the presets."""
    from train.config_io import load_config

    flags = {
        "train_problems": problems * (steps + 1),
        "eval_problems": 1,
        "batch_problems": problems,
        "mini_batch_problems": problems,
        "group_size": group,
        "max_tokens": tokens,
        "max_prompt_tokens": _PROMPT,
        "steps": steps + 1,
        "micro_batch": micro_batch,
        "cold_start": False,
        "dtype": "float32" if shape == "nano" else "bfloat16",
        "gradient_checkpointing": shape != "nano",
    }
    return load_config("nano", None, flags)


def main(
    save_to: Annotated[Path, typer.Option("--save", help="Write the figures there, as JSON.")],
    shape: Annotated[Shape, typer.Option(help="qwen3-0.6b has a teacher of 4B.")] = "nano",
    tokenizer: Annotated[
        str, typer.Option(help="Folder or Hugging Face id of the tokenizer's model.")
    ] = "",
    problems: Annotated[int, typer.Option(help="Problems of a step.", min=1)] = 8,
    group: Annotated[int, typer.Option(help="Rollouts of each.", min=2)] = 8,
    tokens: Annotated[int, typer.Option(help="Tokens of a rollout.", min=1)] = 320,
    steps: Annotated[int, typer.Option(help="Steps to time, after one.", min=1)] = 3,
    micro_batch: Annotated[int, typer.Option(help="Rollouts of a forward pass.", min=1)] = 16,
    device: Annotated[Device, typer.Option(help="auto: where training would run.")] = "auto",
) -> None:
    if device == "cpu":
        os.environ["CUDA_VISIBLE_DEVICES"] = ""  # before PyTorch first looks
    os.environ.setdefault("TRL_EXPERIMENTAL_SILENCE", "1")
    warnings.filterwarnings("ignore", category=FutureWarning)
    from transformers import AutoTokenizer

    from train.models import find_model

    source = tokenizer or {"nano": "nano", "qwen3-0.6b": "Qwen/Qwen3-0.6B"}[shape]
    figures = measure(
        run_config(shape, problems, group, tokens, steps, micro_batch),
        shape,
        AutoTokenizer.from_pretrained(find_model(source), local_files_only=True),
    )
    show(f"One SOD step, {shape}", figures)
    save(save_to, f"training step, {shape}", figures)


if __name__ == "__main__":
    typer.run(main)
