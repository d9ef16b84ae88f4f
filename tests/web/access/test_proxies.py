"""What a proxy tells: below which path the server is, who calls, and whether by HTTPS."""

from typing import Any

import anyio
import pytest

from headrace.errors import Misconfigured
from headrace.web.access.proxies import BehindProxy

PROXIES = ("127.0.0.1", "::1", "10.0.0.0/24")


def seen(path: str, *headers: tuple[str, str], client: str = "127.0.0.1", root: str = "", kind: str = "http") -> Any:
    """The request as the app sees it."""
    found: list[Any] = []

    async def app(scope: Any, _receive: Any, _send: Any) -> None:
        found.append(scope)

    raw = [(name.encode(), value.encode()) for name, value in headers]
    scope = {
        "type": kind,
        "path": path,
        "raw_path": path.encode(),
        "headers": raw,
        "client": (client, 1),
        "scheme": "http",
    }
    anyio.run(BehindProxy(app, root_path=root, proxies=PROXIES), scope, None, None)
    assert all(name != b"x-forwarded-prefix" for name, _ in found[0]["headers"])
    return found[0]


def place(path: str, *headers: tuple[str, str], **more: Any) -> tuple[str, str]:
    scope = seen(path, *headers, **more)
    assert scope["raw_path"] == scope["path"].encode()
    return scope["root_path"], scope["path"]


@pytest.mark.parametrize("kind", ["http", "websocket"])
@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/", "/headrace/"),
        ("/dead", "/headrace/dead"),
        ("/headrace", "/headrace/"),
        ("/headrace/", "/headrace/"),
        ("/headrace/dead", "/headrace/dead"),
        ("//dead", "/headrace/dead"),
        ("/headrace//dead", "/headrace/dead"),
        ("/headracex", "/headrace/headracex"),
    ],
)
def test_every_path_is_below_the_root_path_however_the_proxy_passes_it_on(kind: str, path: str, found: str) -> None:
    assert place(path, root="/headrace", kind=kind) == ("/headrace", found)
    assert place(path, ("x-forwarded-prefix", "/headrace"), kind=kind) == ("/headrace", found)


@pytest.mark.parametrize("root", ["headrace", "/headrace/", " /headrace "])
def test_a_root_path_may_be_written_in_several_ways(root: str) -> None:
    assert place("/dead", root=root) == ("/headrace", "/headrace/dead")
    assert place("/dead", ("x-forwarded-prefix", root)) == ("/headrace", "/headrace/dead")


@pytest.mark.parametrize(
    "prefix",
    ["", "/", "//", "/../x", "/a/./b", "/a//b", "/a b", "/<script>", '/"', "/a?b", "/a#b", "https://evil.example", "/å", "/a%2fb", "/a\\b",
     "/v1", "/livez", "/enter/x", "/_nicegui", "/" + "x" * 300],
)  # fmt: skip
def test_a_prefix_that_cannot_be_one_is_ignored_and_as_a_setting_refused(prefix: str) -> None:
    assert place("/dead", ("x-forwarded-prefix", prefix)) == ("", "/dead")
    if prefix.strip("/"):
        with pytest.raises(Misconfigured, match="the setting root_path is"):
            seen("/dead", root=prefix)


def test_two_prefixes_are_none() -> None:
    assert place("/", ("x-forwarded-prefix", "/a"), ("x-forwarded-prefix", "/b")) == ("", "/")


@pytest.mark.parametrize("client", ["10.0.0.7", "::ffff:10.0.0.7", "::1", "::ffff:127.0.0.1"])
def test_proxies_are_believed(client: str) -> None:
    told = [("x-forwarded-prefix", "/a"), ("x-forwarded-proto", "https"), ("x-forwarded-for", "192.0.2.1")]
    scope = seen("/", *told, client=client)
    assert (scope["root_path"], scope["scheme"], scope["client"][0]) == ("/a", "https", "192.0.2.1")


@pytest.mark.parametrize("client", ["10.0.1.7", "192.0.2.1", "::2", "", "unix:"])
def test_others_are_not(client: str) -> None:
    told = [("x-forwarded-prefix", "/a"), ("x-forwarded-proto", "https"), ("x-forwarded-for", "192.0.2.9")]
    scope = seen("/", *told, client=client)
    assert (scope["root_path"], scope["scheme"], scope["client"][0]) == ("", "http", client)


def test_the_setting_stands_above_the_header() -> None:
    assert place("/dead", ("x-forwarded-prefix", "/other"), root="/headrace") == ("/headrace", "/headrace/dead")


@pytest.mark.parametrize("proxy", ["proxy", "10.0.0.7/24", "10.0.0.300", "http://10.0.0.7"])
def test_a_proxy_that_is_not_an_address_is_refused(proxy: str) -> None:
    with pytest.raises(Misconfigured, match="the setting proxies has"):
        BehindProxy(None, proxies=[proxy])  # type: ignore[arg-type]
