"""Compiles and renders chat templates that nobody has vetted.

jinja2's immutable sandbox keeps a template away from Python's internals; it does not keep it
from looping for ever or filling memory. Here every value that a template makes is weighed,
every loop, call, operator and printed text is charged to a budget, and only the filters,
methods and statements that chat templates need exist. Each check happens before the work, since
nothing can interrupt `"x" * 10**10` once it has started.

What is rendered is what transformers renders: same options, same `tojson`, same globals.
"""

from __future__ import annotations

import gc
import json
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import wraps
from itertools import islice
from types import BuiltinMethodType, MethodType
from typing import Any, ClassVar

import jinja2
from jinja2 import nodes
from jinja2.exceptions import SecurityError
from jinja2.ext import Extension, loopcontrols
from jinja2.filters import do_indent
from jinja2.parser import Parser
from jinja2.runtime import Context, LoopContext, Macro
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import Namespace
from jinja2.visitor import NodeTransformer

from runtime.protocol.template_budget import (
    MAX_INT,
    MAX_STEPS,
    Budget,
    TemplateLimit,
    TemplateRefusal,
)

MAX_SOURCE = 100_000  # characters of a template

_STATEMENTS = (
    nodes.Assign,
    nodes.AssignBlock,
    nodes.Break,
    nodes.CallBlock,
    nodes.Continue,
    nodes.FilterBlock,
    nodes.For,
    nodes.If,
    nodes.Macro,
    nodes.Output,
    nodes.Scope,
    nodes.With,
)
_TEXT_METHODS = """
    capitalize casefold count endswith find index isalnum isalpha isascii isdecimal isdigit
    islower isnumeric isspace istitle isupper join lower lstrip partition removeprefix
    removesuffix replace rfind rindex rpartition rsplit rstrip split splitlines startswith
    strip swapcase title upper
"""
_METHODS: dict[type, frozenset[str]] = {
    str: frozenset(_TEXT_METHODS.split()),
    dict: frozenset({"get", "items", "keys", "values"}),
    list: frozenset({"count", "index"}),
    tuple: frozenset({"count", "index"}),
}
# jinja2's own filters that return about as much as they are given.
_FILTERS = """
    abs capitalize count d default dictsort first float int items last length list lower map
    max min reject rejectattr reverse select selectattr sort string title trim unique upper
    urlencode wordcount
"""

# Names that `_Charge` gives its own filters; a template that uses them itself gains nothing.
_ADMIT, _CONCAT, _ITERATE = "__admit", "__concat", "__iterate"
_ENTITIES = (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("'", "&#39;"), ('"', "&#34;"))


class TemplateEnvironment(ImmutableSandboxedEnvironment):
    """jinja2's immutable sandbox, where everything is charged to `budget`."""

    intercepted_binops = frozenset({"+", "*", "**", "%"})

    def __init__(self) -> None:
        super().__init__(
            trim_blocks=True,
            lstrip_blocks=True,
            extensions=[_GenerationTag, loopcontrols],
            optimized=False,  # folding constants would run filters before there is a budget
        )
        self.budget = Budget()
        self.finalize = self._print
        builtin = self.filters
        self.filters = {name: self._charged(builtin[name]) for name in _FILTERS.split()}
        self.filters |= {
            "e": self._escape,
            "escape": self._escape,
            "indent": self._indent,
            "join": self._join,
            "replace": self._replace,
            "safe": self.filters["string"],
            "tojson": self._tojson,
            _ADMIT: self._admit,
            _CONCAT: self._concat,
            _ITERATE: self._iterate,
        }
        self.globals = {
            "dict": dict,
            "namespace": _Namespace,
            "raise_exception": _raise_exception,
            "range": self.globals["range"],
            "strftime_now": _strftime_now,
        }
        self._functions = tuple(self.globals.values())

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Arithmetic, once the size of its result is known to be small."""
        self.budget.step()
        if isinstance(left, (int, float)) and isinstance(right, (int, float)):
            power = operator == "**" and (abs(right) > 64 or abs(left) > 2**32)
            if power or max(abs(left), abs(right)) > MAX_INT:
                raise TemplateLimit("it makes a huge number")
        elif operator == "*" and isinstance(left, int):
            self.budget.afford(max(left, 0) * self.budget.weigh(right))
        elif operator == "*" and isinstance(right, int):
            self.budget.afford(max(right, 0) * self.budget.weigh(left))
        elif operator == "+":
            self.budget.afford(self.budget.weigh(left) + self.budget.weigh(right))
        else:
            raise TemplateLimit(f"it uses {operator} on a {type(left).__name__}")
        return super().call_binop(context, operator, left, right)

    def call(__self, __context: Context, __obj: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N805
        """Calls of macros, of the globals above and of methods known to be harmless."""
        __self.budget.step()
        if isinstance(__obj, BuiltinMethodType):
            owner, name = __obj.__self__, __obj.__name__
            if name not in _METHODS.get(type(owner), frozenset()):
                raise SecurityError(f"{type(owner).__name__}.{name} is not allowed")
            if name == "join":
                return __self._join(args[0], owner)
            if name == "replace":
                return __self._replace(owner, *args, **kwargs)
        elif not (
            isinstance(__obj, Macro)
            or (isinstance(__obj, MethodType) and isinstance(__obj.__self__, LoopContext))
            or any(__obj is function for function in __self._functions)
        ):
            raise SecurityError(f"a {type(__obj).__name__} may not be called")
        return __self.budget.admit(super().call(__context, __obj, *args, **kwargs))

    @jinja2.pass_context  # keeps the compiler from folding what is printed
    def _print(self, context: Context, value: Any) -> Any:
        return self.budget.admit(value)

    def _admit(self, value: Any) -> Any:
        return self.budget.admit(value)

    def _iterate(self, value: Iterable[Any]) -> list[Any]:
        items = list(islice(value, MAX_STEPS))
        self.budget.step(1 + len(items))
        return items

    def _charged(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)  # also copies which argument jinja2 has to pass
        def run(*args: Any, **kwargs: Any) -> Any:
            self.budget.step()
            value = function(*args, **kwargs)
            if hasattr(value, "__next__"):
                value = list(islice(value, MAX_STEPS))
                self.budget.step(len(value))
            return self.budget.admit(value)

        return run

    def _text(self, value: Any) -> str:
        return str(self.budget.admit(value))

    def _concat(self, values: list[Any]) -> str:
        return "".join(map(str, self.budget.admit(values)))

    def _escape(self, value: Any) -> str:
        text = self._text(value)
        for character, entity in _ENTITIES:
            text = text.replace(character, entity)
        self.budget.afford(len(text))
        return text

    def _join(self, value: Iterable[Any], d: Any = "", attribute: Any = None) -> str:
        items = self._iterate(value)
        if attribute is not None:
            items = [self.getitem(item, attribute) for item in items]
        glue = self._text(d)
        self.budget.admit(items)
        self.budget.afford(len(items) * len(glue))
        return glue.join(map(str, items))

    def _replace(self, s: Any, old: Any, new: Any, count: int | None = None) -> str:
        text, old, new = self._text(s), self._text(old), self._text(new)
        self.budget.afford(len(text) + text.count(old) * len(new))
        return text.replace(old, new, -1 if count is None else count)

    def _indent(
        self, s: Any, width: int | str = 4, first: bool = False, blank: bool = False
    ) -> str:
        text = self._text(s)
        margin = width if isinstance(width, int) else len(width)
        self.budget.afford(len(text) + (len(text.splitlines()) + 1) * margin)
        return do_indent(text, width, first, blank)

    def _tojson(
        self,
        x: Any,
        ensure_ascii: bool = False,
        indent: int | str | None = None,
        separators: tuple[str, str] | None = None,
        sort_keys: bool = False,
    ) -> str:
        if len(indent) > 16 if isinstance(indent, str) else (indent or 0) > 16:
            raise TemplateLimit("it indents JSON too far")
        encoder = json.JSONEncoder(
            ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys
        )
        chunks = []
        for chunk in encoder.iterencode(self.budget.admit(x)):
            self.budget.step()
            self.budget.afford(len(chunk))
            chunks.append(chunk)
        return "".join(chunks)


class CompiledTemplate:
    """One template, compiled once. One thread renders at a time."""

    def __init__(self, source: str) -> None:
        """Raises whatever a bad template provokes; the caller names the culprit."""
        if len(source) > MAX_SOURCE:
            raise TemplateLimit(f"it is longer than {MAX_SOURCE} characters")
        self._environment = TemplateEnvironment()
        tree = _Charge().visit(self._environment.parse(source))
        code = self._environment.compile(tree)
        self._template = jinja2.Template.from_code(
            self._environment, code, self._environment.make_globals(None)
        )
        self._lock = threading.Lock()

    def render(self, variables: dict[str, Any], input_size: int) -> str:
        """The text. Raises whatever the template provokes."""
        with self._lock, _without_collections():
            self._environment.budget = Budget(input_size)
            return self._template.render(variables)


@contextmanager
def _without_collections() -> Iterator[None]:
    """Garbage is not collected meanwhile.

    A collection counts as this thread's CPU time; in a process that holds a dataset it alone can
    take longer than a rendering may. What a rendering can leave behind is bounded by its budget.
    """
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


class _Namespace(Namespace):
    """Namespaces may hold each other, so printing what one holds could take for ever."""

    def __repr__(self) -> str:
        return "<Namespace>"


class _Charge(NodeTransformer):
    """Charges what makes or repeats something without calling anything."""

    def generic_visit(self, node: nodes.Node, *args: Any, **kwargs: Any) -> nodes.Node:
        if isinstance(node, nodes.Stmt) and not isinstance(node, _STATEMENTS):
            raise TemplateLimit(f"it uses {type(node).__name__.lower()}")
        return super().generic_visit(node, *args, **kwargs)

    def visit_For(self, node: nodes.For) -> nodes.Node:  # noqa: N802
        if node.recursive:
            raise TemplateLimit("it uses a recursive loop")
        self.generic_visit(node)
        node.iter = _filtered(node.iter, _ITERATE)
        return node

    def visit_TemplateData(self, node: nodes.TemplateData) -> nodes.Node:  # noqa: N802
        return nodes.Const(node.data, lineno=node.lineno)  # a Const is printed through `finalize`

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:  # noqa: N802
        self.generic_visit(node)
        return _filtered(nodes.List(node.nodes, lineno=node.lineno), _CONCAT)

    def visit_List(self, node: nodes.Expr) -> nodes.Node:  # noqa: N802
        self.generic_visit(node)
        return _filtered(node, _ADMIT)

    visit_Dict = visit_List  # noqa: N815

    def visit_Tuple(self, node: nodes.Tuple) -> nodes.Node:  # noqa: N802
        self.generic_visit(node)
        return _filtered(node, _ADMIT) if node.ctx == "load" else node


class _GenerationTag(Extension):
    """`{% generation %}` marks what a trainer learns from; here it only groups."""

    tags: ClassVar[set[str]] = {"generation"}  # type: ignore[misc]

    def parse(self, parser: Parser) -> nodes.Node:
        lineno = next(parser.stream).lineno
        body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
        return nodes.Scope(body, lineno=lineno)


def _filtered(node: nodes.Node, name: str) -> nodes.Filter:
    return nodes.Filter(node, name, [], [], None, None, lineno=node.lineno)


def _raise_exception(message: str) -> None:
    raise TemplateRefusal(message)


def _strftime_now(format: str) -> str:
    if len(format) > 100:  # strftime reserves 256 times the length of its format
        raise TemplateLimit("it formats a date at length")
    return datetime.now().strftime(format)
