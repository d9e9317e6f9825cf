"""The checker: answers written in every way, hostile answers, and programs that try to cheat."""

from __future__ import annotations

import contextlib
import gc
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.grading import MATH_TIMEOUT_S, Verdict, check, choice_letter, score
from runtime.errors import SandboxUnavailable
from runtime.record import RunRecord, StopReason, TurnRecord
from runtime.sandbox import Sandbox
from runtime.sandbox.program import syntax_tree


@dataclass(frozen=True)
class Task:
    domain: str
    answer: str = ""
    tests: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        reports = {report.name: report for report in sandbox.describe()}
        if not reports["cpython"].available:
            pytest.skip(reports["cpython"].detail)
        yield sandbox


@pytest.fixture
def dead() -> Iterator[Sandbox]:
    """One that can run no program of ours: Monty alone has no exec and no math-verify."""
    with Sandbox(("monty",)) as sandbox:
        yield sandbox


# What needs no sympy: the closed sandbox proves that nothing is run.
@pytest.mark.parametrize(
    ("answer", "gold"),
    [
        ("72", "72"),
        ("072", "72"),
        ("1/2", "0.5"),
        (r"\frac{1}{2}", "0.5"),
        (r"\dfrac12", "1/2"),
        (r"-\frac{1}{2}", "-0.5"),
        (r"\frac{-1}{2}", "-1/2"),
        ("0.333333", "1/3"),
        ("1,234", "1234"),
        ("1{,}234", "1234"),
        (r"1\,234.5", "1234.5"),
        ("1,234,567", "1234567"),
        ("3e8", "300000000"),
        ("$12", "12"),
        (r"\$12.00", "12"),
        ("-$5", "-5"),
        ("€7", "7"),
        ("12 dollars", "12"),
        ("12.", "12"),
        (r"5\text{ cm}", "5"),
        (r"5 \text{ square feet}", "5"),
        ("5 cm^2", "5"),
        ("60 miles per hour", "60"),
        (r"45^\circ", "45"),
        (r"45^{\circ}", "45"),
        ("45°", "45"),
        ("25%", "25"),
        (r"25\%", "25"),
        ("0.25", "25%"),
        ("25 percent", "25%"),
        ("x=5", "5"),
        ("x = -5", "-5"),
        ("−5", "-5"),  # noqa: RUF001
        ("$5$", "5"),
        (r"\left( 1, 2 \right]", "(1,2]"),
        (r"\text{Even}", "even"),
        (r"x^{2}", "x^{2}"),
    ],
)
def test_right_without_sympy(answer: str, gold: str) -> None:
    sandbox = Sandbox()
    sandbox.close()
    assert check(answer, Task("math", gold), sandbox).correct


@pytest.mark.parametrize(
    ("answer", "gold"),
    [
        ("73", "72"),
        ("-72", "72"),
        ("7200", "72"),
        ("0.72", "72"),
        ("10000001", "10000000"),
        ("0.3333", "1/3"),
        ("0", "0.0000001"),
        ("1.234", "1234"),
    ],
)
def test_wrong_numbers(answer: str, gold: str, sandbox: Sandbox) -> None:
    verdict = check(answer, Task("math", gold), sandbox)
    assert not verdict.correct and not verdict.infra


@pytest.mark.parametrize(
    ("answer", "gold", "correct"),
    [
        (r"\sqrt{8}", r"2\sqrt{2}", True),
        ("sqrt(8)", r"2\sqrt{2}", True),
        ("2^{10}", "1024", True),
        ("x^2+2x+1", "(x+1)^2", True),
        (r"1\frac{1}{2}", "1.5", True),
        (r"\{2, 1\}", r"\{1, 2\}", True),
        (r"3 \times 10^8", "300000000", True),
        (r"x \in [1,2]", "[1,2]", True),
        ("5", "x=5", True),
        (
            r"\begin{pmatrix}1\\2\end{pmatrix}",
            r"\begin{pmatrix} 1 \\ 2 \end{pmatrix}",
            True,
        ),
        ("(1,2)", "[1,2]", False),
        ("(1,2)", "(2,1)", False),
        ("3.14", r"\pi", False),
        (r"5\pi", "5", False),
        ("5", "5xy", False),
        ("5 million", "5", False),
        ("5 or 6", "6", False),
        ("5, 6", "6", False),
        ("5 6", "6", False),
        ("$5$ and $6$", "6", False),
        ("1/0", "0", False),
    ],
)
def test_by_math_verify(answer: str, gold: str, correct: bool, sandbox: Sandbox) -> None:
    verdict = check(answer, Task("math", gold), sandbox)
    assert (verdict.correct, verdict.infra) == (correct, False), verdict


@pytest.mark.parametrize(
    "answer",
    [
        "9**9**9",
        "9^{9^{9}}",
        "7^{123456789}",
        "(10^{8})^{99999}",
        "100000000!",
        r"\sum_{i=1}^{10^9} i",
        "(" * 250,
        r"\frac{" * 80,
        "1" * 10_000,
        "9" * 499,
        "\0",
        "'''; import os; os._exit(0)",
        "{0} {answer} %s",
        "\ud800",
    ],
)
def test_hostile_answers_are_wrong(answer: str, sandbox: Sandbox) -> None:
    started = time.monotonic()
    verdict = check(answer, Task("math", "5"), sandbox)
    assert not verdict.correct and not verdict.infra, verdict
    assert time.monotonic() - started < MATH_TIMEOUT_S + 2


def test_a_huge_power_ends_in_time_in_a_thread_too(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("benchmarks.grading.MATH_TIMEOUT_S", 2.0)
    verdicts: list[Verdict] = []
    task = Task("math", "5")
    worker = threading.Thread(
        target=lambda: verdicts.append(check(r"2^{9999} \cdot (9^9)!", task, sandbox))
    )
    started = time.monotonic()
    worker.start()
    worker.join(10)
    assert time.monotonic() - started < 5
    assert [(verdict.correct, verdict.infra) for verdict in verdicts] == [(False, False)]
    assert check(r"\sqrt{4}", Task("math", "2"), sandbox).correct


@given(st.text(alphabet="0123456789.,/%$ -+{}\\fracxe=", max_size=30))
def test_reading_numbers_never_fails(answer: str) -> None:
    sandbox = Sandbox()
    sandbox.close()
    with contextlib.suppress(SandboxUnavailable):  # not a number: math-verify was asked
        check(answer, Task("math", "5"), sandbox)


@given(st.integers(-(10**12), 10**12))
def test_every_integer_is_itself_however_it_is_written(number: int) -> None:
    sandbox = Sandbox()
    sandbox.close()
    for text in (f"{number}", f"{number:,}", f"${number}$", f"x = {number}", f"{number}.0"):
        assert check(text, Task("math", str(number)), sandbox).correct, text
        assert not check(text, Task("math", str(number + 1)), sandbox).correct, text


CHOICES = ("12 m/s", "Sodium chloride", "x^2", "none of these")


@pytest.mark.parametrize(
    ("answer", "letter"),
    [
        ("B", "B"),
        ("b", "B"),
        ("(B)", "B"),
        ("B.", "B"),
        ("B)", "B"),
        (r"\text{B}", "B"),
        (r"\textbf{(B)}", "B"),
        ("Option B", "B"),
        ("answer: B", "B"),
        ("sodium  chloride", "B"),
        ("Sodium chloride.", "B"),
        ("B. Sodium chloride", "B"),
        ("(B) sodium chloride", "B"),
        ("$x^2$", "C"),
        ("None of these", "D"),
        ("B. none of these", None),
        ("A or B", None),
        ("AB", None),
        ("E", None),
        ("", None),
        ("chloride", None),
    ],
)
def test_choices(answer: str, letter: str | None) -> None:
    assert choice_letter(answer, CHOICES) == letter


def test_science(dead: Sandbox) -> None:
    task = Task("science", "B", choices=CHOICES)
    assert check("(b)", task, dead).correct
    assert not check("A", task, dead).correct
    assert not check("salt", task, dead).correct
    assert check("C", Task("science", "C"), dead).correct
    assert check("9.8", Task("science", "9.80"), dead).correct  # a number is a number


DOUBLE = Task("code", tests=("assert double(2) == 4", "assert double(0) == 0"))


@pytest.mark.parametrize(
    "program",
    [
        "def double(n): return 2 * n",
        "```python\ndef double(n):\n    return 2 * n\n```",
        "first\n```\ndouble = 1\n```\nbetter:\n```py\ndouble = lambda n: n + n\n```",
        "print('x' * 100_000)\ndef double(n): return 2 * n",
        "import sys, io\nsys.stdout = io.StringIO()\ndef double(n): return 2 * n",
        "from __future__ import annotations\ndef double(n: Any): return 2 * n",
        "def double(n): return 2 * n\nif __name__ == '__main__':\n    raise SystemExit(1)",
    ],
)
def test_programs_that_pass(program: str, sandbox: Sandbox) -> None:
    assert check(program, DOUBLE, sandbox) == Verdict(True)


@pytest.mark.parametrize(
    "program",
    [
        "def double(n): return n",
        "def double(n): return 2 * n +",
        "double",
        "",
        "raise SystemExit",
        "import sys; sys.exit(0)",
        "import os; os._exit(0)",
        "print('ok'); print('passed'); print(True)",
        "def double(n): raise SystemExit('passed')",
        "import os\ndef double(n): os._exit(0)",
        "import builtins\nbuiltins.exec = builtins.compile = lambda *a, **k: None",
        "import builtins\nbuiltins.AssertionError = None\ndef double(n): return 1",
        "import builtins\nbuiltins.SystemExit = ValueError\ndef double(n): return 1",
        "class A:\n    __eq__ = lambda self, other: True\ndef double(n): return A()",
        "class A(int):\n    __eq__ = lambda self, other: True\ndef double(n): return A()",
        "from unittest.mock import ANY\ndef double(n): return ANY",
        "class A:\n    def __eq__(s, o): return True\ndef double(n):\n"
        "    globals()['_plain'] = lambda v: v\n    return A()",
        "_plain = lambda value: 4\ndef double(n): return 1",
        "if True:",
        "x = '''",
        "def double(n): return n\n'''",
        "def double(n): return n\nraise SystemExit('SystemExit: 0')",
        "while True: pass",
        "double = [0] * 10**10",
    ],
)
def test_programs_that_fail(
    program: str, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("benchmarks.grading.CODE_TIMEOUT_S", 1.0)
    verdict = check(program, DOUBLE, sandbox)
    assert not verdict.correct and not verdict.infra
    assert verdict.detail and "\n" not in verdict.detail


@pytest.mark.parametrize(
    ("program", "test", "correct"),
    [
        # A builtin that the tests use is the real one, unless it is what was asked for.
        ("def f(x): return 9\ndef abs(x): return 0", "assert abs(f(1) - 1) < 1e-6", False),
        ("def f(): return [0]\ndef all(x): return True", "assert all(f())", False),
        ("def sum(a, b): return a + b", "assert sum(10, 15) == 25", True),
        # Equality of one's own is fine among objects of one's own, and in the standard library.
        ("from collections import Counter as f", "assert f('aab') == {'a': 2, 'b': 1}", True),
        (
            "class P:\n    def __init__(s, x): s.x = x\n    def __eq__(s, o): return s.x == o.x",
            "assert P(1) == P(1) and P(1) != P(2)",
            True,
        ),
        ("class A:\n    __eq__ = lambda s, o: True\nf = lambda: [(A(),)]", "assert f() == [1]", 0),
        ("class A:\n    __eq__ = lambda s, o: True\nf = lambda: A()", "assert 1 == f()", False),
        (
            "def f(x): return x + 1",
            "def check(g):\n    for i in range(3):\n        assert g(i) == i + 1\ncheck(f)",
            True,
        ),
    ],
)
def test_what_tests_may_rely_on(program: str, test: str, correct: bool, sandbox: Sandbox) -> None:
    assert check(program, Task("code", tests=(test,)), sandbox).correct == bool(correct)


def test_failures_of_ours_are_infra(dead: Sandbox) -> None:
    assert check("def double(n): return 2 * n", DOUBLE, dead).infra
    verdict = check(r"\sqrt{4}", Task("math", "2"), dead)
    assert verdict.infra and "math-verify" in verdict.detail
    assert check("x = 1", Task("code"), dead).infra  # without tests everything would pass


def test_no_answer_and_no_rule(dead: Sandbox) -> None:
    for answer in (None, "", "  \n"):
        assert check(answer, Task("math", "5"), dead) == Verdict(False, detail="no answer")
    with pytest.raises(ValueError, match="poetry"):
        check("5", Task("poetry", "5"), dead)


def test_score_reads_a_record(sandbox: Sandbox) -> None:
    def record(answer: str | None, reason: StopReason, *turns: TurnRecord) -> RunRecord:
        return RunRecord(answer, reason, "m", "e", list(turns), message="no memory")

    assert score(record("72", StopReason.ANSWERED), Task("math", "72"), sandbox).correct
    lost = score(record(None, StopReason.ENGINE_ERROR), Task("math", "72"), sandbox)
    assert lost == Verdict(False, infra=True, detail="no memory")
    program = TurnRecord("Here:\n```python\ndef double(n): return 2 * n\n```")
    cut = TurnRecord(r"\boxed{def dou}", forced=True)
    ended = record("def dou", StopReason.END_OF_TURN, program, cut)
    assert score(ended, DOUBLE, sandbox).correct
    assert not score(record("n", StopReason.ANSWERED, program), DOUBLE, sandbox).correct


def test_syntax_trees_are_made_in_many_threads_at_once():
    """Without a lock: SystemError, where a garbage collection lets another thread in."""
    source = "\n".join(f"assert f({n}) == [{n}, ({n} + 1) * 2]" for n in range(300))

    def parse(depth: int) -> int:
        return parse(depth - 1) if depth else len(syntax_tree(source).body)

    def let_others_run(*_: object) -> None:
        time.sleep(0)

    thresholds = gc.get_threshold()
    gc.callbacks.append(let_others_run)
    gc.set_threshold(50)
    try:
        with ThreadPoolExecutor(8) as pool:
            assert set(pool.map(parse, [number % 20 for number in range(100)])) == {300}
    finally:
        gc.set_threshold(*thresholds)
        gc.callbacks.remove(let_others_run)
