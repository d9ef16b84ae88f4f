"""Connections within limits: what is sent is the client's part, played by the test, and time is the test's own clock."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest
import uvicorn
import uvloop
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send
from support import PATIENCE
from uvicorn.server import ServerState

from headrace.web.access.connections import Connections
from headrace.web.access.http_connection import HttpConnection
from headrace.web.access.limits import ConnectionLimits

LIMITS = ConnectionLimits(head_seconds=10, stall_seconds=20, least_rate=1000, linger_seconds=2, idle_seconds=30)
GET = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n"
CHUNKED = b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
BIG = 8 << 20  #: bytes of the answer to /big, more than a socket holds


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


class App:
    """Answers with the size of the payload; /big with much, /unread without reading, /wait when it is told to."""

    def __init__(self) -> None:
        self.may_answer = asyncio.Event()
        self.cut_off = asyncio.Event()
        self.headers: list[tuple[bytes, bytes]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.headers = scope["headers"]
        path, size = scope["path"], 0
        try:
            if path != "/unread":
                size = len(await Request(scope, receive).body())
        except ClientDisconnect:
            self.cut_off.set()
            return
        if path == "/wait":
            await self.may_answer.wait()
        content = "x" * BIG if path == "/big" else f"<{path} {size}>"
        await PlainTextResponse(content)(scope, receive, send)


class Line:
    """A connection to a server without a network of its own. `send` is what the client sends, `pass_time` is seconds going by."""

    def __init__(self, limits: ConnectionLimits = LIMITS, connections: Connections | None = None) -> None:
        self.clock = Clock() if connections is None else connections.clock
        self.connections = connections or Connections(limits, clock=self.clock)
        self.app = App()
        config = uvicorn.Config(self.app, lifespan="off", log_config=None, access_log=False)
        self.connection = HttpConnection(config, ServerState(), {}, connections=self.connections)

    async def open(self) -> "Line":
        self._client, theirs = socket.socketpair()
        self._client.setblocking(False)
        await asyncio.get_running_loop().connect_accepted_socket(lambda: self.connection, theirs)
        return self

    async def close(self) -> None:
        """End it and all others of the server."""
        for connection in list(self.connections):
            connection.abort()
        while len(self.connections):
            await asyncio.sleep(0)
        self._client.close()

    def send(self, data: bytes) -> None:
        self.connection.data_received(data)

    def pass_time(self, seconds: float) -> None:
        assert isinstance(self.clock, Clock)
        self.clock.now += seconds
        self.connections.check()

    async def read_to(self, end: bytes) -> bytes:
        """What the server answers, up to this; all of it if the server closes the connection before."""
        loop, read = asyncio.get_running_loop(), b""
        while end not in read:
            try:
                data = await asyncio.wait_for(loop.sock_recv(self._client, 1 << 16), PATIENCE)
            except ConnectionResetError:
                data = b""
            if not data:
                break
            read += data
        return read

    async def read(self) -> bytes:
        """All that the server answers before it closes the connection."""
        return await self.read_to(b"never sent")


def played(play: Callable[[Line], Awaitable[None]], limits: ConnectionLimits = LIMITS) -> None:
    async def run() -> None:
        line = await Line(limits).open()
        try:
            await play(line)
        finally:
            await line.close()

    uvloop.run(run())


def status(answer: bytes) -> int:
    return int(answer.split()[1])


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", 414),
        (b"GET /?" + b"x" * 9000, 414),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\na: " + b"x" * 40_000 + b"\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"x" * 40_000 + b": a\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"a: 1\r\n" * 200 + b"\r\n", 431),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\n" + (b"a: " + b"x" * 4000 + b"\r\n") * 10 + b"\r\n", 431),
        (CHUNKED + b"0\r\n" + b"a: 1\r\n" * 200 + b"\r\n", 431),
        (CHUNKED + b"0\r\n" + (b"a: " + b"x" * 4000 + b"\r\n") * 10 + b"\r\n", 431),
        (b"nonsense\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\n\r\n", 400),
        (b"GET /\0 HTTP/1.1\r\n\r\n", 400),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    ],
)
@pytest.mark.parametrize("piece", [1 << 20, 1000])
def test_what_exceeds_a_limit_is_refused_with_a_reason(sent: bytes, code: int, piece: int) -> None:
    async def play(line: Line) -> None:
        for start in range(0, len(sent), piece):
            line.send(sent[start : start + piece])
        answer = await line.read()
        assert status(answer) == code
        assert b'{"error":{"message":' in answer
        assert b"nosniff" in answer
        assert b"connection: close" in answer

    played(play)


@pytest.mark.parametrize(
    "beginning", [b"GET / HTTP/1.1\r\na: ", b"GET / HTTP/1.1\r\n", b"GET /", CHUNKED + b"1;x=", CHUNKED + b"0\r\na: "]
)
def test_what_never_ends_is_refused_before_it_is_kept(beginning: bytes) -> None:
    async def play(line: Line) -> None:
        line.send(beginning)
        pieces = 0
        while not line.connection.is_refused and pieces < 1000:
            line.send(b"x" * (64 << 10))
            pieces += 1
        assert pieces <= 4
        assert status(await line.read()) in (400, 414, 431)

    played(play)


def test_many_tiny_chunks_are_taken_and_chunks_of_framing_alone_are_not() -> None:
    async def play(line: Line) -> None:
        line.send(CHUNKED)
        for _ in range(10_000):
            line.send(b"1\r\nx\r\n")
        line.send(b"0\r\nTrailer: y\r\n\r\n")
        assert b"</ 10000>" in await line.read_to(b">")
        assert b"trailer" not in dict(line.app.headers)
        line.send(CHUNKED)
        for _ in range(10_000):
            line.send(b"1;name=" + b"y" * 20 + b"\r\nx\r\n")
        assert status(await line.read()) == 400

    played(play)


def test_a_head_that_takes_too_long_is_given_up() -> None:
    async def play(line: Line) -> None:
        for piece in (GET[:1], GET[1:9], GET[9:-2]):
            line.send(piece)
            line.pass_time(3)
        line.pass_time(2)
        assert status(await line.read()) == 408

    played(play)


@pytest.mark.parametrize("sent", [b"", b"\r\n"])
def test_who_sends_no_request_is_disconnected(sent: bytes) -> None:
    async def play(line: Line) -> None:
        for _ in range(6):
            if sent:
                line.send(sent)
            line.pass_time(2)
        assert status(await line.read() or b"- 408") == 408
        line.pass_time(3)
        assert len(line.connections) == 0

    played(play)


def test_between_two_requests_a_client_may_take_its_time_but_not_for_the_head() -> None:
    async def play(line: Line) -> None:
        line.send(GET)
        assert b"</ 0>" in await line.read_to(b">")
        line.pass_time(29)
        line.send(GET)
        assert b"</ 0>" in await line.read_to(b">")
        line.send(GET[:-1])
        line.pass_time(11)
        assert status(await line.read()) == 408

    played(play)


def test_a_payload_that_stands_still_is_given_up_and_its_request_ends() -> None:
    async def play(line: Line) -> None:
        line.send(POST + b"x" * 50_000)
        line.pass_time(19)
        assert not line.app.cut_off.is_set()
        line.pass_time(2)
        assert status(await line.read()) == 408
        await asyncio.wait_for(line.app.cut_off.wait(), PATIENCE)

    played(play)


def test_what_came_early_buys_a_payload_no_time() -> None:
    async def play(line: Line) -> None:
        line.send(POST + b"x" * 90_000)
        while line.connection.flow.read_paused:  # until the app has taken it
            await asyncio.sleep(0)
        for _ in range(3):
            line.pass_time(8)
            line.send(b"x")
        assert status(await line.read()) == 408

    played(play)


def test_a_slow_payload_that_keeps_coming_is_taken() -> None:
    async def play(line: Line) -> None:
        line.send(POST)
        for _ in range(10):
            line.pass_time(9)
            line.send(b"x" * 10_000)
        assert b"</ 100000>" in await line.read_to(b">")

    played(play)


def test_while_the_server_does_not_read_a_client_is_not_blamed() -> None:
    async def play(line: Line) -> None:
        line.send(POST.replace(b"/ ", b"/unread ", 1) + b"x" * 90_000)
        line.connection.flow.pause_reading()
        line.pass_time(60)
        line.connection.flow.resume_reading()
        line.send(b"x" * 10_000)
        assert b"</unread 0>" in await line.read_to(b">")

    played(play)


def test_an_answer_may_take_as_long_as_it_takes() -> None:
    async def play(line: Line) -> None:
        line.send(GET.replace(b"/ ", b"/wait ", 1))
        line.send(GET[:-3])  # and the next request may begin meanwhile
        line.pass_time(600)
        line.app.may_answer.set()
        assert b"</wait 0>" in await line.read_to(b">")
        line.send(GET[-3:])
        assert b"</ 0>" in await line.read_to(b">")

    played(play)


def test_what_follows_an_early_answer_is_not_waited_for_long() -> None:
    async def play(line: Line) -> None:
        line.send(POST.replace(b"/ ", b"/unread ", 1))
        assert b"</unread 0>" in await line.read_to(b">")
        for _ in range(4):
            line.pass_time(4)
            line.send(b"x" * 10_000)
        assert len(line.connections) == 1
        line.pass_time(5)
        assert await line.read() == b""

    played(play)


def test_a_client_that_does_not_read_its_answer_is_disconnected_and_one_that_reads_is_not() -> None:
    async def play(line: Line) -> None:
        line.send(GET.replace(b"/ ", b"/big ", 1))
        while not line.connection.flow.write_paused:
            await asyncio.sleep(0)
        got = await line.read_to(b"\r\n\r\n")
        for _ in range(5):
            line.pass_time(19)
            got += await line.read_to(b"x" * 30_000)
        assert len(line.connections) == 1
        line.pass_time(21)
        line.pass_time(21)
        assert len(got + await line.read()) < BIG
        assert len(line.connections) == 0

    played(play)


def test_requests_sent_ahead_are_answered_in_order_however_many() -> None:
    async def play(line: Line) -> None:
        line.send(b"".join(GET.replace(b"/ ", b"/%d " % number, 1) for number in range(5000)))
        read = await line.read_to(b"</4999 0>")
        numbers = [int(part.split()[0]) for part in read.split(b"</")[1:]]
        assert numbers == list(range(5000))

    played(play)


@pytest.mark.parametrize("reason", ["an error", "the client"])
def test_requests_sent_ahead_are_given_up_together(reason: str, caplog: pytest.LogCaptureFixture) -> None:
    async def play(line: Line) -> None:
        line.send(GET.replace(b"/ ", b"/wait ", 1))
        await asyncio.sleep(0)  # the app has it
        line.send(GET + (b"nonsense\r\n\r\n" if reason == "an error" else b""))
        if reason == "an error":
            assert status(await line.read()) == 400
        else:
            line.connection.abort()
            while len(line.connections):
                await asyncio.sleep(0)
        line.app.may_answer.set()
        await asyncio.gather(*line.connection.tasks)

    played(play)
    errors = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert not errors  # an answer that cannot be sent would be an error of the app


def test_requests_sent_ahead_without_end_are_not_kept() -> None:
    async def play(line: Line) -> None:
        line.send(GET.replace(b"/ ", b"/wait ", 1))
        for _ in range(100):
            line.send(GET * 2000)
        assert line.connection.transport.is_closing()
        assert await line.read() == b""

    played(play)


def test_of_too_many_connections_the_one_that_waited_longest_is_closed() -> None:
    async def play(first: Line) -> None:
        second = await Line(connections=first.connections).open()
        second.send(GET.replace(b"/ ", b"/wait ", 1))
        third = await Line(connections=first.connections).open()
        assert await first.read() == b""
        third.send(GET)
        assert b"</ 0>" in await third.read_to(b">")
        fourth = await Line(connections=first.connections).open()
        assert await third.read() == b""
        fourth.send(GET.replace(b"/ ", b"/wait ", 1))
        fifth = await Line(connections=first.connections).open()
        assert status(await fifth.read()) == 503
        for busy in (second, fourth):
            busy.app.may_answer.set()
            assert b"</wait 0>" in await busy.read_to(b">")
        for line in (second, third, fourth, fifth):
            await line.close()

    played(play, replace(LIMITS, connections=2))


@pytest.mark.parametrize("target", [b"http://localhost", b"http://localhost/", b"http://localhost?", b"//"])
def test_a_request_target_may_name_the_host(target: bytes) -> None:
    async def play(line: Line) -> None:
        line.send(GET.replace(b" / ", b" " + target + b" ", 1))
        assert status(await line.read_to(b">")) == 200

    played(play)
