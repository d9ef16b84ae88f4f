"""Repeating with back-off, and finding by halving what is rejected."""

import math
from collections.abc import Sequence
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.errors import Misconfigured, Rejected, Unavailable
from headrace.retrying import delays, isolate, patiently, until_stopped
from headrace.runtime import Stop


def test_pauses_grow_to_a_bound_and_vary() -> None:
    pauses = list(islice(delays(0.1, 5.0), 50))
    assert 0.08 <= pauses[0] <= 0.12
    assert all(4.0 <= pause <= 6.0 for pause in pauses[10:])
    assert len(set(pauses)) > 40


class Flaky:
    """A call that is unavailable a number of times."""

    def __init__(self, failures: int) -> None:
        self.failures = failures
        self.calls = 0

    def __call__(self) -> int:
        self.calls += 1
        if self.calls <= self.failures:
            raise Unavailable(f"failure {self.calls}")
        return self.calls


@given(st.integers(0, 20))
def test_a_call_is_repeated_until_it_succeeds_with_a_pause_after_each_failure(failures: int) -> None:
    call, pauses = Flaky(failures), []
    assert (
        patiently(call, lambda seconds, error: pauses.append((seconds, str(error))), first=1, longest=3) == call.calls
    )
    assert call.calls == failures + 1
    assert [text for _, text in pauses] == [f"failure {number}" for number in range(1, failures + 1)]
    assert all(0.8 <= seconds <= 3.6 for seconds, _ in pauses)


def test_what_the_pause_raises_ends_the_repetition() -> None:
    call = Flaky(3)

    def give_up(_seconds: float, _error: Unavailable) -> None:
        raise TimeoutError

    with pytest.raises(TimeoutError):
        patiently(call, give_up)
    assert call.calls == 1


def test_another_error_than_unavailable_is_raised_at_once() -> None:
    def call() -> None:
        raise Misconfigured("no such server")

    with pytest.raises(Misconfigured):
        patiently(call, lambda *_: pytest.fail("it paused"))


def test_a_stop_ends_the_repetition_with_the_last_error_after_telling_it() -> None:
    stop, said = Stop(), list[str]()

    def tell(text: str) -> None:
        said.append(text)
        if len(said) == 2:
            stop.request()

    with pytest.raises(Unavailable, match="failure 2"):
        patiently(Flaky(9), until_stopped(stop, tell), first=0.001)
    assert said == [f"waiting, and trying again: failure {number}" for number in (1, 2)]


class Attempts:
    """Takes parts without a culprit, and notes all it was called with."""

    def __init__(self, culprits: set[int]) -> None:
        self.culprits = culprits
        self.parts: list[Sequence[int]] = []

    def __call__(self, part: Sequence[int]) -> list[str]:
        self.parts.append(part)
        if bad := self.culprits.intersection(part):
            raise Rejected(f"{sorted(bad)}")
        return [f"made {item}" for item in part]


@given(st.integers(0, 300), st.data())
def test_isolate_names_the_culprits_alone_and_makes_the_rest_in_order(number: int, data: st.DataObject) -> None:
    culprits = data.draw(st.sets(st.integers(0, max(0, number - 1)))) if number else set()
    attempt = Attempts(culprits)
    made = isolate(range(number), attempt, lambda item, error: [f"refused {item}: {error}"])
    expected = [f"refused {item}: [{item}]" if item in culprits else f"made {item}" for item in range(number)]
    assert [one for part in made for one in part] == expected


@given(st.integers(1, 300), st.data())
def test_isolate_attempts_every_item_and_few_parts_for_each_culprit(number: int, data: st.DataObject) -> None:
    culprits = data.draw(st.sets(st.integers(0, number - 1), max_size=8))
    attempt = Attempts(culprits)
    isolate(range(number), attempt, lambda _item, _error: [])
    assert all(attempt.parts), "it attempted an empty part"
    assert {item for part in attempt.parts for item in part} == set(range(number))
    assert len(attempt.parts) <= 2 * len(culprits) * (math.log2(number) + 1) + 1


def test_isolate_attempts_once_what_is_not_rejected_and_nothing_when_there_are_no_items() -> None:
    attempt = Attempts(set())
    assert isolate([], attempt, lambda _item, _error: []) == []
    assert attempt.parts == []
    items = [1, 2, 3]
    isolate(items, attempt, lambda _item, _error: [])
    assert len(attempt.parts) == 1
    assert attempt.parts[0] is items, "it copied the items"


@given(st.integers(2, 100), st.data())
def test_isolate_attempts_an_item_again_only_after_a_part_with_it_was_rejected(
    number: int, data: st.DataObject
) -> None:
    culprits = data.draw(st.sets(st.integers(0, number - 1)))
    taken: list[int] = []

    def attempt(part: Sequence[int]) -> None:
        if culprits.intersection(part):
            raise Rejected("no")
        taken.extend(part)

    refused: list[int] = []
    isolate(range(number), attempt, lambda item, _error: refused.append(item))
    assert sorted(taken + refused) == list(range(number)), "an item was taken twice, or never"


@pytest.mark.parametrize("error", [Unavailable, Misconfigured, MemoryError])
def test_isolate_ends_with_any_other_error_at_once(error: type[Exception]) -> None:
    calls: list[Sequence[int]] = []

    def attempt(part: Sequence[int]) -> None:
        calls.append(part)
        if len(calls) == 3:
            raise error("broken")
        raise Rejected("no")

    with pytest.raises(error):
        isolate(range(8), attempt, lambda _item, _error: None)
    assert len(calls) == 3


def test_isolate_raises_what_the_culprits_handler_raises() -> None:
    def raising(_item: int, error: Rejected) -> list[str]:
        raise Rejected(f"not even that: {error}")

    with pytest.raises(Rejected, match="not even that"):
        isolate([1], Attempts({1}), raising)
