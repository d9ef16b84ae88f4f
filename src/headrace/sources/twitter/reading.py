"""The stream as it is read: what has come, what is filled in, what is paid, and how far that is."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress

from headrace.documents import Document, parse
from headrace.errors import Rejected
from headrace.ports import Batch, Gap, Item
from headrace.sources.back_off import Broken, Kind
from headrace.sources.records import Record
from headrace.sources.stream import Message, Part
from headrace.sources.twitter.backfill import Backfill, Break, shown
from headrace.sources.twitter.budget import seconds_left
from headrace.sources.twitter.connection import TOO_LONG, StreamConnection
from headrace.sources.twitter.documents import SOURCE
from headrace.sources.twitter.messages import Messages
from headrace.sources.twitter.progress import Progress, numbers_in
from headrace.sources.twitter.source import MESSAGE_BYTES
from headrace.sources.x_api.api import Api

SAVE_SECONDS = 10.0  #: between two cursors that only say that nothing has come
LOOK_SECONDS = 3600.0  #: between two looks at whether the month has ended for which the budget is spent
_AGAIN = "; trying again in "  # begins what a stream adds to the reason why nothing comes


class Reading:
    """Takes the parts of a stream. `parameters` are what is asked for of each post; without a `backfill`, breaks are told, not filled."""

    def __init__(
        self,
        api: Api,
        parameters: Mapping[str, str],
        progress: Progress,
        backfill: Backfill | None,
        *,
        name: str,
        limit: int,
    ) -> None:
        self._api, self._parameters, self._progress, self._backfill, self._name = (
            api,
            parameters,
            progress,
            backfill,
            name,
        )
        self._messages = Messages(limit)
        self._made: StreamConnection | None = None  # by the thread that reads
        self._connection: StreamConnection | None = None  # as it was told
        self._whole = progress.at  # until when all has come, apart from breaks that are not filled yet
        self._reason = self._told = ""
        self._saved_at = 0.0

    def connect(self, _cursor: str) -> StreamConnection:
        """Connect, unless the budget is spent. Raises Broken."""
        if self._spent():
            with suppress(Broken):  # costs nothing, and tells the time
                self._api.usage()
        if told := self._spent():
            raise Broken(Kind.LIMITED, told, min(seconds_left(self._api.time.now()), LOOK_SECONDS))
        self._made = StreamConnection(self._api, self._parameters)
        return self._made

    def batches(self, part: Part) -> Iterator[Batch]:
        """The batches of a part of the stream."""
        if part.connected and self._made is not None:
            self._connection, self._reason, self._told = self._made, "", ""
            yield self._batch(self._reconnected(self._made.opened))
        if part.messages:
            self._whole = max(self._whole, int(part.messages[-1].cursor))
            yield self._taken([self._record(message) for message in part.messages])
        elif part.waiting:
            yield self._waiting(part.waiting)
        elif not part.connected and self._connection is not None:
            self._whole = max(self._whole, self._connection.alive)
            if time.monotonic() - self._saved_at >= SAVE_SECONDS:
                yield self._batch([])
        yield from self._filled()

    def _reconnected(self, now: int) -> Sequence[Item]:
        """Note the break that ends with this connection; what is told of it."""
        progress, since = self._progress, min(self._whole, now)
        self._whole = now
        if not progress.at:
            return ()
        told = f"{self._name} was not read from {shown(since)} to {shown(now)} UTC"
        if progress.spent:
            progress.spent = False
            return [Gap(f"{told}: the budget of posts was spent")]
        if self._backfill is None:
            return [Gap(f"{told}, and what was missed is not searched for: fill=no")]
        self._backfill.add(Break(since, now))
        return ()

    def _filled(self) -> Iterator[Batch]:
        """What a search has found of what was missed."""
        found = self._backfill.step() if self._backfill else None
        if found is None:
            return
        before = time.monotonic()
        records = [Record(b"", f"{self._name}, search", page) for page in found.pages]
        yield self._taken(records, found.gaps, filling=True)
        self._saved_at = before

    def _taken(self, records: Sequence[Record], gaps: Sequence[Gap] = (), *, filling: bool = False) -> Batch:
        now = self._api.time.now()
        items: list[Item] = [*gaps]
        paid = 0
        for record in records:
            paid += self._progress.budget.count(numbers_in(record.members), now)
            items += (item for item in self._messages.items(record) if not self._is_told(item))
        filled = sum(isinstance(item, Document) for item in items) if filling else 0
        return self._batch(items, paid, filled)

    def _batch(self, items: Sequence[Item], paid: int = 0, filled: int = 0) -> Batch:
        """A batch with the cursor after it."""
        self._heed_budget()
        since = self._backfill.since if self._backfill else None
        if not self._progress.spent:
            self._progress.at = self._whole if since is None else min(since, self._whole)
        self._saved_at = time.monotonic()
        return Batch(items, self._progress.write(), waiting=self._told, paid=paid, filled=filled)

    def _waiting(self, told: str) -> Batch:
        """A batch that tells why nothing comes, in the same words as long as the reason is the same."""
        reason = told.partition(_AGAIN)[0]
        if reason != self._reason:
            self._reason, self._told = reason, reason if reason == self._spent() else told
        return self._batch([])

    def _spent(self) -> str:
        """That the budget is spent; empty if it is not."""
        now = self._api.time.now()
        return self._progress.budget.told(now) if self._progress.budget.left(now) == 0 else ""

    def _heed_budget(self) -> None:
        """Read no more once the budget is spent: what comes until it is anew is not searched for either, and is told then."""
        if self._progress.budget.left(self._api.time.now()) != 0 or self._progress.spent:
            return
        since = self._backfill.since if self._backfill else None
        self._progress.spent = True
        if self._backfill:
            self._backfill.give_up()
        self._whole = self._progress.at = self._whole if since is None else min(since, self._whole)
        if self._connection is not None:
            self._connection.close()

    def _record(self, message: Message) -> Record:
        where = f"{self._name}, message at {shown(int(message.cursor))} UTC"
        if message.event == TOO_LONG:
            return Record(message.data, where, None, f"the message is longer than {MESSAGE_BYTES:,} bytes")
        try:
            return Record(message.data, where, parse(message.data, lenient=True))
        except Rejected as error:
            return Record(message.data, where, None, str(error))

    def _is_told(self, item: Item) -> bool:
        number = item.id.removeprefix(f"{SOURCE}:") if isinstance(item, Document) else ""
        return bool(number) and self._progress.is_told(int(number))
