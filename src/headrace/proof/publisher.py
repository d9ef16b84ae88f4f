"""A publisher of a proof, in a process of its own: an ingest of a file that grows, killed and started again wherever it is."""

import os
import queue
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing
from io import FileIO

import msgspec

from headrace import runtime
from headrace.config import Settings
from headrace.documents import Body, Document
from headrace.errors import HeadraceError
from headrace.ingest.ingest import Ingest, Publishes
from headrace.ports import Batch, Malformed, Source
from headrace.proof.workload import comes_out_as, spoil
from headrace.runtime import Stop
from headrace.urls import Connectors, open_file
from headrace.worker import launch

MODULE = "headrace.proof.publisher"


class Order(msgspec.Struct, frozen=True):
    """What a publisher is told, as the first line on its standard input; each further line, a number, lets it read on."""

    parent: int
    file: str
    settings: dict[str, str | int | float | bool]


def order(settings: Settings, file: str) -> bytes:
    """What a publisher of this file is told first."""
    return msgspec.json.encode(Order(os.getpid(), file, msgspec.to_builtins(settings))) + b"\n"


class Told(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a publisher tells, as a line on its standard output.

    `confirmed`: the broker has something, and the cursor isn't saved yet. `saved`: the ids up to the cursor that is saved. `done`: the
    file is read as far as it was with the line on standard input that holds this number.
    """

    confirmed: bool = False
    saved: list[str] = []
    done: int = 0


class Spoiling:
    """A broker in front of a broker: cuts short what has to be malformed, and tells when it is confirmed."""

    def __init__(self, broker: Publishes) -> None:
        self._broker = broker

    def body_bytes(self) -> int:
        return self._broker.body_bytes()

    def publish(self, bodies: Sequence[Body]) -> None:
        self._broker.publish([spoil(body) for body in bodies])
        if bodies:
            tell(Told(confirmed=True))


class Telling:
    """A source in front of a source: tells what it gave, once the cursor after it is saved."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def read(self, after: str | None = None) -> Iterator[Batch]:
        for batch in self._source.read(after):
            yield batch
            tell(Told(saved=[comes_out_as(item) for item in batch.items if isinstance(item, Document | Malformed)]))

    def close(self) -> None:
        self._source.close()


def tell(told: Told) -> None:
    """Tell the parent."""
    os.write(1, msgspec.json.encode(told) + b"\n")


def publish(given: Order, parent: FileIO, connectors: Connectors, stop: Stop) -> None:
    """Publish the file as far as it has grown, each time that the parent says so, until it says no more."""
    settings = msgspec.convert(given.settings, Settings)
    asked: queue.SimpleQueue[int] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(parent, asked, stop), name="parent", daemon=True).start()
    with (
        closing(launch.insist(connectors.store, stop)) as store,
        closing(launch.insist(connectors.broker, stop)) as broker,
    ):
        work = Ingest(Spoiling(broker), store, stop=stop)
        while number := asked.get():
            work.run(Telling(open_file(given.file, kind="jsonl", limit=settings.document_bytes)), f"files:{given.file}")
            tell(Told(done=number))


def main() -> int:
    """A publisher that was started by the proof."""
    # Not by standard input's own reader: with a thread that waits in there the process would abort as it ends.
    parent = FileIO(0, closefd=False)
    given = msgspec.json.decode(parent.readline(), type=Order)
    stop = Stop()
    runtime.on_signals(stop, lambda: None)
    runtime.follow_parent(given.parent, signal.SIGKILL)
    try:
        connectors = Connectors(str(given.settings["broker"]), str(given.settings["store"]))
        publish(given, parent, connectors, stop)
    except HeadraceError as error:
        launch.LOG.error(str(error))
        return error.status
    return 0


def _listen(parent: FileIO, asked: "queue.SimpleQueue[int]", stop: Stop) -> None:
    while line := parent.readline():
        asked.put(int(line))
    asked.put(0)
    stop.request()


if __name__ == "__main__":
    sys.exit(main())
