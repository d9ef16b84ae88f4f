"""The publishing thread: it packs, retries, gives up in time, and never holds more than its limit."""

import errno
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any

import pytest
from support import PATIENCE
from support.held_broker import HeldBroker, lines

from headrace.brokers.memory import MemoryBroker
from headrace.documents import Body, Document, encode
from headrace.errors import Rejected, Unavailable
from headrace.ports import Backlog, Broker
from headrace.web.publishing import Job, Oversized, Publisher

HEJ = [Document("a", "Hej", source="api")]


class Jobs:
    """Publishes with a publisher, and keeps what became of each job: once, which it checks."""

    def __init__(self, connect: Callable[[], Broker]) -> None:
        self.publisher = Publisher(connect, self.settle)
        self.settled: dict[Job, Future[None]] = {}
        self.calls = 0

    def publish(self, documents: Sequence[Document], patience: float = PATIENCE) -> "Future[None]":
        """A future of what becomes of these documents."""
        job = made(documents, time.monotonic() + patience)
        future = self.settled[job] = Future()
        self.publisher.publish([job])
        return future

    def settle(self, settled: Sequence[tuple[Job, Exception | None]]) -> None:
        """Called by the publisher."""
        self.calls += 1
        for job, error in settled:
            future = self.settled[job]
            assert not future.done()
            if error is None:
                future.set_result(None)
            else:
                future.set_exception(error)


def made(documents: Sequence[Document], deadline: float) -> Job:
    return Job([(encode(document), document.source) for document in documents], {}, 10, deadline)


class Broken(MemoryBroker):
    """A broker whose first `times` calls fail."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.left = times
        self.connections = 0

    def connect(self) -> "Broken":
        self.connections += 1
        return self

    def publish(self, bodies: Sequence[Body]) -> None:
        if self.left > 0:
            self.left -= 1
            raise Unavailable("publishing to the broker: the connection was lost")
        super().publish(bodies)

    def close(self) -> None:
        """Keep the queue for the next connection."""


class Picky(MemoryBroker):
    """A broker that never takes a body with `huge` in it."""

    def publish(self, bodies: Sequence[Body]) -> None:
        if any(b"huge" in body.data for body in bodies):
            raise Rejected("the broker takes no body of this size")
        super().publish(bodies)


def test_what_is_published_is_in_the_broker_when_it_is_done() -> None:
    broker = MemoryBroker()
    jobs = Jobs(broker.connect)
    jobs.publish(HEJ).result(PATIENCE)
    assert len(lines(broker)) == 1
    jobs.publisher.close()


def test_what_piles_up_is_published_together() -> None:
    broker = HeldBroker()
    jobs = Jobs(lambda: broker)
    first = jobs.publish(HEJ)
    assert broker.entered.wait(PATIENCE)
    rest = [jobs.publish([Document(str(n), "x", source="api")]) for n in range(100)]
    broker.let_go.set()
    for job in (first, *rest):
        job.result(PATIENCE)
    assert broker.backlog().ready == 2
    assert jobs.calls == 2
    jobs.publisher.close()


def test_a_lost_connection_is_opened_again_and_nothing_is_lost() -> None:
    broker = Broken(2)
    jobs = Jobs(broker.connect)
    jobs.publish(HEJ).result(PATIENCE)
    assert len(lines(broker)) == 1
    assert broker.connections == 3
    jobs.publisher.close()


def test_a_broker_that_stays_unavailable_is_given_up_in_time_with_its_reason() -> None:
    jobs = Jobs(Broken(10**9).connect)
    with pytest.raises(Unavailable, match=r"connection was lost.*send them again"):
        jobs.publish(HEJ, patience=0.01).result(PATIENCE)
    jobs.publisher.close()


def test_one_request_that_the_broker_never_takes_does_not_harm_the_others() -> None:
    broker, gate = Picky(), threading.Event()
    jobs = Jobs(lambda: broker)
    jobs.publisher.ask(lambda _: gate.wait(PATIENCE))  # so that all three go out together
    bad = jobs.publish([Document("b", "huge")])
    good = [jobs.publish(HEJ), jobs.publish([Document("c", "Hopp")])]
    gate.set()
    for job in good:
        job.result(PATIENCE)
    with pytest.raises(Rejected, match="of this size"):
        bad.result(PATIENCE)
    assert len(lines(broker)) == 2
    jobs.publisher.close()


def test_a_document_that_is_too_large_is_named_and_nothing_of_its_request_is_published() -> None:
    broker, gate = MemoryBroker(most=200), threading.Event()
    jobs = Jobs(broker.connect)
    jobs.publisher.ask(lambda _: gate.wait(PATIENCE))
    large = Document("b", "x" * 200, source="api")
    bad, good = jobs.publish([Document("a", "Hopp"), large]), jobs.publish(HEJ * 10)
    gate.set()
    good.result(PATIENCE)
    with pytest.raises(Oversized, match=r"document 'b' has 2\d\d bytes; the broker takes up to 200") as caught:
        bad.result(PATIENCE)
    assert caught.value.identity == "b"
    assert len(lines(broker)) == 10
    jobs.publisher.close()


def test_closing_publishes_what_waits_and_takes_no_more() -> None:
    broker = MemoryBroker()
    jobs = Jobs(broker.connect)
    published = [jobs.publish(HEJ) for _ in range(10)]
    jobs.publisher.close(PATIENCE)
    assert all(job.done() for job in published)
    with pytest.raises(Unavailable, match="stopping"):
        jobs.publish(HEJ)
    jobs.publisher.close()


def test_a_question_to_the_broker_gets_its_answer_or_its_error() -> None:
    publisher = Jobs(MemoryBroker().connect).publisher
    assert publisher.ask(lambda broker: broker.backlog().ready).result(PATIENCE) == 0

    def fail(_broker: object) -> None:
        raise Unavailable("gone")

    with pytest.raises(Unavailable, match="gone"):
        publisher.ask(fail).result(PATIENCE)
    assert publisher.ask(lambda broker: broker.backlog().ready).result(PATIENCE) == 0
    publisher.close()


def test_a_request_that_is_too_late_beside_one_that_is_rejected_fails_once_as_too_late() -> None:
    class AwayThenPicky(Picky):
        away = True

        def publish(self, bodies: Sequence[Body]) -> None:
            if self.away:
                self.away = False
                raise Unavailable("publishing to the broker: the connection was lost")
            super().publish(bodies)

        def close(self) -> None:
            """It stays, to be connected to again."""

    broker = AwayThenPicky()
    jobs = Jobs(lambda: broker)
    late, good, bad = (
        made([Document(name, text)], deadline)
        for name, text, deadline in (("a", "Hej", 0.0), ("b", "Hej", float("inf")), ("c", "huge", float("inf")))
    )
    jobs.settled |= {job: Future() for job in (late, good, bad)}
    jobs.publisher.publish([late, good, bad])
    assert isinstance(jobs.settled[late].exception(PATIENCE), Unavailable)
    assert jobs.settled[good].exception(PATIENCE) is None
    assert isinstance(jobs.settled[bad].exception(PATIENCE), Rejected)
    assert len(lines(broker)) == 1
    jobs.publisher.close()


class Bursting(MemoryBroker):
    """A broker in which one of the calls raises what no broker may raise, once."""

    def __init__(self, call: str) -> None:
        super().__init__()
        self.call = call
        self.raised = threading.Event()

    def _burst(self, call: str) -> None:
        if call == self.call:
            self.call = ""
            self.raised.set()
            raise OSError(errno.EMFILE, "Too many open files")

    def publish(self, bodies: Sequence[Body]) -> None:
        self._burst("publish")
        super().publish(bodies)

    def body_bytes(self) -> int:
        self._burst("body_bytes")
        return super().body_bytes()

    def backlog(self) -> Backlog:
        self._burst("backlog")
        return super().backlog()

    def close(self) -> None:
        """Keep the queue for the next connection."""
        self._burst("close")


@pytest.mark.parametrize("call", ["publish", "body_bytes", "backlog", "connect"])
def test_an_unexpected_exception_fails_what_was_asked_and_the_thread_goes_on(call: str) -> None:
    broker = Bursting(call)

    def connect() -> Bursting:
        broker._burst("connect")
        return broker

    jobs = Jobs(connect)
    asked: Future[Any]
    asked = jobs.publisher.ask(lambda one: one.backlog()) if call == "backlog" else jobs.publish(HEJ)
    with pytest.raises(OSError, match="Too many open files"):
        asked.result(PATIENCE)
    jobs.publish(HEJ).result(PATIENCE)
    assert jobs.publisher.alive()
    assert broker.backlog().ready == 1
    jobs.publisher.close()


def test_a_connection_that_cannot_even_be_closed_ends_nothing() -> None:
    broker = Bursting("close")
    jobs = Jobs(lambda: broker)

    def lose(_broker: Broker) -> None:
        raise Unavailable("the connection was lost")

    with pytest.raises(Unavailable):
        jobs.publisher.ask(lose).result(PATIENCE)
    assert broker.raised.wait(PATIENCE)
    jobs.publish(HEJ).result(PATIENCE)
    assert jobs.publisher.alive()
    jobs.publisher.close()
