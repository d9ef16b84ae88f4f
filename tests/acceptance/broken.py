"""Workers and publishers that break a promise, for a proof to see: `python -m broken worker FAULT`, `python -m broken publisher FAULT`.

`python -m broken ungated FAULT` is a worker that can't be held at gates.
"""

import os
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from io import FileIO
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace

from headrace import adapters, supervisor
from headrace.adapters import Entry
from headrace.brokers.sqlite import SqliteBroker
from headrace.config import Settings
from headrace.documents import Body, Document, Outcome, pack, read
from headrace.documents import stamp as stamped
from headrace.errors import Rejected
from headrace.ingest.ingest import Ingest
from headrace.ingest.ledger import Saved
from headrace.ports import Batch as Read
from headrace.ports import Delivery, Malformed, Source, WorkerStatus
from headrace.proof import publisher, worker
from headrace.runtime import Stop
from headrace.stores.sqlite import SqliteStore
from headrace.testing.classifiers import signed_score
from headrace.urls import Connectors
from headrace.worker import launch
from headrace.worker.keeper import Batch, Keeper

ONE_IN = 50


class Hasty(Keeper):
    """Acknowledges before it writes."""

    def _settle(self, batch: Batch, outcomes: Sequence[Outcome]) -> None:
        self._broker.ack(batch.deliveries)
        super()._settle(batch, outcomes)

    def _ack(self, batch: Batch) -> None:
        self._held.remove(batch)


class Eager(Hasty):
    """Acknowledges once the results are written, and only then buries what failed."""

    def _settle(self, batch: Batch, outcomes: Sequence[Outcome]) -> None:
        self._settler.settle((), [outcome for outcome in outcomes if not outcome.dead])
        super()._settle(batch, outcomes)


class Suicidal(Hasty):
    """Acknowledges before it writes, and dies in between at every batch with one of some documents."""

    def _settle(self, batch: Batch, outcomes: Sequence[Outcome]) -> None:
        self._broker.ack(batch.deliveries)
        if any(_number(outcome, ONE_IN) == 0 for outcome in outcomes if outcome.document):
            os.kill(os.getpid(), signal.SIGKILL)
        super()._settle(batch, outcomes)


class Dawdling(Hasty):
    """Acknowledges before it writes, and takes its time in between."""

    def _settle(self, batch: Batch, outcomes: Sequence[Outcome]) -> None:
        self._broker.ack(batch.deliveries)
        time.sleep(1.0)
        super()._settle(batch, outcomes)


class Forgetful(SqliteStore):
    """Says that all is written, and leaves some out."""

    def write(self, outcomes: Sequence[Outcome]) -> None:
        super().write([one for one in outcomes if not one.document or _number(one, ONE_IN)])


class Altering(SqliteStore):
    """Writes each document in one of the wrong ways of ALTERATIONS, and half of them as they should be."""

    def write(self, outcomes: Sequence[Outcome]) -> None:
        super().write([one for outcome in outcomes for one in _altered(outcome)])


class Fickle(SqliteStore):
    """Takes a later answer of some documents instead of the first: with each write, and as a worker leaves."""

    def write(self, outcomes: Sequence[Outcome]) -> None:
        super().write(outcomes)
        self._change()

    def beat(self, worker: WorkerStatus) -> None:
        super().beat(worker)
        if worker.state == "stopped":
            self._change()

    def _change(self) -> None:
        with self._writing("changing answers") as connection:
            for number, text in connection.execute("SELECT n, text FROM documents WHERE n % 2 = 0").fetchall():
                score = signed_score(text, time.time_ns() // 1_000_000 % (1 << 24))
                connection.execute("UPDATE answers SET score = ? WHERE document = ?", (score, number))


class Rotten(SqliteStore):
    """Erases documents, and counts some too often, as a worker leaves."""

    def beat(self, worker: WorkerStatus) -> None:
        super().beat(worker)
        if worker.state == "stopped":
            self.erase([f"own-{place}" for place in range(10)])
            with self._writing("miscounting") as connection:
                connection.execute("UPDATE hours SET total = total + 1")


class Leaky(SqliteBroker):
    """Confirms all bodies, and loses the first of each call."""

    def publish(self, bodies: Sequence[Body]) -> None:
        super().publish(bodies[1:])


class Garbling(SqliteBroker):
    """Delivers each body without the beginning of its first line, however often it is delivered."""

    def receive(self, limit: int, wait: float) -> list[Delivery]:
        return [Delivery(one.data[20:], one.receipt) for one in super().receive(limit, wait)]


class CursorFirst(Ingest):
    """Saves the cursor before it publishes."""

    def run(self, source: Source, name: str, *, again: bool = False) -> bool:
        saved = None if again else self._load(name)
        for batch in source.read(saved.cursor if saved else None):
            self._save(name, Saved(batch.cursor, 0))
            self._take(batch)
        return True


class CursorBeforeBurial(Ingest):
    """Saves the cursor once it has published, and only then buries what is malformed."""

    def run(self, source: Source, name: str, *, again: bool = False) -> bool:
        saved = None if again else self._load(name)
        for batch in source.read(saved.cursor if saved else None):
            self._take(Read([item for item in batch.items if not isinstance(item, Malformed)], batch.cursor))
            self._save(name, Saved(batch.cursor, 0))
            self._take(Read([item for item in batch.items if isinstance(item, Malformed)], batch.cursor))
        return True


class Silent(Ingest):
    """Reads, and publishes nothing."""

    def _publish(self, documents: Sequence[Document]) -> int:
        return len(documents)


class Half(Ingest):
    """Publishes every second document."""

    def _publish(self, documents: Sequence[Document]) -> int:
        return super()._publish(documents[::2])


class Revising(Ingest):
    """Publishes each document in one of the wrong ways of REVISIONS, and half of them as they should be."""

    def _publish(self, documents: Sequence[Document]) -> int:
        return super()._publish([one for document in documents for one in _revised(document)])


def _altered(outcome: Outcome) -> Sequence[Outcome]:
    if outcome.dead:
        return _altered_letter(outcome)
    number = _number(outcome, 2 * len(ALTERATIONS))
    return ALTERATIONS[number](outcome) if number < len(ALTERATIONS) else [outcome]


def _altered_letter(outcome: Outcome) -> Sequence[Outcome]:
    (letter,) = outcome.dead
    if letter.kind == "killed":
        return []
    if letter.kind == "raised":
        return [replace(outcome, dead=(replace(letter, data=letter.data.replace(b"RAISE", b"RAIS")),))]
    return [outcome]


def _number(outcome: Outcome, of: int) -> int:
    """A number below `of` that a document has whenever it comes."""
    assert outcome.document is not None
    return sum(outcome.document.text.encode()) % of


def _answer(**changes: Any) -> Callable[[Outcome], Sequence[Outcome]]:
    return lambda outcome: [replace(outcome, predictions=tuple(replace(one, **changes) for one in outcome.predictions))]


def _document(**changes: Any) -> Callable[[Outcome], Sequence[Outcome]]:
    return lambda outcome: [replace(outcome, document=replace(outcome.document, **changes))]


#: What a worker may do to the outcome of a document that it should write as it is.
ALTERATIONS: Sequence[Callable[[Outcome], Sequence[Outcome]]] = (
    _answer(label="other"),
    _answer(score=0.5),
    _answer(model="proof@ffffff"),
    _answer(model="other@eeeeee"),
    _document(source=""),
    _document(meta={}),
    _document(created_at=None),
    _document(published_at=None),
    lambda outcome: _document(text=outcome.document.text[:-1])(outcome) if outcome.document else [],
    lambda outcome: [outcome, *_document(id="again")(outcome)],
)

#: What a publisher may do to a document that it should publish as it is.
REVISIONS: Sequence[Callable[[Document], Sequence[Document]]] = (
    lambda document: [document, replace(document, text=document.text + " again")],
    lambda document: [replace(document, meta={})],
    lambda document: [replace(document, source="another")],
    lambda document: [replace(document, created_at=None)],
    lambda document: [replace(document, published_at=1)],
    lambda _document: [],
)


def _revised(document: Document) -> Sequence[Document]:
    number = sum(document.text.encode()) % (2 * len(REVISIONS))
    return REVISIONS[number](document) if number < len(REVISIONS) else [document]


def publish_on_its_own(settings: Settings, task: publisher.Task, _stop: Stop, parent: FileIO) -> None:
    """A publisher of another kind: it has no gates, saves its cursor before it publishes, and takes its time at first."""
    connectors = Connectors(settings.broker, settings.store)
    name, pauses = publisher.cursor_name(Path(task.file)), [1.0]
    with closing(connectors.store()) as store, closing(connectors.broker()) as broker:
        while asked := parent.readline():
            lines = Path(task.file).read_bytes().split(b"\n")[:-1]
            for at in range(int(store.load(name) or 0), len(lines), 20):
                some = lines[at : at + 20]
                store.save(name, str(at + len(some)))
                time.sleep(pauses.pop() if pauses else 0)
                broker.publish(list(pack(filter(None, map(_readable, some)))))
            publisher.report(publisher.Report(done=int(asked)))


def _readable(line: bytes) -> Document | None:
    try:
        return stamped(read(msgspec.json.decode(line), source="files"), time.time_ns() // 1000)
    except (msgspec.DecodeError, Rejected):
        return None


KEEPERS: Mapping[str, type[Keeper]] = {"hasty": Hasty, "eager": Eager, "suicidal": Suicidal, "dawdling": Dawdling}
INGESTS: Mapping[str, type[Ingest]] = {
    "silent": Silent,
    "half": Half,
    "revising": Revising,
    "cursor-first": CursorFirst,
    "cursor-before-burial": CursorBeforeBurial,
}
STORES: Mapping[str, str] = {
    "forgetful": "Forgetful",
    "altering": "Altering",
    "fickle": "Fickle",
    "rotten": "Rotten",
}
BROKERS: Mapping[str, str] = {"leaky": "Leaky", "garbling": "Garbling"}


def main(role: str, fault: str) -> int:
    if fault == "idle":
        time.sleep(3600)
    if fault == "alone":
        return supervisor.run_child(publisher.Task, publish_on_its_own, death_signal=signal.SIGKILL)
    launch.Keeper = KEEPERS.get(fault, Keeper)
    publisher.Ingest = INGESTS.get(fault, Ingest)
    if fault in STORES:
        adapters.STORES = {"sqlite": Entry(f"broken:{STORES[fault]}")}
    if fault in BROKERS:
        adapters.BROKERS = {"sqlite": Entry(f"broken:{BROKERS[fault]}")}
    if role == "ungated":
        return launch.main()
    return worker.main() if role == "worker" else publisher.main()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
