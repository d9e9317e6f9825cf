"""Fractions, decimals and percentages turned into one another, and ratios."""

from __future__ import annotations

import math
from fractions import Fraction

from train.problems.families.arithmetic import grouped, whole
from train.problems.families.arithmetic_parts import IMPORT, fraction
from train.problems.family import Dice, Drawn, family
from train.problems.figures import plain
from train.problems.words import NAMES, THINGS


@family("arithmetic")
def simplified_fraction(dice: Dice) -> Drawn:
    (a, b), k = fraction(dice, 40), dice.randint(2, 60)
    question = dice.wording(
        "Simplify {a}/{b}.",
        "Write {a}/{b} in lowest terms.",
        "Reduce the fraction {a}/{b} as far as possible.",
        "What is {a}/{b} in its simplest form?",
        "{a}/{b} simplified?",
        "Cancel {a}/{b} down completely.",
        "please reduce {a}/{b}",
        "{name} got {a} out of {b} questions right. Which fraction is that, in lowest terms?",
        "What is the simplest fraction equal to {a}/{b}?",
        "Bring {a}/{b} to lowest terms.",
        "i need {a}/{b} as a simplified fraction",
        "Give the fully reduced form of the fraction {a}/{b}.",
    ).format(a=a * k, b=b * k, name=dice.choice(NAMES))
    return Drawn(question, f"{IMPORT}print(Fraction({a * k}, {b * k}))", f"{a}/{b}")


@family("arithmetic")
def fraction_to_decimal(dice: Dice) -> Drawn:
    b = dice.choice((2, 4, 5, 8, 10, 16, 20, 25, 40, 50, 80, 125, 200))
    a = dice.randint(1, 3 * b)
    a += a % b == 0
    question = dice.wording(
        "Write {a}/{b} as a decimal.",
        "What is {a}/{b} as a decimal number?",
        "Convert the fraction {a}/{b} to a decimal.",
        "{a}/{b} in decimal form?",
        "Turn {a}/{b} into a decimal.",
        "how do you write {a}/{b} as a decimal",
        "Express {a}/{b} as a decimal number.",
        "My calculator only shows decimals. What will it show for {a}/{b}?",
        "Find the exact decimal value of the fraction {a}/{b}.",
        "Which decimal is equal to {a}/{b}?",
        "decimal for {a}/{b}",
        "I need the decimal that equals {a}/{b}.",
    ).format(a=a, b=b)
    return Drawn(question, f"print({a} / {b})", plain(Fraction(a, b)))


@family("arithmetic")
def fraction_to_percent(dice: Dice) -> Drawn:
    b = dice.choice((2, 4, 5, 8, 10, 16, 20, 25, 40, 50, 80, 125, 200))
    a = dice.randint(1, b + b // 2)
    question = dice.wording(
        "Write {a}/{b} as a percentage, without the percent sign.",
        "How many percent is {a}/{b}?",
        "Convert {a}/{b} to percent. Give the number only.",
        "What percentage is equal to the fraction {a}/{b}? Just the number.",
        "{a}/{b} in percent? number only",
        "Express the fraction {a}/{b} in percent, as a number.",
        "how many percent are {a}/{b}",
        "The share is {a}/{b} of last year's. How many percent is that?",
        "Turn the fraction {a}/{b} into a percentage and leave out the sign.",
        "As a percentage, {a}/{b} is what number?",
        "Find the number of percent that {a}/{b} stands for.",
        "Tell me {a}/{b} as percent, only the number.",
    ).format(a=a, b=b)
    answer = plain(Fraction(100 * a, b))
    return Drawn(question, f'print(f"{{{a} / {b} * 100:.10g}}")', answer)


@family("arithmetic")
def decimal_to_fraction(dice: Dice) -> Drawn:
    places = dice.randint(1, 3)
    n = dice.randint(1, 3 * 10**places)
    n += n % 10**places == 0
    value = Fraction(n, 10**places)
    question = dice.wording(
        "Write {x} as a fraction in lowest terms.",
        "Convert {x} to a simplified fraction.",
        "What is {x} as a fraction? Simplify it.",
        "{x} as a reduced fraction?",
        "Turn the decimal {x} into a fraction in its simplest form.",
        "Which fraction in lowest terms equals {x}?",
        "Express {x} as a fraction, fully reduced.",
        "i want {x} as a simplified fraction like a/b",
        "Give the fraction, in lowest terms, that has the decimal value {x}.",
        "what simplified fraction is the same as {x}",
        "Find the simplest fraction equal to the decimal {x}.",
        "Change {x} from a decimal into a simplified fraction.",
    ).format(x=float(value))
    return Drawn(question, f'{IMPORT}print(Fraction("{float(value)}"))', str(value))


@family("arithmetic", held_out=True)
def mixed_number_to_fraction(dice: Dice) -> Drawn:
    (a, b), n = fraction(dice, 15), dice.randint(1, 20)
    question = dice.wording(
        "Write {n} {a}/{b} as an improper fraction.",
        "Convert the mixed number {n} {a}/{b} to an improper fraction.",
        "What is the mixed number {n} {a}/{b} as a single fraction?",
        "{n} and {a}/{b} as an improper fraction?",
        "Turn {n} {a}/{b} into an improper fraction.",
        "Which fraction equals {n} + {a}/{b}?",
        "how do i write {n} {a}/{b} as one fraction",
        "Express {n} and {a}/{b} as a single improper fraction.",
    ).format(a=a, b=b, n=n)
    return Drawn(question, f"{IMPORT}print({n} + Fraction({a}, {b}))", f"{n * b + a}/{b}")


@family("arithmetic")
def larger_fraction(dice: Dice) -> Drawn:
    a, b = fraction(dice), fraction(dice)
    while a == b:
        b = fraction(dice)
    larger = dice.chance(0.6)
    question = dice.wording(
        "Which is {w}, {x} or {y}?",
        "What is the {w} of the fractions {x} and {y}?",
        "Is {x} or {y} the {w} fraction?",
        "Compare {x} and {y} and give the {w} one.",
        "{x} or {y}, which one is {w}?",
        "tell me which fraction is {w}: {x} or {y}",
        "Of {x} and {y}, which is {w}?",
        "{name} may have {x} or {y} of a cake. Which share is {w}?",
        "Find the {w} fraction: {x}, {y}.",
        "Between {x} and {y}, what is the {w} value?",
        "I have to choose the {w} of {x} and {y}. Which one?",
        "Give the {w} number of {x} and {y}.",
    ).format(x=f"{a[0]}/{a[1]}", y=f"{b[0]}/{b[1]}", w="larger" if larger else "smaller",
             name=dice.choice(NAMES))  # fmt: skip
    first = (a[0] * b[1] > b[0] * a[1]) == larger
    chosen = a if first else b
    call = "max" if larger else "min"
    program = f"{IMPORT}print({call}(Fraction({a[0]}, {a[1]}), Fraction({b[0]}, {b[1]})))"
    return Drawn(question, program, f"{chosen[0]}/{chosen[1]}")


@family("arithmetic")
def simplified_ratio(dice: Dice) -> Drawn:
    (a, b), k = fraction(dice, 30), dice.randint(2, 40)
    a, b = (a, b) if dice.chance(0.5) else (b, a)
    question = dice.wording(
        "Simplify the ratio {a}:{b}.",
        "Write the ratio {a} to {b} in simplest form, like 2:3.",
        "What is {a}:{b} in lowest terms, as a ratio?",
        "Reduce the ratio {a}:{b} as far as possible.",
        "There are {a} red and {b} blue beads. What is the ratio of red to blue in simplest form, "
        "as x:y?",
        "ratio {a}:{b} simplified?",
        "Give the simplest form of the ratio {a}:{b}.",
        "A class has {a} girls and {b} boys. Write girls to boys as a simplified ratio x:y.",
        "Bring the ratio {a}:{b} to lowest terms.",
        "please simplify {a}:{b} (a ratio)",
        "What is the smallest whole-number ratio equal to {a}:{b}?",
        "I mix {a} ml of syrup with {b} ml of water. What is the ratio syrup:water, simplified?",
    ).format(a=a * k, b=b * k)
    a, b = a * k, b * k
    program = f'import math\nd = math.gcd({a}, {b})\nprint(f"{{{a} // d}}:{{{b} // d}}")'
    ratio = Fraction(a, b)
    return Drawn(question, program, f"{ratio.numerator}:{ratio.denominator}")


@family("arithmetic")
def share_in_a_ratio(dice: Dice) -> Drawn:
    a, b = dice.sample(range(1, 10), 2)
    part = dice.randint(2, 150)
    larger = dice.chance(0.5)
    first, second = dice.sample(NAMES, 2)
    question = dice.wording(
        "Divide {n} in the ratio {a}:{b}. What is the {w} share?",
        "{n} is shared in the ratio {a} to {b}. Find the {w} part.",
        "Two friends split {n} {things} in the ratio {a}:{b}. How many does the one with the {w} "
        "share get?",
        "Split {n} into two parts in the ratio {a}:{b} and give the {w} part.",
        "share {n} in the ratio {a}:{b}, how big is the {w} share",
        "A rope of {n} cm is cut in the ratio {a}:{b}. How many centimetres is the {w} piece?",
        "Two numbers are in the ratio {a}:{b} and add up to {n}. What is the {w} number?",
        "{x} and {y} share {n} {things} in the ratio {a}:{b}. How many {things} are in the {w} "
        "share?",
        "If {n} is divided in the ratio {a}:{b}, how much is the {w} share?",
        "The parts of {n} are as {a} to {b}. Give the {w} one.",
        "I split {n} {things} into two heaps in the ratio {a}:{b}. How many are in the {w} heap?",
        "Find the {w} part when {n} is split {a}:{b}.",
    ).format(n=grouped(dice, part * (a + b)), a=a, b=b, x=first, y=second,
             w="larger" if larger else "smaller", things=dice.choice(THINGS))  # fmt: skip
    factor = max(a, b) if larger else min(a, b)
    program = f"print({part * (a + b)} / ({a} + {b}) * {factor})"
    return Drawn(question, program, str(sum([part] * factor)))


@family("arithmetic")
def first_share_in_a_ratio(dice: Dice) -> Drawn:
    a, b, c = (dice.randint(1, 9) for _ in range(3))
    part, first = dice.randint(2, 90), dice.chance(0.5)
    x, y, z = dice.sample(NAMES, 3)
    question = dice.wording(
        "{x}, {y} and {z} share {n} {things} in the ratio {a}:{b}:{c}. How many does {w} get?",
        "{n} {things} are split between {x}, {y} and {z} as {a}:{b}:{c}. How many go to {w}?",
        "Share {n} {things} among {x}, {y} and {z}, in this order, in the ratio {a}:{b}:{c}. "
        "What is the share of {w}?",
        "The shares of {x}, {y} and {z} are {a}:{b}:{c}. In all they have {n} {things}. How many "
        "belong to {w}?",
        "{x}, {y}, {z} divide {n} points as {a} to {b} to {c}. how many points does {w} have",
        "Find how many of {n} {things} {w} receives if {x}, {y} and {z} divide them {a}:{b}:{c}.",
        "{n} {things}, ratio {a}:{b}:{c} for {x}, {y} and {z}. How many for {w}?",
        "If {x}, {y} and {z} divide {n} {things} in the ratio {a}:{b}:{c}, what number of "
        "{things} does {w} have?",
    ).format(n=part * (a + b + c), a=a, b=b, c=c, x=x, y=y, z=z, w=x if first else z,
             things=dice.choice(THINGS))  # fmt: skip
    factor = a if first else c
    program = f"print({part * (a + b + c)} / ({a} + {b} + {c}) * {factor})"
    return Drawn(question, program, str(sum([part] * factor)))


@family("arithmetic", held_out=True)
def missing_number_in_a_ratio(dice: Dice) -> Drawn:
    (a, b), k = fraction(dice, 15), whole(dice, 1, 2)
    assert math.gcd(a, b) == 1
    question = dice.wording(
        "The ratio of cats to dogs is {a}:{b}. There are {n} cats. How many dogs are there?",
        "If {a}:{b} = {n}:x, what is x?",
        "Find x so that {n}:x is the same ratio as {a}:{b}.",
        "Flour and sugar are mixed {a} to {b}. "
        "How much sugar, in grams, goes with {n} grams of flour?",
        "two numbers are in the ratio {a}:{b}. the first is {n}. what is the second",
        "Red and blue tiles come in the ratio {a}:{b}. With {n} red ones, how many are blue?",
        "Solve {a}/{b} = {n}/x for x.",
        "For every {a} cm on one map there are {b} cm on another. How many cm are {n} cm there?",
    ).format(a=a, b=b, n=a * k)
    return Drawn(question, f"print({a * k} * {b} / {a})", str(b * k))
