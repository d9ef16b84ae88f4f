"""Redis, NATS and beanstalkd when a connection is cut or stalls, when a server refuses us, and when it dies and comes back."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace

import pytest
from support import again, come, insist, until
from support.own_queue import ADAPTERS, SHORT, OwnQueue
from support.own_servers import OwnServers

from headrace.errors import Misconfigured, Unavailable
from headrace.testing.brokers import LARGE, bodies, data, take


def test_a_connection_that_is_cut_between_two_calls_is_opened_again(queue: OwnQueue) -> None:
    wire = queue.wire()
    broker = queue.connect(through=wire)
    broker.publish(bodies("a"))
    wire.cut()
    again(lambda: broker.publish(bodies("b")))
    wire.cut()
    got = come(broker, "a", "b")
    assert {delivery.data for delivery in got} == {b"a", b"b"}


def test_leases_of_a_connection_that_was_cut_are_neither_lost_nor_stuck(queue: OwnQueue) -> None:
    wire = queue.wire()
    broker = queue.connect(through=wire, lease=SHORT)
    broker.publish(bodies("a", "b", "c"))
    held = take(broker, 3)
    wire.cut()
    again(lambda: broker.keep(held))
    again(lambda: broker.ack(held[:1]))
    broker.close()
    other = queue.connect(lease=SHORT)
    other.ack(come(other, *(delivery.data.decode() for delivery in held[1:])))

    def nothing_is_left() -> bool:
        other.ack(other.receive(LARGE, 0.1))  # the first again, where its ack came late
        backlog = other.backlog()
        return backlog.ready == backlog.leased == 0

    until(nothing_is_left, "the end of what was held")


def test_publishing_to_a_silent_server_is_unavailable_and_may_have_succeeded(queue: OwnQueue) -> None:
    wire = queue.wire()
    broker = queue.connect(through=wire, patience=0.3)
    insist(lambda: broker.publish(bodies("a")))
    wire.stall()
    with pytest.raises(Unavailable, match="publishing to"):
        broker.publish(bodies("b"))
    wire.flow()
    patient = queue.connect()
    patient.publish(bodies("c"))
    come(patient, "a", "c")


def test_a_server_that_does_not_answer_is_named_without_the_password(kind: str) -> None:
    account = "" if kind == "beanstalkd" else "me:s3cret@"
    scheme = kind.removesuffix("d")
    broker = ADAPTERS[kind].from_url(f"{scheme}://{account}127.0.0.1:1")
    with pytest.raises(Unavailable, match=rf"publishing to|asking .* {scheme}://127\.0\.0\.1:1/") as caught:
        broker.publish(bodies("a"))
    assert "s3cret" not in str(caught.value)
    broker.keep([])  # nothing is held, so nothing is lost
    broker.close()


@pytest.mark.parametrize("kind", ["redis", "nats"])
def test_a_wrong_password_is_misconfigured(queue: OwnQueue) -> None:
    queue.address = replace(queue.address, password="s3cret")
    broker = queue.connect()
    with pytest.raises(Misconfigured, match="check user") as caught:
        broker.publish(bodies("a"))
    assert "s3cret" not in str(caught.value)
    queue.address = replace(queue.address, password="headrace")


def test_a_queue_that_another_has_removed_is_made_again(queue: OwnQueue) -> None:
    one, two = queue.connect(), queue.connect()
    one.publish(bodies("a"))
    take(one, 1)
    two.remove()
    again(lambda: one.publish(bodies("b")))
    assert data(come(one, "b")) == ["b"]


@pytest.mark.parametrize("kind", ["redis", "nats"])  # in beanstalkd nothing is removed that another holds
def test_leases_on_a_queue_that_was_made_anew_acknowledge_nothing_there(queue: OwnQueue) -> None:
    slow, publisher, other = queue.connect(), queue.connect(), queue.connect()
    publisher.publish(bodies(*"vwxyz"))
    held = take(slow, 5)
    queue.connect().remove()
    again(lambda: publisher.publish(bodies(*"abcdefgh")))
    take(other, 3, limit=1)
    assert len(take(slow, 2, limit=1)) == 2
    again(lambda: slow.keep(held))
    again(lambda: slow.ack(held))
    other.close()
    slow.close()
    assert data(take(queue.connect(), 8)) == list("abcdefgh")


@pytest.fixture(scope="module")
def own() -> Iterator[OwnServers]:
    servers = OwnServers()
    try:
        yield servers
    finally:
        servers.close()


def test_a_server_that_is_killed_and_comes_back_has_lost_nothing(kind: str, own: OwnServers) -> None:
    own.start(kind)
    with ExitStack() as opened:
        queue = OwnQueue(kind, own.url(kind.upper()), opened)
        broker = queue.connect(lease=SHORT, patience=5.0)
        names = {f"body {number}" for number in range(100)}
        insist(lambda: broker.publish(bodies(*names)))
        held = come(broker, *names)
        broker.ack(held[:60])
        own.kill(kind)
        with pytest.raises(Unavailable):
            broker.publish(bodies("lost?"))
        with pytest.raises(Unavailable):
            broker.receive(LARGE, 0.1)
        own.start(kind)
        left = names - {delivery.data.decode() for delivery in held[:60]}
        insist(lambda: broker.publish(bodies("after")))
        got = {delivery.data.decode() for delivery in come(broker, *left, "after")}
        assert got <= names | {"after", "lost?"}
