"""Columns: each name once, and none lost."""

from hypothesis import given
from hypothesis import strategies as st

from headrace.sources.columns import distinct, repeated


def test_a_repeated_name_gets_the_first_number_that_makes_a_name_of_its_own() -> None:
    assert distinct(["x", "x", "x.1", "", "x"]) == ["x", "x.2", "x.1", "column 4", "x.3"]
    assert distinct(["column 2", ""]) == ["column 2", "column 2.1"]
    assert distinct(["x.1", "x", "x"]) == ["x.1", "x", "x.2"]


@given(st.lists(st.sampled_from(["", "x", "x.1", "x.2", "x.1.1", "column 1", "column 2"])))
def test_names_stay_as_many_and_become_distinct(header: list[str]) -> None:
    names = distinct(header)
    assert len(names) == len(set(names)) == len(header)
    assert set(header) - {""} <= set(names)


def test_a_column_that_is_needed_is_there_once() -> None:
    assert repeated(["a", "b", "b"], ["a"]) == ""
    assert repeated(["a", "b", "b"], ["a", "b"]) == "there are 2 columns 'b'; rename all but one"
