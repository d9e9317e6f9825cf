"""The advantage of every token: the outcome of the whole rollout plus the teacher's opinion of it.

Pure tensors, so that the sign and the masking can be tested without a model. The result goes into
the clipped policy gradient in place of GRPO's one advantage a rollout.
"""

from __future__ import annotations

import torch
from torch import Tensor

from train.errors import TrainingError


@torch.no_grad()
def token_advantages(
    group_advantages: Tensor,
    student_logps: Tensor,
    teacher_logps: Tensor | None,
    weights: Tensor | None,
    mask: Tensor,
    *,
    coef: float = 1.0,
    grpo_coef: float = 1.0,
) -> Tensor:
    """A_t = grpo_coef * A + coef * w_t * (teacher_t - student_t), equation 10 of arXiv 2605.07725.

    The difference is positive where the teacher finds a token likelier than the student does, so
    that the policy gradient raises it there. Its mean over the student's samples is minus the
    reverse KL divergence KL(student || teacher).

    Args:
        group_advantages: (B,) advantage of each rollout within its group, A above.
        student_logps: (B, T) log-probabilities of the sampled tokens when they were sampled.
        teacher_logps: (B, T) the teacher's of the same tokens; unread if `coef` is 0.
        weights: (B, T) from `step_weights`, or None where every token weighs 1 (plain OPD).
        mask: (B, T), nonzero where the student wrote the token and it counts. Elsewhere the
            others may hold anything.

    Returns:
        (B, T) advantages without gradient, 0 where `mask` is 0.

    Raises:
        TrainingError: No teacher log-probabilities though `coef` is not 0, some that are not
            finite, or shapes that do not fit. Waits for the device to find out.
    """
    rows, tokens = mask.shape
    _expect("group_advantages", group_advantages, (rows,))
    _expect("student_logps", student_logps, (rows, tokens))
    counts = mask != 0
    advantages = (grpo_coef * group_advantages).unsqueeze(1).expand(rows, tokens)
    if coef != 0:
        # The published code trains plain GRPO without a word here.
        if teacher_logps is None:
            raise TrainingError("no teacher log-probabilities, but the distillation coef is not 0")
        _expect("teacher_logps", teacher_logps, (rows, tokens))
        missing = int((counts & ~teacher_logps.isfinite()).sum())
        if missing:
            raise TrainingError(
                f"the teacher's log-probability is not finite for {missing} of "
                f"{int(counts.sum())} tokens"
            )
        signal = coef * (teacher_logps - student_logps)
        if weights is not None:
            _expect("weights", weights, (rows, tokens))
            signal = weights * signal
        advantages = advantages + signal
    return torch.where(counts, advantages, 0)


def _expect(name: str, tensor: Tensor, shape: tuple[int, ...]) -> None:
    # (B, 1) or (1, T) would broadcast and train on wrong numbers.
    if tensor.shape != shape:
        raise TrainingError(
            f"{name} has shape {tuple(tensor.shape)}, not {shape} as the mask has it"
        )
