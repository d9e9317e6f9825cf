"""Numbers as the families write them."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import TypeVar


def plain(value: Fraction) -> str:
    """A whole number without a point, anything else as a decimal."""
    return str(value.numerator if value.denominator == 1 else float(value))


Exact = TypeVar("Exact", Decimal, Fraction)


def two_places(value: Exact) -> str:
    """What Python prints of `value` rounded to two places: 12.5, 12.0."""
    return str(float(round(value, 2)))


def ordinal(number: int) -> str:
    """1st, 2nd, 3rd, 4th ..."""
    endings = {} if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}
    return f"{number}{endings.get(number % 10, 'th')}"
