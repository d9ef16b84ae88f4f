"""A server whose port is flooded by callers without a token: its memory stays flat, and it answers everybody else."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import httpx
import psutil
import pytest
from driver import PATIENCE, Headrace, Running
from websockets.exceptions import ConnectionClosedError, InvalidStatus
from websockets.sync.client import connect

TOKEN = "a long random word"
REQUEST_BYTES = 4 << 20
FLAT = 64 << 20  #: bytes by which the server may grow: 16 MiB of payloads in two copies, and what Python keeps
HOST = b"Host: localhost\r\n"
POST = (
    b"POST /v1/documents HTTP/1.1\r\n"
    + HOST
    + b"Content-Type: application/json\r\nContent-Length: %d\r\n" % REQUEST_BYTES
)
MINE = b"Authorization: Bearer " + TOKEN.encode() + b"\r\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    headrace = Headrace(tmp_path_factory.mktemp("flooded"), token=TOKEN, request_bytes=REQUEST_BYTES, connections=200)
    yield headrace.start("serve", "--api-only")
    headrace.sweep()


class Flood:
    """Connections that send what they may, and are closed together."""

    def __init__(self, server: Running) -> None:
        self._server = server
        self._url = server.address()
        self._stack = ExitStack()
        self.is_alive()
        self._before = self._memory()

    def __enter__(self) -> "Flood":
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def send(self, *pieces: bytes, count: int = 1) -> socket.socket:
        """Send as much as the server takes, over a connection that stays open."""
        line = socket.create_connection(("127.0.0.1", int(self._url.rpartition(":")[2])), PATIENCE)
        self._stack.callback(line.close)
        with suppress(ConnectionError):
            for piece in pieces[:-1]:
                line.sendall(piece)
            for _ in range(count):
                line.sendall(pieces[-1])
        return line

    def is_alive(self) -> None:
        """Check that the server answers, without a token and with it."""
        for path in ("livez", "v1/results"):
            answer = httpx.get(
                f"{self._url}/{path}", headers={"authorization": f"Bearer {TOKEN}"}, trust_env=False, timeout=PATIENCE
            )
            assert answer.status_code == 200

    def check(self) -> None:
        """Check that the server answers and has not grown."""
        self.is_alive()
        assert self._memory() - self._before < FLAT

    def _memory(self) -> int:
        return int(psutil.Process(self._server.child.pid).memory_info().rss)


@pytest.fixture
def flood(server: Running) -> Iterator[Flood]:
    with Flood(server) as made:
        yield made


def test_heads_without_end_and_headers_without_number_cost_no_memory(flood: Flood) -> None:
    start, megabyte = b"GET /v1/results HTTP/1.1\r\n" + HOST, b"x" * (1 << 20)
    for pieces in (
        (start + b"a: ", megabyte),
        (start, b"a: " + b"x" * 1000 + b"\r\n"),
        (b"GET /", megabyte),
        (
            POST.replace(b"Content-Length: %d" % REQUEST_BYTES, b"Transfer-Encoding: chunked") + b"\r\n0\r\na: ",
            megabyte,
        ),
    ):
        for _ in range(2):
            flood.send(*pieces, count=150)
            flood.check()


def test_payloads_without_a_token_are_not_kept(flood: Flood) -> None:
    for _ in range(40):
        line = flood.send(POST + b"\r\n", b"[" * (1 << 20), count=3)
        assert line.recv(12) == b"HTTP/1.1 401"
    flood.check()


def test_stalled_payloads_are_bounded_together(flood: Flood) -> None:
    for _ in range(40):
        flood.send(POST + MINE + b"\r\n", b"[" * ((4 << 20) - 1))
    flood.check()


def test_connections_that_send_nothing_give_way(flood: Flood) -> None:
    for _ in range(500):
        flood.send(b"")
    flood.check()


def test_requests_whose_answers_nobody_reads_wait(flood: Flood) -> None:
    many = (b"GET /openapi.json HTTP/1.1\r\n" + HOST + MINE + b"\r\n") * 1000
    for _ in range(20):
        line = flood.send(b"")
        line.setblocking(False)
        with suppress(BlockingIOError, ConnectionError):
            for _ in range(100):
                line.send(many)
    flood.check()


def test_the_consoles_socket_takes_no_giants(headrace: Headrace) -> None:
    running = headrace.start("serve", token=TOKEN)
    url, known = running.address(), {"authorization": f"Bearer {TOKEN}"}
    socket_url = f"{url.replace('http', 'ws', 1)}/_nicegui_ws/socket.io/?EIO=4&transport=websocket"
    for header in ("x" * 7000, "x" * 10_000):  # the second is longer than a line that the WebSocket's parser takes
        with (
            suppress(InvalidStatus),
            connect(socket_url, additional_headers={**known, "a": header}, proxy=None) as opened,
        ):
            assert opened.recv().startswith("0{")
    with connect(socket_url, additional_headers=known, proxy=None) as opened:
        opened.send("x" * (2 << 20))
        with pytest.raises(ConnectionClosedError, match="1009"):
            list(opened)
    with httpx.Client(base_url=url, headers=known, trust_env=False, timeout=PATIENCE) as client:
        path = "/_nicegui_ws/socket.io/?EIO=4&transport=polling"
        session = client.get(path).text.partition('"sid":"')[2].partition('"')[0]
        for method in ("POST", "GET"):
            assert client.request(method, f"{path}&sid={session}", content="x" * 2_000_000).status_code == 413
        assert client.get("/livez").status_code == 200
    assert "Traceback" not in running.printed
