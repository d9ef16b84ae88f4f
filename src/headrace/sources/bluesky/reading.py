"""How far a host was read, and what its messages tell."""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from headrace.clock import microseconds, to_datetime
from headrace.errors import Rejected
from headrace.framing import KEPT_BYTES
from headrace.ports import AuthorDeletion, Deletion, Gap, Item, Malformed
from headrace.sources.back_off import printable
from headrace.sources.bluesky import connection, events
from headrace.sources.bluesky.blocks import Blocks, Damaged, Unreadable
from headrace.sources.bluesky.events import Event
from headrace.sources.bluesky.place import Place
from headrace.sources.bluesky.posts import author_of, document_of, id_of
from headrace.sources.bluesky.wanted import Wanted
from headrace.sources.sockets import MESSAGE_BYTES
from headrace.sources.stream import Message

AHEAD = 300_000_000  #: microseconds by which the time of an event may be later than it is here
#: Microseconds between two events, with a break in between, above which events are missing: of all authors something comes each minute.
LONGEST = 15 * 60_000_000
#: The same if only some authors are read, who may be quiet: what a host of version 1 remembers.
REMEMBERED = 36 * 3_600_000_000


class Reading:
    """Takes the messages of a host after a place.

    `name` is that of the host; `limit`: the largest document, in bytes; `blocks` reads those of the archive.
    """

    def __init__(
        self, name: str, wanted: Wanted, place: Place, limit: int, *, old: bool, blocks: Blocks | None = None
    ) -> None:
        self._name, self._wanted, self._limit, self._old, self._blocks = name, wanted, limit, old, blocks
        self.place = place
        self._skipped = 0  # events of this very time that were read before, and come again
        self._resumes = False  # the next event shows whether events are missing

    def connected(self) -> bool:
        """Note that there is a connection; whether the place is another one now."""
        self._skipped = self.place.same
        self._resumes = self._old and self.place.at > 0
        if self.place.at or self.place.seq or self._blocks is not None:
            return False
        self.place = msgspec.structs.replace(self.place, at=microseconds())
        return True

    def take(self, messages: Sequence[Message]) -> list[Item]:
        """The items of messages."""
        return [item for message in messages for item in self._items(message)]

    def _items(self, message: Message) -> Iterator[Item]:
        if message.event == connection.BLOCK:
            yield from self._block(message)
        elif message.event:
            yield from self._note(message)
        else:
            try:
                event = events.read_old(message.data) if self._old else events.read(message.data)
            except Rejected as error:
                yield self._malformed(message.data, str(error))
                return
            if isinstance(event, Event):
                yield from self._old_event(event, message.data) if self._old else self._event(event, message.data)

    def _note(self, message: Message) -> Iterator[Item]:
        """What the connection itself tells."""
        told = message.data.decode(errors="replace")
        if message.event == connection.THROUGH:
            self._move(seq=max(self.place.seq, int(told)))
        elif message.event == connection.RENUMBERED:
            self._move(seq=0)
        elif message.event == connection.TOO_OLD:
            yield self._too_old(told)
        elif message.event == connection.TOO_LONG:
            yield Gap(f"{self._name}: a message of more than {MESSAGE_BYTES:,} bytes cannot be received", 1)
        elif message.event == connection.DAMAGED:
            yield Gap(f"{self._name}: {message.cursor} of its archive is damaged: {told}")
        else:
            yield self._malformed(message.data, "it can't be decompressed")

    def _too_old(self, floor: str) -> Gap:
        """Note that the host has nothing before the event with this number."""
        if not floor:
            return Gap(f"{self._name} no longer has what came after event {self.place.seq:,}")
        missed = int(floor) - self.place.seq - 1
        told = f"{self._name} no longer has what came after event {self.place.seq:,}, and goes on with event {int(floor):,}"
        self._move(seq=int(floor) - 1)
        return Gap(
            f"{told}: {missed:,} events of all collections are missing, of which this source reads a part", missed
        )

    def _block(self, message: Message) -> Iterator[Item]:
        assert self._blocks is not None
        try:
            for event in self._blocks.events(message.data, self.place.seq):
                if isinstance(event, Unreadable):
                    self._move(seq=event.seq)
                    yield self._malformed(event.data, event.reason)
                else:
                    self._move(seq=event.seq, at=self._time(event), live=False)
                    yield from self._told(event, None)
        except Damaged as error:
            yield Gap(f"{self._name}: {message.cursor} of its archive is damaged: {error}")

    def _event(self, event: Event, data: bytes) -> Iterator[Item]:
        """What an event of version 2 tells, unless it was told."""
        if event.kind == "info":
            if event.name == "OutdatedCursor":
                yield Gap(
                    f"{self._name} no longer has all that came after {_written(self.place.at)}: {printable(event.message)}"
                )
        elif event.seq > self.place.seq:
            self._move(seq=event.seq, at=self._time(event), same=0, live=True)
            yield from self._told(event, data)
        elif event.seq <= 0:
            yield self._malformed(data, "an event has a whole number 'seq' above 0")

    def _old_event(self, event: Event, data: bytes) -> Iterator[Item]:
        """What an event of version 1 tells, unless it was told."""
        before, resumes, self._resumes = self.place.at, self._resumes, False
        if resumes and event.at - before > (REMEMBERED if self._wanted.authors else LONGEST):
            yield Gap(
                f"{self._name} goes on at {_written(event.at)}, and the last event before came at {_written(before)}: what came"
                " between is missing, and how much that is is not known"
            )
        if event.seq:
            if event.seq <= self.place.seq:
                return
            self._move(seq=event.seq, at=self._time(event), same=0, live=True)
        else:
            if self._skipped and event.at == before:
                self._skipped -= 1
                return
            self._skipped = 0
            if self._time(event) == event.at:
                self._move(seq=0, at=event.at, same=self.place.same + 1 if event.at == before else 1, live=True)
        yield from self._told(event, data)

    def _told(self, event: Event, data: bytes | None) -> Iterator[Item]:
        """What has to be done because of an event."""
        wanted = self._wanted
        if not wanted.has_author(event.did):
            return
        try:
            if event.kind == "sync" or (event.kind == "account" and event.gone):
                if not event.did:
                    raise Rejected("an event has a text 'did'")
                yield AuthorDeletion(author_of(event.did))
            elif event.kind == "commit" and wanted.has_collection(event.collection):
                if event.operation == "delete":
                    yield Deletion(id_of(event))
                elif wanted.has_language(event.record) and (document := document_of(event, self._limit)):
                    yield document
        except Rejected as error:
            yield self._malformed(data if data is not None else _shown(event.record), str(error))

    def _time(self, event: Event) -> int:
        """When an event came; when the last one did, if the host's clock is wrong."""
        return event.at if 0 < event.at <= microseconds() + AHEAD else self.place.at

    def _move(self, **members: Any) -> None:
        self.place = msgspec.structs.replace(self.place, **members)

    def _malformed(self, data: bytes, reason: str) -> Malformed:
        place = f"event {self.place.seq}" if self.place.seq else f"the event of {_written(self.place.at)}"
        return Malformed(data[:KEPT_BYTES], reason, f"{self._name}, at or after {place}")


def _written(at: int) -> str:
    return f"{to_datetime(at):%Y-%m-%d %H:%M:%S} UTC"


def _shown(record: object) -> bytes:
    """A record of the archive as JSON, as far as it can be."""
    return msgspec.json.encode(record, enc_hook=str)
