"""Annotated solutions of GSM8K's training set as programs.

A solution says `Natalia sold 48/2 = <<48/2=24>>24 clips in May.`; of each such calculation one line
of Python is made, named after the words around it (`clips_may = 48 / 2`), and a result that is used
again is used by its name; the last one is printed. The names are all the reasoning that the student
gets to write, at a third of the tokens of the sentences. Solutions whose program does not print the
answer are left out; so is anything that is not plain arithmetic, what has a result that nothing
uses, and what counts with a number that nobody told (`23 + 3` where a human had worked out 18 + 5
in the head): a student would learn to make numbers up.

Source: openai/grade-school-math, MIT; only its training set may be given.
"""

from __future__ import annotations

import ast
import keyword
import re
from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import NamedTuple

from train.data import Problem
from train.problems.family import Drawn

_CALCULATION = re.compile(r"<<([^<>=]+)=([^<>=]+)>>")
_NUMBER = re.compile(r"\d+(?:\.\d+)?|\.\d+")
_PLAIN = re.compile(r"(?:[\d.+\-/() ]|\*(?! *\*))+")  # no powers, which may be huge
_EMPTY_WORDS = frozenset(
    """
    a also an and are as at be because been by can could did do does e each for from had has
    have he her him his i if in into is it its of on only or per s she so still t than that
    the their them then there these they this those to total was were which who will with
    would x
    """.split()  # noqa: SIM905
)
_NAME = 2  # words
_CAPITAL = re.compile(r"(?<=[a-z,;] )[A-Z][a-z]+")  # not at the start of a sentence
_UP_TO_NINETEEN = """
    zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen
    sixteen seventeen eighteen nineteen
""".split()  # noqa: SIM905
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_SPELLED = {
    **{word: number for number, word in enumerate(_UP_TO_NINETEEN)},
    **{word: 10 * number for number, word in enumerate(_TENS, 2)},
    "score": 20,
}
_SMALL = 12  # numbers up to it are anybody's: halves, thirds, a dozen, months
_COMMON = frozenset({16, 24, 28, 30, 31, 52, 60, 100, 365, 366, 1000, 3600, 5280, 1000000})


def programs(problems: Iterable[Problem]) -> list[Drawn]:
    """One solved problem of each of `problems` that can be turned into a program."""
    found = (_drawn(problem) for problem in problems)
    return [drawn for drawn in found if drawn is not None]


def _drawn(problem: Problem) -> Drawn | None:
    lines = _lines(problem.solution or "", problem.question)
    if not lines:
        return None
    answer = problem.answer.replace(",", "")
    value = lines[-1].value
    try:
        if value != Fraction(answer):
            return None
        scope: dict[str, float] = {}
        for line in lines:
            exec(f"{line.name} = {line.code}", {"__builtins__": {}}, scope)  # plain: see _PLAIN
    except (ValueError, ZeroDivisionError, SyntaxError):
        return None
    if _made_up(problem.question, (line.code for line in lines)):
        return None
    last = lines[-1]
    printed = scope[last.name]
    noisy = len(str(printed)) > len(f"{printed:.4f}")
    # A print of `a - b` on the last line would make a student decide at a line's first word
    # whether it is the last, before it has written the step: it then stopped too early.
    named = lines if len(lines) > 1 else []
    shown = last.name if named else last.code
    shown = f"print(round({shown}, 2))" if noisy else f"print({shown})"
    program = "\n".join([*(f"{line.name} = {line.code}" for line in named), shown])
    if Fraction(str(round(printed, 2))) != value:
        return None
    whole = str(int(value)) if value.denominator == 1 else str(round(float(value), 2))
    question = " ".join(problem.question.split())
    return Drawn(
        question,
        program,
        whole,
        family="GSM8K train",
        group="GSM8K train",
    )


class _Line(NamedTuple):
    """One calculation."""

    name: str
    code: str
    value: Fraction


def _lines(solution: str, question: str) -> list[_Line]:
    told = _told(question)
    people = set(_CAPITAL.findall(question))
    lines: list[_Line] = []
    unused: list[str] = []
    for sentence in re.split(r"\n|(?<=[.!?;])\s", solution.partition("####")[0]):
        for match in _CALCULATION.finditer(sentence):
            code = match[1].replace(",", "").replace("$", "").replace("x", "*")
            if not _PLAIN.fullmatch(code) or not re.search(r"\d\s*\)*\s*[-+*/]", code):
                continue  # something else than arithmetic, or a number alone
            try:
                code = ast.unparse(ast.parse(_without_zeros(code).strip(), mode="eval"))
                value = _value(code)
            except (SyntaxError, ValueError, ZeroDivisionError):
                return []

            def by_name(number: re.Match[str]) -> str:
                known = Fraction(number[0])
                names = [line.name for line in lines if line.value == known]
                for name in names:
                    if name in unused:
                        unused.remove(name)
                        return name
                return names[-1] if names and known not in told else number[0]

            code = _NUMBER.sub(by_name, code)
            taken = {line.name for line in lines}
            name = _name(sentence[: match.start()], sentence[match.end() :], people, taken)
            lines.append(_Line(name, code, value))
            unused.append(name)
    return lines if len(unused) == 1 else []


def _made_up(question: str, codes: Iterable[str]) -> set[Fraction]:
    """The numbers in `codes` that neither the question nor common knowledge gives."""
    told = _told(question)
    percent = {share / 100 for share in told}
    told |= percent | {1 - share for share in percent} | {1 + share for share in percent}
    told |= {100 - share for share in told} | {100 + share for share in told}
    used = {Fraction(number) for code in codes for number in re.findall(r"(?<![\w.])[\d.]+", code)}
    return {
        number
        for number in used - told - _COMMON
        if number > _SMALL or (number.denominator not in (1, 2, 4, 5, 10))
    }


def _told(question: str) -> set[Fraction]:
    """The numbers in `question`, in figures or in words."""
    text = question.lower().replace(",", "")
    words = {Fraction(_SPELLED[word]) for word in re.findall("[a-z]+", text) if word in _SPELLED}
    return words | {Fraction(number) for number in _NUMBER.findall(text)}


def _without_zeros(code: str) -> str:
    return re.sub(r"(?<![\d.])0+(?=\d)", "", code)


def _value(code: str) -> Fraction:
    exact = _NUMBER.sub(lambda number: f"Fraction('{number[0]}')", code)
    return Fraction(eval(exact, {"__builtins__": {}, "Fraction": Fraction}))


def _name(before: str, after: str, people: set[str], taken: set[str]) -> str:
    """A name of two words: whom the sentence is about, if it names them, and what is counted.

    More of what is counted, or a number, where another line has that name already.
    """
    before, after = re.sub(r"<<.*?>>", " ", before), re.sub(r"<<.*?>>", " ", after)
    who = [word for word in re.findall(r"[A-Z][a-z]+", before) if word in people][:1]
    following = re.match(r"[\s\d.,$]*([^.,;:=()]*)", after)
    words = [*map(str.lower, who), *_words(following[1] if following else "")]
    if len(words) < _NAME:
        words = [word for word in _words(before) if word not in words][len(words) - _NAME :] + words
    length = _NAME
    while length < len(words) and _identifier(words[:length]) in taken:
        length += 1
    name = unique = _identifier(words[:length])
    number = 2
    while unique in taken:
        unique, number = f"{name}{number}", number + 1
    return unique


def _identifier(words: Sequence[str]) -> str:
    name = "_".join(words) or "result"
    return f"{name}_" if keyword.iskeyword(name) else name


def _words(text: str) -> list[str]:
    found = re.findall(r"[a-z]+", re.sub(r"['\u2019]s?\b", "", text.lower()))
    return [word for word in found if word not in _EMPTY_WORDS and len(word) > 1]
