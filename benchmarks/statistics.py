"""Intervals of shares and of means over groups, and tests for paired outcomes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_Z95 = 1.959964  # two-sided 95 % of a normal distribution
_RESAMPLES = 2000


@dataclass(frozen=True)
class Share:
    """`hits` of `count`, with Wilson's 95 % interval."""

    hits: int
    count: int
    low: float
    high: float

    @classmethod
    def of(cls, outcomes: Iterable[object]) -> Share:
        flags = [bool(outcome) for outcome in outcomes]
        return cls.counted(sum(flags), len(flags))

    @classmethod
    def counted(cls, hits: int, count: int) -> Share:
        return cls(hits, count, *wilson(hits, count))

    @property
    def value(self) -> float:
        return self.hits / self.count if self.count else float("nan")


@dataclass(frozen=True)
class Pairs:
    """The same problems answered by two models, by who was right."""

    both: int
    only_first: int
    only_second: int
    neither: int

    @classmethod
    def of(cls, first: Sequence[bool], second: Sequence[bool]) -> Pairs:
        """Raises ValueError if they are not as many."""
        seen = list(zip(first, second, strict=True))
        kinds = ((True, True), (True, False), (False, True), (False, False))
        return cls(*(seen.count(kind) for kind in kinds))

    @property
    def count(self) -> int:
        return self.both + self.only_first + self.only_second + self.neither


def wilson(hits: float, count: int) -> tuple[float, float]:
    """Wilson's 95 % score interval of a share; (0, 1) if nothing was counted.

    `hits` may be a sum of shares, where each of `count` problems was tried several times.
    """
    if count == 0:
        return 0.0, 1.0
    share, z = hits / count, _Z95
    middle = share + z * z / (2 * count)
    spread = z * math.sqrt(share * (1 - share) / count + z * z / (4 * count**2))
    below = 1 + z * z / count
    return max(0.0, (middle - spread) / below), min(1.0, (middle + spread) / below)


def paired_difference(pairs: Pairs) -> tuple[float, float, float]:
    """The second share minus the first, and its 95 % interval; (0, -1, 1) if nothing was asked.

    Newcombe's method 10, "square and add" of Wilson intervals with the correlation of the pairs:
    Statistics in Medicine 17 (1998), 2635-2650. It keeps its level at small counts and at shares
    near 0 or 1, where a bootstrap of problems gives an interval of no width.
    """
    n = pairs.count
    if n == 0:
        return 0.0, -1.0, 1.0
    hits1, hits2 = pairs.both + pairs.only_first, pairs.both + pairs.only_second
    p1, p2 = hits1 / n, hits2 / n
    (l1, u1), (l2, u2) = wilson(hits1, n), wilson(hits2, n)
    phi = _correlation(pairs, hits1, hits2)
    down = (p2 - l2) ** 2 - 2 * phi * (p2 - l2) * (u1 - p1) + (u1 - p1) ** 2
    up = (u2 - p2) ** 2 - 2 * phi * (u2 - p2) * (p1 - l1) + (p1 - l1) ** 2
    change = p2 - p1
    return (
        change,
        max(-1.0, change - math.sqrt(max(0.0, down))),
        min(1.0, change + math.sqrt(max(0.0, up))),
    )


def _correlation(pairs: Pairs, hits1: int, hits2: int) -> float:
    """Newcombe's phi, with his continuity correction towards 0."""
    n = pairs.count
    product = hits1 * (n - hits1) * hits2 * (n - hits2)
    if product == 0:
        return 0.0
    top: float = pairs.both * pairs.neither - pairs.only_first * pairs.only_second
    if top > 0:
        top = max(top - n / 2, 0.0)
    return top / math.sqrt(product)


def mcnemar(pairs: Pairs) -> float:
    """Exact two-sided p that the two models are equally often right (a sign test)."""
    changed = pairs.only_first + pairs.only_second
    fewer = min(pairs.only_first, pairs.only_second)
    ways = sum(math.comb(changed, k) for k in range(fewer + 1))
    return min(1.0, 2 * float(ways / 2**changed))


def mean_over_groups(groups: Sequence[NDArray[np.float64]]) -> tuple[float, float, float]:
    """Mean of all values, and its 95 % interval: a bootstrap of whole groups; NaN without values.

    Values of one group (tokens of a trajectory, samples of a problem) depend on each other, so
    groups are drawn, not values. The draws are seeded: the same values give the same interval.
    """
    import numpy as np

    groups = [group for group in groups if len(group)]
    if not groups:
        return math.nan, math.nan, math.nan
    sums = np.array([group.sum() for group in groups])
    counts = np.array([len(group) for group in groups])
    draws = np.random.default_rng(0).integers(len(groups), size=(_RESAMPLES, len(groups)))
    means = sums[draws].sum(axis=1) / counts[draws].sum(axis=1)
    low, high = np.quantile(means, (0.025, 0.975))
    return float(sums.sum() / counts.sum()), float(low), float(high)
