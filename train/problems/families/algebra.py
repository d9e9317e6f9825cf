"""Equations and the puzzles that lead to them. Sequences are in `algebra_sequences`."""

from __future__ import annotations

from train.problems.family import Dice, Drawn, family
from train.problems.words import NAMES

UNKNOWNS = "xxxxxyzanktmp"


def term(factor: int, unknown: str, *, code: bool = False, first: bool = False) -> str:
    """`+ 3x` in a question, `+ 3 * x` in a program; without the plus sign where it comes first."""
    size = abs(factor)
    body = unknown if size == 1 else f"{size} * {unknown}" if code else f"{size}{unknown}"
    if first:
        return body if factor > 0 else f"-{body}"
    return f" + {body}" if factor > 0 else f" - {body}"


def constant(value: int) -> str:
    """` + 5`, ` - 5` or nothing for 0."""
    return f" + {value}" if value > 0 else f" - {-value}" if value < 0 else ""


def nonzero(dice: Dice, least: int, most: int) -> int:
    """An integer from `least` to `most`, but not 0."""
    return dice.choice([x for x in range(least, most + 1) if x])


@family("equations")
def linear_equation(dice: Dice) -> Drawn:
    x, a = dice.randint(-20, 60), dice.randint(2, 15)
    b, letter = nonzero(dice, -50, 90), dice.choice(UNKNOWNS)
    c = a * x + b
    left = f"{term(a, letter, first=True)}{constant(b)}"
    if dice.chance(0.15) and b > 0:
        left = f"{b}{term(a, letter)}"
    question = dice.wording(
        "Solve for {x}: {left} = {c}",
        "If {left} = {c}, what is {x}?",
        "Solve the equation {left} = {c}.",
        "{left} = {c}, {x} = ?",
        "What value of {x} satisfies {left} = {c}?",
        "Find {x} when {left} = {c}.",
        "what is {x} in {left} = {c}",
        "Work out the value of {x} in the equation {left} = {c}.",
        "Given that {left} = {c}, find {x}.",
        "For which {x} does {left} equal {c}?",
        "I have the equation {left} = {c}. What is {x}?",
        "Determine {x} if {left} = {c}.",
    ).format(x=letter, left=left, c=c)
    sign = f"- {b}" if b > 0 else f"+ {-b}"
    return Drawn(question, f"print(({c} {sign}) / {a})", str(x))


@family("equations")
def linear_equation_two_places(dice: Dice) -> Drawn:
    while True:
        a, b, c = dice.randint(3, 19), nonzero(dice, -40, 60), dice.randint(10, 200)
        if (c - b) * 200 % a and (c - b) % a:
            break
    letter = dice.choice(UNKNOWNS)
    question = dice.wording(
        "Solve {left} = {c} for {x}, to two decimal places.",
        "If {left} = {c}, what is {x} rounded to two decimals?",
        "Find {x} to 2 decimal places: {left} = {c}",
        "{left} = {c}. what is {x}, 2 decimals",
        "Give the solution of {left} = {c} to two decimal places.",
        "To two decimal places, which {x} makes {left} equal to {c}?",
        "Work out {x} from {left} = {c}. Round to two decimal places.",
        "Rounded to two places, what value of {x} solves {left} = {c}?",
    ).format(x=letter, left=f"{term(a, letter, first=True)}{constant(b)}", c=c)
    sign = f"- {b}" if b > 0 else f"+ {-b}"
    answer = str(round((c - b) / a, 2))
    return Drawn(question, f"print(round(({c} {sign}) / {a}, 2))", answer)


@family("equations")
def unknown_on_both_sides(dice: Dice) -> Drawn:
    x, letter = dice.randint(-20, 40), dice.choice(UNKNOWNS)
    a, c = dice.sample(range(1, 13), 2)
    b = nonzero(dice, -40, 60)
    d = a * x + b - c * x
    question = dice.wording(
        "Solve for {x}: {left} = {right}",
        "If {left} = {right}, what is {x}?",
        "Solve the equation {left} = {right}.",
        "{left} = {right}, {x} = ?",
        "For which {x} is {left} equal to {right}?",
        "Find the value of {x} in {left} = {right}.",
        "what {x} makes {left} = {right} true",
        "Determine {x} when {left} = {right}.",
    ).format(
        x=letter,
        left=f"{term(a, letter, first=True)}{constant(b)}",
        right=f"{term(c, letter, first=True)}{constant(d)}",
    )
    left = f"{term(a, letter, code=True, first=True)}{constant(b)}"
    right = f"{term(c, letter, code=True, first=True)}{constant(d)}"
    return Drawn(question, _searched(letter, f"{left} == {right}"), str(x))


def _searched(letter: str, condition: str) -> str:
    return f"for {letter} in range(-1000, 1001):\n    if {condition}:\n        print({letter})"


@family("equations", held_out=True)
def equation_with_brackets(dice: Dice) -> Drawn:
    x, letter = dice.randint(-20, 40), dice.choice(UNKNOWNS)
    a, b = dice.randint(2, 9), nonzero(dice, -15, 20)
    c = a * (x + b)
    question = dice.wording(
        "Solve for {x}: {a}({x}{b}) = {c}",
        "If {a}({x}{b}) = {c}, what is {x}?",
        "{a}({x}{b}) = {c}, find {x}",
        "Which value of {x} solves {a}({x}{b}) = {c}?",
        "Given {a}({x}{b}) = {c}, calculate {x}.",
        "i need {x} from {a}({x}{b}) = {c}",
        "For what {x} does {a}({x}{b}) equal {c}?",
        "Work out the unknown {x}: {a}({x}{b}) = {c}.",
    ).format(x=letter, a=a, b=constant(b), c=c)
    return Drawn(question, _searched(letter, f"{a} * ({letter}{constant(b)}) == {c}"), str(x))


@family("equations")
def two_equations(dice: Dice) -> Drawn:
    x, y = dice.randint(-10, 25), dice.randint(-10, 25)
    while True:
        a, b, c, d = (nonzero(dice, low, 7) for low in (1, -5, 1, -5))
        if a * d != b * c:
            break
    wanted = dice.choice(("x", "y", "x", "y", "x + y", "x * y"))
    first = f"{term(a, 'x', first=True)}{term(b, 'y')} = {a * x + b * y}"
    second = f"{term(c, 'x', first=True)}{term(d, 'y')} = {c * x + d * y}"
    question = dice.wording(
        "Solve the system {e} and {f}. What is {w}?",
        "If {e} and {f}, what is {w}?",
        "Find {w}, given that {e} and {f}.",
        "{e}, {f}. {w} = ?",
        "The numbers x and y satisfy {e} and {f}. What is the value of {w}?",
        "Work out {w} from these two equations: {e}; {f}",
        "We know that {e}. We also know that {f}. Find {w}.",
        "what is {w} when {e} and {f}",
    ).format(e=first, f=second, w=wanted.replace(" * ", ""))
    left = f"{term(a, 'x', code=True, first=True)}{term(b, 'y', code=True)} == {a * x + b * y}"
    right = f"{term(c, 'x', code=True, first=True)}{term(d, 'y', code=True)} == {c * x + d * y}"
    program = (
        "for x in range(-100, 101):\n    for y in range(-100, 101):\n"
        f"        if {left} and {right}:\n            print({wanted})"
    )
    answer = {"x": x, "y": y, "x + y": x + y, "x * y": x * y}[wanted]
    return Drawn(question, program, str(answer))


@family("equations")
def sum_and_difference(dice: Dice) -> Drawn:
    small = dice.randint(2, 150)
    large = small + dice.randint(1, 90)
    smaller = dice.chance(0.4)
    question = dice.wording(
        "The sum of two numbers is {s} and their difference is {d}. What is the {which} number?",
        "Two numbers add up to {s} and differ by {d}. Find the {which} one.",
        "One number is {d} more than another. Together they make {s}. What is the {which} one?",
        "two numbers, sum {s}, difference {d}, what is the {which} one",
        "{a} and {b} have {s} coins in all. {a} has {d} more than {b}. How many coins does the "
        "one with the {which} number of coins have?",
        "Find the {which} of two numbers whose sum is {s} and whose difference is {d}.",
        "A rope of {s} m is cut into two pieces, one {d} m longer than the other. How many "
        "meters long is the {which} piece?",
        "If two numbers total {s} and one exceeds the other by {d}, what is the {which} number?",
    ).format(
        s=small + large,
        d=large - small,
        which="smaller" if smaller else "larger",
        a=(who := dice.sample(NAMES, 2))[0],
        b=who[1],
    )
    sign = "-" if smaller else "+"
    program = f"print(({small + large} {sign} {large - small}) / 2)"
    return Drawn(question, program, str(small if smaller else large))


@family("equations")
def larger_root(dice: Dice) -> Drawn:
    p, q = dice.sample(range(-15, 21), 2)
    smaller = dice.chance(0.3)
    b, c = -(p + q), p * q
    if b == 0 or c == 0:
        return larger_root(dice)
    question = dice.wording(
        "What is the {which} root of {e} = 0?",
        "Solve {e} = 0 and give the {which} solution.",
        "Find the {which} solution of the quadratic equation {e} = 0.",
        "{e} = 0, {which} x?",
        "The equation {e} = 0 has two solutions. Which is the {which} one?",
        "If {e} = 0, what is the {which} possible value of x?",
        "For which x is {e} = 0? Give the {which} one.",
        "A parabola y = {e} crosses the x-axis twice. What is the {which} x where it does?",
    ).format(e=f"x^2{term(b, 'x')}{constant(c)}", which="smaller" if smaller else "larger")
    left = f"x**2{term(b, 'x', code=True)}{constant(c)}"
    used = "min" if smaller else "max"
    program = f"print({used}(x for x in range(-100, 101) if {left} == 0))"
    return Drawn(question, program, str(min(p, q) if smaller else max(p, q)))


@family("equations")
def proportion(dice: Dice) -> Drawn:
    a, k, b = dice.randint(2, 15), dice.randint(2, 12), dice.randint(2, 30)
    question = dice.wording(
        "Solve the proportion {a}/{b} = {c}/x.",
        "If {a} : {b} = {c} : x, what is x?",
        "Find x if {a} is to {b} as {c} is to x.",
        "{a}/{b} = {c}/x, x = ?",
        "{a} over {b} equals {c} over x. What is x?",
        "Work out the missing number: {a} : {b} = {c} : ?",
        "The ratios {a}:{b} and {c}:x are equal. Find x.",
        "What number x makes {a}/{b} equal to {c}/x?",
    ).format(a=a, b=b, c=a * k)
    return Drawn(question, f"print({b} * {a * k} / {a})", str(b * k))


def which_one(count: int, largest: bool) -> str:
    """How one of `count` numbers is called that is the largest or the smallest."""
    if count == 2:
        return "larger" if largest else "smaller"
    return "largest" if largest else "smallest"


@family("equations")
def consecutive_integers(dice: Dice) -> Drawn:
    count, start = dice.choice((2, 3, 3, 4, 5)), dice.randint(1, 150)
    largest = dice.chance(0.5)
    word = {2: "two", 3: "three", 4: "four", 5: "five"}[count]
    question = dice.wording(
        "The sum of {n} consecutive integers is {s}. What is the {which} of them?",
        "{N} consecutive whole numbers add up to {s}. Find the {which} one.",
        "Find the {which} of {n} consecutive integers whose sum is {s}.",
        "{n} consecutive integers sum to {s}, whats the {which}",
        "{N} page numbers in a row have the sum {s}. Which is the {which}?",
        "If you add {n} consecutive integers you get {s}. What is the {which} integer?",
        "{N} houses side by side are numbered one after the other, and the numbers total {s}. "
        "What is the {which} number?",
        "What is the {which} of the {n} consecutive numbers that total {s}?",
    )
    total = sum(range(start, start + count))
    question = question.format(
        n=word,
        N=word.capitalize(),
        s=total,
        which=which_one(count, largest),
    )
    wanted = f"x + {count - 1}" if largest else "x"
    terms = " + ".join(f"(x + {i})" if i else "x" for i in range(count))
    program = f"for x in range(-1000, 1001):\n    if {terms} == {total}:\n        print({wanted})"
    return Drawn(question, program, str(start + count - 1 if largest else start))


@family("equations")
def ages_times(dice: Dice) -> Drawn:
    k, young = dice.randint(2, 6), dice.randint(3, 16)
    a, b = dice.sample(NAMES, 2)
    question = dice.wording(
        "{a} is {k} times as old as {b}. Together they are {s} years old. How old is {b}?",
        "The ages of {a} and {b} add up to {s}. {a} is {k} times as old as {b}. Find {b}'s age.",
        "{b} and {a} are {s} years old together, and {a} is {k} times as old. How old is {b}?",
        "{a}'s age is {k} times {b}'s, their ages sum to {s}. how old is {b}",
        "If {a} is {k} times {b}'s age and their ages total {s} years, what is {b}'s age?",
        "How old is {b}, if {a} is {k} times as old and both are {s} years old in total?",
        "{a} is {k} times as old as {b}. The sum of their ages is {s}. What is {b}'s age?",
        "Find {b}'s age: {a} is {k} times as old as {b} and together they are {s}.",
    ).format(a=a, b=b, k=k, s=young * (k + 1))
    return Drawn(question, f"print({young * (k + 1)} / ({k} + 1))", str(young))


@family("equations")
def ages_in_some_years(dice: Dice) -> Drawn:
    a, b = dice.sample(NAMES, 2)
    k, years = dice.choice((2, 2, 3, 4)), dice.randint(2, 14)
    then = dice.randint(16, {2: 40, 3: 28, 4: 20}[k])
    young, old = then - years, k * then - years
    times = {2: "twice", 3: "three times", 4: "four times"}[k]
    question = dice.wording(
        "{a} is {o} and {b} is {y}. In how many years will {a} be {k} as old as {b}?",
        "{a} is {o} years old, {b} is {y}. After how many years is {a} {k} as old as {b}?",
        "Today {b} is {y} and {a} is {o}. How many years until {a} is {k} {b}'s age?",
        "{a} {o}, {b} {y}. in how many years is {a} {k} as old as {b}?",
        "How many years from now will {a}, who is {o}, be {k} as old as {b}, who is {y}?",
        "{b} is {y} years old and {a} is {o}. Find the number of years until {a} is {k} as old.",
        "{a} has turned {o}; {b} has turned {y}. When, in years from now, is {a} {k} as old as "
        "{b}?",
        "In how many years is {a} (now {o}) {k} as old as {b} (now {y})?",
    ).format(a=a, b=b, o=old, y=young, k=times)
    program = (
        f"for years in range(1000):\n    if {old} + years == {k} * ({young} + years):\n"
        "        print(years)"
    )
    return Drawn(question, program, str(years))


@family("equations")
def think_of_a_number(dice: Dice) -> Drawn:
    x, a, b = dice.randint(2, 60), dice.randint(2, 12), dice.randint(1, 60)
    minus = dice.chance(0.5) and a * x > b
    result = a * x - b if minus else a * x + b
    question = dice.wording(
        "I think of a number, multiply it by {a} and {add} {b}. I get {c}. What is my number?",
        "{name} multiplies a number by {a}, then {adds} {b} and gets {c}. Find the number.",
        "When a number is multiplied by {a} and {b} is {added}, the result is {c}. What is the "
        "number?",
        "think of a number, times {a}, {sign} {b}, gives {c}. what was it?",
        "{b} {more} {a} times a number is {c}. What is the number?",
        "Which number gives {c} if you multiply it by {a} and then {add} {b}?",
        "Take a number, multiply by {a}, {add} {b}: the answer is {c}. What was the number?",
        "{name} has a secret number. {a} times the number {sign} {b} is {c}. What is it?",
    ).format(
        a=a,
        b=b,
        c=result,
        name=dice.choice(NAMES),
        add="subtract" if minus else "add",
        adds="subtracts" if minus else "adds",
        added="subtracted" if minus else "added",
        more="less than" if minus else "more than",
        sign="minus" if minus else "plus",
    )
    return Drawn(question, f"print(({result} {'+' if minus else '-'} {b}) / {a})", str(x))


@family("equations")
def function_value(dice: Dice) -> Drawn:
    kind, x = dice.randint(1, 3), dice.randint(-6, 12)
    a, b, c = dice.randint(1, 6), nonzero(dice, -9, 9), nonzero(dice, -20, 20)
    square = term(a, "x^2", first=True)
    code = term(a, "x**2", code=True, first=True)
    if kind == 1:
        shown, code, value = f"{square}{constant(c)}", f"{code}{constant(c)}", a * x * x + c
    elif kind == 2:
        shown = f"{square}{term(b, 'x')}{constant(c)}"
        code, value = f"{code}{term(b, 'x', code=True)}{constant(c)}", (a * x + b) * x + c
    else:
        shown = f"x^3{term(b, 'x')}{constant(c)}"
        code, value = f"x**3{term(b, 'x', code=True)}{constant(c)}", (x * x + b) * x + c
    question = dice.wording(
        "If f(x) = {f}, what is f({x})?",
        "Evaluate {f} at x = {x}.",
        "Find f({x}) for f(x) = {f}.",
        "f(x) = {f}, f({x}) = ?",
        "What is the value of {f} when x = {x}?",
        "Let x = {x}. Calculate {f}.",
        "Let f(x) = {f}. Work out f({x}).",
        "plug x = {x} into {f}",
        "Given the function f(x) = {f}, compute f({x}).",
        "What does {f} equal for x = {x}?",
        "Substitute {x} for x in {f}. What do you get?",
        "For x = {x}, how much is {f}?",
    ).format(f=shown, x=x)
    return Drawn(question, f"x = {x}\nprint({code})", str(value))


@family("equations", held_out=True)
def linear_function_value(dice: Dice) -> Drawn:
    a, b, x = nonzero(dice, -12, 15), nonzero(dice, -40, 40), dice.randint(-15, 40)
    name = dice.choice("fgh")
    question = dice.wording(
        "If {n}(x) = {f}, what is {n}({x})?",
        "Find {n}({x}) for {n}(x) = {f}.",
        "{n}(x) = {f}, {n}({x}) = ?",
        "Let {n}(x) = {f}. Calculate {n}({x}).",
        "A function is given by {n}(x) = {f}. What is its value at x = {x}?",
        "Put x = {x} into {n}(x) = {f}. What do you get?",
        "What does {n}(x) = {f} give for x = {x}?",
        "Work out {n}({x}) when {n}(x) = {f}.",
    ).format(n=name, f=f"{term(a, 'x', first=True)}{constant(b)}", x=x)
    code = f"{term(a, 'x', code=True, first=True)}{constant(b)}"
    return Drawn(question, f"x = {x}\nprint({code})", str(a * x + b))
