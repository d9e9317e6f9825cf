"""Thirteen words in a row are shared, or not."""

from __future__ import annotations

import pytest

from train.problems.overlap import N, all_grams, grams, overlaps

WORDS = [f"word{n}" for n in range(40)]
TEST = " ".join(WORDS)


def test_thirteen_words_in_a_row_are_shared_and_twelve_are_not():
    assert N == 13
    shared = all_grams([TEST, "another question of the test set"])
    assert overlaps(" ".join(["before", *WORDS[5:18], "after"]), shared)
    assert overlaps(" ".join([*WORDS[27:40], *WORDS[:3]]), shared)
    assert not overlaps(" ".join(["before", *WORDS[5:17], "after", *WORDS[18:30]]), shared)
    assert not overlaps(" ".join(reversed(WORDS)), shared)


def test_case_punctuation_and_space_do_not_count():
    shared = all_grams([TEST])
    written = ", ".join(word.upper() for word in WORDS[:13]) + "!?"
    assert overlaps(written, shared)
    assert overlaps(" \n ".join(f"({word})" for word in WORDS[3:20]), shared)


def test_a_decimal_point_is_part_of_its_number():
    assert grams("it costs 2.50 or 3.") == {("it", "costs", "2.50", "or", "3")}


def test_a_short_text_must_be_the_whole_of_a_test_problem():
    shared = all_grams(["What is 12 * 99?", TEST])
    assert overlaps("what is 12 * 99", shared)
    assert not overlaps("What is 12 * 98?", shared)
    assert not overlaps("what is 12", shared)
    assert not overlaps(" ".join(WORDS[:12]), shared)


@pytest.mark.parametrize("length, count", [(1, 1), (12, 1), (13, 1), (14, 2), (40, 28)])
def test_how_many_grams_a_text_has(length: int, count: int):
    assert len(grams(" ".join(WORDS[:length]))) == count


def test_nothing_is_shared_with_nothing():
    assert not overlaps(TEST, all_grams([]))
