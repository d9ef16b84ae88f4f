"""Connections that answer calls themselves: with the app's answers, and only what is in order. The test plays the client."""

import asyncio
import gzip
import re
import socket
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path

import pytest
import uvicorn
import uvloop
from support import PATIENCE
from support.web_world import FirstLetter
from uvicorn.server import ServerState

from headrace import metrics
from headrace.brokers.memory import MemoryBroker
from headrace.documents import Prediction
from headrace.errors import HeadraceError
from headrace.meter import Histogram
from headrace.models.registry import Registry
from headrace.stores.memory import MemoryStore
from headrace.web.access.connections import Connections
from headrace.web.access.direct_connection import DirectConnection, KnownHead
from headrace.web.access.exchange import Exchange
from headrace.web.access.full_connection import FullServer
from headrace.web.access.headers import WholeResponses
from headrace.web.access.limits import ConnectionLimits
from headrace.web.admission import FEW
from headrace.web.api.app import direct_calls
from headrace.web.direct import SMALL_BYTES, DirectCalls
from headrace.web.requests import PayloadMemory
from headrace.web.server import build_app
from headrace.web.services import ServerSettings, Services
from headrace.web.state import AppState

TOKEN = "a long random word"
LIMITS = ConnectionLimits(head_seconds=10, stall_seconds=20, least_rate=1000, linger_seconds=2, idle_seconds=30)
SETTINGS = ServerSettings(token=TOKEN, limits=LIMITS)
HOST, JSON, MINE = "Host: localhost", "Content-Type: application/json", f"Authorization: Bearer {TOKEN}"
LIVEZ = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"
LIVE = b'{"live":true}'


class Held(FirstLetter):
    """A predictor that answers what it was asked when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[tuple[Callable[[], None], Callable[[], bool]]] = []

    def ask(
        self,
        texts: Sequence[str],
        *,
        threshold: float | None = None,
        labels: Sequence[str] = (),
        answer: Callable[[list[dict[str, Prediction]] | HeadraceError], None],
        abandoned: Callable[[], bool] = lambda: False,
    ) -> None:
        ask = partial(super().ask, texts, threshold=threshold, labels=labels, answer=answer)
        self.asked.append((ask, abandoned))

    def let_go(self) -> None:
        asked, self.asked = self.asked, []
        for answer, _ in asked:
            answer()


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


class Server:
    """The API on memory adapters, with connections that have no network. `direct` says whether they answer calls themselves."""

    def __init__(
        self,
        folder: Path,
        *,
        direct: bool = True,
        settings: ServerSettings = SETTINGS,
        predictor: FirstLetter | None = None,
    ) -> None:
        self.state = AppState.from_services(
            Services(
                store=MemoryStore(),
                connect=MemoryBroker().connect,
                registry=Registry(folder, builtin=None),
                predictor=predictor or FirstLetter(),
                settings=settings,
            )
        )
        self.memory = PayloadMemory(settings.request_bytes)
        calls = direct_calls(self.state) if direct else []
        self.direct: DirectCalls[KnownHead] = DirectCalls(calls, settings, memory=self.memory, meter=self.state.meter)
        self.config = uvicorn.Config(
            build_app(self.state, self.memory, console=False), lifespan="off", log_config=None, access_log=False
        )
        self.server_state = ServerState()
        self.clock = Clock()
        self.connections = Connections(settings.limits, clock=self.clock)
        self._lines: list[Line] = []

    async def connect(self) -> "Line":
        line = Line(self)
        self._lines.append(line)
        await line.open()
        return line

    async def close(self) -> None:
        for line in self._lines:
            line.leave()
        for connection in list(self.connections):
            connection.abort()
        while len(self.connections):
            await asyncio.sleep(0)
        self.state.close()


class Line:
    """A connection. `send` is what the client sends."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._read = b""
        self.connection = DirectConnection(
            server.config,
            server.server_state,
            {},
            connections=server.connections,
            direct=server.direct,
            responses=WholeResponses(),
            full=FullServer(server.connections),
        )

    async def open(self) -> None:
        self._client, theirs = socket.socketpair()
        self._client.setblocking(False)
        await asyncio.get_running_loop().connect_accepted_socket(lambda: self.connection, theirs)

    def send(self, data: bytes) -> None:
        self.connection.data_received(data)

    def write(self, data: bytes) -> None:
        """Send it over the socket, whoever reads it there."""
        self._client.send(data)

    def is_direct(self) -> bool:
        """Whether the last request is answered by the connection itself."""
        return isinstance(self.connection.cycle, Exchange)

    async def answer(self) -> bytes:
        """The next response, whose length has to be told."""
        await self._read_until(lambda: b"\r\n\r\n" in self._read)
        head, _, rest = self._read.partition(b"\r\n\r\n")
        found = re.search(rb"content-length: (\d+)", head)
        size = int(found[1]) if found else 0
        await self._read_until(lambda: len(self._read) >= len(head) + 4 + size)
        self._read = rest[size:] if len(rest) >= size else self._read[len(head) + 4 + size :]
        return head + b"\r\n\r\n" + rest[:size]

    async def answers(self, number: int) -> list[bytes]:
        return [await self.answer() for _ in range(number)]

    async def end(self) -> bytes:
        """Whatever is left, up to the end of the connection."""
        while await self._receive():
            pass
        left, self._read = self._read, b""
        return left

    def leave(self) -> None:
        self._client.close()

    async def _read_until(self, there: Callable[[], bool]) -> None:
        while not there():
            assert await self._receive(), f"the connection ended after {self._read!r}"

    async def _receive(self) -> bool:
        try:
            data = await asyncio.wait_for(asyncio.get_running_loop().sock_recv(self._client, 1 << 16), PATIENCE)
        except ConnectionResetError:
            return False
        self._read += data
        return bool(data)


def played(server: Server, play: Callable[[Line], Awaitable[None]]) -> None:
    async def run() -> None:
        try:
            await play(await server.connect())
        finally:
            await server.close()

    uvloop.run(run())


def post(path: str, payload: bytes | str, *headers: str, version: str = "1.1", length: str = "Content-Length") -> bytes:
    content = payload.encode() if isinstance(payload, str) else payload
    lines = [f"POST {path} HTTP/{version}", *headers, f"{length}: {len(content)}", "", ""]
    return "\r\n".join(lines).encode("latin-1") + content


def document(text: str, *headers: str, path: str = "/v1/documents") -> bytes:
    return post(path, f'{{"text":"{text}"}}', HOST, JSON, MINE, *headers)


def predict(text: str, *headers: str) -> bytes:
    return document(text, *headers, path="/v1/predict")


def status(answer: bytes) -> int:
    return int(answer.split()[1])


DIRECT = {
    "a document": document("Hej"),
    "its result, which does not come": document("Hej", path="/v1/documents?wait=0.01"),
    "no wait": document("Hej", path="/v1/documents?wait=0"),
    "a list": post("/v1/documents", '[{"text":"a"},{"id":1,"text":"b"}]', HOST, JSON, MINE),
    "a list with a fault": post("/v1/documents", '[{"text":"a"},{"text":""}]', HOST, JSON, MINE),
    "another text under one id": post(
        "/v1/documents", '[{"id":"a","text":"a"},{"id":"a","text":"b"}]', HOST, JSON, MINE
    ),
    "no JSON": post("/v1/documents", "{", HOST, JSON, MINE),
    "not UTF-8": post("/v1/documents", b'{"text":"\xff"}', HOST, JSON, MINE),
    "a prediction": predict("Hej"),
    "a text that fails": predict("poison"),
    "a wrong threshold": post("/v1/predict", '{"text":"a","threshold":2}', HOST, JSON, MINE),
    "charset": post("/v1/predict", '{"text":"a"}', HOST, MINE, "content-type: application/json; charset=UTF-8"),
    "own origin": predict("a", "Origin: http://localhost"),
    "accepting gzip": predict("a", "Accept-Encoding: gzip"),
    "forwarded": predict("a", "X-Forwarded-For: 10.0.0.1", "X-Forwarded-Proto: https"),
    "another query": document("Hej", path="/v1/predict?a=b&wait=x"),
    "closing": predict("a", "Connection: close"),
}
CHUNKED = f"POST /v1/predict HTTP/1.1\r\n{HOST}\r\n{JSON}\r\n{MINE}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
TO_THE_APP = {
    "no token": post("/v1/predict", '{"text":"a"}', HOST, JSON),
    "wrong token": post("/v1/predict", '{"text":"a"}', HOST, JSON, MINE + "s"),
    "foreign host": post("/v1/predict", '{"text":"a"}', "Host: evil.example", JSON, MINE),
    "no host": post("/v1/predict", '{"text":"a"}', JSON, MINE),
    "two hosts": post("/v1/predict", '{"text":"a"}', HOST, HOST, JSON, MINE),
    "foreign origin": predict("a", "Origin: http://evil.example"),
    "another site": predict("a", "Sec-Fetch-Site: cross-site"),
    "no type": post("/v1/predict", '{"text":"a"}', HOST, MINE),
    "a form": post("/v1/predict", "text=a", HOST, MINE, "Content-Type: application/x-www-form-urlencoded"),
    "Latin-1": post("/v1/predict", '{"text":"a"}', HOST, MINE, "Content-Type: application/json; charset=latin-1"),
    "gzip": post("/v1/predict", gzip.compress(b'{"text":"a"}', mtime=0), HOST, JSON, MINE, "Content-Encoding: gzip"),
    "brotli": post("/v1/predict", "x", HOST, JSON, MINE, "Content-Encoding: br"),
    "chunks": CHUNKED + b'5\r\n{"tex\r\n7\r\nt":"a"}\r\n0\r\n\r\n',
    "nothing": post("/v1/predict", "", HOST, JSON, MINE),
    "HTTP/1.0": post("/v1/predict", '{"text":"a"}', HOST, JSON, MINE, version="1.0"),
    "an upgrade": predict("a", "Connection: Upgrade", "Upgrade: h2c"),
    "a large payload": predict("a" * SMALL_BYTES),
    "a wrong wait": document("Hej", path="/v1/documents?wait=x"),
    "a list's call": document("Hej", path="/v1/documents/a"),
    "another spelling": document("Hej", path="/v1%2Fpredict"),
    "twice a slash": document("Hej", path="//v1/predict"),
    "the whole address": document("Hej", path="http://localhost/v1/predict"),
    "another method": predict("a").replace(b"POST", b"PUT"),
    "expect": predict("a", "Expect: 200-ok"),
}


def answers_to(server: Server, sent: bytes, pieces: int) -> tuple[list[bytes], bool]:
    """All that is answered, without the date, and whether the connection answered it itself."""
    answered: list[bytes] = []
    direct = False

    async def play(line: Line) -> None:
        nonlocal direct
        size = -(-len(sent) // pieces)
        for start in range(0, len(sent), size):
            line.send(sent[start : start + size])
        answered.append(await line.answer())
        direct = line.is_direct()
        if not line.connection.transport.is_closing():
            line.send(LIVEZ)
            answered.append(await line.answer())
        else:
            answered.append(await line.end())

    played(server, play)
    return [re.sub(rb"date: [^\r]+\r\n", b"", one) for one in answered], direct


@pytest.mark.parametrize("pieces", [1, 2, 7])
@pytest.mark.parametrize("name", [*DIRECT, *TO_THE_APP])
def test_a_connection_answers_as_the_app_does(tmp_path: Path, name: str, pieces: int) -> None:
    sent = {**DIRECT, **TO_THE_APP}[name]
    itself, direct = answers_to(Server(tmp_path), sent, pieces)
    of_the_app, indirect = answers_to(Server(tmp_path, direct=False), sent, pieces)
    assert itself == of_the_app
    assert (direct, indirect) == (name in DIRECT or name in ("the whole address", "twice a slash"), False)


def test_what_one_connection_has_learned_the_next_one_may_use_and_no_other_head(tmp_path: Path) -> None:
    server = Server(tmp_path)

    async def play(line: Line) -> None:
        for connection in ("keep-alive", "close"):
            line.send(predict("a", f"Connection: {connection}"))
            assert status(await line.answer()) == 200
            other = await server.connect()
            other.send(predict("b", f"Connection: {connection}"))
            answer = await other.answer()
            assert b'"label":"b"' in answer
            assert (b"connection: close\r\n" in answer) == (connection == "close")
            for sent, code in (
                (post("/v1/predict", '{"text":"a"}', HOST, JSON, f"Connection: {connection}"), 401),
                (predict("a", f"Connection: {connection}", "Origin: http://evil.example"), 403),
            ):
                other = await server.connect()
                other.send(sent)
                assert status(await other.answer()) == code

    played(server, play)


def test_what_a_proxy_says_is_believed_for_its_own_connection_alone(tmp_path: Path) -> None:
    server = Server(tmp_path, settings=ServerSettings(token=TOKEN, proxies=("10.0.0.7",)))
    told = document("Hej", "X-Forwarded-Prefix: /below", path="/below/v1/predict")

    async def play(line: Line) -> None:
        line.connection.client = ("10.0.0.7", 1)
        other = await server.connect()
        other.connection.client = ("10.0.0.8", 1)
        for _ in range(3):
            line.send(told)
            assert status(await line.answer()) == 200
            assert line.is_direct()
            other.send(told)
            assert status(await other.answer()) == 404
            assert not other.is_direct()

    played(server, play)


def test_it_is_the_same_below_a_root_path(tmp_path: Path) -> None:
    settings = ServerSettings(token=TOKEN, root_path="/headrace")
    for path in ("/headrace/v1/predict", "/v1/predict"):
        itself, direct = answers_to(Server(tmp_path, settings=settings), document("Hej", path=path), 1)
        assert direct
        assert status(itself[0]) == 200
    assert not answers_to(Server(tmp_path, settings=settings), document("Hej", path="/other/v1/predict"), 1)[1]


@pytest.mark.parametrize(
    ("second", "code"),
    [
        (post("/v1/predict", '{"text":"abc"}', HOST, JSON), 401),
        (post("/v1/predict", '{"text":"abc"}', HOST, JSON, MINE + "x"), 401),
        (post("/v1/predict", '{"text":"abc"}', "Host: evil.example", JSON, MINE), 421),
        (predict("abc", "Origin: http://evil.example"), 403),
        (post("/v1/predict", '{"text":"abc"}', HOST, MINE), 415),
        (document("abc", path="/v1/nothing"), 404),
        (post("/v1/predict", "x" * 10, HOST, JSON, MINE, length="content-length"), 422),
        (document("abc"), 202),
        (LIVEZ, 200),
    ],
)
@pytest.mark.parametrize("pieces", [1, 3])
def test_what_one_head_may_do_another_may_not(tmp_path: Path, second: bytes, code: int, pieces: int) -> None:
    async def play(line: Line) -> None:
        for text in ("a", "bb", "c" * 1000):
            line.send(predict(text))
            assert status(await line.answer()) == 200
            assert line.is_direct()
        for start in range(0, len(second), len(second) // pieces + 1):
            line.send(second[start : start + len(second) // pieces + 1])
        assert status(await line.answer()) == code
        line.send(predict("a"))
        assert b'"label":"a"' in await line.answer()

    played(Server(tmp_path), play)


def test_many_requests_with_one_head_get_each_their_own_answer(tmp_path: Path) -> None:
    async def play(line: Line) -> None:
        for number in range(300):
            line.send(predict(chr(ord("a") + number % 26) * (number + 1)))
            assert b'"label":"%c"' % (ord("a") + number % 26) in await line.answer()

    played(Server(tmp_path), play)


def test_requests_sent_ahead_are_answered_in_order_whoever_answers_them(tmp_path: Path) -> None:
    async def play(line: Line) -> None:
        one = [
            predict("a"),
            LIVEZ,
            predict("b"),
            document("c"),
            CHUNKED + b'c\r\n{"text":"d"}\r\n0\r\n\r\n',
            predict(""),
        ]
        line.send(b"".join(one * 200))
        parts = [b'"label":"a"', LIVE, b'"label":"b"', b'"ids"', b'"label":"d"', b"is empty"]
        for number, answer in enumerate(await line.answers(6 * 200)):
            assert parts[number % 6] in answer, number

    played(Server(tmp_path), play)


@pytest.mark.parametrize("direct", [True, False])
def test_the_last_of_those_sent_ahead_is_waited_for_and_answered_before_what_comes_later(
    tmp_path: Path, direct: bool
) -> None:
    predictor = Held()
    server = Server(tmp_path, predictor=predictor, direct=direct)

    async def play(line: Line) -> None:
        line.send(predict("a"))
        await asked()
        predictor.let_go()
        assert b'"label":"a"' in await line.answer()
        line.send(LIVEZ + predict("b"))
        assert LIVE in await line.answer()
        await asked()
        line.send(predict("c"))
        server.clock.now += 600
        server.connections.check()
        for text in (b"b", b"c"):
            await asked()
            assert len(predictor.asked) == 1
            predictor.let_go()
            assert b'"label":"%b"' % text in await line.answer()

    async def asked() -> None:
        async with asyncio.timeout(PATIENCE):
            while not predictor.asked:
                await asyncio.sleep(0)

    played(server, play)


def test_refused_requests_that_were_sent_ahead_are_answered_in_order_too(tmp_path: Path) -> None:
    server = Server(tmp_path, predictor=Held())

    async def play(line: Line) -> None:
        others = [await server.connect() for _ in range(FEW + 1)]
        for other in others:
            other.send(predict("a"))
        await asyncio.sleep(0)
        await until_refusing(server)
        line.send((predict("b") + LIVEZ) * 200)
        for number, answer in enumerate(await line.answers(400)):
            assert status(answer) == (200 if number % 2 else 503)
            assert number % 2 or b"retry-after: 1\r\n" in answer
        assert isinstance(server.state.services.predictor, Held)
        server.state.services.predictor.let_go()
        for other in others:
            assert status(await other.answer()) == 200

    played(server, play)


async def until_refusing(server: Server) -> None:
    """Wait until no more predictions are admitted, as the loop's clock decides."""
    async with asyncio.timeout(PATIENCE):
        while (place := server.state.predicted.enter()) is not None:
            place.leave()
            await asyncio.sleep(0.01)


def test_expect_100_continue_is_answered_before_the_payload(tmp_path: Path) -> None:
    async def play(line: Line) -> None:
        head, _, payload = predict("Hej", "Expect: 100-continue").partition(b"\r\n\r\n")
        line.send(head + b"\r\n\r\n")
        assert status(await line.answer()) == 100
        line.send(payload)
        assert b'"label":"H"' in await line.answer()

    played(Server(tmp_path), play)


def test_half_a_payload_is_waited_for_no_longer_than_by_the_app(tmp_path: Path) -> None:
    server = Server(tmp_path)

    async def play(line: Line) -> None:
        for sent in (predict("a"), predict("a" * 1000)[:-500]):
            line.send(sent)
        assert status(await line.answer()) == 200
        for _ in range(3):
            server.clock.now += 9
            server.connections.check()
        assert status(await line.answer()) == 408

    played(server, play)


def test_a_connection_that_was_answered_directly_is_closed_when_it_stays_idle(tmp_path: Path) -> None:
    server = Server(tmp_path)

    async def play(line: Line) -> None:
        for _ in range(2):
            line.send(predict("a"))
            assert status(await line.answer()) == 200
            server.clock.now += 29
            server.connections.check()
            assert len(server.connections) == 1
        server.clock.now += 2
        server.connections.check()
        assert await line.end() == b""

    played(server, play)


def test_one_that_gives_way_is_told_so_when_its_request_comes(tmp_path: Path) -> None:
    settings = ServerSettings(token=TOKEN, limits=ConnectionLimits(connections=1))
    server = Server(tmp_path, settings=settings)

    async def play(line: Line) -> None:
        line.send(predict("a"))
        assert status(await line.answer()) == 200
        other = await server.connect()
        line.write(predict("b"))
        answer = await line.answer()
        assert status(answer) == 503
        assert b"retry-after: 1\r\n" in answer
        assert await line.end() == b""
        other.send(predict("c"))
        assert status(await other.answer()) == 200

    played(server, play)


def test_what_follows_a_payload_is_a_request_of_its_own(tmp_path: Path) -> None:
    async def play(line: Line) -> None:
        line.send(predict("a"))
        line.send(predict("b") + b"P")
        assert b'"label":"a"' in await line.answer()
        assert b'"label":"b"' in await line.answer()
        line.send(predict("c")[1:])
        assert b'"label":"c"' in await line.answer()
        line.send(predict("d"))
        assert b'"label":"d"' in await line.answer()
        line.send(predict("e") + b"\0")
        assert status(await line.answer()) == 400

    played(Server(tmp_path), play)


def test_nothing_is_predicted_for_a_client_that_has_gone_and_its_place_is_free(tmp_path: Path) -> None:
    predictor = Held()
    server = Server(tmp_path, predictor=predictor)

    async def play(line: Line) -> None:
        line.send(predict("a"))
        while not predictor.asked:
            await asyncio.sleep(0)
        ((answer, abandoned),) = predictor.asked
        assert not abandoned()
        line.leave()
        async with asyncio.timeout(PATIENCE):
            while not abandoned() or server.state.predicted.here:
                await asyncio.sleep(0)
        answer()

    played(server, play)


def test_a_document_is_published_though_its_client_has_gone(tmp_path: Path) -> None:
    server = Server(tmp_path)

    async def play(line: Line) -> None:
        line.send(post("/v1/documents", '{"id":"mine","text":"a"}', HOST, JSON, MINE))
        line.leave()
        async with asyncio.timeout(PATIENCE):
            while "mine" not in server.state.recent_ids or server.state.published.here:
                await asyncio.sleep(0)

    played(server, play)


@pytest.mark.parametrize("direct", [True, False])
def test_who_waits_for_a_result_keeps_nobody_out(tmp_path: Path, direct: bool) -> None:
    server = Server(tmp_path, direct=direct)

    async def play(line: Line) -> None:
        line.send(post("/v1/documents?wait=60", '{"id":"mine","text":"a"}', HOST, JSON, MINE))
        async with asyncio.timeout(PATIENCE):
            while "mine" not in server.state.recent_ids:
                await asyncio.sleep(0)
        assert server.state.published.here == 0
        assert not line.connection.cycle.response_complete

    played(server, play)


def test_a_request_is_answered_when_the_server_stops_and_its_connection_closed(tmp_path: Path) -> None:
    predictor = Held()

    async def play(line: Line) -> None:
        line.send(predict("a"))
        while not predictor.asked:
            await asyncio.sleep(0)
        line.connection.shutdown()
        predictor.let_go()
        answer = await line.answer()
        assert status(answer) == 200
        assert b"connection: close\r\n" in answer
        assert await line.end() == b""

    played(Server(tmp_path, predictor=predictor), play)


def test_what_takes_too_long_when_the_server_stops_is_to_be_sent_again(tmp_path: Path) -> None:
    predictor = Held()
    server = Server(tmp_path, predictor=predictor)

    async def play(line: Line) -> None:
        line.send(predict("a"))
        while not predictor.asked:
            await asyncio.sleep(0)
        for task in server.server_state.tasks:
            task.cancel()
        assert status(await line.answer()) == 503
        assert await line.end() == b""

    played(server, play)


def test_a_bug_is_an_error_500_without_its_text(tmp_path: Path) -> None:
    class Broken(FirstLetter):
        def label(self, *_: object, **__: object) -> list[dict[str, Prediction]]:
            raise RuntimeError("a secret")

    async def play(line: Line) -> None:
        line.send(predict("a"))
        answer = await line.answer()
        assert status(answer) == 500
        assert b"secret" not in answer
        assert await line.end() == b""

    played(Server(tmp_path, predictor=Broken()), play)


def test_payloads_count_as_held_until_their_requests_are_answered(tmp_path: Path) -> None:
    predictor = Held()
    server = Server(tmp_path, predictor=predictor)
    server.memory.take((16 << 20) * 8 - 30)  # leaves 30 bytes

    async def play(line: Line) -> None:
        other = await server.connect()
        line.send(predict("a" * 10))
        other.send(predict("a" * 10))
        assert b"receiving too much" in await other.answer()
        predictor.let_go()
        assert status(await line.answer()) == 200
        other.send(predict("a" * 10))
        while not predictor.asked:
            await asyncio.sleep(0)
        predictor.let_go()
        assert status(await other.answer()) == 200

    played(server, play)


def test_direct_answers_are_counted_and_timed_like_those_of_the_app(tmp_path: Path) -> None:
    counted = []
    for direct in (True, False):
        server = Server(tmp_path, direct=direct)

        async def play(line: Line) -> None:
            for sent, code in ((predict("a"), 200), (predict(""), 422), (document("a"), 202)):
                line.send(sent)
                assert status(await line.answer()) == code
            for _ in range(10):  # until the middleware has counted the last one
                await asyncio.sleep(0)

        played(server, play)
        found = {metric.name: series for metric, series in server.state.meter.series()}
        timed = [
            (labels, sum(one.counts)) for labels, one in found[metrics.HTTP_SECONDS.name] if isinstance(one, Histogram)
        ]
        counted.append((found[metrics.HTTP_REQUESTS.name], found[metrics.HTTP_PREDICTIONS.name], timed))
    assert counted[0] == counted[1]
