"""Whatever reaches the port, a real server answers it, with an error of its own if need be, and goes on."""

import select
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
from support import PATIENCE, until
from support.web_server import WebServer

from headrace.web.access.limits import ConnectionLimits
from headrace.web.responses import RETRY_SECONDS

POST = b"POST /v1/documents HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n"
JSON = b"Content-Type: application/json\r\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebServer]:
    with WebServer(tmp_path_factory.mktemp("models"), request_bytes=1 << 20) as running:
        yield running


def exchange(server: WebServer, sent: bytes) -> bytes:
    """What the server answers before it closes the connection, which it is asked to do."""
    with socket.create_connection(server.address, PATIENCE) as line:
        line.sendall(sent)
        read = b""
        while data := line.recv(1 << 16):
            read += data
    return read


def status(server: WebServer, first: str, *headers: str, payload: bytes = b"") -> int:
    lines = [first, *headers, "Connection: close", "", ""]
    return int(exchange(server, "\r\n".join(lines).encode("latin-1") + payload).split()[1])


@pytest.mark.parametrize(
    "method",
    ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND", "PURGE", "CONNECT", "FOO"],
)
@pytest.mark.parametrize(
    "path",
    ["/", "/livez", "/readyz", "/metrics", "/v1/results", "/v1/documents/a", "/openapi.json", "*", "/_nicegui_ws/"],
)
def test_any_method_is_answered_without_a_failure(server: WebServer, method: str, path: str) -> None:
    code = status(server, f"{method} {path} HTTP/1.1", "Host: localhost", "Content-Length: 0")
    assert 200 <= code < 500 or (path, code) == ("/readyz", 503)


@pytest.mark.parametrize(
    "path",
    [
        "//", "///v1//results", "//evil.example/", "/v1%2Fresults", "/%2e%2e/%2e%2e/etc/passwd", "/../../etc/passwd",
        "/v1/documents/%00", "/%", "/%zz", "/%ff%fe", "/v1/documents/%ff", "/v1/results?%ff=%ff&limit=%00", "/;", "/?",
        "/v1/results?" + "&".join(["a=1"] * 2000), "/v1/results/", "/V1/RESULTS", "/livez/", "http://localhost/livez",
        "http://evil.example/v1/results", "http://localhost", "/v1/documents/" + "%C3%A5" * 300,
    ],
)  # fmt: skip
@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_any_path_is_answered_without_a_failure(server: WebServer, path: str, version: str) -> None:
    assert 200 <= status(server, f"GET {path} HTTP/{version}", "Host: localhost") < 500


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        (["Host: LOCALHOST."], 200), (["Host: [::1]:80"], 200), (["host:localhost"], 200), ([], 400),
        (["Host: localhost", "Host: localhost"], 400), (["Host: user@localhost"], 421), (["Host: evil.example"], 421),
        (["Host:"], 421), (["Host: \xff\xfe"], 421), (["Host: localhost:99999999"], 421), (["Host : localhost"], 400),
        (["Host: localhost", " folded: x"], 400), (["Host: localhost", "Origin: \xff"], 403),
        (["Host: localhost", 'Cookie: \xff={"a":1}', "Accept: \xff"], 200), (["Host: localhost", "X-\xe5: a"], 400),
        (["Host: localhost", "Expect: 200-ok"], 200), (["Host: localhost", "Upgrade: h2c", "Connection: Upgrade"], 200),
        (["Host: localhost", "Range: bytes=0-1", "If-None-Match: *"], 200),
    ],
)  # fmt: skip
def test_headers_as_they_come(server: WebServer, headers: list[str], code: int) -> None:
    assert status(server, "GET /v1/results HTTP/1.1", *headers) == code


@pytest.mark.parametrize(
    ("headers", "payload", "code"),
    [
        (["Content-Length: 14"], b'{"text":"Hej"}', 202),
        (["Transfer-Encoding: chunked"], b'6;x=y\r\n{"text\r\n8\r\n":"Hej"}\r\n0\r\nTrailer: z\r\n\r\n', 202),
        (["Transfer-Encoding: chunked", "Content-Length: 3"], b"0\r\n\r\n", 400),
        (["Content-Length: 14", "Content-Length: 15"], b'{"text":"Hej"}', 400),
        (["Content-Length: -1"], b"", 400),
        (["Content-Length: 99999999999999999999999"], b"", 400),
        (["Content-Length: 2000000"], b"", 413),
        (["Transfer-Encoding: gzip"], b"", 400),
        (["Transfer-Encoding: chunked"], b"x\r\n", 400),
        (["Content-Encoding: br", "Content-Length: 1"], b"x", 415),
    ],
)  # fmt: skip
def test_payloads_as_they_come(server: WebServer, headers: list[str], payload: bytes, code: int) -> None:
    sent = "\r\n".join(["POST /v1/documents HTTP/1.1", "Host: localhost", "Connection: close", *headers, ""]).encode()
    assert int(exchange(server, sent + JSON + b"\r\n" + payload).split()[1]) == code


def test_a_preflight_of_another_site_is_refused(server: WebServer) -> None:
    asked = ("Host: localhost", "Origin: https://evil.example", "Access-Control-Request-Method: POST")
    answer = exchange(
        server, "\r\n".join(["OPTIONS /v1/documents HTTP/1.1", *asked, "Connection: close", "", ""]).encode()
    )
    assert answer.startswith(b"HTTP/1.1 403")
    assert b"access-control-allow" not in answer.lower()


def test_payloads_of_all_requests_together_are_bounded(tmp_path: Path) -> None:
    """Those that would hold too much are told to come again; once the others are answered, they are taken."""
    with WebServer(tmp_path, request_bytes=4 << 20) as server:
        part = b'[{"text":"' + b"x" * (4_000_000 - 10)
        head = POST % 4_000_012 + JSON + b"\r\n"
        with ExitStack() as opened:
            lines = [opened.enter_context(socket.create_connection(server.address, PATIENCE)) for _ in range(6)]
            for line in lines:
                line.sendall(head + part)
            (refused, *_), _, _ = select.select(lines, [], [], PATIENCE)
            answer = refused.recv(1 << 16)
            assert answer.startswith(b"HTTP/1.1 503")
            assert b"retry-after: %d" % RETRY_SECONDS in answer.lower()
        text = b'[{"text":"' + b"x" * 1000 + b'"}]'
        again = POST % len(text) + JSON + b"Connection: close\r\n\r\n" + text
        until(lambda: exchange(server, again).startswith(b"HTTP/1.1 202"), "the document")


def test_a_stalled_client_of_any_kind_is_disconnected_while_others_are_answered(tmp_path: Path) -> None:
    limits = ConnectionLimits(head_seconds=0.3, stall_seconds=0.3, linger_seconds=0.1)
    with WebServer(tmp_path, limits=limits) as server:
        post = POST % 9 + JSON + b"\r\n"
        for sent in (b"", b"GET", b"GET / HTTP/1.1\r\na", post, post + b"x", post[:-2]):
            with socket.create_connection(server.address, PATIENCE) as line:
                line.sendall(sent)
                assert httpx.get(f"{server.url}/livez", trust_env=False, timeout=PATIENCE).status_code == 200
                answer = line.recv(1 << 16)
                assert answer.startswith(b"HTTP/1.1 408") if sent else answer == b""
                assert line.recv(1) == b"" or not sent


def test_whose_connection_is_one_too_many_reads_that_it_is(tmp_path: Path) -> None:
    with WebServer(tmp_path, limits=ConnectionLimits(connections=2)) as server, ExitStack() as opened:
        busy = [opened.enter_context(socket.create_connection(server.address, PATIENCE)) for _ in range(2)]
        part = POST % 14 + JSON + b"\r\n" + b'{"text":'
        for line in busy:
            line.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n" + part)
            assert b"live" in line.recv(1 << 16)
        for _ in range(300):  # more than may linger at a time
            answer = exchange(server, b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert answer.startswith(b"HTTP/1.1 503")
            assert b"retry-after: 1" in answer
            assert b"connection: close" in answer
        silent = opened.enter_context(socket.create_connection(server.address, PATIENCE))
        assert silent.recv(1 << 16).startswith(b"HTTP/1.1 503")
        for line in busy:
            line.sendall(b'"Hej"}')
            assert line.recv(1 << 16).startswith(b"HTTP/1.1 202")
