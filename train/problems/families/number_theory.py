"""Primes, divisors, common divisors and multiples, and remainders of powers."""

from __future__ import annotations

import math

from train.problems.families.arithmetic import grouped
from train.problems.family import Dice, Drawn, family
from train.problems.figures import ordinal

LIMIT = 20_000
SIEVE = bytearray([0, 0]) + bytearray([1]) * (LIMIT - 2)
for _p in range(2, math.isqrt(LIMIT) + 1):
    if SIEVE[_p]:
        SIEVE[_p * _p :: _p] = bytes(len(range(_p * _p, LIMIT, _p)))
PRIMES = [n for n in range(LIMIT) if SIEVE[n]]


def factors(n: int) -> list[int]:
    """The prime factors, repeated, smallest first."""
    found = []
    for p in PRIMES:
        while n % p == 0:
            found.append(p)
            n //= p
    return found


def divisors(n: int) -> list[int]:
    """All positive divisors, in order."""
    low = [d for d in range(1, math.isqrt(n) + 1) if n % d == 0]
    return sorted({*low, *(n // d for d in low)})


@family("number theory")
def is_it_prime(dice: Dice) -> Drawn:
    top = dice.choice((60, 200, 1000, 10_000))
    n = dice.choice([p for p in PRIMES if p < top]) if dice.chance(0.5) else dice.randint(2, top)
    question = dice.wording(
        "Is {n} a prime number? Answer Yes or No.",
        "Is {n} prime? Yes or No?",
        "Check whether {n} is prime and answer Yes or No.",
        "Yes or No: {n} is a prime number.",
        "is {n} a prime (Yes/No)",
        "Does {n} have exactly two divisors? Answer Yes or No.",
        "I wonder if {n} is a prime number. Say Yes or No.",
        "Tell me, Yes or No, whether {n} is prime.",
        "The number {n}: is it prime? Answer with Yes or No.",
        "Can {n} be divided only by 1 and itself? Yes or No.",
        "Decide if {n} is a prime number; reply Yes or No.",
        "Would you call {n} a prime number? Yes or No.",
    ).format(n=grouped(dice, n))
    program = f'from sympy import isprime\nprint("Yes" if isprime({n}) else "No")'
    return Drawn(question, program, "Yes" if SIEVE[n] else "No")


@family("number theory")
def nth_prime(dice: Dice) -> Drawn:
    n = dice.randint(3, dice.choice((30, 200, 2000)))
    question = dice.wording(
        "What is the {n} prime number?",
        "Find the {n} prime.",
        "Which number is the {n} prime?",
        "{n} prime number?",
        "Counting 2 as the first prime, which is the {n}?",
        "I need the {n} prime number.",
        "List the primes in order: 2, 3, 5, ... Which one is the {n}?",
        "whats the {n} prime",
        "Tell me the {n} prime number, please.",
        "If 2 is prime number 1 and 3 is prime number 2, what is the {n} prime?",
        "Give the {n} number in the sequence of primes.",
        "Determine the {n} prime number.",
    ).format(n=ordinal(n))
    return Drawn(question, f"from sympy import prime\nprint(prime({n}))", str(PRIMES[n - 1]))


@family("number theory")
def sum_of_first_primes(dice: Dice) -> Drawn:
    n = dice.randint(3, dice.choice((20, 60, 500)))
    question = dice.wording(
        "What is the sum of the first {n} prime numbers?",
        "Add up the first {n} primes.",
        "Find the total of the first {n} primes.",
        "sum of the first {n} primes?",
        "Take the {n} smallest primes. What is their sum?",
        "Calculate 2 + 3 + 5 + ... up to the {o} prime.",
        "How much do the first {n} prime numbers add up to?",
        "i need the sum of the {n} smallest prime numbers",
        "If you add the first {n} primes, what do you get?",
        "The first {n} prime numbers are added together. Give the result.",
        "Work out the sum of primes number 1 to {n}.",
        "Tell me the total when the first {n} prime numbers are added.",
    ).format(n=n, o=ordinal(n))
    program = f"from sympy import prime\nprint(sum(prime(i) for i in range(1, {n} + 1)))"
    return Drawn(question, program, str(sum(PRIMES[:n])))


@family("number theory")
def count_of_primes_below(dice: Dice) -> Drawn:
    n = dice.choice((dice.randint(10, 300), dice.randint(300, 19_000), dice.randint(1, 190) * 100))
    question = dice.wording(
        "How many prime numbers are less than {n}?",
        "Count the primes below {n}.",
        "How many primes are there below {n}?",
        "number of primes under {n}?",
        "Find the number of primes smaller than {n}.",
        "What is the count of prime numbers less than {n}?",
        "how many primes below {n}",
        "Of the numbers less than {n}, how many are prime?",
        "I want to know how many prime numbers lie below {n}.",
        "Tell me how many primes are smaller than {n}.",
        "How many of the positive integers below {n} are prime?",
        "Determine how many primes come before {n}, not counting {n} itself.",
    ).format(n=grouped(dice, n))
    program = f"from sympy import primerange\nprint(len(list(primerange({n}))))"
    return Drawn(question, program, str(sum(SIEVE[:n])))


@family("number theory", held_out=True)
def sum_of_primes_below(dice: Dice) -> Drawn:
    n = dice.choice((dice.randint(10, 300), dice.randint(300, 5000)))
    question = dice.wording(
        "What is the sum of all primes below {n}?",
        "Add up all prime numbers less than {n}.",
        "sum of the primes under {n}?",
        "Find the total of all primes smaller than {n}.",
        "How much do all the primes below {n} add up to?",
        "If you add every prime number less than {n}, what do you get?",
        "Calculate the sum of the prime numbers that are smaller than {n}.",
        "I need the sum of all prime numbers below {n}.",
    ).format(n=grouped(dice, n))
    program = f"from sympy import primerange\nprint(sum(primerange({n})))"
    return Drawn(question, program, str(sum(p for p in PRIMES if p < n)))


@family("number theory")
def primes_between(dice: Dice) -> Drawn:
    a = dice.choice((dice.randint(2, 90), dice.randint(100, 3000)))
    b = a + dice.randint(8, 40)
    while SIEVE[a] or SIEVE[b] or sum(SIEVE[a:b]) < 2:
        a, b = a + 1, b + 2
    question = dice.wording(
        "List the primes between {a} and {b}, separated by spaces.",
        "Which prime numbers lie between {a} and {b}? Separate them by spaces.",
        "Write all primes between {a} and {b} in order, with spaces between them.",
        "primes between {a} and {b}? space-separated",
        "Give me every prime number from {a} to {b}, separated by spaces.",
        "Find all primes greater than {a} and less than {b}; put spaces between them.",
        "What are the prime numbers between {a} and {b}? List them with spaces.",
        "show the primes from {a} to {b} on one line with spaces",
    ).format(a=a, b=b)
    program = f"from sympy import primerange\nprint(*primerange({a}, {b} + 1))"
    found = [p for p in PRIMES if a <= p <= b]
    return Drawn(question, program, " ".join(map(str, found)))


@family("number theory")
def next_prime(dice: Dice) -> Drawn:
    n = dice.randint(5, dice.choice((100, 1000, 19_000)))
    question = dice.wording(
        "What is the next prime after {n}?",
        "Find the smallest prime number greater than {n}.",
        "Which prime comes right after {n}?",
        "next prime after {n}?",
        "What is the first prime number larger than {n}?",
        "Going up from {n}, which prime do you meet first, not counting {n} itself?",
        "I need the smallest prime above {n}.",
        "Give the least prime that is bigger than {n}.",
        "whats the first prime above {n}",
        "Starting just above {n}, what is the first prime?",
        "Determine the prime number that follows {n}.",
        "Tell me the nearest prime greater than {n}.",
    ).format(n=grouped(dice, n))
    program = f"from sympy import nextprime\nprint(nextprime({n}))"
    return Drawn(question, program, str(next(p for p in PRIMES if p > n)))


@family("number theory", held_out=True)
def previous_prime(dice: Dice) -> Drawn:
    n = dice.randint(5, dice.choice((100, 1000, 19_000)))
    question = dice.wording(
        "What is the largest prime less than {n}?",
        "Find the last prime number before {n}.",
        "Which prime comes right before {n}?",
        "largest prime below {n}?",
        "Going down from {n}, which prime do you meet first, not counting {n} itself?",
        "I need the biggest prime under {n}.",
        "Tell me the nearest prime smaller than {n}.",
        "Give the greatest prime number that is less than {n}.",
    ).format(n=grouped(dice, n))
    program = f"from sympy import prevprime\nprint(prevprime({n}))"
    return Drawn(question, program, str(max(p for p in PRIMES if p < n)))


@family("number theory")
def count_of_divisors(dice: Dice) -> Drawn:
    n = dice.randint(6, dice.choice((100, 1000, 10_000)))
    question = dice.wording(
        "How many divisors does {n} have?",
        "Count the positive divisors of {n}.",
        "What is the number of factors of {n}, including 1 and {n}?",
        "number of divisors of {n}?",
        "By how many positive whole numbers can {n} be divided without remainder?",
        "Find how many positive integers divide {n}.",
        "how many factors has {n} got",
        "In how many group sizes, from 1 to {n}, can {n} pupils be split evenly?",
        "Tell me how many positive divisors {n} has.",
        "Determine the number of positive factors of {n}.",
        "I need the count of all divisors of {n}, 1 and {n} included.",
        "How many positive integers go into {n} evenly?",
    ).format(n=n)
    program = f"print(sum(1 for d in range(1, {n} + 1) if {n} % d == 0))"
    return Drawn(question, program, str(len(divisors(n))))


@family("number theory")
def list_of_divisors(dice: Dice) -> Drawn:
    n = dice.randint(6, dice.choice((50, 200, 600)))
    question = dice.wording(
        "List the divisors of {n}, separated by spaces.",
        "What are the positive factors of {n}? Write them in order with spaces between them.",
        "Which positive numbers divide {n}? List them from smallest to largest, separated by "
        "spaces.",
        "all divisors of {n}, in order, space-separated",
        "Write down every positive divisor of {n} in increasing order, with spaces.",
        "Find all factors of {n}, smallest first, separated by spaces.",
        "Give me the divisors of {n} on one line with spaces, in ascending order.",
        "By which positive whole numbers is {n} divisible? Ascending, separated by spaces.",
    ).format(n=n)
    program = f"print(*[d for d in range(1, {n} + 1) if {n} % d == 0])"
    return Drawn(question, program, " ".join(map(str, divisors(n))))


@family("number theory")
def sum_of_divisors(dice: Dice) -> Drawn:
    n = dice.randint(6, dice.choice((100, 1000, 5000)))
    question = dice.wording(
        "What is the sum of the divisors of {n}, including {n} itself?",
        "Add up all positive divisors of {n}, 1 and {n} included.",
        "Find the sum of all the positive factors of {n}.",
        "sum of all positive divisors of {n}?",
        "How much do all positive factors of {n}, from 1 to {n}, add up to?",
        "Calculate the total of all the positive divisors of {n}.",
        "i need the sum of every positive divisor of {n}",
        "All positive numbers that divide {n} are added, {n} too. What is the total?",
    ).format(n=n)
    program = f"print(sum(d for d in range(1, {n} + 1) if {n} % d == 0))"
    return Drawn(question, program, str(sum(divisors(n))))


@family("number theory")
def prime_factorisation(dice: Dice) -> Drawn:
    n = dice.randint(6, dice.choice((100, 1000, 9999)))
    n += SIEVE[n]
    question = dice.wording(
        "Write {n} as a product of primes in increasing order, like 2 * 2 * 3.",
        "What is the prime factorisation of {n}? Write it like 2 * 3 * 3, smallest first.",
        "Factor {n} into primes, smallest first, in the form 2 * 2 * 5.",
        "prime factors of {n} in order, written like 2 * 2 * 3",
        "Break {n} down into prime factors, in the form 2 * 3 * 7, from smallest to largest.",
        "Find the prime factorization of {n}, in ascending order, repeated primes written out as "
        "in 2 * 2 * 3.",
        "Decompose {n} into primes. Use the form 3 * 3 * 5, with the smallest first.",
        "Give {n} as primes multiplied together, smallest first, e.g. 2 * 2 * 7.",
    ).format(n=n)
    program = (
        "from sympy import factorint\n"
        f'print(*[p for p, k in factorint({n}).items() for _ in range(k)], sep=" * ")'
    )
    return Drawn(question, program, " * ".join(map(str, factors(n))))


@family("number theory")
def largest_prime_factor(dice: Dice) -> Drawn:
    n = dice.randint(10, dice.choice((200, 2000, 19_999)))
    largest = dice.chance(0.7)
    question = dice.wording(
        "What is the {w} prime factor of {n}?",
        "Find the {w} prime that divides {n}.",
        "{w} prime factor of {n}?",
        "Which is the {w} prime divisor of {n}?",
        "Of the prime factors of {n}, which is the {w}?",
        "I need the {w} prime number by which {n} is divisible.",
        "Factor {n} into primes and give the {w} one.",
        "tell me the {w} prime factor of {n}",
        "Determine the {w} prime that goes into {n} evenly.",
        "Give the {w} of the primes dividing {n}.",
        "By which prime number can {n} be divided? Give the {w} such prime.",
        "Break {n} into prime factors. What is the {w} of them?",
    ).format(n=n, w="largest" if largest else "smallest")
    call = "max" if largest else "min"
    program = f"from sympy import primefactors\nprint({call}(primefactors({n})))"
    return Drawn(question, program, str(factors(n)[-1 if largest else 0]))
