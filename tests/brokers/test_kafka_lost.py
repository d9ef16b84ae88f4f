"""Kafka's adapter when the server dies or the wire to it is cut, on a server of the tests' own that is reached through a wire."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from support import come, insist, until
from support.own_servers import OwnServers
from support.wire import Wire

from headrace.brokers.kafka import KafkaBroker
from headrace.brokers.kafka.url import parse
from headrace.errors import Unavailable
from headrace.testing.brokers import LARGE, PATIENCE, bodies, data, take

KAFKA = 11  # its port, from the first of a test's own servers


class Server:
    """Kafka, on the other end of a wire."""

    def __init__(self, own: OwnServers, wire: Wire) -> None:
        self._own, self.wire = own, wire

    def start(self) -> None:
        self._own.start("kafka", KAFKA_ADVERTISED=f"127.0.0.1:{self.wire.port}")

    def kill(self) -> None:
        self._own.kill("kafka")

    def connect(self, topic: str, *, session: int = 120, patience: float = PATIENCE) -> KafkaBroker:
        """A broker of two partitions, which stays in the group however slow the test is, unless its session is short."""
        options = f"group={topic}&partitions=2&session={session}"
        return KafkaBroker(parse(f"kafka://127.0.0.1:{self.wire.port}/{topic}?{options}"), patience=patience)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    own = OwnServers()
    try:
        with Wire("127.0.0.1", own.first_port + KAFKA) as wire:
            server = Server(own, wire)
            server.start()
            yield server
    finally:
        own.close()


@pytest.fixture
def opened() -> Iterator[ExitStack]:
    with ExitStack() as opened:
        yield opened


def test_a_connection_that_is_cut_is_opened_again_and_keeps_its_leases(server: Server, opened: ExitStack) -> None:
    broker, other = server.connect("cut"), server.connect("cut")
    opened.callback(broker.close)
    opened.callback(other.close)
    broker.publish(bodies("a"))
    held = take(broker, 1)
    server.wire.cut()
    insist(lambda: broker.publish(bodies("b")))
    server.wire.cut()
    got = come(broker, "b")
    assert set(data(got)) == {"b"}, "the lease of the other was lost, and it came again"
    broker.ack([*held, *got])

    def all_is_done() -> bool:
        try:
            broker.ack(again := broker.receive(LARGE, 0.1))
            assert set(data(again)) <= {"b"}, "that is done"
            return other.backlog().ready == 0
        except Unavailable:
            return False

    until(all_is_done, "the end of what was published")


def test_closing_commits_what_is_done_although_the_server_was_away_for_a_moment(
    server: Server, opened: ExitStack
) -> None:
    broker = server.connect("told")
    opened.callback(broker.close)
    broker.publish(bodies("a"))
    held = take(broker, 1)
    server.wire.cut()

    def heard_of_it() -> bool:
        broker.keep(held)
        return broker._member is not None and bool(broker._member.reports.down)

    until(heard_of_it, "word that no server could be reached")
    broker.ack(held)
    broker.close()
    other = server.connect("told")
    opened.callback(other.close)
    assert insist(other.backlog).ready == 0
    assert insist(lambda: other.receive(LARGE, 1.0)) == []


def test_publishing_to_a_silent_server_is_unavailable_and_may_have_succeeded(server: Server, opened: ExitStack) -> None:
    broker = server.connect("stall", patience=1.0)
    opened.callback(broker.close)
    insist(lambda: broker.publish(bodies("a")))
    server.wire.stall()
    try:
        with pytest.raises(Unavailable, match=r"publishing to kafka:.*(timed out|not confirmed)"):
            broker.publish(bodies("b"))
    finally:
        server.wire.flow()
    patient = server.connect("stall")
    opened.callback(patient.close)
    patient.publish(bodies("c"))
    come(patient, "a", "c")


def test_a_server_that_dies_and_comes_back_has_lost_nothing(server: Server, opened: ExitStack) -> None:
    broker = server.connect("dies", session=6, patience=1.0)
    opened.callback(broker.close)
    names = {f"body {number}" for number in range(100)}
    insist(lambda: broker.publish(bodies(*names)))
    held = come(broker, *names)
    done = held[:60]
    broker.ack(done)
    server.kill()
    told = list[str]()

    def away() -> bool:
        try:
            broker.receive(LARGE, 0.05)
        except Unavailable as error:
            told.append(str(error))
        return bool(told)

    until(away, "word that the server is away")
    assert "kafka://127.0.0.1" in told[0]
    with pytest.raises(Unavailable):
        broker.publish(bodies("x"))
    server.start()
    broker.close()
    again = server.connect("dies")
    opened.callback(again.close)
    insist(lambda: again.publish(bodies("y")))
    left = names - {delivery.data.decode() for delivery in done}
    assert set(data(come(again, *left, "y"))) <= names | {"x", "y"}
