"""Waiting for an iterator, but not for too long."""

import threading
from collections.abc import Generator
from contextlib import closing

import pytest
from support import PATIENCE, until

from headrace.ingest.ticking import Ticking


def test_items_come_in_order_and_ticks_in_between_until_the_iterator_ends() -> None:
    go_on = threading.Event()

    def items() -> Generator[int]:
        yield 1
        assert go_on.wait(PATIENCE)
        yield 2

    found = []
    for item in Ticking(items(), lambda: None, seconds=0.01):
        found.append(item)
        if found[-2:] == [None, None]:
            go_on.set()
    assert [item for item in found if item] == [1, 2]
    assert None in found


def test_what_the_iterator_raises_is_raised() -> None:
    def items() -> Generator[int]:
        yield 1
        raise ValueError("broken")

    found: list[int | None] = []
    with pytest.raises(ValueError, match="broken"):
        found += Ticking(items(), lambda: None, seconds=PATIENCE)


@pytest.mark.parametrize("taken", [0, 1, 2])
def test_closing_ends_the_iterator_whatever_was_taken(taken: int) -> None:
    closed, ended = threading.Event(), threading.Event()

    def items() -> Generator[int]:
        try:
            for number in range(1000):
                if closed.is_set():
                    return
                yield number
        finally:
            ended.set()

    ticking = Ticking(items(), closed.set, seconds=PATIENCE)
    with closing(ticking):
        for item, _ in zip(ticking, range(taken), strict=False):
            assert item is not None
        if not taken:
            return
    ticking.close()
    assert until(ended.is_set)
