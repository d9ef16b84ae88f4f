"""The pace of publishing."""

import time

from headrace.ingest.pace import Pace
from headrace.runtime import Stop


def test_without_a_rate_items_come_together_and_at_once() -> None:
    assert list(Pace(None, Stop()).slices([1, 2, 3])) == [[1, 2, 3]]
    assert list(Pace(None, Stop()).slices([])) == []


def test_items_come_at_the_rate_also_from_one_call_to_the_next() -> None:
    pace, began = Pace(200, Stop()), time.monotonic()
    items = list(range(30))
    assert [item for some in (*pace.slices(items), *pace.slices(items)) for item in some] == items * 2
    assert time.monotonic() - began >= 40 / 200  # the last slice of 20 needs no time after it


def test_a_slow_rate_hands_out_single_items() -> None:
    assert [len(some) for some in Pace(5, Stop()).slices([1, 2])] == [1, 1]


def test_a_stop_lets_the_rest_through_at_once() -> None:
    stop = Stop()
    stop.request()
    assert sum(map(len, Pace(0.001, stop).slices([1, 2, 3]))) == 3
