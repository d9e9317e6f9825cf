"""Multiple choice, true or false: common sense that is answered without a program."""

from __future__ import annotations

from collections.abc import Sequence

from train.problems.families import facts
from train.problems.families.no_tool import fact, pick
from train.problems.family import Dice, Drawn, family

LETTERS = "ABCD"


def choose(dice: Dice, question: str, right: str, wrong: Sequence[str]) -> Drawn:
    """Multiple choice: the answer is the letter."""
    choices = [right, *wrong]
    dice.shuffle(choices)
    letter = LETTERS[choices.index(right)]
    said = f"The answer is \\boxed{{{letter}}}."
    return Drawn(question, "", letter, "science", choices=tuple(choices), reply=said)


@family("no tool")
def which_is_of_a_kind(dice: Dice) -> Drawn:
    kind, *others = dice.sample(tuple(facts.CATEGORIES), 4)
    template = dice.wording(
        "Which of these is {kind}?",
        "Which one is {kind}?",
        "Only one of these is {kind}. Which?",
        "Choose the one that is {kind}.",
        "Pick the word that names {kind}.",
        "which of these words is {kind}",
        "Find {kind} in this list.",
        "I am looking for {kind}. Which option fits?",
        "One of the options is {kind}. Select it.",
        "Select the word for {kind}.",
        "Which of the following names {kind}?",
        "What is {kind} here?",
    )
    right, *wrong = (dice.choice(facts.CATEGORIES[name]) for name in (kind, *others))
    return choose(dice, template.format(kind=kind), right, wrong)


@family("no tool", held_out=True)
def odd_one_out(dice: Dice) -> Drawn:
    kind, other = dice.sample(tuple(facts.CATEGORIES), 2)
    question = dice.wording(
        "Which one does not belong with the others?",
        "Which is the odd one out?",
        "Find the word that does not fit with the rest.",
        "Three of these belong together. Which one does not?",
        "Pick the odd one out.",
        "which word doesn't belong here",
        "Choose the one that is of another kind than the rest.",
        "Which option is different in kind from the other three?",
    )
    wrong = dice.sample(facts.CATEGORIES[kind], 3)
    return choose(dice, question, dice.choice(facts.CATEGORIES[other]), wrong)


@family("no tool")
def word_of_the_same_meaning(dice: Dice) -> Drawn:
    word, same = pick(dice, facts.SYNONYMS)
    template = dice.wording(
        'Which word means nearly the same as "{word}"?',
        "Which of these is a synonym of {word}?",
        "Choose the word with the same meaning as '{word}'.",
        "synonym of {word}?",
        "Pick the word that is closest in meaning to {word}.",
        'Which word could replace "{word}" in a sentence?',
        "I need another word for {word}. Which one fits?",
        "what is another word for {word}",
        "Find the synonym: {word}",
        "Select the best synonym for {word}.",
        "Which option means about the same as {word}?",
        "Another way to say '{word}' is which of these?",
    )
    others = sorted(set(facts.SYNONYMS.values()) - {same} - facts.RELATED.get(same, set()))
    return choose(dice, template.format(word=word), same, dice.sample(others, 3))


@family("no tool")
def common_sense(dice: Dice) -> Drawn:
    question, right, *wrong = dice.choice(facts.SENSE)
    template = dice.wording(
        "{question}",
        "{question} Choose one.",
        "Pick the best answer. {question}",
        "Here is a question with several options: {lower}",
        "Common sense: {lower}",
        "{question} Give the letter of the right option.",
        "quick one, {lower}",
        "Which option is right? {question}",
        "Answer with a letter. {question}",
        "Choose the right answer. {question}",
        "Tell me which option is correct. {question}",
        "Think of everyday life. {question}",
    )
    lower = question[0].lower() + question[1:]
    return choose(dice, template.format(question=question, lower=lower), right, wrong)


@family("no tool")
def true_or_false(dice: Dice) -> Drawn:
    truth = dice.chance(0.5)
    claim = dice.choice(facts.TRUE if truth else facts.FALSE)
    template = dice.wording(
        "True or false: {claim}.",
        "Is it true that {claim}? Answer yes or no.",
        "{capital}. True or false?",
        "Yes or no: is it true that {claim}?",
        "Is this statement true or false? {capital}.",
        "My brother says that {claim}. Is he right, yes or no?",
        "Say whether this is true or false: {claim}",
        "true or false, {claim}",
        "Is it right to say that {claim}? Just yes or no.",
        "Tell me if this is true or false. {capital}.",
        "Someone told me that {claim}. True or false?",
        "Would you agree that {claim}? Yes or no?",
    )
    yes_no = "yes or no" in template.lower()
    answer = ("yes" if truth else "no") if yes_no else ("true" if truth else "false")
    capital = claim[0].upper() + claim[1:]
    reply = "The answer is {box}." if yes_no else "That is {box}."
    return fact(template, reply, answer, claim=claim, capital=capital)
