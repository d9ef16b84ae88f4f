"""Batches, filled with what the records of one content after the other mean."""

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from headrace.ports import Batch, Gap, Item
from headrace.sources import cursors
from headrace.sources.cursors import Changed, Cursor, Digest
from headrace.sources.record_file.content import Content
from headrace.sources.records import Record

BATCH, BATCH_BYTES = 500, 4 << 20  #: items, and bytes of records, after which a batch is full


class Reader(Protocol):
    """What the records of one file mean, in order. It may remember those before."""

    def items(self, record: Record) -> Sequence[Item]:
        """The items of a record, of which there may be none. The record may have a fault."""
        ...

    def passed(self, record: Record) -> None:
        """Take notice of a record whose items were read before, and are not asked for again."""
        ...


class Filling:
    """The batch that is being filled, by what `reader` makes of records, with the cursor after it.

    `most` items fill a batch; `restarted` is that of the first one. Reading ends once it is `closed`.
    """

    def __init__(self, reader: Reader, most: int, closed: Callable[[], bool], restarted: str = "") -> None:
        self._reader, self._most, self._closed, self._restarted = reader, most, closed, restarted
        self._items: list[Item] = []
        self._size = 0
        self._moved = False  # beyond the cursor from which reading went on
        self.cursor = ""

    def of(self, content: Content, before: str, done: Cursor) -> Iterator[Batch]:
        """The batches of a content that are full, after the cursor; what remains stays here.

        `before` is what the cursor has. Raises Changed, before any batch, if the content does not hold what had been read of it.
        """
        digest, record, previous = Digest(), Record(), b""
        number, told = 0, done.records
        for number, record in enumerate(content.records(), 1):
            if self._closed():
                return
            if number > 1:
                digest.add(previous)
            previous = record.data
            is_new = number > done.records
            if number == done.records:
                if digest.value() != done.digest:
                    raise Changed("the file has changed before the place up to which it was read")
                is_new = cursors.hash_of(record.data) != done.last
            if record.where and is_new:
                self._items += self._reader.items(record)
                self._size += len(record.data)
            elif record.where:
                self._reader.passed(record)
            if len(self._items) >= self._most or self._size >= BATCH_BYTES or (self._items and content.waits):
                self.cursor = cursors.write(number, digest, record.data, content.member, before)
                yield self._batch()
                told = number
        if number < done.records:
            raise Changed("the file holds less than was read of it before")
        if number or not content.member:
            self.cursor = cursors.write(number, digest, record.data, content.member, before)
            self._moved = self._moved or number > told

    def lost(self, gap: Gap) -> Batch:
        """A batch that tells of what is missing, after which reading goes on at the start of the file."""
        self.cursor = cursors.write(0, Digest(), b"")
        self._items.append(gap)
        return self._batch()

    def rest(self) -> Iterator[Batch]:
        """The last batch, if it says anything."""
        if self._items or self._restarted or self._moved:
            yield self._batch()

    def _batch(self) -> Batch:
        batch = Batch(self._items, self.cursor, self._restarted)
        self._items, self._size, self._moved, self._restarted = [], 0, False, ""
        return batch
