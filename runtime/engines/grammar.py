"""A `Constraint` as a GBNF grammar that holds from the first token on.

llama.cpp's lazy grammars start at a trigger, and abort the process when the token that completes
the trigger also carries text that the grammar refuses. So the free text is part of the grammar
instead: a small automaton (Knuth, Morris, Pratt) accepts any text and follows the opening tag
character by character, however the tokens cut it.
"""

from __future__ import annotations

import json
import re

from runtime.engines.base import Constraint
from runtime.engines.llama_bindings import schema_to_gbnf


def to_gbnf(constraint: Constraint) -> str:
    """The grammar text; its root is named `root`."""
    if constraint.schema is None:
        return _free_text(constraint.opens, then=None)
    body = schema_to_gbnf(json.dumps(constraint.schema))
    body = re.sub(r"^root ::=", "json ::=", body, flags=re.MULTILINE)
    call = f"call ::= [ \\n]? [ \\n]? json [ \\n]? [ \\n]? {_literal(constraint.closes)}"
    if constraint.opened:
        return f"root ::= call\n{call}\n{body}"
    return f"{_free_text(constraint.opens, then='call')}\n{call}\n{body}"


def _free_text(tag: str, then: str | None) -> str:
    """Rules for any text; once `tag` is complete, only `then` may follow (None: never complete)."""
    rules = ["root ::= free-0"]
    for state in range(len(tag)):
        # Every character of the tag that can move the automaton somewhere else than to the start.
        moves = {char: _next_state(tag, state, char) for char in dict.fromkeys(tag)}
        options = [f"{_literal(char)} free-{to}" for char, to in moves.items() if 0 < to < len(tag)]
        if then is not None and moves[tag[state]] == len(tag):
            options.append(f"{_literal(tag[state])} {then}")
        tracked = "".join(_class_char(char) for char, to in moves.items() if to > 0)
        options.append(f"[^{tracked}] free-0")
        options.append('""')
        rules.append(f"free-{state} ::= {' | '.join(options)}")
    return "\n".join(rules)


def _next_state(tag: str, state: int, char: str) -> int:
    """How many characters of `tag` are matched after `char`, when `state` were matched before."""
    text = tag[:state] + char
    return next(n for n in range(len(text), -1, -1) if n <= len(tag) and text.endswith(tag[:n]))


def _literal(text: str) -> str:
    return json.dumps(text)


def _class_char(char: str) -> str:
    return f"\\{char}" if char in "]\\^-" else char
