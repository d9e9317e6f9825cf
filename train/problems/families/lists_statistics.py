"""Statistics of short lists: mean, median, mode, range, variance and the like."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from math import sqrt

from train.problems.families.lists import numbers, shown
from train.problems.family import Dice, Drawn, family
from train.problems.figures import plain
from train.problems.words import NAMES


@family("statistics")
def mean_of_numbers(dice: Dice) -> Drawn:
    while True:
        values = numbers(dice, least=3)
        mean = Fraction(sum(values), len(values))
        if (mean * 4).denominator == 1 and dice.chance(1 if mean.denominator == 1 else 0.5):
            break
    question = dice.wording(
        "What is the mean of {v}?",
        "Find the average of {v}.",
        "Calculate the mean of the numbers {v}.",
        "average of {v}",
        "{name}'s numbers are {v}. What is the average?",
        "Work out the arithmetic mean of {v}.",
        "The values {v} were measured. What is their mean?",
        "what's the avg of these: {v}",
        "I need the mean value of {v}.",
        "On average, how big are the numbers {v}?",
        "Here are {name}'s numbers: {v}. Find the mean.",
        "Give me the average of this list: {v}",
    ).format(v=shown(values), name=dice.choice(NAMES))
    return Drawn(question, f"from statistics import mean\nprint(mean({values}))", plain(mean))


@family("statistics")
def mean_to_two_places(dice: Dice) -> Drawn:
    while True:
        values = numbers(dice, least=3)
        if (Fraction(sum(values), len(values)) * 100).denominator != 2:
            break
    question = dice.wording(
        "What is the mean of {v}, rounded to two decimal places?",
        "Find the average of {v} to 2 decimal places.",
        "Calculate the mean of the numbers {v}. Round it to two decimals.",
        "average of {v}, 2 decimals",
        "{name}'s numbers are {v}. What is the average to two decimal places?",
        "To two decimals, what is the arithmetic mean of {v}?",
        "Give the mean of this list to 2 decimal places: {v}",
        "Rounded to two places after the point, how large is the average of {v}?",
    ).format(v=shown(values), name=dice.choice(NAMES))
    program = f"from statistics import mean\nprint(round(mean({values}), 2))"
    mean = Fraction(sum(values), len(values))
    answer = str(mean) if mean.denominator == 1 else str(round(sum(values) / len(values), 2))
    return Drawn(question, program, answer)


@family("statistics")
def median_of_numbers(dice: Dice) -> Drawn:
    while True:
        values = [abs(x) for x in numbers(dice, least=3)]
        ordered = sorted(values)
        middle = Fraction(ordered[len(values) // 2] + ordered[(len(values) - 1) // 2], 2)
        if len(values) % 2 or middle.denominator == 2:
            break
    question = dice.wording(
        "What is the median of {v}?",
        "Find the median of the numbers {v}.",
        "Calculate the median: {v}",
        "median of {v}",
        "{name}'s numbers are {v}. What is the median?",
        "Which value is the median of the data {v}?",
        "The ages in a group are {v}. Work out the median.",
        "i need the median of this list: {v}",
        "Give the median of the values {v}.",
        "For the data set {v}, what is the median?",
        "Here are {name}'s numbers: {v}. Find the median.",
        "What's the median value in {v}?",
    ).format(v=shown(values), name=dice.choice(NAMES))
    return Drawn(question, f"from statistics import median\nprint(median({values}))", plain(middle))


@family("statistics")
def mode_of_numbers(dice: Dice) -> Drawn:
    while True:
        values = [dice.randint(1, dice.choice((6, 9, 15))) for _ in range(dice.randint(5, 10))]
        counts = Counter(values).most_common(2)
        if len(counts) == 2 and counts[0][1] > counts[1][1]:
            break
    question = dice.wording(
        "What is the mode of {v}?",
        "Find the mode of the numbers {v}.",
        "Which number occurs most often in {v}?",
        "mode of {v}",
        "The shoe sizes sold today: {v}. Which size was sold most often?",
        "Which is the most common value in {v}?",
        "Find the most frequent number of the list {v}.",
        "For the data set {v}, what is the mode?",
    ).format(v=shown(values))
    return Drawn(question, f"from statistics import mode\nprint(mode({values}))", str(counts[0][0]))


@family("statistics")
def range_of_numbers(dice: Dice) -> Drawn:
    values = numbers(dice)
    question = dice.wording(
        "What is the range of {v}?",
        "Find the range of the data {v}.",
        "Calculate the difference between the largest and the smallest of {v}.",
        "range of {v}",
        "The temperatures were {v} degrees. What is the range?",
        "How far apart are the biggest and the smallest number of {v}?",
        "For the data set {v}, work out the range.",
        "How much larger is the maximum of {v} than the minimum?",
    ).format(v=shown(values))
    ordered = sorted(values)
    program = f"values = {values}\nprint(max(values) - min(values))"
    return Drawn(question, program, str(ordered[-1] - ordered[0]))


def _squares(values: list[int]) -> Fraction:
    mean = Fraction(sum(values), len(values))
    return sum(((x - mean) ** 2 for x in values), Fraction(0))


def _spread_data(dice: Dice) -> tuple[list[int], Fraction, Fraction]:
    """Values with their population and sample variance, whose places are beyond doubt."""
    while True:
        values = [dice.randint(1, dice.choice((10, 20, 100))) for _ in range(dice.randint(4, 8))]
        population = _squares(values) / len(values)
        sample = _squares(values) / (len(values) - 1)
        if population and all((x * 100).denominator > 2 for x in (population, sample)):
            return values, population, sample


@family("statistics")
def population_variance(dice: Dice) -> Drawn:
    values, variance, _ = _spread_data(dice)
    question = dice.wording(
        "What is the population variance of {v}, to two decimal places?",
        "Find the population variance of the data {v}. Round to 2 decimals.",
        "Calculate to two decimal places the population variance of the numbers {v}.",
        "population variance of {v}, 2 decimals",
        "A whole population has the values {v}. What is their variance, to two decimals?",
        "To two decimal places, how large is the population variance of {v}?",
        "For the data set {v}, work out the population variance (two decimal places).",
        "Compute the population variance of {v}, rounded to two decimal places.",
    ).format(v=shown(values))
    program = f"from statistics import pvariance\nprint(round(pvariance({values}), 2))"
    return Drawn(question, program, str(round(float(variance), 2)))


@family("statistics", held_out=True)
def sample_variance(dice: Dice) -> Drawn:
    values, _, variance = _spread_data(dice)
    question = dice.wording(
        "What is the sample variance of {v}, to two decimal places?",
        "Find the sample variance of the data {v}. Round to 2 decimals.",
        "sample variance of {v}, 2 decimals",
        "Compute the sample variance of {v}, rounded to two decimal places.",
        "Calculate the variance of the sample {v} (divide by n - 1), to two decimals.",
        "The values {v} are a sample. Give the variance, with n - 1 below, to 2 decimal places.",
        "To two decimal places, how large is the sample variance of {v}?",
        "Work out the sample variance (n - 1) of the numbers {v}; two decimals.",
    ).format(v=shown(values))
    program = f"from statistics import variance\nprint(round(variance({values}), 2))"
    return Drawn(question, program, str(round(float(variance), 2)))


@family("statistics")
def standard_deviation(dice: Dice) -> Drawn:
    values, population, sample = _spread_data(dice)
    whole = dice.chance(0.5)
    question = dice.wording(
        "What is the {kind} standard deviation of {v}, to two decimal places?",
        "Find the {kind} standard deviation of the data {v}. Round to 2 decimals.",
        "Calculate to two decimal places the {kind} standard deviation of the numbers {v}.",
        "{kind} standard deviation of {v}, 2 decimals",
        "{name} measured {v}. What is the {kind} standard deviation, to two decimals?",
        "To two decimal places, how large is the {kind} standard deviation of {v}?",
        "For the data set {v}, work out the {kind} standard deviation (two decimal places).",
        "Compute the {kind} standard deviation of {v}, rounded to two decimal places.",
    ).format(v=shown(values), kind="population" if whole else "sample", name=dice.choice(NAMES))
    used = "pstdev" if whole else "stdev"
    program = f"from statistics import {used}\nprint(round({used}({values}), 2))"
    return Drawn(question, program, str(round(sqrt(population if whole else sample), 2)))


@family("statistics")
def weighted_mean(dice: Dice) -> Drawn:
    while True:
        share = 5 * dice.randint(2, 18)
        first, second = dice.randint(40, 100), dice.randint(40, 100)
        total = Fraction(first * share + second * (100 - share), 100)
        if first != second and total.denominator == 1:
            break
    question = dice.wording(
        "A test counts {p}% and a project {q}%. {name} has {a} on the test and {b} on the "
        "project. What is the final grade?",
        "Find the weighted mean of {a} (weight {p}%) and {b} (weight {q}%).",
        "What is the weighted average of {a} with weight {p}% and {b} with weight {q}%?",
        "{name} got {a} in homework, worth {p}%, and {b} in the exam, worth {q}%. Find the grade.",
        "weighted average: {a} counts {p} percent, {b} counts {q} percent",
        "{p}% of a grade is the oral mark {a}, the other {q}% the written mark {b}. What grade "
        "does that make?",
        "If {a} has a weight of {p}% and {b} one of {q}%, calculate the weighted mean.",
        "The midterm ({p}%) went well for {name}: {a}. The final ({q}%) gave {b}. What is the "
        "weighted average?",
    ).format(p=share, q=100 - share, a=first, b=second, name=dice.choice(NAMES))
    program = f"print(({share} * {first} + {100 - share} * {second}) / 100)"
    return Drawn(question, program, str(total))


@family("statistics")
def missing_value_for_a_mean(dice: Dice) -> Drawn:
    values = [dice.randint(50, 100) for _ in range(dice.randint(2, 5))]
    missing = dice.randint(50, 100)
    missing -= (sum(values) + missing) % (len(values) + 1)
    mean = (sum(values) + missing) // (len(values) + 1)
    question = dice.wording(
        "{name} scored {v}. What score is needed on the next test for an average of {m}?",
        "The mean of {v} and one more number is {m}. What is that number?",
        "Find x so that the average of {v} and x is {m}.",
        "{name} has the marks {v} and wants a mean of {m} after one more test. What mark must it "
        "be?",
        "The numbers {v} and x have mean {m}. what is x",
        "Which number must be added to the list {v} to make its mean {m}?",
        "After one more game {name} wants to average {m} points; so far it was {v}. How many "
        "points must the next game bring?",
        "The average of {k} numbers is {m}. All but one of them are {v}. What is the other one?",
    ).format(v=shown(values), m=mean, k=len(values) + 1, name=dice.choice(NAMES))
    program = f"values = {values}\nprint({mean} * (len(values) + 1) - sum(values))"
    return Drawn(question, program, str(missing))


@family("statistics")
def total_from_a_mean(dice: Dice) -> Drawn:
    count, mean = dice.randint(3, 60), dice.randint(5, 150)
    question = dice.wording(
        "The mean of {n} numbers is {m}. What is their sum?",
        "{n} numbers have an average of {m}. What do they add up to?",
        "The average weight of {n} bags is {m} kg. How many kilograms do they weigh together?",
        "If the average of {n} values is {m}, find the total.",
        "mean is {m}, there are {n} numbers, whats the sum",
        "{name} read {m} pages a day on average for {n} days. How many pages is that in all?",
        "A team averaged {m} points over {n} games. How many points did it score altogether?",
        "Work out the sum of {n} numbers whose mean is {m}.",
    ).format(n=count, m=mean, name=dice.choice(NAMES))
    return Drawn(question, f"print({count} * {mean})", str(sum([mean] * count)))


@family("statistics", held_out=True)
def lead_of_the_largest(dice: Dice) -> Drawn:
    values = numbers(dice, distinct=True, least=5)
    question = dice.wording(
        "How much larger is the maximum of {v} than the second largest?",
        "By how much does the biggest number of {v} exceed the second biggest?",
        "In {v}, what is the difference between the largest and the second largest number?",
        "gap between the top two numbers of {v}",
        "Subtract the second largest of {v} from the largest.",
        "Find how far the largest of {v} lies above the next largest.",
        "The scores are {v}. By how many points does the first lead the second?",
        "What is the maximum of {v} minus the second largest value?",
    ).format(v=shown(values))
    ordered = sorted(values)
    program = f"values = sorted({values})\nprint(values[-1] - values[-2])"
    return Drawn(question, program, str(ordered[-1] - ordered[-2]))
