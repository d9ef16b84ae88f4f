"""Webhooks over real HTTP: who is let in, what becomes of payloads, and what a sender is told."""

import gzip
import hmac
import json
import socket
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from support import PATIENCE, until
from support.web_server import WebServer
from support.web_world import unreachable

from headrace.brokers.memory import MemoryBroker
from headrace.documents import Document, Outcome, unpack
from headrace.errors import Misconfigured
from headrace.fields import Field, Fields
from headrace.secret_file import SecretFile
from headrace.signatures import OWN, SENDERS, parse
from headrace.tables import Webhook
from headrace.web.access.guard import check
from headrace.web.access.limits import ConnectionLimits
from headrace.web.outbox import Outbox
from headrace.web.services import ServerSettings

SECRET, TOKEN = b"a shared secret", "a long random word"
JSON = {"content-type": "application/json"}
FORM = {"content-type": "application/x-www-form-urlencoded"}
SLACK = Webhook(
    "slack",
    Fields.parse(text="/event/text", id="/event/client_msg_id", meta="/event/user"),
    None,
    SENDERS["slack"],
    SECRET,
)
GITHUB = Webhook("github", Fields.parse(text="/comment/body", id="/comment/id"), None, SENDERS["github"], SECRET)
FORUM = Webhook("forum", Fields.parse(text="raw"), Field("/post"), SENDERS["discourse"], SECRET)
MANY = Webhook("many", Fields.parse(text="t", id="n"), Field("/items"), parse(OWN, {"header": "X-Sig"}), SECRET)
OPEN = Webhook("open-one")
HOOKS = (SLACK, GITHUB, FORUM, MANY, OPEN)


class Hooks:
    """A server with webhooks, and what it has published."""

    def __init__(self, server: WebServer, queue: MemoryBroker) -> None:
        self.server, self._queue = server, queue

    def post(self, name: str, content: bytes, headers: Mapping[str, str], **more: Any) -> httpx.Response:
        url = f"{self.server.url}/in/{name}"
        return httpx.post(url, content=content, headers=dict(headers), trust_env=False, timeout=PATIENCE, **more)

    def github(self, value: object, **headers: str) -> httpx.Response:
        content = json.dumps(value).encode()
        return self.post("github", content, {**JSON, **signed(content), **headers})

    def slack(self, value: object, at: float | None = None) -> httpx.Response:
        content = json.dumps(value).encode()
        return self.post("slack", content, {**JSON, **signed_by_slack(content, at)})

    def many(self, value: object) -> httpx.Response:
        content = json.dumps(value).encode()
        return self.post("many", content, {**JSON, "X-Sig": digest(content)})

    def published(self) -> list[dict[str, Any]]:
        """What was published since it was asked last, without the time."""
        broker = self._queue.connect()
        deliveries = broker.receive(1 << 30, 0)
        found = [json.loads(line) for delivery in deliveries for line in unpack(delivery.data)]
        broker.ack(deliveries)
        broker.close()
        assert all(one.pop("published_at") > 1_700_000_000_000_000 for one in found)
        return found

    def counted(self, name: str) -> dict[str, int]:
        page = httpx.get(f"{self.server.url}/metrics", trust_env=False, timeout=PATIENCE).text
        rows = [
            line for line in page.splitlines() if line.startswith(f'headrace_webhook_documents_total{{webhook="{name}"')
        ]
        return {row.partition('outcome="')[2].partition('"')[0]: int(float(row.rpartition(" ")[2])) for row in rows}


def digest(content: bytes, secret: bytes = SECRET) -> str:
    return hmac.digest(secret, content, "sha256").hex()


def signed(content: bytes, secret: bytes = SECRET) -> dict[str, str]:
    return {"X-Hub-Signature-256": f"sha256={digest(content, secret)}"}


def signed_by_slack(content: bytes, at: float | None = None, secret: bytes = SECRET) -> dict[str, str]:
    stamp = str(int(time.time() if at is None else at))
    signature = hmac.digest(secret, f"v0:{stamp}:".encode() + content, "sha256").hex()
    return {"X-Slack-Signature": f"v0={signature}", "X-Slack-Request-Timestamp": stamp}


def comment(number: int = 7, body: object = "Hej på dig") -> dict[str, Any]:
    return {"action": "created", "comment": {"id": number, "body": body, "user": "ada"}}


@pytest.fixture
def hooks(tmp_path: Path) -> Iterator[Hooks]:
    queue = MemoryBroker()
    with WebServer(tmp_path, connect=queue.connect, webhooks=HOOKS) as server:
        yield Hooks(server, queue)


@pytest.fixture
def closed(tmp_path: Path) -> Iterator[Hooks]:
    """A server that needs a token."""
    queue = MemoryBroker()
    with WebServer(tmp_path, connect=queue.connect, webhooks=HOOKS, token=TOKEN) as server:
        yield Hooks(server, queue)


def test_a_signed_event_is_published_under_the_name_of_its_webhook(hooks: Hooks) -> None:
    answer = hooks.github(comment())
    assert (answer.status_code, answer.json()) == (202, {"published": 1, "ignored": 0, "ids": ["github:7"]})
    assert hooks.published() == [
        {
            "id": "github:7",
            "text": "Hej på dig",
            "source": "webhook:github",
            "meta": {"action": "created", "comment": {"user": "ada"}},
        }
    ]
    assert hooks.counted("github") == {"published": 1, "ignored": 0, "refused": 0}


def test_a_signed_webhook_needs_no_token_and_the_other_calls_still_do(closed: Hooks) -> None:
    assert closed.github(comment()).status_code == 202
    assert len(closed.published()) == 1
    for method, path in (
        ("GET", "/in/github"),
        ("GET", "/v1/results"),
        ("POST", "/v1/documents"),
        ("POST", "/in/open-one"),
    ):
        answer = httpx.request(
            method, f"{closed.server.url}{path}", json={"text": "a"}, trust_env=False, timeout=PATIENCE
        )
        assert answer.status_code == 401


def test_a_webhook_without_a_signature_takes_the_token_instead(closed: Hooks) -> None:
    content = b'{"text": "Hej"}'
    assert closed.post("open-one", content, JSON).status_code == 401
    assert closed.post("open-one", content, {**JSON, "authorization": "Bearer wrong"}).status_code == 401
    assert closed.published() == []
    answer = closed.post("open-one", content, {**JSON, "authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 202
    (document,) = closed.published()
    assert (document["text"], document["source"]) == ("Hej", "webhook:open-one")


def test_the_token_does_not_stand_for_a_signature(closed: Hooks) -> None:
    token = {"authorization": f"Bearer {TOKEN}"}
    assert closed.post("github", json.dumps(comment()).encode(), {**JSON, **token}).status_code == 401


def test_the_path_cannot_be_written_so_that_the_token_is_not_asked_for(closed: Hooks) -> None:
    for name in (
        "open-one%0A",
        "open-one/",
        "open%2Done",
        "./open-one",
        "github/../open-one",
        "open-one%00",
        "OPEN-ONE",
    ):
        assert closed.post(name, b'{"text": "Hej"}', JSON).status_code in (307, 401, 404), name
    assert closed.published() == []


def test_behind_a_proxy_a_webhook_is_below_the_root_path_as_all_calls_are(tmp_path: Path) -> None:
    settings: dict[str, Any] = {"root_path": "/headrace", "token": TOKEN, "hosts": ("labels.example.org",)}
    with WebServer(tmp_path, webhooks=HOOKS, connect=(queue := MemoryBroker()).connect, **settings) as server:
        content = json.dumps(comment()).encode()
        headers = {**JSON, **signed(content), "host": "labels.example.org", "x-forwarded-proto": "https"}
        for path, status in (("/headrace/in/github", 202), ("/headrace/in/open-one", 401), ("/headrace/in/none", 404)):
            answer = httpx.post(server.url + path, content=content, headers=headers, trust_env=False, timeout=PATIENCE)
            assert answer.status_code == status
        assert len(Hooks(server, queue).published()) == 1


WRONG = {
    "none": {},
    "another secret": signed(json.dumps(comment()).encode(), b"another secret"),
    "another payload": signed(b"{}"),
    "without its prefix": {"X-Hub-Signature-256": digest(json.dumps(comment()).encode())},
    "empty": {"X-Hub-Signature-256": ""},
    "the old kind": {"X-Hub-Signature": "sha1=" + hmac.digest(SECRET, json.dumps(comment()).encode(), "sha1").hex()},
}


@pytest.mark.parametrize("how", WRONG)
def test_a_wrong_signature_is_refused_with_the_header_that_is_expected_and_nothing_else(hooks: Hooks, how: str) -> None:
    answer = hooks.post("github", json.dumps(comment()).encode(), {**JSON, **WRONG[how]})
    assert answer.status_code == 401
    assert answer.json() == {
        "error": {"message": "this webhook needs the header X-Hub-Signature-256, with the HMAC-SHA256 of what it sends"}
    }
    assert hooks.published() == []
    assert hooks.counted("github") == {"published": 0, "ignored": 0, "refused": 1}


def test_two_signatures_are_refused_though_one_is_right(hooks: Hooks) -> None:
    content = json.dumps(comment()).encode()
    headers = [*JSON.items(), *signed(content).items(), *signed(content, b"another").items()]
    answer = httpx.post(
        f"{hooks.server.url}/in/github", content=content, headers=headers, trust_env=False, timeout=PATIENCE
    )
    assert answer.status_code == 401


def test_what_was_changed_on_the_way_is_refused(hooks: Hooks) -> None:
    content = json.dumps(comment()).encode()
    assert hooks.post("github", content.replace(b"Hej", b"Hai"), {**JSON, **signed(content)}).status_code == 401
    stamp = signed_by_slack(content)
    later = {**stamp, "X-Slack-Request-Timestamp": str(int(stamp["X-Slack-Request-Timestamp"]) + 1)}
    assert hooks.post("slack", content, {**JSON, **later}).status_code == 401
    assert hooks.published() == []


@pytest.mark.parametrize("away", [-400, 400, -86400])
def test_a_request_that_was_signed_at_another_time_is_refused(hooks: Hooks, away: int) -> None:
    event = {"type": "event_callback", "event": {"text": "Hej", "client_msg_id": "a"}}
    answer = hooks.slack(event, time.time() + away)
    assert answer.status_code == 401
    assert "X-Slack-Request-Timestamp, with a time within 5 minutes" in answer.json()["error"]["message"]
    assert hooks.published() == []


def test_a_clock_that_differs_by_two_minutes_does_no_harm(hooks: Hooks) -> None:
    event = {"event": {"text": "Hej", "client_msg_id": "a", "user": "U1"}}
    assert [hooks.slack(event, time.time() + away).status_code for away in (-120, 120)] == [202, 202]
    first, second = hooks.published()
    assert first == second == {"id": "slack:a", "text": "Hej", "source": "webhook:slack", "meta": {"user": "U1"}}


def test_slack_gets_its_challenge_back_once_its_signature_is_right(hooks: Hooks) -> None:
    challenge = {"type": "url_verification", "token": "x", "challenge": "3eZbrw1aBm2rZgRNFdxV"}
    answer = hooks.slack(challenge)
    assert (answer.status_code, answer.json()) == (200, {"challenge": "3eZbrw1aBm2rZgRNFdxV"})
    assert hooks.post("slack", json.dumps(challenge).encode(), JSON).status_code == 401
    assert hooks.github(challenge).json() == {"published": 0, "ignored": 1, "ids": []}
    assert hooks.published() == []


def test_a_ping_is_answered_and_publishes_nothing(hooks: Hooks) -> None:
    answer = hooks.github({**comment(), "zen": "Keep it logically awesome."}, **{"X-GitHub-Event": "ping"})
    assert (answer.status_code, answer.json()) == (200, {"published": 0, "ignored": 0, "ids": []})
    content = b'{"ping":"OK"}'
    headers = {"X-Discourse-Event-Signature": f"sha256={digest(content)}", "X-Discourse-Event-Type": "ping"}
    assert hooks.post("forum", content, {**JSON, **headers}).status_code == 200
    assert hooks.published() == []


def test_a_name_that_is_not_declared_is_unknown(hooks: Hooks, closed: Hooks) -> None:
    for server in (hooks, closed):
        answer = server.post("gitbuh", b"{}", JSON)
        assert answer.status_code == 404
        assert "there is no webhook at '/in/gitbuh'" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    "payload",
    [
        {"action": "starred"},
        {"comment": {"id": 1}},
        comment(body=None),
        comment(body=""),
        {"comment": "none"},
        [],
    ],
    ids=str,
)
def test_an_event_without_a_text_is_ignored(hooks: Hooks, payload: object) -> None:
    answer = hooks.github(payload)
    ignored = 0 if payload == [] else 1
    assert (answer.status_code, answer.json()) == (202, {"published": 0, "ignored": ignored, "ids": []})
    assert hooks.published() == []
    assert hooks.counted("github") == {"published": 0, "ignored": ignored, "refused": 0}


def test_why_events_are_ignored_is_logged_once_for_each_webhook(hooks: Hooks, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO", "headrace.web"):
        for _ in range(3):
            hooks.github({"comment": {"text": "a secret of somebody"}, "action": "created"})
    (told,) = [one.getMessage() for one in caplog.records if "ignores" in one.getMessage()]
    assert "'github' ignores events without a text; the first has no member '/comment/body'" in told
    assert "/comment has '/comment/text'" in told
    assert "somebody" not in told


def test_records_may_be_anywhere_in_the_payload(hooks: Hooks) -> None:
    answer = hooks.many({"items": [{"t": "a", "n": 1}, {"n": 2}, {"t": "c", "n": 3}, {"t": "a", "n": 1}]})
    assert answer.json() == {"published": 2, "ignored": 1, "ids": ["many:1", "many:3", "many:1"]}
    assert [one["text"] for one in hooks.published()] == ["a", "c"]
    assert hooks.many({"items": {"t": "alone"}}).json()["published"] == 1
    assert hooks.many({"other": 1}).json() == {"published": 0, "ignored": 1, "ids": []}
    assert hooks.counted("many") == {"published": 3, "ignored": 2, "refused": 0}


def test_an_event_without_an_id_gets_the_same_one_each_time(hooks: Hooks) -> None:
    content = b'{"post": {"raw": "Hej", "topic": 3}}'
    headers = {**JSON, "X-Discourse-Event-Signature": f"sha256={digest(content)}"}
    first, second = (hooks.post("forum", content, headers).json()["ids"] for _ in range(2))
    assert first == second
    assert len(first[0]) == 32


MALFORMED = {
    "no JSON": b"text=Hej",
    "nothing": b"",
    "a string": b'"Hej"',
    "null": b"null",
    "a number for a text": b'{"items": [{"t": "a"}, {"t": 5}]}',
    "a text with NUL": b'{"items": [{"t": "a"}, {"t": "a\\u0000"}]}',
    "an id that is a list": b'{"items": [{"t": "a"}, {"t": "b", "n": []}]}',
    "an id that is too long with its prefix": b'{"items": [{"t": "a"}, {"t": "b", "n": "%s"}]}' % (b"i" * 252),
    "records that are a number": b'{"items": 5}',
    "a record that is a number": b'{"items": [{"t": "a"}, 5]}',
    "1,001 records": b'{"items": [' + b",".join([b'{"t": "a"}'] * 1001) + b"]}",
}


@pytest.mark.parametrize("how", MALFORMED)
def test_what_is_malformed_is_refused_with_its_place_and_nothing_is_published(hooks: Hooks, how: str) -> None:
    content = MALFORMED[how]
    answer = hooks.post("many", content, {**JSON, "X-Sig": digest(content)})
    assert answer.status_code == 422
    error = answer.json()["error"]
    assert len(error["message"]) > 10
    assert error.get("index") == (1 if b'[{"t": "a"}, ' in content else None)
    assert hooks.published() == []
    assert hooks.counted("many")["refused"] == (2 if "index" in error else 1)


def test_another_text_under_a_known_id_is_a_conflict_with_its_place_in_the_payload(hooks: Hooks) -> None:
    hooks.server.services.store.write([Outcome(Document("many:3", "before", published_at=1))])
    answer = hooks.many({"items": [{"n": 1}, {"t": "new", "n": 2}, {"t": "after", "n": 3}]})
    assert (answer.status_code, answer.json()["error"]["index"]) == (409, 2)
    assert hooks.many({"items": [{"t": "a", "n": 1}, {"t": "b", "n": 1}]}).status_code == 409
    assert hooks.published() == []


def test_payloads_of_forms_are_read(hooks: Hooks) -> None:
    content = urlencode({"payload": json.dumps(comment())}).encode()
    assert hooks.post("github", content, {**FORM, **signed(content)}).json()["ids"] == ["github:7"]
    fields = urlencode([("t", "blåbär & mjölk"), ("n", "5"), ("tag", "a"), ("tag", "b"), ("empty", "")]).encode()
    plain = Webhook("form", Fields.parse(text="t", id="n"), None, parse(OWN, {"header": "X-Sig"}), SECRET)
    with WebServer(Path(), webhooks=(plain,), connect=(queue := MemoryBroker()).connect) as server:
        form = Hooks(server, queue)
        answer = form.post("form", fields, {**FORM, "X-Sig": digest(fields)})
        assert answer.json()["ids"] == ["form:5"]
        (document,) = form.published()
        assert document["text"] == "blåbär & mjölk"
        assert document["meta"] == {"tag": ["a", "b"], "empty": ""}
        for bad in (b"", b"t=%FF", b"payload=Hej", b"&".join([b"a=1"] * 1001)):
            assert form.post("form", bad, {**FORM, "X-Sig": digest(bad)}).status_code == 422
        assert form.published() == []


def test_a_form_without_signature_or_token_is_refused_because_any_page_can_send_one(
    hooks: Hooks, closed: Hooks
) -> None:
    answer = hooks.post("open-one", b"text=Hej", FORM)
    assert answer.status_code == 415
    assert "any page can send a form" in answer.json()["error"]["message"]
    assert hooks.published() == []
    assert closed.post("open-one", b"text=Hej", {**FORM, "authorization": f"Bearer {TOKEN}"}).status_code == 202


@pytest.mark.parametrize(
    "headers", [{"origin": "https://evil.example"}, {"origin": "null"}, {"sec-fetch-site": "cross-site"}]
)
def test_another_sites_page_cannot_send_to_a_webhook(hooks: Hooks, headers: dict[str, str]) -> None:
    assert hooks.post("open-one", b'{"text": "Hej"}', {**JSON, **headers}).status_code == 403
    assert hooks.github(comment(), **headers).status_code == 403
    assert hooks.published() == []


@pytest.mark.parametrize(
    "kind", ["text/plain", "", "multipart/form-data; boundary=x", "application/json; charset=latin-1"]
)
def test_what_is_neither_json_nor_a_form_is_refused(hooks: Hooks, kind: str) -> None:
    content = json.dumps(comment()).encode()
    assert hooks.post("github", content, {"content-type": kind, **signed(content)}).status_code == 415
    assert hooks.post("open-one", b'{"text": "Hej"}', {"content-type": kind}).status_code == 415


def test_other_kinds_of_json_are_read(hooks: Hooks) -> None:
    content = json.dumps(comment()).encode()
    kind = {"content-type": "application/cloudevents+json; charset=utf-8"}
    assert hooks.post("github", content, {**kind, **signed(content)}).status_code == 202


EVENT = {"specversion": "1.0", "id": "7", "source": "/shop", "type": "review"}
BINARY = {f"ce-{name}": value for name, value in EVENT.items()}


def test_events_in_the_form_of_cloudevents_are_read(hooks: Hooks) -> None:
    one = {**EVENT, "time": "2026-01-31T12:00:00Z", "data": {"text": "Hej", "lang": "sv"}}
    kind = {"content-type": "application/cloudevents+json"}
    assert hooks.post("open-one", json.dumps(one).encode(), kind).json()["ids"] == ["open-one:/shop|7"]
    (document,) = hooks.published()
    assert (document["text"], document["created_at"]) == ("Hej", "2026-01-31T12:00:00Z")
    assert document["meta"]["lang"] == "sv"
    batch = [{**EVENT, "id": "8", "data": {"text": "a"}}, {**EVENT, "id": "9", "data": {"other": "b"}}]
    answer = hooks.post("open-one", json.dumps(batch).encode(), {"content-type": "application/cloudevents-batch+json"})
    assert answer.json() == {"published": 1, "ignored": 1, "ids": ["open-one:/shop|8"]}


def test_the_headers_of_a_cloudevent_count_where_nothing_is_signed(hooks: Hooks) -> None:
    answer = hooks.post("open-one", b'{"text": "Hej"}', {**JSON, **BINARY})
    assert answer.json()["ids"] == ["open-one:/shop|7"]
    text = hooks.post(
        "open-one",
        "Grüße".encode("latin-1"),
        {"content-type": "text/plain; charset=latin-1", **BINARY, "ce-id": "8%25"},
    )
    assert text.json()["ids"] == ["open-one:/shop|8%"]
    assert [one["text"] for one in hooks.published()] == ["Hej", "Grüße"]
    assert hooks.github(comment(), **BINARY).json()["ids"] == ["github:7"]
    assert hooks.post("open-one", b"\0", {"content-type": "image/png", **BINARY}).status_code == 422
    assert hooks.post("open-one", b"Hej", {"content-type": "text/plain", "ce-id": "7"}).status_code == 415


def test_a_compressed_payload_is_signed_as_it_is_sent(hooks: Hooks) -> None:
    plain = json.dumps(comment(body="Hej " * 50_000)).encode()
    packed = gzip.compress(plain)
    headers = {**JSON, "content-encoding": "gzip"}
    assert hooks.post("github", packed, {**headers, **signed(plain)}).status_code == 401
    assert hooks.post("github", packed, {**headers, **signed(packed)}).status_code == 202
    (document,) = hooks.published()
    assert len(document["text"]) == 200_000
    broken = packed[:-5]
    assert hooks.post("github", broken, {**headers, **signed(broken)}).status_code == 400
    assert hooks.post("github", packed, {**headers, **signed(packed), "content-encoding": "br"}).status_code == 415


def test_limits_hold_before_the_signature_is_known_and_for_what_is_unpacked(tmp_path: Path) -> None:
    with WebServer(tmp_path, webhooks=HOOKS, request_bytes=4096, connect=(queue := MemoryBroker()).connect) as server:
        hooks = Hooks(server, queue)
        large = json.dumps(comment(body="a" * 5000)).encode()

        def chunks() -> Iterator[bytes]:
            yield from (large[start : start + 1000] for start in range(0, len(large), 1000))

        assert hooks.post("github", large, {**JSON, **signed(b"")}).status_code == 413
        assert hooks.post("github", chunks(), {**JSON, **signed(large)}).status_code == 413  # type: ignore[arg-type]
        packed = gzip.compress(large)
        headers = {**JSON, **signed(packed), "content-encoding": "gzip"}
        assert hooks.post("github", packed, headers).status_code == 413
        assert hooks.published() == []


def test_a_document_over_its_limit_is_refused(tmp_path: Path) -> None:
    with WebServer(tmp_path, webhooks=HOOKS, document_bytes=1024, connect=(queue := MemoryBroker()).connect) as server:
        answer = Hooks(server, queue).github(comment(body="a" * 2000))
        assert answer.status_code == 422
        assert "document_bytes" in answer.json()["error"]["message"]


def test_a_payload_that_comes_too_slowly_is_given_up(tmp_path: Path) -> None:
    limits = ConnectionLimits(stall_seconds=0.2)
    with WebServer(tmp_path, webhooks=HOOKS, limits=limits) as server, socket.create_connection(server.address) as line:
        line.settimeout(PATIENCE)
        line.sendall(
            b"POST /in/github HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n"
            b"X-Hub-Signature-256: sha256=00\r\n\r\n{"
        )
        assert line.recv(1 << 16).split()[1] == b"408"


def test_without_a_signature_the_payload_is_not_waited_for(hooks: Hooks) -> None:
    with socket.create_connection(hooks.server.address) as line:
        line.settimeout(PATIENCE)
        line.sendall(
            b"POST /in/github HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n"
        )
        assert line.recv(1 << 16).split()[1] == b"401"


def test_what_is_not_verified_yet_takes_no_memory_from_other_calls(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headrace.web.requests.LEAST_MEMORY", 0)
    with WebServer(tmp_path, webhooks=HOOKS, request_bytes=4096, connect=(queue := MemoryBroker()).connect) as server:
        hooks = Hooks(server, queue)
        with socket.create_connection(server.address) as line:
            line.sendall(
                b"POST /in/github HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 4096\r\n"
                b"X-Hub-Signature-256: sha256=00\r\n\r\n" + b" " * 4095
            )
            until(lambda: hooks.github(comment(body="a" * 100)).status_code == 503, "a refusal")
            assert hooks.post("open-one", b'{"text": "%s"}' % (b"a" * 4000), JSON).status_code == 202
            line.sendall(b" ")
            line.settimeout(PATIENCE)
            assert line.recv(1 << 16).split()[1] == b"401"
        assert hooks.github(comment(body="a" * 100)).status_code == 202


def test_a_broker_that_is_away_is_told_so_that_the_sender_tries_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(Outbox.__init__.__kwdefaults__ or {}, "patience", 0.1)
    with WebServer(tmp_path, webhooks=HOOKS, connect=unreachable) as server:
        answer = Hooks(server, MemoryBroker()).github(comment())
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")


def test_members_named_published_at_stay_what_the_sender_says(tmp_path: Path) -> None:
    release = Webhook("release", Fields.parse(text="notes", created_at="published_at"))
    with WebServer(tmp_path, webhooks=(release,), connect=(queue := MemoryBroker()).connect) as server:
        hooks = Hooks(server, queue)
        hooks.post("release", b'{"notes": "New", "published_at": "2026-01-31T12:00:00Z"}', JSON)
        hooks.post("release", b'{"notes": "New", "published_at": "soon"}', JSON)
        first, second = hooks.published()
        assert first["created_at"] == "2026-01-31T12:00:00Z"
        assert second["meta"] == {"created_at": "soon"}


def test_a_signed_webhook_without_a_secret_serves_nobody() -> None:
    with pytest.raises(Misconfigured, match="'github' has a signature and no secret"):
        check(ServerSettings(webhooks=(Webhook("github", signature=SENDERS["github"]),)))


def test_the_description_shows_each_webhook_and_what_it_needs(closed: Hooks) -> None:
    token = {"authorization": f"Bearer {TOKEN}"}
    url = f"{closed.server.url}/openapi.json"
    paths = httpx.get(url, headers=token, trust_env=False, timeout=PATIENCE).json()["paths"]
    assert {path for path in paths if path.startswith("/in/")} == {f"/in/{one.name}" for one in HOOKS}
    slack, plain = paths["/in/slack"]["post"], paths["/in/open-one"]["post"]
    assert [one["name"] for one in slack["parameters"]] == ["X-Slack-Signature", "X-Slack-Request-Timestamp"]
    assert slack["security"] == []
    assert "security" not in plain
    assert SECRET.decode() not in str(paths)


def test_the_secret_shows_in_no_representation() -> None:
    assert "shared" not in f"{GITHUB!r} {ServerSettings(webhooks=HOOKS)!r}"


def test_a_secret_that_was_replaced_is_the_one_to_sign_with(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_bytes(SECRET)
    file = SecretFile(str(path), "the secret", "THE_FILE")
    queue = MemoryBroker()
    with WebServer(tmp_path, connect=queue.connect, webhooks=(replace(GITHUB, secret_file=file),)) as server:
        hooks, content = Hooks(server, queue), json.dumps(comment()).encode()
        assert hooks.github(comment()).status_code == 202
        path.write_bytes(b"the next one")
        assert hooks.github(comment()).status_code == 401
        assert hooks.post("github", content, {**JSON, **signed(content, b"the next one")}).status_code == 202
