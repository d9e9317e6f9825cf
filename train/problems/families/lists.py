"""Questions about lists of numbers. Statistics of them are in `lists_statistics`."""

from __future__ import annotations

from train.problems.family import Dice, Drawn, family
from train.problems.figures import ordinal
from train.problems.words import NAMES


def numbers(dice: Dice, *, distinct: bool = False, least: int = 4, most: int = 9) -> list[int]:
    """A list of integers, of small, middle or large size, sometimes with negative ones."""
    low, high = dice.choice(((1, 20), (1, 20), (1, 100), (1, 100), (100, 999), (-30, 30)))
    length = dice.randint(least, most)
    if distinct:
        return dice.sample(range(low, high + 1), length)
    return [dice.randint(low, high) for _ in range(length)]


def shown(values: list[int]) -> str:
    """The list as a question writes it."""
    return ", ".join(map(str, values))


@family("lists")
def largest_number(dice: Dice) -> Drawn:
    values = numbers(dice)
    question = dice.wording(
        "What is the largest number in the list {v}?",
        "Find the maximum of {v}.",
        "Which of these numbers is the biggest: {v}?",
        "max of {v}",
        "{name} noted the values {v}. What is the highest value?",
        "From the numbers {v}, pick the greatest.",
        "tell me the biggest number out of {v}",
        "Here are some measurements: {v}. Give the largest.",
        "Highest value among {v}?",
        "Look at the numbers {v}. Which one is the largest?",
        "Name the greatest of the numbers {v}.",
        "{name} picked the numbers {v}. Which of them is the highest?",
    ).format(v=shown(values), name=dice.choice(NAMES))
    return Drawn(question, f"print(max({values}))", str(sorted(values)[-1]))


@family("lists")
def smallest_number(dice: Dice) -> Drawn:
    values = numbers(dice)
    question = dice.wording(
        "What is the smallest number in the list {v}?",
        "Find the minimum of {v}.",
        "Which of these numbers is the least: {v}?",
        "min of {v}",
        "The temperatures this week were {v} degrees. What was the lowest?",
        "From {v}, pick the smallest number.",
        "tell me the lowest value in {v}",
        "Give the least of the numbers {v}.",
    ).format(v=shown(values))
    return Drawn(question, f"print(min({values}))", str(sorted(values)[0]))


@family("lists")
def second_largest_number(dice: Dice) -> Drawn:
    values = numbers(dice, distinct=True)
    question = dice.wording(
        "What is the second largest number in {v}?",
        "Find the second highest of the numbers {v}.",
        "Which number is the second biggest: {v}?",
        "second largest of {v}",
        "One of {v} is beaten only by the largest number. Which one?",
        "In the list {v}, only one number is larger than this one. Which is it?",
        "I need the second greatest value of {v}.",
        "Name the second largest value among {v}.",
    ).format(v=shown(values))
    return Drawn(question, f"print(sorted({values})[-2])", str(max(set(values) - {max(values)})))


@family("lists", held_out=True)
def second_smallest_number(dice: Dice) -> Drawn:
    values = numbers(dice, distinct=True)
    question = dice.wording(
        "What is the second smallest number in {v}?",
        "Find the second lowest of the numbers {v}.",
        "second smallest of {v}?",
        "Name the second lowest value among {v}.",
        "If {v} are sorted upwards, which number comes second?",
        "Only one of the numbers {v} is smaller than this one. Which is it?",
        "Which of {v} is the second smallest?",
        "I want the second lowest number of {v}. What is it?",
    ).format(v=shown(values))
    return Drawn(question, f"print(sorted({values})[1])", str(min(set(values) - {min(values)})))


@family("lists")
def nth_smallest_number(dice: Dice) -> Drawn:
    values = numbers(dice, distinct=True, least=5)
    place = dice.randint(3, len(values) - 1)
    question = dice.wording(
        "What is the {nth} smallest number in {v}?",
        "Find the {nth} lowest of {v}.",
        "Sort {v} from small to large. Which number is {nth}?",
        "{nth} smallest of {v}",
        "If the numbers {v} are put in increasing order, what is number {n}?",
        "Which value comes {nth} when {v} are ordered from the smallest?",
        "I want the {nth} smallest value out of {v}.",
        "Arranged in ascending order, which of {v} is in place {n}?",
    ).format(v=shown(values), n=place, nth=ordinal(place))
    answer = next(x for x in values if sum(y < x for y in values) == place - 1)
    return Drawn(question, f"print(sorted({values})[{place} - 1])", str(answer))


@family("lists")
def numbers_sorted(dice: Dice) -> Drawn:
    values = numbers(dice, most=8)
    question = dice.wording(
        "Sort {v} in ascending order.",
        "Put these numbers in order from smallest to largest: {v}.",
        "Arrange {v} in increasing order.",
        "sort {v}",
        "Order the numbers {v} from least to greatest.",
        "{name} drew the cards {v}. List them from the lowest to the highest.",
        "What do the numbers {v} look like in ascending order?",
        "Write {v} in order of size, smallest first.",
        "I have {v}. Sort them from low to high, please.",
        "List these from smallest to biggest: {v}",
        "Starting with the smallest, put {v} in order.",
        "What is {v} sorted in increasing order?",
    ).format(v=shown(values), name=dice.choice(NAMES))
    ordered: list[int] = []
    for value in values:
        ordered.insert(sum(other < value for other in ordered), value)
    return Drawn(question, f'print(*sorted({values}), sep=", ")', shown(ordered))


@family("lists")
def numbers_sorted_down(dice: Dice) -> Drawn:
    values = numbers(dice, most=8)
    question = dice.wording(
        "Sort {v} in descending order.",
        "Put these numbers in order from largest to smallest: {v}.",
        "Arrange {v} in decreasing order.",
        "sort {v} from high to low",
        "Order the numbers {v} from greatest to least.",
        "Write {v} in order of size, biggest first.",
        "Starting with the largest, put {v} in order.",
        "What is {v} sorted in decreasing order?",
    ).format(v=shown(values))
    ordered: list[int] = []
    for value in values:
        ordered.insert(sum(other > value for other in ordered), value)
    return Drawn(question, f'print(*sorted({values}, reverse=True), sep=", ")', shown(ordered))


@family("lists")
def list_total(dice: Dice) -> Drawn:
    values = numbers(dice)
    question = dice.wording(
        "What is the sum of {v}?",
        "Add up the list {v}.",
        "Find the total of these numbers: {v}.",
        "sum {v}",
        "What do {v} add up to?",
        "{name} wrote down {v}. What is the sum of the numbers?",
        "Add all of these together: {v}",
        "Give me the total of the list {v}.",
    ).format(v=shown(values), name=dice.choice(NAMES))
    answer = 0
    for value in values:
        answer += value
    return Drawn(question, f"print(sum({values}))", str(answer))


@family("lists")
def sum_of_even_numbers(dice: Dice) -> Drawn:
    values, odd = numbers(dice, least=5), dice.chance(0.5)
    question = dice.wording(
        "What is the sum of the {kind} numbers in {v}?",
        "Add up only the {kind} numbers of the list {v}.",
        "Find the total of all {kind} numbers in {v}.",
        "sum of the {kind} ones in {v}",
        "Of the numbers {v}, take the {kind} ones and add them.",
        "If I add just the {kind} numbers from {v}, what do I get?",
        "The list is {v}. Work out the sum of its {kind} numbers.",
        "What do the {kind} numbers among {v} add up to?",
    ).format(v=shown(values), kind="odd" if odd else "even")
    program = f"print(sum(x for x in {values} if x % 2 == {int(odd)}))"
    return Drawn(question, program, str(sum(x * (x % 2 == odd) for x in values)))


@family("lists", held_out=True)
def count_of_even_numbers(dice: Dice) -> Drawn:
    values, odd = numbers(dice, least=5), dice.chance(0.5)
    question = dice.wording(
        "How many {kind} numbers are in {v}?",
        "Count the {kind} numbers of the list {v}.",
        "how many of {v} are {kind}",
        "Find the number of {kind} numbers among {v}.",
        "Of the numbers {v}, how many are {kind}?",
        "Say how many times an {kind} number stands in {v}.",
        "Look at {v}. How many of these numbers are {kind}?",
        "What is the count of {kind} values in the list {v}?",
    ).format(v=shown(values), kind="odd" if odd else "even")
    program = f"print(sum(x % 2 == {int(odd)} for x in {values}))"
    return Drawn(question, program, str(len([x for x in values if (x % 2 == 1) == odd])))


@family("lists")
def how_many_above(dice: Dice) -> Drawn:
    values, below = numbers(dice, least=5), dice.chance(0.5)
    limit = dice.choice(values) + dice.choice((-1, 0, 1))
    word = dice.choice(("less", "smaller") if below else ("greater", "larger"))
    question = dice.wording(
        "How many numbers in {v} are {word} than {x}?",
        "Count the numbers {word} than {x} in the list {v}.",
        "Of {v}, how many are {word} than {x}?",
        "how many of these are {word} than {x}: {v}",
        "{name} measured {v}. How many of these results are {word} than {x}?",
        "Find how many of the values {v} are {word} than {x}.",
        "The list is {v}. How many entries are {word} than {x}?",
        "Tell me the number of values {word} than {x} among {v}.",
    ).format(v=shown(values), x=limit, word=word, name=dice.choice(NAMES))
    sign = "<" if below else ">"
    answer = sum(1 for x in values if x != limit and (x < limit) == below)
    return Drawn(question, f"print(sum(x {sign} {limit} for x in {values}))", str(answer))


@family("lists")
def different_values(dice: Dice) -> Drawn:
    values = [dice.randint(1, dice.choice((5, 9, 12))) for _ in range(dice.randint(5, 10))]
    question = dice.wording(
        "How many different numbers are in {v}?",
        "Count the distinct values in the list {v}.",
        "How many unique values does {v} contain (repeats counted once)?",
        "number of distinct numbers in {v}?",
        "{name} drew {v}. How many different numbers came up?",
        "Without counting repeats, how many numbers are in {v}?",
        "The list is {v}. How many distinct numbers does it have?",
        "Find how many different values occur in {v}.",
    ).format(v=shown(values), name=dice.choice(NAMES))
    answer = sum(value not in values[:i] for i, value in enumerate(values))
    return Drawn(question, f"print(len(set({values})))", str(answer))


@family("lists")
def how_often_in_a_list(dice: Dice) -> Drawn:
    values = [dice.randint(1, dice.choice((4, 6, 9))) for _ in range(dice.randint(6, 12))]
    x = dice.choice(values)
    question = dice.wording(
        "How many times does {x} appear in {v}?",
        "Count the number {x} in the list {v}.",
        "In {v}, how often is there a {x}?",
        "how many {x}s in {v}",
        "{name} spun a wheel and got {v}. How many times did {name} get {x}?",
        "Find how often {x} occurs in the list {v}.",
        "The list is {v}. How many of the entries are equal to {x}?",
        "Number of times {x} occurs in {v}?",
    ).format(v=shown(values), x=x, name=dice.choice(NAMES))
    return Drawn(question, f"print({values}.count({x}))", str(sum(x == y for y in values)))


@family("lists")
def in_both_lists(dice: Dice) -> Drawn:
    common = dice.sample(range(1, 40), dice.randint(1, 3))
    rest = [x for x in range(1, 40) if x not in common]
    dice.shuffle(rest)
    first, second = common + rest[:3], common + rest[3 : 3 + dice.randint(2, 4)]
    dice.shuffle(first)
    dice.shuffle(second)
    question = dice.wording(
        "Which numbers are in both lists: {a} and {b}? Give them in increasing order.",
        "Find the common elements of {{{a}}} and {{{b}}}, smallest first.",
        "List A is {a}. List B is {b}. What do they have in common, sorted?",
        "common numbers (in order) of [{a}] and [{b}]",
        "What is the intersection of the sets {{{a}}} and {{{b}}}, in increasing order?",
        "{name} picked {a}; {other} picked {b}. Which numbers did both pick, from low to high?",
        "Name the numbers that [{a}] and [{b}] share, from smallest to largest.",
        "Sorted in increasing order, what numbers occur in {a} as well as in {b}?",
    ).format(a=shown(first), b=shown(second), name=(who := dice.sample(NAMES, 2))[0], other=who[1])
    program = f'print(*sorted(set({first}) & set({second})), sep=", ")'
    return Drawn(question, program, shown([x for x in range(40) if x in common]))


@family("lists", held_out=True)
def in_either_list(dice: Dice) -> Drawn:
    first, second = dice.sample(range(1, 20), 4), dice.sample(range(1, 20), 4)
    question = dice.wording(
        "What is the union of the sets {{{a}}} and {{{b}}}, in increasing order?",
        "Which numbers are in at least one of the lists {a} and {b}? Sort them.",
        "all numbers from [{a}] or [{b}], in order, no repeats",
        "Name the numbers in {a} or in {b} or in both, from smallest to largest.",
        "Join the lists {a} and {b}, drop repeats and sort upwards. What is the result?",
        "Each number of {a} and of {b} once, in increasing order, please.",
        "Sorted upwards and without repeats, which numbers occur in {a} or {b}?",
        "Let A = {{{a}}} and B = {{{b}}}. List A \u222a B in increasing order.",
    ).format(a=shown(first), b=shown(second))
    program = f'print(*sorted(set({first}) | set({second})), sep=", ")'
    return Drawn(question, program, shown([x for x in range(20) if x in first or x in second]))


@family("lists")
def list_reversed(dice: Dice) -> Drawn:
    values = numbers(dice, most=8)
    question = dice.wording(
        "Reverse the list {v}.",
        "Write {v} in reverse order.",
        "What is {v} backwards, number by number?",
        "reverse this list: {v}",
        "Give the numbers {v} from the last to the first.",
        "Turn the order of {v} around.",
        "If the list {v} is read from right to left, which numbers come in which order?",
        "List {v} in the opposite order.",
    ).format(v=shown(values))
    answer = shown([values[-i] for i in range(1, len(values) + 1)])
    return Drawn(question, f'print(*{values}[::-1], sep=", ")', answer)


@family("lists")
def position_in_a_list(dice: Dice) -> Drawn:
    values = numbers(dice, distinct=True, most=8)
    place = dice.randint(1, len(values))
    question = dice.wording(
        "At which position is {x} in the list {v}, counting from 1?",
        "What is the place of {x} in {v} (the first number has place 1)?",
        "Counting from 1, where in {v} is the number {x}?",
        "position of {x} in {v}, starting at 1",
        "In the sequence {v}, which number in the row is {x}? Answer with its place, from 1.",
        "Find the position of {x} in {v}; positions start at 1.",
        "The list is {v}. At what place, starting from 1, does {x} stand?",
        "If the first of {v} is number 1, which number is {x}?",
    ).format(v=shown(values), x=values[place - 1])
    return Drawn(question, f"print({values}.index({values[place - 1]}) + 1)", str(place))


@family("lists")
def number_at_a_position(dice: Dice) -> Drawn:
    values = numbers(dice, distinct=True, most=8)
    place = dice.randint(2, len(values))
    question = dice.wording(
        "What is the {nth} number in the list {v}?",
        "Which number comes {nth} in {v}?",
        "Give me entry number {n} of {v}, counting from 1.",
        "{nth} number of {v}?",
        "The list is {v}. Which number is at position {n}, if the first is position 1?",
        "Find the {nth} entry of the list {v}.",
        "In {v}, what number is in {nth} place, counting from the left?",
        "Tell me the {nth} element of {v}.",
    ).format(v=shown(values), n=place, nth=ordinal(place))
    return Drawn(question, f"print({values}[{place} - 1])", str(values[place - 1]))
