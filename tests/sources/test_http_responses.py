"""Answers that are too long, endless, compressed to nearly nothing, or that lead astray, over real connections."""

import gzip
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx
import pytest
from support.http_server import Request, Served, serving

from headrace.errors import Misconfigured
from headrace.sources import http_client, http_responses
from headrace.sources.back_off import Broken, Kind
from headrace.sources.http_responses import ANSWER_BYTES, PIECE_BYTES, BoundedClient, TooLong, whole

MOST_SENT = 4 * ANSWER_BYTES  #: by a server that would go on for ever


def endlessly(request: Request, piece: bytes = b"x" * (1 << 20)) -> None:
    """Send until the client has gone."""
    for _ in range(MOST_SENT // len(piece)):
        if not request.send(piece):
            return
    raise AssertionError("the client has taken all that was sent")


@contextmanager
def asked(answer: Callable[[Request], None]) -> Iterator[tuple[httpx.Client, str, Served]]:
    failed: list[BaseException] = []

    def noted(request: Request) -> None:
        try:
            answer(request)
        except AssertionError as error:
            failed.append(error)

    with serving(noted) as served, http_client.client() as client:
        yield client, f"http://127.0.0.1:{served.port}/", served
    assert not failed


def test_an_endless_answer_is_given_up() -> None:
    def answer(request: Request) -> None:
        request.begin()
        endlessly(request)

    with asked(answer) as (client, address, _):
        with pytest.raises(TooLong, match="the limit is 64 MiB") as raised:
            client.get(address)
        assert raised.value.data.startswith(b"xxx")
        with client.stream("GET", address) as response, pytest.raises(TooLong, match="the limit is 2 MiB"):
            whole(response, 2 << 20)


def test_an_endless_error_is_told_by_its_beginning() -> None:
    def answer(request: Request) -> None:
        request.begin(403, "text/plain")
        request.send("go away ")
        endlessly(request)

    with asked(answer) as (client, address, _), client.stream("GET", address) as response:
        with pytest.raises(Broken, match="403 Forbidden: go away xxx") as raised:
            http_client.check(response)
        assert len(str(raised.value)) < 300


def test_the_bodies_of_redirects_are_not_read() -> None:
    def answer(request: Request) -> None:
        if request.number < 3:
            request.begin(302, Location=f"/{request.number}")
            endlessly(request)
        else:
            request.begin()
            request.send("[]")

    with asked(answer) as (client, address, _):
        response = client.get(address)
    assert response.content == b"[]"
    assert [one.status_code for one in response.history] == [302, 302]
    assert response.url.path == "/2"


def test_redirects_without_end_are_given_up() -> None:
    def answer(request: Request) -> None:
        request.begin(302, Location=f"/{request.number}")

    with asked(answer) as (client, address, served):
        with pytest.raises(Broken, match="leads on more than 20 times"), http_client.telling():
            client.get(address)
        assert len(served.requests) == 21


@pytest.mark.parametrize(
    "location",
    ["http://[::bad", "foo:", "foo://host/", "http://", "http://h\u00e4:99999999/", "http://a b/", "http://x\x7f.y/"],
)
def test_a_redirect_to_an_address_that_cannot_be_used_is_a_break(location: str) -> None:
    def answer(request: Request) -> None:
        if request.number == 1:
            request.begin(302, Location=location)

    with asked(answer) as (client, address, _), pytest.raises(Broken), http_client.telling():
        client.get(address)


def test_an_address_that_cannot_be_used_is_a_refusal() -> None:
    with http_client.client() as client, pytest.raises(Broken) as raised, http_client.telling():
        client.get("http://[::bad")
    assert raised.value.kind is Kind.REFUSED


@pytest.mark.parametrize("coding", ["gzip", "deflate", "gzip, gzip"])
def test_a_bomb_is_given_up_before_it_is_unpacked(coding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = gzip.compress(bytes(MOST_SENT)) if "gzip" in coding else zlib.compress(bytes(MOST_SENT))
    if coding == "gzip, gzip":
        bomb = gzip.compress(bomb)
    made: list[int] = []
    decoded = http_responses._decoded

    def noting(pieces: Iterator[bytes], bits: int) -> Iterator[bytes]:
        for piece in decoded(pieces, bits):
            made.append(len(piece))
            yield piece

    monkeypatch.setattr(http_responses, "_decoded", noting)

    def answer(request: Request) -> None:
        request.begin(Content_Encoding=coding)
        request.send(bomb)

    with asked(answer) as (client, address, _), pytest.raises(TooLong):
        client.get(address)
    assert max(made) <= PIECE_BYTES
    assert sum(made) < 2 * ANSWER_BYTES


@pytest.mark.parametrize(
    ("coding", "data"),
    [
        ("gzip", gzip.compress(b"hej", mtime=0) + gzip.compress(b" du", mtime=0) + b"\0\0"),
        ("GZIP", gzip.compress(b"hej du", mtime=0)),
        ("deflate", zlib.compress(b"hej du")),
        ("deflate", zlib.compress(b"hej du")[2:-4]),
        ("identity", b"hej du"),
        ("deflate, gzip", gzip.compress(zlib.compress(b"hej du"), mtime=0)),
    ],
)
def test_what_is_compressed_is_read_whole(coding: str, data: bytes) -> None:
    def answer(request: Request) -> None:
        request.begin(Content_Encoding=coding)
        for at in range(len(data)):
            request.send(data[at : at + 1])

    with asked(answer) as (client, address, served):
        assert client.get(address).content == b"hej du"
        assert served.requests[0].headers["Accept-Encoding"] == "gzip, deflate"


@pytest.mark.parametrize(
    ("coding", "data"), [("gzip", b"no gzip"), ("br", b"x"), ("zstd", b"x"), ("gzip,gzip,gzip", b"")]
)
def test_what_cannot_be_decoded_is_an_error_of_the_server(coding: str, data: bytes) -> None:
    def answer(request: Request) -> None:
        request.begin(Content_Encoding=coding)
        request.send(data)

    with (
        asked(answer) as (client, address, _),
        pytest.raises(Broken, match="cannot be decoded") as raised,
        http_client.telling(),
    ):
        client.get(address)
    assert raised.value.kind is Kind.SERVER


def test_a_large_answer_in_pieces_is_the_same_as_a_whole_one() -> None:
    text = b"".join(b"%d " % number for number in range(200_000))

    def answer(request: Request) -> None:
        request.begin(Content_Encoding="gzip")
        request.send(gzip.compress(text))

    with asked(answer) as (client, address, _), client.stream("GET", address) as response:
        assert whole(response) == text


def test_cookies_do_not_pile_up() -> None:
    def answer(request: Request) -> None:
        request.begin(302 if request.path == "/" else 200, Set_Cookie=f"a{request.number}=b", Location="/next")

    with asked(answer) as (client, address, served):
        for _ in range(3):
            client.get(address)
        sent = [one.headers.get("Cookie") for one in served.requests]
    assert sent == [None, "a1=b", None, "a3=b", None, "a5=b"]


@pytest.mark.parametrize(
    ("name", "value"),
    [("HTTP_PROXY", "foo://host"), ("HTTPS_PROXY", "http://[::bad"), ("SSL_CERT_FILE", "/no/such/file")],
)
def test_a_proxy_or_certificates_that_cannot_be_used_are_told(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(Misconfigured, match=f"no connection can be made: .*{name}"):
        http_client.client()


def test_a_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(request: Request) -> None:
        request.begin()
        request.send(request.path)

    with serving(answer) as served:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{served.port}")
        with http_client.client() as client:
            assert isinstance(client, BoundedClient)
            assert client.get("http://example.org/events").text == "http://example.org/events"


@pytest.mark.parametrize(
    "given",
    [
        *("", "-5", "1e9", "\N{ARABIC-INDIC DIGIT THREE}", "soon", "9" * 5000, ",", "\x00"),
        *("Fri, 31 Dec 99999 23:59:59 GMT", "Mon, 01 Jan 0001 00:00:00 +2359", "Mon, 99 Jan 2001 00:00:00 GMT"),
        *("Mon, 01 Jan 2001 00:00:00 +99999999999", "Mon, 01 Jan 2001 00:00:00 +99999999999999999999"),
        "Fri, 31 Dec 99999999999999999999 23:59:59 GMT",
    ],
)
def test_no_retry_after_is_too_odd(given: str) -> None:
    seconds = http_client.retry_after({"Retry-After": given})
    assert seconds is None or seconds >= 0
