"""source → broker. The cursor is saved after the broker has confirmed, so a crash repeats some documents and loses none."""

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, suppress
from functools import partial
from itertools import pairwise
from typing import Protocol, TypeVar

from headrace.belonging import erased_at
from headrace.burial import bury, bury_bytes
from headrace.documents import BODY_BYTES, Body, Document, Outcome, microseconds, pack, stamp
from headrace.errors import HeadraceError, Rejected, Unavailable
from headrace.ingest import ledger as ledgers
from headrace.ingest.accounts import Accounts, Tally
from headrace.ingest.flow import Flow, FlowControl
from headrace.ingest.idleness import Idleness
from headrace.ingest.ledger import Ledger, Saved
from headrace.ingest.pace import Pace
from headrace.ingest.recent import REMEMBERED, Recent
from headrace.ingest.shedding import Rule
from headrace.log import logger
from headrace.ports import AuthorDeletion, Batch, Deletion, Gap, Item, Malformed, Source, StoreAdapter
from headrace.retrying import delays, isolate, patiently, until_stopped
from headrace.runtime import Stop

SAVE_SECONDS = 1.0  # between two cursors that are saved though nothing came

LOG = logger("headrace.ingest")

T = TypeVar("T")


class Publishes(Protocol):
    """The part of a broker that ingest uses."""

    def body_bytes(self) -> int:
        """See `ports.Broker`."""
        ...

    def publish(self, bodies: Sequence[Body]) -> None:
        """See `ports.Broker`."""
        ...


class Ingest:
    """Publishes the documents of sources.

    A malformed record is buried in the store with its place in the source, a document that the broker rejects is buried too, and a
    document that was deleted at the source is erased. `progress` is called after each batch. An unavailable source, broker or store is
    waited for. `rate`: documents a second, at most. `until_idle`: seconds without an item after which a source counts as read. `flow`
    pauses or sheds while the broker's backlog is too long.

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
        rate: float | None = None,
        until_idle: float | None = None,
        flow: FlowControl | None = None,
    ) -> None:
        self._broker, self._store, self._stop, self._progress = broker, store, stop, progress
        self._recent = Recent(remembered)
        self._pace = Pace(rate, stop)
        self._idleness = Idleness(until_idle, stop)
        self._flow = flow or FlowControl(stop)
        self._accounts = Accounts()

    @property
    def tally(self) -> Tally:
        """What became of the documents of all sources so far."""
        return self._accounts.tally

    def run(self, source: Source, name: str, *, url: str = "", again: bool = False, shed: Rule | None = None) -> bool:
        """Publish the source from the cursor that is saved under `name`, or from its start if `again`; whether it was read to its end, or
        was idle. `url` is where it is, for the ledger; `shed` the rule by which it is shed, if it has to be.

        Returns early if the stop is requested. Raises Unavailable if it is requested while something is waited for; then the cursor stays
        at the last batch that was published completely.
        """
        saved = self._load(name)
        self._saved = saved = saved or Saved("", 0, Ledger())
        self._accounts.open(saved.ledger or Ledger(counts={"published": saved.published}), url or name)
        if again:
            self._saved = Saved("", 0)
        self.tally.repeated += self._saved.published
        # A file is never idle: it is read again up to its cursor first.
        may_be_idle = getattr(source, "endless", True) or not name
        try:
            with self._idleness.closing(source, may_be_idle=may_be_idle):
                self._read(source, name, shed)
        except Unavailable:
            raise
        except Exception as error:
            told = str(error) if isinstance(error, HeadraceError) else f"{type(error).__name__}: {error}"
            self._accounts.ledger.state, self._accounts.ledger.told = "failed", told
            with suppress(HeadraceError):  # what was wrong first is raised
                self._save(name, self._saved)
            raise
        self._accounts.ledger.state, self._accounts.ledger.told = "stopped" if self._stop.requested else "ended", ""
        self._insist(partial(self._save, name, self._saved))
        return not self._stop.requested

    def _read(self, source: Source, name: str, shed: Rule | None) -> None:
        """Take all batches, and save the cursor after each."""
        before, last, cursor = self._saved.published, 0.0, self._saved.cursor
        batches = self._batches(source, cursor or None, resumable=bool(name))
        with closing(self._flow.batches(source, batches, cursor, shed)) as flows:
            for flow in flows:
                batch = flow.batch
                if batch.restarted:
                    LOG.warning(f"{name}: {batch.restarted}; reading it from its start")
                    self.tally.repeated -= before
                    before = 0
                with self._idleness.interrupted():
                    before += self._take(batch)
                    self._accounts.note(flow)
                    self._saved = Saved(batch.cursor, before)
                    if self._is_news(name, flow) or time.monotonic() - last >= SAVE_SECONDS:
                        self._insist(partial(self._save, name, self._saved))
                        last = time.monotonic()
                    self._progress(self.tally)
                if flow.state == "paused":
                    self._idleness.suspend()
                elif batch.items or flow.shed:
                    self._idleness.begin()

    def _batches(self, source: Source, cursor: str | None, *, resumable: bool) -> Generator[Batch]:
        """The source's batches. While one that is resumable is unavailable, it is read again from the last cursor, with back-off."""
        waits = delays()
        self._idleness.begin()
        while True:
            try:
                for batch in source.read(cursor):
                    yield batch
                    cursor, waits = batch.cursor, delays()
                return
            except Unavailable as error:
                if not resumable:
                    raise
                yield Batch((), cursor or "", waiting=f"waiting, and trying again: {error}")
                if self._stop.wait(next(waits)):
                    raise

    def _is_news(self, name: str, flow: Flow) -> bool:
        """Note how the source is doing; whether that has changed, or something came."""
        ledger = self._accounts.ledger
        before, ledger.told = ledger.told, flow.told
        ledger.state = flow.state
        if flow.told and flow.told != before:
            LOG.warning(f"{name.removesuffix(':')}: {flow.told}")
        return flow.told != before or bool(flow.batch.items) or flow.shed > 0

    def _take(self, batch: Batch) -> int:
        """Publish, bury and erase what a batch holds; how many documents were published."""
        return sum(self._take_part(part) for part in _parts(batch.items))

    def _take_part(self, items: Sequence[Item]) -> int:
        """Take a part of a batch in which every deletion stands at the end; how many documents were published."""
        now = microseconds()
        documents = [stamp(document, now) for document in self._new(items, now)]
        published = sum(map(self._publish, self._pace.slices(documents)))
        malformed = [item for item in items if isinstance(item, Malformed)]
        buried = [
            Outcome(None, dead=(bury_bytes(item.data, f"{item.where}: {item.reason}", published_at=now),))
            for item in malformed
        ]
        deleted = [item.id for item in items if isinstance(item, Deletion)]
        gone = [item.author for item in items if isinstance(item, AuthorDeletion)]
        self._insist(lambda: self._store.write(buried))
        if deleted or gone:
            self._insist(lambda: self._store.erase(deleted, authors=gone))
        for gap in (item for item in items if isinstance(item, Gap)):
            LOG.warning(f"the source lost documents: {gap.reason}")
            self._accounts.miss(gap)
        if malformed and not self.tally.fault:
            self.tally.fault = f"{malformed[0].where}: {malformed[0].reason}"
        self._accounts.count("read", sum(isinstance(item, Document | Malformed) for item in items))
        self._accounts.count("malformed", len(buried))
        self._accounts.count("erased", len(deleted) + len(gone))
        return published

    def _publish(self, documents: Sequence[Document]) -> int:
        """Publish documents, and bury those that the broker rejects; how many were published."""

        def publish(some: Sequence[Document]) -> int:
            bodies = list(pack(some, target=min(BODY_BYTES, self._broker.body_bytes())))
            self._broker.publish(bodies)
            self._flow.published(len(bodies))
            return len(some)

        published = sum(isolate(documents, lambda some: self._insist(partial(publish, some)), self._refuse))
        self._accounts.count("published", published)
        self._accounts.lag(documents[-1])
        return published

    def _refuse(self, document: Document, error: Rejected) -> int:
        """Bury a document that the broker rejects; 0, the number that was published."""
        letter = bury(document, "refused", str(error))
        self._insist(lambda: self._store.write([Outcome(None, dead=(letter,))]))
        self._accounts.count("refused", 1)
        return 0

    def _new(self, items: Sequence[Item], now: int) -> list[Document]:
        """The documents among these that are not remembered as published, or were erased since. They are remembered as published now."""
        documents = [item for item in items if isinstance(item, Document)]
        known = [one for one in documents if self._recent.published_at(one) is not None]
        erased = self._insist(lambda: erased_at(self._store, known)) if known else {}
        new: list[Document] = []
        for document in documents:
            before = self._recent.published_at(document)
            if before is None or before <= erased.get(document.id, -1) < now:
                self._recent.add(document, now)
                new.append(document)
        self._accounts.count("repeated", len(documents) - len(new))
        return new

    def _load(self, name: str) -> Saved | None:
        return self._insist(lambda: ledgers.load(self._store, name)) if name else None

    def _save(self, name: str, saved: Saved) -> None:
        if name:
            ledgers.save(self._store, name, Saved(saved.cursor, saved.published, self._accounts.ledger))

    def _insist(self, call: Callable[[], T]) -> T:
        """The call's value, however long it takes. Raises Unavailable if the stop is requested first."""
        return patiently(call, until_stopped(self._stop, LOG.warning))


def _parts(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    """The items in parts that end after a deletion, so that what follows it is published after the erasure."""
    begin = 0
    for place, (item, following) in enumerate(pairwise(items), 1):
        if isinstance(item, Deletion | AuthorDeletion) and not isinstance(following, Deletion | AuthorDeletion):
            yield items[begin:place]
            begin = place
    yield items[begin:]
