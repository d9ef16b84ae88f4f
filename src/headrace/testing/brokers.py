"""What every broker has to do. Subclass `BrokerSuite` in a test module and give it a fixture `connect`.

    class TestMyBroker(BrokerSuite):
        @pytest.fixture
        def connect(self): ...   # returns a function: each call opens another connection to one queue, which is empty at first

Connections that a test opens are closed by the fixture, or by the test itself.
"""

import time
from collections.abc import Callable

import pytest

from headrace.documents import Body
from headrace.errors import Rejected, Unavailable
from headrace.ports import Broker, BrokerAdapter, Delivery

Connect = Callable[[], BrokerAdapter]
PATIENCE = 120.0  #: seconds to wait for what has to come, however slow the machine is
LARGE = 1 << 30  #: a limit in bytes that holds nothing back


def take(broker: Broker, number: int, *, limit: int = LARGE) -> list[Delivery]:
    """Receive until there are `number` deliveries; fails if they don't come."""
    taken: list[Delivery] = []
    while len(taken) < number:
        received = broker.receive(limit, PATIENCE)
        assert received, f"{len(taken)} bodies came of {number}"
        taken.extend(received)
    return taken


def bodies(*texts: str) -> list[Body]:
    """Bodies of these texts, from one source."""
    return [Body(text.encode(), "suite") for text in texts]


def data(deliveries: list[Delivery]) -> list[str]:
    """The texts of what was delivered, sorted, as no broker promises an order."""
    return sorted(delivery.data.decode() for delivery in deliveries)


def comes_to(ready: int, broker: Broker) -> None:
    """Wait until so many bodies are ready, if the broker can tell; fails if that takes too long."""
    deadline = time.monotonic() + PATIENCE
    while (found := broker.backlog().ready) not in (None, ready):
        assert time.monotonic() < deadline, f"{found} bodies are ready, and not {ready}"
        time.sleep(0.01)


class BrokerSuite:
    """The tests. Each name is the sentence that it checks."""

    def test_what_is_published_is_received(self, connect: Connect) -> None:
        publisher, consumer = connect(), connect()
        publisher.publish(bodies("a", "b", "c"))
        assert data(take(consumer, 3)) == ["a", "b", "c"]

    def test_bytes_arrive_as_they_were(self, connect: Connect) -> None:
        every = bytes(range(256)) * 40
        broker = connect()
        broker.publish([Body(every, "suite")])
        assert take(broker, 1)[0].data == every

    def test_publishing_no_bodies_does_nothing(self, connect: Connect) -> None:
        broker = connect()
        broker.publish([])
        assert broker.receive(LARGE, 0.05) == []

    def test_a_body_of_the_largest_size_arrives_whole(self, connect: Connect) -> None:
        broker = connect()
        large = b"\xff" * min(broker.body_bytes(), 1 << 20)
        broker.publish([Body(large, "suite"), *bodies("a")])
        held = take(broker, 2)
        assert {delivery.data for delivery in held} == {large, b"a"}
        broker.ack(held)

    def test_a_larger_body_is_rejected_before_any_is_published_and_harms_nothing(self, connect: Connect) -> None:
        broker = connect()
        broker.publish(bodies("a"))
        held = take(broker, 1)
        with pytest.raises(Rejected):
            broker.publish([*bodies("b"), Body(bytes(broker.body_bytes() + 1), "suite")])
        assert broker.receive(LARGE, 0.05) == []
        broker.publish(bodies("c"))
        broker.ack(held)
        assert data(take(broker, 1)) == ["c"]

    def test_receiving_from_an_empty_queue_returns_nothing_after_the_wait(self, connect: Connect) -> None:
        assert connect().receive(LARGE, 0.0) == []

    def test_a_leased_body_is_not_given_to_another(self, connect: Connect) -> None:
        publisher, one, two = connect(), connect(), connect()
        publisher.publish(bodies("a"))
        held = take(one, 1)
        assert two.receive(LARGE, 0.2) == []
        one.ack(held)

    def test_an_acked_body_never_comes_again(self, connect: Connect) -> None:
        broker = connect()
        broker.publish(bodies("a", "b"))
        broker.ack(take(broker, 2))
        broker.close()
        assert connect().receive(LARGE, 0.5) == []

    def test_what_is_not_acked_comes_again_after_close(self, connect: Connect) -> None:
        first = connect()
        first.publish(bodies("a", "b", "c"))
        held = take(first, 3)
        done = [delivery for delivery in held if delivery.data == b"b"]
        first.ack(done)
        first.close()
        second = connect()
        assert data(take(second, 2)) == ["a", "c"]
        assert second.receive(LARGE, 0.2) == []

    def test_acks_may_come_in_any_order_and_in_parts(self, connect: Connect) -> None:
        broker = connect()
        broker.publish(bodies(*"abcdef"))
        held = take(broker, 6)
        broker.ack(held[3:4])
        broker.ack([held[5], held[0]])
        broker.ack([held[4], held[2]])
        broker.close()
        left = connect()
        assert data(take(left, 1)) == [held[1].data.decode()]

    def test_acking_again_is_ignored(self, connect: Connect) -> None:
        broker = connect()
        broker.publish(bodies("a", "b"))
        held = take(broker, 2)
        broker.ack(held[:1])
        broker.ack(held[:1])
        broker.ack([])
        broker.close()
        assert data(take(connect(), 1)) == [held[1].data.decode()]

    def test_a_stale_receipt_acknowledges_nothing(self, connect: Connect) -> None:
        old = connect()
        old.publish(bodies("a", "b"))
        stale = take(old, 2)
        old.close()
        new = connect()
        fresh = take(new, 2)
        new.ack(stale)
        new.close()
        third = connect()
        assert data(take(third, 2)) == data(fresh)

    def test_the_limit_holds_back_what_would_exceed_it(self, connect: Connect) -> None:
        broker = connect()
        broker.publish([Body(bytes([65 + number]) * 1000, "suite") for number in range(10)])
        received = broker.receive(3000, PATIENCE)
        assert 1 <= len(received) <= 3
        assert len(take(broker, 10 - len(received))) == 10 - len(received)

    def test_one_body_beyond_the_limit_is_received_alone(self, connect: Connect) -> None:
        broker = connect()
        broker.publish([Body(b"x" * 5000, "suite"), Body(b"y" * 5000, "suite")])
        assert len(broker.receive(100, PATIENCE)) == 1

    def test_every_body_is_received_once_by_one_of_many(self, connect: Connect) -> None:
        publisher, consumers = connect(), [connect() for _ in range(3)]
        names = [f"body {number}" for number in range(60)]
        publisher.publish(bodies(*names))
        taken: list[Delivery] = []
        deadline = time.monotonic() + PATIENCE
        while len(taken) < len(names):
            assert time.monotonic() < deadline, f"{len(taken)} bodies came of {len(names)}"
            for consumer in consumers:
                received = consumer.receive(60, 0.05)
                consumer.ack(received)
                taken.extend(received)
        assert data(taken) == sorted(names)

    def test_keep_holds_a_lease_and_accepts_no_deliveries_too(self, connect: Connect) -> None:
        one, two = connect(), connect()
        one.publish(bodies("a"))
        held = take(one, 1)
        one.keep(held)
        one.keep([])
        assert two.receive(LARGE, 0.05) == []
        one.ack(held)

    def test_the_backlog_says_what_is_ready_and_leased_or_none(self, connect: Connect) -> None:
        broker = connect()
        broker.publish(bodies("a", "b", "c"))
        held = take(broker, 3, limit=1)
        broker.ack(held[:1])
        backlog = broker.backlog()
        assert backlog.ready in (None, 0)
        assert backlog.leased in (None, 2)
        assert backlog.oldest is None or backlog.oldest >= 0

    def test_the_backlog_seen_by_others_grows_with_what_is_published_and_shrinks_with_what_is_acked(
        self, connect: Connect
    ) -> None:
        one, two = connect(), connect()
        one.publish(bodies("a", "b", "c"))
        comes_to(3, two)
        one.ack(take(one, 3))
        comes_to(0, two)

    def test_an_empty_queue_has_no_oldest_body(self, connect: Connect) -> None:
        backlog = connect().backlog()
        assert backlog.ready in (None, 0)
        assert backlog.leased in (None, 0)
        assert backlog.oldest is None

    def test_a_removed_queue_is_gone_with_all_it_held_and_removing_it_again_does_nothing(
        self, connect: Connect
    ) -> None:
        broker = connect()
        broker.publish(bodies("a", "b"))
        take(broker, 1, limit=1)
        broker.remove()
        broker.remove()
        with pytest.raises(Unavailable):
            broker.publish(bodies("c"))
        assert connect().receive(LARGE, 0.2) == []

    def test_warnings_are_sentences(self, connect: Connect) -> None:
        assert all(" " in warning for warning in connect().warnings())

    def test_closing_twice_is_closing_once(self, connect: Connect) -> None:
        broker = connect()
        broker.close()
        broker.close()

    def test_a_closed_connection_says_so(self, connect: Connect) -> None:
        broker = connect()
        broker.close()
        with pytest.raises(Unavailable):
            broker.publish(bodies("a"))
