"""The part that is held out is the same every time, and shares no text with the rest."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.errors import Misconfigured
from headrace.training.datasets import Row
from headrace.training.holdout import split


def rows_of(sizes, source="s"):
    return [Row(f"{label} text {number}", label, source) for label, size in sizes.items() for number in range(size)]


def test_the_same_share_of_every_label_is_held_out():
    train, test = split(rows_of({"a": 1000, "b": 100, "c": 10, "d": 3, "e": 2}), 0.1)
    assert Counter(row.label for row in test) == {"a": 100, "b": 10, "c": 1, "d": 1}
    assert Counter(row.label for row in train) == {"a": 900, "b": 90, "c": 9, "d": 2, "e": 2}


def test_the_same_seed_holds_out_the_same_rows_and_another_seed_others():
    rows = rows_of({"a": 200, "b": 200})
    assert split(rows, seed=1)[1] == split(rows, seed=1)[1] != split(rows, seed=2)[1]
    assert set(split(rows[::-1], seed=1)[1]) == set(split(rows, seed=1)[1])


words = st.text(alphabet="aAbBß \t", min_size=1, max_size=4)


@given(st.lists(st.tuples(words, st.sampled_from("xyz")), min_size=8), st.floats(0.05, 0.6))
def test_no_text_is_in_both_parts_whatever_its_case_and_blanks(pairs, test_size):
    rows = [Row(text, label, "s") for text, label in dict.fromkeys(pairs)]
    try:
        train, test = split(rows, test_size)
    except Misconfigured:
        return
    sides = [{" ".join(row.text.casefold().split()) for row in side} for side in (train, test)]
    assert sides[0].isdisjoint(sides[1])
    assert sorted(train + test) == sorted(rows)


def test_whole_sources_are_held_out_together_with_their_texts_elsewhere():
    rows = [row for number in range(10) for row in rows_of({"a": 20, "b": 20}, f"source {number}")]
    rows = [row._replace(text=f"{row.text} {row.source}") for row in rows] + [Row("a text 0 source 3", "a", "source 4")]
    train, test = split(rows, 0.3, by="source")
    held = {row.source for row in test if row.text.endswith(row.source)}
    assert len(held) == 3
    assert {row.source for row in train}.isdisjoint(held)
    assert {row.text for row in train}.isdisjoint(row.text for row in test)


def test_the_only_source_of_a_label_is_never_held_out():
    rows = rows_of({"a": 50}, "one") + rows_of({"b": 50}, "two")
    with pytest.raises(Misconfigured, match="no source can be held out whole"):
        split(rows, 0.5, by="source")


@pytest.mark.parametrize("share", [0, 1, -0.1, 2])
def test_a_share_to_hold_out_that_is_not_between_0_and_1_is_refused(share):
    with pytest.raises(Misconfigured, match="between 0 and 1"):
        split(rows_of({"a": 10}), share)


def test_too_few_rows_to_hold_any_out_are_refused():
    with pytest.raises(Misconfigured, match="too few to hold out"):
        split(rows_of({"a": 2, "b": 2}))
