"""Which requests are let in: names, origins, the token; and the headers that browsers get."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from support.web_world import World, world

from headrace.errors import Misconfigured
from headrace.web.access.guard import AccessGuard, check
from headrace.web.services import ServerSettings

TOKEN = "a long random word"
OUTSIDE = ServerSettings(host="0.0.0.0", token=TOKEN, hosts=("labels.example.org",))


def named(api: World, host: str, path: str = "/v1/results") -> int:
    return api.get(path, headers={"host": host}).status_code


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:8000", "127.0.0.1:9999", "[::1]:8000", "LOCALHOST", "localhost.:80"]
)
def test_a_loopback_server_is_called_by_its_own_names(tmp_path: Path, host: str) -> None:
    with world(tmp_path) as api:
        assert named(api, host) == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8000", "localhost.evil.example", "192.168.1.5", "", "localhost:x"]
)
def test_a_foreign_host_name_is_refused(tmp_path: Path, host: str) -> None:
    with world(tmp_path) as api:
        assert named(api, host) == 421
        assert named(api, host, "/livez") == 200


def test_host_names_can_be_added_by_the_setting(tmp_path: Path) -> None:
    with world(tmp_path, settings=ServerSettings(hosts=("labels.example.org",))) as api:
        assert named(api, "labels.example.org:8000") == 200
        assert named(api, "other.example.org") == 421


def test_a_server_on_every_address_is_called_by_any_address_but_not_by_any_name(tmp_path: Path) -> None:
    with world(tmp_path, settings=ServerSettings(host="0.0.0.0", open=True)) as api:
        assert named(api, "192.168.1.5:8000") == 200
        assert named(api, "evil.example") == 421


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://127.0.0.1:9999", "http://localhost:8000", "http://["]
)
def test_another_sites_page_changes_nothing(tmp_path: Path, origin: str) -> None:
    with world(tmp_path) as api:
        assert api.post("/v1/documents", {"text": "Hej"}, headers={"origin": origin}).status_code == 403
        assert api.call("DELETE", "/v1/documents/a", headers={"origin": origin}).status_code == 403
        assert api.get("/v1/results", headers={"origin": origin}).status_code == 403
        assert api.post("/v1/documents", {"text": "Hej"}, headers={"sec-fetch-site": "cross-site"}).status_code == 403
        assert api.queued() == []


def test_our_own_pages_and_programs_may_change_things(tmp_path: Path) -> None:
    with world(tmp_path) as api:
        own = {"origin": "http://127.0.0.1:8000", "sec-fetch-site": "same-origin"}
        assert api.post("/v1/documents", {"text": "Hej"}, headers=own).status_code == 202
        assert api.post("/v1/documents", {"text": "Hej"}).status_code == 202


def test_behind_a_proxy_pages_of_a_name_in_the_setting_may_change_things(tmp_path: Path) -> None:
    with world(tmp_path, settings=ServerSettings(hosts=("labels.example.org",))) as api:
        for origin, status in (
            ("https://labels.example.org", 202),
            ("https://evil.example", 403),
            ("http://localhost", 403),
        ):
            assert api.post("/v1/documents", {"text": "Hej"}, headers={"origin": origin}).status_code == status


def test_links_from_elsewhere_may_be_followed(tmp_path: Path) -> None:
    with world(tmp_path) as api:
        assert api.get("/v1/results", headers={"sec-fetch-site": "cross-site"}).status_code == 200


def test_off_loopback_every_caller_must_send_the_token(tmp_path: Path) -> None:
    with world(tmp_path, settings=OUTSIDE, host="labels.example.org") as api:
        for shown in (
            {},
            {"authorization": "Bearer wrong"},
            {"authorization": f"Basic {TOKEN}"},
            {"cookie": "headrace=x"},
        ):
            assert api.get("/v1/results", headers=shown).status_code == 401
            assert api.post("/v1/documents", {"text": "Hej"}, headers=shown).status_code == 401
        right = {"authorization": f"Bearer {TOKEN}"}
        assert api.get("/v1/results", headers=right).status_code == 200
        assert api.post("/v1/documents", {"text": "Hej"}, headers=right).status_code == 202
        assert [api.get(path).status_code for path in ("/livez", "/readyz", "/metrics")] == [200, 200, 200]


@pytest.mark.parametrize("host", ["0.0.0.0", "", "::", "192.168.1.5", "labels.example.org"])
def test_a_server_that_others_can_reach_does_not_start_without_a_token(host: str) -> None:
    with pytest.raises(Misconfigured, match="HEADRACE_TOKEN"):
        check(ServerSettings(host=host))
    check(ServerSettings(host=host, token=TOKEN))
    check(ServerSettings(host=host, open=True))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "localhost", "::1"])
def test_a_loopback_server_needs_no_token(host: str) -> None:
    check(ServerSettings(host=host))


@pytest.mark.parametrize("path", ["/readyz", "/metrics", "/openapi.json", "/v1/models"])
@pytest.mark.parametrize("settings", [ServerSettings(), OUTSIDE])
def test_a_page_that_rebinds_its_name_reads_neither_workers_nor_checks(
    tmp_path: Path, settings: ServerSettings, path: str
) -> None:
    with world(tmp_path, settings=settings) as api:
        for method in ("GET", "HEAD", "OPTIONS"):
            answer = api.call(method, path, headers={"host": "evil.example:8000"})
            assert answer.status_code == 421
        assert api.get("/livez", headers={"host": "evil.example"}).content == b'{"live":true}'


def socket_answer(settings: ServerSettings, kind: str, headers: dict[str, str]) -> list[dict[str, object]]:
    """What the server sends to a browser that opens the console's socket, by WebSocket or by long polling."""
    sent: list[dict[str, object]] = []

    async def app(_scope: object, _receive: object, send: Callable[[object], Awaitable[None]]) -> None:
        await send({"type": "seen by the app"})

    async def send(message: dict[str, object]) -> None:
        sent.append(message)

    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    scope: dict[str, object] = {"type": kind, "path": "/_nicegui_ws/socket.io/", "headers": raw}
    if kind == "http":
        scope["method"] = "GET"
    call = AccessGuard(app, settings)(scope, None, send)  # type: ignore[arg-type]
    with pytest.raises(StopIteration):
        call.send(None)
    return sent


@pytest.mark.parametrize("kind", ["websocket", "http"])
@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("127.0.0.1:8000", "https://evil.example"),
        ("127.0.0.1:8000", "http://127.0.0.1:9000"),
        ("127.0.0.1:8000", "null"),
        ("labels.example.org", "https://labels.example.org:8443"),
        ("labels.example.org:8000", "http://labels.example.org:9000"),
        ("127.0.0.1:8000", "https://labels.example.org:8443"),
    ],
)
def test_a_page_of_another_site_or_port_opens_no_socket(kind: str, host: str, origin: str) -> None:
    settings = ServerSettings(hosts=("labels.example.org",))
    sent = socket_answer(settings, kind, {"host": host, "origin": origin})
    refused = {"type": "websocket.close", "code": 1008} if kind == "websocket" else {"status": 403}
    assert sent[0] == refused | sent[0]
    assert {"type": "seen by the app"} not in sent


@pytest.mark.parametrize("kind", ["websocket", "http"])
def test_a_page_of_our_own_opens_its_socket(kind: str) -> None:
    settings = ServerSettings(hosts=("labels.example.org",))
    for host, origin in (
        ("127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("labels.example.org:8000", "http://labels.example.org:8000"),
        ("127.0.0.1:8000", "https://labels.example.org"),
    ):
        assert socket_answer(settings, kind, {"host": host, "origin": origin}) == [{"type": "seen by the app"}]


@pytest.mark.parametrize("site", ["same-site", "cross-site"])
def test_a_script_element_of_another_port_opens_no_socket(site: str) -> None:
    """It comes without an Origin, and with the cookie if the host is the same."""
    (start, _) = socket_answer(ServerSettings(), "http", {"host": "127.0.0.1:8000", "sec-fetch-site": site})
    assert start["status"] == 403


@pytest.mark.parametrize("path", ["/v1/results", "/livez", "/nothing", "/v1/documents/"])
def test_responses_have_security_headers(tmp_path: Path, path: str) -> None:
    with world(tmp_path) as api:
        headers = api.get(path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "access-control-allow-origin" not in headers


@pytest.mark.parametrize(
    "path", ["/v1/results", "/v1/models", "/v1/documents/nobody", "/livez", "/metrics", "/openapi.json"]
)
def test_head_is_answered_with_the_headers_of_get(tmp_path: Path, path: str) -> None:
    with world(tmp_path) as api:
        whole, headers = api.get(path), api.call("HEAD", path)
        assert (headers.status_code, headers.content) == (whole.status_code, b"")
        assert headers.headers["content-type"] == whole.headers["content-type"]
        assert api.call("HEAD", "/v1/predict").status_code == 405
