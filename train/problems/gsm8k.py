"""Annotated solutions of GSM8K's training set as programs.

A solution says `Natalia sold 48/2 = <<48/2=24>>24 clips in May.`; of each such calculation one line
of Python is made, named after the words around it (`clips_in_may = 48 / 2`), and a result that is
used again is used by its name. The names are all the reasoning that the student gets to write, at
a third of the tokens of the sentences; or the sentences stand as comments above their lines,
without numbers that would have to be worked out in the head. Solutions whose program does not print
the answer are left out; so is anything that is not plain arithmetic, and what counts with a number
that nobody told (`23 + 3` where a human had worked out 18 + 5 in the head): a student would learn
to make numbers up.

Source: openai/grade-school-math, MIT; only its training set may be given.
"""

from __future__ import annotations

import ast
import keyword
import re
from collections.abc import Iterable
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
_LONGEST_NAME = 3  # words
_SPELLED = {
    word: number
    for number, words in {
        20: "twenty score",
        30: "thirty",
        40: "forty",
        50: "fifty",
        60: "sixty",
        70: "seventy",
        80: "eighty",
        90: "ninety",
        13: "thirteen",
        14: "fourteen",
        15: "fifteen",
        16: "sixteen",
        17: "seventeen",
        18: "eighteen",
        19: "nineteen",
    }.items()
    for word in words.split()
}
_SMALL = 12  # numbers up to it are anybody's: halves, thirds, a dozen, months
_COMMON = frozenset({16, 24, 28, 30, 31, 52, 60, 100, 365, 366, 1000, 3600, 5280, 1000000})


def programs(problems: Iterable[Problem], *, comments: bool = False) -> list[Drawn]:
    """One solved problem of each of `problems` that can be turned into a program.

    `comments` puts the solution's words above each line.
    """
    found = (_drawn(problem, comments) for problem in problems)
    return [drawn for drawn in found if drawn is not None]


def _drawn(problem: Problem, comments: bool) -> Drawn | None:
    lines = _lines(problem.solution or "", problem.question)
    if not lines:
        return None
    answer = problem.answer.replace(",", "")
    program, value = "\n".join(f"{line.name} = {line.code}" for line in lines), lines[-1].value
    try:
        if value != Fraction(answer):
            return None
        scope: dict[str, float] = {}
        exec(program, {"__builtins__": {}}, scope)  # plain arithmetic: see _PLAIN
    except (ValueError, ZeroDivisionError, SyntaxError):
        return None
    if _made_up(problem.question, (line.code for line in lines)):
        return None
    name, printed = lines[-1].name, scope[lines[-1].name]
    if comments:
        program = "\n".join(f"# {line.words}\n{line.name} = {line.code}" for line in lines)
    elif len(lines) == 1:
        program, name = "", lines[0].code
    noisy = len(str(printed)) > len(f"{printed:.4f}")
    last = f"print(round({name}, 2))" if noisy else f"print({name})"
    if Fraction(str(round(printed, 2))) != value:
        return None
    whole = str(int(value)) if value.denominator == 1 else str(round(float(value), 2))
    question = " ".join(problem.question.split())
    return Drawn(
        question,
        f"{program}\n{last}".strip(),
        whole,
        family="GSM8K train",
        group="GSM8K train",
    )


class _Line(NamedTuple):
    """One calculation: `words` are its sentence without the arithmetic."""

    name: str
    code: str
    value: Fraction
    words: str


def _lines(solution: str, question: str) -> list[_Line]:
    told = {Fraction(number) for number in _NUMBER.findall(question.replace(",", ""))}
    named: dict[Fraction, str] = {}
    lines: list[_Line] = []
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
                return named[known] if known in named and known not in told else number[0]

            code = _NUMBER.sub(by_name, code)
            taken = {line.name for line in lines}
            name = _name(sentence[: match.start()], sentence[match.end() :], taken)
            words = _spoken(sentence[: match.start()], sentence[match.end() :])
            lines.append(_Line(name, code, value, words))
            named[value] = name
    return lines


def _made_up(question: str, codes: Iterable[str]) -> set[Fraction]:
    """The numbers in `codes` that neither the question nor common knowledge gives."""
    text = question.lower().replace(",", "")
    told = {Fraction(number) for number in _NUMBER.findall(text)}
    told |= {Fraction(_SPELLED[word]) for word in re.findall("[a-z]+", text) if word in _SPELLED}
    percent = {share / 100 for share in told}
    told |= percent | {1 - share for share in percent} | {1 + share for share in percent}
    told |= {100 - share for share in told} | {100 + share for share in told}
    used = {Fraction(number) for code in codes for number in re.findall(r"(?<![\w.])[\d.]+", code)}
    return {
        number
        for number in used - told - _COMMON
        if number > _SMALL or (number.denominator not in (1, 2, 4, 5, 10))
    }


def _spoken(before: str, after: str) -> str:
    """The sentence around a calculation, in one line and without it."""
    before = re.sub(r"(?:(?<=[\s(=$€£])|^)[\d\s.,$€£*+\-/x()=%\u00d7\u00f7]+$", " ", before)
    after = re.sub(r"^\s*[$€£]?-?[\d,.]*\d%?", " ", re.sub(r"<<.*?>>", " ", after))
    return " ".join(re.sub(r"<<.*?>>", " ", f"{before} {after}").split()).rstrip(" .")


def _without_zeros(code: str) -> str:
    return re.sub(r"(?<![\d.])0+(?=\d)", "", code)


def _value(code: str) -> Fraction:
    exact = _NUMBER.sub(lambda number: f"Fraction('{number[0]}')", code)
    return Fraction(eval(exact, {"__builtins__": {}, "Fraction": Fraction}))


def _name(before: str, after: str, taken: set[str]) -> str:
    """A name of up to three words: those after the number; if it has one only, those before too."""
    after = re.sub(r"<<.*?>>", " ", after)
    following = re.match(r"[\s\d.,$]*([^.,;:=()]*)", after)
    words = _words(following[1] if following else "")[:_LONGEST_NAME]
    if len(words) < 2:
        words = [word for word in _words(re.sub(r"<<.*?>>", " ", before)) if word not in words][
            len(words) - _LONGEST_NAME :
        ] + words
    name = "_".join(words) or "result"
    if keyword.iskeyword(name):
        name += "_"
    number = 2
    unique = name
    while unique in taken:
        unique, number = f"{name}{number}", number + 1
    return unique


def _words(text: str) -> list[str]:
    found = re.findall(r"[a-z]+", re.sub(r"['\u2019]s?\b", "", text.lower()))
    return [word for word in found if word not in _EMPTY_WORDS and len(word) > 1]
