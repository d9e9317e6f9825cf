r"""Finds the final answer: the content of the last `\boxed{...}` of a turn's prose.

Tool calls and thinking are cut out first, so code that prints `\boxed{}` or a guess the model
thought better of is never taken for the answer.
"""

from __future__ import annotations

import re

from runtime.protocol.text import prose

_BOXED = re.compile(r"\\boxed\s*\{")
_BRACE = re.compile(r"\\.|[{}]", re.DOTALL)  # an escaped brace is text


def extract_answer(text: str) -> str | None:
    r"""Content of the last `\boxed{...}`, without surrounding `$` and blanks.

    None if there is no box, or if the last one is empty or its braces do not balance.
    """
    for part in reversed(list(prose(text))):
        boxes = list(_BOXED.finditer(part))
        if boxes:
            return _content(part, boxes[-1].end())
    return None


def _content(text: str, start: int) -> str | None:
    depth = 1
    for brace in _BRACE.finditer(text, start):
        depth += {"{": 1, "}": -1}.get(brace.group(), 0)
        if depth == 0:
            return _without_dollars(text[start : brace.start()].strip()) or None
    return None


def _without_dollars(content: str) -> str:
    left = len(content) - len(content.lstrip("$"))
    right = len(content) - len(content.rstrip("$"))
    pairs = min(left, right, len(content) // 2)
    return content[pairs : len(content) - pairs].strip()
