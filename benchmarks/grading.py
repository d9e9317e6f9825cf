"""Decides whether an answer is right: one rule for evaluation and for the training reward.

What the student wrote is untrusted. Plain numbers, equal texts and letters are settled here;
anything that needs sympy, and every program, goes through the runtime's sandbox, whose clock and
memory limit hold for `9^{9^{9}}` as well as for an endless loop. A failure of the sandbox is not
the student's: it comes back as `Verdict.infra`, so that training can mask the rollout.
"""

from __future__ import annotations

import ast
import builtins
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate
from typing import TYPE_CHECKING, Protocol

from runtime.record import StopReason
from runtime.sandbox import Kind
from runtime.sandbox.program import syntax_tree

if TYPE_CHECKING:
    from runtime.record import RunRecord
    from runtime.sandbox import Result, Sandbox

MAX_ANSWER = 500  # characters of a math or science answer; no right one is longer
MATH_TIMEOUT_S = 5.0  # an ordinary comparison takes 0.3 s
CODE_TIMEOUT_S = 10.0
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


class Gradable(Protocol):
    """What a problem needs for its answers to be checked."""

    @property
    def domain(self) -> str: ...  # "math", "science" or "code"
    @property
    def answer(self) -> str: ...
    @property
    def tests(self) -> Sequence[str]: ...  # assert statements, for code
    @property
    def choices(self) -> Sequence[str]: ...  # texts of A, B, ..., for science


@dataclass(frozen=True)
class Verdict:
    """`infra`: nothing is known about the answer, because our side failed. `detail`: one line."""

    correct: bool
    infra: bool = False
    detail: str = ""


def score(record: RunRecord, problem: Gradable, sandbox: Sandbox) -> Verdict:
    """Check what a run of the agent came to. An engine's failure is `infra` too.

    A program may stand in the box or, where the model ended its turn without one, in the last
    ``` block of that turn.
    """
    if record.stop_reason is StopReason.ENGINE_ERROR:
        return Verdict(False, infra=True, detail=record.message or "the engine failed")
    answer = record.answer
    if problem.domain == "code" and record.stop_reason is not StopReason.ANSWERED:
        spoken = [turn.text for turn in record.turns if not turn.forced]
        blocks = _FENCE.findall(spoken[-1]) if spoken else []
        answer = blocks[-1] if blocks else answer
    return check(answer, problem, sandbox)


def check(answer: str | None, problem: Gradable, sandbox: Sandbox) -> Verdict:
    r"""Check an answer, given as the content of its \boxed{} (`runtime.protocol.extract_answer`).

    Raises ValueError for a domain that there is no rule for. May be called from any thread.
    """
    if problem.domain not in ("math", "science", "code"):
        raise ValueError(f"no rule to check answers of domain {problem.domain!r}")
    if answer is None or not answer.strip():
        return Verdict(False, detail="no answer")
    if problem.domain == "code":
        return check_code(answer, problem.tests, sandbox)
    if len(answer) > MAX_ANSWER:
        return Verdict(False, detail=f"the answer is longer than {MAX_ANSWER} characters")
    if problem.domain == "science":
        expected = choice_letter(problem.answer, problem.choices)
        if expected is not None:
            given = choice_letter(answer, problem.choices)
            return Verdict(given == expected, detail=f"{given or 'no choice'}, not {expected}")
    return check_math(answer, problem.answer, sandbox)


def same_answer(one: str, other: str, problem: Gradable, sandbox: Sandbox) -> bool:
    """Whether two answers to `problem` say the same, right or wrong; votes are counted by it.

    Programs are the same if their texts are. False where the sandbox cannot tell.
    """
    if _same_text(one, other):
        return True
    if problem.domain == "code" or max(len(one), len(other)) > MAX_ANSWER:
        return False
    if problem.domain == "science" and choice_letter(problem.answer, problem.choices) is not None:
        letter = choice_letter(one, problem.choices)
        return letter is not None and letter == choice_letter(other, problem.choices)
    if not (_may_be_number(one) and _may_be_number(other)) or _is_costly(other):
        return False
    return check_math(one, other, sandbox).correct


# Multiple choice ---------------------------------------------------------------------------------

_CHOICE = re.compile(
    r"(?:(?:option|choice|answer)\s*:?\s*)?\(?\s*([a-z])\s*(?:[).:]+\s*(.*))?", re.I
)


def choice_letter(text: str, choices: Sequence[str]) -> str | None:
    r"""The letter that `text` names: `B`, `(b)`, `B.`, `\text{B}`, the choice's text, or both.

    None if it names no choice, or a letter with another choice's text. Without `choices` any
    letter will do.
    """
    plain = _words(text)
    texts = [_words(choice) for choice in choices]
    if match := _CHOICE.fullmatch(plain):
        letter, rest = match[1].upper(), (match[2] or "").strip()
        index = LETTERS.index(letter)
        if (not choices or index < len(choices)) and (
            not rest or (index < len(texts) and rest == texts[index])
        ):
            return letter
    return LETTERS[texts.index(plain)] if plain in texts else None


def _words(text: str) -> str:
    return " ".join(_tidy(text).replace("$", "").casefold().split()).rstrip(".").strip()


# Mathematics -------------------------------------------------------------------------------------

_REPLACED = (
    (re.compile(r"\\(?:text|textbf|mathrm|mathbf|mbox|textrm|textit)\s*\{([^{}]*)\}"), r"\1"),
    (re.compile(r"\\(?:left|right)(?![a-zA-Z])|\\displaystyle|(?<!\\)\\[!,]"), ""),
    (re.compile(r"\\[dt]frac(?![a-zA-Z])"), r"\\frac"),
    (re.compile(r"\{,\}"), ","),
    (re.compile(r"\\([%$&#])"), r"\1"),
    (re.compile(r"(?<!\\)\\[;: ]|~|\s+"), " "),
    (re.compile(r"\^\s*\{?\s*\\circ\s*\}?|\\degree(?![a-zA-Z])"), "°"),
)
_CHARACTERS = str.maketrans({"−": "-", "–": "-", "﹣": "-", "\u2009": " ", "\u202f": " "})  # noqa: RUF001

_DIGITS = r"(?:\d{1,3}(?:[, ]\d{3})+|\d+)(?:\.\d+)?|\.\d+"
_UNIT = r"(?:cm|mm|km|kg|mg|ml|ft|hr|hrs|lb|lbs|oz|mi|mph|am|pm|[A-Za-z]{3,})(?:\^\{?[23]\}?|[²³])?"
_NUMBER = re.compile(
    r"(?:[A-Za-z]\w{0,9}\s*=\s*)?"
    r"(?P<sign>[+-]?)\s*[$€£]?\s*(?P<second>[+-]?)"
    rf"(?:(?P<top>{_DIGITS})(?:[eE](?P<power>[+-]?\d{{1,2}})|\s*/\s*(?P<bottom>\d+))?"
    r"|\\frac\s*(?:\{\s*(?P<over>-?\d+)\s*\}\s*\{\s*(?P<under>\d+)\s*\}|(?P<o>\d)\s*(?P<u>\d)))"
    rf"\s*(?P<percent>%|percent)?\s*°?(?:\s+(?P<unit>{_UNIT}(?:[ /]{_UNIT}){{0,3}}))?\.?"
)
# Words after a number that make it another number, or a second guess.
_NOT_UNITS = frozenset(
    """
    hundred thousand thousands million millions billion billions trillion dozen dozens half halves
    third thirds quarter quarters plus minus times over and not mod squared cubed factorial one two
    three four five six seven eight nine ten zero maybe else then sin cos tan log exp sqrt base
    """.split()  # noqa: SIM905
)

# The sandbox would stop these, but each would cost it the whole time limit, and a student that
# degenerates writes them by the hundred.
_HUGE_POWER = re.compile(r"(?:\^|\*\*)[\s{(]*(?:\d{5,}|\d+[\s})]*(?:\^|\*\*))|\d{5,}[\s})]*!")
_MAX_DEPTH = 20

# "ready" tells a missing library, or a machine too busy to import it, from an answer that the
# library chokes on.
_MATH_PROGRAM = r"""
import logging
from math_verify import LatexExtractionConfig, parse, verify
logging.disable()
print("ready")
def read(text):
    config = [LatexExtractionConfig()]
    return parse(text, config, fallback_mode="no_fallback", parsing_timeout=None)
print(verify(read({gold!r}), read({answer!r}), timeout_seconds=None))
"""


def check_math(answer: str, gold: str, sandbox: Sandbox) -> Verdict:
    """Numbers and equal texts at once; the rest by math-verify, in the sandbox.

    Its own time limits use signals, which fail in threads and do not stop a huge power.
    """
    detail = f"{_one_line(answer)}, not {_one_line(gold)}"
    if _same_text(answer, gold):
        return Verdict(True)
    given, expected = _number(answer), _number(gold)
    if given is not None and expected is not None:
        return Verdict(_same_number(given, expected), detail=detail)
    if expected is not None and not _may_be_number(answer):
        return Verdict(False, detail=detail)
    if _is_costly(answer):
        return Verdict(False, detail=f"not worth evaluating: {_one_line(answer)}")
    code = _MATH_PROGRAM.format(gold=_as_latex(gold), answer=_as_latex(answer))
    result = sandbox.run(code, timeout=MATH_TIMEOUT_S)
    lines = result.output.split()
    if result.kind is Kind.INFRA or "ready" not in lines:
        return Verdict(False, infra=True, detail=f"math-verify cannot run: {_last_line(result)}")
    if result.kind is not Kind.OK:
        return Verdict(False, detail=f"the answer cannot be compared: {_last_line(result)}")
    return Verdict(lines[-1:] == ["True"], detail=detail)


_NUMERIC = re.compile(r"[0-9\\\u221a\u03c0]|\b(?:pi|sqrt|e)\b", re.IGNORECASE)
_PYTHON = re.compile(r"\b(?:def|return|print|lambda|import|code_interpreter)\b")


@dataclass(frozen=True)
class _Number:
    value: Fraction
    is_percent: bool


def _number(text: str) -> _Number | None:
    match = _NUMBER.fullmatch(_tidy(text))
    if match is None or _NOT_UNITS & set(re.split(r"[ /]", (match["unit"] or "").casefold())):
        return None
    top = match["top"] or match["over"] or match["o"]
    bottom = match["bottom"] or match["under"] or match["u"] or "1"
    if int(bottom) == 0:
        return None
    value = (
        Fraction(re.sub(r"[, ]", "", top)) / int(bottom) * Fraction(10) ** int(match["power"] or 0)
    )
    if (match["sign"] + match["second"]).count("-") == 1:
        value = -value
    return _Number(value, match["percent"] is not None)


def _same_number(given: _Number, expected: _Number) -> bool:
    """Equal to six digits. Questions for a percentage have 25, 25% or 0.25 as their answer."""
    values = [given.value]
    if given.is_percent != expected.is_percent:
        values.append(given.value / 100 if given.is_percent else given.value * 100)
    tolerance = Fraction(1, 10**6) * min(Fraction(1), abs(expected.value))
    return any(abs(value - expected.value) <= tolerance for value in values)


def _may_be_number(text: str) -> bool:
    """Whether math-verify, which takes 0.3 s, could find a number in it: no program, no prose."""
    return _NUMERIC.search(text) is not None and _PYTHON.search(text) is None


def _is_costly(text: str) -> bool:
    depths = accumulate((c in "({[") - (c in ")}]") for c in text)
    return max(depths, default=0) > _MAX_DEPTH or _HUGE_POWER.search(text) is not None


def _same_text(answer: str, gold: str) -> bool:
    left, right = (_tidy(text).rstrip(".").replace(" ", "") for text in (answer, gold))
    # Case matters for symbols (x, X), not for words.
    return left == right or (left.isalpha() and len(left) > 2 and left.lower() == right.lower())


def _as_latex(text: str) -> str:
    # Inner dollars would split it into several formulas, of which one might be right.
    return f"${_tidy(text).replace('$', '')}$"


def _tidy(text: str) -> str:
    text = text.translate(_CHARACTERS)
    for pattern, replacement in _REPLACED:
        text = pattern.sub(replacement, text)
    text = text.strip()
    if len(text) > 2 and text[0] == text[-1] == "$":
        text = text[1:-1].strip()
    return text


# Programs ----------------------------------------------------------------------------------------

_FENCE = re.compile(r"```[a-zA-Z0-9]*[ \t]*\r?\n(.*?)```", re.DOTALL)

# Success is told by an exit message that cannot be guessed: output could be cut or replaced. All
# that is needed after the program has run is bound before, out of the reach of its globals.
_CODE_PROGRAM = r"""
def grade(program, tests, hidden, marker):
    import builtins, collections, fractions, types
    execute, leave, fresh = exec, SystemExit, dict(vars(builtins))
    kind, inside, failed = type, isinstance, AssertionError
    slot = types.WrapperDescriptorType
    trusted = (collections.Counter.__eq__, fractions.Fraction.__eq__)
    maps, lists = dict, (list, tuple, set, frozenset)
    def plain(value):
        equals = kind(value).__eq__
        if not inside(equals, slot) and equals not in trusted:
            raise failed("a value brings its own idea of equality")
        if inside(value, maps):
            for pair in value.items():
                plain(pair)
        elif inside(value, lists):
            for item in value:
                plain(item)
        return value
    program = compile(program, "solution.py", "exec")
    tests = compile(tests, "tests.py", "exec")
    space = {{"__name__": "solution"}}
    execute(program, space)
    trial = maps(space)
    for name in hidden:
        trial.pop(name, None)
    trial.update(__builtins__=fresh, _plain=plain)
    execute(tests, trial)
    raise leave(marker)
grade({program!r}, {tests!r}, {hidden!r}, {marker!r})
"""


def check_code(answer: str, tests: Sequence[str], sandbox: Sandbox) -> Verdict:
    """Run the program's unit tests after it, in the sandbox. No tests: `infra`.

    Exiting early, printing, replacing builtins or output, and returning objects that equal
    everything do not help a program. What is left: it shares an interpreter with its tests, so
    one that searches the frames of its callers can find the marker, and arithmetic on objects of
    its own can be rigged (`abs(f(x) - 1) < 1e-6`). Raises SyntaxError for tests that are not
    Python.
    """
    if not tests:
        return Verdict(False, infra=True, detail="the problem has no tests")
    tree = _guarded("\n".join(tests))
    blocks = _FENCE.findall(answer)
    marker = secrets.token_hex(16)
    code = _CODE_PROGRAM.format(
        program=blocks[-1] if blocks else answer,
        tests=ast.unparse(tree),
        hidden=_builtins_to_hide(tree),
        marker=marker,
    )
    result = sandbox.run(code, timeout=CODE_TIMEOUT_S)
    if result.kind is Kind.INFRA or result.tier == "monty":  # which is not full Python
        return Verdict(False, infra=True, detail=_last_line(result))
    if result.error == f"SystemExit: {marker}":
        return Verdict(True)
    return Verdict(False, detail=_last_line(result) or "the program ended before its tests")


class _Guard(ast.NodeTransformer):
    """`f(x) == [1]` becomes `_plain(f(x)) == [1]`."""

    def visit_Compare(self, node: ast.Compare) -> ast.Compare:
        self.generic_visit(node)
        sides = [node.left, *node.comparators]
        if any(map(_is_literal, sides)):
            name = ast.Name("_plain", ast.Load())
            sides = [side if _is_literal(side) else ast.Call(name, [side], []) for side in sides]
            node.left, node.comparators = sides[0], sides[1:]
        return node


def _guarded(tests: str) -> ast.Module:
    tree = syntax_tree(tests)
    _Guard().visit(tree)
    return ast.fix_missing_locations(tree)


def _is_literal(node: ast.expr) -> bool:
    try:
        ast.literal_eval(node)
    except ValueError:
        return False
    return True


def _builtins_to_hide(tests: ast.Module) -> list[str]:
    """Builtins that the program must not redefine for its tests.

    Some problems ask for a function with the name of a builtin; their tests call nothing else.
    """
    names = {node.id for node in ast.walk(tests) if isinstance(node, ast.Name)} - {"_plain"}
    known = set(dir(builtins))
    return sorted(names & known) if names - known else []


def _last_line(result: Result) -> str:
    return _one_line((result.error or "").strip().rsplit("\n", 1)[-1])


def _one_line(text: str) -> str:
    return " ".join(text.split())[:200]
