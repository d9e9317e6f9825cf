"""Training problems that share 13 words in a row with a test set are left out.

Thirteen is the length that GPT-3's authors used to look for contamination (arXiv 2005.14165,
appendix C). A text of fewer words counts as shared if it is the whole of a test problem.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

N = 13

Gram = tuple[str, ...]


def grams(text: str) -> set[Gram]:
    """Every run of 13 words of `text`, or the whole of a shorter one; case and marks dropped."""
    words = re.findall(r"[a-z0-9]+(?:\.[0-9]+)?", text.lower())
    if len(words) <= N:
        return {tuple(words)}
    return {tuple(words[i : i + N]) for i in range(len(words) - N + 1)}


def all_grams(questions: Iterable[str]) -> set[Gram]:
    """The grams of a whole test set."""
    found: set[Gram] = set()
    for question in questions:
        found |= grams(question)
    return found


def overlaps(question: str, test: set[Gram]) -> bool:
    """Whether `question` shares a gram with a test set's `all_grams`."""
    return not grams(question).isdisjoint(test)
