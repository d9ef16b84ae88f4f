"""A web socket over real connections, of servers that misbehave."""

import base64
import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any

import pytest
from support import PATIENCE
from support.http_server import Request, serving
from support.reading import taken
from websockets.sync.server import Server, ServerConnection, serve

from headrace.documents import Document
from headrace.errors import Misconfigured
from headrace.fields import Fields
from headrace.ports import Gap, Malformed
from headrace.sources.websocket import WebsocketSource
from headrace.testing.sources import items


class World:
    """A server whose connections a test decides; `ended` is set when the test is over."""

    def __init__(self) -> None:
        self.ended = threading.Event()
        self.connections = 0
        self.server: Server | None = None


@contextmanager
def streaming(
    answer: Callable[[ServerConnection, World], None], *, refuse: HTTPStatus | None = None, **fields: str
) -> Iterator[WebsocketSource]:
    world = World()

    def handle(connection: ServerConnection) -> None:
        world.connections += 1
        answer(connection, world)

    def process(connection: ServerConnection, _request: Any) -> Any:
        return connection.respond(refuse, "no") if refuse else None

    with serve(handle, "127.0.0.1", 0, process_request=process) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            port = server.socket.getsockname()[1]
            yield WebsocketSource.from_url(f"ws://127.0.0.1:{port}/stream?tls=no", fields=Fields.parse(**fields))
        finally:
            world.ended.set()
            server.shutdown()
            thread.join()


def test_each_message_is_a_document_text_or_binary() -> None:
    def answer(connection: ServerConnection, world: World) -> None:
        connection.send(json.dumps({"id": 1, "text": "hej"}))
        connection.send(b'{"id": 2, "text": "hopp"}')
        connection.send("[1]")
        world.ended.wait(PATIENCE)

    with streaming(answer) as source:
        first, second, third = items(taken(source, 3))
    assert (first, second) == (Document("1", "hej", "ws"), Document("2", "hopp", "ws"))
    assert isinstance(third, Malformed)


def test_after_a_break_it_goes_on_and_tells_a_gap() -> None:
    def answer(connection: ServerConnection, world: World) -> None:
        connection.send(json.dumps({"id": world.connections, "text": "hej"}))
        if world.connections == 1:
            connection.socket.close()  # without a word
        elif world.connections == 2:
            connection.close(1012, "restarting")
        else:
            world.ended.wait(PATIENCE)

    with streaming(answer) as source:
        batches = taken(source, 5)
    assert [type(item) for item in items(batches)] == [Document, Gap, Document, Gap, Document]
    with streaming(answer) as source:
        assert [type(item) for item in items(taken(source, 2, batches[-1].cursor))] == [Gap, Document]


@pytest.mark.parametrize("status", [HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND])
def test_a_server_that_refuses_is_told_at_once(status: HTTPStatus) -> None:
    def nothing(_connection: ServerConnection, _world: World) -> None:
        pass

    with streaming(nothing, refuse=status) as source, pytest.raises(Misconfigured, match=f"answers {status.value}"):
        list(source.read())


def test_a_server_that_is_busy_is_waited_for() -> None:
    def nothing(_connection: ServerConnection, _world: World) -> None:
        pass

    with streaming(nothing, refuse=HTTPStatus.TOO_MANY_REQUESTS) as source:
        (batch,) = (batch for batch in source.read() if source.close() is None)
    assert batch.waiting.startswith("the server answers 429 Too Many Requests; trying again in")


def test_a_server_that_asks_to_wait_twice_is_waited_for() -> None:
    def answer(request: Request) -> None:
        request.send("HTTP/1.1 503 Busy\r\nRetry-After: 1\r\nRetry-After: 2\r\nContent-Length: 0\r\n\r\n")

    with serving(answer) as served:
        source = WebsocketSource.from_url(f"ws://127.0.0.1:{served.port}/?tls=no")
        (batch,) = (batch for batch in source.read() if batch.waiting and source.close() is None)
    assert batch.waiting.startswith("the server answers 503 Busy")


def test_closing_it_ends_the_connection() -> None:
    gone = threading.Event()

    def answer(connection: ServerConnection, _world: World) -> None:
        connection.send('{"text": "hej"}')
        for _ in connection:
            pass
        gone.set()

    with streaming(answer) as source:
        taken(source, 1)
        assert gone.wait(PATIENCE)


def test_a_host_that_does_not_exist_is_told_at_once() -> None:
    with pytest.raises(Misconfigured, match="can't be reached"):
        list(WebsocketSource.from_url("ws:ws://no-such-host.invalid/").read())


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("wss://host/stream", "ws:wss://host/stream"),
        ("ws://host/stream", "ws:wss://host/stream"),
        ("ws:ws://host/stream", "ws:ws://host/stream"),
        ("ws://host:8080/stream?tls=no&a=b", "ws:ws://host:8080/stream?a=b"),
    ],
)
def test_only_who_says_so_goes_without_tls(url: str, name: str) -> None:
    assert WebsocketSource.from_url(url).name == name


@pytest.mark.parametrize("location", ["http://[::bad", "ws://[::bad", "foo:", "/", "ws://", "file:///etc/passwd"])
def test_a_redirect_astray_is_an_error_at_first_and_a_state_later_on(location: str) -> None:
    astray = threading.Event()

    def answer(request: Request) -> None:
        if astray.is_set():
            request.begin(302, Location=location)
            return
        key = (request.headers["Sec-WebSocket-Key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()
        accepted = base64.b64encode(hashlib.sha1(key).digest())
        request.send(
            b"HTTP/1.1 101 S\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " + accepted
        )
        request.send(b'\r\n\r\n\x81\x0c{"text":"a"}\x88\0')
        request.close_connection = True
        astray.set()

    with serving(answer) as served:
        source = WebsocketSource.from_url(f"ws://127.0.0.1:{served.port}/?tls=no")
        for batch in source.read():
            if batch.waiting:
                source.close()
        assert "trying again" in batch.waiting
        with pytest.raises(Misconfigured):
            list(WebsocketSource.from_url(f"ws://127.0.0.1:{served.port}/?tls=no").read())


@pytest.mark.parametrize("proxy", ["http://[::bad", "socks5://127.0.0.1:1"])
def test_a_proxy_that_cannot_be_used_is_told(proxy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", proxy)
    with pytest.raises(Misconfigured, match="a proxy of the environment cannot be used"):
        list(WebsocketSource.from_url("ws:ws://example.org/").read())
