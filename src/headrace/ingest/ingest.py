"""source → broker. The cursor is saved after the broker has confirmed, so a crash repeats some documents and loses none."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Protocol, TypeVar

import msgspec

from headrace.burial import bury, bury_bytes
from headrace.documents import BODY_BYTES, Body, Document, Outcome, microseconds, pack, stamp
from headrace.errors import Rejected
from headrace.ingest.recent import REMEMBERED, Recent
from headrace.log import logger
from headrace.ports import Batch, Deletion, Gap, Malformed, Source, StoreAdapter
from headrace.retrying import isolate, patiently, until_stopped
from headrace.runtime import Stop

WATCH_SECONDS = 0.1  # between two looks at whether the source is read to its end

LOG = logger("headrace.ingest")

T = TypeVar("T")
Item = Document | Deletion | Malformed | Gap


class Publishes(Protocol):
    """The part of a broker that ingest uses."""

    def body_bytes(self) -> int:
        """See `ports.Broker`."""
        ...

    def publish(self, bodies: Sequence[Body]) -> None:
        """See `ports.Broker`."""
        ...


class Saved(msgspec.Struct, frozen=True):
    """What is saved as the cursor: the source's own cursor, and how many documents were published up to it."""

    cursor: str
    published: int


@dataclass
class Tally:
    """How many documents were read, by what became of them."""

    published: int = 0
    repeated: int = 0  # published before, by this run or by the earlier one that it continues
    malformed: int = 0  # not documents; buried
    fault: str = ""  # the place of the first of those, and why it is not one
    refused: int = 0  # rejected by the broker; buried
    erased: int = 0  # deleted at the source
    gaps: int = 0  # not documents: how often the source lost some


class Ingest:
    """Publishes the documents of sources.

    A malformed record is buried in the store with its place in the source, a document that the broker rejects is buried too, and a
    document that was deleted at the source is erased. `progress` is called after each batch. An unavailable broker or store is waited for.

    A document that comes again is not published again, unless it was erased in between: then it is a new one. That holds among the last
    `remembered` documents at least; an older repetition is published, and the store absorbs it.
    """

    def __init__(
        self,
        broker: Publishes,
        store: StoreAdapter,
        *,
        stop: Stop,
        progress: Callable[[Tally], None] = lambda _tally: None,
        remembered: int = REMEMBERED,
    ) -> None:
        self._broker, self._store, self._stop, self._progress = broker, store, stop, progress
        self._recent = Recent(remembered)
        self.tally = Tally()

    def run(self, source: Source, name: str, *, again: bool = False) -> bool:
        """Publish the source from the cursor that is saved under `name`, or from its start if `again`; whether it was read to its end.

        Returns early if the stop is requested. Raises Unavailable if it is requested while something is waited for; then the cursor stays
        at the last batch that was published completely.
        """
        saved = None if again else self._load(name)
        before = saved.published if saved else 0
        self.tally.repeated += before
        with _closed_at(self._stop, source):
            for batch in source.read(saved.cursor if saved else None):
                if batch.restarted:
                    LOG.warning(f"{name}: {batch.restarted}; reading it from its start")
                    self.tally.repeated -= before
                    before = 0
                before += self._take(batch)
                self._insist(partial(self._save, name, Saved(batch.cursor, before)))
                self._progress(self.tally)
                if self._stop.requested:
                    return False
        return not self._stop.requested

    def _take(self, batch: Batch) -> int:
        """Publish, bury and erase what a batch holds; how many documents were published."""
        return sum(self._take_part(part) for part in _parts(batch.items))

    def _take_part(self, items: Sequence[Item]) -> int:
        """Take a part of a batch in which every deletion stands at the end; how many documents were published."""
        now = microseconds()
        documents = [stamp(document, now) for document in self._new(items, now)]
        buried = [
            Outcome(None, dead=(bury_bytes(item.data, f"{item.where}: {item.reason}", published_at=now),))
            for item in items
            if isinstance(item, Malformed)
        ]
        deleted = [item.id for item in items if isinstance(item, Deletion)]
        for item in items:
            if isinstance(item, Malformed) and not self.tally.fault:
                self.tally.fault = f"{item.where}: {item.reason}"
        published = self._publish(documents)
        self._insist(lambda: self._store.write(buried))
        if deleted:
            self._insist(lambda: self._store.erase(deleted))
        for item in items:
            if isinstance(item, Gap):
                LOG.warning(f"the source lost documents: {item.reason}")
                self.tally.gaps += 1
        self.tally.published += published
        self.tally.malformed += len(buried)
        self.tally.erased += len(deleted)
        return published

    def _publish(self, documents: Sequence[Document]) -> int:
        """Publish documents, and bury those that the broker rejects; how many were published."""

        def publish(some: Sequence[Document]) -> int:
            bodies = list(pack(some, target=min(BODY_BYTES, self._broker.body_bytes())))
            self._broker.publish(bodies)
            return len(some)

        return sum(isolate(documents, lambda some: self._insist(partial(publish, some)), self._refuse))

    def _refuse(self, document: Document, error: Rejected) -> int:
        """Bury a document that the broker rejects; 0, the number that was published."""
        letter = bury(document, "refused", str(error))
        self._insist(lambda: self._store.write([Outcome(None, dead=(letter,))]))
        self.tally.refused += 1
        return 0

    def _new(self, items: Sequence[Item], now: int) -> list[Document]:
        """The documents among these that are not remembered as published, or were erased since. They are remembered as published now."""
        documents = [item for item in items if isinstance(item, Document)]
        known = {one.id for one in documents if self._recent.published_at(one) is not None}
        erased = self._insist(lambda: self._store.erased(sorted(known))) if known else {}
        new: list[Document] = []
        for document in documents:
            before = self._recent.published_at(document)
            if before is None or before <= erased.get(document.id, -1) < now:
                self._recent.add(document, now)
                new.append(document)
            else:
                self.tally.repeated += 1
        return new

    def _load(self, name: str) -> Saved | None:
        text = self._insist(lambda: self._store.load(name))
        return msgspec.json.decode(text, type=Saved) if text else None

    def _save(self, name: str, saved: Saved) -> None:
        self._store.save(name, msgspec.json.encode(saved).decode())

    def _insist(self, call: Callable[[], T]) -> T:
        """The call's value, however long it takes. Raises Unavailable if the stop is requested first."""
        return patiently(call, until_stopped(self._stop, LOG.warning))


def _parts(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    """The items in parts that end after a deletion, so that what follows it is published after the erasure."""
    begin = 0
    for place, (item, following) in enumerate(pairwise(items), 1):
        if isinstance(item, Deletion) and not isinstance(following, Deletion):
            yield items[begin:place]
            begin = place
    yield items[begin:]


@contextmanager
def _closed_at(stop: Stop, source: Source) -> Iterator[None]:
    """Within the block, close the source as soon as the stop is requested, even while it waits for its next document."""
    done = threading.Event()

    def watch() -> None:
        while not done.is_set():
            if stop.wait(WATCH_SECONDS):
                source.close()
                return

    threading.Thread(target=watch, name="ingest watch", daemon=True).start()
    try:
        yield
    finally:
        done.set()
