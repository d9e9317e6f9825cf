"""Arithmetic and geometric sequences, sums of integers and squares, the next term."""

from __future__ import annotations

from train.problems.families.lists import shown
from train.problems.family import Dice, Drawn, family
from train.problems.figures import ordinal
from train.problems.words import NAMES


def _arithmetic(dice: Dice) -> tuple[int, int, list[int]]:
    first, step = dice.randint(1, 60), dice.choice((*range(2, 16), 20, 25))
    return first, step, [first + step * i for i in range(4)]


@family("sequences")
def arithmetic_term(dice: Dice) -> Drawn:
    (first, step, start), n = _arithmetic(dice), dice.randint(8, 120)
    question = dice.wording(
        "What is the {nth} term of the arithmetic sequence {s}, ...?",
        "An arithmetic sequence starts at {a} and goes up by {d}. What is its {nth} term?",
        "Find term number {n} of {s}, ...",
        "{nth} term of {s}, ...",
        "The first term of an arithmetic sequence is {a}, the common difference is {d}. Find the "
        "{nth} term.",
        "A theater has {a} seats in row 1, and each row has {d} more seats than the one before. "
        "How many seats are in row {n}?",
        "The sequence {s}, ... goes on in the same way. What is term {n}?",
        "If a1 = {a} and d = {d}, what is a{n} in the arithmetic progression?",
    ).format(s=shown(start), a=first, d=step, n=n, nth=ordinal(n))
    answer = list(range(first, first + step * n, step))[-1]
    return Drawn(question, f"print({first} + ({n} - 1) * {step})", str(answer))


@family("sequences")
def arithmetic_sum(dice: Dice) -> Drawn:
    (first, step, start), n = _arithmetic(dice), dice.randint(6, 60)
    question = dice.wording(
        "What is the sum of the first {n} terms of {s}, ...?",
        "An arithmetic sequence starts at {a} and goes up by {d}. Add its first {n} terms.",
        "Find the sum of {n} terms of the arithmetic sequence {s}, ...",
        "sum of first {n} terms, first term {a}, difference {d}",
        "{name} saves ${a} in the first week and ${d} more each week than in the week before. How "
        "many dollars are saved after {n} weeks?",
        "A hall has {n} rows. Row 1 has {a} seats and every row has {d} more than the last. How "
        "many seats are there in all?",
        "The first term is {a} and the common difference is {d}. What do the first {n} terms of "
        "this arithmetic sequence add up to?",
        "Add up the first {n} numbers of the sequence {s}, ...",
    ).format(s=shown(start), a=first, d=step, n=n, name=dice.choice(NAMES))
    answer = n * (2 * first + (n - 1) * step) // 2
    return Drawn(question, f"print(sum({first} + {step} * k for k in range({n})))", str(answer))


@family("sequences")
def geometric_term(dice: Dice) -> Drawn:
    first, ratio = dice.randint(1, 12), dice.randint(2, 5)
    n = dice.randint(5, 14 if ratio < 4 else 9)
    question = dice.wording(
        "What is the {nth} term of the geometric sequence {s}, ...?",
        "A geometric sequence starts at {a} and has the ratio {r}. What is its {nth} term?",
        "Find term number {n} of {s}, ...",
        "{nth} term of the geometric sequence with first term {a} and ratio {r}",
        "The first term is {a}. Each term is {r} times the one before. Find the {nth} term.",
        "On day 1 there are {a} lilies, and every day there are {r} times as many as the day "
        "before. How many are there on day {n}?",
        "The sequence {s}, ... goes on in the same way. What is term {n}?",
        "If a1 = {a} and r = {r}, what is a{n} in the geometric progression?",
    ).format(s=shown([first * ratio**i for i in range(4)]), a=first, r=ratio, n=n, nth=ordinal(n))
    answer = first
    for _ in range(n - 1):
        answer *= ratio
    return Drawn(question, f"print({first} * {ratio} ** ({n} - 1))", str(answer))


@family("sequences")
def geometric_sum(dice: Dice) -> Drawn:
    first, ratio, n = dice.randint(1, 12), dice.randint(2, 5), dice.randint(4, 10)
    question = dice.wording(
        "What is the sum of the first {n} terms of the geometric sequence {s}, ...?",
        "A geometric sequence starts at {a} and has the ratio {r}. Add its first {n} terms.",
        "Find the sum of {n} terms of {s}, ...",
        "sum of the first {n} terms, first term {a}, ratio {r}",
        "{name} gets {a} coins on day 1 and each day {r} times as many as the day before. How "
        "many coins is that after {n} days?",
        "The first term is {a}, and each term is {r} times the one before. What do the first {n} "
        "terms add up to?",
        "Add up the first {n} numbers of the geometric sequence {s}, ...",
        "Calculate the sum of a geometric series with {n} terms, ratio {r} and first term {a}.",
    ).format(
        s=shown([first * ratio**i for i in range(4)]),
        a=first,
        r=ratio,
        n=n,
        name=dice.choice(NAMES),
    )
    answer = first * (ratio**n - 1) // (ratio - 1)
    return Drawn(question, f"print(sum({first} * {ratio}**k for k in range({n})))", str(answer))


@family("sequences")
def sum_of_integers(dice: Dice) -> Drawn:
    a = dice.choice((1, 1, 1, dice.randint(2, 80)))
    b = a + dice.choice((dice.randint(8, 99), dice.randint(100, 999)))
    question = dice.wording(
        "What is the sum of the integers from {a} to {b}?",
        "Add all whole numbers from {a} to {b}.",
        "Calculate {a} + {a1} + {a2} + ... + {b}.",
        "sum of numbers {a} to {b}",
        "What do you get if you add up every integer from {a} up to {b}?",
        "Find the sum of all integers between {a} and {b}, both included.",
        "{a} + {a1} + ... + {b} = ?",
        "How much is {a} + {a1} + {a2} + ... + {b}?",
    ).format(a=a, a1=a + 1, a2=a + 2, b=b)
    return Drawn(question, f"print(sum(range({a}, {b} + 1)))", str((a + b) * (b - a + 1) // 2))


@family("sequences")
def sum_of_squares(dice: Dice) -> Drawn:
    n, cube = dice.randint(5, 60), dice.chance(0.25)
    question = dice.wording(
        "What is the sum of the {word} of the integers from 1 to {n}?",
        "Add the {word} of all numbers from 1 to {n}.",
        "Calculate 1^{e} + 2^{e} + 3^{e} + ... + {n}^{e}.",
        "sum of the first {n} {word}",
        "What do the first {n} {word} (starting with 1^{e}) add up to?",
        "Find 1^{e} + 2^{e} + ... + {n}^{e}.",
        "How much is the sum of k^{e} for k from 1 to {n}?",
        "Work out the sum of the {word} of 1, 2, 3, ..., {n}.",
    ).format(n=n, word="cubes" if cube else "squares", e=3 if cube else 2)
    answer = (n * (n + 1) // 2) ** 2 if cube else n * (n + 1) * (2 * n + 1) // 6
    program = f"print(sum(k**{3 if cube else 2} for k in range(1, {n} + 1)))"
    return Drawn(question, program, str(answer))


@family("sequences")
def next_arithmetic_term(dice: Dice) -> Drawn:
    first, step = dice.randint(-20, 99), dice.choice([d for d in range(-15, 26) if abs(d) > 1])
    terms = [first + step * i for i in range(dice.randint(4, 5))]
    question = dice.wording(
        "What is the next number in the sequence {s}, ...?",
        "Which number comes next: {s}, ?",
        "Continue the sequence: {s}, ...",
        "{s}, what comes next",
        "Find the next term of the arithmetic sequence {s}, ...",
        "The pattern is {s}, ... Give the number that follows.",
        "What number should follow {s}?",
        "Fill in the next number: {s}, __",
    ).format(s=shown(terms))
    difference = f"{terms[-1]} - {terms[-2]}" if terms[-2] >= 0 else f"{terms[-1]} - ({terms[-2]})"
    return Drawn(question, f"print({terms[-1]} + ({difference}))", str(terms[-1] + step))


@family("sequences")
def next_geometric_term(dice: Dice) -> Drawn:
    first, ratio = dice.randint(1, 12), dice.randint(2, 6)
    terms = [first * ratio**i for i in range(4)]
    question = dice.wording(
        "What is the next number in the geometric sequence {s}, ...?",
        "Each number is multiplied by the same factor: {s}. What comes next?",
        "Continue the geometric sequence: {s}, ...",
        "{s}, each time multiplied by the same number, what is next",
        "Find the next term of {s}, ..., where each term is a fixed multiple of the last.",
        "The geometric pattern is {s}, ... Give the number that follows.",
        "What number should follow in this geometric progression: {s}?",
        "Give the next term: {s}, ... (a geometric sequence).",
    ).format(s=shown(terms))
    program = f"print({terms[-1]} * {terms[-1]} / {terms[-2]})"
    return Drawn(question, program, str(terms[-1] * ratio))


@family("sequences")
def triangular_number(dice: Dice) -> Drawn:
    n = dice.randint(4, 200)
    question = dice.wording(
        "What is the {nth} triangular number?",
        "Find triangular number {n}.",
        "Balls are laid in a triangle with 1 in the first row, 2 in the second and so on. How "
        "many balls are there in {n} rows?",
        "{nth} triangular number?",
        "Calculate the {nth} number in the sequence of triangular numbers 1, 3, 6, 10, ...",
        "How many dots make a triangle with {n} dots on each side, each row having one dot less?",
        "Give the {nth} term of 1, 3, 6, 10, 15, ..., the triangular numbers.",
        "Cans are stacked with {n} in the bottom row, and one less in every row above, up to 1. "
        "How many cans are there?",
    ).format(n=n, nth=ordinal(n))
    return Drawn(question, f"n = {n}\nprint(n * (n + 1) // 2)", str(sum(range(n + 1))))


@family("sequences", held_out=True)
def sum_of_even_integers(dice: Dice) -> Drawn:
    odd, n = dice.chance(0.5), dice.randint(10, 300)
    last = 2 * n - 1 if odd else 2 * n
    question = dice.wording(
        "What is the sum of the {kind} numbers from {a} to {b}?",
        "Add all {kind} numbers from {a} to {b}.",
        "sum of {kind} integers {a} to {b}, both included",
        "Calculate {a} + {a1} + {a2} + ... + {b}, only {kind} numbers.",
        "All {kind} numbers {a}, {a1}, {a2}, ..., {b} are added. What is the result?",
        "How much is {a} + {a1} + {a2} + ... + {b}?",
        "Find the total of the {kind} numbers between {a} and {b}, ends included.",
        "What do the {kind} integers from {a} up to {b} add up to?",
    ).format(kind="odd" if odd else "even", a=2 - odd, a1=4 - odd, a2=6 - odd, b=last)
    answer = n * n if odd else n * (n + 1)
    return Drawn(question, f"print(sum(range({2 - odd}, {last} + 1, 2)))", str(answer))


@family("sequences")
def fibonacci_number(dice: Dice) -> Drawn:
    n = dice.randint(5, 50)
    question = dice.wording(
        "What is the {nth} Fibonacci number, if the first two are 1 and 1?",
        "The Fibonacci sequence begins 1, 1, 2, 3, 5, ... Find its {nth} term.",
        "Find Fibonacci number {n} (F1 = F2 = 1).",
        "{nth} fibonacci number, starting 1, 1",
        "In the sequence 1, 1, 2, 3, 5, 8, ... each term is the sum of the two before. What is "
        "term {n}?",
        "Calculate F({n}) of the Fibonacci sequence with F(1) = 1 and F(2) = 1.",
        "With F(1) = F(2) = 1, which number is F({n}) in the Fibonacci sequence?",
        "Counting 1, 1, 2, 3, 5, ... which Fibonacci number is in place {n}?",
    ).format(n=n, nth=ordinal(n))
    values = [1, 1]
    while len(values) < n:
        values.append(values[-1] + values[-2])
    program = f"a, b = 0, 1\nfor _ in range({n}):\n    a, b = b, a + b\nprint(a)"
    return Drawn(question, program, str(values[n - 1]))


@family("sequences")
def which_term(dice: Dice) -> Drawn:
    (first, step, start), n = _arithmetic(dice), dice.randint(6, 90)
    question = dice.wording(
        "Which term of the arithmetic sequence {s}, ... is {x}? Give its number.",
        "The sequence {s}, ... reaches {x}. At which position?",
        "How many terms does the arithmetic sequence {s}, ..., {x} have?",
        "{s}, ... , {x} how many numbers are that",
        "Starting at {a} and counting up in steps of {d}, which number in the row is {x}?",
        "An arithmetic sequence starts with {a} and has the difference {d}. Which term is {x}?",
        "In the list {s}, ..., {x} (equal steps), how many numbers are there?",
        "Find n if the nth term of {s}, ... is {x}.",
    ).format(s=shown(start), a=first, d=step, x=first + (n - 1) * step)
    return Drawn(question, f"print(({first + (n - 1) * step} - {first}) // {step} + 1)", str(n))
