"""The digits of numbers, and other bases than ten."""

from __future__ import annotations

from train.problems.families.arithmetic import whole
from train.problems.family import Dice, Drawn, family

BASES = {"binary": 2, "octal": 8, "hexadecimal": 16}
LETTER = {2: "b", 8: "o", 16: "x"}


def in_base(n: int, base: int) -> str:
    """The digits of n in a base up to 16, lower-case."""
    return (in_base(n // base, base) if n >= base else "") + "0123456789abcdef"[n % base]


@family("number theory")
def sum_of_digits(dice: Dice) -> Drawn:
    n = whole(dice, 2, 12)
    question = dice.wording(
        "What is the sum of the digits of {n}?",
        "Add up the digits of {n}.",
        "Find the digit sum of {n}.",
        "digit sum of {n}?",
        "How much do the digits of {n} add up to?",
        "Take the number {n} and add its digits together.",
        "whats the sum of the digits in {n}",
        "Calculate the sum of all digits of the number {n}.",
        "If you add all the digits of {n}, what do you get?",
        "I need the digit sum of the number {n}.",
        "Tell me the total of the digits in {n}.",
        "My ticket has the number {n}. What is the sum of its digits?",
    ).format(n=n)
    answer = sum(n // 10**k % 10 for k in range(12))
    return Drawn(question, f"print(sum(int(d) for d in str({n})))", str(answer))


@family("number theory")
def digit_sum_of_a_power(dice: Dice) -> Drawn:
    a, n = dice.randint(2, 30), dice.randint(5, 120)
    question = dice.wording(
        "What is the sum of the digits of {a}^{n}?",
        "Find the digit sum of {a} to the power of {n}.",
        "Add up all the digits of {a}^{n}.",
        "digit sum of {a}^{n}?",
        "Work out {a} to the power {n} and add its digits.",
        "How much do the digits of {a}^{n} add up to?",
        "i need the sum of the digits of {a}**{n}",
        "If {a}^{n} is written out in full, what do its digits add up to?",
    ).format(a=a, n=n)
    value, answer = a**n, 0
    while value:
        value, digit = divmod(value, 10)
        answer += digit
    return Drawn(question, f"print(sum(int(d) for d in str({a} ** {n})))", str(answer))


@family("number theory", held_out=True)
def product_of_digits(dice: Dice) -> Drawn:
    digits = [dice.randint(1, 9) for _ in range(dice.randint(2, 9))]
    n = "".join(map(str, digits))
    question = dice.wording(
        "What is the product of the digits of {n}?",
        "Multiply the digits of {n} together.",
        "Find the product of all digits in {n}.",
        "product of the digits of {n}?",
        "What do you get if you multiply all the digits of {n}?",
        "Take the number {n} and multiply its digits.",
        "Calculate the digit product of {n}.",
        "whats the product of the digits in {n}",
    ).format(n=n)
    answer = 1
    for digit in digits:
        answer *= digit
    return Drawn(question, f"import math\nprint(math.prod(int(d) for d in str({n})))", str(answer))


@family("number theory")
def reversed_digits(dice: Dice) -> Drawn:
    n = whole(dice, 2, 10)
    n += n % 10 == 0
    question = dice.wording(
        "Reverse the digits of {n}.",
        "What is {n} written backwards?",
        "Write the number {n} with its digits in reverse order.",
        "{n} backwards?",
        "What number do you get if you reverse the digits of {n}?",
        "Read {n} from right to left. Which number is that?",
        "turn around the digits of {n}",
        "Give the digits of {n} in the opposite order, as one number.",
        "Which number has the digits of {n} in reverse order?",
        "Find the reversal of {n}.",
        "If {n} is read from its last digit to its first, which number results?",
        "i need the number {n} with the digits reversed",
    ).format(n=n)
    value, answer = n, 0
    while value:
        value, digit = divmod(value, 10)
        answer = answer * 10 + digit
    return Drawn(question, f"print(str({n})[::-1])", str(answer))


@family("number theory")
def count_of_digits_of_a_power(dice: Dice) -> Drawn:
    a, n = dice.randint(2, 99), dice.randint(5, dice.choice((50, 400)))
    question = dice.wording(
        "How many digits does {a}^{n} have?",
        "Find the number of digits of {a} to the power of {n}.",
        "Count the digits in {a}^{n}.",
        "number of digits of {a}^{n}?",
        "If you write out {a}^{n} in full, how many digits are there?",
        "How long, in digits, is the number {a}^{n}?",
        "how many digits are in {a}**{n}",
        "Raise {a} to the power {n}. How many digits has the result?",
        "Of how many digits does {a}^{n} consist?",
        "Tell me how many digits {a} to the power {n} has.",
        "What is the number of decimal digits of {a}^{n}?",
        "I write down {a}^{n}. How many digits do I write?",
    ).format(a=a, n=n)
    value, count = a**n, 0
    while value:
        value, count = value // 10, count + 1
    return Drawn(question, f"print(len(str({a} ** {n})))", str(count))


@family("number theory")
def count_of_one_digit(dice: Dice) -> Drawn:
    n, d = dice.randint(30, dice.choice((200, 1000, 5000))), dice.randint(1, 9)
    question = dice.wording(
        "How many times does the digit {d} appear when you write the numbers from 1 to {n}?",
        "Count how often the digit {d} is used in writing all integers from 1 to {n}.",
        "All whole numbers from 1 to {n} are written down. How many times is the digit {d} "
        "written?",
        "how often do i write a {d} if i write every number from 1 to {n}",
        "A book has pages 1 to {n}. How many times is the digit {d} printed in the page numbers?",
        "Find the number of digits {d} in the list 1, 2, 3, ..., {n}.",
        "How many {d}s are there in all the numbers from 1 to {n} together?",
        "Numbering {n} doors from 1 to {n}, how many times do you need the digit {d}?",
    ).format(n=n, d=d)
    answer = 0
    for k in range(4):
        high, low = divmod(n, 10 ** (k + 1))
        answer += high * 10**k + min(max(low - d * 10**k + 1, 0), 10**k)
    program = f'print(sum(str(n).count("{d}") for n in range(1, {n} + 1)))'
    return Drawn(question, program, str(answer))


@family("number theory")
def to_another_base(dice: Dice) -> Drawn:
    name, base = dice.choice(list(BASES.items()))
    n = dice.randint(5, dice.choice((64, 300, 5000)))
    question = dice.wording(
        "What is {n} in {b}?",
        "Convert {n} to {b}.",
        "Write the decimal number {n} in {b}.",
        "{n} in {b}?",
        "How is {n} written in base {k}?",
        "Convert {n} from decimal to base {k}.",
        "i need the {b} form of {n}",
        "Express {n} as a {b} number." if base != 8 else "Express {n} as an octal number.",
        "Give the {b} representation of {n}.",
        "Turn the number {n} (base 10) into base {k}.",
        "What does {n} look like in {b}?",
        "Find the base-{k} representation of {n}.",
    ).format(n=n, b=name, k=base)
    if base == 16:
        question += " Use lower-case letters."
    return Drawn(question, f'print(f"{{{n}:{LETTER[base]}}}")', in_base(n, base))


@family("number theory")
def from_another_base(dice: Dice) -> Drawn:
    name, base = dice.choice(list(BASES.items()))
    n = dice.randint(5, dice.choice((64, 300, 5000)))
    digits = in_base(n, base)
    article = "an" if base == 8 else "a"
    question = dice.wording(
        "What is the {b} number {x} in decimal?",
        "Convert {b} {x} to decimal.",
        "Write the base-{k} number {x} in base 10.",
        "{b} {x} in decimal?",
        "Which decimal number is {x} in {b}?",
        "Convert {x} from base {k} to base 10.",
        "i have {a} {b} number, {x}. what is it in decimal",
        "Give the decimal value of the {b} number {x}.",
        "The number {x} is written in base {k}. What is it in base 10?",
        "Turn {x} ({b}) into an ordinary decimal number.",
        "What is {x} in base {k} worth in decimal?",
        "Find the decimal number whose {b} form is {x}.",
    ).format(x=digits, b=name, k=base, a=article)
    return Drawn(question, f'print(int("{digits}", {base}))', str(n))


@family("number theory", held_out=True)
def ones_in_binary(dice: Dice) -> Drawn:
    n = dice.randint(5, dice.choice((64, 1000, 100_000)))
    question = dice.wording(
        "How many ones are there in the binary form of {n}?",
        "Count the 1 digits when {n} is written in binary.",
        "Write {n} in binary. How many 1s does it have?",
        "number of 1s in {n} in base 2?",
        "How many bits are set in the number {n}?",
        "The number {n} is converted to binary. How many of the digits are 1?",
        "how many 1s has {n} in binary",
        "Find the number of ones in the base-2 representation of {n}.",
    ).format(n=n)
    answer = sum(n >> k & 1 for k in range(20))
    return Drawn(question, f'print(f"{{{n}:b}}".count("1"))', str(answer))


@family("number theory")
def is_it_a_palindrome(dice: Dice) -> Drawn:
    half = str(whole(dice, 2, 4))
    n = int(half + half[::-1][dice.randint(0, 1) :])
    if dice.chance(0.5):
        n += dice.choice((1, 10, 100, 11))
    question = dice.wording(
        "Is {n} a palindrome? Answer Yes or No.",
        "Does {n} read the same forwards and backwards? Yes or No.",
        "Yes or No: {n} is a palindromic number.",
        "is {n} a palindrome (Yes/No)",
        "Check if the number {n} is a palindrome and answer Yes or No.",
        "If you reverse the digits of {n}, do you get {n} again? Answer Yes or No.",
        "Tell me whether {n} is a palindromic number, Yes or No.",
        "Is the number {n} the same read from right to left? Yes or No.",
    ).format(n=n)
    digits = list(str(n))
    same = all(digits[k] == digits[~k] for k in range(len(digits)))
    program = f'print("Yes" if str({n}) == str({n})[::-1] else "No")'
    return Drawn(question, program, "Yes" if same else "No")


@family("number theory")
def count_of_palindromes(dice: Dice) -> Drawn:
    a = dice.choice((1, 10, 100, dice.randint(2, 900)))
    b = a + dice.choice((dice.randint(50, 900), dice.randint(1, 30) * 100))
    question = dice.wording(
        "How many palindromic numbers are there from {a} to {b}?",
        "Count the palindromes among the numbers {a} to {b}.",
        "How many integers from {a} to {b} read the same backwards?",
        "palindromic numbers from {a} to {b}, how many?",
        "Find the number of palindromic numbers between {a} and {b}, both included.",
        "Of the whole numbers from {a} to {b}, how many are palindromes?",
        "how many numbers from {a} to {b} are palindromes",
        "Tell me how many numbers in the range {a} to {b} inclusive equal their own reversal.",
    ).format(a=a, b=b)
    made = set(range(1, 10)) | {
        int(h + h[::-1][odd:]) for h in map(str, range(1, 1000)) for odd in (0, 1)
    }
    program = f"print(sum(1 for n in range({a}, {b} + 1) if str(n) == str(n)[::-1]))"
    return Drawn(question, program, str(sum(a <= n <= b for n in made)))


@family("number theory")
def is_it_a_perfect_square(dice: Dice) -> Drawn:
    root = whole(dice, 1, 3)
    n = root * root + (dice.choice((-1, 1, 2, 5)) if dice.chance(0.5) else 0)
    question = dice.wording(
        "Is {n} a perfect square? Answer Yes or No.",
        "Is {n} the square of a whole number? Yes or No.",
        "Yes or No: {n} is a perfect square.",
        "is {n} a square number (Yes/No)",
        "Check whether {n} is a perfect square and answer Yes or No.",
        "Can {n} coins be laid out in a full square? Answer Yes or No.",
        "Tell me if {n} is a square number: Yes or No.",
        "Does {n} have a whole-number square root? Yes or No.",
    ).format(n=n)
    program = f'import math\nprint("Yes" if math.isqrt({n}) ** 2 == {n} else "No")'
    square = any(k * k == n for k in range(1, 1010))
    return Drawn(question, program, "Yes" if square else "No")
