"""Facts and words that are answered at once: no program is needed, so none is written."""

from __future__ import annotations

from collections.abc import Mapping

from train.problems.families import facts
from train.problems.family import Dice, Drawn, family


def fact(template: str, reply: str, answer: str, **slots: str) -> Drawn:
    """A question whose answer stands in the box of a one-sentence reply, at `{box}`."""
    question = template.format(**slots)
    said = reply.format(**slots, box=f"\\boxed{{{answer}}}")
    return Drawn(question, "", answer, reply=said[0].upper() + said[1:])


def pick(dice: Dice, table: Mapping[str, str]) -> tuple[str, str]:
    return dice.choice(tuple(table.items()))


def _a(noun: str) -> str:
    return f"an {noun}" if noun[0] in "aeiou" else f"a {noun}"


# Places ------------------------------------------------------------------------------------------


@family("no tool")
def capital_of_a_country(dice: Dice) -> Drawn:
    country, capital = pick(dice, facts.CAPITALS)
    template = dice.wording(
        "What is the capital of {country}?",
        "Which city is the capital of {country}?",
        "Name the capital of {country}.",
        "capital of {country}?",
        "Tell me the capital city of {country}.",
        "Do you know what the capital of {country} is?",
        "I am learning about {country}. What is its capital?",
        "what's the capital of {country}",
        "Of all cities in {country}, which one is the capital?",
        "I forgot the capital of {country}, can you tell me?",
        "For a quiz: the capital of {country} is which city?",
        "What city is {country}'s capital?",
        "Please give me the name of {country}'s capital city.",
        "hey, which city is the capital of {country}",
    )
    return fact(template, "The capital of {country} is {box}.", capital, country=country)


@family("no tool", held_out=True)
def country_of_a_capital(dice: Dice) -> Drawn:
    country, capital = pick(dice, facts.CAPITALS)
    while country.startswith("the "):
        country, capital = pick(dice, facts.CAPITALS)
    template = dice.wording(
        "{capital} is the capital of which country?",
        "Which country has {capital} as its capital?",
        "What country is {capital} the capital of?",
        "Name the country whose capital is {capital}.",
        "which country's capital is {capital}",
        "The capital is {capital}. What is the country?",
        "Tell me which country has the capital {capital}.",
        "{capital} is a capital city. Of which country?",
        "I read about {capital}, the capital of some country. Which one?",
        "Of what country is {capital} the capital?",
    )
    return fact(template, "{capital} is the capital of {box}.", country, capital=capital)


@family("no tool")
def continent_of_a_country(dice: Dice) -> Drawn:
    country, continent = pick(dice, facts.CONTINENTS)
    template = dice.wording(
        "On which continent is {country}?",
        "Which continent is {country} on?",
        "What continent does {country} belong to?",
        "{country}: which continent?",
        "Name the continent where you find {country}.",
        "in what continent is {country}",
        "I am looking for {country} on a globe. On which continent is it?",
        "Tell me which continent {country} is part of.",
        "To which continent does {country} belong?",
        "what continent is {country} in?",
        "Where is {country}? Just name the continent.",
        "Can you tell me the continent of {country}?",
    )
    return fact(template, "{country} is in {box}.", continent, country=country)


@family("no tool")
def language_of_a_country(dice: Dice) -> Drawn:
    country, language = pick(dice, facts.LANGUAGES)
    template = dice.wording(
        "Which language do most people speak in {country}?",
        "What is the main language of {country}?",
        "What language is spoken in {country}?",
        "main language in {country}?",
        "Name the most widely spoken language in {country}.",
        "I am going to {country}. Which language do people speak there?",
        "what do they speak in {country}",
        "Tell me the main language people use in {country}.",
        "In {country}, what language do most people talk in?",
        "If I move to {country}, which language should I learn first?",
        "Which language would I hear most in {country}?",
        "Can you tell me what language people speak in {country}?",
    )
    return fact(template, "The main language of {country} is {box}.", language, country=country)


# Nature, measures, culture -----------------------------------------------------------------------


@family("no tool")
def colour_of_a_thing(dice: Dice) -> Drawn:
    thing, colour = pick(dice, facts.COLOURS)
    template = dice.wording(
        "What color is {thing}?",
        "What is the color of {thing}?",
        "Which colour is {thing}?",
        "Name the color of {thing}.",
        "what colour is {thing} usually",
        "Tell me the usual color of {thing}.",
        "If I paint a picture of {thing}, which color should I use?",
        "Think of {thing}. What color is it?",
        "My daughter asks what color {thing} is. What do I say?",
        "color of {thing}?",
        "Which color does {thing} normally have?",
        "Do you know what color {thing} is?",
        "In which color should I draw {thing}?",
    )
    return fact(template, "{thing} is {box}.", colour, thing=thing)


@family("no tool")
def young_of_an_animal(dice: Dice) -> Drawn:
    animal, young = pick(dice, facts.YOUNG)
    template = dice.wording(
        "What is a baby {animal} called?",
        "What do you call a young {animal}?",
        "What is the name for the young of {an}?",
        "baby {animal} name?",
        "Tell me the word for a baby {animal}.",
        "Which word do we use for a young {animal}?",
        "what's a baby {animal} called",
        "My son wants to know what a baby {animal} is called.",
        "Name the young of {an}.",
        "A very young {animal} is called what?",
        "How do people call the baby of {an}?",
        "Give me the name of a young {animal}.",
        "What is the young of {an} called?",
    )
    reply = "A young {animal} is called a {box}."
    reply = reply if young[0] not in "aeiou" else reply.replace(" a {box}", " an {box}")
    return fact(template, reply, young, animal=animal, an=_a(animal))


@family("no tool")
def chemical_symbol(dice: Dice) -> Drawn:
    element, symbol = pick(dice, facts.SYMBOLS)
    template = dice.wording(
        "What is the chemical symbol for {element}?",
        "What is the symbol of {element}?",
        "Which symbol stands for {element} in the periodic table?",
        "chemical symbol of {element}?",
        "Give me the chemical symbol of the element {element}.",
        "How is {element} written in the periodic table?",
        "In chemistry, what is the symbol for {element}?",
        "what's the symbol for {element} in chemistry",
        "Name the chemical symbol of {element}.",
        "I need the symbol of the element {element}.",
        "Tell me how chemists abbreviate {element}.",
        "Which letter or letters are the chemical symbol for {element}?",
        "Write the chemical symbol for {element}.",
    )
    return fact(template, "The chemical symbol of {element} is {box}.", symbol, element=element)


@family("no tool")
def well_known_counts(dice: Dice) -> Drawn:
    what, where, count = dice.choice(facts.COUNTS)
    template = dice.wording(
        "How many {what} are there {where}?",
        "How many {what} are {where}?",
        "how many {what} {where}",
        "What is the number of {what} {where}?",
        "Tell me how many {what} there are {where}.",
        "Do you know how many {what} there are {where}?",
        "I forgot how many {what} there are {where}.",
        "Quick one: how many {what} {where}?",
        "Can you say how many {what} are {where}?",
        "Number of {what} {where}?",
        "My daughter asks how many {what} there are {where}. What is the answer?",
        "Please tell me the number of {what} {where}.",
    )
    return fact(template, "There are {box} {what} {where}.", count, what=what, where=where)


@family("no tool")
def parts_of_a_thing(dice: Dice) -> Drawn:
    shape, number = pick(dice, facts.SHAPES)
    sides = [("sides", _a(shape), number)]
    what, thing, count = dice.choice(sides if dice.chance(0.3) else facts.PARTS)
    template = dice.wording(
        "How many {what} does {thing} have?",
        "How many {what} has {thing} got?",
        "Tell me how many {what} {thing} has.",
        "how many {what} on {thing}",
        "What is the number of {what} of {thing}?",
        "Number of {what} of {thing}?",
        "Think of {thing}. How many {what} does it have?",
        "I am drawing {thing}. How many {what} does it need?",
        "Do you know how many {what} {thing} has?",
        "{what} of {thing}: how many?",
        "Please tell me how many {what} there are on {thing}.",
        "My son asks how many {what} {thing} has. What should I say?",
    )
    reply = "{thing} has {box} {what}."
    return fact(template, reply, count, thing=thing, what=what)


@family("no tool")
def shape_with_so_many_sides(dice: Dice) -> Drawn:
    shape, number = pick(dice, facts.SHAPES)
    words = ("three", "four", "five", "six", "seven", "eight", "nine", "ten")
    sides = dice.choice((number, words[int(number) - 3]))
    template = dice.wording(
        "What do you call a polygon with {sides} sides?",
        "Which polygon has {sides} sides?",
        "What is the name of a shape with {sides} straight sides?",
        "Name the polygon that has {sides} sides.",
        "what's a polygon with {sides} sides called",
        "A polygon has {sides} sides. What is it called?",
        "Tell me the name of a polygon with {sides} sides.",
        "I drew a closed shape with {sides} straight sides. What is it?",
        "polygon with {sides} sides?",
        "How do we call a flat shape with {sides} straight sides?",
        "Give me the word for a polygon with {sides} sides.",
        "In geometry, what is a polygon with {sides} sides called?",
    )
    article = "an" if shape == "octagon" else "a"
    reply = f"A polygon with {{sides}} sides is {article} {{box}}."
    return fact(template, reply, shape, sides=sides)


@family("no tool")
def month_or_day_next_to(dice: Dice) -> Drawn:
    kind, names = dice.choice((("month", facts.MONTHS), ("day", facts.WEEKDAYS)))
    place = dice.randrange(len(names))
    side, step = dice.choice((("after", 1), ("before", -1)))
    template = dice.wording(
        "Which {kind} comes {side} {name}?",
        "What {kind} comes right {side} {name}?",
        "Name the {kind} {side} {name}.",
        "what {kind} is {side} {name}",
        "Tell me the {kind} that comes just {side} {name}.",
        "Which {kind} is directly {side} {name}?",
        "{kind} {side} {name}?",
        "I always forget which {kind} comes {side} {name}.",
        "What is the {kind} {side} {name} called?",
        "Which is the {kind} immediately {side} {name}?",
        "What is the name of the {kind} {side} {name}?",
        "Do you know which {kind} comes {side} {name}?",
    )
    answer = names[(place + step) % len(names)]
    reply = "The {kind} {side} {name} is {box}."
    return fact(template, reply, answer, kind=kind, side=side, name=names[place])


@family("no tool")
def author_of_a_book(dice: Dice) -> Drawn:
    book, author = pick(dice, facts.AUTHORS)
    template = dice.wording(
        "Who wrote {book}?",
        'Who is the author of "{book}"?',
        "Name the author of {book}.",
        'Which author wrote "{book}"?',
        "who wrote {book}",
        'By whom was "{book}" written?',
        "I am reading {book}. Who is it by?",
        "Tell me who wrote '{book}'.",
        "author of {book}?",
        "{book} was written by whom?",
        'Do you know who wrote "{book}"?',
        "Which writer gave us {book}?",
    )
    return fact(template, "{book} was written by {box}.", author, book=book)


@family("no tool")
def general_knowledge(dice: Dice) -> Drawn:
    question, answer = pick(dice, facts.TRIVIA)
    template = dice.wording(
        "{question}",
        "Quick question: {lower}",
        "I have a quiz question. {question}",
        "Trivia: {question}",
        "hey, {lower}",
        "My son asked me this: {question}",
        "{question} Just the answer, please.",
        "Help me with a crossword. {question}",
        "Answer in a few words. {question}",
        "Can you tell me? {question}",
        "Here is an easy one: {lower}",
        "Do you know this? {question}",
    )
    lower = question[0].lower() + question[1:]
    article, _, rest = answer.partition(" ")
    if article not in ("the", "a", "an"):
        return fact(template, "The answer is {box}.", answer, question=question, lower=lower)
    reply = f"The answer is {article} {{box}}."
    return fact(template, reply, rest, question=question, lower=lower)
