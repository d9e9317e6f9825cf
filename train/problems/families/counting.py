"""Counting and chance: arrangements, choices, passwords, dice, coins, balls, paths."""

from __future__ import annotations

from fractions import Fraction
from math import factorial

from train.problems.families.text import VOCABULARY
from train.problems.family import Dice, Drawn, family
from train.problems.words import NAMES, THINGS


def _product(numbers: range) -> int:
    result = 1
    for number in numbers:
        result *= number
    return result


def _choose(n: int, k: int) -> int:
    return _product(range(n - k + 1, n + 1)) // _product(range(1, k + 1))


@family("counting")
def rankings(dice: Dice) -> Drawn:
    n = dice.randint(5, 20)
    k = dice.randint(2, min(5, n - 2))
    places = {2: "first and second", 3: "first, second and third"}.get(k, f"first {k}")
    question = dice.wording(
        "In how many ways can {k} of {n} different books be arranged in order on a shelf?",
        "How many permutations of {k} out of {n} different things are there?",
        "{n} runners are in a race. How many outcomes are possible for the {p} places?",
        "How many ordered selections of {k} from {n} different items exist?",
        "calculate P({n}, {k})",
        "What is the number of permutations of {n} things taken {k} at a time?",
        "A club of {n} people elects {k} people to {k} different offices. In how many ways can "
        "it be done?",
        "How many ways are there to hang {k} of {n} different photos in a row?",
        "How many different lists of {k} can be made from {n} songs, if order matters and no "
        "song is repeated?",
        "nPr with n = {n} and r = {k}?",
        "In how many ways can {k} different prizes go to {k} different people out of {n}?",
        "Out of {n} players, {k} stand in a line. How many different lines are possible?",
    ).format(n=n, k=k, p=places)
    answer = str(_product(range(n - k + 1, n + 1)))
    return Drawn(question, f"from math import perm\nprint(perm({n}, {k}))", answer)


@family("counting")
def committees(dice: Dice) -> Drawn:
    n = dice.randint(5, 40)
    k = dice.randint(2, min(6, n - 2))
    question = dice.wording(
        "In how many ways can a committee of {k} be chosen from {n} people?",
        "How many combinations of {k} out of {n} are there?",
        "A pizza shop has {n} toppings. How many pizzas with {k} different toppings are possible?",
        "calculate {n} choose {k}",
        "How many different groups of {k} can be formed from {n} students?",
        "{name} may take {k} of {n} {things}, all different. How many choices are there?",
        "What is C({n}, {k})?",
        "How many ways are there to pick {k} cards out of {n}, if order does not matter?",
        "From {n} players the coach selects {k}. How many selections are possible?",
        "In how many ways can you select {k} books from a list of {n}?",
        "How many teams of {k} can be made with {n} people to choose from?",
        "{n} people apply, {k} get the same kind of job. In how many ways can they be chosen?",
    ).format(n=n, k=k, name=dice.choice(NAMES), things=dice.choice(THINGS))
    return Drawn(question, f"from math import comb\nprint(comb({n}, {k}))", str(_choose(n, k)))


@family("counting")
def two_groups_chosen(dice: Dice) -> Drawn:
    m, w = dice.randint(4, 12), dice.randint(4, 12)
    a, b = dice.randint(2, 3), dice.randint(2, 3)
    question = dice.wording(
        "A team of {a} from {m} teachers and {b} from {w} students is formed. In how many ways?",
        "How many ways are there to choose {a} of {m} red balls and {b} of {w} blue balls, all "
        "balls being different?",
        "In how many ways can you pick {a} of {m} novels and {b} of {w} comics?",
        "choose {a} out of {m} boys and {b} out of {w} girls, how many ways",
        "A menu has {m} starters and {w} main dishes. {name} orders {a} different starters and "
        "{b} different main dishes. How many selections are possible?",
        "A committee needs {a} of the {m} doctors and {b} of the {w} nurses. How many different "
        "committees are possible?",
        "Find the number of groups with {a} of {m} cats and {b} of {w} dogs.",
        "From {m} singers take {a}, from {w} dancers take {b}. How many groups can there be?",
    ).format(a=a, b=b, m=m, w=w, name=dice.choice(NAMES))
    program = f"from math import comb\nprint(comb({m}, {a}) * comb({w}, {b}))"
    return Drawn(question, program, str(_choose(m, a) * _choose(w, b)))


@family("counting")
def orders_of_all(dice: Dice) -> Drawn:
    n = dice.randint(3, 20)
    question = dice.wording(
        "In how many ways can {n} people stand in a line?",
        "How many orders are there for {n} different books on a shelf?",
        "{n} friends sit down on {n} chairs in a row. How many seatings are possible?",
        "how many ways to arrange {n} different things in a row",
        "In how many different orders can {name} visit {n} cities?",
        "How many ways are there to arrange {n} different {things} in a row?",
        "Find the number of arrangements of {n} different cards.",
        "A playlist has {n} songs. In how many orders can they be played?",
    ).format(n=n, name=dice.choice(NAMES), things=dice.choice(THINGS))
    answer = str(_product(range(1, n + 1)))
    return Drawn(question, f"from math import factorial\nprint(factorial({n}))", answer)


@family("counting")
def arrangements_of_a_word(dice: Dice) -> Drawn:
    word = dice.choice([word for word in VOCABULARY if len(word) <= 11])
    question = dice.wording(
        "In how many ways can the letters of {word} be arranged?",
        "How many different arrangements of the letters in {word} are there?",
        "Find the number of distinct permutations of the letters of '{word}'.",
        "how many anagrams (real words or not) does {word} have, itself included",
        "How many different strings can be made with all the letters of {word}?",
        "In how many distinct ways can you rearrange {word}, counting the word itself?",
        "Calculate how many distinct orders the letters of {word} have.",
        "How many different letter sequences use exactly the letters of {word}?",
    ).format(word=dice.choice((word, word.upper())))
    ways = factorial(len(word))
    for letter in set(word):
        ways //= factorial(word.count(letter))
    program = (
        "from collections import Counter\nfrom math import factorial, prod\n"
        f'word = "{word}"\n'
        "repeats = prod(factorial(count) for count in Counter(word).values())\n"
        "print(factorial(len(word)) // repeats)"
    )
    return Drawn(question, program, str(ways))


@family("counting")
def handshakes(dice: Dice) -> Drawn:
    n = dice.randint(4, 60)
    question = dice.wording(
        "{n} people meet and each shakes hands with every other once. How many handshakes?",
        "At a party of {n} everyone shakes hands with everyone else. How many handshakes are "
        "there?",
        "In a league of {n} teams, each pair of teams plays one match. How many matches is that?",
        "how many handshakes with {n} people",
        "How many straight lines join {n} points, if no three are on one line?",
        "How many games are played when {n} chess players each play every other once?",
        "{n} friends clink glasses, each with each. How many clinks are heard?",
        "How many pairs can be formed from {n} people?",
    ).format(n=n)
    return Drawn(question, f"from math import comb\nprint(comb({n}, 2))", str(n * (n - 1) // 2))


@family("counting")
def outfits(dice: Dice) -> Drawn:
    a, b, c = dice.randint(2, 12), dice.randint(2, 9), dice.randint(2, 7)
    question = dice.wording(
        "{name} has {a} shirts, {b} pairs of pants and {c} hats. How many outfits are possible?",
        "A menu offers {a} starters, {b} mains and {c} desserts. How many three-course meals can "
        "be ordered?",
        "How many outfits can be made of {a} tops, {b} skirts and {c} pairs of shoes?",
        "{a} breads, {b} fillings, {c} sauces. how many sandwiches with one of each",
        "A car comes in {a} colors, with {b} engines and {c} interiors. How many versions exist?",
        "From A to B there are {a} roads, from B to C {b} and from C to D {c}. How many routes "
        "lead from A to D by B and C?",
        "In how many ways can {name} choose one of {a} rings, one of {b} scarves and one of {c} "
        "coats?",
        "Ice cream: {a} flavors, {b} sizes, {c} toppings. How many combinations of one flavor, "
        "one size and one topping are there?",
    ).format(a=a, b=b, c=c, name=dice.choice(NAMES))
    return Drawn(question, f"print({a} * {b} * {c})", str(sum([a * b] * c)))


@family("counting")
def passwords(dice: Dice) -> Drawn:
    length = dice.randint(2, 8)
    kind, size = dice.choice(
        (("digits", 10), ("lower-case letters", 26), ("decimal digits", 10), ("hex digits", 16))
    )
    question = dice.wording(
        "How many codes of {n} {kind} are there, if {kind} may repeat?",
        "A password has {n} characters, all {kind} ({s} to choose from). How many passwords are "
        "possible?",
        "How many strings of length {n} can be made of the {s} {kind}, repeats allowed?",
        "number of passwords with {n} {kind}, repetition allowed",
        "A lock is opened by {n} {kind} in the right order, and each may be used again. How many "
        "codes must be tried at most?",
        "{name} invents a code of {n} {kind}, repeats allowed. How many choices are there?",
        "With {s} {kind} to choose from, how many different codes of length {n} exist if repeats "
        "are allowed?",
        "In how many ways can {n} places be filled with {kind} (repeats allowed)?",
    )
    question = question.format(n=length, kind=kind, s=size, name=dice.choice(NAMES))
    return Drawn(question, f"print({size}**{length})", str(_product_of(size, length)))


def _product_of(factor: int, times: int) -> int:
    result = 1
    for _ in range(times):
        result *= factor
    return result


@family("counting", held_out=True)
def codes_without_repeats(dice: Dice) -> Drawn:
    n = dice.randint(2, 7)
    size, kind = dice.choice(((10, "digits"), (26, "letters from A to Z")))
    question = dice.wording(
        "How many codes of {n} different {kind} are there?",
        "A code has {n} {kind} and none is used twice. How many such codes exist?",
        "number of codes with {n} {kind}, no repeats, any of them may come first",
        "In how many ways can {name} choose a code of {n} {kind} that are all different?",
        "{name} makes a code from {n} {kind}, never using one twice. How many codes are possible?",
        "Count the codes of {n} {kind} in which nothing repeats.",
        "A lock opens with {n} different {kind} in a certain order. How many orders could it be?",
        "If no character may be repeated, how many codes can be made of {n} {kind}?",
    ).format(n=n, kind=kind, name=dice.choice(NAMES))
    answer = str(_product(range(size - n + 1, size + 1)))
    return Drawn(question, f"from math import perm\nprint(perm({size}, {n}))", answer)


@family("counting")
def one_ball(dice: Dice) -> Drawn:
    colors = dice.sample(("red", "blue", "green", "yellow", "white", "black", "orange"), 3)
    a, b, c = (dice.randint(2, 15) for _ in range(3))
    thing = dice.choice(("balls", "marbles", "beads", "buttons"))
    question = dice.wording(
        "A bag holds {a} {x}, {b} {y} and {c} {z} {t}. What is the probability of drawing a {x} "
        "one? Answer as a fraction.",
        "There are {a} {x}, {b} {y} and {c} {z} {t} in a box. One is taken at random. Find the "
        "probability, as a fraction, that it is {x}.",
        "Give as a fraction the chance to draw a {x} one from {a} {x}, {b} {y} and {c} {z} {t}.",
        "{a} {x} {t}, {b} {y}, {c} {z}. probability of {x} as a fraction?",
        "{name} takes one of {a} {x}, {b} {y} and {c} {z} {t} without looking. How likely is {x}, "
        "as a fraction?",
        "An urn has {t}: {a} {x}, {b} {y}, {c} {z}. What fraction is the probability of {x}?",
        "What is P({x}) when one of {a} {x}, {b} {y} and {c} {z} {t} is drawn? Write a fraction.",
        "In a jar are {a} {x} {t}, {b} {y} ones and {c} {z} ones. As a fraction, what is the "
        "probability that a random one is {x}?",
    )
    question = question.format(
        a=a, b=b, c=c, x=colors[0], y=colors[1], z=colors[2], t=thing, name=dice.choice(NAMES)
    ).replace("a orange", "an orange")
    program = f"from fractions import Fraction\nprint(Fraction({a}, {a} + {b} + {c}))"
    return Drawn(question, program, str(1 / (1 + Fraction(b + c, a))))


@family("counting")
def two_balls(dice: Dice) -> Drawn:
    x, y = dice.sample(("red", "blue", "green", "yellow", "white", "black"), 2)
    a, b = dice.randint(3, 12), dice.randint(2, 12)
    question = dice.wording(
        "A bag has {a} {x} and {b} {y} balls. Two are drawn without putting back. What is the "
        "probability that both are {x}, as a fraction?",
        "From {a} {x} and {b} {y} marbles, two are taken at once. Find the probability of two {x} "
        "ones as a fraction.",
        "There are {a} {x} socks and {b} {y} socks in a drawer. {name} takes two in the dark. As "
        "a fraction, how likely are two {x} socks?",
        "{a} {x}, {b} {y} balls, draw 2 without replacement, P(both {x}) as a fraction",
        "Two of {a} {x} and {b} {y} beads are picked at random. Give the probability that both "
        "are {x} as a fraction.",
        "What fraction is the chance that two balls drawn together from {a} {x} and {b} {y} ones "
        "are both {x}?",
        "Without replacement, two cards are drawn from {a} {x} and {b} {y} ones. What is the "
        "probability (a fraction) of getting two {x} cards?",
        "An urn contains {a} {x} and {b} {y} balls; two are drawn, none put back. Calculate the "
        "probability of {x} twice, as a fraction.",
    ).format(a=a, b=b, x=x, y=y, name=dice.choice(NAMES))
    program = (
        "from fractions import Fraction\nfrom math import comb\n"
        f"print(Fraction(comb({a}, 2), comb({a} + {b}, 2)))"
    )
    return Drawn(question, program, str(Fraction(a, a + b) * Fraction(a - 1, a + b - 1)))


@family("counting")
def heads(dice: Dice) -> Drawn:
    n = dice.randint(3, 10)
    k = dice.randint(2, n)
    question = dice.wording(
        "A fair coin is tossed {n} times. What is the probability of exactly {k} heads, as a "
        "fraction?",
        "Find the probability (as a fraction) of getting heads exactly {k} times in {n} flips.",
        "{name} flips {n} coins. As a fraction, how likely is it that exactly {k} show heads?",
        "{n} coin flips, probability of exactly {k} heads as a fraction",
        "Give as a fraction the chance of exactly {k} heads when {n} fair coins are thrown.",
        "What fraction is the probability that {n} tosses of a coin give heads exactly {k} times?",
        "Flip a fair coin {n} times. Calculate P(exactly {k} heads) as a fraction.",
        "When {n} coins are tossed, what is the probability that the number of heads is {k}? "
        "Answer with a fraction.",
    ).format(n=n, k=k, name=dice.choice(NAMES))
    program = (
        "from fractions import Fraction\nfrom math import comb\n"
        f"print(Fraction(comb({n}, {k}), 2**{n}))"
    )
    return Drawn(question, program, str(Fraction(_choose(n, k)) * Fraction(1, 2) ** n))


@family("counting")
def sum_of_two_dice(dice: Dice) -> Drawn:
    total = dice.randint(2, 12)
    sides = dice.choice((6, 6, 4, 8))
    total = min(total, 2 * sides)
    question = dice.wording(
        "Two {d} are rolled. What is the probability that the sum is {s}, as a fraction?",
        "Find the probability, as a fraction, of a total of {s} with two {d}.",
        "{name} throws two {d}. As a fraction, what is the chance of a sum of {s}?",
        "two {d}, probability of sum {s} as a fraction",
        "Give as a fraction the probability of rolling a total of {s} with two {d}.",
        "If you roll two {d}, how likely is the sum {s}? Write a fraction.",
        "What fraction is the chance that two {d} add up to {s}?",
        "Roll two {d}. Calculate P(sum = {s}) as a fraction.",
    ).format(
        d="fair dice" if sides == 6 else f"{sides}-sided dice", s=total, name=dice.choice(NAMES)
    )
    faces = f"range(1, {sides + 1})"
    program = (
        "from fractions import Fraction\n"
        f"ways = sum(a + b == {total} for a in {faces} for b in {faces})\n"
        f"print(Fraction(ways, {sides}**2))"
    )
    ways = sides - abs(total - sides - 1)
    return Drawn(question, program, str(Fraction(ways, sides * sides)))


@family("counting", held_out=True)
def ways_of_three_dice(dice: Dice) -> Drawn:
    total = dice.randint(3, 18)
    question = dice.wording(
        "In how many ways can three dice show a total of {s} (the dice are told apart)?",
        "Three different dice are rolled. How many outcomes have the sum {s}?",
        "{name} rolls a red, a blue and a green die. How many results add up to {s}?",
        "how many of the 216 outcomes of three dice sum to {s}",
        "Find the number of ordered outcomes of three dice whose sum is {s}.",
        "{name} throws one die three times. How many sequences of throws have the total {s}?",
        "Count the ways to get {s} with three dice of different colours.",
        "With three dice that can be told apart, how many results make {s} altogether?",
    ).format(s=total, name=dice.choice(NAMES))
    r = "range(1, 7)"
    program = f"print(sum(a + b + c == {total} for a in {r} for b in {r} for c in {r}))"
    pairs = [6 - abs(total - c - 7) for c in range(1, 7)]
    return Drawn(question, program, str(sum(max(0, ways) for ways in pairs)))


@family("counting")
def grid_paths(dice: Dice) -> Drawn:
    a, b = dice.randint(2, 10), dice.randint(2, 10)
    question = dice.wording(
        "How many shortest paths lead from one corner of a {a} by {b} grid to the opposite one?",
        "A robot goes {a} steps right and {b} steps up in some order. How many paths are there?",
        "{name} walks {a} blocks east and {b} blocks north. How many different routes are "
        "possible?",
        "paths from (0, 0) to ({a}, {b}) moving only right or up, how many",
        "In how many ways can you go from (0, 0) to ({a}, {b}) by steps of 1 right or 1 up?",
        "Find the number of ways to order {a} steps to the right and {b} steps down.",
        "An ant crosses a grid of {a} x {b} squares along the lines, only right or up. How many "
        "paths from corner to opposite corner can it take?",
        "Count the routes that go {a} streets south and {b} streets west, without detours.",
    ).format(a=a, b=b, name=dice.choice(NAMES))
    return Drawn(
        question, f"from math import comb\nprint(comb({a} + {b}, {a}))", str(_choose(a + b, b))
    )


@family("counting")
def subsets(dice: Dice) -> Drawn:
    n = dice.randint(3, 20)
    question = dice.wording(
        "How many subsets does a set with {n} elements have?",
        "A set has {n} members. How many subsets are there, the empty set included?",
        "In how many ways can {name} take some, all or none of {n} different {things}?",
        "number of subsets of a {n}-element set",
        "How many different pizzas can be made if each of {n} toppings may be on it or not?",
        "Each of {n} lamps is on or off. How many states are possible?",
        "Find how many subsets can be formed from {n} different elements.",
        "{n} switches can each be up or down. How many settings are there?",
    ).format(n=n, name=dice.choice(NAMES), things=dice.choice(THINGS))
    return Drawn(question, f"print(2**{n})", str(_product_of(2, n)))
