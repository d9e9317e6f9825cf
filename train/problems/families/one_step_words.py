"""How the word problems are told: people, things and places, and the looks of a question."""

from __future__ import annotations

import re

from train.problems.family import Dice, Drawn
from train.problems.words import NAMES, THINGS, singular

_GIRLS = frozenset(
    str.split(
        "Abby Aisha Alice Amara Ana Anita Anna Bianca Carla Chloe Clara Dina Elena Emma Esther "
        "Eva Fatima Fiona Gina Grace Hana Hannah Ida Ines Jana Julia Kate Lara Lily Lina Maria "
        "Marta Maya Mei Mia Mina Nadia Nina Nora Olga Priya Rachel Rosa Ruth Sara Sofia Tara Uma "
        "Vera Yara Yuki Zara Zoe"
    )
)
_BOXES = str.split("boxes bags crates packs baskets trays jars cartons tins bundles")
_FOODS = str.split(
    "apples biscuits cookies muffins oranges pancakes peaches pears plums sandwiches"
)
_FRUITS = str.split("apples cherries lemons oranges peaches pears plums strawberries grapes nuts")
_GOODS = str.split(
    "candles chairs mugs toys shirts baskets birdhouses bowls spoons dolls kites lamps"
)
_HALLS = str.split("cinema theatre stadium concert_hall circus sports_hall")
_KIN = str.split("sister cousin best_friend neighbour brother classmate aunt teammate")
_SHOPS = str.split(
    "supermarket corner_shop market_stall village_shop museum_shop kiosk farm_shop school_shop"
)
_PLACES = str.split(
    "school library zoo museum castle cinema swimming_pool theatre aquarium gallery"
)
_MAKERS = str.split("shopkeeper trader teacher student neighbour craftsman charity club")
_DAYS = str.split("Monday Tuesday Wednesday Thursday Friday Saturday Sunday")
_WORDS = str.split("two three four five six seven eight nine ten eleven twelve")
_ASIDES = (
    "{name}'s brother is {n} years old.",
    "{name} is {n} years old.",
    "{name}'s dog weighs {n} pounds.",
    "{name} lives at number {n}.",
    "{name}'s favourite number is {n}.",
    "{name} has {n} cousins.",
    "{name} got up at {h} o'clock.",
)
_NEUTRAL_ASIDES = (
    "It is {n} degrees outside.",
    "The bus ride home takes {n} minutes.",
    "There are {n} houses on the street.",
    "The building is {n} years old.",
    "It started at {h} o'clock.",
    "The car park has room for {n} cars.",
)
_GO_ON = ("They", "It", "Then", "After", "He ", "She ", "These", "Of ", "And ", "But ", "The ")
_SMALL = re.compile(
    r"(?<![\d$.,:/-])\b([2-9]|1[0-2])\b"
    r"(?![\d%:/]|[.,]\d| ?(?:km|kg|g|cm|m|ml|x|percent|am|pm|o'clock)\b)"
)
_DOZEN = re.compile(
    r"(?<!the )(?<!her )(?<!his )(?<!all )(?<!these )(?<!every )(?<!first )(?<!other )"
    r"\b12 (?=(?!hours|minutes|years|weeks|months|miles|metres|litres|grams|times|points|plus|days"
    r"|this|kilos|pounds|dollars|euros|degrees|inches)[a-z]{3,}s\b)"
)
_MONEY = re.compile(r"\$(\d+(?:,\d{3})*(?:\.\d\d)?)(?! (?:note|bill|voucher))")


def size(dice: Dice) -> int:
    """How many there are of something, few or many."""
    return dice.randint(
        *dice.choice(((3, 20), (10, 99), (10, 99), (20, 200), (100, 999), (500, 5000)))
    )


def people(dice: Dice) -> dict[str, object]:
    """Who and what a story is about; a template takes what it needs."""
    goods = dice.sample(_GOODS, 2)
    fruits = dice.sample(_FRUITS, 2)
    names = dice.sample(NAMES, 3)
    things = dice.sample([t for t in THINGS if t not in ("boxes", "cups", "bottles", "plates")], 3)
    foods, box, day = dice.sample(_FOODS, 2), dice.choice(_BOXES), dice.randrange(7)
    she, he2 = names[0] in _GIRLS, names[1] not in _GIRLS
    he, him, his = ("she", "her", "her") if she else ("he", "him", "his")
    return {
        "name": names[0], "other": names[1], "third": names[2],
        "he": he, "him": him, "his": his, "He": he.title(), "His": his.title(),
        "he2": "he" if he2 else "she", "He2": "He" if he2 else "She",
        "things": things[0], "thing": singular(things[0]), "things2": things[1],
        "thing2": singular(things[1]), "things3": things[2],
        "foods": foods[0], "food": singular(foods[0]), "foods2": foods[1],
        "goods": goods[0], "good": goods[0][:-1], "goods2": goods[1],
        "hall": dice.choice(_HALLS).replace("_", " "),
        "fruits": fruits[0], "fruits2": fruits[1],
        "boxes": box, "box": singular(box), "day": _DAYS[day], "day2": _DAYS[(day + 1) % 7],
        "day3": _DAYS[(day + 2) % 7], "kin": dice.choice(_KIN).replace("_", " "),
        "shop": dice.choice(_SHOPS).replace("_", " "), "maker": dice.choice(_MAKERS),
        "place": dice.choice(_PLACES).replace("_", " "),
    }  # fmt: skip


def told(
    dice: Dice, program: str, answer: object, wordings: str, *, aside: bool = True, **facts: object
) -> Drawn:
    """The problem in one of the `wordings`, which stand on lines that start with a dash."""
    parts = [" ".join(part.split()) for part in re.split(r"\n\s*- ", wordings)[1:]]
    fields = people(dice)
    commas = dice.chance(0.6)
    for key, fact in facts.items():
        big = isinstance(fact, int) and fact >= 1000 and commas
        fields[key] = f"{fact:,}" if big else fact
    text = dice.wording(*parts).format_map(fields)
    if aside and dice.chance(0.25):
        text = _with_aside(dice, text, fields)
    return Drawn(_dressed(dice, text), program, str(answer))


def _with_aside(dice: Dice, text: str, fields: dict[str, object]) -> str:
    """`text` with a sentence that has nothing to do with the question."""
    sentences = re.split(r"(?<=[.!?]) (?=[A-Z])", text)
    if len(sentences) < 2:
        return text
    known = str(fields["name"]) in text
    line = dice.choice(_ASIDES if known and dice.chance(0.7) else _NEUTRAL_ASIDES)
    line = line.format(name=fields["name"], n=dice.randint(8, 40), h=dice.randint(6, 9))
    place = dice.randrange(len(sentences))
    if sentences[place].startswith(_GO_ON) or "?" in text[: text.find(sentences[place])]:
        place = 0 if "?" not in sentences[0] else len(sentences)
    return " ".join([*sentences[:place], line, *sentences[place:]])


def _dressed(dice: Dice, text: str) -> str:
    """The same text with other looks: numbers as words, another currency, no capitals."""
    if dice.chance(0.4):
        text = _DOZEN.sub("a dozen ", text)
    if dice.chance(0.3):
        text = _SMALL.sub(lambda m: _WORDS[int(m[1]) - 2], text)
    if not (text[0].islower() and dice.chance(0.5)):
        text = re.sub(r"(?:^|(?<=[.?!] ))[a-z]", lambda m: m[0].upper(), text)
        text = re.sub(r"\bi\b", "I", text)
    look = dice.choice(("$", "$", "$", "€", "£", "dollars", "euros"))
    if len(look) > 1:
        text = _MONEY.sub(lambda m: f"{m[1]} {look[:-1] if m[1] == '1' else look}", text)
    else:
        text = text.replace("$", look)
    if dice.chance(0.1):
        text = text.lower().rstrip("?.") if dice.chance(0.6) else text.lower()
    return text


def price(dice: Dice, low: int, high: int, whole: float = 0.5) -> tuple[str, int]:
    """A price in dollars as it is written, and in cents."""
    dollars = dice.randint(low, high)
    if dice.chance(whole):
        return str(dollars), dollars * 100
    cents = dice.choice((25, 50, 50, 75, 20, 40, 60, 80, 99, 95, 10, 35))
    return f"{dollars}.{cents}", dollars * 100 + cents


def rounded(expression: str, *prices: str) -> str:
    """`expression`, rounded where one of the prices has cents."""
    return f"round({expression}, 2)" if any("." in p for p in prices) else expression


def amount(cents: int, *prices: str) -> str:
    """What Python prints for so many cents, calculated from these prices."""
    return repr(cents / 100) if any("." in p for p in prices) else str(cents // 100)


def share(dice: Dice, top: int, bottom: int) -> str:
    """The fraction as figures, or as words where they are common."""
    word = {2: "half", 3: "third", 4: "quarter", 5: "fifth", 8: "eighth", 10: "tenth"}.get(bottom)
    if word is None or dice.chance(0.5):
        return f"{top}/{bottom}"
    if top == 1:
        return word if bottom == 2 else f"an {word}" if bottom == 8 else f"a {word}"
    return f"{_WORDS[top - 2]} {word}s"
