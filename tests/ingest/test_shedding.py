"""The rules by which documents are dropped."""

import time

import pytest

from headrace.documents import Document
from headrace.errors import Misconfigured
from headrace.ingest import shedding
from headrace.ingest.shedding import Held
from headrace.ports import AuthorDeletion, Batch, Deletion, Gap, Item, Malformed

OTHERS = [Deletion("x"), Malformed(b"?", "no JSON", "line 3"), Gap("cut", 7), AuthorDeletion("s:Anna")]


def documents(*names: object) -> list[Item]:
    return [Document(str(name), f"text of {name}", "s") for name in names]


def test_a_sample_keeps_about_one_in_ten_the_same_each_time_and_everything_that_is_not_a_document() -> None:
    batch = Batch([*documents(*range(10_000)), *OTHERS], "1", paid=3)
    kept = shedding.sample(batch, 10)
    assert 900 < len(kept.items) < 1100
    assert list(kept.items[-len(OTHERS) :]) == OTHERS
    assert shedding.sample(batch, 10) == kept
    assert (kept.cursor, kept.paid) == ("1", 3)


def test_a_smaller_sample_is_a_part_of_the_larger_one() -> None:
    batch = Batch(documents(*range(10_000)), "1")
    small, large = ({item.id for item in shedding.sample(batch, of).items} for of in (100, 10))  # type: ignore[union-attr]
    assert small < large
    assert 50 < len(small) < 150


def test_each_time_that_the_limit_is_passed_makes_the_sample_ten_times_smaller() -> None:
    assert [shedding.one_in(bodies, 100) for bodies in (95, 101, 199, 200, 350, 10**9)] == [
        10,
        10,
        10,
        100,
        1000,
        10**9,
    ]


def test_what_is_no_document_is_not_held_and_leaves_the_cursor_where_it_was() -> None:
    held = Held()
    others, deleted = held.hold(Batch([*documents("a"), *OTHERS], "2", waiting="503", paid=1, filled=1), "1")
    assert (others, deleted) == (Batch(OTHERS, "1", waiting="503", paid=1, filled=1), 0)
    assert held.take() == Batch(documents("a"), "2")
    assert not held


def test_the_oldest_batches_are_dropped_when_too_much_is_held_and_the_last_one_never() -> None:
    held = Held(most=250)
    for number in range(1, 6):
        held.hold(Batch(documents(f"{number}a", f"{number}b"), str(number)), "0")
    assert list(held.excess()) == [(Batch((), str(number)), 2) for number in range(1, 4)]
    rest = held.take_all()
    assert rest == Batch(documents("4a", "4b", "5a", "5b"), "5")
    held.hold(Batch(documents(*range(100)), "6"), "5")
    assert list(held.excess()) == []
    assert held.take_all() == Batch(documents(*range(100)), "6")
    assert held.take_all() is None


def test_what_is_deleted_while_it_is_held_is_not_published_any_more() -> None:
    held = Held()
    edit = Document("a@2", "edited", "s", None, {"edit_of": "a"})
    of_anna, of_bo = (Document(name, name, "s", None, {"author": name}) for name in ("Anna", "Bo"))
    held.hold(Batch([*documents("a", "b"), edit, of_anna, of_bo], "1"), "0")
    others, deleted = held.hold(Batch([*documents("c"), Deletion("a"), Deletion("c"), *documents("a")], "2"), "0")
    assert (others, deleted) == (Batch([Deletion("a"), Deletion("c")], "0"), 3)
    _, deleted = held.hold(Batch([AuthorDeletion("s:Anna")], "3"), "0")
    assert deleted == 1
    assert held.take_all() == Batch([*documents("b"), of_bo, *documents("a")], "3")


def test_small_batches_wait_together_so_that_few_cursors_are_kept() -> None:
    held = Held()
    for number in range(100):
        held.hold(Batch(documents(number), f"cursor {number}"), "0")
        held.hold(Batch((), f"cursor {number}, a beat later"), "0")
    assert held.take() == Batch(documents(*range(100)), "cursor 99, a beat later")
    assert not held


def test_a_deletion_does_not_look_at_each_document_that_is_held() -> None:
    held = Held()
    for start in range(0, 20_000, 100):
        held.hold(Batch(documents(*range(start, start + 100)), str(start)), "0")
    begun = time.process_time()
    deleted = sum(held.hold(Batch([Deletion(str(number))], "x"), "0")[1] for number in range(19_990, 20_190))
    assert deleted == 10
    assert time.process_time() - begun < 5  # it took a minute


def test_only_the_rules_that_there_are_can_be_named() -> None:
    assert [shedding.check(name, "ws:") for name in ("", "oldest", "sample", "never")] == [
        None,
        "oldest",
        "sample",
        "never",
    ]
    with pytest.raises(Misconfigured, match="shed is 'newest' for ws:; it must be one of oldest, sample, never"):
        shedding.check("newest", "ws:")
