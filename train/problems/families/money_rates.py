"""Money over time: interest, pay, saving, currencies, profit and markup."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from train.problems.families.money import STYLES, cents, clean, shown
from train.problems.family import Dice, Drawn, family
from train.problems.figures import two_places
from train.problems.words import NAMES, THINGS


def _style(dice: Dice, amount: int) -> str:
    style = dice.choice(STYLES)
    return style.format(f"{amount:,}" if dice.chance(0.4) else amount)


@family("money")
def simple_interest(dice: Dice) -> Drawn:
    p, r = dice.randint(2, 200) * 45, dice.choice((1.5, 2, 2.5, 3, 3.5, 4, 4.5, 5, 6, 7, 8))
    p, t = p if dice.chance(0.5) else p + dice.randint(1, 40), dice.randint(2, 15)
    value = Fraction(r) * p * t / 100
    if not clean(value):
        return simple_interest(dice)
    text = dice.wording(
        "What is the simple interest on {p} at {r}% per year for {t} years?",
        "Find the simple interest: principal {p}, rate {r}%, time {t} years.",
        "simple interest, {p}, {r}%, {t} years",
        "{name} lends {p} at {r} percent simple interest a year. How much interest is that "
        "after {t} years?",
        "How much interest does {p} earn in {t} years at a simple annual rate of {r}%?",
        "Calculate the interest on a loan of {p} over {t} years at {r}% simple interest.",
        "A bank pays {r}% simple interest per year. "
        "How much interest do I get on {p} in {t} years?",
        "If {p} is invested for {t} years at {r}% simple interest, "
        "how much interest does it bring?",
    ).format(p=_style(dice, p), r=r, t=t, name=dice.choice(NAMES))
    return Drawn(text, f"print(round({p} * {r} / 100 * {t}, 2))", str(float(value)))


@family("money")
def compound_interest(dice: Dice) -> Drawn:
    p, r = dice.randint(2, 200) * 50, dice.choice((1.5, 2, 2.5, 3, 4, 5, 6, 7, 8))
    t = dice.randint(2, 20)
    value = Decimal(p) * (1 + Decimal(str(r)) / 100) ** t
    if abs(value * 1000 % 10 - 5) < Decimal("0.001"):
        return compound_interest(dice)
    text = dice.wording(
        "{p} is invested at {r}% interest compounded yearly. What is it worth after {t} years? "
        "Round to two decimal places.",
        "Find the final amount of {p} after {t} years at {r}% compound interest per year, "
        "to two decimals.",
        "compound interest: {p}, {r}% a year, {t} years, final amount to 2 decimals",
        "{name} puts {p} in a savings account with {r} percent interest a year, compounded "
        "annually. How much is there after {t} years, to two decimal places?",
        "If I save {p} at {r}% per year with compound interest, how much do I have in {t} years? "
        "Give two decimal places.",
        "Calculate what {p} grows to in {t} years at an annual compound rate of {r}%, "
        "to 2 decimals.",
        "How much will {p} be worth in {t} years at {r}% a year, compounded annually? "
        "Round to two decimals.",
        "An investment of {p} grows by {r}% every year. To two decimal places, "
        "what is its value after {t} years?",
    ).format(p=_style(dice, p), r=r, t=t, name=dice.choice(NAMES))
    program = f"print(round({p} * (1 + {r} / 100) ** {t}, 2))"
    return Drawn(text, program, two_places(value))


@family("money")
def salary_per_year(dice: Dice) -> Drawn:
    p = dice.choice((dice.randint(10, 90) * 100, dice.randint(900, 9000)))
    text = dice.wording(
        "{name} earns {p} per month. How much is that per year?",
        "What is the yearly salary of someone who makes {p} a month?",
        "{p} a month, how much a year?",
        "A monthly rent of {p} adds up to how much in one year?",
        "I get {p} every month. How much do I get in a year?",
        "Convert a monthly income of {p} to an annual one.",
        "Find the annual pay for a monthly pay of {p}.",
        "If {name} is paid {p} each month, what does {name} earn in twelve months?",
    ).format(p=_style(dice, p), name=dice.choice(NAMES))
    return Drawn(text, f"print({p} * 12)", str(p * 12))


@family("money", held_out=True)
def salary_per_month(dice: Dice) -> Drawn:
    p = dice.choice((dice.randint(10, 90) * 100, dice.randint(900, 9000)))
    text = dice.wording(
        "{name} earns {p} per year. How much is that per month?",
        "What is the monthly salary of someone who makes {p} a year?",
        "{p} a year, how much a month?",
        "A yearly fee of {p} is paid in equal monthly parts. How much is one part?",
        "I get {p} every year in equal monthly payments. How much do I get each month?",
        "Convert an annual income of {p} to a monthly one.",
        "Find the monthly pay for an annual pay of {p}.",
        "If {name} is paid {p} in twelve months, what does {name} earn in one month?",
    ).format(p=_style(dice, p * 12), name=dice.choice(NAMES))
    return Drawn(text, f"print({p * 12} / 12)", str(p))


@family("money")
def hourly_pay(dice: Dice) -> Drawn:
    p, h, w = cents(dice, 8, 60), dice.randint(4, 45), dice.randint(2, 20)
    if not clean(Fraction(p * h * w, 100)):
        return hourly_pay(dice)
    text = dice.wording(
        "{name} earns {p} an hour and works {h} hours a week. What does {name} earn in {w} weeks?",
        "What is the pay for {w} weeks of {h} hours at {p} per hour?",
        "{p} per hour, {h} hours a week, {w} weeks. total pay?",
        "I make {p} per hour. If I work {h} hours each week, how much do I make in {w} weeks?",
        "Calculate the earnings: hourly wage {p}, {h} hours per week, for {w} weeks.",
        "A job pays {p} per hour for {h} hours a week. How much does it pay over {w} weeks?",
        "How much does {name} get for working {h} hours a week for {w} weeks at {p} an hour?",
        "Working {h} hours every week at {p} an hour, how much has {name} earned after {w} weeks?",
    ).format(p=dice.choice(STYLES).format(shown(p)), h=h, w=w, name=dice.choice(NAMES))
    return Drawn(text, f"print(round({shown(p)} * {h} * {w}, 2))", str(p * h * w / 100))


@family("money")
def currency_conversion(dice: Dice) -> Drawn:
    rate, amount = (
        dice.randint(51, 299),
        dice.choice((dice.randint(3, 99), dice.randint(100, 3000))),
    )
    value = Fraction(rate * amount, 100)
    if rate % 10 == 0 or not clean(value):
        return currency_conversion(dice)
    one, many, other = dice.choice(
        (
            ("euro", "euros", "dollars"),
            ("dollar", "dollars", "euros"),
            ("pound", "pounds", "dollars"),
            ("dollar", "dollars", "Swiss francs"),
            ("euro", "euros", "Swiss francs"),
            ("pound", "pounds", "euros"),
        )
    )
    text = dice.wording(
        "If 1 {one} is {r} {other}, how many {other} are {a} {many}?",
        "One {one} equals {r} {other}. Convert {a} {many} to {other}.",
        "{a} {many} in {other} at a rate of {r}?",
        "The exchange rate is {r} {other} per {one}. How much is {a} {many} in {other}?",
        "{name} changes {a} {many} into {other} at {r} {other} per {one}. "
        "How many {other} does {name} get?",
        "I have {a} {many}. With 1 {one} = {r} {other}, what is that in {other}?",
        "A {one} is worth {r} {other}. Work out the value of {a} {many} in {other}.",
        "How many {other} do you get for {a} {many} when the rate is 1 {one} = {r} {other}?",
    ).format(one=one, many=many, other=other, r=rate / 100, a=amount, name=dice.choice(NAMES))
    return Drawn(text, f"print(round({amount} * {rate / 100}, 2))", str(float(value)))


@family("money", held_out=True)
def currency_conversion_back(dice: Dice) -> Drawn:
    rate, value = dice.choice((80, 125, 120, 150, 110, 90, 105)), cents(dice, 4, 900)
    amount = Fraction(rate * value, 10000)
    if not clean(Fraction(value, 100)) or (amount * 100).denominator != 1:
        return currency_conversion_back(dice)
    text = dice.wording(
        "If 1 euro is {r} dollars, how many euros are {a} dollars?",
        "One euro equals {r} dollars. Convert {a} dollars to euros.",
        "{a} dollars in euros if 1 euro = {r} dollars?",
        "The exchange rate is {r} dollars per pound. How much is {a} dollars in pounds?",
        "{name} changes {a} dollars into euros. A euro costs {r} dollars. How many euros is it?",
        "I have {a} dollars. With 1 euro = {r} dollars, what is that in euros?",
        "A pound is worth {r} euros. Work out how many pounds you get for {a} euros.",
        "How many euros do you get for {a} dollars when one euro costs {r} dollars?",
    ).format(r=rate / 100, a=shown(int(amount * 100)), name=dice.choice(NAMES))
    program = f"print(round({shown(int(amount * 100))} / {rate / 100}, 2))"
    return Drawn(text, program, str(value / 100))


@family("money")
def weeks_to_goal(dice: Dice) -> Drawn:
    goal, save = dice.randint(10, 400) * 5, dice.randint(5, 90)
    unit = dice.choice(("week", "month", "day"))
    text = dice.wording(
        "{name} saves {s} a {u}. How many {u}s does it take to save {g}?",
        "How many {u}s until I have {g} if I put aside {s} every {u}?",
        "saving {s} per {u}, goal {g}, how many {u}s?",
        "A bike costs {g}. {name} can save {s} each {u}. After how many {u}s is there enough?",
        "I want to buy a phone for {g} and save {s} per {u}. How many {u}s do I need?",
        "If {s} is saved every {u}, in how many {u}s will there be at least {g}?",
        "Find how many whole {u}s of saving {s} are needed to reach {g}.",
        "{name} needs {g} and sets aside {s} each {u}. For how many {u}s must {name} save?",
    )
    style, name = dice.choice(STYLES), dice.choice(NAMES)
    text = text.format(g=style.format(goal), s=style.format(save), u=unit, name=name)
    program = f"import math\nprint(math.ceil({goal} / {save}))"
    return Drawn(text, program, str((goal + save - 1) // save))


@family("money")
def profit(dice: Dice) -> Drawn:
    n, buy, sell = dice.randint(3, 200), cents(dice, 1, 20), cents(dice, 1, 40)
    value = Fraction(n * (sell - buy), 100)
    if not clean(value):
        return profit(dice)
    things = dice.choice(THINGS)
    text = dice.wording(
        "{name} buys {n} {things} at {b} each and sells them at {s} each. What is the profit?",
        "What profit is made on {n} {things} bought for {b} and sold for {s} apiece?",
        "{n} {things}, cost {b} each, sold {s} each, profit?",
        "A shop pays {b} for each item and sells it for {s}. How much profit do {n} items make?",
        "I bought {n} {things} for {b} each and sold all of them for {s} each. "
        "How much did I gain?",
        "Calculate the total profit: {n} pieces, cost {b} per piece, price {s} per piece.",
        "{name} sells {things} for {s} that cost {b} to make. How much is earned on {n} of them?",
        "If {things} are bought at {b} and sold at {s} each, what profit do {n} of them bring?",
    )
    style = dice.choice(STYLES)
    b, s = style.format(shown(buy)), style.format(shown(sell))
    text = text.format(n=n, b=b, s=s, things=things, name=dice.choice(NAMES))
    program = f"print(round({n} * ({shown(sell)} - {shown(buy)}), 2))"
    return Drawn(text, program, str(float(value)))


@family("money")
def markup(dice: Dice) -> Drawn:
    p, k = cents(dice, 2, 300), dice.choice((10, 12, 15, 20, 25, 30, 35, 40, 45, 60, 75))
    value = Fraction(p * (100 + k), 10000)
    if not clean(value):
        return markup(dice)
    text = dice.wording(
        "A shop buys a lamp for {p} and adds a markup of {k}%. What is the selling price?",
        "What is the selling price of an item that costs {p} with {k}% markup?",
        "cost {p}, markup {k}%, selling price?",
        "{name} buys a chair for {p} and sells it for {k} percent more. For how much is it sold?",
        "Find the price after marking up {p} by {k}%.",
        "An item costs the store {p}. The store adds {k}% on top. How much does the customer pay?",
        "I paid {p} for a vase and want to make {k}% on it. What price should I ask?",
        "If the cost is {p} and the markup is {k} percent, what does the product sell for?",
    ).format(p=dice.choice(STYLES).format(shown(p)), k=k, name=dice.choice(NAMES))
    program = f"cost = {shown(p)}\nmarkup = cost * {k} / 100\nprint(round(cost + markup, 2))"
    return Drawn(text, program, str(float(value)))
