"""A publisher of a proof, in a process of its own: an ingest of a growing file that may be killed and started again at any point."""

import os
import queue
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing
from io import FileIO
from pathlib import Path

import msgspec

from headrace import supervisor
from headrace.config import Settings
from headrace.documents import Body, Document
from headrace.file_options import FileOptions
from headrace.ingest.ingest import Ingest, Publishes
from headrace.ports import Batch, Malformed, Source
from headrace.proof.gates import CURSOR_SAVED, PUBLISHED, Gates
from headrace.proof.workload import stored_id, truncate
from headrace.runtime import Stop
from headrace.urls import Connectors, open_file
from headrace.worker import launch

MODULE = "headrace.proof.publisher"
ROLE = "publisher"


class Task(msgspec.Struct, frozen=True):
    """The file to publish, and the folder of the gates.

    Each further line on standard input, a number, asks for the file as it is by then.
    """

    file: str
    gates: str


class Report(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a publisher reports, as a line on its standard output.

    `confirmed`: the broker has confirmed some documents whose cursor is not saved yet. `saved`: the ids of the documents up to the cursor
    that was just saved. `done`: the file is published as it was when the line with this number was written to standard input.
    """

    confirmed: bool = False
    saved: list[str] = []
    done: int = 0


class ReportingBroker:
    """Publishes to a broker, reports that it has confirmed, and cuts those lines short that the workload wants malformed."""

    def __init__(self, broker: Publishes) -> None:
        self._broker = broker

    def body_bytes(self) -> int:
        return self._broker.body_bytes()

    def publish(self, bodies: Sequence[Body]) -> None:
        self._broker.publish([truncate(body) for body in bodies])
        if bodies:
            report(Report(confirmed=True))


class ReportingSource:
    """Reads a source, and reports each batch once the cursor after it is saved: when the next one is asked for."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def read(self, after: str | None = None) -> Iterator[Batch]:
        for batch in self._source.read(after):
            yield batch
            report(Report(saved=[stored_id(item) for item in batch.items if isinstance(item, Document | Malformed)]))

    def close(self) -> None:
        self._source.close()


def report(said: Report) -> None:
    """Report to the parent."""
    os.write(1, msgspec.json.encode(said) + b"\n")


def order(settings: Settings, file: Path, gates: Path) -> bytes:
    """The order to a publisher of this file."""
    return supervisor.order(settings, Task(str(file), str(gates)))


def cursor_name(file: Path) -> str:
    """The name under which the publisher of a file saves its cursor."""
    return f"files:{file}"


def main() -> int:
    """A publisher that was started by a proof."""
    return supervisor.run_child(Task, _publish, death_signal=signal.SIGKILL)


def _publish(settings: Settings, task: Task, stop: Stop, parent: FileIO) -> None:
    """Publish what the file has grown by, each time that the parent asks, until the parent closes the pipe."""
    asked: queue.SimpleQueue[int] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(parent, asked, stop), name="parent", daemon=True).start()
    gates = Gates(Path(task.gates))
    gates.announce(ROLE)
    connectors = Connectors(settings.broker, settings.store)
    with (
        closing(launch.connected(connectors.store, stop)) as store,
        closing(launch.connected(connectors.broker, stop)) as broker,
    ):
        publishes = gates.watch(ReportingBroker(broker), {"publish": PUBLISHED}, stop)
        ingest = Ingest(publishes, gates.watch(store, {"save": CURSOR_SAVED}, stop), stop=stop)
        while number := asked.get():
            source = open_file(task.file, limit=settings.document_bytes, options=FileOptions("jsonl"))
            ingest.run(ReportingSource(source), cursor_name(Path(task.file)))
            report(Report(done=number))


def _listen(parent: FileIO, asked: "queue.SimpleQueue[int]", stop: Stop) -> None:
    while line := parent.readline():
        asked.put(int(line))
    asked.put(0)
    stop.request()


if __name__ == "__main__":
    sys.exit(main())
