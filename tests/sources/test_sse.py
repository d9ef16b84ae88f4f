"""Server-sent events over real connections, of servers that misbehave."""

import gzip
import json
import shutil
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from support import PATIENCE
from support.http_server import Request, Served, serving
from support.nginx import certificate
from support.reading import taken

from headrace.documents import Document
from headrace.errors import Misconfigured
from headrace.fields import Fields
from headrace.ports import Gap, Malformed
from headrace.sources.sse import SseSource
from headrace.testing.sources import Item, items


@contextmanager
def streaming(answer: Callable[[Request], None], **fields: str) -> Iterator[tuple[SseSource, Served]]:
    with serving(answer) as served:
        url = f"sse://127.0.0.1:{served.port}/events?tls=no&lang=sv"
        yield SseSource.from_url(url, fields=Fields.parse(**fields)), served


@contextmanager
def own_certificate(folder: Path) -> Iterator[int]:
    """The port of a server with TLS, whose certificate nobody has signed."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate(folder, "127.0.0.1"))
    with serving(hold) as served:
        served.socket = context.wrap_socket(served.socket, server_side=True)
        yield served.port


def event(text: str, number: int | None = None) -> str:
    numbered = f"id: {number}\n" if number is not None else ""
    return f"{numbered}data: {json.dumps({'id': text, 'text': text})}\n\n"


def hold(request: Request) -> None:
    """Keep the connection open and silent until the test is over."""
    request.server.ended.wait(PATIENCE)  # type: ignore[attr-defined]


def ids(found: list[Item]) -> list[str]:
    return [item.id for item in found if isinstance(item, Document)]


def test_each_event_is_a_document_and_what_is_none_is_malformed_with_its_place() -> None:
    def answer(request: Request) -> None:
        request.begin(kind="text/event-stream; charset=utf-8")
        request.send(": welcome\nretry: 10\n\n" + event("hej", 1) + "id: 2\ndata: no json\n\n" + ": still here\n\n")
        request.send('event: many\nid: 3\ndata: [{"text": "a", "id": 1},\ndata: {"text": "b", "id": 2}]\n\n')
        hold(request)

    with streaming(answer) as (source, served):
        found = items(taken(source, 4))
        assert served.requests[0].path == "/events?lang=sv"
        assert served.requests[0].headers["User-Agent"].startswith("headrace/")
    assert ids(found) == ["hej", "1", "2"]
    assert found[0] == Document("hej", "hej", "sse")
    (malformed,) = [item for item in found if isinstance(item, Malformed)]
    assert malformed.data == b"no json"
    assert malformed.where.endswith("/events?lang=sv, event 2")


def test_it_resumes_after_the_last_event_and_tells_no_gap_when_the_server_numbers_them() -> None:
    def answer(request: Request) -> None:
        last = int(request.headers.get("Last-Event-ID", "0"))
        request.begin(kind="text/event-stream")
        for number in range(last + 1, last + 3):
            request.send(event(f"n{number}", number))
        if request.number == 3:
            hold(request)
        else:
            request.send('id: 99\ndata: {"text": "cut in the mid')  # and the connection ends

    with streaming(answer) as (source, _):
        batches = taken(source, 6)
        assert ids(items(batches)) == [f"n{number}" for number in range(1, 7)]
        assert len(items(batches)) == 6
    with streaming(answer) as (source, served):
        assert ids(items(taken(source, 2, batches[-1].cursor))) == ["n7", "n8"]
        assert served.requests[0].headers["Last-Event-ID"] == "6"


def test_a_gap_is_told_when_a_server_without_numbers_is_connected_to_again() -> None:
    def answer(request: Request) -> None:
        request.begin(kind="text/event-stream")
        request.send(event(f"n{request.number}"))
        if request.number > 1:
            hold(request)

    with streaming(answer) as (source, _):
        batches = taken(source, 3)
    first, gap, second = items(batches)
    assert (ids([first]), ids([second])) == (["n1"], ["n2"])
    assert isinstance(gap, Gap)
    assert "has no memory" in gap.reason
    with streaming(answer) as (source, _):
        assert isinstance(items(taken(source, 2, batches[-1].cursor))[0], Gap)


def test_a_server_that_is_busy_or_broken_is_come_back_to() -> None:
    def answer(request: Request) -> None:
        if request.number == 1:
            request.begin(503, "text/html", Retry_After="0")
            request.send("<h1>down</h1>")
        elif request.number == 2:
            request.send(b"garbage that is no HTTP\r\n\r\n")
            request.close_connection = True
        else:
            request.begin(kind="text/event-stream")
            request.send(event("hej"))
            hold(request)

    with streaming(answer) as (source, served):
        assert ids(items(taken(source, 1))) == ["hej"]
        assert len(served.requests) == 3


def test_a_long_pause_is_told_with_its_reason() -> None:
    def answer(request: Request) -> None:
        request.begin(429, "text/plain", Retry_After="120")
        request.send("slow down")

    with streaming(answer) as (source, _):
        (batch,) = (batch for batch in source.read() if source.close() is None)
    assert list(batch.items) == []
    assert batch.waiting.startswith("the server answers 429 Too Many Requests: slow down; trying again in 1")


@pytest.mark.parametrize(
    ("status", "kind", "told"),
    [
        (401, "text/plain", "the server answers 401 Unauthorized: who are you"),
        (404, "text/plain", "the server answers 404 Not Found"),
        (200, "text/html", "the server sends no events, but text/html; is the address right"),
    ],
)
def test_an_address_that_gives_no_events_is_told_at_once(status: int, kind: str, told: str) -> None:
    def answer(request: Request) -> None:
        request.begin(status, kind)
        request.send("who are you")

    with streaming(answer) as (source, _), pytest.raises(Misconfigured, match=told):
        list(source.read())


def test_a_host_that_does_not_exist_is_told_at_once() -> None:
    with pytest.raises(Misconfigured, match="can't be reached"):
        list(SseSource.from_url("sse:http://no-such-host.invalid/").read())


def test_fields_of_any_shape_and_compressed_events_are_read() -> None:
    def answer(request: Request) -> None:
        request.begin(kind="text/event-stream", Content_Encoding="gzip")
        request.send(gzip.compress(b'data: {"payload": {"body": "hej", "n": 7}}\n\n'))
        hold(request)

    with streaming(answer, text="/payload/body", id="/payload/n") as (source, _):
        assert items(taken(source, 1)) == [Document("7", "hej", "sse", meta={"payload": {}})]


def test_a_message_of_many_megabytes_is_malformed_and_the_next_one_read() -> None:
    def answer(request: Request) -> None:
        request.begin(kind="text/event-stream")
        request.send(event("x" * (10 << 20)) + event("hej"))
        hold(request)

    with streaming(answer) as (source, _):
        huge, small = items(taken(source, 2))
    assert isinstance(huge, Malformed)
    assert len(huge.data) < 1 << 20
    assert ids([small]) == ["hej"]


def test_closing_it_ends_the_connection_at_once() -> None:
    gone = threading.Event()

    def answer(request: Request) -> None:
        request.begin(kind="text/event-stream")
        request.send(event("hej"))
        if request.rfile.read(1) == b"":  # the client has shut the connection
            gone.set()

    with streaming(answer) as (source, _):
        taken(source, 1)
        assert gone.wait(PATIENCE)


@pytest.mark.parametrize(
    "url", ["sse:", "sse:host/path", "sse:ftp://host/", "sse://", "sse:https://", "sse:http://host:port/", "sse://:80/"]
)
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(Misconfigured, match="is not the address of a stream; write sse:https://host/path"):
        SseSource.from_url(url)


def test_the_name_is_the_address_without_secrets() -> None:
    url = "sse:https://anna:geheim@host/events?key=geheim&lang=sv"
    assert "geheim" not in SseSource.from_url(url).name
    assert SseSource.from_url("sse://host/a").name == "sse:https://host/a"


def test_an_event_without_an_id_does_not_forget_the_last_one() -> None:
    def answer(request: Request) -> None:
        request.begin(kind="text/event-stream")
        request.send(event("hello"))  # to greet
        if "Last-Event-ID" not in request.headers:
            request.send(event("first", 7) + event("greeting"))
        else:
            hold(request)

    with streaming(answer) as (source, served):
        batches = taken(source, 4)
        assert [type(item) for item in items(batches)] == [Document] * 4  # and no gap
        assert served.requests[1].headers["Last-Event-ID"] == "7"
    assert "7" in batches[-1].cursor


def test_an_id_that_is_not_ascii_is_sent_as_it_came() -> None:
    def answer(request: Request) -> None:
        request.begin(kind="text/event-stream")
        request.send(f"id: caf\u00e9 \ndata: {json.dumps({'text': str(request.number)})}\n\n")
        if request.number > 1:
            hold(request)

    with streaming(answer) as (source, served):
        assert len(items(taken(source, 2))) == 2
        assert served.requests[1].headers["Last-Event-ID"].encode("latin-1").decode() == "café"


def test_an_empty_id_begins_anew_with_a_gap() -> None:
    def answer(request: Request) -> None:
        request.begin(kind="text/event-stream")
        request.send(event("first", 7) + 'id:\ndata: {"text": "second"}\n\n')
        if request.number > 1:
            hold(request)

    with streaming(answer) as (source, served):
        batches = taken(source, 4)
        assert "Last-Event-ID" not in served.requests[1].headers
    assert isinstance(items(batches)[2], Gap)


@pytest.mark.parametrize("charset", ["hex", "utf-16", "iso-8859-1", "undefined", '"'])
def test_events_are_utf_8_whatever_the_server_says(charset: str) -> None:
    def answer(request: Request) -> None:
        request.begin(kind=f"text/event-stream; charset={charset}")
        request.send('data: {"text": "h\u00e5j"}\n\n'.encode())
        request.send(b'data: {"text": "h\xe5j"}\n\n')
        hold(request)

    with streaming(answer) as (source, _):
        good, bad = items(taken(source, 2))
    assert isinstance(good, Document)
    assert good.text == "h\u00e5j"
    assert isinstance(bad, Malformed)
    assert "UTF-8" in bad.reason


@pytest.mark.parametrize("status", [204, 206, 304, 301])
def test_a_status_that_brings_no_events_is_told(status: int) -> None:
    def answer(request: Request) -> None:
        request.begin(status, "text/event-stream")
        request.send(event("hej"))

    with streaming(answer) as (source, _), pytest.raises(Misconfigured, match=f"sends no events, but answers {status}"):
        list(source.read())


def test_a_redirect_astray_is_an_error_at_first_and_a_state_later_on() -> None:
    def answer(request: Request) -> None:
        if request.number == 2:
            request.begin(302, Location="http://[::bad")
        else:
            request.begin(kind="text/event-stream")
            request.send(event("hej"))

    with streaming(answer) as (source, _):
        for batch in source.read():
            if batch.waiting:
                source.close()
                waiting = batch.waiting
    assert waiting.startswith("the server sends on to an address that cannot be used")

    def astray(request: Request) -> None:
        request.begin(302, Location="http://[::bad")

    with streaming(astray) as (source, _), pytest.raises(Misconfigured, match="an address that cannot be used"):
        list(source.read())


def test_an_event_of_too_many_megabytes_is_malformed_with_its_place_and_the_next_one_read() -> None:
    def answer(request: Request) -> None:
        request.begin(kind="text/event-stream")
        request.send("id: 1\ndata: ")
        for _ in range(65):
            request.send(b"x" * (1 << 20))
        request.send("\n\n" + event("hej", 2))
        hold(request)

    with streaming(answer) as (source, _):
        huge, small = items(taken(source, 2))
    assert isinstance(huge, Malformed)
    assert huge.reason == "the event is longer than 67,108,864 bytes"
    assert huge.where.endswith("event 1")
    assert ids([small]) == ["hej"]


@pytest.mark.skipif(not shutil.which("openssl"), reason="needs openssl to make a certificate")
def test_an_address_of_ipv6_is_read_and_a_certificate_of_nobody_is_refused(tmp_path: Path) -> None:
    assert SseSource.from_url("sse://[::1]:9000/a?tls=no").name == "sse:http://[::1]:9000/a"
    with own_certificate(tmp_path) as port:
        source = SseSource.from_url(f"sse://127.0.0.1:{port}/")
        for batch in source.read():
            if batch.waiting:
                source.close()
    assert "the server's certificate is not accepted: self-signed certificate" in batch.waiting
