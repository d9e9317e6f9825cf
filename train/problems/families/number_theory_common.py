"""Common divisors and multiples, multiples, squares, and remainders of powers."""

from __future__ import annotations

import math

from train.problems.family import Dice, Drawn, family
from train.problems.words import NAMES, THINGS


@family("number theory")
def greatest_common_divisor(dice: Dice) -> Drawn:
    k, top = dice.randint(2, 60), dice.choice((12, 60))
    numbers = [k * n for n in dice.sample(range(1, top), dice.choice((2, 2, 2, 3)))]
    x, y = ", ".join(map(str, numbers[:-1])), numbers[-1]
    question = dice.wording(
        "What is the greatest common divisor of {x} and {y}?",
        "Find the gcd of {x} and {y}.",
        "gcd({x}, {y})?",
        "What is the largest number that divides all of {x} and {y} evenly?",
        "Calculate the highest common factor of {x} and {y}.",
        "Planks of {x} and {y} cm are sawn into equal pieces without waste. How long, in cm, can "
        "the pieces be at most?",
        "HCF of {x} and {y}?",
        "i need the greatest common factor of {x} and {y}",
        "Which is the biggest whole number that goes into {x} and {y} without remainder?",
        "Work out the GCD of {x} and {y}.",
        "Tell me the largest common divisor of {x} and {y}.",
        "What is gcd({x}, {y})?",
    ).format(x=x, y=y)
    listed = ", ".join(map(str, numbers))
    answer = max(d for d in range(1, min(numbers) + 1) if all(n % d == 0 for n in numbers))
    return Drawn(question, f"import math\nprint(math.gcd({listed}))", str(answer))


@family("number theory")
def least_common_multiple(dice: Dice) -> Drawn:
    top = dice.choice((15, 40, 120))
    numbers = dice.sample(range(2, top), dice.choice((2, 2, 2, 3)))
    x, y = ", ".join(map(str, numbers[:-1])), numbers[-1]
    question = dice.wording(
        "What is the least common multiple of {x} and {y}?",
        "Find the lcm of {x} and {y}.",
        "lcm({x}, {y})?",
        "What is the smallest positive number divisible by each of {x} and {y}?",
        "Calculate the lowest common multiple of {x} and {y}.",
        "Lamps flash every {x} and {y} seconds and have just flashed together. After how many "
        "seconds do they all flash together again?",
        "LCM of {x} and {y}?",
        "i need the smallest common multiple of {x} and {y}",
        "Which is the least positive whole number that {x} and {y} all go into?",
        "Work out the LCM of {x} and {y}.",
        "Bells ring every {x} and {y} minutes, starting together. After how many minutes do all "
        "of them next ring at once?",
        "What is lcm({x}, {y})?",
    ).format(x=x, y=y)
    answer = next(n for n in range(y, 10**8, y) if all(n % m == 0 for m in numbers))
    listed = ", ".join(map(str, numbers))
    return Drawn(question, f"import math\nprint(math.lcm({listed}))", str(answer))


@family("number theory", held_out=True)
def most_equal_sets(dice: Dice) -> Drawn:
    k = dice.randint(2, 40)
    a, b = (k * n for n in dice.sample(range(2, 30), 2))
    first, second = dice.sample(THINGS, 2)
    question = dice.wording(
        "{name} has {a} {x} and {b} {y} and makes identical bags with nothing left over. How many "
        "bags are possible at most?",
        "What is the greatest number of equal sets that use up {a} {x} and {b} {y} completely?",
        "{a} {x} and {b} {y} are packed in identical boxes without leftovers. Find the largest "
        "possible number of boxes.",
        "i want to split {a} {x} and {b} {y} into as many identical gifts as possible, using all. "
        "how many gifts",
        "At most how many people can share {a} {x} and {b} {y} so that all get the same and "
        "nothing is left?",
        "Find the greatest number of equal groups into which {a} {x} and {b} {y} can be divided.",
        "All of {a} {x} and {b} {y} go into identical parcels. What is the maximum number of "
        "parcels?",
        "{name} fills identical trays with {a} {x} and {b} {y}, using all. At most how many "
        "trays can there be?",
    ).format(a=a, b=b, x=first, y=second, name=dice.choice(NAMES))
    answer = max(d for d in range(1, min(a, b) + 1) if a % d == b % d == 0)
    return Drawn(question, f"import math\nprint(math.gcd({a}, {b}))", str(answer))


@family("number theory")
def sum_of_multiples_below(dice: Dice) -> Drawn:
    a, b = sorted(dice.sample(range(2, 16), 2))
    n = dice.choice((dice.randint(30, 200), dice.randint(2, 50) * 100))
    question = dice.wording(
        "What is the sum of all positive integers below {n} that are multiples of {a} or {b}?",
        "Add up every positive number less than {n} divisible by {a} or {b}.",
        "Find the sum of the positive multiples of {a} or {b} below {n}.",
        "sum of multiples of {a} or {b} under {n}?",
        "Take all natural numbers smaller than {n} that {a} or {b} divides. What is their sum?",
        "How much do all the positive multiples of {a} or {b} less than {n} add up to?",
        "please add all positive numbers below {n} that can be divided by {a} or by {b}",
        "Calculate the total of the numbers from 1 to {m} that are divisible by {a} or {b}.",
    ).format(a=a, b=b, n=n, m=n - 1)
    m, both = n - 1, math.lcm(a, b)
    total = sum(s * k * (m // k) * (m // k + 1) // 2 for s, k in ((1, a), (1, b), (-1, both)))
    program = f"print(sum(n for n in range(1, {n}) if n % {a} == 0 or n % {b} == 0))"
    if f"to {m} " in question:
        program = program.replace(f"range(1, {n})", f"range(1, {m} + 1)")
    return Drawn(question, program, str(total))


@family("number theory")
def count_of_multiples_up_to(dice: Dice) -> Drawn:
    a, b = sorted(dice.sample(range(2, 16), 2))
    n = dice.choice((dice.randint(30, 200), dice.randint(2, 50) * 100))
    way = dice.choice(("or", "and"))
    question = dice.wording(
        "How many numbers from 1 to {n} are divisible by {p}?",
        "Count the integers from 1 to {n} that are multiples of {p}.",
        "How many of the numbers 1, 2, ..., {n} can be divided by {p}?",
        "how many numbers between 1 and {n}, both included, are divisible by {p}",
        "Find the number of positive integers up to and including {n} that are divisible by {p}.",
        "Tickets are numbered 1 to {n}. How many numbers are multiples of {p}?",
        "numbers from 1 to {n} divisible by {p}, how many?",
        "In the range 1 to {n}, how many integers are multiples of {p}?",
    ).format(n=n, p=f"{a} or {b}" if way == "or" else f"both {a} and {b}")
    both = n // math.lcm(a, b)
    program = f"print(sum(1 for n in range(1, {n} + 1) if n % {a} == 0 {way} n % {b} == 0))"
    return Drawn(question, program, str(both if way == "and" else n // a + n // b - both))


@family("number theory")
def squares_or_cubes_between(dice: Dice) -> Drawn:
    power = dice.choice((2, 2, 3))
    a = dice.choice((1, dice.randint(2, 500)))
    b = a + dice.choice((dice.randint(100, 900), dice.randint(10, 80) * 100))
    question = dice.wording(
        "How many perfect {w} are there from {a} to {b}?",
        "Count the perfect {w} between {a} and {b}, both ends included.",
        "How many of the numbers {a} to {b} are perfect {w}?",
        "number of perfect {w} from {a} to {b}?",
        "Find how many perfect {w} lie in the range {a} to {b}, inclusive.",
        "Of the integers from {a} to {b}, how many are perfect {w}?",
        "how many perfect {w} do i find if i go from {a} to {b}",
        "Tell me how many perfect {w} there are between {a} and {b} inclusive.",
    ).format(a=a, b=b, w="squares" if power == 2 else "cubes")
    answer = len({n for n in range(a, b + 1) if round(n ** (1 / power)) ** power == n})
    program = f"print(sum(1 for n in range(1, {b} + 1) if {a} <= n ** {power} <= {b}))"
    return Drawn(question, program, str(answer))


@family("number theory")
def power_modulo(dice: Dice) -> Drawn:
    a, n = dice.randint(2, 99), dice.randint(5, dice.choice((30, 300, 3000)))
    m = dice.randint(3, dice.choice((20, 100, 1000)))
    question = dice.wording(
        "What is the remainder when {a}^{n} is divided by {m}?",
        "Find {a}^{n} mod {m}.",
        "Compute {a} to the power {n}, modulo {m}.",
        "{a}^{n} mod {m}?",
        "Which remainder does {a}^{n} leave on division by {m}?",
        "Calculate the remainder of {a}**{n} divided by {m}.",
        "Raise {a} to the {n} and divide by {m}: what remains?",
        "i need {a}^{n} modulo {m}",
        "Divide {a}^{n} by {m}. What is left over?",
        "Determine ({a}^{n}) % {m}.",
        "If {a} is raised to the power {n} and divided by {m}, what is the remainder?",
        "Work out {a} ** {n} modulo {m}.",
    ).format(a=a, n=n, m=m)
    return Drawn(question, f"print(pow({a}, {n}, {m}))", str(a**n % m))


@family("number theory")
def modular_inverse(dice: Dice) -> Drawn:
    m = dice.randint(5, dice.choice((30, 100, 1000)))
    a = dice.choice([n for n in range(2, m) if math.gcd(n, m) == 1])
    question = dice.wording(
        "What is the inverse of {a} modulo {m}?",
        "Find the modular inverse of {a} mod {m}.",
        "Which x from 1 to {t} satisfies {a} * x = 1 (mod {m})?",
        "inverse of {a} mod {m}?",
        "Find the smallest positive x such that {a}x leaves remainder 1 when divided by {m}.",
        "Compute {a}^(-1) mod {m}.",
        "By which positive number below {m} must {a} be multiplied to get 1 modulo {m}?",
        "tell me the multiplicative inverse of {a} modulo {m}",
    ).format(a=a, m=m, t=m - 1)
    answer = next(x for x in range(1, m) if a * x % m == 1)
    return Drawn(question, f"print(pow({a}, -1, {m}))", str(answer))


@family("number theory")
def last_digits_of_a_power(dice: Dice) -> Drawn:
    a, n = dice.randint(2, 99), dice.randint(5, dice.choice((30, 300, 3000)))
    question = dice.wording(
        "What is the last digit of {a}^{n}?",
        "Find the final digit of {a} to the power of {n}.",
        "In which digit does {a}^{n} end?",
        "last digit of {a}^{n}?",
        "Which digit is in the ones place of {a}^{n}?",
        "What is the units digit of {a} raised to the power {n}?",
        "i want to know the last digit of {a}**{n}",
        "Calculate {a}^{n} and give only its last digit.",
        "Determine the units digit of {a}^{n}.",
        "If {a}^{n} is written out, what is its last digit?",
        "Tell me the ones digit of {a} to the {n}.",
        "What digit stands at the very end of {a}^{n}?",
    ).format(a=a, n=n)
    digit = 1
    for _ in range(n):
        digit = digit * a % 10
    return Drawn(question, f"print(pow({a}, {n}, 10))", str(digit))


@family("number theory")
def fibonacci_by_index(dice: Dice) -> Drawn:
    n = dice.randint(5, dice.choice((20, 40, 90)))
    question = dice.wording(
        "With F(1) = F(2) = 1, what is the Fibonacci number F({n})?",
        "The Fibonacci sequence starts 1, 1, 2, 3, 5. What is term number {n}?",
        "Find the Fibonacci number number {n}, where the first two are 1 and 1.",
        "F({n}) in the Fibonacci sequence with F(1)=1, F(2)=1?",
        "Fibonacci numbers begin 1, 1, 2, 3, ... Give number {n} in the list.",
        "I need term {n} of the sequence 1, 1, 2, 3, 5, 8, in which each term is the sum of the "
        "two before it.",
        "fibonacci number {n} please, counting 1, 1 as the first two",
        "Compute F({n}), if F(1) = 1, F(2) = 1 and F(k) = F(k-1) + F(k-2).",
    ).format(n=n)
    root = math.sqrt(5)
    closed = round(((1 + root) / 2) ** n / root)
    values = [1, 1]
    while len(values) < n:
        values.append(values[-1] + values[-2])
    assert n > 60 or closed == values[-1]
    program = f"a, b = 0, 1\nfor _ in range({n}):\n    a, b = b, a + b\nprint(a)"
    return Drawn(question, program, str(values[-1]))


@family("number theory")
def factorial_value(dice: Dice) -> Drawn:
    n = dice.randint(3, 25)
    m = dice.randint(2, 12)
    question = dice.wording(
        "What is {n}! plus {m}?",
        "Calculate {n} factorial, then add {m}.",
        "Find {n}! + {m}.",
        "Add {m} to the factorial of {n}.",
        "{n}! + {m} = ?",
        "How much is {m} more than {n}!?",
        "Multiply all whole numbers from 1 to {n} and add {m}. What do you get?",
        "whats {n} factorial plus {m}",
    ).format(n=n, m=m)
    program = f"import math\nprint(math.factorial({n}) + {m})"
    return Drawn(question, program, str(math.prod(range(1, n + 1)) + m))


@family("number theory")
def factorial_of_a_number(dice: Dice) -> Drawn:
    n = dice.randint(3, 40)
    name = dice.choice(NAMES)
    question = dice.wording(
        "What is {n}!?",
        "Calculate {n} factorial.",
        "Find the factorial of {n}.",
        "{n}! = ?",
        "What is the product of all whole numbers from 1 to {n}?",
        "Multiply 1 by 2 by 3 and so on up to {n}. What is the product?",
        "{name} needs the value of {n}!. What is it?",
        "In full, what is {n} factorial?",
        "how much is {n} factorial",
        "Tell {name} what {n}! is.",
        "Evaluate {n}!",
        "{name} multiplies all the integers from 1 to {n}. What does {name} get?",
    ).format(n=n, name=name)
    return Drawn(
        question, f"import math\nprint(math.factorial({n}))", str(math.prod(range(2, n + 1)))
    )


@family("number theory")
def trailing_zeros_of_factorial(dice: Dice) -> Drawn:
    n = dice.randint(5, dice.choice((50, 200, 1000)))
    question = dice.wording(
        "How many zeros are at the end of {n}!?",
        "Find the number of trailing zeros of {n}!.",
        "How many trailing zeros does {n} factorial have?",
        "trailing zeros of {n}!?",
        "With how many zeros does {n}! end?",
        "If {n}! is written out in full, how many zeros stand at its end?",
        "Count the zeros at the end of the factorial of {n}.",
        "Multiply all integers from 1 to {n}. How many zeros does the product end in?",
    ).format(n=n)
    program = (
        f"import math\ndigits = str(math.factorial({n}))\n"
        'print(len(digits) - len(digits.rstrip("0")))'
    )
    return Drawn(question, program, str(sum(n // 5**k for k in range(1, 6))))
