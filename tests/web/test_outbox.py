"""Publishing from the event loop: a future for each request, done once broker and store have said what became of it."""

import asyncio
import threading

import pytest
from support import PATIENCE
from support.held_broker import HeldBroker, lines

from headrace.brokers.memory import MemoryBroker
from headrace.documents import Document, Outcome
from headrace.errors import Conflict, Unavailable
from headrace.stores.memory import MemoryStore
from headrace.web.outbox import Outbox

LINES = [(b'{"id":"a","text":"Hej"}', "api")]


def test_what_is_published_is_in_the_broker_when_it_is_done() -> None:
    async def run() -> None:
        broker = MemoryBroker()
        outbox = Outbox(broker.connect, MemoryStore().watch)
        await asyncio.gather(
            *(outbox.publish(LINES, {}, 10) for _ in range(100)), outbox.publish(LINES, {"a": "Hej"}, 10)
        )
        assert len(lines(broker)) == 101
        assert outbox.alive()
        outbox.close()

    asyncio.run(run())


def test_a_conflict_is_raised_and_nothing_published() -> None:
    async def run() -> None:
        broker, store = MemoryBroker(), MemoryStore()
        store.write([Outcome(Document("a", "Hopp", published_at=1))])
        outbox = Outbox(broker.connect, store.watch)
        with pytest.raises(Conflict, match="'a' is stored"):
            await outbox.publish(LINES, {"a": "Hej"}, 10)
        assert lines(broker) == []
        outbox.close()

    asyncio.run(run())


def test_more_than_can_be_held_is_refused_at_once_and_alone_any_size_is_taken() -> None:
    async def run() -> None:
        broker = HeldBroker()
        outbox = Outbox(lambda: broker, MemoryStore().watch, most_bytes=100)
        first, second = outbox.publish(LINES, {}, 10), outbox.publish(LINES, {}, 90)
        with pytest.raises(Unavailable, match="waiting for the broker"):
            outbox.publish(LINES, {}, 20)
        broker.let_go.set()
        await asyncio.gather(first, second)
        await outbox.publish(LINES, {}, 1000)
        outbox.close()

    asyncio.run(run())


def test_a_client_that_goes_away_takes_nothing_back_and_leaves_nothing_behind() -> None:
    async def run() -> None:
        broker = HeldBroker()
        outbox = Outbox(lambda: broker, MemoryStore().watch, most_bytes=100)
        gone = outbox.publish(LINES, {}, 90)
        gone.cancel()
        broker.let_go.set()
        await outbox.publish(LINES, {}, 10)
        assert len(lines(broker)) == 2
        await outbox.publish(LINES, {}, 95)
        outbox.close()

    asyncio.run(run())


def test_a_request_is_answered_in_time_though_the_driver_hangs() -> None:
    async def run() -> None:
        broker = HeldBroker()
        outbox = Outbox(lambda: broker, MemoryStore().watch, patience=0.01, grace=0.0)
        with pytest.raises(Unavailable, match="try again later"):
            await outbox.publish(LINES, {}, 10)
        broker.let_go.set()
        await outbox.publish(LINES, {}, 10)
        outbox.close()

    asyncio.run(run())


def test_a_store_that_hangs_holds_up_nothing_that_needs_no_check() -> None:
    hanging = threading.Event()

    class Slow(MemoryStore):
        def find(self, *_: object, **__: object):  # type: ignore[no-untyped-def]
            hanging.wait(PATIENCE)
            return super().find(*_, **__)  # type: ignore[arg-type]

    async def run() -> None:
        broker = MemoryBroker()
        outbox = Outbox(broker.connect, Slow().watch)
        checked = outbox.publish(LINES, {"a": "Hej"}, 10)
        await outbox.publish(LINES, {}, 10)
        assert not checked.done()
        hanging.set()
        await checked
        outbox.close()

    asyncio.run(run())


def test_a_closed_outbox_takes_nothing_more() -> None:
    async def run() -> None:
        outbox = Outbox(MemoryBroker().connect, MemoryStore().watch)
        await outbox.publish(LINES, {}, 10)
        outbox.close()
        outbox.close()
        for texts in ({}, {"a": "Hej"}):
            with pytest.raises(Unavailable, match="stopping"):
                outbox.publish(LINES, texts, 10)

    asyncio.run(run())
