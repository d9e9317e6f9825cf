"""Requests for a tiny Python function, decided by three assert statements."""

from __future__ import annotations

from train.problems.family import Dice, Drawn, family

ASKS = (
    "Write a Python function {f}({a}) that {does}.",
    "Define a function {f}({a}) in Python that {does}.",
    "I need a Python function called {f} with the parameters ({a}). It {does}.",
    "write python code: a function {f}({a}) which {does}",
    "Please implement {f}({a}), a Python function that {does}.",
    "Give me a Python function {f}({a}). The function {does}.",
    "Create a function named {f}, taking ({a}), that {does}. Use Python.",
    "In Python, code a function {f}({a}) that {does}.",
    "How would you write a Python function {f}({a}) that {does}?",
    "Implement the function {f}({a}) so that it {does}. Python, please.",
    "Can you write {f}({a}) in Python? It {does}.",
    "Show me a Python function {f}({a}) that {does}.",
)
WORDS = ("level", "banana", "Python", "tree", "moon", "apple", "river", "noon", "data", "Paris")
Task = tuple[str, str, str, str, tuple[tuple[str, str], ...]]


def asked(dice: Dice, *tasks: Task) -> Drawn:
    """One of `tasks`: name, parameters, what it does, the value it returns, calls and results."""
    name, parameters, does, value, calls = dice.choice(tasks)
    name = dice.choice((name, name, "f", "solve", f"my_{name}", f"get_{name}"))
    question = dice.wording(*ASKS).format(f=name, a=parameters, does=does)
    body = value if value.startswith(("result", "total")) else f"return {value}"
    source = f"def {name}({parameters}):\n    " + body.replace("\n", "\n    ")
    chosen = dice.sample(calls, 3)
    tests = tuple(f"assert {name}({given}) == {result}" for given, result in chosen)
    program = f"{source}\nprint({name}({chosen[0][0]}))"
    return Drawn(question, program, source, domain="code", tests=tests)


@family("programming")
def function_of_two_numbers(dice: Dice) -> Drawn:
    pairs = [(dice.randint(1, 60), dice.randint(1, 60)) for _ in range(4)]

    def calls(results: list[int]) -> tuple[tuple[str, str], ...]:
        return tuple((f"{a}, {b}", str(r)) for (a, b), r in zip(pairs, results, strict=True))

    two = "a, b"
    return asked(
        dice,
        ("add", two, "returns the sum of a and b", "a + b", calls([a + b for a, b in pairs])),
        ("subtract", two, "returns a minus b", "a - b", calls([a - b for a, b in pairs])),
        (
            "multiply",
            two,
            "returns the product of a and b",
            "a * b",
            calls([a * b for a, b in pairs]),
        ),
        (
            "larger",
            two,
            "returns the larger of a and b",
            "max(a, b)",
            calls([max(p) for p in pairs]),
        ),
        (
            "smaller",
            two,
            "returns the smaller of a and b",
            "min(a, b)",
            calls([min(p) for p in pairs]),
        ),
        (
            "distance",
            two,
            "returns the absolute difference of a and b",
            "abs(a - b)",
            calls([abs(a - b) for a, b in pairs]),
        ),
        (
            "remainder",
            two,
            "returns the remainder of a divided by b",
            "a % b",
            calls([a % b for a, b in pairs]),
        ),
        (
            "area",
            "width, height",
            "returns the area of a rectangle",
            "width * height",
            calls([a * b for a, b in pairs]),
        ),
        (
            "perimeter",
            "width, height",
            "returns the perimeter of a rectangle",
            "2 * (width + height)",
            calls([2 * (a + b) for a, b in pairs]),
        ),
    )


@family("programming")
def function_of_one_number(dice: Dice) -> Drawn:
    k, numbers = dice.randint(2, 12), dice.sample(range(-20, 40), 4)

    def calls(results: list[int]) -> tuple[tuple[str, str], ...]:
        return tuple((str(x), str(r)) for x, r in zip(numbers, results, strict=True))

    return asked(
        dice,
        ("scale", "n", f"returns n times {k}", f"n * {k}", calls([x * k for x in numbers])),
        ("increase", "n", f"returns n plus {k}", f"n + {k}", calls([x + k for x in numbers])),
        ("decrease", "n", f"returns n minus {k}", f"n - {k}", calls([x - k for x in numbers])),
        ("square", "n", "returns the square of n", "n**2", calls([x * x for x in numbers])),
        ("cube", "n", "returns the cube of n", "n**3", calls([x * x * x for x in numbers])),
        (
            "last_digit",
            "n",
            f"returns the remainder of n divided by {k}",
            f"n % {k}",
            calls([x % k for x in numbers]),
        ),
        (
            "absolute",
            "n",
            "returns the absolute value of n",
            "abs(n)",
            calls([abs(x) for x in numbers]),
        ),
    )


@family("programming")
def function_that_tests_a_number(dice: Dice) -> Drawn:
    k, numbers = dice.randint(2, 12), dice.sample(range(-10, 60), 6)

    def calls(results: list[bool]) -> tuple[tuple[str, str], ...]:
        return tuple((str(x), str(r)) for x, r in zip(numbers, results, strict=True))

    return asked(
        dice,
        (
            "is_even",
            "n",
            "returns True if n is even and False otherwise",
            "n % 2 == 0",
            calls([x % 2 == 0 for x in numbers]),
        ),
        (
            "is_odd",
            "n",
            "returns True if n is odd and False otherwise",
            "n % 2 == 1",
            calls([x % 2 == 1 for x in numbers]),
        ),
        (
            "is_divisible",
            "n",
            f"returns True if n is divisible by {k} and False otherwise",
            f"n % {k} == 0",
            calls([x % k == 0 for x in numbers]),
        ),
        (
            "is_positive",
            "n",
            "returns True if n is greater than 0 and False otherwise",
            "n > 0",
            calls([x > 0 for x in numbers]),
        ),
        (
            "is_large",
            "n",
            f"returns True if n is greater than {k} and False otherwise",
            f"n > {k}",
            calls([x > k for x in numbers]),
        ),
        (
            "is_small",
            "n",
            f"returns True if n is less than {k} and False otherwise",
            f"n < {k}",
            calls([x < k for x in numbers]),
        ),
    )


@family("programming")
def function_of_a_text(dice: Dice) -> Drawn:
    words = dice.sample(WORDS, 4)

    def calls(results: list[object]) -> tuple[tuple[str, str], ...]:
        return tuple((f'"{x}"', repr(r)) for x, r in zip(words, results, strict=True))

    letter = dice.choice("aeno")
    return asked(
        dice,
        (
            "reverse",
            "text",
            "returns the string text reversed",
            "text[::-1]",
            calls(["".join(reversed(x)) for x in words]),
        ),
        (
            "shout",
            "text",
            "returns text in upper case",
            "text.upper()",
            calls([x.upper() for x in words]),
        ),
        (
            "length",
            "text",
            "returns the number of characters of text",
            "len(text)",
            calls([len(x) for x in words]),
        ),
        (
            "count_letter",
            "text",
            f'returns how often the letter "{letter}" occurs in text',
            f'text.count("{letter}")',
            calls([x.count(letter) for x in words]),
        ),
        (
            "first_letter",
            "text",
            "returns the first character of text",
            "text[0]",
            calls([x[:1] for x in words]),
        ),
        (
            "last_letter",
            "text",
            "returns the last character of text",
            "text[-1]",
            calls([x[-1:] for x in words]),
        ),
        (
            "is_palindrome",
            "text",
            "returns True if text is a palindrome and False otherwise",
            "text == text[::-1]",
            calls([list(x) == list(reversed(x)) for x in words]),
        ),
        (
            "double",
            "text",
            "returns text written twice in a row",
            "text * 2",
            calls([x + x for x in words]),
        ),
    )


@family("programming")
def function_with_a_loop(dice: Dice) -> Drawn:
    numbers = dice.sample(range(1, 10), 4)

    def calls(results: list[int]) -> tuple[tuple[str, str], ...]:
        return tuple((str(x), str(r)) for x, r in zip(numbers, results, strict=True))

    product = [1]
    fibonacci = [0, 1]
    for i in range(1, 12):
        product.append(product[-1] * i)
        fibonacci.append(fibonacci[-1] + fibonacci[-2])
    return asked(
        dice,
        (
            "factorial",
            "n",
            "returns the factorial of n",
            "result = 1\nfor i in range(1, n + 1):\n    result *= i\nreturn result",
            calls([product[x] for x in numbers]),
        ),
        (
            "sum_to",
            "n",
            "returns the sum of the integers from 1 to n",
            "sum(range(1, n + 1))",
            calls([x * (x + 1) // 2 for x in numbers]),
        ),
        (
            "sum_of_squares",
            "n",
            "returns the sum of the squares of the integers from 1 to n",
            "sum(i**2 for i in range(1, n + 1))",
            calls([x * (x + 1) * (2 * x + 1) // 6 for x in numbers]),
        ),
        (
            "digit_sum",
            "n",
            "returns the sum of the digits of the positive integer n",
            "sum(int(digit) for digit in str(n))",
            calls([x // 10 + x % 10 for x in numbers]),
        ),
        (
            "is_prime",
            "n",
            "returns True if n is a prime number and False otherwise",
            "n > 1 and all(n % i != 0 for i in range(2, n))",
            calls([x in (2, 3, 5, 7) for x in numbers]),
        ),
    )
