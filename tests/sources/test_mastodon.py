"""A Mastodon server's posts over real connections, of servers that misbehave."""

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from support import PATIENCE
from support.http_server import Request, Served, serving
from support.mastodon_server import FIRST, TOKEN, Mastodon, event, hold, post
from support.reading import taken

from headrace.documents import Document
from headrace.errors import Misconfigured
from headrace.ports import Batch, Deletion, Gap, Malformed
from headrace.sources.mastodon import MastodonSource
from headrace.sources.mastodon.connection import PAGES
from headrace.sources.mastodon.server import PAGE
from headrace.sources.positions import Position
from headrace.testing.sources import Item, items
from headrace.urls import open_source


@contextmanager
def running(server: Mastodon, path: str = "", quiet: float = 300.0) -> Iterator[tuple[MastodonSource, Served]]:
    with serving(server) as served:
        address = f"http://127.0.0.1:{served.port}"
        yield MastodonSource(address, path, TOKEN, quiet=quiet), served


def streams(*events: str) -> Any:
    """What each stream sends in turn; the last one stays open."""
    left = list(events)

    def stream(request: Request) -> None:
        request.send(left.pop(0))
        if not left:
            hold(request)

    return stream


def numbers(found: Sequence[Item]) -> list[int]:
    """The numbers of the posts among these."""
    return [int(item.id.rpartition(":")[2]) - FIRST for item in found if isinstance(item, Document)]


def test_a_post_becomes_a_document() -> None:
    members = {
        "content": '<p>Hej &amp; välkommen<br>till <a href="https://x/"><span>x</span></a></p><p>Slut</p>',
        "spoiler_text": "mat &lt;3",
        "in_reply_to_id": "12",
        "tags": [{"name": "mat", "url": "https://example.org/tags/mat"}],
    }
    server = Mastodon(stream=streams(":thump\n" + event("update", post(1, **members))))
    with running(server) as (source, served):
        (document,) = items(taken(source, 1))
    assert document == Document(
        f"mastodon:127.0.0.1:{served.port}:{FIRST + 1}",
        "mat &lt;3\nHej & välkommen\ntill x\nSlut",
        "mastodon",
        "2026-11-29T12:00:00.123Z",
        {
            "author": "anna@example.org",
            "author_id": "https://example.org/@anna",
            "author_url": "https://example.org/@anna",
            "url": "https://example.org/@anna/1",
            "lang": "sv",
            "in_reply_to": "12",
            "visibility": "public",
            "tags": ["mat"],
        },
    )
    assert [request.headers["Authorization"] for request in server.streams] == [f"Bearer {TOKEN}"]


@pytest.mark.parametrize(
    ("path", "streaming", "pages"),
    [
        ("", "/api/v1/streaming/public", "/api/v1/timelines/public?limit=1"),
        ("public/local", "/api/v1/streaming/public/local", "/api/v1/timelines/public?local=true&limit=1"),
        ("public/remote", "/api/v1/streaming/public/remote", "/api/v1/timelines/public?remote=true&limit=1"),
        (
            "hashtag/smörgås",
            "/api/v1/streaming/hashtag?tag=sm%C3%B6rg%C3%A5s",
            "/api/v1/timelines/tag/sm%C3%B6rg%C3%A5s?limit=1",
        ),
    ],
)
def test_each_timeline_has_its_stream_and_its_pages(path: str, streaming: str, pages: str) -> None:
    with running(Mastodon(stream=streams(event("update", post(1)))), path) as (source, served):
        taken(source, 1)
        assert [one.path for one in served.requests] == ["/api/v2/instance", pages, streaming]


def test_the_stream_may_be_on_a_host_of_its_own() -> None:
    other = Mastodon(stream=streams(event("update", post(1))))
    with serving(other) as streaming:
        urls = {"urls": {"streaming": f"wss://127.0.0.1:{streaming.port}"}}
        with running(Mastodon(configuration=urls)) as (source, served):
            assert numbers(items(taken(source, 1))) == [1]
            assert [one.path for one in served.requests] == ["/api/v2/instance", "/api/v1/timelines/public?limit=1"]


def test_an_edit_is_a_document_of_its_own_and_is_erased_with_its_post() -> None:
    edited = post(1, content="<p>bättre</p>", edited_at="2026-11-29T12:05:00.000Z")
    sent = [
        event("update", post(1)),
        event("status.update", edited),
        event("status.update", edited),
        event("delete", str(FIRST + 1)),
        event("delete", str(FIRST + 9)),
        event("update", post(2)),
    ]
    with running(Mastodon(stream=streams("".join(sent)))) as (source, served):
        found = items(taken(source, 5))
    first = f"mastodon:127.0.0.1:{served.port}:{FIRST + 1}"
    assert isinstance(found[1], Document)
    assert (found[1].id, found[1].text) == (f"{first}@2026-11-29T12:05:00.000Z", "bättre")
    assert (found[1].meta["edit_of"], found[1].meta["edited_at"]) == (first, "2026-11-29T12:05:00.000Z")
    assert found[2:4] == [Deletion(first), Deletion(f"mastodon:127.0.0.1:{served.port}:{FIRST + 9}")]
    assert len(found) == 5


def test_what_was_missed_is_read_page_by_page_before_the_stream_goes_on() -> None:
    server = Mastodon()

    def stream(request: Request) -> None:
        if len(server.streams) == 1:
            server.posts = [post(number) for number in range(1, 100)]
            request.send(event("update", post(1)) + "event: update\ndata: {cut in the mid")
        else:  # what is streamed while pages are read is in both
            request.send("".join(event("update", post(number)) for number in range(95, 103)))
            hold(request)

    server._stream = stream
    with running(server) as (source, _):
        batches = taken(source, 102)
    assert numbers(items(batches)) == [*range(1, 103)]
    assert len(items(batches)) == 102
    assert Position.read(batches[-1].cursor).id == str(FIRST + 102)
    asked = [one.get("min_id") for one in server.paged]
    assert asked[:4] == [None, str(FIRST + 1), str(FIRST + 41), str(FIRST + 81)]
    assert all(one["limit"] == str(PAGE) for one in server.paged[1:])


def test_what_is_written_before_the_first_post_of_a_stream_that_breaks_is_not_missed() -> None:
    server = Mastodon([post(1)])

    def stream(request: Request) -> None:
        if len(server.streams) == 1:
            server.posts.append(post(2))
        else:
            hold(request)

    server._stream = stream
    with running(server) as (source, _):
        batches = taken(source, 1)
    assert numbers(items(batches)) == [2]
    assert Position.read(batches[0].cursor).id == str(FIRST + 1)


def test_more_than_can_be_read_is_told_as_a_gap() -> None:
    endless = [0]

    def pages(request: Request) -> bool:
        if "min_id" not in request.path:
            return False
        endless[0] += 1
        some = [post(endless[0] * PAGE + number) for number in range(PAGE)]
        request.begin()
        request.send(json.dumps(some[::-1]))
        return True

    server = Mastodon(stream=streams(event("update", post(90_000))), pages=pages)
    with running(server) as (source, _):
        found = items(taken(source, PAGES * PAGE + 2, Position(str(FIRST), 1).write()))
    assert endless == [PAGES]
    gap = found[-2]
    assert isinstance(gap, Gap)
    assert gap.reason.startswith("more than 10,000 posts were missed: what was written after post")
    assert numbers(found[-1:]) == [90_000]


def test_pages_are_asked_for_as_slowly_as_the_server_wants() -> None:
    limited: list[str] = []
    later = (datetime.now(UTC) + timedelta(seconds=200)).isoformat().replace("+00:00", "Z")

    def pages(request: Request) -> bool:
        if not limited:
            limited.append(request.path)
            request.begin(X_RateLimit_Remaining="0", X_RateLimit_Reset=later)
            request.send(json.dumps([post(number) for number in range(40, 0, -1)]))
            return True
        return False

    with running(Mastodon(pages=pages)) as (source, _):
        found: list[Batch] = []
        for batch in source.read(Position(str(FIRST), 1).write()):
            found.append(batch)
            if batch.waiting:
                source.close()
    assert numbers(items(found)) == [*range(1, 41)]
    reason, _, seconds = found[-1].waiting.partition("; trying again in ")
    assert reason == "reading what was missed, the server allows no more requests for now"
    assert 150 < float(seconds.split()[0]) < 250


@pytest.mark.parametrize("headers", [{"Retry_After": "200"}, {"X_RateLimit_Reset": "2999-01-01T00:00:00Z"}, {}])
def test_too_many_requests_are_waited_out(headers: dict[str, str]) -> None:
    def pages(request: Request) -> bool:
        request.begin(429, **headers)
        return True

    with running(Mastodon(pages=pages)) as (source, _):
        (batch,) = (batch for batch in source.read(Position(str(FIRST), 1).write()) if source.close() is None)
    assert batch.waiting.startswith("the server answers 429: too many requests; trying again in ")


def test_a_server_that_is_busy_or_garbled_is_come_back_to() -> None:
    tried: list[str] = []

    def pages(request: Request) -> bool:
        tried.append(request.path)
        if len(tried) == 1:
            request.begin(503, Retry_After="0")
        elif len(tried) == 2:
            request.begin()
            request.send("<html>")
        return len(tried) <= 2

    with running(Mastodon([post(1)], pages=pages)) as (source, _):
        assert numbers(items(taken(source, 1, Position(str(FIRST), 1).write()))) == [1]


def test_a_server_that_sends_only_deletions_says_why() -> None:
    configuration = {"timelines_access": {"live_feeds": {"local": "authenticated", "remote": "disabled"}}}
    server = Mastodon(stream=streams(event("delete", "7") + event("delete", "8")), configuration=configuration)
    with running(server, quiet=0.01) as (source, _):
        for batch in source.read():
            if batch.waiting and "deletions" in batch.waiting:
                source.close()
    assert batch.waiting == (
        "no post has come for 0 s, only deletions; the server says who may read its live feeds: local authenticated,"
        " remote disabled"
    )


def test_a_feed_that_nobody_may_read_is_told_at_once_and_posts_end_the_waiting() -> None:
    configuration = {"timelines_access": {"live_feeds": {"local": "disabled", "remote": "public"}}}
    with running(Mastodon(configuration=configuration), "public/local") as (source, _):
        (batch,) = (batch for batch in source.read() if source.close() is None)
    assert batch.waiting == "no post comes; the server says who may read its live feeds: local disabled"
    told = threading.Event()

    def stream(request: Request) -> None:
        told.wait(PATIENCE)
        request.send(event("update", post(1)))
        hold(request)

    with running(Mastodon(stream=stream), quiet=0.01) as (source, _):
        batches: list[Batch] = []
        for batch in source.read():
            batches.append(batch)
            told.set()
            if batch.items:
                source.close()
    assert batches[0].waiting == "no post has come for 0 s"


def test_what_is_no_post_is_malformed_and_what_tells_of_none_is_left_out() -> None:
    sent = [
        event("update", "{no json"),
        event("update", "[]"),
        event("update", post(1, id="../x")),
        event("update", post(1, content=None)),
        event("update", post(1, content="x" * (2 << 20))),
        event("delete", "a b"),
        event("filters_changed", "undefined"),
        event("announcement", {"id": "1"}),
        event("update", post(2, content="")),
        event("update", post(3)),
    ]
    with running(Mastodon(stream=streams("".join(sent)))) as (source, served):
        found = items(taken(source, 7))
    malformed = [item for item in found if isinstance(item, Malformed)]
    assert len(malformed) == 6
    assert numbers(found) == [3]
    assert malformed[0].where == f"mastodon:127.0.0.1:{served.port}, event update"
    assert "a post has an 'id' of letters and digits, not '../x'" in malformed[2].reason
    assert "characters of HTML; the limit is" in malformed[4].reason
    assert "a deletion has the id of a post, not 'a b'" in malformed[5].reason


def test_a_token_that_is_refused_is_told_at_once_without_it() -> None:
    with serving(Mastodon()) as served:
        url = f"mastodon://127.0.0.1:{served.port}?tls=no"
        with pytest.raises(Misconfigured) as told:
            list(MastodonSource.from_url(url, token=lambda: "falsches-Geheimnis").read())
    assert str(told.value).startswith(f"reading mastodon://127.0.0.1:{served.port}/public: the server answers 401")
    assert "Geheimnis" not in str(told.value)
    assert "is the token in HEADRACE_MASTODON_TOKEN one of this server, with the scope read:statuses?" in str(
        told.value
    )


def test_a_server_that_tells_the_token_does_not_get_it_into_a_message() -> None:
    def answer(request: Request) -> None:
        request.begin(503 if request.number > 1 else 404, "text/plain", Retry_After="100")
        request.send(f"I do not like {request.headers['Authorization']}")

    with serving(answer) as served:
        source = MastodonSource(f"http://127.0.0.1:{served.port}", "", TOKEN)
        (batch,) = (batch for batch in source.read() if source.close() is None)
    assert "I do not like Bearer ***" in batch.waiting


def test_without_a_token_it_says_where_to_get_one_and_how_to_set_it() -> None:
    with pytest.raises(Misconfigured) as told:
        MastodonSource.from_url("mastodon://mastodon.social")
    for part in (
        "set HEADRACE_MASTODON_TOKEN, or HEADRACE_MASTODON_TOKEN_FILE",
        "https://mastodon.social/settings/applications",
        "Preferences, Development, New application",
        "read:statuses",
    ):
        assert part in str(told.value)
    with pytest.raises(Misconfigured, match="has characters that no token has") as told:
        MastodonSource.from_url("mastodon://mastodon.social", token=lambda: "ge heim")
    assert "heim" not in str(told.value)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("mastodon:", "names a server"),
        ("mastodon:mastodon.social", "names a server"),
        ("mastodon:///public", "names no host"),
        ("mastodon://host/home", "has no timeline 'home'; write /public"),
        ("mastodon://host/hashtag", "has no timeline 'hashtag'"),
        ("mastodon://host/hashtag/a%20b", "has no timeline"),
        ("mastodon://host?token=x", "token is not an option of mastodon:"),
        ("mastodon://me:geheim@host", "has an account in it"),
    ],
)
def test_a_wrong_url_is_told_with_what_to_write(url: str, told: str) -> None:
    with pytest.raises(Misconfigured, match=told) as error:
        MastodonSource.from_url(url, token=lambda: TOKEN)
    assert "geheim" not in str(error.value)


def test_the_name_is_that_of_the_timeline() -> None:
    def name(url: str) -> str:
        return MastodonSource.from_url(url, token=lambda: TOKEN).name

    assert name("mastodon://Mastodon.social/") == name("mastodon://mastodon.social/public")
    assert name("mastodon://mastodon.social") == "mastodon://mastodon.social/public"
    assert name("mastodon://127.0.0.1:3000/hashtag/python?tls=no") == "mastodon://127.0.0.1:3000/hashtag/python"


def test_closing_it_ends_the_connection_at_once() -> None:
    gone = threading.Event()

    def stream(request: Request) -> None:
        request.send(event("update", post(1)))
        if request.rfile.read(1) == b"":  # the client has shut the connection
            gone.set()

    with running(Mastodon(stream=stream)) as (source, _):
        taken(source, 1)
        assert gone.wait(PATIENCE)


DEEP = "[" * 100_000


@pytest.mark.parametrize(
    "odd",
    ['{"id": "7", "content": "\\ud800"}', '{"id": "7", "a": ' + DEEP + "]" * len(DEEP) + "}", '"text"', "{nonsense}"],
)
def test_a_post_of_a_page_that_cannot_be_read_does_not_touch_the_others(odd: str) -> None:
    def pages(request: Request) -> bool:
        if f"min_id={FIRST}" not in request.path:
            return False
        request.begin()
        request.send(f"[{json.dumps(post(2))}, {odd}, {json.dumps(post(1))}]")
        return True

    server = Mastodon([post(1), post(2)], streams(event("update", post(3))), pages=pages)
    with running(server) as (source, _):
        found = items(taken(source, 4, Position(str(FIRST), 1).write()))
    assert numbers(found) == [1, 2, 3]
    assert [type(item) for item in found].count(Malformed) == 1


def test_a_page_of_posts_without_ids_is_a_gap() -> None:
    def pages(request: Request) -> bool:
        request.begin()
        request.send('[{"content": "a"}]')
        return True

    with running(Mastodon(stream=streams(event("update", post(3))), pages=pages)) as (source, _):
        found = items(taken(source, 3, Position(str(FIRST), 1).write()))
    assert [type(item) for item in found] == [Malformed, Gap, Document]


@pytest.mark.parametrize("page", ["<html>", "{}", "[", DEEP, "", "7"])
def test_a_page_that_is_no_list_is_waited_for(page: str) -> None:
    def pages(request: Request) -> bool:
        request.begin()
        request.send(page)
        return True

    with running(Mastodon(pages=pages)) as (source, _):
        for batch in source.read(Position(str(FIRST), 1).write()):
            source.close()
            assert "is not a list of posts" in batch.waiting


@pytest.mark.parametrize("streaming", ["wss://[::bad", "http://", "//", 7])
def test_a_server_that_says_nonsense_of_where_it_streams_does_not_end_the_source(streaming: object) -> None:
    def answer(request: Request) -> None:
        if request.path == "/api/v2/instance" and request.number > 4:
            request.begin()
            request.send(json.dumps({"configuration": {"urls": {"streaming": streaming}}}))
        else:
            server(request)

    server = Mastodon(stream=lambda _request: None)
    with serving(answer) as served:
        source = MastodonSource(f"http://127.0.0.1:{served.port}", "", TOKEN)
        for batch in source.read(Position(str(FIRST), 1).write()):
            if batch.waiting or len(server.streams) > 2:
                source.close()


def test_posts_with_whatever_is_in_them_do_not_end_the_stream() -> None:
    odd = [None, True, -1, 1 << 70, 1e300, "", "x", "\0", [], [[]], {}, {"acct": []}, "x" * 300, [{"name": []}]]
    events = [
        event(name, post(1) | {key: value}) for name in ("update", "status.update") for key in post(1) for value in odd
    ]
    events += [
        event(name, text) for name in ("update", "delete", "status.update") for text in ("", DEEP, '"\\ud800"', "null")
    ]
    with running(Mastodon(stream=streams("".join(events) + event("update", post(2))))) as (source, _):
        for batch in source.read():
            if any(isinstance(item, Document) and item.id.endswith(f":{FIRST + 2}") for item in batch.items):
                source.close()


def test_a_token_that_was_replaced_is_taken_at_the_next_connection(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "token"
    file.write_text("old-geheim\n")
    monkeypatch.setenv("HEADRACE_MASTODON_TOKEN_FILE", str(file))
    seen: list[str | None] = []

    def answer(request: Request) -> None:
        if request.path.startswith("/api/v1/streaming/"):
            seen.append(request.headers["Authorization"])
            request.begin(kind="text/event-stream")
            request.send(event("update", post(len(seen))))
            if len(seen) == 1:
                file.write_text("new-geheim\n")
            elif len(seen) == 2:
                file.unlink()
            else:
                hold(request)
        else:
            request.begin()
            request.send("[]")

    with serving(answer) as served:
        source = open_source(f"mastodon://127.0.0.1:{served.port}?tls=no", limit=1 << 20)
        assert numbers(items(taken(source, 3))) == [1, 2, 3]
    assert seen == ["Bearer old-geheim", "Bearer new-geheim", "Bearer new-geheim"]
    assert "the token from before stands" in caplog.text
    assert "geheim" not in caplog.text
