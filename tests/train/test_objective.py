"""Token advantages: the sum by hand, its sign, what must not count, and every refusal."""

from __future__ import annotations

import pytest
import torch

from train.errors import TrainingError
from train.objective import token_advantages

GROUP = torch.tensor([1.5, -0.5])
STUDENT = torch.tensor([[-1.0, -2.0, -3.0], [-0.5, -0.25, -4.0]])
TEACHER = torch.tensor([[-0.5, -4.0, -3.0], [-1.0, -0.25, -1.0]])
WEIGHTS = torch.tensor([[1.0, 0.5, 0.0], [1.0, 1.2, 1.2]])
MASK = torch.tensor([[1, 1, 0], [1, 1, 1]])


def test_by_hand():
    actual = token_advantages(GROUP, STUDENT, TEACHER, WEIGHTS, MASK, coef=2.0, grpo_coef=10.0)
    # 10 A + 2 w (teacher - student)
    expected = [[15 + 2 * 0.5, 15 - 2 * 0.5 * 2, 0], [-5 - 2 * 0.5, -5, -5 + 2 * 1.2 * 3]]
    torch.testing.assert_close(actual, torch.tensor(expected))


def test_following_it_lowers_the_reverse_kl():
    # The exact expectation of the policy gradient, at a softmax over four tokens.
    logits = torch.tensor([0.3, -1.0, 0.8, 0.1], dtype=torch.float64, requires_grad=True)
    teacher = torch.tensor([1.0, 0.5, -2.0, 0.0], dtype=torch.float64).log_softmax(0)
    student = logits.log_softmax(0)
    row = student[None], teacher[None]
    advantages = token_advantages(
        torch.zeros(1, dtype=torch.float64), *row, None, torch.ones(1, 4, dtype=torch.long)
    )
    gain = (student.exp().detach() * advantages[0] * student).sum()
    kl = (student.exp() * (student - teacher)).sum()
    (ascent,) = torch.autograd.grad(gain, logits, retain_graph=True)
    (slope,) = torch.autograd.grad(kl, logits)
    torch.testing.assert_close(ascent, -slope)


@pytest.mark.parametrize("junk", [float("nan"), float("inf"), -7.0])
def test_masked_tokens_change_nothing(junk):
    before = token_advantages(GROUP, STUDENT, TEACHER, WEIGHTS, MASK)
    hidden = MASK == 0
    disturbed = (tensor.masked_fill(hidden, junk) for tensor in (STUDENT, TEACHER, WEIGHTS))
    assert torch.equal(token_advantages(GROUP, *disturbed, MASK), before)
    assert before[0, 2] == 0


def test_without_distillation_it_is_grpo():
    actual = token_advantages(GROUP, STUDENT, None, None, MASK, coef=0.0)
    assert actual.tolist() == [[1.5, 1.5, 0.0], [-0.5, -0.5, -0.5]]


def test_carries_no_gradient():
    student = STUDENT.clone().requires_grad_()
    assert not token_advantages(GROUP, student, TEACHER, WEIGHTS, MASK).requires_grad


def test_no_teacher():
    with pytest.raises(TrainingError, match=r"no teacher log-probabilities, but .* coef is not 0"):
        token_advantages(GROUP, STUDENT, None, WEIGHTS, MASK)


@pytest.mark.parametrize("junk", [float("nan"), float("-inf")])
def test_teacher_that_did_not_score_every_token(junk):
    teacher = TEACHER.clone()
    teacher[0] = junk  # two tokens under the mask, one outside
    with pytest.raises(TrainingError, match="not finite for 2 of 5 tokens"):
        token_advantages(GROUP, STUDENT, teacher, WEIGHTS, MASK)


@pytest.mark.parametrize(
    ("at", "name", "wrong"),
    [
        (0, "group_advantages", GROUP[:, None]),
        (1, "student_logps", STUDENT[:1]),
        (2, "teacher_logps", TEACHER[:, :1]),
        (3, "weights", WEIGHTS[:, :1]),
    ],
)
def test_shapes_that_would_broadcast(at, name, wrong):
    arguments = [GROUP, STUDENT, TEACHER, WEIGHTS, MASK]
    arguments[at] = wrong
    with pytest.raises(TrainingError, match=f"{name} has shape"):
        token_advantages(*arguments)
