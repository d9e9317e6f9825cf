"""How much each step of a trajectory counts: the step-wise weights of SOD (arXiv 2605.07725).

A step is a maximal run of tokens that the student wrote between two tool results. Its divergence
d_k is the mean of |log p_student - log p_teacher| over its tokens (equation 6). Its weight compares
d_k with the divergence of the first step (equation 7): where the student has drifted to states the
teacher would not reach, the teacher's opinion counts for less.

Tensors in, tensors out. `step_weights` never waits for the device; what does, says so.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import pad

BASELINES = ("first", "mean", "ema", "floor")


class StepTable(NamedTuple):
    """One column a step, in order; columns past a row's last step hold zeros.

    divergences: (B, K) d_k in nats.
    weights: (B, K) w_k.
    tokens: (B, K) tokens of the step that count.
    """

    divergences: Tensor
    weights: Tensor
    tokens: Tensor


@torch.no_grad()
def steps_from_mask(mask: Tensor) -> Tensor:
    """(B, T) mask -> (B, T) long: 0 where the mask is 0, else the 1-based index of its run."""
    written = mask != 0
    starts = written & ~pad(written[:, :-1], (1, 0))
    return starts.cumsum(1).mul_(written)


@torch.no_grad()
def step_weights(
    student_logps: Tensor,
    teacher_logps: Tensor,
    mask: Tensor,
    epsilon: float = 1e-6,
    delta: float = 0.2,
    *,
    baseline: str = "first",
    floor: float = 0.25,
    memory: float = 0.5,
    step_ids: Tensor | None = None,
    max_steps: int | None = None,
) -> Tensor:
    """The weight of every token: that of its step, and 0 where `mask` is 0.

    The paper's w_1 = 1, w_k = min(prod_{u<k} (d_u + epsilon) / (d_{u+1} + epsilon), 1 + delta)
    telescopes to min((b + epsilon) / (d_k + epsilon), 1 + delta) with b = d_1. `baseline` picks b:

    - "first": d_1, the paper's rule. An easy first step silences every later one.
    - "mean": the mean of the row's d_k, the first step weighed like any other.
    - "ema": e_{k-1}, where e_1 = d_1 and e_k = memory * e_{k-1} + (1 - memory) * d_k; w_1 = 1.
    - "floor": d_1, and no step weighs less than `floor`.

    Args:
        student_logps, teacher_logps: (B, T) log-probabilities of the sampled tokens, in nats. Where
            `mask` is 0 they may hold anything, nan and inf too.
        mask: (B, T), nonzero where a token counts.
        step_ids: (B, T) steps as the rollout recorded them, from 1 to at most T, 0 for what the
            student did not write. Without it a step is a run of `mask`. A step whose every token is
            masked is skipped as if it were not there.
        max_steps: The largest step there is, which saves memory. One beyond it is an index error.

    Returns:
        (B, T) float32 weights, without gradient.

    Raises:
        ValueError: `baseline` is none of the above.
    """
    steps = _steps(mask, step_ids)
    columns = _columns(steps, step_ids, max_steps)
    divergences, tokens = _divergences(student_logps, teacher_logps, steps, columns)
    weights = _weigh(divergences, tokens > 0, epsilon, delta, baseline, floor, memory)
    return weights.float().gather(1, steps)


@torch.no_grad()
def step_table(
    student_logps: Tensor,
    teacher_logps: Tensor,
    mask: Tensor,
    epsilon: float = 1e-6,
    delta: float = 0.2,
    *,
    baseline: str = "first",
    floor: float = 0.25,
    memory: float = 0.5,
    step_ids: Tensor | None = None,
    max_steps: int | None = None,
) -> StepTable:
    """What `step_weights` computes, by step instead of by token; the arguments are the same.

    K is `max_steps`, or else the largest step found, and then this waits for the device.
    """
    steps = _steps(mask, step_ids)
    if max_steps is None:
        max_steps = int(steps.max()) if steps.numel() else 0
    divergences, tokens = _divergences(student_logps, teacher_logps, steps, max_steps + 1)
    weights = _weigh(divergences, tokens > 0, epsilon, delta, baseline, floor, memory)
    return StepTable(divergences[:, 1:].float(), weights[:, 1:].float(), tokens[:, 1:].long())


def step_divergences(
    student_logps: Tensor, teacher_logps: Tensor, mask: Tensor, step_ids: Tensor | None = None
) -> list[list[float]]:
    """d_k of each row's steps in order: K floats, none for a row without student tokens.

    The arguments are those of `step_weights`. Waits for the device.
    """
    table = step_table(student_logps, teacher_logps, mask, step_ids=step_ids)
    rows = zip(table.divergences.tolist(), table.tokens.tolist(), strict=True)
    return [[d for d, n in zip(row, tokens, strict=True) if n] for row, tokens in rows]


def _steps(mask: Tensor, step_ids: Tensor | None) -> Tensor:
    """(B, T) long: the step of every token that counts, 0 for the others."""
    if step_ids is None:
        return steps_from_mask(mask)
    return torch.where(mask != 0, step_ids.long(), 0)


def _columns(steps: Tensor, step_ids: Tensor | None, max_steps: int | None) -> int:
    """Columns for the steps there can be and column 0, known without reading the steps back."""
    if max_steps is not None:
        return max_steps + 1
    tokens = steps.shape[1]
    return 1 + (tokens if step_ids is not None else (tokens + 1) // 2)


def _divergences(
    student_logps: Tensor, teacher_logps: Tensor, steps: Tensor, columns: int
) -> tuple[Tensor, Tensor]:
    """(B, columns) d_k and token counts, both 0 where there is no such step.

    Tokens that do not count are gathered in column 0, which is then dropped unread: whatever
    stands at their places, nan included, meets none of the others.
    """
    # The sums are in double precision because a step may have 20,000 tokens; MPS has none.
    wide = torch.float32 if steps.device.type == "mps" else torch.float64
    narrow = torch.promote_types(student_logps.dtype, torch.float32)
    gaps = (student_logps.to(narrow) - teacher_logps.to(narrow)).abs_().to(wide)
    shape = (steps.shape[0], columns)
    sums = torch.zeros(shape, dtype=wide, device=steps.device).scatter_add_(1, steps, gaps)
    one = torch.ones((), dtype=wide, device=steps.device).expand_as(steps)
    tokens = torch.zeros_like(sums).scatter_add_(1, steps, one)
    sums[:, 0] = 0
    tokens[:, 0] = 0
    return sums.div_(tokens.clamp(min=1)), tokens


def _weigh(
    divergences: Tensor,
    present: Tensor,
    epsilon: float,
    delta: float,
    baseline: str,
    floor: float,
    memory: float,
) -> Tensor:
    """(B, columns) w_k, 0 where there is no such step."""
    first = present.int().argmax(1, keepdim=True)
    if baseline in ("first", "floor"):
        reference = divergences.gather(1, first)
    elif baseline == "mean":
        reference = divergences.sum(1, keepdim=True) / present.sum(1, keepdim=True).clamp(min=1)
    elif baseline == "ema":
        reference = _moving_average(divergences, present, first, memory)
    else:
        raise ValueError(f"unknown weight baseline {baseline!r}: one of {', '.join(BASELINES)}")
    weights = ((reference + epsilon) / (divergences + epsilon)).clamp_(max=1 + delta)
    if baseline == "floor":
        weights.clamp_(min=floor)
    return torch.where(present, weights, 0)


def _moving_average(divergences: Tensor, present: Tensor, first: Tensor, memory: float) -> Tensor:
    """(B, columns) e_{k-1} for each step, and d_1 for the first.

    Each step is a map e -> keep * e + add, the identity where there is no step. Doubling the
    reach of the composed maps takes log2(columns) rounds where the recurrence takes `columns`.
    """
    is_first = torch.zeros_like(present).scatter_(1, first, True)
    keep = torch.where(present, memory, 1.0).to(divergences.dtype).masked_fill_(is_first, 0.0)
    add = (1 - keep) * divergences
    reach = 1
    while reach < keep.shape[1]:
        add = keep * pad(add[:, :-reach], (reach, 0)) + add
        keep = keep * pad(keep[:, :-reach], (reach, 0))
        reach *= 2
    return torch.where(is_first, divergences, pad(add[:, :-1], (1, 0)))
