"""KL(student || teacher) over the whole vocabulary, without a tensor of tokens x vocabulary.

The sampled log-ratio of the paper is a one-sample estimate of this. The two logit matrices of
Qwen3's 152k tokens take 1.2 MB a position in float32, so both are made a slice of the vocabulary at
a time, and made again in the backward pass instead of being kept. One forward sweep is enough: the
sum over the slices is rescaled whenever the greatest logit grows, as in online softmax
(arXiv 1805.02867).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from train.errors import TrainingError

Model = tuple[Tensor, Tensor, Tensor | None]  # hidden states, head, bias


def reverse_kl(
    student_hidden: Tensor,
    student_head: Tensor,
    teacher_hidden: Tensor,
    teacher_head: Tensor,
    *,
    temperature: float = 1.0,
    chunk: int = 8192,
    student_bias: Tensor | None = None,
    teacher_bias: Tensor | None = None,
) -> Tensor:
    """KL(student || teacher) of the next token at each of N positions, in nats.

    Peak memory beyond the inputs and their gradients is O(N * chunk). Logits are multiplied out in
    the dtype of the hidden states; all that follows is float32, or float64 if those are.

    Args:
        student_hidden, teacher_hidden: (N, H) and (N, H2) last hidden states, the final norm
            applied.
        student_head, teacher_head: (V, H) and (V2, H2) output embeddings. Where V != V2 one of
            them is padded, and both distributions run over the first min(V, V2) tokens.
        temperature: Both models' logits are divided by it.
        chunk: Tokens of the vocabulary at a time.
        student_bias, teacher_bias: (V,) and (V2,) added to the logits.

    Returns:
        (N,) divergences, differentiable with respect to the student's hidden states, head and
        bias. The teacher gets no gradient.

    Raises:
        TrainingError: The two models' hidden states are not of equally many positions.
    """
    if len(student_hidden) != len(teacher_hidden):
        raise TrainingError(
            f"{len(student_hidden)} student positions against {len(teacher_hidden)} of the teacher"
        )
    divergence: Tensor = _ReverseKL.apply(  # type: ignore[no-untyped-call]
        student_hidden,
        student_head,
        student_bias,
        teacher_hidden.detach(),
        teacher_head.detach(),
        None if teacher_bias is None else teacher_bias.detach(),
        temperature,
        chunk,
    )
    return divergence


class _ReverseKL(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        student_hidden: Tensor,
        student_head: Tensor,
        student_bias: Tensor | None,
        teacher_hidden: Tensor,
        teacher_head: Tensor,
        teacher_bias: Tensor | None,
        temperature: float,
        chunk: int,
    ) -> Tensor:
        student = (student_hidden, student_head, student_bias)
        teacher = (teacher_hidden, teacher_head, teacher_bias)
        wide = _wide(student_hidden)
        # With z and y the logits: top = max z, total = sum e^(z - top), cross = sum e^(z - top)
        # (z - y), over the slices so far.
        top = student_hidden.new_full((len(student_hidden),), -torch.inf, dtype=wide)
        total, cross = torch.zeros_like(top), torch.zeros_like(top)
        teacher_lse = top
        for _, logits, targets in _slices(student, teacher, temperature, chunk):
            higher = torch.maximum(top, logits.amax(1))
            shrink = (top - higher).exp_()
            targets_lse = targets.logsumexp(1)
            odds = (logits - higher[:, None]).exp_()
            total = total * shrink + odds.sum(1)
            cross = cross * shrink + odds.mul_(logits.sub_(targets)).sum(1)
            teacher_lse = torch.logaddexp(teacher_lse, targets_lse)
            top = higher
        student_lse = top + total.log()
        divergence = cross / total - student_lse + teacher_lse
        ctx.save_for_backward(*student, *teacher, student_lse, teacher_lse, divergence)
        ctx.temperature, ctx.chunk = temperature, chunk
        return divergence

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        *saved, student_lse, teacher_lse, divergence = ctx.saved_tensors
        student, teacher = tuple(saved[:3]), tuple(saved[3:])
        hidden, head, bias = student
        needs_hidden, needs_head, needs_bias = ctx.needs_input_grad[:3]
        wide = _wide(hidden)
        to_hidden = torch.zeros_like(hidden, dtype=wide) if needs_hidden else None
        # Padding beyond the shared vocabulary keeps the zeros.
        to_head = torch.zeros_like(head) if needs_head else None
        to_bias = torch.zeros_like(bias) if needs_bias else None
        for part, logits, targets in _slices(student, teacher, ctx.temperature, ctx.chunk):
            # d KL / d z_v = p_v (log p_v - log q_v - KL)
            logits -= student_lse[:, None]
            surplus = logits - (targets - teacher_lse[:, None]) - divergence[:, None]
            slope = logits.exp_().mul_(surplus).mul_((gradient / ctx.temperature)[:, None])
            if to_bias is not None:
                to_bias[part] = slope.sum(0)
            slope = slope.to(hidden.dtype)
            if to_hidden is not None:
                to_hidden += slope @ head[part].to(hidden.dtype)
            if to_head is not None:
                to_head[part] = slope.T @ hidden
        if to_hidden is not None:
            to_hidden = to_hidden.to(hidden.dtype)
        return to_hidden, to_head, to_bias, None, None, None, None, None


def _wide(hidden: Tensor) -> torch.dtype:
    return torch.promote_types(hidden.dtype, torch.float32)


def _slices(
    student: Model, teacher: Model, temperature: float, chunk: int
) -> Iterator[tuple[slice, Tensor, Tensor]]:
    """The rows of each slice, and (N, chunk) logits of both models over it."""
    shared = min(len(student[1]), len(teacher[1]))
    for start in range(0, shared, chunk):
        part = slice(start, min(start + chunk, shared))
        yield part, _logits(student, part, temperature), _logits(teacher, part, temperature)


def _logits(model: Model, part: slice, temperature: float) -> Tensor:
    hidden, head, bias = model
    # Autocast is on in a trainer's forward pass and off in its backward pass: under it, the two
    # would not see the same logits.
    with torch.autocast(hidden.device.type, enabled=False):
        logits = (hidden @ head[part].to(hidden.dtype).T).to(_wide(hidden))
        if bias is not None:
            logits = logits + bias[part]
        return logits.div_(temperature)
