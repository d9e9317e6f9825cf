"""More questions about text: ciphers, acronyms, longest words, places in the alphabet."""

from __future__ import annotations

from train.problems.families.text import PHRASES, VOCABULARY, sentence
from train.problems.family import Dice, Drawn, family
from train.problems.figures import ordinal

ALPHABET = "abcdefghijklmnopqrstuvwxyz"


@family("text")
def vowels_removed(dice: Dice) -> Drawn:
    word = dice.choice([word for word in VOCABULARY if word != "rhythm"])
    question = dice.wording(
        "Remove the vowels from {word}.",
        'What is "{word}" without its vowels?',
        "Write the word {word} with all vowels left out.",
        "take the vowels out of '{word}'",
        'Delete every a, e, i, o and u from "{word}".',
        "If you drop all vowels from {word}, what remains?",
        "Which letters are left when the vowels of {word} are deleted? Write them as one word.",
        'Strip all vowels from the word "{word}".',
    ).format(word=word)
    answer = word.translate({ord(vowel): None for vowel in "aeiou"})
    program = f'print("".join(letter for letter in "{word}" if letter not in "aeiou"))'
    return Drawn(question, program, answer)


@family("text")
def shift_cipher(dice: Dice) -> Drawn:
    word, shift = dice.choice(VOCABULARY), dice.choice((1, 2, 3, 3, 4, 5, 6, 7, 10, 13))
    places = "1 place" if shift == 1 else f"{shift} places"
    question = dice.wording(
        "Encrypt {word} with a Caesar shift of {n}.",
        'What is "{word}" in a Caesar cipher with shift {n}?',
        "Shift each letter of {word} forward by {places} in the alphabet (z is followed by a).",
        "caesar cipher, shift {n}: {word}",
        'Apply a Caesar cipher with a shift of {n} to the word "{word}".',
        "Move every letter of '{word}' {places} forward in the alphabet, going on from z to a.",
        "I want to encode {word} by a Caesar cipher that shifts by {n}. What do I write?",
        'Use a Caesar shift of {n} to encode "{word}".',
    ).format(word=word, n=shift, places=places)
    inside = f"chr((ord(letter) - 97 + {shift}) % 26 + 97)"
    program = f'print("".join({inside} for letter in "{word}"))'
    table = str.maketrans(ALPHABET, ALPHABET[shift:] + ALPHABET[:shift])
    return Drawn(question, program, word.translate(table))


@family("text", held_out=True)
def shift_cipher_undone(dice: Dice) -> Drawn:
    word, shift = dice.choice(VOCABULARY), dice.randint(1, 9)
    table = str.maketrans(ALPHABET, ALPHABET[shift:] + ALPHABET[:shift])
    secret = word.translate(table)
    question = dice.wording(
        "Decrypt {secret}, which was encrypted with a Caesar shift of {n}.",
        'A word was encoded by a Caesar cipher with shift {n} to "{secret}". What was the word?',
        "decode the caesar cipher {secret}, shift was {n}",
        'Undo a Caesar shift of {n} on "{secret}".',
        "Shift each letter of {secret} back by {n} places in the alphabet.",
        "Every letter of a word was moved {n} places forward, which gave {secret}. Find the word.",
        '"{secret}" is in a Caesar code with shift {n}. What does it say?',
        "Move the letters of {secret} {n} places back in the alphabet (a is preceded by z).",
    ).format(secret=secret, n=shift)
    inside = f"chr((ord(letter) - 97 - {shift}) % 26 + 97)"
    return Drawn(question, f'print("".join({inside} for letter in "{secret}"))', word)


@family("text")
def acronym(dice: Dice) -> Drawn:
    phrase = dice.choice(PHRASES) if dice.chance(0.6) else " ".join(dice.sample(VOCABULARY, 4))
    question = dice.wording(
        'What is the acronym of "{phrase}"?',
        "Make an acronym from the first letters of: {phrase}",
        'Take the first letter of each word in "{phrase}" and write them in capitals.',
        "acronym for '{phrase}'?",
        'Abbreviate "{phrase}" by its initials, in capital letters.',
        "Which capital letters do you get from the initials of the words {phrase}?",
        'Form the acronym for "{phrase}".',
        'How would you shorten "{phrase}" to an acronym?',
    ).format(phrase=phrase)
    program = f'print("".join(word[0] for word in "{phrase}".split()).upper())'
    shown = phrase.title()
    return Drawn(question, program, "".join(c for c in shown if c.isupper()))


def _words_of_different_lengths(dice: Dice) -> list[str]:
    while True:
        words = dice.sample(VOCABULARY, dice.randint(3, 6))
        if len({len(word) for word in words}) == len(words):
            return words


@family("text")
def longest_word(dice: Dice) -> Drawn:
    words = _words_of_different_lengths(dice)
    question = dice.wording(
        "Which is the longest word: {words}?",
        "Find the longest of these words: {words}.",
        "Of {words}, which word has the most letters?",
        "longest word in this list: {words}",
        "I have the words {words}. Which one is the longest?",
        "Tell me the word with the greatest number of letters among {words}.",
        "Pick the longest word from {words}.",
        "Here are some words: {words}. Name the longest one.",
    ).format(words=", ".join(words))
    listed = ", ".join(f'"{word}"' for word in words)
    return Drawn(question, f"print(max([{listed}], key=len))", sorted(words, key=len)[-1])


@family("text", held_out=True)
def shortest_word(dice: Dice) -> Drawn:
    words = _words_of_different_lengths(dice)
    question = dice.wording(
        "Which is the shortest word: {words}?",
        "Of {words}, which word has the fewest letters?",
        "shortest word in this list: {words}",
        "Pick the shortest word from {words}.",
        "Find the word with the fewest letters: {words}.",
        "Which of these words is shorter than all others: {words}?",
        "Tell me the shortest of the words {words}.",
        "Among {words}, what word has the smallest number of letters?",
    ).format(words=", ".join(words))
    listed = ", ".join(f'"{word}"' for word in words)
    return Drawn(question, f"print(min([{listed}], key=len))", sorted(words, key=len)[0])


@family("text")
def place_in_the_alphabet(dice: Dice) -> Drawn:
    letter = dice.choice(ALPHABET)
    shown = letter.upper() if dice.chance(0.5) else letter
    question = dice.wording(
        "What is the position of the letter {x} in the alphabet?",
        "Which number is the letter {x} in the alphabet, if a is 1?",
        "At which place in the alphabet is {x}?",
        "what number letter is {x}",
        'Give the place of "{x}" in the alphabet as a number.',
        "If A = 1, B = 2, C = 3 and so on, what is {x}?",
        "Counting from a, which number does the letter '{x}' have?",
        'Alphabet position of "{x}"?',
        "Count through the alphabet from A. What number do you reach at {x}?",
        "Find the alphabetical position of the letter {x}, counting from 1.",
        "Say which number {x} has in the English alphabet.",
        "The letter {x} is number what in the alphabet?",
    ).format(x=shown)
    program = f'print(ord("{letter}") - ord("a") + 1)'
    return Drawn(question, program, str(ALPHABET.index(letter) + 1))


@family("text")
def letter_of_the_alphabet(dice: Dice) -> Drawn:
    place = dice.randint(2, 26)
    question = dice.wording(
        "What is the {nth} letter of the alphabet (in lower case)?",
        "Which letter is number {n} in the alphabet? Answer in lower case.",
        "{nth} letter of the alphabet, lower case?",
        "tell me the lowercase letter at place {n} of the alphabet",
        "If a = 1, b = 2 and so on, which lower-case letter is {n}?",
        "Name the {nth} letter of the English alphabet in lower case.",
        "Give me letter number {n} of the alphabet as a small letter.",
        "In the alphabet, which letter (lower case) is the {nth}?",
    ).format(n=place, nth=ordinal(place))
    return Drawn(question, f'print(chr(ord("a") + {place} - 1))', ALPHABET[place - 1])


@family("text")
def word_value(dice: Dice) -> Drawn:
    word = dice.choice(VOCABULARY)
    question = dice.wording(
        "If a = 1, b = 2, ..., z = 26, what is the sum of the letters of {word}?",
        'Add up the alphabet positions of the letters in "{word}".',
        "Each letter is worth its place in the alphabet (a = 1). How much is {word} worth?",
        "letter sum of '{word}' with a=1, b=2, ... z=26",
        'With a=1 to z=26, find the total value of the word "{word}".',
        "What do the letters of {word} add up to when a counts 1, b counts 2 and so on?",
        "Give every letter of {word} its position in the alphabet and add them all.",
        'Letters count from 1 for a to 26 for z. Work out the value of "{word}".',
    ).format(word=word)
    program = f'print(sum(ord(letter) - ord("a") + 1 for letter in "{word}"))'
    return Drawn(question, program, str(sum(ALPHABET.index(c) + 1 for c in word)))


@family("text")
def words_in_reverse_order(dice: Dice) -> Drawn:
    text = sentence(dice)
    question = dice.wording(
        'Write the words of "{text}" in reverse order.',
        'Reverse the order of the words in "{text}".',
        "What is '{text}' with its words in the opposite order?",
        'put the words of "{text}" backwards, last word first',
        'Read the words of "{text}" from last to first. What do you get?',
        "List the words from the last to the first: {text}",
        'Turn around the word order (not the letters) of "{text}".',
        'Starting with the last word, write down the words of "{text}".',
    ).format(text=text)
    words: list[str] = []
    for word in text.split(" "):
        words.insert(0, word)
    return Drawn(question, f'print(" ".join("{text}".split()[::-1]))', " ".join(words))
