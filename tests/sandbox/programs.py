"""Ordinary programs, as a model writes them, and those in which Monty would silently differ."""

from __future__ import annotations


def _blocks(text: str) -> dict[str, str]:
    """Programs by name, each after a line `=== name`."""
    blocks = (block.split("\n", 1) for block in text.split("=== ")[1:])
    return {name: code.rstrip("\n") for name, code in blocks}


# Each must give what the same interpreter prints outside, in whatever tier it runs.
TYPICAL = _blocks(r"""
=== arithmetic
print(7 // 2, -7 // 2, -7 % 3, 7 % -3, 2 ** 10, 2 ** -1, 10 / 4, 1e16, 1e-5)
=== word_problem
apples = 23
eaten = 7
friends = 4
per_friend = (apples - eaten) / friends
print(f'Each friend gets {per_friend} apples')
per_friend
=== interest
balance = 1000
for year in range(1, 6):
    balance *= 1.05
    print(year, round(balance, 2))
=== rounding
[round(x / 1000, 2) for x in range(5, 3000, 10)]
=== rounding_half
round(2.5), round(3.5), round(-0.5), round(1234.5678, -2), round(25, -1)
=== formats
for x in (0.125, 2.675, 1234567.891, 1e-7):
    print(f'{x:.2f}|{x:10.3e}|{x:g}|{x:,.1f}|{x:>12}|{x!r:<12}|{x:%}')
=== percent_formats
'%5.1f|%-6s|%05d|%x|%s|%r' % (2.25, 'ab', 42, 255, [1], 'q')
=== float_sum
print(sum([0.1] * 10), sum(x / 7 for x in range(50)), 0.1 + 0.2)
=== big_integers
import math
print(math.factorial(60), 3 ** 150, -10 ** 30 // 7, 2 ** 64 % 97)
=== integer_digits
print(len(str(2 ** 10000)))
print(2 ** 20000)
=== modular_inverse
try:
    print(pow(3, -1, 7))
except ValueError:
    print('none')
=== primes
def is_prime(n):
    return n > 1 and all(n % d for d in range(2, int(n ** 0.5) + 1))
[n for n in range(60) if is_prime(n)]
=== sieve
n = 50
sieve = [True] * (n + 1)
for i in range(2, n + 1):
    if sieve[i]:
        for j in range(i * i, n + 1, i):
            sieve[j] = False
print([i for i in range(2, n + 1) if sieve[i]])
=== recursion
def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)
fib(17)
=== memo
from functools import lru_cache
@lru_cache(maxsize=None)
def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)
print(fib(90), fib.cache_info())
=== generator
def squares(n):
    for i in range(n):
        yield i * i
g = squares(5)
print(next(g), list(g), list(g))
=== lazy_map
m = map(str, [1, 2])
print(list(m), list(m))
z = zip([1], 'a')
print(dict(z), list(z))
=== lazy_order
def show(x):
    print('show', x)
    return x > 1
print(any(show(x) for x in [1, 2, 3]))
for x in map(show, [1, 2]):
    print(x)
=== loop_grows_list
xs = [1, 2, 3]
for i, x in enumerate(xs):
    if len(xs) < 6:
        xs.append(x * 10)
print(i, xs)
=== strings
s = 'Hello, World'
print(s.lower(), s[::-1], s.split(', '), s.replace('l', 'L'), s.find('W'), s.count('o'),
      s.title(), s.center(20, '*'), '-'.join(s[:3]))
=== string_search
'abc'.find('', 4), 'abc'.startswith('', 4), 'abc'.rfind(''), 'a\nb'.splitlines()
=== unicode
s = 'Grüße, 世界 🌍'
print(s, len(s), s.upper(), s.encode())
s, '\u200b', '\U0001fae8'
=== escapes
print('tab\tnew\\n', r'\d', 'it\'s')
'it\'s "quoted"', 'a\x00\x7f'
=== sets
a = {5, 3, 20, 9, 1}
b = set([3, 100, 5])
print(a, a | b, a & b, a - b, a ^ b, {33, 1})
=== dictionaries
d = {'b': 1, 'a': 2}
d['c'] = d.get('z', 0) + 3
for k, v in sorted(d.items()):
    print(k, v)
print(d, d.keys(), list(d.values()), d.pop('a'), {**d, 'b': 9})
=== dictionary_keys
d = {1: 'a', True: 'b'}
d[1.0] = 'c'
print(d)
import json
json.dumps({1: 2, None: 3, True: 4, 1.5: 5})
=== sorting
people = [('Al', 30), ('Bo', 25), ('Cy', 30)]
print(sorted(people, key=lambda p: (-p[1], p[0])), sorted('bAc', key=str.lower), max(people,
      key=lambda p: p[1]), sorted([3, 1, 2], reverse=True))
=== comprehensions
m = [[i * j for j in range(3)] for i in range(3)]
print(m, [x for row in m for x in row if x], {k: k ** 2 for k in range(3)},
      {n % 3 for n in range(9)})
=== classes
class Animal:
    def __init__(self, name):
        self.name = name
    def __repr__(self):
        return f'{type(self).__name__}({self.name!r})'
class Dog(Animal):
    @property
    def sound(self):
        return 'Woof'
d = Dog('Rex')
print(d, d.sound, isinstance(d, Animal), Dog.__mro__[1].__name__)
d
=== stack
class Stack:
    def __init__(self):
        self.items = []
    def push(self, x):
        self.items.append(x)
    def __len__(self):
        return len(self.items)
s = Stack()
s.push(1)
print(len(s), bool(Stack()), s.items)
=== dataclass
from dataclasses import dataclass, field
@dataclass(order=True)
class P:
    x: int
    tags: list[str] = field(default_factory=list)
print(P(1) < P(2), P(1) == P(1))
P(3, ['a'])
=== enum
from enum import Enum
class C(Enum):
    RED = 1
    BLUE = 2
print(C.RED, C(2), list(C))
=== named_tuple
from collections import namedtuple
P = namedtuple('P', 'x y')
p = P(1, y=2)
p, p.x, p._asdict()
=== type_hints
def mean(values: list[float], digits: int = 2) -> float:
    total: float = sum(values)
    return round(total / len(values), digits)
mean([1, 2, 4.005]), mean.__annotations__['digits']
=== match
def kind(v):
    match v:
        case 0:
            return 'zero'
        case [a, *rest]:
            return f'list {a} {rest}'
        case {'k': x}:
            return x
        case _:
            return 'other'
kind(0), kind([1, 2]), kind({'k': 5}), kind('x')
=== exceptions
for f in (lambda: 1 / 0, lambda: 1 // 0, lambda: 1.0 % 0, lambda: 0 ** -1, lambda: [][1],
      lambda: {}['k'], lambda: int('x'), lambda: 'a' + 1, lambda: None.x, lambda: max([])):
    try:
        f()
    except Exception as error:
        print(type(error).__name__, error)
=== exception_repr
try:
    raise ValueError('a', 1)
except ValueError as e:
    print(repr(e), e.args)
=== finally
def f():
    try:
        return 'try'
    finally:
        print('finally')
f()
=== uncaught
print('before')
def f(x):
    return x['b']
f({'a': 1})
=== none_format
name = None
print(f'{name:>10}')
=== exit
print('a')
raise SystemExit
print('b')
=== input
n = int(input('n? '))
print(n)
=== main
def main():
    print('main')
    return 3

if __name__ == '__main__':
    main()
=== decimal
from decimal import Decimal, getcontext
getcontext().prec = 30
print(Decimal('0.1') + Decimal('0.2'), Decimal(1) / 7)
Decimal('1.10')
=== fractions
from fractions import Fraction
print(sum(Fraction(1, n) for n in range(1, 6)))
Fraction('0.75')
=== datetime
from datetime import date, datetime, timedelta
d = date(2024, 2, 28)
print(d + timedelta(days=2), d.strftime('%A, %d %B %Y'), (date(2024, 12, 25) - d).days,
      d.isocalendar())
datetime(2024, 1, 31, 5), timedelta(hours=-1)
=== itertools
from itertools import accumulate, combinations, groupby, permutations, product
print(list(combinations('abc', 2)), len(list(permutations(range(4)))), list(accumulate([1, 2,
      3])), [(k, list(g)) for k, g in groupby('aab')], list(product('ab', repeat=2)))
=== collections
from collections import Counter, defaultdict, deque
c = Counter('mississippi')
print(c, c.most_common(2))
d = defaultdict(list)
d['a'].append(1)
print(d, deque([1, 2, 3], maxlen=2))
=== math
import math
print(math.pi, math.sqrt(2), math.log(8, 2), math.gamma(5.3), math.cbrt(2) if hasattr(math,
      'cbrt') else 0, math.comb(40, 20), math.gcd(84, 36), math.isclose(0.1 + 0.2, 0.3),
      math.ceil(-1.5), math.hypot(3, 4))
=== trigonometry
import math
for a in range(0, 91, 15):
    print(f'{a:3d} {math.sin(math.radians(a)):.6f} {math.cos(math.radians(a)):.6f}')
=== statistics
import statistics as s
x = [2, 4, 4, 5, 7, 9]
s.mean(x), s.median(x), s.mode(x), s.pstdev(x), s.stdev(x)
=== regex
import re
t = 'On 2024-05-01 and 2023-12-31.\n'
print(re.findall(r'(\d{4})-(\d\d)', t), re.sub(r'\d', '#', t), re.search('$', t).span(),
      re.split(r'\W+', t), re.match('x', t))
=== json
import json
t = json.dumps({'a': [1, 2.5, None, True], 'é': 'x'}, indent=2, sort_keys=True)
print(t)
json.loads(t)
=== random
import random
random.seed(42)
print(random.random(), random.randint(1, 6), random.sample(range(9), 3), random.gauss(0, 1),
      random.choices('ab', k=3))
x = list(range(5))
random.shuffle(x)
x
=== files
with open('note.txt', 'w') as f:
    f.write('a\nb')
print(open('note.txt').readlines())
=== numpy
import numpy as np
a = np.arange(6).reshape(2, 3)
print(a, a.mean(), a @ a.T, np.linalg.det(np.eye(2)))
a * 0.1, np.random.default_rng(0).integers(9, size=3)
=== sympy
from sympy import *
x = symbols('x')
print(solve(x**2 - 5*x + 6, x), diff(sin(x) * x, x), factor(x**3 - 1))
integrate(exp(-x**2), (x, -oo, oo)), Rational(3, 6), sqrt(8)
=== statements
import sys
print('out')
print('err', file=sys.stderr)
x, (y, *z) = 1, (2, 3, 4)
x += y
del y
assert x == 3
while x:
    x -= 1
else:
    print('done', z)
x
=== identity
a = 1000
b = 10 ** 3
print([] is [], None is None, a == b, type(len) is type(print))
type(type(1))
=== types
print(type(1), type('a').__name__, isinstance(True, int), type(x for x in []), range(10)[::3],
      [1] * 2)
""")

# Programs that Monty runs without an error and with another outcome than CPython.
MONTY_DIFFERS = (
    "round(2.675, 2)",
    "{3, 1, 2}",
    "set([5, 3, 9, 1])",
    "{1: 'a', True: 'b'}",
    "list(zip([1], [2]))",
    "m = map(str, [1])\nlist(m), list(m)",
    "g = (x for x in [1])\nlist(g), list(g)",
    "def f(it):\n    return list(it), list(it)\nf(x for x in [1])",
    "def list(it):\n    return [*it], [*it]\nlist(x for x in [1])",
    "print(any(print(x) for x in [1]))",
    "for i, x in enumerate([1]): pass",
    "f'{[1]:>9}'",
    "f'{None:{9}}'",
    "'{:>9}'.format([1])",
    "'abc'.find('', 4)",
    "try:\n    1 // 0\nexcept ZeroDivisionError as e:\n    print(e)",
    "try:\n    print(pow(3, -1, 7))\nexcept ValueError:\n    print('no')",
    "a = 5\na is 5",
    "type(type(1))",
    "hash(0.5)",
    "import math\nmath.gamma(1.1), math.cbrt(2)",
    "import math\nmath.sumprod([1], [2])",
    "import re\nre.findall('$', 'a\\n')",
    "import json\njson.dumps({1: 2, True: 4})",
    "sum(x / 10 for x in range(9))",
    "sum(2 ** -n for n in range(9))",
    "total = 0.5\nsum([total, 1])",
    "x: undefined = 1",
    "def f(x: undefined): pass",
    "if 0:\n    return",
    "'\\U0001fae8'",
    "'a'.replace('a', 'b', count=1)",
    "undefined_here",
)

# What Monty is trusted with, and must not lose without notice.
MONTY_SUITS = (
    "1 + 1",
    "sum(range(10))",
    "sum(x * x for x in range(4))",
    "x = 3\nfor i in range(5):\n    x *= i + 1\nprint(x, f'{x / 7:.3f}')",
    "def f(n, *rest, k=2):\n    return n if n < 2 else f(n - 1) + f(n - 2)\nprint(f(9))",
    "import math as m\nfrom math import sqrt\nm.floor(sqrt(50)), m.pi",
    "words = 'to be or not'.split()\nprint(sorted(words, key=len), max(len(w) for w in words))",
    "a, *b = [1, 2, 3]\nb[0] = a if b is not None else 0\nb",
)
