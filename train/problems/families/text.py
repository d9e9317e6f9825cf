"""Questions about the letters of words and sentences, which a model does not see in its tokens."""

from __future__ import annotations

from train.problems.family import Dice, Drawn, family
from train.problems.figures import ordinal


def _listed(text: str) -> tuple[str, ...]:
    """The parts of `text` between bars, or its words where there are none."""
    return tuple(text.split("|" if "|" in text else None))


VOCABULARY = _listed(
    "academy accident address adventure airplane alphabet ambulance animal apartment apple "
    "assistant autumn avocado balloon banana barrel basket battery bicycle blanket blossom "
    "bookkeeper bottle breakfast bridge broccoli brother bubble bucket building butter "
    "butterfly cabbage calendar camera candle carpet carrot castle cathedral cheese cherry "
    "chicken chimney chocolate cinnamon coconut coffee committee computer cookie cottage "
    "cucumber curtain daughter december desert diamond dictionary dinosaur dolphin donkey "
    "dragon elephant elevator embarrass engine envelope evening excellent factory family "
    "feather february festival finger flamingo flower football forest garden garlic giraffe "
    "grammar grandmother grasshopper hamburger hammer harbor helicopter hippopotamus holiday "
    "honey horizon hospital hurricane iceberg insect island jacket jewelry journey juggler "
    "jungle kangaroo kettle keyboard kitchen kitten ladder lantern lavender lemon lettuce "
    "library lightning lollipop machine magazine mango marathon medicine melody millennium "
    "mirror mississippi monkey morning mosquito mountain mushroom music necessary necklace "
    "neighbor newspaper notebook november ocean octopus office onion orange orchestra oxygen "
    "paper papaya parallel parrot peanut pencil penguin pepper piano picture pillow pineapple "
    "pizza planet pocket potato pumpkin puzzle pyramid quarter question rabbit raccoon "
    "rainbow raspberry restaurant rhythm river rocket sandwich satellite saxophone scissors "
    "september shadow sheriff shoulder silver skeleton skyscraper spaghetti spinach squirrel "
    "staircase strawberry success sunflower surface sweater teacher telephone tennessee "
    "thunder tomato tomorrow trumpet tunnel turtle umbrella university vacation vanilla "
    "vegetable village violin volcano waterfall watermelon weather wednesday whisper window "
    "winter wizard yellow yesterday zebra zucchini"
)
PALINDROMES = _listed(
    "level radar civic kayak refer rotor madam noon deed racecar tenet stats solos sagas rotator "
    "reviver deified redder peep minim"
)
NEAR_PALINDROMES = _listed(
    "lever river radio cubic noun need tender status label paper banana hannibal reader kayaks "
    "deeds madame tents revolver solo peer"
)
ADJECTIVES = _listed(
    "old tiny quiet happy clever hungry purple lazy brave green small sleepy bright angry gentle "
    "wooden narrow golden friendly cold"
)
ANIMALS = _listed(
    "fox rabbit teacher sailor penguin doctor farmer kitten parrot elephant pilot baker painter "
    "squirrel turtle donkey spider neighbor cousin robot"
)
ACTIONS = _listed(
    "jumps over|walks past|sleeps near|looks at|runs around|sings beside|paints|follows|waits for|"
    "dreams about|carries|hides behind|draws|remembers"
)
OBJECTS = _listed(
    "bridge river garden castle mountain window basket lantern piano bicycle forest bakery "
    "library umbrella station waterfall letter carpet mirror kettle"
)
ENDINGS = _listed(
    "every morning|in the rain|before breakfast|on tuesday|at night|with a smile|in december||||"
)
PHRASES = _listed(
    "as soon as possible|for your information|by the way|estimated time of arrival|"
    "frequently asked questions|do it yourself|central processing unit|random access memory|"
    "light emitting diode|global positioning system|automated teller machine|"
    "chief executive officer|human resources department|very important person|"
    "best friends forever|rest in peace|personal computer|world health organization|"
    "unidentified flying object|point of sale|out of office|work from home|"
    "portable document format|to be determined|laugh out loud|be right back|"
    "graphics processing unit|public relations officer|most valuable player|"
    "local area network|great big green garden|every good boy does fine|"
    "national park rescue team|young engineers summer camp|blue river book club|"
    "royal society of painters|union of city bakers|hot air balloon festival|"
    "first in first out|what you see is what you get|department of motor vehicles|"
    "computer science students club|friends of the old library|science fiction book fair|"
    "keep it short and simple|save our small schools|red panda protection group"
)


def sentence(dice: Dice) -> str:
    """A short sentence in lower case, without punctuation."""
    subject = f"the {dice.choice(ADJECTIVES)} {dice.choice(ANIMALS)}"
    thing = f"{dice.choice(ADJECTIVES)} {dice.choice(OBJECTS)}"
    return f"{subject} {dice.choice(ACTIONS)} the {thing} {dice.choice(ENDINGS)}".strip()


def some_letter(dice: Dice, text: str) -> str:
    """Mostly one of the letters of `text`, often one that is there twice, sometimes another."""
    letters = [letter for letter in text if letter != " "]
    often = [letter for letter in letters if letters.count(letter) > 1]
    if dice.chance(0.08):
        return dice.choice("abcdefghiklmnoprstuwy")
    return dice.choice(often if often and dice.chance(0.7) else letters)


@family("text")
def letters_in_a_word(dice: Dice) -> Drawn:
    word = dice.choice(VOCABULARY)
    letter = some_letter(dice, word)
    question = dice.wording(
        "How many {x}'s are in {word}?",
        "How many times does the letter {x} appear in the word {word}?",
        'Count the letter "{x}" in "{word}".',
        "how many {x}s in {word}",
        "In the word '{word}', how often does the letter '{x}' occur?",
        'Tell me how many times "{x}" occurs in "{word}".',
        "I am spelling {word}. How many times do I write the letter {x}?",
        'What is the number of {x}\'s in the word "{word}"?',
        "Number of times '{x}' is used in '{word}'?",
        "Can you count the {x}'s in {word} for me?",
        'Look at the word "{word}". How many letters {x} does it have?',
        "The word {word} contains how many {x}'s?",
    ).format(x=letter, word=word)
    return Drawn(question, f'print("{word}".count("{letter}"))', str(len(word.split(letter)) - 1))


@family("text")
def letters_in_a_sentence(dice: Dice) -> Drawn:
    text = sentence(dice)
    letter = some_letter(dice, text)
    question = dice.wording(
        'How many times does the letter {x} appear in the sentence "{text}"?',
        'Count the {x}\'s in "{text}".',
        "In the sentence '{text}', how many letters are {x}?",
        'how many {x}\'s are there in "{text}"',
        'Someone wrote: "{text}". How often did they write the letter {x}?',
        'Find the number of times "{x}" occurs in this sentence: {text}',
        'How many {x}\'s does "{text}" have?',
        'Here is a sentence: "{text}". How many {x}\'s does it contain?',
    ).format(x=letter, text=text)
    return Drawn(question, f'print("{text}".count("{letter}"))', str(len(text.split(letter)) - 1))


@family("text")
def vowels_in_a_word(dice: Dice) -> Drawn:
    word = dice.choice(VOCABULARY)
    question = dice.wording(
        "How many vowels (a, e, i, o, u) are in the word {word}?",
        'Count the vowels in "{word}".',
        "how many vowels does {word} have",
        "What is the number of vowels in '{word}'?",
        "In the word {word}, how many letters are vowels?",
        'Tell me how many vowels there are in "{word}".',
        "The word {word} is written on the board. How many of its letters are vowels?",
        "Number of vowels in {word}?",
    ).format(word=word)
    program = f'print(sum(letter in "aeiou" for letter in "{word}"))'
    return Drawn(question, program, str(sum(map(word.count, "aeiou"))))


@family("text", held_out=True)
def consonants_in_a_word(dice: Dice) -> Drawn:
    word = dice.choice([word for word in VOCABULARY if "y" not in word])
    question = dice.wording(
        "How many consonants are in the word {word}?",
        'Count the consonants in "{word}".',
        "how many consonants does {word} have",
        "In the word {word}, how many letters are not vowels?",
        "What is the number of consonants in '{word}'?",
        'Find how many consonants "{word}" contains.',
        "The word {word} is written on the board. How many of its letters are consonants?",
        'How many letters of "{word}" are consonants?',
    ).format(word=word)
    program = f'print(sum(letter not in "aeiou" for letter in "{word}"))'
    return Drawn(question, program, str(len(word) - sum(map(word.count, "aeiou"))))


@family("text")
def word_backwards(dice: Dice) -> Drawn:
    word = dice.choice(VOCABULARY)
    question = dice.wording(
        "Reverse the word {word}.",
        'What is "{word}" spelled backwards?',
        "Write {word} backwards.",
        "how do you spell {word} backwards",
        "Spell '{word}' in reverse.",
        'If you read the word "{word}" from right to left, what do you get?',
        "Turn the letters of {word} around, so that the last comes first.",
        'Give me the letters of "{word}" in reverse order, as one word.',
        "{word} backwards?",
        'What do you get when you reverse the string "{word}"?',
    ).format(word=word)
    return Drawn(question, f'print("{word}"[::-1])', "".join(reversed(word)))


@family("text")
def letter_at_a_position(dice: Dice) -> Drawn:
    word = dice.choice(VOCABULARY)
    place = dice.randint(2, len(word))
    question = dice.wording(
        "What is the {nth} letter of {word}?",
        'Which letter is at position {n} in "{word}" (the first letter is position 1)?',
        "Give me the {nth} letter of the word '{word}'.",
        "{nth} letter of {word}?",
        'Find letter number {n} of the word "{word}".',
        "In the word {word}, which letter comes {nth}?",
        "what's the {nth} letter in {word}",
        'Tell me which letter is the {nth} one in "{word}".',
    ).format(n=place, nth=ordinal(place), word=word)
    return Drawn(question, f'print("{word}"[{place} - 1])', list(word)[place - 1])


@family("text")
def length_of_a_word(dice: Dice) -> Drawn:
    word = dice.choice(VOCABULARY)
    question = dice.wording(
        "How many letters are in the word {word}?",
        'How long is the word "{word}", in letters?',
        "Count the letters of {word}.",
        "how many letters does {word} have",
        "What is the length of the string '{word}'?",
        'Number of letters in "{word}"?',
        "Tell me how many letters it takes to write {word}.",
        "The word {word} consists of how many letters?",
    ).format(word=word)
    return Drawn(question, f'print(len("{word}"))', str(sum(1 for _ in word)))


@family("text")
def letters_without_spaces(dice: Dice) -> Drawn:
    text = sentence(dice)
    question = dice.wording(
        'How many letters are in the sentence "{text}", not counting spaces?',
        "Count the letters in '{text}' without the spaces.",
        'Leaving out the spaces, how long is "{text}"?',
        'how many letters (no spaces) are in "{text}"',
        'Find the number of letters in: "{text}". Do not count spaces.',
        'If spaces do not count, how many characters does "{text}" have?',
        'I typed "{text}". How many letters is that, spaces excluded?',
        'What is the number of letters, ignoring spaces, in "{text}"?',
    ).format(text=text)
    answer = str(sum(map(len, text.split())))
    return Drawn(question, f'print(len("{text}".replace(" ", "")))', answer)


@family("text")
def words_in_a_sentence(dice: Dice) -> Drawn:
    text = sentence(dice)
    question = dice.wording(
        'How many words are in the sentence "{text}"?',
        "Count the words: {text}",
        'how many words does "{text}" have',
        "What is the number of words in '{text}'?",
        'Give me the word count of "{text}".',
        'I wrote this line: "{text}". How many words is it?',
        'The sentence "{text}" has how many words?',
        'Word count of "{text}"?',
    ).format(text=text)
    return Drawn(question, f'print(len("{text}".split()))', str(text.count(" ") + 1))


@family("text")
def letters_sorted(dice: Dice) -> Drawn:
    word = dice.choice(VOCABULARY)
    question = dice.wording(
        "Sort the letters of {word} alphabetically.",
        'Put the letters of "{word}" in alphabetical order.',
        "What do you get when you arrange the letters of {word} from a to z?",
        "sort the letters in {word}",
        "Write the letters of '{word}' in alphabetical order, as one word.",
        'Rearrange "{word}" so that its letters are in alphabetical order.',
        "The letters of {word} are put in order from a to z. What is the result?",
        'I need the letters of "{word}" alphabetically sorted.',
    ).format(word=word)
    answer = "".join(letter * word.count(letter) for letter in "abcdefghijklmnopqrstuvwxyz")
    return Drawn(question, f'print("".join(sorted("{word}")))', answer)


@family("text")
def words_sorted(dice: Dice) -> Drawn:
    words = dice.sample(VOCABULARY, dice.randint(3, 6))
    question = dice.wording(
        "Sort these words alphabetically: {words}.",
        "Put the words {words} in alphabetical order.",
        "Arrange from A to Z: {words}",
        "what is the alphabetical order of {words}",
        "In which order would these words be in a dictionary: {words}?",
        "Alphabetize this list: {words}.",
        "I have the words {words}. List them in alphabetical order, with commas.",
        "List {words} alphabetically.",
    ).format(words=", ".join(words))
    listed = ", ".join(f'"{word}"' for word in words)
    ordered: list[str] = []
    for word in words:
        ordered.insert(sum(other < word for other in ordered), word)
    return Drawn(question, f'print(*sorted([{listed}]), sep=", ")', ", ".join(ordered))


@family("text")
def is_the_word_a_palindrome(dice: Dice) -> Drawn:
    kind = dice.random()
    words = PALINDROMES if kind < 0.5 else NEAR_PALINDROMES if kind < 0.75 else VOCABULARY
    word = dice.choice(words)
    question = dice.wording(
        "Is {word} a palindrome? Answer Yes or No.",
        'Does "{word}" read the same forwards and backwards? Yes or No?',
        "Check whether the word {word} is a palindrome (Yes or No).",
        "is '{word}' a palindrome, yes or no",
        'Is the word "{word}" the same when it is reversed? Answer with Yes or No.',
        "Yes or No: {word} is a palindrome.",
        "A palindrome reads the same in both directions. Is {word} one? Say Yes or No.",
        'Tell me, Yes or No, if "{word}" is a palindrome.',
    ).format(word=word)
    program = f'word = "{word}"\nprint("Yes" if word == word[::-1] else "No")'
    half = len(word) // 2
    same = all(word[i] == word[-1 - i] for i in range(half))
    return Drawn(question, program, "Yes" if same else "No")


@family("text")
def upper_case(dice: Dice) -> Drawn:
    text = dice.choice(VOCABULARY) if dice.chance(0.5) else sentence(dice)
    question = dice.wording(
        'Write "{text}" in capital letters.',
        "Convert '{text}' to upper case.",
        'What is "{text}" in uppercase?',
        'make this all caps: "{text}"',
        'Change every letter of "{text}" to a capital letter.',
        'I need "{text}" in block capitals.',
        "Capitalize all letters: {text}",
        'How does "{text}" look in upper case?',
    ).format(text=text)
    answer = "".join(chr(ord(c) - 32) if "a" <= c <= "z" else c for c in text)
    return Drawn(question, f'print("{text}".upper())', answer)


@family("text")
def letter_replaced(dice: Dice) -> Drawn:
    word = dice.choice(VOCABULARY)
    old = dice.choice(word)
    new = dice.choice([letter for letter in "aeioubdgklmnprstxz" if letter not in word])
    question = dice.wording(
        'Replace every {old} in "{word}" with {new}.',
        "What does {word} become if each letter {old} is changed to {new}?",
        "Change all {old}'s to {new}'s in the word \"{word}\".",
        "swap each '{old}' for '{new}' in '{word}'",
        'In the word "{word}", write {new} in place of every {old}. What is the result?',
        "Take {word} and put the letter {new} wherever there is the letter {old}.",
        "Every {old} in {word} turns into {new}. What is the new word?",
        'Give me "{word}" with {old} replaced by {new}.',
    ).format(old=old, new=new, word=word)
    return Drawn(question, f'print("{word}".replace("{old}", "{new}"))', new.join(word.split(old)))


@family("text", held_out=True)
def letter_removed(dice: Dice) -> Drawn:
    word = dice.choice(VOCABULARY)
    old = some_letter(dice, word)
    question = dice.wording(
        'Remove every {old} from "{word}".',
        "What is left of {word} when all {old}'s are deleted?",
        "delete the letter {old} from '{word}' everywhere",
        "Write the word {word} without the letter {old}.",
        "Take all letters {old} out of '{word}'. What remains?",
        'What does "{word}" look like without any {old}?',
        "Cross out every {old} in {word}. Which letters remain, as one word?",
        'Drop each letter {old} from "{word}".',
    ).format(old=old, word=word)
    return Drawn(question, f'print("{word}".replace("{old}", ""))', "".join(word.split(old)))
