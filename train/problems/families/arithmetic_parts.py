"""Percentages, fractions and ratios."""

from __future__ import annotations

import math
from fractions import Fraction

from train.problems.families.arithmetic import grouped, neat, whole
from train.problems.family import Dice, Drawn, family
from train.problems.figures import plain
from train.problems.words import NAMES

IMPORT = "from fractions import Fraction\n"


def fraction(dice: Dice, most: int = 20) -> tuple[int, int]:
    """Numerator and denominator of a proper fraction in lowest terms."""
    below = dice.randint(2, most)
    above = dice.randint(1, below - 1)
    divisor = math.gcd(above, below)
    return above // divisor, below // divisor


def per_cent(dice: Dice) -> int:
    """A percentage, often a round one."""
    return dice.choice((dice.randint(1, 99), dice.randrange(5, 100, 5)))


@family("arithmetic")
def percent_of_a_number(dice: Dice) -> Drawn:
    p = dice.choice((per_cent(dice), per_cent(dice), dice.randint(101, 250)))
    n = dice.choice((whole(dice, 2, 3), whole(dice, 1, 3) * 10, whole(dice, 1, 3) * 100))
    question = dice.wording(
        "What is {p}% of {n}?",
        "{p}% of {n}?",
        "Calculate {p} percent of {n}.",
        "Find {p}% of {n}.",
        "How much is {p} percent of {n}?",
        "whats {p}% of {n}",
        "A village has {n} hectares of land. {p}% of it is forest. How many hectares is that?"
        if p < 100
        else "Work out {p} per cent of the number {n}.",
        "I need to know {p} % of {n}.",
        "Of {n}, take {p} percent. What number do you get?",
        "If 100% is {n}, how much is {p}%?",
        "Tell me {p}% of {n}, please.",
        "work out {p} percent of {n}",
    ).format(p=p, n=grouped(dice, n))
    return Drawn(question, f'print(f"{{{p} * {n} / 100:.10g}}")', plain(Fraction(p * n, 100)))


@family("arithmetic")
def what_percent_is_it(dice: Dice) -> Drawn:
    b = dice.choice((20, 25, 40, 50, 80, 100, 120, 160, 200, 250, 400, 500, 800, 1000, 1250))
    a = dice.randint(1, b - 1)
    while (Fraction(a * 100, b) * 10).denominator != 1:
        a = dice.randint(1, b - 1)
    question = dice.wording(
        "What percent of {b} is {a}?",
        "{a} is what percent of {b}?",
        "Express {a} out of {b} as a percentage.",
        "{name} got {a} of {b} points. What percentage is that?",
        "what percentage is {a} of {b}",
        "How many percent of {b} is {a}?",
        "Out of {b} people asked, {a} said yes. What percent said yes?",
        "Find what percentage {a} makes of {b}.",
        "{a} of {b} seats are taken. How many percent is that?",
        "Calculate {a} as a percentage of {b}.",
        "If {b} is 100%, what percent is {a}?",
        "in percent, how much of {b} is {a}?",
    ).format(a=a, b=b, name=dice.choice(NAMES))
    answer = plain(Fraction(a * 100, b))
    return Drawn(question, f'print(f"{{{a} / {b} * 100:.10g}}")', answer)


@family("arithmetic")
def increased_by_percent(dice: Dice) -> Drawn:
    p, n = per_cent(dice), dice.choice((whole(dice, 2, 3), whole(dice, 1, 2) * 100))
    question = dice.wording(
        "Increase {n} by {p}%.",
        "What is {n} increased by {p} percent?",
        "A number is {n} and grows by {p}%. What is the new number?",
        "What do you get when you add {p}% to {n}?",
        "{n} plus {p}% of itself is how much?",
        "The weight of a load was {n} kg and went up by {p}%. How many kilograms is it now?",
        "if {n} goes up by {p} percent what does it become",
        "Raise {n} by {p}%.",
        "Find the value of {n} after an increase of {p}%.",
        "Calculate {n} + {p}%.",
        "Something that measured {n} cm got {p}% longer. How many centimetres is it now?",
        "What number is {p} percent more than {n}?",
    ).format(p=p, n=n)
    answer = plain(Fraction(n) + Fraction(n * p, 100))
    return Drawn(question, f'print(f"{{{n} * (100 + {p}) / 100:.10g}}")', answer)


@family("arithmetic")
def decreased_by_percent(dice: Dice) -> Drawn:
    p, n = per_cent(dice), dice.choice((whole(dice, 2, 3), whole(dice, 1, 2) * 100))
    question = dice.wording(
        "Decrease {n} by {p}%.",
        "What is {n} reduced by {p} percent?",
        "A number is {n} and shrinks by {p}%. What is the new number?",
        "What do you get when you take {p}% off {n}?",
        "{n} minus {p}% of itself is how much?",
        "A tank held {n} litres and lost {p}% of it. How many litres are left?",
        "if {n} goes down by {p} percent what does it become",
        "Lower {n} by {p}%.",
        "Find the value of {n} after it falls by {p}%.",
        "Calculate {n} - {p}%.",
        "A rope of {n} cm became {p}% shorter. How many centimetres is it now?",
        "What number is {p} percent less than {n}?",
    ).format(p=p, n=n)
    answer = plain(Fraction(n) - Fraction(n * p, 100))
    return Drawn(question, f'print(f"{{{n} * (100 - {p}) / 100:.10g}}")', answer)


@family("arithmetic")
def percent_change(dice: Dice) -> Drawn:
    up, change = dice.chance(0.5), Fraction(1)
    a, b = 1, 1
    while not neat(change, 1):
        a, b = sorted((whole(dice, 2, 4), whole(dice, 2, 4)))
        a, b = (a, b) if up else (b, a)
        change = abs(Fraction(b - a, a) * 100)
    question = dice.wording(
        "By what percent does a number {w} from {a} to {b}? Give one decimal place.",
        "A value goes {v} from {a} to {b}. What is the percent {c}, to one decimal place?",
        "Find the percentage {c} from {a} to {b}, rounded to one decimal place.",
        "percent {c} from {a} to {b}? one decimal place",
        "Yesterday there were {a} visitors, today {b}. By how many percent did the number {w}, "
        "to one decimal place?",
        "Something went {v} from {a} to {b}. How many percent is that, to one decimal place?",
        "Calculate the percent {c} when {a} becomes {b}, to one decimal place.",
        "To one decimal place, what percentage {c} is it from {a} to {b}?",
        "i had {a}, now i have {b}. what is the {c} in percent, rounded to one decimal place",
        "The number of members changed from {a} to {b}. Give the {c} in percent, to one decimal "
        "place.",
        "How large is the {c} from {a} to {b} in percent? Round to one decimal place.",
        "Rounded to one decimal place, by how many percent did it {w}, if it was {a} and is now "
        "{b}?",
    ).format(a=a, b=b, v=("down", "up")[up], c=("decrease", "increase")[up],
             w=("decrease", "increase")[up])  # fmt: skip
    gap = f"{b} - {a}" if up else f"{a} - {b}"
    program = f"print(round(({gap}) / {a} * 100, 1))"
    return Drawn(question, program, str(float(round(change, 1))))


@family("arithmetic")
def reverse_percentage(dice: Dice) -> Drawn:
    p, n = per_cent(dice), dice.choice((whole(dice, 2, 3), whole(dice, 1, 2) * 100))
    up = dice.chance(0.5)
    rate = 100 + p if up else 100 - p
    after = plain(Fraction(n * rate, 100))
    question = dice.wording(
        "After {c} of {p}% a number is {b}. What was it before?",
        "A number was {v} by {p}% and became {b}. Find the original number.",
        "{b} is what you get when a number is {v} by {p} percent. What is the number?",
        "What number, {v} by {p}%, gives {b}?",
        "some number {v} by {p}% is {b}. what was the number",
        "The result of {c} of {p} percent is {b}. Calculate the starting value.",
        "I {v} a number by {p}% and got {b}. Which number did I start with?",
        "Find the original value if it is {b} after {c} of {p}%.",
        "Once {v} by {p}%, a quantity equals {b}. How much was it at first?",
        "Which number must be {v} by {p} percent to get {b}?",
        "A quantity of {b} is left over from {c} of {p}%. What was the quantity before that?"
        if not up
        else "With {c} of {p}%, a quantity reached {b}. What was it before?",
        "what was the number before {c} of {p}%, if it is {b} now?",
    ).format(p=p, b=after, c=("a decrease", "an increase")[up], v=("decreased", "increased")[up])
    sign = "+" if up else "-"
    return Drawn(question, f'print(f"{{{after} / (100 {sign} {p}) * 100:.10g}}")', str(n))


@family("arithmetic", held_out=True)
def whole_from_percent(dice: Dice) -> Drawn:
    p, n = per_cent(dice), dice.choice((whole(dice, 2, 3), whole(dice, 1, 2) * 100))
    question = dice.wording(
        "{p}% of a number is {a}. What is the number?",
        "If {a} is {p} percent of a number, find the number.",
        "{a} is {p}% of what number?",
        "Of which number is {a} exactly {p}%?",
        "what is 100% if {p}% is {a}",
        "{p} percent of a quantity makes {a}. How large is the whole quantity?",
        "Find the number of which {p}% equals {a}.",
        "We know that {p}% of the total is {a}. What is the total?",
    ).format(p=p, a=plain(Fraction(n * p, 100)))
    return Drawn(question, f'print(f"{{{plain(Fraction(n * p, 100))} / {p} * 100:.10g}}")', str(n))


@family("arithmetic")
def fraction_of_a_number(dice: Dice) -> Drawn:
    a, b = fraction(dice)
    part = whole(dice, 1, 3)
    question = dice.wording(
        "What is {a}/{b} of {n}?",
        "Find {a}/{b} of {n}.",
        "{a}/{b} of {n}?",
        "Calculate {a}/{b} times {n}.",
        "How much is {a}/{b} of {n}?",
        "{name} had {n} coins and gave away {a}/{b} of them. How many coins were given away?",
        "whats {a}/{b} of {n}",
        "There are {n} seats, and {a}/{b} of them are taken. How many seats are taken?",
        "Take {a}/{b} of the number {n}.",
        "Multiply {n} by the fraction {a}/{b}.",
        "Of {n} pages, {name} has read {a}/{b}. How many pages is that?",
        "I need {a}/{b} of {n}. How much is it?",
    ).format(a=a, b=b, n=grouped(dice, part * b), name=dice.choice(NAMES))
    return Drawn(question, f"{IMPORT}print(Fraction({a}, {b}) * {part * b})", str(a * part))


FORM = (" Answer as a fraction in lowest terms.", " Give a simplified fraction.", "", "")


def two_fractions(dice: Dice, sign: str, *templates: str) -> Drawn:
    """A question on two fractions, the larger first in a difference."""
    (a, b), (c, d) = sorted((fraction(dice), fraction(dice)), key=lambda f: f[1] / f[0])
    if sign == "-" and a * d == b * c:
        return two_fractions(dice, sign, *templates)
    above, below = {
        "+": (a * d + c * b, b * d), "-": (a * d - c * b, b * d),
        "*": (a * c, b * d), "/": (a * d, b * c),
    }[sign]  # fmt: skip
    divisor = math.gcd(above, below)
    above, below = above // divisor, below // divisor
    question = dice.wording(*templates).format(x=f"{a}/{b}", y=f"{c}/{d}")
    if below > 1:
        question += dice.choice(FORM)
    program = f"{IMPORT}print(Fraction({a}, {b}) {sign} Fraction({c}, {d}))"
    return Drawn(question, program, str(above) if below == 1 else f"{above}/{below}")


@family("arithmetic")
def sum_of_two_fractions(dice: Dice) -> Drawn:
    return two_fractions(
        dice,
        "+",
        "What is {x} + {y}?",
        "Add {x} and {y}.",
        "Find the sum of {x} and {y}.",
        "{x} plus {y}?",
        "Calculate {x}+{y}.",
        "I eat {x} of one pizza and {y} of another. How much pizza is that?",
        "hey, how much is {x} and {y} together?",
        "One jug holds {x} of a litre, another {y}. How many litres do they hold together?",
        "What do you get when you add {y} to {x}?",
        "Tell me the total of {x} and {y}.",
        "Work out {x} + {y} for me.",
        "If {x} is added to {y}, what is the result?",
    )


@family("arithmetic", held_out=True)
def difference_of_two_fractions(dice: Dice) -> Drawn:
    return two_fractions(
        dice,
        "-",
        "What is {x} - {y}?",
        "Subtract {y} from {x}.",
        "Find the difference between {x} and {y}.",
        "{x} minus {y}?",
        "Of {x} of a litre of milk, {y} of a litre is drunk. How much of a litre is left?",
        "By how much is {x} larger than {y}?",
        "how much is {x} take away {y}?",
        "Work out {x} - {y} for me.",
    )


@family("arithmetic")
def product_of_two_fractions(dice: Dice) -> Drawn:
    return two_fractions(
        dice,
        "*",
        "What is {x} times {y}?",
        "Multiply {x} by {y}.",
        "Find the product of {x} and {y}.",
        "What is {x} of {y}?",
        "Calculate {x} * {y}.",
        "{x} \u00d7 {y}?",
        "hey, how much is {x} x {y}?",
        "A field is {x} km long and {y} km wide. What is its area in square kilometres?",
        "I have {y} of a cake and eat {x} of that. What part of the whole cake do I eat?",
        "Tell me {x} multiplied by {y}.",
        "Work out {x} times {y}.",
        "If you multiply the fractions {x} and {y}, what comes out?",
    )


@family("arithmetic")
def quotient_of_two_fractions(dice: Dice) -> Drawn:
    return two_fractions(
        dice,
        "/",
        "What is {x} divided by {y}?",
        "Divide {x} by {y}.",
        "Find the quotient of {x} and {y}.",
        "{x} \u00f7 {y}?",
        "Calculate ({x}) / ({y}).",
        "how much is {x} divided by {y}?",
        "By what must {y} be multiplied to get {x}?",
        "Tell me what {x} over {y} is when you divide the two fractions.",
        "Work out {x} divided by {y}.",
        "How many times does {y} of a litre go into {x} of a litre?",
        "I want to divide {x} by {y}. What do I get?",
        "If {x} is divided by {y}, what comes out?",
    )
