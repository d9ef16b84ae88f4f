"""The table of characters agrees with Python about every code point."""

import re
import sys

import numpy as np
import pytest

from headrace.scoring.characters import IRREGULAR, POINT_MASK, SPACE_BIT, WORD_BIT, table

EVERY = [chr(point) for point in range(sys.maxunicode + 1)]


@pytest.mark.parametrize("lower", [False, True])
def test_every_character_becomes_what_python_makes_of_it(lower: bool) -> None:
    points = (table(lower) & POINT_MASK).tolist()
    wrong = {a for a, point in zip(EVERY, points, strict=True) if chr(point) != (a.lower() if lower else a)}
    assert wrong == (set(IRREGULAR) if lower else set())


def test_lower_case_letters_stay_as_they_are() -> None:
    points = table(True) & POINT_MASK
    np.testing.assert_array_equal(points[points], points)


@pytest.mark.parametrize(("bit", "pattern"), [(SPACE_BIT, r"\s"), (WORD_BIT, r"\w")])
def test_white_space_and_word_characters_are_those_of_regular_expressions(bit: int, pattern: str) -> None:
    match = re.compile(pattern).match
    entries = table(False)
    assert [bool(entry & bit) for entry in entries.tolist()] == [match(character) is not None for character in EVERY]


def test_the_class_of_a_character_is_that_of_its_lower_case() -> None:
    lower, plain = table(True), table(False)
    np.testing.assert_array_equal(lower & ~np.uint32(POINT_MASK), (plain & ~np.uint32(POINT_MASK))[lower & POINT_MASK])
