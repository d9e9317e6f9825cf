"""Requests for a tiny Python function of a list, decided by three assert statements."""

from __future__ import annotations

from train.problems.families.programming import Task, asked
from train.problems.family import Dice, Drawn, family


def _lists(dice: Dice) -> list[list[int]]:
    return [dice.sample(range(-9, 40), dice.randint(3, 5)) for _ in range(4)]


def _of_lists(lists: list[list[int]], results: list[object]) -> tuple[tuple[str, str], ...]:
    return tuple((str(x), repr(r)) for x, r in zip(lists, results, strict=True))


@family("programming")
def function_of_a_list(dice: Dice) -> Drawn:
    data = _lists(dice)
    n = "numbers"
    return asked(
        dice,
        (
            "largest",
            n,
            "returns the largest of a list of numbers",
            "max(numbers)",
            _of_lists(data, [max(x) for x in data]),
        ),
        (
            "smallest",
            n,
            "returns the smallest of a list of numbers",
            "min(numbers)",
            _of_lists(data, [min(x) for x in data]),
        ),
        (
            "total",
            n,
            "returns the sum of a list of numbers",
            "sum(numbers)",
            _of_lists(data, [sum(x) for x in data]),
        ),
        (
            "size",
            n,
            "returns how many numbers are in a list",
            "len(numbers)",
            _of_lists(data, [len(x) for x in data]),
        ),
        (
            "first",
            n,
            "returns the first number of a list",
            "numbers[0]",
            _of_lists(data, [x[0] for x in data]),
        ),
        (
            "last",
            n,
            "returns the last number of a list",
            "numbers[-1]",
            _of_lists(data, [x[-1] for x in data]),
        ),
        (
            "spread",
            n,
            "returns the difference of the largest and the smallest of a list of numbers",
            "max(numbers) - min(numbers)",
            _of_lists(data, [max(x) - min(x) for x in data]),
        ),
        (
            "in_order",
            n,
            "returns a list of numbers sorted in ascending order",
            "sorted(numbers)",
            _of_lists(data, [sorted(x) for x in data]),
        ),
        (
            "backwards",
            n,
            "returns a list of numbers in reverse order",
            "numbers[::-1]",
            _of_lists(data, [list(reversed(x)) for x in data]),
        ),
    )


@family("programming")
def function_that_filters(dice: Dice) -> Drawn:
    k, data = dice.randint(2, 12), _lists(dice)
    n = "numbers"

    def kept(name: str, what: str, test: str, results: list[object]) -> Task:
        value = f"[n for n in numbers if {test}]"
        return (
            name,
            n,
            f"returns a list of the {what} in the list numbers",
            value,
            _of_lists(data, results),
        )

    return asked(
        dice,
        kept("evens", "even numbers", "n % 2 == 0", [[n for n in x if not n & 1] for x in data]),
        kept("odds", "odd numbers", "n % 2 == 1", [[n for n in x if n & 1] for x in data]),
        kept(
            "positives", "numbers greater than 0", "n > 0", [[n for n in x if n > 0] for x in data]
        ),
        kept(
            "big_ones",
            f"numbers greater than {k}",
            f"n > {k}",
            [[n for n in x if n > k] for x in data],
        ),
        kept(
            "small_ones",
            f"numbers less than {k}",
            f"n < {k}",
            [[n for n in x if n < k] for x in data],
        ),
    )


@family("programming", held_out=True)
def function_that_counts(dice: Dice) -> Drawn:
    k, data = dice.randint(2, 12), _lists(dice)
    n = "numbers"
    return asked(
        dice,
        (
            "count_even",
            n,
            "returns how many numbers of the list numbers are even",
            "sum(n % 2 == 0 for n in numbers)",
            _of_lists(data, [sum(n % 2 == 0 for n in x) for x in data]),
        ),
        (
            "count_above",
            n,
            f"returns how many numbers of the list numbers are greater than {k}",
            f"sum(n > {k} for n in numbers)",
            _of_lists(data, [sum(n > k for n in x) for x in data]),
        ),
    )


@family("programming")
def function_that_maps(dice: Dice) -> Drawn:
    k, data = dice.randint(2, 12), _lists(dice)
    n = "numbers"
    return asked(
        dice,
        (
            "scaled",
            n,
            f"returns a list with every number of the list numbers multiplied by {k}",
            f"[n * {k} for n in numbers]",
            _of_lists(data, [[n * k for n in x] for x in data]),
        ),
        (
            "shifted",
            n,
            f"returns a list with {k} added to every number of the list numbers",
            f"[n + {k} for n in numbers]",
            _of_lists(data, [[n + k for n in x] for x in data]),
        ),
        (
            "squares",
            n,
            "returns a list of the squares of the list numbers",
            "[n**2 for n in numbers]",
            _of_lists(data, [[n * n for n in x] for x in data]),
        ),
    )
