r"""The final answer: the last balanced \boxed{...} in prose."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.protocol import extract_answer, render_call


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        (r"\boxed{42}", "42"),
        (r"so $\boxed{42}$.", "42"),
        (r"\boxed{ $42$ }", "42"),
        (r"\boxed{$$x$$}", "x"),
        (r"\boxed {7}", "7"),
        (r"first \boxed{1}, no: \boxed{2}", "2"),
        (r"\boxed{\frac{1}{2}}", r"\frac{1}{2}"),
        (r"\boxed{\{1, 2\}}", r"\{1, 2\}"),
        (r"\boxed{\left\{ x \right.}", r"\left\{ x \right."),
        (r"\boxed{a \\ b}", r"a \\ b"),
        (r"\boxed{$5}", "$5"),
        ("\\boxed{one\ntwo}", "one\ntwo"),
        (r"\boxed{}", None),
        (r"\boxed{1", None),
        (r"\boxed{1} and \boxed{2", None),
        (r"\boxed{\frac{1}{2}", None),
        ("the answer is 42", None),
        ("", None),
        (r"<think>\boxed{1}</think> it is \boxed{2}", "2"),
        (r"\boxed{2} <think>\boxed{1}</think>", "2"),
        (r"<think>\boxed{1}", None),
        (r"thinking \boxed{1}</think> it is \boxed{2}", "2"),
        (r"thinking \boxed{1}</think> it is two", None),
        (render_call("python", {"code": r"print('\boxed{1}')"}), None),
        (r"\boxed{3} " + render_call("python", {"code": r"'\boxed{1}' '</tool_call>'"}), "3"),
        (r'<tool_call>{"name": "\boxed{1}', None),
    ],
)
def test_answer(text: str, answer: str | None) -> None:
    assert extract_answer(text) == answer


@given(st.text(alphabet="\\boxed{}$ <>think/", max_size=200))
def test_never_raises(text: str) -> None:
    assert isinstance(extract_answer(text), (str, type(None)))


@pytest.mark.parametrize("unit", ["\\boxed{", "<think>", "{", "$", "\\", "<tool_call>"])
def test_work_is_linear(unit: str) -> None:
    started = time.perf_counter()
    extract_answer("\\boxed{" + unit * (1_000_000 // len(unit)) + "}")
    assert time.perf_counter() - started < 2
