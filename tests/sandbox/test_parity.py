"""What a program prints here is what it prints anywhere: both tiers against plain Python."""

from __future__ import annotations

import contextlib
import io
import random
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from runtime.sandbox import Kind, Sandbox
from runtime.sandbox.program import parse

from .programs import MONTY_DIFFERS, MONTY_SUITS, TYPICAL

# What random expressions are made of: what Monty is trusted with, and a little more.
ATOMS = """
0 1 2 3 -1 7 -5 100 2**31 2**63 2**64-1 -2**63 10**20 True False None 0.0 -0.0 0.5 2.5 -1.5 3.14159
1e16 1e-7 1e300 2.675 123456.789 '' 'a' 'abc' '12' '-7' 'a,b,c' '1e5' [] [1] [1,2,3] ['b','a']
[0.5,1] () (1,) (2,1.5) [[1,2],[3]] [(1,'a'),(0,'b')] [True,1,1.0]
""".split()  # noqa: SIM905
OPERATORS = "+ - * / // % & | ^ == != < <= > >= in and or".split()  # noqa: SIM905
FUNCTIONS = """
abs bool divmod float hex bin oct int len list max min ord repr round sorted str sum tuple math.sqrt
math.floor math.ceil math.gcd math.isqrt math.sin math.exp math.log math.log10 math.atan math.trunc
math.prod math.comb
""".split()  # noqa: SIM905
METHODS = """
append capitalize count endswith extend index insert isalpha isdigit join ljust lower lstrip pop
remove replace rjust sort split startswith strip title upper zfill
""".split()  # noqa: SIM905
FORMATS = "d 05d .2f .0f 10.3f .3e .3g x #x 08x o +.1f X g 010.2f".split()  # noqa: SIM905

# Python's own way to show the value of a last expression is its interactive mode.
REFERENCE = """\
import ast, sys
tree = ast.parse(sys.argv[1])
is_shown = isinstance(tree.body[-1], ast.Expr)
last = [tree.body.pop()] if is_shown else []
exec(compile(tree, "main.py", "exec"), globals())
exec(compile(ast.Interactive(last), "main.py", "single"), globals())
"""


@pytest.mark.parametrize("name", TYPICAL)
def test_typical_program(both: Sandbox, name: str, tmp_path: Path) -> None:
    code = TYPICAL[name]
    done = subprocess.run(
        [sys.executable, "-X", "utf8", "-c", REFERENCE, code],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        cwd=tmp_path,
    )
    output, _, trace = done.stdout.partition("Traceback (most recent call last):")
    result = both.run(code, timeout=20)
    assert result.output == output
    if not done.returncode:
        assert (result.kind, result.error) == (Kind.OK, None)
    else:
        assert result.kind is Kind.USER_ERROR and result.error is not None
        assert result.error.splitlines()[-1] == trace.splitlines()[-1]


@pytest.mark.parametrize("code", MONTY_DIFFERS)
def test_monty_is_not_asked_where_it_differs(both: Sandbox, code: str) -> None:
    assert not parse(code).suits_monty
    assert both.run(code).tier == "cpython"


@pytest.mark.parametrize("code", MONTY_SUITS)
def test_monty_is_asked_where_it_agrees(both: Sandbox, code: str) -> None:
    result = both.run(code)
    assert (result.tier, result.kind, result.output) == ("monty", Kind.OK, plain(code))


def plain(code: str) -> str | None:
    """What CPython prints, None if there is an error."""
    output = io.StringIO()
    try:
        with contextlib.redirect_stdout(output), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            exec(compile(parse(code).code, "main.py", "exec", dont_inherit=True), {})
    except Exception:
        return None
    return output.getvalue()


def test_random_expressions_agree(monty: Sandbox) -> None:
    source = random.Random(1)
    answered = 0
    for number in range(3000):
        code = f"import math\n{expression(source, 1 + number % 2)}"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if not parse(code).suits_monty:
                continue
        result = monty.run(code)
        if result.kind is Kind.OK:
            answered += 1
            assert result.output == plain(code), code
    assert answered > 500


def expression(source: random.Random, depth: int) -> str:
    """An expression, sensible or not."""
    pick = source.choice
    if depth == 0:
        return pick(ATOMS)
    a, b, c = (expression(source, depth - 1) for _ in range(3))
    shapes = (
        f"({a} {pick(OPERATORS)} {b})",
        f"({a} ** {pick('0123')})",
        f"{pick(FUNCTIONS)}({a})",
        f"{pick(FUNCTIONS)}({a}, {b})",
        f"({a}).{pick(METHODS)}({b})",
        f"({a}).{pick(METHODS)}()",
        f"({a})[{b}]",
        f"({a})[{b}:{c}]",
        f"({a})[::{b}]",
        f"(lambda v: f'{{v:{pick(FORMATS)}}}')({a})",
        f"('%{pick(FORMATS)}' % {a})",
        f"[{a} for v in {b}]",
        f"({a} if {b} else {c})",
        f"({a}, {b})",
    )
    return pick(shapes)
