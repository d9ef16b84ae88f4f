"""A server that gets more than it can take says so at once, and answers what it has taken."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from support import PATIENCE, until
from support.held_broker import HeldBroker, lines
from support.web_server import WebServer

from headrace.documents import decode
from headrace.web.admission import FEW


def ids(broker: HeldBroker) -> set[str]:
    """The documents that were published."""
    connection = broker.connect()
    found = {decode(line).id for line in lines(connection)}
    connection.close()
    return found


@pytest.fixture
def broker() -> HeldBroker:
    return HeldBroker()


@pytest.fixture
def server(tmp_path: Path, broker: HeldBroker) -> Iterator[WebServer]:
    with WebServer(tmp_path, connect=lambda: broker) as running:
        yield running


class Client:
    """A connection that is kept, and what came back over it."""

    def __init__(self, server: WebServer, stack: ExitStack) -> None:
        self.line = stack.enter_context(socket.create_connection(server.address, PATIENCE))

    def post(self, identity: str, query: str = "") -> "Client":
        payload = b'{"id":"%b","text":"Hej"}' % identity.encode()
        head = (
            f"POST /v1/documents{query} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(payload)}\r\n\r\n"
        )
        self.line.sendall(head.encode() + payload)
        return self

    def get(self, path: str) -> "Client":
        self.line.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        return self

    def status(self) -> int:
        self.answer = self.line.recv(1 << 16)
        return int(self.answer.split()[1])


def test_what_cannot_be_taken_is_refused_at_once_and_what_was_taken_is_answered(
    server: WebServer, broker: HeldBroker
) -> None:
    with ExitStack() as stack:
        clients = [Client(server, stack).post(f"taken-{number}") for number in range(2 * FEW)]
        probe = Client(server, stack)
        asked: list[str] = []

        def is_refused() -> bool:
            asked.append(f"probe-{len(asked)}")
            late = Client(server, stack).post(asked[-1])
            late.line.settimeout(0.2)
            try:
                refused = late.status() == 503
            except TimeoutError:  # it was taken
                late.line.settimeout(PATIENCE)
                clients.append(late)
                return False
            return refused

        until(is_refused, "a refusal")
        refused = asked.pop()
        for number in range(200):
            assert probe.post(f"refused-{number}", "?wait=5").status() == 503
            assert b"retry-after: 1\r\n" in probe.answer
            assert b"connection: close" not in probe.answer
        assert probe.get("/livez").status() == 200
        broker.let_go.set()
        assert {client.status() for client in clients} == {202}
        assert probe.post("after").status() == 202
        assert ids(broker) == {*(f"taken-{number}" for number in range(2 * FEW)), *asked, "after"} - {refused}


def test_a_crowd_that_comes_at_once_is_taken(server: WebServer, broker: HeldBroker) -> None:
    with ExitStack() as stack:
        clients = [Client(server, stack) for _ in range(400)]
        broker.let_go.set()
        for number, client in enumerate(clients):
            client.post(str(number))
        assert {client.status() for client in clients} == {202}
        assert len(ids(broker)) == 400
