"""Settling a batch: its outcomes are written, then published, then its publishers get their replies. Only then is it acknowledged.

What the store or the broker of results rejects is buried with the reason `refused`, so that one document never holds up the others.
"""

from collections.abc import Callable, Sequence
from itertools import chain
from typing import Protocol, TypeVar

from headrace.burial import bury, bury_bytes
from headrace.documents import DeadLetter, Outcome, decode, encode, microseconds, unpack
from headrace.errors import Rejected
from headrace.meter import Meter
from headrace.ports import Delivery, Store
from headrace.retrying import isolate
from headrace.worker.measuring import count_written
from headrace.worker.results import ResultPublisher

#: Bytes of a document, and characters of the reason, that are kept if the store rejects the whole as a dead letter too.
REFUSED_BYTES = 1024

T = TypeVar("T")


class Insist(Protocol):
    """Makes a call, and makes it again while it raises Unavailable; `what` is waited for. A `stage` that is named is timed."""

    def __call__(self, call: Callable[[], T], what: str, stage: str = "") -> T: ...


class Settler:
    """Settles batches in a store, and with a publisher of results and replies. Every call to them goes through `insist`."""

    def __init__(self, store: Store, publisher: ResultPublisher, meter: Meter, insist: Insist) -> None:
        self._store, self._publisher, self._meter, self._insist = store, publisher, meter, insist

    def settle(self, deliveries: Sequence[Delivery], outcomes: Sequence[Outcome]) -> None:
        """Write, publish and reply; the caller acknowledges the deliveries afterwards. Settling them twice is harmless.

        `outcomes` has one for each line of the deliveries, in their order.
        """
        self._write(outcomes)
        stage = "reply" if any(delivery.reply is not None for delivery in deliveries) else ""
        self._insist(lambda: self._publisher.reply(deliveries, outcomes), "store", stage)

    def _write(self, outcomes: Sequence[Outcome]) -> None:
        def write(some: Sequence[Outcome]) -> Sequence[Outcome]:
            self._insist(lambda: self._store.write(some), "store", "write")
            return some

        def refuse(outcome: Outcome, error: Rejected) -> Sequence[Outcome]:
            self._bury(outcome, str(error))
            return ()

        written = list(chain.from_iterable(isolate(outcomes, write, refuse)))
        for outcome, reason in self._publish(written):
            self._bury(outcome, f"the result can't be published: {reason}")
        count_written(self._meter, written)

    def _bury(self, outcome: Outcome, reason: str) -> None:
        """Bury an outcome that was rejected; only the beginning of its document if that is rejected too."""
        document = outcome.document
        data = encode(document) if document is not None else outcome.dead[0].data
        now = microseconds()
        letter = bury(document, "refused", reason) if document else _refused(data, reason, now)
        try:
            self._write_letter(letter)
        except Rejected:
            self._write_letter(_refused(data[:REFUSED_BYTES], reason[:REFUSED_BYTES], now))

    def _write_letter(self, letter: DeadLetter) -> None:
        outcomes = [Outcome(None, dead=(letter,))]
        self._insist(lambda: self._store.write(outcomes), "store", "write")
        for _, reason in self._publish(outcomes):
            raise Rejected(reason)
        count_written(self._meter, outcomes)

    def _publish(self, outcomes: Sequence[Outcome]) -> list[tuple[Outcome, str]]:
        """Publish what the store has written, if results are published; the list holds what never can be, and why."""
        stage = "publish" if self._publisher.publishes else ""
        return self._insist(lambda: self._publisher.publish(outcomes), "results", stage)


def evicted(deliveries: Sequence[Delivery]) -> list[Outcome]:
    """An outcome for each line of deliveries that the broker's server has put out of the queue: a dead letter `evicted`."""
    return [_evicted(delivery, line) for delivery in deliveries for line in unpack(delivery.data)]


def _evicted(delivery: Delivery, line: bytes) -> Outcome:
    reason = f"the broker's server put it out of the queue: {delivery.evicted}"
    try:
        letter = bury(decode(line), "evicted", reason)
    except Rejected:  # it is not a document
        letter = bury_bytes(line, reason, kind="evicted", received_at=microseconds())
    return Outcome(None, dead=(letter,))


def _refused(data: bytes, reason: str, now: int) -> DeadLetter:
    return bury_bytes(data, reason, kind="refused", received_at=now)
