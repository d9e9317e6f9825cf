"""Shopping: totals, change, discounts, taxes, tips, shared bills and best buys."""

from __future__ import annotations

import re
from fractions import Fraction

from train.problems.family import Dice, Drawn, family
from train.problems.words import NAMES, THINGS, singular

STYLES = ("${}", "${}", "${}", "€{}", "£{}", "{} dollars", "{} euros")


def cents(dice: Dice, low: int, high: int) -> int:
    """A price in cents between `low` and `high` whole units, most often not a whole one."""
    return dice.randint(low * 100, high * 100) // (step := dice.choice((1, 5, 10, 50))) * step


def shown(amount: int) -> str:
    """Cents as they are written in a question."""
    return str(amount // 100) if amount % 100 == 0 else f"{amount / 100:.2f}"


def clean(value: Fraction) -> bool:
    """Whether an amount has whole cents, but is not a whole number."""
    return (value * 100).denominator == 1 and value.denominator != 1 and value > 0


def article(text: str) -> str:
    """The text with "an" in front of numbers that begin with a vowel."""
    return re.sub(r"\b([Aa]) (?=[$€£]?(?:8\d*|11|18)(?!\d))", r"\1n ", text)


def _thing(dice: Dice) -> tuple[str, str]:
    things = dice.choice([each for each in THINGS if each not in ("boxes", "tickets")])
    return things, singular(things)


@family("money")
def price_of_several(dice: Dice) -> Drawn:
    n, p = dice.randint(2, 40), cents(dice, 1, 60)
    if not clean(Fraction(n * p, 100)):
        return price_of_several(dice)
    things, one = _thing(dice)
    text = dice.wording(
        "One {one} costs {p}. How much do {n} {things} cost?",
        "What do {n} {things} cost at {p} each?",
        "{n} {things} at {p} each, total?",
        "{name} buys {n} {things} for {p} apiece. How much does {name} pay?",
        "If a box costs {p}, what is the price of {n} boxes?",
        "Find the total price of {n} tickets when a ticket is {p}.",
        "i want {n} {things} and each one is {p}, how much money do i need",
        "The price of one {one} is {p}. Calculate the cost of {n} of them.",
        "A shop sells {things} for {p} each. What would {n} of them come to?",
        "How much must {name} pay for {n} {things} that cost {p} each?",
    )
    style, name = dice.choice(STYLES), dice.choice(NAMES)
    text = text.format(n=n, p=style.format(shown(p)), one=one, things=things, name=name)
    return Drawn(article(text), f"print(round({n} * {shown(p)}, 2))", str(n * p / 100))


@family("money")
def total_of_items(dice: Dice) -> Drawn:
    n, m = dice.randint(2, 12), dice.randint(2, 12)
    p, q = cents(dice, 1, 30), cents(dice, 1, 30)
    total = Fraction(n * p + m * q, 100)
    if not clean(total):
        return total_of_items(dice)
    things, others = dice.sample(THINGS, 2)
    text = dice.wording(
        "{name} buys {n} {things} at {p} each and {m} {others} at {q} each. What is the total?",
        "What do {n} {things} at {p} and {m} {others} at {q} cost together?",
        "{n} x {p} + {m} x {q}, what's my total bill?",
        "How much are {n} {things} for {p} each plus {m} {others} for {q} each?",
        "I bought {n} {things} ({p} each) and {m} {others} ({q} each). How much did I spend?",
        "Find the total cost: {n} {things} at {p} apiece, {m} {others} at {q} apiece.",
        "{name} orders {n} meals at {p} and {m} drinks at {q}. How much is the bill?",
        "Adults pay {p} and children pay {q}. What do {n} adults and {m} children pay altogether?",
        "A cart holds {n} {things} priced {p} each and {m} {others} priced {q} each. Add it up.",
        "{name} needs {n} {things} and {m} {others}. They cost {p} and {q} each. What is the sum?",
    )
    style = dice.choice(STYLES)
    text = text.format(
        n=n,
        m=m,
        p=style.format(shown(p)),
        q=style.format(shown(q)),
        things=things,
        others=others,
        name=dice.choice(NAMES),
    )
    program = f"print(round({n} * {shown(p)} + {m} * {shown(q)}, 2))"
    return Drawn(article(text), program, str(float(total)))


@family("money")
def change_from_note(dice: Dice) -> Drawn:
    note = dice.choice((5, 10, 20, 50, 100, 200))
    p = cents(dice, 1, note)
    change = Fraction(note * 100 - p, 100)
    if not clean(change):
        return change_from_note(dice)
    text = dice.wording(
        "Something costs {p} and you pay with {note}. How much change do you get?",
        "{name} pays for a {p} lunch with {note}. What is the change?",
        "change from {note} for {p}?",
        "I handed over {note} for shopping that cost {p}. How much should I get back?",
        "What change is due from {note} when the bill is {p}?",
        "A book is {p}. {name} gives the cashier {note}. Work out the change.",
        "Calculate how much money is left from {note} after spending {p}.",
        "If {name} has {note} and spends {p}, how much is left?",
    )
    style = dice.choice(STYLES[:5])
    text = text.format(p=style.format(shown(p)), note=style.format(note), name=dice.choice(NAMES))
    return Drawn(article(text), f"print(round({note} - {shown(p)}, 2))", str(float(change)))


@family("money")
def change_after_several(dice: Dice) -> Drawn:
    n, p, note = dice.randint(2, 9), cents(dice, 1, 12), dice.choice((10, 20, 50, 100))
    change = Fraction(note * 100 - n * p, 100)
    if not clean(change):
        return change_after_several(dice)
    things, one = _thing(dice)
    text = dice.wording(
        "{name} buys {n} {things} at {p} each and pays with {note}. How much change is there?",
        "One {one} costs {p}. What change do you get from {note} for {n} of them?",
        "{n} {things} at {p}, paid with {note}, change?",
        "I buy {n} {things} for {p} apiece with a note of {note}. How much do I get back?",
        "If {things} are {p} each, how much of {note} is left after buying {n}?",
        "{name} had {note} and bought {n} {things} costing {p} each. How much money is left?",
        "Work out the change from {note} when buying {n} {things} that cost {p} each.",
        "A coffee costs {p}. {name} takes {n} and gives {note}. Find the change.",
    )
    style = dice.choice(STYLES[:5])
    text = text.format(
        n=n,
        p=style.format(shown(p)),
        note=style.format(note),
        things=things,
        one=one,
        name=dice.choice(NAMES),
    )
    program = f"cost = {n} * {shown(p)}\nprint(round({note} - cost, 2))"
    return Drawn(article(text), program, str(float(change)))


def _percent_of_price(dice: Dice, sign: int, percents: tuple[int, ...]) -> tuple[int, int, str]:
    """A price in cents, a percentage and the price changed by it, as text."""
    while True:
        p, k = cents(dice, 5, dice.choice((40, 300, 2000))), dice.choice(percents)
        if dice.chance(0.5):
            p = p // 100 * 100
        value = Fraction(p * (100 + sign * k), 10000)
        if clean(value):
            return p, k, str(float(value))


@family("money")
def discount(dice: Dice) -> Drawn:
    p, k, answer = _percent_of_price(dice, -1, (5, 10, 12, 15, 18, 20, 25, 30, 35, 40, 45, 60, 75))
    text = dice.wording(
        "A jacket costs {p} and is {k}% off. What is the sale price?",
        "What is {p} after a {k}% discount?",
        "{k}% off {p}, what do I pay?",
        "A pair of shoes at {p} is reduced by {k} percent. How much does it cost now?",
        "Find the new price: old price {p}, discount {k}%.",
        "There is a {k}% discount on a lamp of {p}. How much is the lamp then?",
        "{name} has a coupon for {k}% off and buys a bag for {p}. What does {name} pay?",
        "the shop takes {k}% off everything, my order was {p}, how much is it now",
        "Calculate the price of a {p} phone with {k} percent off.",
        "In a sale all prices drop by {k}%. What does a chair that was {p} cost in the sale?",
    )
    text = text.format(p=dice.choice(STYLES[:5]).format(shown(p)), k=k, name=dice.choice(NAMES))
    program = f"price = {shown(p)}\ndiscount = price * {k} / 100\n"
    program += "print(round(price - discount, 2))"
    return Drawn(article(text), program, answer)


@family("money")
def discount_then_tax(dice: Dice) -> Drawn:
    p, k, t = dice.randint(4, 300) * 5, dice.choice((10, 15, 20, 25, 30, 40)), dice.randint(4, 20)
    value = Fraction(p * (100 - k) * (100 + t), 10000)
    if not clean(value):
        return discount_then_tax(dice)
    text = dice.wording(
        "A coat costs {p}. It is {k}% off, and then {t}% tax is added. What is the final price?",
        "What do I pay for a {p} item with a {k}% discount and then {t}% sales tax?",
        "{p}, {k}% off, plus {t}% tax afterwards. Final price?",
        "{name} buys a bike for {p} less {k}%, plus {t}% tax on the reduced price. Total?",
        "Find the price of a {p} camera after a discount of {k} percent "
        "and a tax of {t} percent on the discounted price.",
        "A table is marked {p}. The shop takes off {k}% and adds {t}% VAT to the rest. "
        "How much is it?",
        "First subtract {k}% from {p}, then add {t}% tax to the result. What is the amount?",
        "An order of {p} gets a discount of {k}%. Tax of {t}% is charged on the reduced amount. "
        "How much is due?",
    ).format(p=dice.choice(STYLES[:5]).format(p), k=k, t=t, name=dice.choice(NAMES))
    program = (
        f"price = {p}\nreduced = price - price * {k} / 100\n"
        f"tax = reduced * {t} / 100\nprint(round(reduced + tax, 2))"
    )
    return Drawn(article(text), program, str(float(value)))


@family("money")
def tip(dice: Dice) -> Drawn:
    p, k, answer = _percent_of_price(dice, 1, (5, 8, 10, 12, 15, 18, 20, 22, 25))
    text = dice.wording(
        "The bill is {p} and you leave a {k}% tip. What do you pay in total?",
        "How much is {p} with a tip of {k} percent added?",
        "{p} bill, {k}% tip, total?",
        "Dinner cost {p}. With a {k}% tip, how much does {name} pay altogether?",
        "I want to tip {k}% on a meal of {p}. How much do I pay including the tip?",
        "Find the total with tip: bill {p}, tip {k}%.",
        "{name} adds a {k}% tip to a restaurant bill of {p}. Work out the whole amount.",
        "What is the total for a {p} meal including a tip of {k}%?",
    ).format(p=dice.choice(STYLES[:5]).format(shown(p)), k=k, name=dice.choice(NAMES))
    program = f"bill = {shown(p)}\ntip = bill * {k} / 100\nprint(round(bill + tip, 2))"
    return Drawn(article(text), program, answer)


@family("money", held_out=True)
def price_with_tax(dice: Dice) -> Drawn:
    p, k, answer = _percent_of_price(dice, 1, (4, 5, 6, 7, 8, 10, 12, 16, 19, 20, 21, 25))
    text = dice.wording(
        "A toaster costs {p} before tax. With {k}% sales tax, what is the total price?",
        "How much is {p} plus {k}% tax?",
        "{p} + {k}% tax, total?",
        "{name} buys a desk for {p}, and {k} percent tax is added. What does {name} pay?",
        "Find the price including tax: net price {p}, tax {k}%.",
        "The net price of a printer is {p}. Calculate the price with {k}% VAT added.",
        "i have to add {k}% vat to {p}. what is the gross amount",
        "What is the final price of a {p} watch when the sales tax is {k}%?",
    ).format(p=dice.choice(STYLES[:5]).format(shown(p)), k=k, name=dice.choice(NAMES))
    program = f"price = {shown(p)}\ntax = price * {k} / 100\nprint(round(price + tax, 2))"
    return Drawn(article(text), program, answer)


@family("money")
def split_bill(dice: Dice) -> Drawn:
    n, share = dice.randint(2, 12), cents(dice, 3, 70)
    if not clean(Fraction(share, 100)):
        return split_bill(dice)
    text = dice.wording(
        "{n} friends split a bill of {p} equally. How much does each pay?",
        "What is each person's share if {n} people divide {p} equally?",
        "{p} split {n} ways",
        "We were {n} at dinner and the bill was {p}. How much is that per person?",
        "Divide a bill of {p} evenly among {n} people.",
        "{name} and some friends, {n} people in all, share the cost of {p}. What does each owe?",
        "A gift for {p} is paid for by {n} people in equal parts. Find each part.",
        "If {n} roommates share a rent of {p} equally, how much does each of them pay?",
    )
    style = dice.choice(STYLES)
    text = text.format(p=style.format(shown(n * share)), n=n, name=dice.choice(NAMES))
    return Drawn(article(text), f"print(round({shown(n * share)} / {n}, 2))", str(share / 100))


@family("money", held_out=True)
def split_bill_with_tip(dice: Dice) -> Drawn:
    n, p, k = dice.randint(2, 8), dice.randint(20, 400), dice.choice((10, 15, 20, 25))
    value = Fraction(p * (100 + k), 100 * n)
    if not clean(value):
        return split_bill_with_tip(dice)
    text = dice.wording(
        "{n} friends split a bill of {p} equally after adding a {k}% tip. How much does each pay?",
        "A meal costs {p} plus a {k}% tip, shared by {n} people. What is one share?",
        "{p} bill, {k}% tip, {n} people, how much each?",
        "We add {k} percent tip to {p} and divide it by {n} people. How much is that per person?",
        "Dinner for {n} came to {p}. With a {k}% tip, "
        "what does everyone pay if they share equally?",
        "Find each person's part of a {p} bill with {k}% tip, split evenly among {n}.",
        "If {n} people share a restaurant bill of {p} and tip {k}%, how much does each one owe?",
        "The bill is {p}. {name} adds a {k}% tip and shares it between {n} people. "
        "Work out one share.",
    ).format(p=dice.choice(STYLES[:5]).format(p), k=k, n=n, name=dice.choice(NAMES))
    program = f"bill = {p}\ntip = bill * {k} / 100\nprint(round((bill + tip) / {n}, 2))"
    return Drawn(article(text), program, str(float(value)))


@family("money")
def unit_price(dice: Dice) -> Drawn:
    n, p = dice.randint(2, 40), cents(dice, 1, 15)
    if not clean(Fraction(p, 100)):
        return unit_price(dice)
    things, one = _thing(dice)
    text = dice.wording(
        "{n} {things} cost {p}. What does one {one} cost?",
        "A pack of {n} {things} is {p}. How much is that per {one}?",
        "{p} for {n} {things}, price each?",
        "Find the price of a single {one} if {n} of them cost {p}.",
        "{name} paid {p} for {n} {things}. What was the unit price?",
        "If {n} kg of rice costs {p}, how much is 1 kg?",
        "I paid {p} for {n} liters of paint, what is the price per liter?",
        "Calculate the cost of one {one} when {n} {things} sell for {p}.",
        "What is the price per {one} if a box with {n} {things} costs {p}?",
    )
    style, name = dice.choice(STYLES), dice.choice(NAMES)
    text = text.format(p=style.format(shown(n * p)), n=n, things=things, one=one, name=name)
    return Drawn(article(text), f"print(round({shown(n * p)} / {n}, 2))", str(p / 100))


@family("money")
def best_buy(dice: Dice) -> Drawn:
    n, m = dice.sample(range(2, 30), 2)
    each = dice.randint(20, 400)
    p, q = n * each + dice.randint(-n * 8, n * 8), m * each + dice.randint(-m * 8, m * 8)
    if p * m == q * n or min(p, q) < 50:
        return best_buy(dice)
    things, one = _thing(dice)
    text = dice.wording(
        "Pack A has {n} {things} for {p}, pack B has {m} {things} for {q}. "
        "Which is cheaper per {one}, A or B?",
        "Which is the better buy: A, {n} {things} for {p}, or B, {m} {things} for {q}?",
        "A: {n} {things} {p}. B: {m} {things} {q}. Cheaper each? Answer A or B",
        "Shop A sells {n} {things} for {p} and shop B sells {m} {things} for {q}. "
        "Where is one {one} cheaper? Answer A or B.",
        "{name} can get {n} pens for {p} (A) or {m} pens for {q} (B). "
        "Which offer costs less per pen, A or B?",
        "Compare the unit prices of A ({n} kg for {p}) and B ({m} kg for {q}). "
        "Which one is better value, A or B?",
        "Tell me which has the lower price per {one}: A with {n} {things} at {p} "
        "or B with {m} {things} at {q}. Just A or B.",
        "Offer A: {p} for {n} {things}. Offer B: {q} for {m} {things}. "
        "Is A or B the better deal per {one}?",
        "Box A costs {p} and holds {n} {things}; box B costs {q} and holds {m}. "
        "Which box is cheaper per {one}, A or B?",
    )
    style = dice.choice(STYLES)
    text = text.format(
        n=n,
        m=m,
        p=style.format(shown(p)),
        q=style.format(shown(q)),
        things=things,
        one=one,
        name=dice.choice(NAMES),
    )
    program = f'print("A" if {shown(p)} / {n} < {shown(q)} / {m} else "B")'
    return Drawn(article(text), program, "A" if p * m < q * n else "B")
