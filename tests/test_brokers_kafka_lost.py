"""Kafka's adapter when the server dies or the wire to it is cut, on a server of the tests' own that is reached through a wire."""

import os
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import pytest
from support import until
from wire import Wire

from headrace.brokers.kafka import KafkaBroker
from headrace.brokers.kafka_url import parse
from headrace.errors import Unavailable
from headrace.ports import Delivery
from headrace.testing.brokers import LARGE, PATIENCE, bodies, data, take

SERVERS = Path(__file__).parent.parent / "deploy/servers"


def free_port() -> int:
    """The first of twenty ports of which the ones that Kafka takes are free, below those that the kernel hands out."""
    start = 22000 + os.getpid() % 400 * 20
    for first in range(start, 32000, 20):
        with ExitStack() as probes:
            if all(
                probes.enter_context(socket.socket()).connect_ex(("127.0.0.1", first + number)) for number in (11, 12)
            ):
                return first
    raise AssertionError("no port is free")


class Server:
    """Kafka, on the other end of a wire."""

    def __init__(self, folder: Path, wire: Wire, first_port: int) -> None:
        self.wire = wire
        self._environment: Mapping[str, str] = {
            **os.environ,
            "SERVERS_FOLDER": str(folder),
            "SERVERS_PORT": str(first_port),
            "KAFKA_ADVERTISED": f"127.0.0.1:{wire.port}",
        }

    def do(self, command: str) -> None:
        subprocess.run([SERVERS, command, "kafka"], env=self._environment, check=True, capture_output=True)

    def connect(self, topic: str, *, patience: float = PATIENCE) -> KafkaBroker:
        return KafkaBroker(
            parse(f"kafka://127.0.0.1:{self.wire.port}/{topic}?group={topic}&partitions=2&session=6"), patience=patience
        )


@pytest.fixture(scope="module")
def server(kafka: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    assert kafka, "Kafka is installed"
    first_port = free_port()
    with Wire("127.0.0.1", first_port + 11) as wire:
        server = Server(tmp_path_factory.mktemp("servers"), wire, first_port)
        server.do("start")
        yield server
        server.do("stop")


@pytest.fixture
def opened() -> Iterator[ExitStack]:
    with ExitStack() as opened:
        yield opened


def receive_all(broker: KafkaBroker, wanted: set[str]) -> list[Delivery]:
    """Deliveries until all of these have come; the server may be away for a while."""
    got = list[Delivery]()

    def all_came() -> bool:
        try:
            got.extend(broker.receive(LARGE, 0.1))
        except Unavailable:
            return False
        return wanted <= {delivery.data.decode() for delivery in got}

    until(all_came, "what was published")
    return got


def test_a_connection_that_is_cut_is_opened_again_and_all_gets_done(server: Server, opened: ExitStack) -> None:
    broker = server.connect("cut")
    opened.callback(broker.close)
    broker.publish(bodies("a"))
    held = take(broker, 1)
    server.wire.cut()
    broker.publish(bodies("b"))
    server.wire.cut()
    got = receive_all(broker, {"b"})
    broker.ack([*held, *got])
    other = server.connect("cut")
    opened.callback(other.close)

    def all_is_done() -> bool:
        try:
            broker.ack(broker.receive(LARGE, 0.1))  # what comes again, where the group had to begin anew
            return other.backlog().ready == 0
        except Unavailable:
            return False

    until(all_is_done, "the end of what was published")
    broker.close()
    assert other.receive(LARGE, 1.0) == []


def test_a_server_that_confirms_nothing_is_given_up_and_may_have_what_was_published(
    server: Server, opened: ExitStack
) -> None:
    broker = server.connect("stall", patience=1.0)
    opened.callback(broker.close)
    broker.publish(bodies("a"))
    server.wire.stall()
    try:
        with pytest.raises(Unavailable, match=r"publishing to kafka:.*(timed out|not confirmed)"):
            broker.publish(bodies("b"))
    finally:
        server.wire.flow()
    patient = server.connect("stall")
    opened.callback(patient.close)
    patient.publish(bodies("c"))
    receive_all(patient, {"a", "c"})


def test_a_server_that_dies_and_comes_back_has_lost_nothing(server: Server, opened: ExitStack) -> None:
    broker = server.connect("dies", patience=1.0)
    opened.callback(broker.close)
    names = {f"body {number}" for number in range(100)}
    broker.publish(bodies(*names))
    held = take(broker, 100)
    done = held[:60]
    broker.ack(done)
    server.do("kill")
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
    server.do("start")
    broker.close()
    again = server.connect("dies")
    opened.callback(again.close)
    again.publish(bodies("y"))
    left = {delivery.data.decode() for delivery in held[60:]}
    got = data(receive_all(again, left | {"y"}))
    assert set(got) - {"x"} <= names | {"y"}
