"""The server: it listens or says why it can't, reports when it is ready, and stops when asked."""

import asyncio
import socket
from pathlib import Path

import httpx
import pytest
import uvloop
from support import PATIENCE, until
from support.web_server import WebServer

from headrace.brokers.memory import MemoryBroker
from headrace.errors import Misconfigured
from headrace.models.registry import Registry
from headrace.stores.memory import MemoryStore
from headrace.web.server import copies, listen, serve
from headrace.web.services import ServerSettings, Services


def test_it_reports_its_address_when_it_is_ready(tmp_path: Path) -> None:
    with WebServer(tmp_path) as server:
        assert server.url.startswith("http://127.0.0.1:")
        assert httpx.get(f"{server.url}/livez", trust_env=False, timeout=PATIENCE).json() == {"live": True}


def test_it_stops_though_connections_are_kept_open_and_requests_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headrace.web.api.documents.WAIT_SECONDS", 3600)  # so that it's the stop that ends the wait
    monkeypatch.setattr("headrace.web.server.DRAIN_SECONDS", 60)  # and nothing else, however slow the machine is
    with WebServer(tmp_path) as server, httpx.Client(base_url=server.url, trust_env=False, timeout=PATIENCE) as client:
        assert client.get("/livez").status_code == 200
        waiting = server.begin(
            lambda: httpx.post(
                f"{server.url}/v1/documents?wait=3600", json={"text": "Hej"}, trust_env=False, timeout=PATIENCE
            )
        )
        until(lambda: b"http_documents_total 1.0" in client.get("/metrics").content, "the document")
        server.stop()
        assert waiting().status_code == 202


def test_those_who_connect_at_once_are_accepted_in_few_turns_of_the_event_loop() -> None:
    many, number = 200, 8

    class Connection(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            accepted.append(transport)

    async def turns() -> int:
        loop, turns = asyncio.get_running_loop(), 0
        listener = listen(ServerSettings(port=0))
        servers = [await loop.create_server(Connection, sock=one, backlog=many) for one in copies(listener, number)]
        clients = [socket.create_connection(listener.getsockname()) for _ in range(many)]
        while len(accepted) < many:
            turns += 1
            await asyncio.sleep(0)
        for one in (*servers, *clients, *accepted):
            one.close()
        return turns

    accepted: list[asyncio.BaseTransport] = []
    assert uvloop.run(turns()) < many // 2


def test_a_port_in_use_is_named_with_what_to_do() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(Misconfigured, match=rf"port {port} on 127.0.0.1 is in use.*--port"):
            listen(ServerSettings(port=port))


@pytest.mark.parametrize(
    ("host", "told"), [("192.0.2.1", "no such address"), ("no.such.host.invalid", "address of this machine")]
)
def test_an_address_that_the_machine_does_not_have_is_named(host: str, told: str) -> None:
    with pytest.raises(Misconfigured, match=told):
        listen(ServerSettings(host=host, port=0, token="a long random word"))


def test_it_does_not_start_on_a_network_without_a_token(tmp_path: Path) -> None:
    services = Services(
        store=MemoryStore(),
        connect=MemoryBroker,
        registry=Registry(tmp_path, builtin=None),
        settings=ServerSettings(host="0.0.0.0"),
    )
    with pytest.raises(Misconfigured, match="HEADRACE_TOKEN"):
        serve(services, console=False, stop=lambda: True)
