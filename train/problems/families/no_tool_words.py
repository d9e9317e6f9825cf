"""Questions on single words (opposites, forms, translations), answered without a program."""

from __future__ import annotations

from train.problems.families import facts
from train.problems.families.no_tool import fact, pick
from train.problems.family import Dice, Drawn, family


@family("no tool")
def opposite_of_a_word(dice: Dice) -> Drawn:
    word, opposite = pick(dice, facts.OPPOSITES)
    template = dice.wording(
        'What is the opposite of "{word}"?',
        "What is the opposite of {word}?",
        "Give me the opposite of the word {word}.",
        "opposite of {word}?",
        "Which word means the opposite of '{word}'?",
        'Name the antonym of "{word}".',
        "{word} is the opposite of what?",
        "I need a word that means the opposite of {word}.",
        "what's the opposite of {word}",
        "Tell me an antonym for {word}.",
        "Find the word with the opposite meaning: {word}.",
        "If something is not '{word}' but the very opposite, which word do you use?",
        "Can you tell me the opposite of {word}?",
        'Write the opposite of "{word}".',
    )
    return fact(template, 'The opposite of "{word}" is "{box}".', opposite, word=word)


@family("no tool")
def plural_of_a_word(dice: Dice) -> Drawn:
    word, plural = pick(dice, facts.PLURALS)
    template = dice.wording(
        'What is the plural of "{word}"?',
        "What is the plural of {word}?",
        "Write the plural form of {word}.",
        "plural of {word}?",
        "Give the plural: {word}",
        "One {word}, two ... what?",
        "How do you say more than one {word}?",
        "I know the singular is '{word}'. What is the plural?",
        "what's the plural of the word {word}",
        'Please turn "{word}" into the plural.',
        "Which word do I use for several of them: one {word}, many ...?",
        "How do I write {word} in the plural?",
        "Tell me the plural of the noun {word}.",
    )
    return fact(template, 'The plural of "{word}" is "{box}".', plural, word=word)


@family("no tool")
def past_tense_of_a_verb(dice: Dice) -> Drawn:
    verb, past = pick(dice, facts.PASTS)
    template = dice.wording(
        'What is the past tense of "{verb}"?',
        "What is the simple past of {verb}?",
        "Give me the past tense of the verb {verb}.",
        "past tense of {verb}?",
        "Put the verb '{verb}' into the simple past.",
        "Today I {verb}. Yesterday I ... what?",
        "How do you write {verb} in the past tense?",
        "what's the past form of {verb}",
        "I am learning English. What is the past of to {verb}?",
        "Write the simple past form of '{verb}'.",
        "Which form of {verb} do I use for yesterday?",
        "Tell me the past tense of to {verb}.",
        "Simple past of the verb {verb}, please.",
    )
    return fact(template, 'The past tense of "{verb}" is "{box}".', past, verb=verb)


@family("no tool")
def forms_of_an_adjective(dice: Dice) -> Drawn:
    form = dice.choice(("comparative", "superlative"))
    table = facts.COMPARATIVES if form == "comparative" else facts.SUPERLATIVES
    word, answer = pick(dice, table)
    template = dice.wording(
        'What is the {form} of "{word}"?',
        "Give me the {form} form of {word}.",
        "{form} of {word}?",
        "Write the {form} of the adjective '{word}'.",
        "I need the {form} form of the word {word}.",
        "How do you form the {form} of {word}?",
        "what's the {form} of {word}",
        "Which word is the {form} of '{word}'?",
        "Tell me the {form} of the adjective {word}.",
        "Put {word} into the {form}.",
        "Find the {form} form: {word}",
        "The adjective is '{word}'. What is its {form}?",
    )
    reply = 'The {form} of "{word}" is "{box}".'
    return fact(template, reply, answer, word=word, form=form)


@family("no tool")
def translate_from_english(dice: Dice) -> Drawn:
    language = dice.choice(tuple(facts.TRANSLATIONS))
    word, foreign = pick(dice, facts.TRANSLATIONS[language])
    template = dice.wording(
        'How do you say "{word}" in {language}?',
        "What is the {language} word for {word}?",
        "Translate '{word}' into {language}.",
        "{word} in {language}?",
        "how do i say {word} in {language}",
        'What does "{word}" become in {language}?',
        "I am learning {language}. What is the word for {word}?",
        "Give me the {language} translation of {word}.",
        "Please translate into {language}: {word}",
        "What do people call '{word}' in {language}?",
        "Tell me the {language} for {word}.",
        "Which {language} word means {word}?",
        "In {language}, what is '{word}'?",
    )
    reply = 'In {language}, "{word}" is "{box}".'
    return fact(template, reply, foreign, word=word, language=language)


@family("no tool", held_out=True)
def translate_to_english(dice: Dice) -> Drawn:
    language = dice.choice(tuple(facts.TRANSLATIONS))
    word, foreign = pick(dice, facts.TRANSLATIONS[language])
    template = dice.wording(
        'What does the {language} word "{foreign}" mean in English?',
        "Translate the {language} word '{foreign}' into English.",
        "How do you say the {language} word {foreign} in English?",
        "{foreign} is {language}. What is it in English?",
        "what does {foreign} mean in {language}",
        "Give me the English for the {language} word {foreign}.",
        'I saw the word "{foreign}" in a {language} text. What does it mean?',
        "Which English word is '{foreign}' in {language}?",
        "Please translate from {language} to English: {foreign}",
        "Tell me what the {language} word '{foreign}' means.",
    )
    reply = 'The {language} word "{foreign}" means "{box}".'
    return fact(template, reply, word, foreign=foreign, language=language)
