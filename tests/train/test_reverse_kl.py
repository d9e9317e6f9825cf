"""The reverse KL over the vocabulary against its dense definition: values, gradients, memory."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from train.errors import TrainingError
from train.reverse_kl import reverse_kl

N, H, H2, V = 5, 4, 6, 23


def dense(
    student_hidden: Tensor,
    student_head: Tensor,
    teacher_hidden: Tensor,
    teacher_head: Tensor,
    temperature: float = 1.0,
    student_bias: Tensor | float = 0.0,
    teacher_bias: Tensor | float = 0.0,
) -> Tensor:
    shared = min(len(student_head), len(teacher_head))
    student = (student_hidden @ student_head.T + student_bias)[:, :shared] / temperature
    teacher = (teacher_hidden @ teacher_head.T + teacher_bias)[:, :shared] / temperature
    log_p, log_q = student.log_softmax(1), teacher.log_softmax(1)
    return (log_p.exp() * (log_p - log_q)).sum(1)


def models(seed: int = 0, vocabulary: int = V, padded: int = V, dtype=torch.float64):
    """Hidden states and heads of a student and a teacher, all asking for gradients."""
    generator = torch.Generator().manual_seed(seed)
    shapes = (N, H), (vocabulary, H), (N, H2), (padded, H2)
    made = (torch.randn(shape, generator=generator, dtype=dtype) for shape in shapes)
    return tuple(tensor.requires_grad_() for tensor in made)


@pytest.mark.parametrize("chunk", [1, 7, 22, 23, 8192])
@pytest.mark.parametrize("temperature", [1.0, 0.6])
def test_equals_the_dense_definition(chunk, temperature):
    inputs = models()
    actual = reverse_kl(*inputs, temperature=temperature, chunk=chunk)
    expected = dense(*inputs, temperature=temperature)
    torch.testing.assert_close(actual, expected)
    upstream = torch.linspace(-1, 2, N, dtype=torch.float64)
    for mine, theirs in zip(
        torch.autograd.grad(actual, inputs[:2], upstream),
        torch.autograd.grad(expected, inputs[:2], upstream),
        strict=True,
    ):
        torch.testing.assert_close(mine, theirs)


def test_gradients_by_finite_differences():
    hidden, head, *teacher = models()
    bias = torch.randn(V, dtype=torch.float64, requires_grad=True)

    def of_the_student(hidden: Tensor, head: Tensor, bias: Tensor) -> Tensor:
        return reverse_kl(hidden, head, *teacher, temperature=1.3, chunk=10, student_bias=bias)

    assert torch.autograd.gradcheck(of_the_student, (hidden, head, bias))


def test_biases():
    inputs = models()
    bias, other = torch.randn(2, V, dtype=torch.float64)
    actual = reverse_kl(*inputs, chunk=9, student_bias=bias, teacher_bias=other)
    torch.testing.assert_close(actual, dense(*inputs, student_bias=bias, teacher_bias=other))


@pytest.mark.parametrize(("vocabulary", "padded"), [(V, V + 9), (V + 9, V)])
def test_padded_embeddings_do_not_count(vocabulary, padded):
    inputs = models(vocabulary=vocabulary, padded=padded)
    actual = reverse_kl(*inputs, chunk=8)
    torch.testing.assert_close(actual, dense(*inputs))
    (gradient,) = torch.autograd.grad(actual.sum(), inputs[1])
    assert gradient.shape == inputs[1].shape
    assert not gradient[V:].any()


def test_the_teacher_gets_no_gradient():
    inputs = models()
    reverse_kl(*inputs).sum().backward()
    assert [tensor.grad is not None for tensor in inputs] == [True, True, False, False]


def test_a_frozen_head_costs_no_gradient():
    hidden, head, *teacher = models()
    reverse_kl(hidden, head.detach(), *teacher, chunk=6).sum().backward()
    (expected,) = torch.autograd.grad(dense(hidden, head, *teacher).sum(), hidden)
    torch.testing.assert_close(hidden.grad, expected)


def test_same_model_same_distribution():
    hidden, head, *_ = models(dtype=torch.float32)
    divergence = reverse_kl(hidden, head, hidden, head, chunk=5)
    torch.testing.assert_close(divergence, torch.zeros(N), rtol=0, atol=1e-6)


def test_great_logits_do_not_overflow():
    inputs = tuple(200 * tensor.detach() for tensor in models(dtype=torch.float32))
    exact = dense(*(tensor.double() for tensor in inputs)).float()
    torch.testing.assert_close(reverse_kl(*inputs, chunk=5), exact, rtol=1e-5, atol=1e-2)


def test_bfloat16_inputs_are_summed_in_float32():
    inputs = tuple(tensor.detach().bfloat16() for tensor in models(vocabulary=4000, padded=4000))
    hidden, head = inputs[0].requires_grad_(), inputs[1].requires_grad_()
    actual = reverse_kl(*inputs, chunk=300)
    assert actual.dtype == torch.float32
    exact = dense(*(tensor.double() for tensor in inputs)).float()
    torch.testing.assert_close(actual, exact, rtol=2e-2, atol=2e-2)
    actual.sum().backward()
    assert hidden.grad.dtype == head.grad.dtype == torch.bfloat16


def test_autocast_changes_nothing():
    inputs = models(dtype=torch.float32)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = reverse_kl(*inputs, chunk=8)
    assert torch.equal(inside, reverse_kl(*inputs, chunk=8))


def test_keeps_no_logits_for_the_backward_pass():
    inputs = models(vocabulary=1000, padded=1000)
    kept = []
    with torch.autograd.graph.saved_tensors_hooks(kept.append, lambda _: None):
        reverse_kl(*inputs, chunk=100)
    assert sum(t.numel() for t in kept) == sum(t.numel() for t in inputs) + 3 * N


def test_positions_that_do_not_pair_up():
    hidden, head, teacher_hidden, teacher_head = models()
    with pytest.raises(TrainingError, match="5 student positions against 1 of the teacher"):
        reverse_kl(hidden, head, teacher_hidden[:1], teacher_head)
