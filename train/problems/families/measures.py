"""Units: lengths, weights, volumes, metric prefixes, times, temperatures and bytes."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from train.problems.families.money import article
from train.problems.family import Dice, Drawn, family
from train.problems.figures import two_places

# Imperial unit, metric unit, metric units in one imperial unit.
LENGTHS = (
    ("mile", "miles", "kilometers", "1.609344"),
    ("mile", "miles", "km", "1.609344"),
    ("inch", "inches", "cm", "2.54"),
    ("inch", "inches", "centimeters", "2.54"),
    ("foot", "feet", "meters", "0.3048"),
    ("yard", "yards", "meters", "0.9144"),
)
WEIGHTS = (
    ("pound", "pounds", "kilograms", "0.45359237"),
    ("pound", "pounds", "kg", "0.45359237"),
    ("ounce", "ounces", "grams", "28.349523125"),
)
GALLONS = (("US gallon", "US gallons", "liters", "3.785411784"),)
# Large unit, small unit, small units in one large unit.
PREFIXES = (
    ("kilometers", "meters", 1000),
    ("km", "m", 1000),
    ("meters", "centimeters", 100),
    ("m", "cm", 100),
    ("meters", "millimeters", 1000),
    ("kilograms", "grams", 1000),
    ("kg", "g", 1000),
    ("tons", "kilograms", 1000),
    ("liters", "milliliters", 1000),
    ("grams", "milligrams", 1000),
    ("centimeters", "millimeters", 10),
)
TIMES = (
    ("hours", "minutes", 60),
    ("minutes", "seconds", 60),
    ("days", "hours", 24),
    ("weeks", "days", 7),
    ("years", "months", 12),
    ("hours", "seconds", 3600),
    ("days", "minutes", 1440),
    ("days", "seconds", 86400),
    ("weeks", "hours", 168),
)


def exact(value: Fraction) -> bool:
    """Whether a value is not whole and rounds to two places without a tie."""
    return value > 0 and value.denominator != 1 and (value * 100).denominator != 2


def _convert(dice: Dice, units: tuple[tuple[str, str, str, str], ...], metric: bool) -> Drawn:
    """A conversion to metric units or back; the factor may be left out."""
    one, many, other, factor = dice.choice(units)
    decimal = f"{dice.randint(1, 99)}.{dice.randint(1, 9)}"
    amount = dice.choice((str(dice.randint(2, 400)), decimal))
    value = Fraction(amount) * Fraction(factor) if metric else Fraction(amount) / Fraction(factor)
    if not exact(value):
        return _convert(dice, units, metric)
    text = dice.wording(
        "How many {b} are {n} {a}? Round to two decimal places.",
        "Convert {n} {a} to {b}, to two decimals.",
        "{n} {a} in {b}? 2 decimals",
        "What is {n} {a} in {b}, rounded to two decimal places?",
        "The label says {n} {a}. Express this in {b}, to two decimal places.",
        "Express {n} {a} as {b} (two decimals).",
        "i have {n} {a}, what's that in {b} to 2 decimal places",
        "Change {n} {a} into {b}. Give the result to two decimal places.",
        "Please tell me how much {n} {a} is in {b}, with two decimals.",
        "To two decimal places, {n} {a} is how many {b}?",
        "A guide book says {n} {a}. What would that be in {b}, to two decimals?",
        "Work out the number of {b} in {n} {a}, rounded to two decimals.",
        "Given {n} {a}, find the same amount in {b}. Round to 2 decimals.",
    )
    start, end = (many, other) if metric else (other, many)
    text = text.format(n=amount, a=start, b=end)
    if dice.chance(0.4):
        fact = f"1 {one} = {factor} {other}"
        text = f"{fact}. {text}" if dice.chance(0.5) else f"{text} ({fact})"
    return Drawn(
        text, f"print(round({amount} {'*' if metric else '/'} {factor}, 2))", two_places(value)
    )


@family("units")
def length_to_metric(dice: Dice) -> Drawn:
    return _convert(dice, LENGTHS, True)


@family("units")
def length_from_metric(dice: Dice) -> Drawn:
    return _convert(dice, LENGTHS, False)


@family("units")
def weight_to_metric(dice: Dice) -> Drawn:
    return _convert(dice, WEIGHTS, True)


@family("units")
def weight_from_metric(dice: Dice) -> Drawn:
    return _convert(dice, WEIGHTS, False)


@family("units")
def gallons_and_liters(dice: Dice) -> Drawn:
    return _convert(dice, GALLONS, dice.chance(0.5))


@family("units")
def convert_with_factor(dice: Dice) -> Drawn:
    one, many, other = dice.choice(
        (
            ("portion", "portions", "ml"),
            ("bucket", "buckets", "liters"),
            ("barrel", "barrels", "liters"),
            ("parcel", "parcels", "kg"),
            ("sack", "sacks", "kg"),
            ("token", "tokens", "points"),
            ("roll", "rolls", "meters"),
        )
    )
    n, factor = dice.randint(2, 300), f"{dice.randint(1, 299)}.{dice.randint(1, 9)}"
    value = Fraction(factor) * n
    if not exact(value):
        return convert_with_factor(dice)
    text = dice.wording(
        "If 1 {a} is {f} {b}, how many {b} are {n} {m}?",
        "One {a} equals {f} {b}. Convert {n} {m} to {b}.",
        "1 {a} = {f} {b}, so {n} {m} = ? {b}",
        "Suppose one {a} is {f} {b}. What are {n} {m} in {b}?",
        "Using {f} {b} per {a}, express {n} {m} in {b}.",
        "How many {b} are there in {n} {m} when one {a} has {f} {b}?",
        "Given that each {a} is {f} {b}, work out {n} {m} in {b}.",
        "I count {f} {b} for every {a}. How many {b} is that for {n} {m}?",
    ).format(a=one, m=many, b=other, n=n, f=factor)
    return Drawn(text, f"print(round({n} * {factor}, 2))", two_places(value))


def _to(dice: Dice) -> str:
    return dice.wording(
        "How many {b} are {n} {a}?",
        "Convert {n} {a} to {b}.",
        "{n} {a} in {b}",
        "What is {n} {a} expressed in {b}?",
        "Change {n} {a} into {b}.",
        "I have {n} {a}. How many {b} is that?",
        "{n} {a} = ? {b}",
        "Tell me how many {b} there are in {n} {a}.",
        "how many {b} do {n} {a} make",
        "Find the number of {b} in {n} {a}.",
        "If something is {n} {a}, how much is that in {b}?",
        "Write {n} {a} in {b}.",
    )


@family("units")
def metric_to_smaller(dice: Dice) -> Drawn:
    large, small, factor = dice.choice(PREFIXES)
    n = dice.choice((str(dice.randint(2, 900)), f"{dice.randint(1, 49)}.{dice.randint(1, 9)}"))
    text = _to(dice).format(n=n, a=large, b=small)
    program = f"print(round({n} * {factor}))" if "." in n else f"print({n} * {factor})"
    return Drawn(text, program, str(int(Decimal(n) * factor)))


@family("units")
def metric_to_larger(dice: Dice) -> Drawn:
    large, small, factor = dice.choice(PREFIXES)
    n = dice.choice((dice.randint(2, 999), dice.randint(10, 999) * 10, dice.randint(1000, 99999)))
    if n % factor == 0 or n * 200 < factor:
        return metric_to_larger(dice)
    shown = f"{n:,}" if dice.chance(0.3) else str(n)
    text = _to(dice).format(n=shown, a=small, b=large)
    return Drawn(text, f"print({n} / {factor})", str(float(Decimal(n) / factor)))


@family("units")
def time_to_smaller(dice: Dice) -> Drawn:
    large, small, factor = dice.choice(TIMES)
    n = dice.choice((dice.randint(2, 12), dice.randint(2, 400)))
    steps = {3600: "60 * 60", 1440: "24 * 60", 86400: "24 * 60 * 60", 168: "7 * 24"}
    text = _to(dice).format(n=n, a=large, b=small)
    return Drawn(text, f"print({n} * {steps.get(factor, factor)})", str(n * factor))


@family("units")
def time_to_larger(dice: Dice) -> Drawn:
    large, small, factor = dice.choice((*TIMES[:3], TIMES[4]))
    n = dice.randint(2, 60) * factor // 4
    if n % factor == 0:
        return time_to_larger(dice)
    text = _to(dice).format(n=n, a=small, b=large)
    return Drawn(text, f"print({n} / {factor})", str(float(Fraction(n, factor))))


def _mixed(dice: Dice, large: str, small: str) -> Drawn:
    n, m = dice.randint(2, 30), dice.randint(2, 59)
    text = dice.wording(
        "How many {b} are {n} {a} and {m} {b}?",
        "Convert {n} {a} {m} {b} to {b}.",
        "{n} {a} {m} {b} in {b}?",
        "A film lasts {n} {a} and {m} {b}. How long is it in {b}?",
        "What is {n} {a} plus {m} {b}, in {b}?",
        "I waited for {n} {a} and {m} {b}; how many {b} is that altogether?",
        "Express {n} {a} and {m} {b} in {b} only.",
        "Find the total number of {b} in {n} {a} and {m} {b}.",
    ).format(n=n, a=large, b=small, m=m)
    return Drawn(text, f"print({n} * 60 + {m})", str(60 * n + m))


@family("units")
def hours_and_minutes_to_minutes(dice: Dice) -> Drawn:
    return _mixed(dice, "hours", "minutes")


@family("units", held_out=True)
def minutes_and_seconds_to_seconds(dice: Dice) -> Drawn:
    return _mixed(dice, "minutes", "seconds")


@family("units")
def minutes_as_hours_and_minutes(dice: Dice) -> Drawn:
    n = dice.randint(61, 1400)
    text = dice.wording(
        "Write {n} minutes as hours and minutes in the form H:MM.",
        "How long is {n} minutes in hours and minutes, as H:MM?",
        "{n} minutes as H:MM",
        "A flight takes {n} minutes. Give its length as H:MM.",
        "Convert {n} minutes to hours and minutes (H:MM).",
        "What is {n} min in the format H:MM?",
        "I worked for {n} minutes. Express that in hours and minutes as H:MM.",
        "Show a duration of {n} minutes as H:MM.",
    ).format(n=n)
    hours, minutes = divmod(n, 60)
    program = f'print(f"{{{n} // 60}}:{{{n} % 60:02}}")'
    return Drawn(text, program, f"{hours}:{minutes:02}")


def _temperature(dice: Dice, n: str, start: str, end: str, places: str) -> str:
    marks = {"Celsius": "°C", "Fahrenheit": "°F", "Kelvin": " K"}
    a = (
        marks[start]
        if dice.chance(0.4)
        else f" {start}"
        if start == "Kelvin"
        else f" degrees {start}"
    )
    return dice.wording(
        "What is {n}{a} in {b}{p}?",
        "Convert {n}{a} to {b}{p}.",
        "{n}{a} in {b}{p}",
        "A sample has a temperature of {n}{a}. How much is that in {b}{p}?",
        "Change a temperature of {n}{a} into {b}{p}.",
        "The thermometer shows {n}{a}. Work out the temperature in {b}{p}.",
        "the display says {n}{a}, what is this in {b}{p}",
        "Express {n}{a} in {b}{p}.",
        "If it is {n}{a}, what is the temperature in {b}{p}?",
        "Find the {b} temperature that equals {n}{a}{p}.",
    ).format(n=n, a=a, b=end, p=places)


@family("units")
def celsius_to_fahrenheit(dice: Dice) -> Drawn:
    c = dice.choice((dice.randint(-40, 60), dice.randint(60, 300)))
    if c % 5 == 0:
        return celsius_to_fahrenheit(dice)
    text = _temperature(dice, str(c), "Celsius", "Fahrenheit", "")
    return Drawn(text, f"print(round({c} * 9 / 5 + 32, 1))", str((18 * c + 320) / 10))


@family("units")
def fahrenheit_to_celsius(dice: Dice) -> Drawn:
    f = dice.choice((dice.randint(-40, 120), dice.randint(120, 600)))
    value = Fraction((f - 32) * 5, 9)
    if value.denominator == 1:
        return fahrenheit_to_celsius(dice)
    places = dice.choice((", to one decimal place", ", rounded to one decimal"))
    text = _temperature(dice, str(f), "Fahrenheit", "Celsius", places)
    return Drawn(text, f"print(round(({f} - 32) * 5 / 9, 1))", str(float(round(value, 1))))


@family("units")
def celsius_to_kelvin(dice: Dice) -> Drawn:
    c = dice.randint(-200, 900)
    text = _temperature(dice, str(c), "Celsius", "Kelvin", "")
    return Drawn(text, f"print(round({c} + 273.15, 2))", str(float(c + Decimal("273.15"))))


@family("units", held_out=True)
def kelvin_to_celsius(dice: Dice) -> Drawn:
    k = dice.randint(20, 1200)
    text = _temperature(dice, str(k), "Kelvin", "Celsius", "")
    return Drawn(text, f"print(round({k} - 273.15, 2))", str(float(k - Decimal("273.15"))))


def _speed(dice: Dice, n: int, a: str, b: str) -> str:
    text = dice.wording(
        "Convert {n} {a} to {b}, rounded to two decimal places.",
        "What is {n} {a} in {b}? Round to two decimals.",
        "{n} {a} in {b}, 2 decimals",
        "A car moves at {n} {a}. How fast is that in {b}, to two decimal places?",
        "Express a speed of {n} {a} in {b} (two decimals).",
        "The wind blows at {n} {a}. Give its speed in {b} to two decimal places.",
        "How many {b} is {n} {a}, to 2 decimal places?",
        "If a bird flies at {n} {a}, what is its speed in {b}, rounded to two decimals?",
    )
    return text.format(n=n, a=a, b=b)


@family("units")
def kmh_to_meters_per_second(dice: Dice) -> Drawn:
    n = dice.randint(5, 250)
    if not exact(Fraction(n * 10, 36)):
        return kmh_to_meters_per_second(dice)
    text = _speed(dice, n, "km/h", dice.choice(("m/s", "meters per second")))
    return Drawn(text, f"print(round({n} / 3.6, 2))", two_places(Fraction(n * 10, 36)))


@family("units")
def meters_per_second_to_kmh(dice: Dice) -> Drawn:
    n = dice.randint(2, 70)
    if n % 5 == 0:
        return meters_per_second_to_kmh(dice)
    text = _speed(dice, n, "m/s", dice.choice(("km/h", "kilometers per hour")))
    return Drawn(text, f"print(round({n} * 3.6, 2))", two_places(Fraction(n * 36, 10)))


@family("units")
def storage(dice: Dice) -> Drawn:
    names = ("bytes", "KB", "MB", "GB", "TB")
    n, low = dice.randint(2, 600), dice.randint(0, 3)
    high = dice.randint(low + 1, min(low + 2, 4))
    text = dice.wording(
        "How many {b} are {n} {a} if each unit is 1024 times the next smaller one?",
        "Convert {n} {a} to {b}, counting 1024 for each step.",
        "{n} {a} in {b} (steps of 1024)",
        "A disk has {n} {a}. How many {b} is that, with a factor of 1024 between units?",
        "What is {n} {a} in {b}, using 1024 and not 1000?",
        "My file has a size of {n} {a}. Express that in {b}, with steps of 1024.",
        "With 1 KB = 1024 bytes and so on, work out {n} {a} in {b}.",
        "Using binary units (factor 1024), how many {b} make up {n} {a}?",
    ).format(n=n, a=names[high], b=names[low])
    power = "1024" if high - low == 1 else "1024 ** 2"
    return Drawn(article(text), f"print({n} * {power})", str(n << 10 * (high - low)))
