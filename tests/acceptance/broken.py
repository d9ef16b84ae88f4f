"""Workers and publishers that break a promise, for a proof to see: `python -m broken worker FAULT`, `python -m broken publisher FAULT`."""

import os
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from headrace import urls
from headrace.brokers.sqlite import SqliteBroker
from headrace.documents import Body, Outcome, Prediction
from headrace.ports import Delivery, WorkerStatus
from headrace.proof import publisher
from headrace.stores.sqlite import SqliteStore
from headrace.urls import Entry
from headrace.worker import launch
from headrace.worker.keeper import Batch, Keeper

ONE_IN = 50


class Hasty(Keeper):
    """Acknowledges before it writes, and dies in between at every batch with one of some documents."""

    def _settle(self, batch: Batch, outcomes: Sequence[Outcome]) -> None:
        self._broker.ack(batch.deliveries)
        if any(map(_is_chosen, outcomes)):
            os.kill(os.getpid(), signal.SIGKILL)
        super()._settle(batch, outcomes)

    def _ack(self, batch: Batch) -> None:
        self._held.remove(batch)


class Forgetful(SqliteStore):
    """Says that all is written, and leaves some out."""

    def write(self, outcomes: Sequence[Outcome]) -> None:
        super().write([outcome for outcome in outcomes if not _is_chosen(outcome)])


class Lying(SqliteStore):
    """Writes the wrong label for some."""

    def write(self, outcomes: Sequence[Outcome]) -> None:
        super().write([_with(outcome, label="other") if _is_chosen(outcome) else outcome for outcome in outcomes])


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
            connection.execute("UPDATE answers SET score = score + 1 WHERE document % 2 = 0")


class Leaky(SqliteBroker):
    """Confirms all bodies, and loses the first of each call."""

    def publish(self, bodies: Sequence[Body]) -> None:
        super().publish(bodies[1:])


class Garbling(SqliteBroker):
    """Delivers each body without the beginning of its first line, however often it is delivered."""

    def receive(self, limit: int, wait: float) -> list[Delivery]:
        return [Delivery(one.data[20:], one.receipt) for one in super().receive(limit, wait)]


def _is_chosen(outcome: Outcome) -> bool:
    return bool(outcome.predictions) and sum(outcome.document.text.encode()) % ONE_IN == 0


def _with(outcome: Outcome, **changes: Any) -> Outcome:
    changed: tuple[Prediction, ...] = tuple(msgspec.structs.replace(one, **changes) for one in outcome.predictions)
    return msgspec.structs.replace(outcome, predictions=changed)


STORES: Mapping[str, str] = {"forgetful": "Forgetful", "lying": "Lying", "fickle": "Fickle"}
BROKERS: Mapping[str, str] = {"leaky": "Leaky", "garbling": "Garbling"}


def main(role: str, fault: str) -> int:
    if fault == "idle":
        time.sleep(3600)
    if fault == "hasty":
        launch.Keeper = Hasty
    if fault in STORES:
        urls.STORES = {"sqlite": Entry(f"broken:{STORES[fault]}")}
    if fault in BROKERS:
        urls.BROKERS = {"sqlite": Entry(f"broken:{BROKERS[fault]}")}
    return launch.main() if role == "worker" else publisher.main()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
