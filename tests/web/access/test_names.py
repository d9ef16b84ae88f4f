"""The names of the server: which Host and Origin headers are its own, and what a refusal says to do."""

from collections.abc import Callable

import pytest
from starlette.datastructures import Headers

from headrace.errors import Misconfigured
from headrace.web.access.names import ServerNames
from headrace.web.responses import Refused


def refusal(call: Callable[[], object]) -> Refused | None:
    try:
        call()
    except Refused as refused:
        return refused
    return None


def called(host: str, names: ServerNames) -> bool:
    refused = refusal(lambda: names.check_host(Headers({"host": host})))
    assert refused is None or (refused.status == 421 and "setting hosts" in refused.message)
    return refused is None


def owns(origin: str, host: str, names: ServerNames, *, encrypted: bool = False, safe: bool = False) -> bool:
    headers = Headers({"origin": origin})
    refused = refusal(lambda: names.check_origin(headers, host, safe=safe, encrypted=encrypted))
    assert refused is None or refused.status == 403
    return refused is None


@pytest.mark.parametrize(
    "host",
    ["LOCALHOST.:8000", "127.0.0.1:", "[::1]", "[0:0:0:0:0:0:0:1]:8000", "labels.example.org.", "Labels.Example.Org:1"],
)
def test_a_name_is_the_same_in_any_spelling(host: str) -> None:
    assert called(host, ServerNames("127.0.0.1", ["labels.example.org:8443"]))


@pytest.mark.parametrize(
    "host",
    [
        "", ":8000", "localhost..", "user@localhost", "localhost@evil.example", "localhost:8000:9", "localhost:x",
        "localhost/", "localhost#", "localhost\\", "[::1", "[::1]x", "::1]", "[localhost]", "localhost, evil.example",
        "local host", "127.1", "0x7f000001", "2130706433", "127.0.0.1.evil.example", "127.0.0.2", "*", "labels.example.org.evil.example",
    ],
)  # fmt: skip
def test_a_name_that_only_looks_like_one_is_refused(host: str) -> None:
    assert not called(host, ServerNames("127.0.0.1", ["labels.example.org"]))


def test_a_host_header_must_come_once() -> None:
    for headers in ([], [(b"host", b"localhost"), (b"host", b"localhost")]):
        with pytest.raises(Refused, match="exactly one Host"):
            ServerNames("127.0.0.1", []).check_host(Headers(raw=headers))


@pytest.mark.parametrize(
    ("hosts", "origin"),
    [
        ("labels.example.org", "https://labels.example.org"),
        ("labels.example.org", "http://labels.example.org"),
        ("labels.example.org", "https://labels.example.org:443"),
        ("labels.example.org:8443", "https://labels.example.org:8443"),
        ("bücher.example", "https://xn--bcher-kva.example"),
        ("[2001:db8::1]:8443", "https://[2001:db8::1]:8443"),
        ("2001:db8::1", "https://[2001:db8:0::1]"),
        ("192.0.2.7", "http://192.0.2.7"),
    ],
)
def test_behind_a_proxy_that_rewrites_the_host_a_page_of_a_further_name_is_own(hosts: str, origin: str) -> None:
    assert not owns(origin, "127.0.0.1:8000", ServerNames("127.0.0.1", []))
    assert owns(origin, "127.0.0.1:8000", ServerNames("127.0.0.1", [hosts]))


@pytest.mark.parametrize(
    "origin",
    [
        "https://labels.example.org:8443", "http://labels.example.org:3000", "https://other.example.org", "https://example.org",
        "https://labels.example.org.evil.example", "https://labels.example.org@evil.example", "https://evil.example#labels.example.org",
        "ftp://labels.example.org", "null", "", "labels.example.org", "https://labels.example.org:99999", "http://[", "file://",
    ],
)  # fmt: skip
@pytest.mark.parametrize("host", ["127.0.0.1:8000", "labels.example.org"])
def test_a_page_of_another_port_of_a_further_name_is_foreign(origin: str, host: str) -> None:
    assert not owns(origin, host, ServerNames("127.0.0.1", ["labels.example.org"]))
    assert not owns(origin, host, ServerNames("127.0.0.1", ["labels.example.org"]), safe=True)


def test_a_page_of_the_very_host_and_port_that_was_called_is_own() -> None:
    names = ServerNames("0.0.0.0", [])
    assert owns("http://192.168.1.5:8000", "192.168.1.5:8000", names)
    assert owns("http://192.168.1.5", "192.168.1.5", names)
    assert owns("https://192.168.1.5", "192.168.1.5:443", names)
    assert not owns("http://192.168.1.5:8000", "192.168.1.5", names)
    assert not owns("http://192.168.1.5:8001", "192.168.1.5:8000", names)


def test_a_page_without_encryption_is_foreign_to_one_with_it() -> None:
    names = ServerNames("127.0.0.1", ["labels.example.org"])
    assert owns("https://labels.example.org", "labels.example.org", names, encrypted=True)
    assert not owns("http://labels.example.org", "labels.example.org", names, encrypted=True)


@pytest.mark.parametrize(
    ("origin", "told"),
    [
        ("https://labels.example.org", "add labels.example.org to the setting hosts"),
        ("https://labels.example.org:8443", "add labels.example.org:8443 to the setting hosts"),
        ("http://[2001:db8::1]:8080", "add [2001:db8::1]:8080 to the setting hosts"),
    ],
)
def test_the_refusal_says_what_to_set_and_that_works(origin: str, told: str) -> None:
    with pytest.raises(Refused) as refused:
        ServerNames("127.0.0.1", []).check_origin(
            Headers({"origin": origin}), "127.0.0.1:8000", safe=False, encrypted=False
        )
    assert told in refused.value.message
    name = told.split()[1]
    assert owns(origin, "127.0.0.1:8000", ServerNames("127.0.0.1", [name]))


@pytest.mark.parametrize(
    "given",
    ["https://labels.example.org", "labels.example.org/headrace", "*", "*.example.org", "a b", "user@host", "a..b"],
)
def test_a_further_name_that_is_none_is_refused_at_the_start(given: str) -> None:
    with pytest.raises(Misconfigured, match="which is not a host name"):
        ServerNames("127.0.0.1", [given])
