"""Reads a program as a syntax tree before any tier runs it.

Two decisions are made here, once for both tiers: how the value of a last-line expression is
shown (text is spliced in at the positions the tree gives, so line numbers, comments and
everything else stay as written), and whether Monty could run the program without an error
and still differ from CPython. Nothing is compiled here: a few lines can make the compiler
produce gigabytes.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Set
from dataclasses import dataclass

from runtime.sandbox.forks import fork_safe_lock
from runtime.sandbox.worker.report import FILENAME

MAX_SOURCE = 256 * 1024  # characters

# What Monty does exactly as CPython does; tests/sandbox/test_parity.py compares them. Everything
# else is left to CPython, because Monty also differs without an error: its generators, zip() and
# map() are lists, its sets have another order, round(2.675, 2) is 2.68, and a handler may catch
# an error that CPython would not have raised.
_SYNTAX = (
    *(ast.Assert, ast.Assign, ast.AugAssign, ast.Break, ast.Continue, ast.Expr, ast.For),
    *(ast.FunctionDef, ast.Global, ast.If, ast.Import, ast.ImportFrom, ast.Module),
    *(ast.Nonlocal, ast.Pass, ast.Return, ast.While),
    *(ast.Attribute, ast.BinOp, ast.BoolOp, ast.Call, ast.Compare, ast.Constant),
    *(ast.FormattedValue, ast.GeneratorExp, ast.IfExp, ast.JoinedStr, ast.Lambda, ast.List),
    *(ast.ListComp, ast.Name, ast.Slice, ast.Starred, ast.Subscript, ast.Tuple, ast.UnaryOp),
    *(ast.alias, ast.arg, ast.arguments, ast.comprehension, ast.keyword),
    *(ast.boolop, ast.cmpop, ast.expr_context, ast.operator, ast.unaryop),
)
# These take in a whole generator at once, so that it may as well be a list.
_CONSUMERS = frozenset({"list", "max", "min", "sorted", "sum", "tuple"})
_NAMES = """
abs bin bool divmod float hex int isinstance len list max min oct ord print range repr round
sorted str sum tuple
""".split()  # noqa: SIM905
_ATTRIBUTES = """
append capitalize count endswith extend index insert isalnum isalpha isdigit islower isupper
join ljust lower lstrip pop remove replace reverse rjust rstrip sort split startswith strip
swapcase title upper zfill
""".split()  # noqa: SIM905
_MATH = """
acos asin atan atan2 ceil comb cos degrees e exp factorial floor gcd inf isqrt lcm log log10 log2
perm pi prod radians sin sqrt tan trunc
""".split()  # noqa: SIM905
_NUMBER_FORMATS = tuple("bdeEfFgGoxX%")  # Monty formats any object as text, CPython does not


# warnings.catch_warnings swaps a process-wide list, and two threads that make syntax trees at once
# can end in "SystemError: AST constructor recursion depth mismatch" (seen with Python 3.11).
_PARSE_LOCK = fork_safe_lock()


@dataclass(frozen=True)
class Program:
    """`source` as the user wrote it; `code` is what runs, equal to it line by line."""

    source: str
    code: str
    suits_monty: bool  # if not, Monty could differ: run it in CPython if there is one


def parse(text: str) -> Program:
    """Raises SyntaxError if `text` is not a Python program."""
    if len(text) > MAX_SOURCE:
        raise SyntaxError(f"the program is longer than {MAX_SOURCE} characters")
    source = text.replace("\r\n", "\n").replace("\r", "\n")
    try:
        tree = syntax_tree(source)
        return Program(source, _show_last(source, tree), _suits_monty(tree))
    except (RecursionError, MemoryError):
        raise SyntaxError("the program is nested too deeply") from None
    except ValueError as error:  # null bytes, lone surrogates
        raise SyntaxError(str(error)) from None


def syntax_tree(source: str) -> ast.Module:
    """`ast.parse` for use in threads, without its warnings. Raises what `ast.parse` raises."""
    with _PARSE_LOCK, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(source, FILENAME)


def _show_last(source: str, tree: ast.Module) -> str:
    if not tree.body or not isinstance(last := tree.body[-1], ast.Expr):
        return source
    assert last.end_lineno is not None and last.end_col_offset is not None
    lines = source.encode().split(b"\n")  # the tree counts columns in UTF-8 bytes

    def insert(row: int, column: int, text: bytes) -> None:
        lines[row] = lines[row][:column] + text + lines[row][column:]

    insert(last.end_lineno - 1, last.end_col_offset, b")) is not None else None")
    insert(last.lineno - 1, last.col_offset, b"print(repr(_)) if (_ := (")
    return b"\n".join(lines).decode()


def _suits_monty(tree: ast.Module) -> bool:
    nodes = list(ast.walk(tree))
    own = {name for node in nodes for name in _bound(node)}
    consumed = {number for node in nodes for number in _consumed(node, own)}
    if not all(_is_plain(node, own) for node in nodes):
        return False
    if any(isinstance(node, ast.GeneratorExp) and id(node) not in consumed for node in nodes):
        return False
    # CPython 3.12 and later add up floats more exactly.
    sums = any(isinstance(node, ast.Name) and node.id == "sum" for node in nodes)
    return not (sums and any(_may_give_float(node) for node in nodes)) and not _returns(tree)


def _bound(node: ast.AST) -> list[str]:
    """The names that `node` itself gives a meaning."""
    if isinstance(node, ast.Name):
        return [] if isinstance(node.ctx, ast.Load) else [node.id]
    if isinstance(node, ast.arg):
        return [node.arg]
    if isinstance(node, ast.FunctionDef):
        return [node.name]
    return [node.asname or node.name] if isinstance(node, ast.alias) else []


def _consumed(node: ast.AST, own: Set[str]) -> list[int]:
    """The ids of the arguments that the call `node` takes in at once."""
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
        return []
    is_consumer = node.func.id in _CONSUMERS - own and not node.keywords
    return [id(node.args[0])] if is_consumer and len(node.args) == 1 else []


def _is_plain(node: ast.AST, own: Set[str]) -> bool:
    """Whether `node` by itself is among what Monty does as CPython does."""
    if isinstance(node, ast.Name):
        return node.id in _NAMES or node.id in own
    if isinstance(node, ast.Constant):  # the two know different versions of Unicode
        if isinstance(node.value, str):
            return node.value.isascii()
        return node.value is None or isinstance(node.value, (int, float))
    if isinstance(node, ast.Attribute):
        return node.attr in _ATTRIBUTES or node.attr in _MATH
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "round":
        return len(node.args) == 1 and not node.keywords
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        return {keyword.arg for keyword in node.keywords} <= {"key", "reverse"}
    if isinstance(node, ast.Compare):
        pairs = zip(node.ops, node.comparators, strict=True)
        return all(not isinstance(op, (ast.Is, ast.IsNot)) or _is_none(x) for op, x in pairs)
    if isinstance(node, ast.FormattedValue) and isinstance(node.format_spec, ast.JoinedStr):
        last = node.format_spec.values[-1] if node.format_spec.values else None
        return isinstance(last, ast.Constant) and str(last.value).endswith(_NUMBER_FORMATS)
    if isinstance(node, ast.Import):
        return all(alias.name == "math" for alias in node.names)
    if isinstance(node, ast.ImportFrom):
        names = {alias.name for alias in node.names}
        return node.module == "math" and not node.level and names <= {*_MATH}
    if getattr(node, "annotation", None) or getattr(node, "returns", None):
        return False  # CPython evaluates them
    return isinstance(node, _SYNTAX) and not getattr(node, "decorator_list", None)


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _may_give_float(node: ast.AST) -> bool:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
        return not isinstance(node.right, ast.Constant)  # it may be negative
    return (
        isinstance(node, (ast.Div, ast.Import, ast.ImportFrom))
        or (isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Pow))
        or (isinstance(node, ast.Constant) and isinstance(node.value, float))
        or (isinstance(node, ast.Name) and node.id == "float")
    )


def _returns(tree: ast.Module) -> bool:
    """Whether there is a `return` outside a function, which Monty lets pass."""
    nodes: list[ast.AST] = [tree]
    while nodes:
        node = nodes.pop()
        if isinstance(node, ast.Return):
            return True
        if not isinstance(node, ast.FunctionDef):
            nodes += ast.iter_child_nodes(node)
    return False
