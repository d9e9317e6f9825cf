"""Reads a program as a syntax tree before any tier runs it.

Two decisions are made here, once for both tiers: how the value of a last-line expression is
shown (text is spliced in at the positions the tree gives, so line numbers, comments and
everything else stay as written), and whether Monty could run the program without an error
and still differ from CPython. Nothing is compiled here: a few lines can make the compiler
produce gigabytes.
"""

from __future__ import annotations

import ast
import threading
import warnings
from dataclasses import dataclass

from runtime.sandbox.worker.report import FILENAME

MAX_SOURCE = 256 * 1024  # characters

# Handlers of these cannot swallow an error that only Monty raises (a module, a builtin or an
# attribute it lacks); any other handler might, and so might the lookups that default silently.
_SAFE_HANDLERS = frozenset(
    {
        "ArithmeticError",
        "AssertionError",
        "IndexError",
        "KeyError",
        "LookupError",
        "OverflowError",
        "RecursionError",
        "StopIteration",
        "ValueError",
        "ZeroDivisionError",
    }
)
_SILENT_LOOKUPS = frozenset(
    {"__import__", "compile", "dir", "eval", "exec", "getattr", "globals", "hasattr", "vars"}
)

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
# Outside a function these are errors that CPython reports and Monty lets pass.
_FUNCTION_ONLY = (ast.Return, ast.Await, ast.AsyncFor, ast.AsyncWith)

# warnings.catch_warnings swaps a process-wide list.
_PARSE_LOCK = threading.Lock()


@dataclass(frozen=True)
class Program:
    """`source` as the user wrote it; `code` is what runs, equal to it line by line."""

    source: str
    code: str
    hides_errors: bool  # Monty's gaps could go unnoticed: run it in CPython if there is one


def parse(text: str) -> Program:
    """Raises SyntaxError if `text` is not a Python program."""
    if len(text) > MAX_SOURCE:
        raise SyntaxError(f"the program is longer than {MAX_SOURCE} characters")
    source = text.replace("\r\n", "\n").replace("\r", "\n")
    try:
        with _PARSE_LOCK, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(source, FILENAME)
        return Program(source, _show_last(source, tree), _hides_errors(tree))
    except (RecursionError, MemoryError):
        raise SyntaxError("the program is nested too deeply") from None
    except ValueError as error:  # null bytes, lone surrogates
        raise SyntaxError(str(error)) from None


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


def _hides_errors(tree: ast.Module) -> bool:
    nodes: list[tuple[ast.AST, bool]] = [(tree, False)]
    while nodes:
        node, in_function = nodes.pop()
        if isinstance(node, ast.Name):
            if node.id in _SILENT_LOOKUPS:
                return True
            continue
        if isinstance(node, ast.ExceptHandler) and not _is_safe(node.type):
            return True
        if isinstance(node, _FUNCTION_ONLY) and not in_function:
            return True
        in_function = in_function or isinstance(node, _FUNCTIONS)
        nodes += [(child, in_function) for child in ast.iter_child_nodes(node)]
    return False


def _is_safe(caught: ast.expr | None) -> bool:
    names = caught.elts if isinstance(caught, ast.Tuple) else [caught]
    return all(isinstance(name, ast.Name) and name.id in _SAFE_HANDLERS for name in names)
