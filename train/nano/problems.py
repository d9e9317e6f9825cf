"""Generated tool problems whose calls depend on each other, so that one wrong call spoils the rest.

Each family draws numbers and one of several wordings, and knows the programs that solve the
problem one step at a time: what a call prints goes into the next call. Math, science with and
without choices, and small programming tasks with tests. Solutions are run in the sandbox by the
tests; nothing here is taken from a public test set.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

LETTERS = "ABCD"


@dataclass(frozen=True)
class Draw:
    """One problem with its solution.

    `programs` are run in order, each after the words in `thoughts`, and print `outputs`.
    """

    family: str
    domain: str
    question: str
    programs: tuple[str, ...]
    outputs: tuple[str, ...]
    answer: str
    choices: tuple[str, ...] = ()
    tests: tuple[str, ...] = ()
    thoughts: tuple[str, ...] = ()


def draw(rng: random.Random) -> Draw:
    """One problem of a family chosen at random."""
    return rng.choice(FAMILIES)(rng)


def _solved(
    family: str,
    domain: str,
    question: str,
    expressions: list[str],
    thoughts: Sequence[str] = (),
) -> Draw:
    """A problem whose programs print one expression each; `{k}` is what the k-th call printed."""
    outputs: list[str] = []
    programs = []
    for expression in expressions:
        code = expression.format(*outputs)
        outputs.append(str(eval(code)))  # our own generated arithmetic, never a model's text
        programs.append(f"print({code})")
    return Draw(
        family,
        domain,
        question,
        tuple(programs),
        tuple(outputs),
        outputs[-1],
        thoughts=tuple(thoughts) or ("",) * len(programs),
    )


def chain(rng: random.Random) -> Draw:
    """Two to four operations, one after the other."""
    value = rng.randint(3, 99)
    start, expressions, words = value, [], []
    for position in range(rng.randint(2, 4)):
        left = str(start) if position == 0 else f"{{{position - 1}}}"
        kind = rng.choice("+-*" if value < 400 else "+-")
        number = rng.randint(2, 9) if kind == "*" else rng.randint(2, 99)
        if kind == "-" and number >= value:
            kind = "+"
        value = {"+": value + number, "-": value - number, "*": value * number}[kind]
        expressions.append(f"{left} {kind} {number}")
        words.append(rng.choice(_CHAIN_WORDS[kind]).format(number) + ".")
    opening = rng.choice(("Start with {}.", "Take {}.", "Begin at {}.")).format(start)
    steps = " ".join(words)
    ending = rng.choice(("What is the result?", "What do you get?", "Which number is it now?"))
    return _solved("chain", "math", f"{opening} {steps} {ending}", expressions, words)


_CHAIN_WORDS = {
    "+": ("Add {}", "Increase it by {}", "Plus {}"),
    "-": ("Subtract {}", "Take away {}", "Minus {}"),
    "*": ("Multiply by {}", "Times {}"),
}


def shop(rng: random.Random) -> Draw:
    """Two goods, their sum and the change: the third call needs the first two."""
    name, first, second = rng.choice(_NAMES), *rng.sample(_GOODS, 2)
    price, other = rng.randint(2, 19), rng.randint(2, 19)
    count, many = rng.randint(2, 9), rng.randint(2, 9)
    expressions = [f"{price} * {count}", f"{other} * {many}", "{0} + {1}"]
    bought = (
        f"A {first} costs {price} and a {second} costs {other}. "
        f"{name} buys {count} {first}s and {many} {second}s"
    )
    thoughts = [f"{count} {first}s.", f"{many} {second}s.", "Together."]
    if rng.random() < 0.5:
        return _solved("shop", "math", f"{bought}. What is the total?", expressions, thoughts)
    note = rng.choice((200, 300, 400, 500))
    question = f"{bought} and pays with {note}. How much is the change?"
    expressions.append(f"{note} - {{2}}")
    return _solved("shop", "math", question, expressions, [*thoughts, "The change."])


_NAMES = ("Ann", "Ben", "Eva", "Tom", "Mia")
_GOODS = ("pen", "cup", "book", "cake", "lamp", "hat")


def remainder(rng: random.Random) -> Draw:
    """A product or a sum, divided."""
    left, right, divisor = rng.randint(11, 99), rng.randint(11, 99), rng.randint(3, 19)
    sign, word = rng.choice((("*", "product"), ("+", "sum")))
    question = rng.choice(
        (
            f"What is the remainder when the {word} of {left} and {right} is divided by {divisor}?",
            f"Divide the {word} of {left} and {right} by {divisor}. What remains?",
        )
    )
    expressions = [f"{left} {sign} {right}", f"{{0}} % {divisor}"]
    return _solved("remainder", "math", question, expressions)


def spread(rng: random.Random) -> Draw:
    """The largest, the smallest and what lies between them."""
    numbers = ", ".join(str(n) for n in rng.sample(range(5, 100), rng.randint(3, 4)))
    question = rng.choice(
        (
            f"What is the largest minus the smallest of {numbers}?",
            f"How far apart are the largest and the smallest of {numbers}?",
        )
    )
    expressions = [f"max({numbers})", f"min({numbers})", "{0} - {1}"]
    return _solved("spread", "math", question, expressions)


def motion(rng: random.Random) -> Draw:
    """v = u + a t, then s = v t."""
    speed, gain, time, coast = (rng.randint(2, 19) for _ in range(4))
    thing = rng.choice(("car", "train", "boat"))
    question = (
        f"A {thing} at {speed} m/s gains {gain} m/s each second for {time} s, "
        f"then keeps its speed for {coast} s. How many m does it go at that speed?"
    )
    expressions = [f"{gain} * {time}", f"{speed} + {{0}}", f"{{1}} * {coast}"]
    return _with_choices(rng, _solved("motion", "science", question, expressions))


def circuit(rng: random.Random) -> Draw:
    """U = R I, P = U I, E = P t."""
    current, resistance, time = rng.randint(2, 9), rng.randint(3, 29), rng.randint(2, 9)
    question = (
        f"A current of {current} A flows through {resistance} ohm for {time} s. "
        "How many J of heat does it give?"
    )
    expressions = [f"{resistance} * {current}", f"{{0}} * {current}", f"{{1}} * {time}"]
    return _with_choices(rng, _solved("circuit", "science", question, expressions))


def _with_choices(rng: random.Random, drawn: Draw) -> Draw:
    """A third of the science problems ask for a letter."""
    if rng.random() < 2 / 3:
        return drawn
    right = int(drawn.answer)
    wrong = {right + 10, right * 2, right - 1, right + rng.randint(2, 9), right + 100} - {right}
    choices = [right, *rng.sample(sorted(wrong), 3)]
    rng.shuffle(choices)
    return replace(
        drawn,
        family=drawn.family + "-choice",
        answer=LETTERS[choices.index(right)],
        choices=tuple(str(choice) for choice in choices),
    )


def function(rng: random.Random) -> Draw:
    """A small Python function, tried out once and then given as the answer."""
    factor, number, tried = rng.randint(2, 9), rng.randint(2, 49), rng.randint(2, 9)
    body, words = rng.choice(
        (
            (f"x * {factor} + {number}", f"multiplies x by {factor}, then adds {number}"),
            (f"x * {factor} - {number}", f"multiplies x by {factor}, then subtracts {number}"),
            (f"(x + {number}) * {factor}", f"adds {number} to x, then multiplies by {factor}"),
            (f"x % {factor} + {number}", f"takes x modulo {factor}, then adds {number}"),
        )
    )
    code = f"def f(x): return {body}"
    output = str(eval(body, {"x": tried}))
    points = rng.sample(range(-20, 60), 3)
    tests = tuple(f"assert f({x}) == {eval(body, {'x': x})}" for x in points)
    question = f"Write a Python function f(x) that {words}."
    program = f"{code}\nprint(f({tried}))"
    return Draw(
        "function", "code", question, (program,), (output,), code, tests=tests, thoughts=("",)
    )


FAMILIES: tuple[Callable[[random.Random], Draw], ...] = (
    chain,
    chain,  # the deepest family, twice as often
    shop,
    remainder,
    spread,
    motion,
    circuit,
    function,
)
