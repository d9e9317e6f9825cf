"""Decimals, roots and rounding."""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction

from train.problems.families.arithmetic import grouped, neat, whole
from train.problems.family import Dice, Drawn, family
from train.problems.figures import plain


@family("arithmetic")
def division_to_some_places(dice: Dice) -> Drawn:
    digits = dice.choice((1, 2, 2, 2, 3))
    a, b = 1, 1
    while not neat(Fraction(a, b), digits):
        a, b = whole(dice, 2, 5), whole(dice, 1, 3)
    places = {1: "one decimal place", 2: "two decimal places", 3: "three decimal places"}[digits]
    question = dice.wording(
        "What is {x} divided by {y}, to {p}?",
        "Calculate {x} / {y} and round to {p}.",
        "Divide {x} by {y}. Give the answer to {p}.",
        "{x} \u00f7 {y}, rounded to {p}?",
        "Rounded to {p}, how much is {x} / {y}?",
        "whats {x} over {y}? {p} is enough",
        "Work out {x}/{y} to {p}.",
        "I need {x} divided by {y} with {p}.",
        "Find {x} / {y} correct to {p}.",
        "To {p}, what do you get if you divide {x} by {y}?",
        "Give me the quotient {x} / {y}, accurate to {p}.",
        "how much is {x} divided by {y}? round to {p}",
    ).format(x=grouped(dice, a), y=b, p=places)
    answer = str(float(round(Fraction(a, b), digits)))
    return Drawn(question, f"print(round({a} / {b}, {digits}))", answer)


@family("arithmetic")
def exact_square_root(dice: Dice) -> Drawn:
    root = whole(dice, 1, 4)
    question = dice.wording(
        "What is the square root of {n}?",
        "Find \u221a{n}.",
        "Calculate sqrt({n}).",
        "Which positive number squared gives {n}?",
        "square root of {n}?",
        "A square has an area of {n} square centimetres. How long is one side, in centimetres?",
        "Work out the square root of {n}, which is a whole number.",
        "I am looking for the positive number whose square is {n}.",
        "tell me the square root of {n}",
        "{n} is a perfect square. What is its root?",
        "What positive number times itself equals {n}?",
        "How much is the square root of {n}?",
    ).format(n=grouped(dice, root * root))
    program = f'import math\nprint(f"{{math.sqrt({root * root}):.10g}}")'
    return Drawn(question, program, str(root))


@family("arithmetic")
def square_root_to_places(dice: Dice) -> Drawn:
    n, digits = whole(dice, 1, 4), dice.choice((1, 2, 2, 2, 3))
    while Fraction(math.isqrt(n * 100**digits), 10**digits).denominator == 1:
        n = whole(dice, 1, 4)
    places = {1: "one decimal place", 2: "two decimal places", 3: "three decimal places"}[digits]
    question = dice.wording(
        "What is the square root of {n} to {p}?",
        "Find \u221a{n}, rounded to {p}.",
        "Calculate sqrt({n}) to {p}.",
        "Round the square root of {n} to {p}.",
        "square root of {n}, {p}",
        "To {p}, how much is the square root of {n}?",
        "A square room has an area of {n} square feet. Find its side in feet, to {p}.",
        "i need the square root of {n} rounded to {p}",
        "Give the positive square root of {n} correct to {p}.",
        "Which positive number squared gives {n}? Answer to {p}.",
        "Work out the root of {n} (square root) with {p}.",
        "Rounded to {p}, what is \u221a{n}?",
    ).format(n=n, p=places)
    root = round(Decimal(n).sqrt(), digits)
    if root == int(root):
        return square_root_to_places(dice)
    program = f"import math\nprint(round(math.sqrt({n}), {digits}))"
    return Drawn(question, program, str(float(root)))


@family("arithmetic", held_out=True)
def exact_cube_root(dice: Dice) -> Drawn:
    root = dice.randint(2, 250)
    question = dice.wording(
        "What is the cube root of {n}?",
        "Find the number whose cube is {n}.",
        "Calculate the third root of {n}.",
        "Which number cubed gives {n}?",
        "cube root of {n}?",
        "A cube has a volume of {n} cubic centimetres. How long is an edge, in centimetres?",
        "I need the cube root of {n}; it is a whole number.",
        "What whole number multiplied by itself three times over (n * n * n) makes {n}?",
    ).format(n=grouped(dice, root**3))
    return Drawn(question, f'print(f"{{{root**3} ** (1 / 3):.10g}}")', str(root))


@family("arithmetic")
def decimal_sum_or_difference(dice: Dice) -> Drawn:
    a, b = Decimal(1), Decimal(1)
    plus = dice.chance(0.5)
    while (total := a + b if plus else a - b) == int(total):
        a, b = (Decimal(whole(dice, 2, 5)).scaleb(-dice.randint(1, 2)) for _ in range(2))
        a, b = Decimal(plain(Fraction(max(a, b)))), Decimal(plain(Fraction(min(a, b))))
    templates = (
        ("What is {a} + {b}?", "Add {a} and {b}.", "{a} plus {b}?", "Find the sum of {a} and {b}.",
         "Calculate {a}+{b}.", "how much is {a} and {b} together", "I add {b} to {a}. The result?",
         "What do {a} and {b} come to in total?", "Increase {a} by {b}.",
         "Tell me {a} plus {b}, please.", "Work out the total of {a} and {b}.", "{a} + {b} =")
        if plus
        else ("What is {a} - {b}?", "Subtract {b} from {a}.", "{a} minus {b}?",
              "Find the difference between {a} and {b}.", "Calculate {a}-{b}.",
              "how much is left if i take {b} from {a}", "By how much does {a} exceed {b}?",
              "What is {b} less than {a}?", "Decrease {a} by {b}.",
              "Tell me {a} minus {b}, please.", "Work out {a} take away {b}.", "{a} - {b} =")
    )  # fmt: skip
    question = dice.wording(*templates).format(a=a, b=b)
    sign = "+" if plus else "-"
    return Drawn(question, f"print(round({a} {sign} {b}, 2))", str(float(total)))


@family("arithmetic")
def decimal_product(dice: Dice) -> Drawn:
    a, b = Decimal(1), Decimal(1)
    while (product := a * b) == int(product):
        a = Decimal(whole(dice, 2, 4)).scaleb(-dice.randint(1, 2))
        b = Decimal(whole(dice, 1, 3)).scaleb(-dice.randint(0, 2))
        a, b = Decimal(plain(Fraction(a))), Decimal(plain(Fraction(b)))
    question = dice.wording(
        "What is {a} times {b}?",
        "Calculate {a} * {b}.",
        "{a} \u00d7 {b} = ?",
        "Multiply {a} by {b}.",
        "Find the product of {a} and {b}.",
        "how much is {a} x {b}",
        "Work out {a} multiplied by {b}.",
        "I need the exact product {a} * {b}.",
        "If one piece weighs {b} kg, how many kilograms do {a} such pieces come to?"
        if a == int(a)
        else "A rectangle is {a} m long and {b} m wide. What is its area in square metres?",
        "{a} times {b} is what?",
        "Tell me the result of multiplying {a} and {b}.",
        "whats {a} multiplied with {b}",
    ).format(a=a, b=b)
    return Drawn(question, f"print(round({a} * {b}, 4))", str(float(product)))


ROUND_UNITS = {"ten": 1, "hundred": 2, "thousand": 3}


@family("arithmetic")
def rounding_to_tens_or_hundreds(dice: Dice) -> Drawn:
    unit, zeros = dice.choice(list(ROUND_UNITS.items()))
    n, step = whole(dice, zeros + 1, 6), 10**zeros
    n += n % step == step // 2
    question = dice.wording(
        "Round {n} to the nearest {u}.",
        "What is {n} rounded to the nearest {u}?",
        "To the nearest {u}, what is {n}?",
        "{n} to the nearest {u}?",
        "Give {n} to the nearest {u}.",
        "please round {n} off to the nearest {u}",
        "A town has {n} inhabitants. How many is that, to the nearest {u}?",
        "I want {n} rounded to {u}s. What is it?",
        "Which multiple of {s} is closest to {n}?",
        "There were {n} visitors. Round this number to the nearest {u}.",
        "how much is {n} if you round it to the nearest {u}",
        "Write {n} correct to the nearest {u}.",
    ).format(n=grouped(dice, n), u=unit, s=step)
    return Drawn(question, f"print(round({n}, -{zeros}))", str((n + step // 2) // step * step))


@family("arithmetic", held_out=True)
def rounding_to_decimal_places(dice: Dice) -> Drawn:
    digits, value = dice.randint(1, 3), Fraction(1)
    while not neat(value, digits):
        value = Fraction(whole(dice, 5, 7), 10**5)
    places = {1: "one decimal place", 2: "two decimal places", 3: "three decimal places"}[digits]
    question = dice.wording(
        "Round {n} to {p}.",
        "What is {n} rounded to {p}?",
        "{n} to {p}?",
        "Give {n} correct to {p}.",
        "please round off {n}, {p}",
        "To {p}, what is {n}?",
        "My calculator shows {n}. What is that to {p}?",
        "Write the number {n} with {p}, rounding as needed.",
    ).format(n=float(value), p=places)
    answer = str(float(math.floor(value * 10**digits + Fraction(1, 2)) / Fraction(10**digits)))
    return Drawn(question, f"print(round({float(value)}, {digits}))", answer)


@family("arithmetic")
def larger_decimal(dice: Dice) -> Drawn:
    a = b = 1.0
    while a == b or a == int(a) or b == int(b):
        n = dice.randint(0, 20)
        a, b = (round(n + dice.random(), dice.randint(1, 4)) for _ in range(2))
    larger = dice.chance(0.6)
    question = dice.wording(
        "Which is {w}, {a} or {b}?",
        "What is the {w} of {a} and {b}?",
        "Is {a} or {b} the {w} number?",
        "Compare {a} and {b} and give the {w} one.",
        "{a} or {b}, which one is {w}?",
        "tell me which is {w}: {a} or {b}",
        "Of the numbers {a} and {b}, which is {w}?",
        "Give the {w} of the two numbers {a} and {b}.",
        "One rope is {a} m long, another {b} m. Give the {w} length, as a number only.",
        "Find the {w} number: {a}, {b}.",
        "Between {a} and {b}, what is the {w} value?",
        "I have to choose the {w} of {a} and {b}. Which one?",
    ).format(a=a, b=b, w="larger" if larger else "smaller")
    answer = str(a if (Decimal(str(a)) > Decimal(str(b))) == larger else b)
    return Drawn(question, f"print({'max' if larger else 'min'}({a}, {b}))", answer)
