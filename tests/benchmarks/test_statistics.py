"""Intervals and paired tests against published values."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.statistics import (
    Pairs,
    Share,
    mcnemar,
    mean_over_groups,
    paired_difference,
    wilson,
)


# Newcombe, Statistics in Medicine 17 (1998), table I, method 3, to four digits.
@pytest.mark.parametrize(
    ("correct", "problems", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611),
     (1, 29, 0.0061, 0.1718)],
)  # fmt: skip
def test_wilson_is_newcombes(correct: int, problems: int, low: float, high: float):
    assert wilson(correct, problems) == (
        pytest.approx(low, abs=5e-5),
        pytest.approx(high, abs=5e-5),
    )


@given(st.integers(0, 500), st.integers(0, 500))
def test_wilson_holds_the_share_and_mirrors(correct: int, wrong: int):
    problems = correct + wrong
    low, high = wilson(correct, problems)
    assert 0 <= low <= high <= 1
    if problems:
        assert low - 1e-12 <= correct / problems <= high + 1e-12
        mirrored = wilson(wrong, problems)
        assert (1 - mirrored[1], 1 - mirrored[0]) == pytest.approx((low, high), abs=1e-12)
    else:
        assert (low, high) == (0, 1)


# (both, only first, only second, neither): published limits of second minus first.
PUBLISHED = {
    # Altman et al., Statistics with Confidence (2000), table 6.2
    (14, 0, 5, 22): (0.122, 0.011, 0.226),
    # Bentur et al. (2009), in Fagerland, Lydersen, Laake, Statistics in Medicine 33 (2014)
    (1, 7, 1, 12): (-0.286, -0.507, -0.026),
    # Newcombe (1998), table II: 36, 12, 2, 0
    (36, 2, 12, 0): (0.2, 0.0569, 0.3404),
}


@pytest.mark.parametrize("table", PUBLISHED)
def test_the_paired_interval_is_newcombes(table):
    got = paired_difference(Pairs(*table))
    assert got == pytest.approx(PUBLISHED[table], abs=5e-4)
    # The other way round it is the mirror image.
    mirrored = paired_difference(Pairs(table[0], table[2], table[1], table[3]))
    assert mirrored == pytest.approx((-got[0], -got[2], -got[1]))


def test_the_paired_interval_at_the_edges():
    assert paired_difference(Pairs(0, 0, 0, 0)) == (0.0, -1.0, 1.0)
    change, low, high = paired_difference(Pairs(50, 0, 0, 0))
    assert change == 0 and -0.08 < low < -0.05 and low == -high
    # Answers that go together tell more than answers that do not.
    _, low, _ = paired_difference(Pairs(90, 5, 5, 100))
    _, apart, _ = paired_difference(Pairs(45, 50, 50, 55))
    assert apart < low < 0


def test_mcnemar_is_an_exact_sign_test():
    assert mcnemar(Pairs(10, 0, 0, 10)) == 1.0
    assert mcnemar(Pairs(14, 0, 5, 22)) == pytest.approx(2 / 2**5)
    assert mcnemar(Pairs(1, 7, 1, 12)) == pytest.approx(2 * 9 / 2**8)
    assert mcnemar(Pairs(0, 3, 3, 0)) == 1.0
    assert mcnemar(Pairs(0, 2000, 1000, 0)) < 1e-60


def test_pairs_are_counted():
    pairs = Pairs.of([True, True, False, False], [True, False, True, False])
    assert (pairs.both, pairs.only_first, pairs.only_second, pairs.neither) == (1, 1, 1, 1)
    with pytest.raises(ValueError):
        Pairs.of([True], [])


def test_the_mean_over_groups_knows_that_trajectories_differ():
    rng = np.random.default_rng(1)
    alike = [rng.normal(1, 0.1, 50) for _ in range(40)]
    apart = [np.full(50, rng.normal(1, 0.1)) for _ in range(40)]
    mean, low, high = mean_over_groups(alike)
    assert low < mean < high and mean == pytest.approx(np.concatenate(alike).mean())
    _, wide_low, wide_high = mean_over_groups(apart)
    assert wide_high - wide_low > 3 * (high - low)
    assert mean_over_groups(alike) == mean_over_groups(alike)
    assert all(map(math.isnan, mean_over_groups([])))


def test_a_share_of_nothing_is_not_a_number():
    assert Share.of([1, 0, "x"]) == Share(2, 3, *wilson(2, 3))
    assert math.isnan(Share.of([]).value)
