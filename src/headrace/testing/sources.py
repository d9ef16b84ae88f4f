"""What every source has to do. Subclass `SourceSuite` in a test module and give it a fixture `connect`.

class TestMySource(SourceSuite):
    @pytest.fixture
    def connect(self): ...   # returns a function: each call is a source of the same two batches or more, which can be read again

"""

import threading
from collections.abc import Callable, Sequence

import pytest

from headrace.documents import Document, decode, encode
from headrace.ports import Batch, Deletion, Gap, Malformed, SourceAdapter

Connect = Callable[[], SourceAdapter]
Item = Document | Deletion | Malformed | Gap
PATIENCE = 120.0  #: seconds to wait for what has to happen, however slow the machine is


def items(batches: Sequence[Batch]) -> list[Item]:
    """The items of these batches, in order."""
    return [item for batch in batches for item in batch.items]


class SourceSuite:
    """The tests. Each name is the sentence that it checks."""

    def test_reading_again_gives_the_same(self, connect: Connect) -> None:
        first = items(list(connect().read()))
        assert first
        assert items(list(connect().read())) == first

    def test_sources_of_the_same_place_have_the_same_name(self, connect: Connect) -> None:
        name = connect().name
        assert name
        assert connect().name == name

    def test_reading_after_any_cursor_gives_exactly_the_rest(self, connect: Connect) -> None:
        batches = list(connect().read())
        assert len(batches) >= 2
        for number, batch in enumerate(batches, 1):
            assert items(list(connect().read(batch.cursor))) == items(batches[number:])

    def test_a_source_can_be_read_on_after_its_reading_was_broken_off(self, connect: Connect) -> None:
        source = connect()
        reading = source.read()
        first = next(reading)
        reading.close()  # type: ignore[attr-defined]
        assert items([first, *source.read(first.cursor)]) == items(list(connect().read()))

    def test_every_document_can_be_stored(self, connect: Connect) -> None:
        for item in items(list(connect().read())):
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
