"""Sums, products, quotients, powers and expressions with whole numbers."""

from __future__ import annotations

import math
from fractions import Fraction

from train.problems.family import Dice, Drawn, family
from train.problems.figures import ordinal, plain
from train.problems.words import NAMES, THINGS


def whole(dice: Dice, fewest: int, most: int) -> int:
    """A whole number of `fewest` to `most` digits, at least 2."""
    digits = dice.randint(fewest, most)
    return dice.randint(max(2, 10 ** (digits - 1)), 10**digits - 1)


def grouped(dice: Dice, number: int) -> str:
    """The number as people type it, with or without commas between thousands."""
    return f"{number:,}" if dice.chance(0.5) else str(number)


def neat(value: Fraction, digits: int) -> bool:
    """Whether rounding it leaves decimals and is not decided by a tie."""
    tie = (value * 2 * 10**digits).denominator == 1 and (value * 10**digits).denominator != 1
    return not tie and round(value, digits).denominator != 1


@family("arithmetic")
def product_of_two_numbers(dice: Dice) -> Drawn:
    a, b = whole(dice, 1, 5), whole(dice, 2, 4)
    question = dice.wording(
        "What is {x} times {y}?",
        "Calculate {x} * {y}.",
        "{x} \u00d7 {y} = ?",
        "Find the product of {x} and {y}.",
        "Multiply {x} by {y}.",
        "hey, whats {x} x {y}",
        "I need {x} multiplied by {y}, please.",
        "How much is {x} times {y}?",
        "If you multiply {x} and {y}, what do you get?",
        "work out {x}*{y}",
        "Can you tell me the product of {x} and {y}?",
        "{x} times {y}?",
    ).format(x=grouped(dice, a), y=grouped(dice, b))
    return Drawn(question, f"print({a} * {b})", str(sum([a] * b)))


@family("arithmetic")
def sum_of_several_numbers(dice: Dice) -> Drawn:
    numbers = [whole(dice, 1, 5) for _ in range(dice.randint(2, 6))]
    shown = [str(n) for n in numbers] if dice.chance(0.5) else [f"{n:,}" for n in numbers]
    between = "; " if any("," in n for n in shown) and len(shown) > 2 else ", "
    listed = between.join(shown[:-1]) + " and " + shown[-1]
    question = dice.wording(
        "What is {p}?",
        "Add {l}.",
        "Find the sum of {l}.",
        "{p} = ?",
        "What do you get when you add up {l}?",
        "please add these together: {l}",
        "How much is {p} altogether?",
        "Calculate the total of {l}.",
        "I have these numbers: {l}. What is their sum?",
        "whats {p}",
        "Tell me the total when {l} are added.",
        "The numbers {l} are added together. Give the result.",
    ).format(p=" + ".join(shown), l=listed)
    program = f"print({' + '.join(map(str, numbers))})"
    return Drawn(question, program, str(sum(numbers)))


@family("arithmetic")
def difference_of_two_numbers(dice: Dice) -> Drawn:
    b, gap = whole(dice, 2, 6), whole(dice, 1, 6)
    a = b + gap
    question = dice.wording(
        "What is {x} minus {y}?",
        "Subtract {y} from {x}.",
        "Calculate {x} - {y}.",
        "Find the difference between {x} and {y}.",
        "How much more than {y} is {x}?",
        "{x} take away {y}?",
        "I need to know what {x} less {y} is.",
        "By how much is {y} smaller than {x}?",
        "{x}-{y}=",
        "if i take {y} away from {x} whats left",
        "What must be added to {y} to get {x}?",
        "How far apart are the numbers {x} and {y}?",
    ).format(x=grouped(dice, a), y=grouped(dice, b))
    return Drawn(question, f"print({a} - {b})", str(gap))


@family("arithmetic")
def division(dice: Dice) -> Drawn:
    b = dice.choice((2, 4, 5, 8, 16, 20, 25, 40, dice.randint(3, 99), dice.randint(3, 99)))
    terminates = b in (2, 4, 5, 8, 16, 20, 25, 40) and dice.chance(0.5)
    a = whole(dice, 2, 4) if terminates else b * whole(dice, 1, 3)
    question = dice.wording(
        "What is {x} divided by {y}?",
        "Calculate {x} / {y}.",
        "{x} \u00f7 {y} = ?",
        "Divide {x} by {y}.",
        "how much is {x} / {y}",
        "Find the quotient of {x} and {y}, as an exact number.",
        "{x} divided by {y}?",
        "If {x} is split into {y} equal parts, how big is each part?",
        "Work out {x} : {y} (division).",
        "Please give me the exact value of {x} over {y}.",
        "Tell me what you get when you divide {x} by {y}.",
        "What number times {y} gives {x}?",
    ).format(x=grouped(dice, a), y=b)
    return Drawn(question, f'print(f"{{{a} / {b}:.10g}}")', plain(Fraction(a, b)))


EXPRESSION_WORDINGS = (
    "What is {e}?",
    "Calculate {e}.",
    "Evaluate {e}.",
    "{e} = ?",
    "Find the value of {e}.",
    "whats {e}",
    "Work out the following: {e}",
    "Compute {e} and give me the result.",
    "How much is {e}?",
    "I need the value of the expression {e}.",
    "solve {e}",
    "{e}?",
    "Simplify {e} to a single number.",
    "My homework says: {e}. What is the answer?",
    "Tell me what {e} comes to.",
    "Using the usual order of operations, what is {e}?",
)


@family("arithmetic")
def expression_with_precedence(dice: Dice) -> Drawn:
    a, b, c, d = (whole(dice, 1, 2) for _ in range(4))
    form, value = dice.choice(
        (
            (f"{a} + {b} * {c}", a + (b * c)),
            (f"{a * b} - {b} * {c}", b * (a - c)),
            (f"{a} * {b} + {c} * {d}", sum((a * b, c * d))),
            (f"{a} * {b} - {c} * {d}", -(c * d - a * b)),
            (f"{a} + {b} * {c} - {d}", (b * c) + (a - d)),
            (f"{a} * {b} + {c} - {d}", (a * b) + (c - d)),
            (f"{a} - {b} + {c} - {d}", a + c - (b + d)),
            (f"{a} + {b} - {c} * {d} + {a * 10}", 11 * a + b - (c * d)),
        )
    )
    shown = form.replace("*", dice.choice(("*", "x", "\u00d7", "*")))
    question = dice.wording(*EXPRESSION_WORDINGS).format(e=shown)
    return Drawn(question, f"print({form})", str(value))


@family("arithmetic")
def expression_with_brackets(dice: Dice) -> Drawn:
    a, b, c, d = (whole(dice, 1, 2) for _ in range(4))
    form, value = dice.choice(
        (
            (f"({a} + {b}) * {c}", a * c + b * c),
            (f"{a} * ({b} + {c})", a * b + a * c),
            (f"{a} * ({b} - {c}) + {d}", a * b - a * c + d),
            (f"({a} + {b}) * ({c} - {d})", a * c - a * d + b * c - b * d),
            (f"({a} + {b}) * ({c} + {d})", a * c + a * d + b * c + b * d),
            (f"{a} - ({b} - {c}) * {d}", a - b * d + c * d),
            (f"{a * 10} - ({b} + {c} * {d})", a * 10 - b - c * d),
            (f"(({a} + {b}) * {c} - {d}) * 2", 2 * a * c + 2 * b * c - 2 * d),
        )
    )
    shown = form.replace("*", dice.choice(("*", "x", "\u00d7", "*")))
    question = dice.wording(*EXPRESSION_WORDINGS).format(e=shown)
    return Drawn(question, f"print({form})", str(value))


@family("arithmetic", held_out=True)
def chain_of_operations(dice: Dice) -> Drawn:
    a, b, c = whole(dice, 1, 3), whole(dice, 1, 2), whole(dice, 1, 2)
    question = dice.wording(
        "Add {a} and {b}, then multiply the result by {c}. What do you get?",
        "Start with {a}. Add {b}. Multiply by {c}. Where do you end up?",
        "What is the sum of {a} and {b}, multiplied by {c}?",
        "I think of the number {a}, add {b} to it and multiply the result by {c}. What do I get?",
        "Take {a}, increase it by {b}, and then multiply it by {c}.",
        "{c} times the sum of {a} and {b} is what number?",
        "first add {b} to {a}, then times the result by {c}. what is it?",
        "Calculate the product of {c} and the sum of {a} and {b}.",
    ).format(a=a, b=b, c=c)
    return Drawn(question, f"print(({a} + {b}) * {c})", str(a * c + b * c))


@family("arithmetic")
def power(dice: Dice) -> Drawn:
    base, exponent = dice.choice(
        (
            (2, dice.randint(4, 64)),
            (whole(dice, 1, 1), dice.randint(3, 15)),
            (whole(dice, 2, 3), dice.randint(2, 6)),
        )
    )
    question = dice.wording(
        "What is {a} to the power of {n}?",
        "Calculate {a}^{n}.",
        "Evaluate {a} ** {n}.",
        "Find {a} raised to the power {n}.",
        "Raise {a} to the power of {n}.",
        "whats {a}^{n}",
        "How much is {a} to the power {n}?",
        "Multiply {n} copies of {a} together. What is the product?",
        "{a}**{n} = ?",
        "If the base is {a} and the exponent is {n}, what is the power?",
        "Work out the value of {a}^{n} in full.",
        "I need {a} to the {o} power.",
    ).format(a=base, n=exponent, o=ordinal(exponent))
    return Drawn(question, f"print({base} ** {exponent})", str(math.prod([base] * exponent)))


@family("arithmetic")
def negative_numbers(dice: Dice) -> Drawn:
    a, b, c = whole(dice, 1, 3), whole(dice, 1, 3), whole(dice, 1, 2)
    form, value = dice.choice(
        (
            (f"-{a} + {b}", b - a),
            (f"-{a} - {b}", -(a + b)),
            (f"{a} - (-{b})", a + b),
            (f"-{a} * {c}", -(a * c)),
            (f"-{a} * (-{c})", a * c),
            (f"-{a} - (-{b}) + {c}", b + c - a),
            (f"{a} + (-{b})", a - b),
            (f"{c} * (-{a}) + {b}", b - a * c),
        )
    )
    question = dice.wording(*EXPRESSION_WORDINGS).format(e=form)
    return Drawn(question, f"print({form})", str(value))


@family("arithmetic")
def remainder(dice: Dice) -> Drawn:
    b, q = whole(dice, 1, 2), whole(dice, 1, 4)
    r = dice.randint(0, b - 1)
    a = b * q + r
    question = dice.wording(
        "What is the remainder when {a} is divided by {b}?",
        "Find {a} mod {b}.",
        "{a} % {b} = ?",
        "Divide {a} by {b}. What remainder is left over?",
        "What is left over after dividing {a} by {b}?",
        "{name} shares {a} {things} equally among {b} people. How many are left over?",
        "remainder of {a} / {b}?",
        "If {a} {things} are packed in full boxes of {b}, how many do not fit in a full box?",
        "Calculate {a} modulo {b}.",
        "What remainder does {a} leave on division by {b}?",
        "{name} puts {a} {things} in rows of {b}. How many remain after the last full row?",
        "tell me the remainder if i divide {a} by {b}",
    ).format(a=grouped(dice, a), b=b, name=dice.choice(NAMES), things=dice.choice(THINGS))
    return Drawn(question, f"print({a} % {b})", str(r))


@family("arithmetic")
def full_groups(dice: Dice) -> Drawn:
    b, q = whole(dice, 1, 2), whole(dice, 1, 3)
    a = b * q + dice.randint(0, b - 1)
    question = dice.wording(
        "How many full boxes of {b} can be filled with {a} {things}?",
        "What is the integer quotient of {a} divided by {b}, ignoring the remainder?",
        "How many times does {b} go into {a} completely?",
        "{name} packs {a} {things} in bags of {b}. How many full bags are there?",
        "Divide {a} by {b} and give only the whole-number part.",
        "whole number part of {a} / {b}?",
        "Calculate {a} // {b} (integer division).",
        "A bag holds {b} {things}. How many bags does {name} fill completely with {a} of them?",
        "i have {a} {things} and make groups of {b}. how many complete groups do i get",
        "How often can you subtract {b} from {a} before you would go below zero?",
        "With {a} {things} and {b} to a tray, how many trays become full?",
        "Give the quotient, without remainder, when {a} is divided by {b}.",
    ).format(a=a, b=b, name=dice.choice(NAMES), things=dice.choice(THINGS))
    return Drawn(question, f"print({a} // {b})", str(q))


SMALL = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
    "fifteen sixteen seventeen eighteen nineteen twenty thirty forty fifty sixty "
    "seventy eighty ninety"
)
ONES, TENS = SMALL.split()[:20], SMALL.split()[20:]


def in_words(n: int) -> str:
    """A number below a million in words."""
    if n < 20:
        return ONES[n]
    if n < 100:
        return TENS[n // 10 - 2] + (f"-{ONES[n % 10]}" if n % 10 else "")
    size, unit = (1000, "thousand") if n >= 1000 else (100, "hundred")
    rest = n % size
    joint = " and " if rest < 100 else " "
    return f"{in_words(n // size)} {unit}" + (joint + in_words(rest) if rest else "")


@family("arithmetic")
def sum_of_numbers_in_words(dice: Dice) -> Drawn:
    a, b = (dice.choice((whole(dice, 1, 5), whole(dice, 1, 3) * 1000 + 5)) for _ in range(2))
    question = dice.wording(
        "What is {a} plus {b}? Answer in digits.",
        "Add {a} and {b}, and write the result in digits.",
        "In digits, what is the sum of {a} and {b}?",
        "{a} plus {b}, as a number in digits?",
        "Write the total of {a} and {b} as a number.",
        "I had {a} points and won {b} more. How many points is that? Write digits.",
        "how much is {a} and {b} together, in digits",
        "Find the sum: {a} plus {b}. Give digits, not words.",
        "Please add {b} to {a} and give me the number in digits.",
        "A box has {a} nails and another has {b}. How many nails are there, in digits?",
        "What number, in digits, do you get by adding {b} to {a}?",
        "sum of {a} and {b}? digits please",
    ).format(a=in_words(a), b=in_words(b))
    return Drawn(question, f"print({a} + {b})", str(sum((a, b))))


@family("arithmetic", held_out=True)
def product_of_numbers_in_words(dice: Dice) -> Drawn:
    a, b = whole(dice, 1, 4), whole(dice, 1, 2)
    question = dice.wording(
        "What is {a} times {b}? Answer in digits.",
        "Multiply {a} by {b}, and write the result in digits.",
        "In digits, what does {a} multiplied by {b} make?",
        "{a} times {b}, as a number in digits?",
        "Write down what {a} times {b} is, as a number.",
        "how much is {a} multiplied by {b}, in digits",
        "Find {a} multiplied by {b}. Give digits, not words.",
        "What number, in digits, do you get when {a} is multiplied by {b}?",
    ).format(a=in_words(a), b=in_words(b))
    return Drawn(question, f"print({a} * {b})", str(sum([a] * b)))


@family("arithmetic")
def sum_then_difference(dice: Dice) -> Drawn:
    a, b = whole(dice, 1, 3), whole(dice, 1, 3)
    c = dice.randint(1, a + b - 1)
    question = dice.wording(
        "{name} has {a} points, gets {b} more and then loses {c}. How many points are left?",
        "What is {a} plus {b} minus {c}?",
        "Add {a} and {b}, then subtract {c}.",
        "Take the sum of {a} and {b} and subtract {c} from it. What is the result?",
        "if i add {b} to {a} and take off {c}, what do i have",
        "Start at {a}, go up by {b}, go down by {c}. Where do you end?",
        "{a} plus {b}, less {c}?",
        "A counter shows {a}. It rises by {b} and falls by {c}. What does it show now?",
        "Increase {a} by {b}; then decrease the result by {c}.",
        "Find {a} and {b} added together with {c} taken away.",
        "Tell me how much {a} plus {b} take away {c} is.",
        "From the total of {a} and {b}, {c} is removed. What remains?",
    ).format(a=a, b=b, c=c, name=dice.choice(NAMES))
    return Drawn(question, f"print({a} + {b} - {c})", str(a - c + b))
