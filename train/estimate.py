"""How much memory and time a run will take, before it takes them.

Memory is counted: weights, gradients, AdamW's two moments, and the larger of what rollouts hold
(the KV cache) and what a micro batch holds for the backward pass. Time is measured: a forward pass
of each model and a few decoded tokens on this machine, multiplied. What is assumed is printed.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from train.config import RunConfig
from train.errors import TrainingError
from train.trl_config import micro_batches

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

    from train.rollout.tokenizer import HFTokenizer

_GIB = 1 << 30
_ROWS = 256  # rows of the decoding sample at most; beyond, a step's time grows with the rows
_DECODED = 6  # tokens of the decoding sample
_SAMPLE_S = 0.2  # seconds of forward pass to measure
_SAMPLE_TOKENS = (64, 2048)  # of the forward pass, at least and at most
_TRIES = 3  # of which the fastest counts: other programs only ever slow one down
_BACKWARD = 2  # forward passes that a backward pass costs where it cannot be measured
# Bytes per row and token of the vocabulary while a token is drawn: two float64, three float32.
_DRAW_BYTES = 28
_LOGIT_TOKENS = 4096  # TRL projects to the vocabulary in tiles of so many tokens


@dataclass(frozen=True)
class Lengths:
    """Tokens of an average trajectory, prompt and what the student writes, and its turns.

    `shared` tokens of the prompt are computed once a batch in the cold start.
    """

    prompt: int
    written: int
    turns: int
    shared: int = 0

    @classmethod
    def expected(cls, config: RunConfig, prompt: int, shared: int = 0) -> Lengths:
        """Half of what the budgets allow, since nothing has been rolled out yet."""
        return cls(prompt, max(1, config.max_tokens // 2), max(1, config.max_turns // 2), shared)

    @property
    def total(self) -> int:
        return self.prompt + self.written


@dataclass(frozen=True)
class Estimate:
    """`memory` in GiB and `seconds` of one process, by what takes them."""

    memory: dict[str, float]
    seconds: dict[str, float]
    assumptions: str

    @property
    def lines(self) -> list[str]:
        """Such as "about 1.2 GiB, at least 9 minutes", what makes them up, and what was assumed."""
        parts = [f"{name} {_size(value)}" for name, value in self.memory.items() if value >= 0.05]
        times = [f"{name} {_time(value)}" for name, value in self.seconds.items() if value >= 1]
        memory, seconds = sum(self.memory.values()), sum(self.seconds.values())
        return [
            f"estimate: about {_size(memory)}, at least {_time(seconds)}",
            f"  memory: {', '.join(parts) or 'next to nothing'}",
            f"  time: {', '.join(times) or 'next to nothing'}",
            f"  assumed: {self.assumptions}",
        ]


def estimate(
    config: RunConfig,
    student: PreTrainedModel,
    teacher: PreTrainedModel | None,
    tokenizer: HFTokenizer,
    lengths: Lengths,
    processes: int = 1,
    imitated: float | None = None,
) -> Estimate:
    """What this process will need. Raises TrainingError if that is more memory than there is.

    `imitated` trajectories are learned from demonstrations; None: as many as the settings allow.
    The error names the setting that saves most. Memory is checked before the sample takes any.
    """
    memory = _memory(config, student, teacher, processes)
    _check_memory(config, memory, [model for model in (student, teacher) if model], processes)
    if imitated is None:
        imitated = demonstrated(config, config.sft_examples)
    seconds = _seconds(config, student, teacher, tokenizer, lengths, processes, imitated)
    assumptions = (
        f"trajectories of {lengths.prompt} + {lengths.written} tokens in {lengths.turns} turns "
        f"(memory: {config.max_prompt_tokens} + {config.max_tokens}); the time of tools is left out"
    )
    if config.vllm != "off":
        assumptions += ", as is that of rollouts, which vLLM makes"
    return Estimate(memory, seconds, assumptions)


def demonstrated(config: RunConfig, solved: int, *, only_cold_start: bool = False) -> float:
    """Trajectories learned from `solved` demonstrations, repeats included."""
    count = config.sft_epochs * solved if config.cold_start else 0.0
    if config.method == "sft" and not only_cold_start:
        count += config.steps * config.mini_batch_problems * config.group_size
    return count


# Memory ------------------------------------------------------------------------------------------


def _memory(
    config: RunConfig, student: PreTrainedModel, teacher: PreTrainedModel | None, processes: int
) -> dict[str, float]:
    """GiB by purpose; their sum is the peak."""
    import torch

    sharded = any(os.environ.get(f"ACCELERATE_USE_{name}") for name in ("FSDP", "DEEPSPEED"))
    shards = processes if sharded else 1
    held, trained = _bytes(student), _trained_bytes(config, student)
    if config.dtype == "bfloat16" and student.dtype == torch.float32:
        held += held // 2  # autocast's copies of the weights
    teacher_bytes = 0 if teacher is None else _bytes(teacher)
    swapped = config.teacher_load == "offload" and _device().type != "cpu"
    rollout, update = (
        _rollout_bytes(config, student, processes),
        _update_bytes(config, student, processes),
    )
    gradients = trained / shards
    peak = max(rollout, update + gradients, teacher_bytes if swapped else 0)
    parts: dict[str, float] = {
        "student": (held + (trained if config.lora_rank else 0)) / shards,
        "optimiser": 2 * trained / shards,
        "teacher": 0 if swapped else teacher_bytes / shards,
    }
    if peak == rollout:
        parts["rollouts"] = rollout
    elif peak == update + gradients:
        parts |= {"gradients": gradients, "micro batch": update}
    else:
        parts["teacher at work"] = peak
    if config.vllm == "colocate" and _device().type == "cuda":
        parts["vLLM"] = config.vllm_memory * torch.cuda.mem_get_info(_device())[1]
    return {name: size / _GIB for name, size in parts.items()}


def _bytes(model: PreTrainedModel) -> int:
    return sum(int(weight.numel() * weight.element_size()) for weight in model.parameters())


def _itemsize(config: RunConfig) -> int:
    """Bytes of a number in activations and caches."""
    return 2 if config.dtype == "bfloat16" else 4


def _trained_bytes(config: RunConfig, student: PreTrainedModel) -> int:
    if config.lora_rank == 0:
        return _bytes(student)
    from torch import nn

    head = student.get_output_embeddings()
    linear = [m for m in student.modules() if isinstance(m, nn.Linear) and m is not head]
    # peft keeps adapters in float32.
    return 4 * sum(config.lora_rank * (each.in_features + each.out_features) for each in linear)


def _rollout_bytes(config: RunConfig, student: PreTrainedModel, processes: int) -> int:
    """The KV cache of all rows at their longest, and the drawing of a token for each."""
    shape = student.config.get_text_config()
    heads = shape.num_attention_heads
    width = (getattr(shape, "num_key_value_heads", None) or heads) * (
        getattr(shape, "head_dim", None) or shape.hidden_size // heads
    )
    per_token = 2 * shape.num_hidden_layers * width * _itemsize(config)
    longest = config.max_prompt_tokens + config.max_tokens
    row = int(longest * per_token + shape.vocab_size * _DRAW_BYTES)
    return _rows_at_once(config, processes) * row


def _update_bytes(config: RunConfig, student: PreTrainedModel, processes: int) -> int:
    """What a micro batch of the longest trajectories keeps for the backward pass.

    A layer keeps some six states of the hidden width, queries, keys and values, and four of the
    feed-forward width; attention itself recomputes. With checkpointing one layer keeps them.
    """
    shape = student.config.get_text_config()
    hidden, layers = shape.hidden_size, shape.num_hidden_layers
    inner = getattr(shape, "intermediate_size", None) or 4 * hidden
    layer = 9 * hidden + 4 * inner
    per_token = hidden * layers + layer if config.gradient_checkpointing else layer * layers
    tokens = micro_batches(config, processes)[0] * (config.max_prompt_tokens + config.max_tokens)
    logits = 2 * 4 * min(tokens, _LOGIT_TOKENS) * shape.vocab_size
    return int(tokens * per_token * _itemsize(config) + logits)


def _rows_at_once(config: RunConfig, processes: int) -> int:
    """Rollouts that transformers makes at once; vLLM leaves evaluations to it."""
    rows = max(config.eval_problems, config.validation_problems)
    if config.vllm == "off":
        rows = max(rows, config.sequences)
    rows = math.ceil(rows / processes)
    return min(rows, config.rollout_batch) if config.rollout_batch else rows


def _check_memory(
    config: RunConfig, memory: dict[str, float], models: list[PreTrainedModel], processes: int
) -> None:
    device = _device()
    # What is there already is in the estimate, and no longer among what is free.
    there = sum(_bytes(model) for model in models if model.device.type == device.type) / _GIB
    free = _free_bytes(device) / _GIB
    if device.type == "cpu":
        free /= processes
    needed = sum(memory.values())
    if needed <= free + there:
        return
    advice = {
        "rollouts": f"set --rollout-batch below {_rows_at_once(config, processes)}",
        "micro batch": "lower --micro-batch"
        + ("" if config.gradient_checkpointing else " or set --gradient-checkpointing"),
        "optimiser": "set --lora-rank 16 or so" if config.lora_rank == 0 else "",
        "teacher": "set --teacher-load offload" if device.type != "cpu" else "",
        "vLLM": "lower --vllm-memory",
    }
    useful = [name for name in memory if advice.get(name)]
    most = max(useful, key=lambda name: memory[name], default="student")
    raise TrainingError(
        f"this run needs about {_size(needed)} of memory on {device}, where {_size(free + there)} "
        f"can be had; {_size(memory[most])} are for {most}: "
        f"{advice.get(most, 'take a smaller model')}"
    )


def _free_bytes(device: torch.device) -> int:
    if device.type == "cuda":
        import torch

        return int(torch.cuda.mem_get_info(device)[0])
    import psutil

    return int(psutil.virtual_memory().available)


def _device() -> torch.device:
    """Where the run will compute, as far as this module can measure: a CUDA GPU or the CPU."""
    import torch

    if torch.cuda.is_available():
        return torch.device("cuda", torch.cuda.current_device())
    return torch.device("cpu")


# Time --------------------------------------------------------------------------------------------


def _seconds(
    config: RunConfig,
    student: PreTrainedModel,
    teacher: PreTrainedModel | None,
    tokenizer: HFTokenizer,
    lengths: Lengths,
    processes: int,
    imitated: float,
) -> dict[str, float]:
    """Wall seconds by stage."""
    with _at_work(student, config):
        forward = _token_seconds(student, lengths.total)
        learning = _learning_seconds(student, lengths.total, forward) * lengths.total
        rows = _rows_at_once(config, processes)
        decode = _decode_seconds(student, tokenizer, rows)
    teacher_forward = 0.0
    if teacher is not None:
        with _at_work(teacher, config):
            teacher_forward = _token_seconds(teacher, lengths.total)
    elif config.method.startswith("opsd"):
        teacher_forward = forward
    local = config.sequences / processes  # trajectories of a round
    # Each turn reads the conversation so far again.
    read = lengths.turns * (lengths.prompt + lengths.written / 2) * forward
    rollout = read + lengths.written * decode / rows
    if config.gradient_checkpointing:  # everything is computed forward once more
        learning += forward * lengths.total
    rounds = config.steps * config.mini_batch_problems / config.batch_problems
    if config.method == "sft":
        rounds = 0.0
    own = (lengths.total - lengths.shared) / lengths.total
    validations = config.steps // config.eval_every if rounds else 0
    answered = validations * config.validation_problems + 2 * config.eval_problems
    scored = teacher_forward * lengths.total * (2 if config.divergence == "full" else 1)
    return {
        "imitation": imitated / processes * learning * own,
        "rollouts": rounds * local * rollout if config.vllm == "off" else 0.0,
        # The student's own log-probabilities take one more pass.
        "scores": rounds * local * (scored + forward * lengths.total),
        "updates": rounds * local * learning,
        "evaluation": answered / processes * rollout,
    }


@contextmanager
def _at_work(model: PreTrainedModel, config: RunConfig) -> Iterator[None]:
    """`model` in evaluation mode, where and in the arithmetic that the run will use, and back."""
    import torch

    home, training, device = model.device, model.training, _device()
    if home.type != device.type:
        model.to(device)
    model.eval()
    narrow = config.dtype == "bfloat16"
    try:
        with torch.autocast(device.type, torch.bfloat16, enabled=narrow):
            yield
    finally:
        model.train(training)
        if home.type != device.type:
            model.to(home)


def _token_seconds(model: PreTrainedModel, length: int, *, learn: bool = False) -> float:
    """Seconds a token of a forward pass takes, in rows of `length` tokens; `learn`: and back."""
    import torch

    def work(ids: torch.Tensor) -> None:
        with torch.set_grad_enabled(learn):
            logits = model(input_ids=ids, use_cache=False).logits
            if learn:
                logits.float().log_softmax(-1)[..., 0].mean().backward()

    def run(tokens: int) -> float:
        shape = (max(1, tokens // length), min(tokens, length))
        ids = torch.randint(model.config.get_text_config().vocab_size, shape, generator=draw)
        ids = ids.to(model.device)
        return _timed(lambda: work(ids)) / ids.numel()

    draw = torch.Generator().manual_seed(0)
    least, most = _SAMPLE_TOKENS
    run(least)  # the first pass also pays for what is set up once
    tokens = min(most, max(least, int(_SAMPLE_S / run(least))))
    return min(run(tokens) for _ in range(_TRIES))


def _learning_seconds(model: PreTrainedModel, length: int, forward: float) -> float:
    """Seconds a token takes forward and back; from `forward` if that does not fit unsharded."""
    import torch

    try:
        return _token_seconds(model, length, learn=True)
    except torch.OutOfMemoryError:
        return (_BACKWARD + 1) * forward
    finally:
        model.zero_grad(set_to_none=True)


def _decode_seconds(model: PreTrainedModel, tokenizer: HFTokenizer, rows: int) -> float:
    """Seconds that one token for each of `rows` rollouts takes, as rollouts draw it."""
    from runtime.engines.base import Sampling
    from train.rollout.engine import BatchGeneration
    from train.rollout.sampling import sample_batch

    ids = tokenizer.encode("The", special=False)

    def run(count: int, tokens: int) -> float:
        batch = [
            BatchGeneration(ids, tokens, Sampling(1.0, 1.0, seed=n), None) for n in range(count)
        ]
        took = _timed(lambda: sample_batch(model, batch, tokenizer, tokenizer.eog_ids[0]))
        return took / max(len(list(row)) for row in batch)

    run(1, 1)
    sample = min(rows, _ROWS)
    return min(run(sample, _DECODED) for _ in range(_TRIES)) * rows / sample


def _timed(work: Callable[[], Any]) -> float:
    import torch

    if torch.cuda.is_available():
        torch.cuda.synchronize()
    started = time.perf_counter()
    with torch.no_grad():
        work()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - started


def _size(gib: float) -> str:
    return f"{gib:.1f} GiB" if gib < 100 else f"{gib:,.0f} GiB"


def _time(seconds: float) -> str:
    for limit, unit, name in ((100, 1, "second"), (6000, 60, "minute"), (180_000, 3600, "hour")):
        if seconds < limit:
            count = max(1, round(seconds / unit))
            return f"{count} {name}{'s' * (count != 1)}"
    return f"{round(seconds / 86400)} days"
