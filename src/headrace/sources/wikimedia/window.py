"""What has come of the stream, and waits for extracts: one batch to be."""

import time

from headrace.clock import to_datetime
from headrace.documents import Document
from headrace.errors import Rejected
from headrace.framing import KEPT_BYTES
from headrace.ports import Batch, Gap, Malformed
from headrace.sources.positions import Position
from headrace.sources.stream import Message, Part
from headrace.sources.wikimedia.changes import Change, Event, Wanted
from headrace.sources.wikimedia.extracts import Extracts, Found

HELD = 2000  #: items that wait for extracts, at most
#: Microseconds from one event to the next above which events are missing: a stream that is whole has a canary event each hour.
LONGEST = 90 * 60 * 1_000_000


class Window:
    """Events that came, of which the changes wait for their extracts."""

    def __init__(self, name: str, wanted: Wanted, extracts: Extracts, position: Position, limit: int) -> None:
        self._name, self._wanted, self._extracts, self._limit = name, wanted, extracts, limit
        self.position = position  # after what was taken
        self._items: list[Change | Malformed | Gap] = []
        self._moved = False
        self._since = 0.0  # when the first of the items came, by the monotonic clock
        self._resumes = False  # the next event shows whether events are missing

    def take(self, part: Part) -> None:
        """Take the events of a part of the stream."""
        self._resumes |= part.connected and self.position.at > 0
        if not self._items:
            self._since = time.monotonic()
        for message in part.messages:
            try:
                self._take(message)
            except Rejected as error:
                where = f"{self._name}, event {message.cursor}"
                self._items.append(Malformed(message.data[:KEPT_BYTES], str(error), where))
            self._moved = True

    def is_due(self) -> bool:
        """Whether a batch should be made of what was taken: at once if no extract is wanted."""
        if not self._moved and not self._items:
            return False
        changes = self._changes()
        waited = time.monotonic() - self._since
        return not changes or len(self._items) >= HELD or self._extracts.worth(changes, waited)

    def batch(self, waiting: str = "") -> Batch:
        """What was taken, with the extracts that can be had now."""
        extracts = self._extracts.of(self._changes())
        items, self._items, self._moved = self._items, [], False
        return Batch([self._told(one, extracts) for one in items], self.position.write(), waiting=waiting)

    def _changes(self) -> list[Change]:
        return [item for item in self._items if isinstance(item, Change)]

    def _take(self, message: Message) -> None:
        self.position = Position(message.cursor, self.position.at)
        if message.fault:
            raise Rejected(message.fault)
        if not message.data.strip():
            return
        event = Event.read(message.data)
        if event.at:
            self._compare(event.at)
            self.position = Position(message.cursor, event.at)
        if not event.is_canary and self._wanted.includes(event.members):
            self._items.append(Change.read(event.members, message.data))

    def _compare(self, at: int) -> None:
        """Tell a gap if the first event after a break is much later than the last one before it."""
        before, resumes, self._resumes = self.position.at, self._resumes, False
        if resumes and at - before > LONGEST:
            hours = (at - before) / 3600e6
            self._items.append(
                Gap(
                    f"{self._name} goes on at {to_datetime(at):%Y-%m-%d %H:%M:%S} UTC, {hours:,.1f} hours after the last event that was"
                    " read: the platform no longer remembers what came between"
                )
            )

    def _told(self, item: Change | Malformed | Gap, extracts: Found) -> Document | Malformed | Gap:
        if not isinstance(item, Change):
            return item
        try:
            return item.document(extracts.get(self._extracts.key(item), ""), self._limit)
        except Rejected as error:
            where = f"{self._name}, revision {item.revision} of {item.wiki}"
            return Malformed(item.data[:KEPT_BYTES], str(error), where)
