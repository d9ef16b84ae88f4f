"""Items are worked on by several threads, and come out in order."""

import random
import threading
from collections.abc import Iterator

import pytest
from support import until

from headrace.batch.pipeline import AHEAD, in_order


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_results_come_in_the_order_of_the_items(threads: int) -> None:
    def work(item: int) -> int:
        for _ in range(random.Random(item).randrange(2000)):
            pass
        return item * 2

    assert list(in_order(range(300), work, threads)) == [item * 2 for item in range(300)]
    assert list(in_order([], work, threads)) == []


@pytest.mark.parametrize("threads", [1, 3])
def test_a_result_is_handed_over_before_the_next_item_is_there(threads: int) -> None:
    seen = threading.Event()

    def items() -> Iterator[int]:
        yield 1
        assert seen.wait(600)
        yield 2

    found = in_order(items(), lambda item: item, threads)
    assert next(found) == 1
    seen.set()
    assert list(found) == [2]


@pytest.mark.parametrize("threads", [1, 2])
def test_few_items_are_read_ahead_of_who_takes_the_results(threads: int) -> None:
    read: list[int] = []

    def items() -> Iterator[int]:
        for item in range(1000):
            read.append(item)
            yield item

    found = in_order(items(), lambda item: item, threads)
    next(found)
    most = 1 if threads == 1 else (1 + AHEAD) * threads + 1  # one more waits for room
    until(lambda: len(read) == most)
    found.close()
    assert len(read) <= most + 1


@pytest.mark.parametrize("threads", [1, 2])
def test_what_work_or_reading_raises_comes_in_its_place(threads: int) -> None:
    def items() -> Iterator[int]:
        yield from range(5)
        raise LookupError("the end of the file")

    def work(item: int) -> int:
        if item == 3:
            raise ValueError("three")
        return item

    found = in_order(items(), work, threads)
    assert [next(found) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ValueError, match="three"):
        next(found)
    whole = in_order(items(), lambda item: item, threads)
    assert [next(whole) for _ in range(5)] == list(range(5))
    with pytest.raises(LookupError, match="the end of the file"):
        next(whole)


def test_closing_begins_no_further_item_and_leaves_no_thread() -> None:
    before = threading.active_count()
    found = in_order(iter(int, 1), lambda item: item, 2)
    next(found)
    found.close()
    until(lambda: threading.active_count() == before)
