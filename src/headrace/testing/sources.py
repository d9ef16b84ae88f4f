"""What every source has to do. Subclass `SourceSuite` in a test module and give it a fixture `connect`.

class TestMySource(SourceSuite):
    @pytest.fixture
    def connect(self): ...   # returns a function: each call is a source of the same two batches or more, which can be read again

"""

import threading
from collections.abc import Callable, Sequence

import pytest

from headrace.documents import Document, decode, encode
from headrace.ports import Batch, Item, Malformed, SourceAdapter

Connect = Callable[[], SourceAdapter]
PATIENCE = 120.0  #: seconds to wait for what has to happen, however slow the machine is


def items(batches: Sequence[Batch]) -> list[Item]:
    """The items of these batches, in order."""
    return [item for batch in batches for item in batch.items]


class Whole:
    """Reads sources to their ends; endless ones, up to the last of `total` items that they give."""

    def __init__(self, connect: Connect, total: int | None) -> None:
        self.connect, self._total = connect, total

    def batches(self, source: SourceAdapter | None = None, after: str | None = None, *, before: int = 0) -> list[Batch]:
        """All batches after a cursor, which has `before` items before it; of a new source, if none is given."""
        source = source or self.connect()
        if self._total is None:
            return list(source.read(after))
        found: list[Batch] = []
        if before < self._total:
            for batch in source.read(after):
                found.append(batch)
                if before + len(items(found)) >= self._total:
                    source.close()
        return found


class SourceSuite:
    """The tests. Each name is the sentence that it checks."""

    @pytest.fixture
    def total(self) -> int | None:
        """How many items the source gives, if it is endless."""
        return None

    @pytest.fixture
    def whole(self, connect: Connect, total: int | None) -> Whole:
        return Whole(connect, total)

    def test_reading_again_gives_the_same(self, whole: Whole) -> None:
        first = items(whole.batches())
        assert first
        assert items(whole.batches()) == first

    def test_only_a_source_whose_items_have_to_be_counted_is_endless(self, connect: Connect, total: int | None) -> None:
        assert connect().endless == (total is not None)

    def test_a_source_says_whether_it_can_wait_and_one_that_ends_can(self, connect: Connect, total: int | None) -> None:
        assert connect().pausable in ((True,) if total is None else (True, False))

    def test_sources_of_the_same_place_have_the_same_name(self, connect: Connect) -> None:
        name = connect().name
        assert name
        assert connect().name == name

    def test_reading_after_any_cursor_gives_exactly_the_rest(self, whole: Whole) -> None:
        batches = whole.batches()
        assert len(batches) >= 2
        for number, batch in enumerate(batches, 1):
            before = len(items(batches[:number]))
            assert items(whole.batches(after=batch.cursor, before=before)) == items(batches[number:])

    def test_a_source_can_be_read_on_after_its_reading_was_broken_off(self, whole: Whole) -> None:
        source = whole.connect()
        reading = source.read()
        first = next(reading)
        reading.close()  # type: ignore[attr-defined]
        rest = whole.batches(source, first.cursor, before=len(first.items))
        assert items([first, *rest]) == items(whole.batches())

    def test_every_document_can_be_stored(self, whole: Whole) -> None:
        for item in items(whole.batches()):
            if isinstance(item, Document):
                assert item.id
                assert item.source
                assert decode(encode(item)) == item
            if isinstance(item, Malformed):
                assert item.reason
                assert item.where

    def test_a_closed_source_reads_nothing(self, connect: Connect) -> None:
        source = connect()
        source.close()
        source.close()
        assert items(list(source.read())) == []

    def test_closing_from_another_thread_ends_the_reading(self, connect: Connect) -> None:
        source = connect()
        reading = source.read()
        next(reading)
        closing = threading.Thread(target=source.close)
        closing.start()
        closing.join(PATIENCE)
        ended = threading.Thread(target=lambda: list(reading))
        ended.start()
        ended.join(PATIENCE)
        if ended.is_alive():
            pytest.fail("the source is still being read")
