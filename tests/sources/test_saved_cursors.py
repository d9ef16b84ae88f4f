"""Cursors that another version, a disk or a person has spoilt."""

from collections.abc import Callable
from pathlib import Path

import pytest
from support import PATIENCE
from support.hackernews_server import News, hackernews, story
from support.http_server import Request, serving
from support.mastodon_server import TOKEN, Mastodon, post
from support.mastodon_server import event as mastodon_event
from support.reading import taken
from support.twitter_server import AT, X, line, number
from support.twitter_server import TOKEN as X_TOKEN
from support.twitter_server import post as x_post
from support.wiki_server import change, send, send_extracts

from headrace.documents import Document
from headrace.file_options import FileOptions
from headrace.ports import Batch, Gap, SourceAdapter
from headrace.sources.files import FileSource
from headrace.sources.hackernews import HackernewsSource
from headrace.sources.mastodon import MastodonSource
from headrace.sources.polled import PolledSource
from headrace.sources.polling import Seen
from headrace.sources.positions import Position
from headrace.sources.rss import RssSource
from headrace.sources.saved_cursors import UNREADABLE, read, restarted
from headrace.sources.sse import SseSource
from headrace.sources.twitter.filtered_stream import FilteredStream
from headrace.sources.wikimedia import WikimediaSource
from headrace.testing.sources import items

SPOILT = [
    "garbage",
    "\0",
    "null",
    "7",
    "[]",
    '"id"',
    '{"id": 7}',
    '{"id": "7", "at": "now"}',
    '{"at": 99999999999999999999999999}',
    '{"at": 9223372036854775807}',
    '{"at": -5}',
    '{"records": -5}',
    '{"records": 1e400}',
    '{"last": 9223372036854775807}',
    '{"told": [7]}',
    '{"etag": null}',
    '{"of another version": 1}',
    '{"id": "\\ud800"}',
    "[" * 100_000,
    '{"id": ' * 100_000,
    "x" * (10 << 20),
    "\udcff",
]


@pytest.mark.parametrize("cursor", SPOILT)
def test_a_spoilt_cursor_is_the_beginning_and_told(cursor: str) -> None:
    for kind in (Position, Seen):
        assert read(cursor, kind) == kind()
        assert restarted(cursor, kind) == UNREADABLE


def test_no_cursor_is_the_beginning_and_not_told() -> None:
    for cursor in (None, "", "{}"):
        assert read(cursor, Position) == Position()
        assert restarted(cursor, Position) == ""


def events(request: Request) -> None:
    request.begin(kind="text/event-stream")
    request.send('data: {"text": "hej"}\n\n')
    request.server.ended.wait(PATIENCE)  # type: ignore[attr-defined]


def listed(request: Request) -> None:
    request.begin()
    request.send('[{"text": "hej"}]')


def feed(request: Request) -> None:
    request.begin(kind="application/rss+xml")
    request.send("<rss version='2.0'><channel><item><guid>1</guid><title>hej</title></item></channel></rss>")


def wiki(request: Request) -> None:
    if request.command == "POST":
        send_extracts(request)
    else:
        send(request, [change(1)])
        request.server.ended.wait(PATIENCE)  # type: ignore[attr-defined]


def toots(request: Request) -> None:
    request.send(mastodon_event("update", post(1)))
    request.server.ended.wait(PATIENCE)  # type: ignore[attr-defined]


def cats(request: Request) -> None:
    request.begin()
    request.send(line(x_post(number(AT), "cats")))
    request.server.ended.wait(PATIENCE)  # type: ignore[attr-defined]


MAKERS: list[tuple[Callable[[Request], None], Callable[[int], SourceAdapter], bool]] = [
    (events, lambda port: SseSource.from_url(f"sse://127.0.0.1:{port}/?tls=no"), True),
    (listed, lambda port: PolledSource.from_url(f"http:http://127.0.0.1:{port}/#every=0.01"), False),
    (feed, lambda port: RssSource.from_url(f"rss://127.0.0.1:{port}/?tls=no#every=0.01"), False),
    (wiki, lambda port: WikimediaSource.from_url(f"wikimedia://127.0.0.1:{port}/?tls=no&extracts=no"), True),
    (
        Mastodon(stream=toots),
        lambda port: MastodonSource.from_url(f"mastodon://127.0.0.1:{port}?tls=no", token=lambda: TOKEN),
        True,
    ),
    (
        X(stream=cats),
        lambda port: FilteredStream(f"http://127.0.0.1:{port}", X_TOKEN),
        True,
    ),
]


@pytest.mark.parametrize(("answer", "source", "misses"), MAKERS)
@pytest.mark.parametrize("cursor", ["garbage", '{"of another version": 1}'])
def test_a_stream_with_a_spoilt_cursor_begins_anew_and_says_so(
    answer: Callable[[Request], None], source: Callable[[int], SourceAdapter], misses: bool, cursor: str
) -> None:
    with serving(answer) as served:
        batches = taken(source(served.port), 1 + misses, cursor)
        told(batches, misses=misses)


def told(batches: list[Batch], *, misses: bool) -> None:
    assert batches[0].restarted == UNREADABLE
    assert not any(batch.restarted for batch in batches[1:])
    found = items(batches)
    assert [type(item) for item in found] == [Gap] * misses + [Document]


def test_hacker_news_with_a_spoilt_cursor_begins_anew_and_says_so() -> None:
    with hackernews(News({1: story(1)})) as (url, _):
        told(taken(HackernewsSource.from_url(url), 1, '{"last": "x"}'), misses=False)
        now = HackernewsSource.from_url(url.replace("&from=1", ""))
        first = next(iter(now.read("garbage")))
    assert first.restarted
    assert isinstance(first.items[0], Gap)


@pytest.mark.parametrize("cursor", SPOILT)
@pytest.mark.parametrize("follow", [False, True])
def test_a_file_with_a_spoilt_cursor_is_read_from_its_start_and_says_so(
    cursor: str, follow: bool, tmp_path: Path
) -> None:
    path = tmp_path / "posts.jsonl"
    path.write_text('{"text": "hej"}\n')
    source = FileSource(path, options=FileOptions("jsonl", follow=follow))
    batches = []
    for batch in source.read(cursor):
        batches.append(batch)
        source.close()
    told(batches, misses=False)
