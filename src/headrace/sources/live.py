"""A stream of JSON without rules of its own, read from a position: what the sources of server-sent events and of web sockets share."""

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from headrace.clock import microseconds
from headrace.documents import DOCUMENT_BYTES, Document
from headrace.fields import USUAL, Fields
from headrace.framing import KEPT_BYTES
from headrace.ports import Batch, Item, Malformed
from headrace.sources.messages import documents_in
from headrace.sources.positions import Position, begun_anew
from headrace.sources.stream import Connection, Message, follow, place_after


@dataclass(frozen=True)
class Live:
    """How to read a stream. `connect` takes the id of the last event, which may be empty; `source` is that of documents that name none."""

    name: str
    source: str
    connect: Callable[[str], Connection]
    limit: int = DOCUMENT_BYTES
    fields: Fields = USUAL

    def read(self, after: str | None, closed: threading.Event) -> Iterator[Batch]:
        """The batches after a cursor, until `closed` is set. Raises as `follow` does."""
        yield from begun_anew(after, self.name)
        position = Position.read(after)
        for part in follow(self.connect, position.id, closed, name=self.name):
            items: list[Item] = []
            if part.connected and (gap := position.gap(self.name)):
                items.append(gap)
            for message in part.messages:
                items += self._items(message)
            if part.messages:
                position = Position(place_after(part.messages, position.id), microseconds())
            if items or part.messages or part.waiting:
                yield Batch(items, position.write(), waiting=part.waiting)

    def _items(self, message: Message) -> Sequence[Document | Malformed]:
        where = f"{self.name}, event {message.cursor}" if message.cursor else self.name
        if message.fault:
            return (Malformed(message.data[:KEPT_BYTES], message.fault, where),)
        return documents_in(message.data, where, fields=self.fields, source=self.source, limit=self.limit)
