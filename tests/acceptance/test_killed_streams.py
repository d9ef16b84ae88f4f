"""The first law for streams: whatever kills the process that reads one, nothing is lost, and nothing is stored twice."""

import json
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
from driver import PATIENCE, TRIVIAL, Headrace, until
from support.hackernews_server import News, hackernews, story
from support.http_server import Request, serving
from support.jetstream_server import Event, Jetstream, account, commit
from support.mastodon_server import FIRST, TOKEN, Mastodon, post
from support.mastodon_server import event as event_of
from support.socket_server import Socket
from support.twitter_server import TOKEN as TOKEN_OF_X
from support.twitter_server import X
from support.twitter_server import line as line_of_x
from support.twitter_server import number as number_of_x
from support.twitter_server import post as post_of_x
from support.wiki_server import after, change, send

EVENTS = 3000
PAGE = 40  # posts
TOKENS = {"mastodon_token": TOKEN, "twitter_token": TOKEN_OF_X}
IDLE = {"twitter": "20"}  # seconds: a search is asked for what is at least ten seconds old
PIECE = 50  # events that are sent together


def numbered(request: Request) -> None:
    """Events that are numbered, with a break now and then, and the last one after which nothing comes."""
    request.begin(kind="text/event-stream")
    first, most = int(request.headers.get("Last-Event-ID", "0")), 150 + 130 * (request.number % 5)
    for start in range(first, min(EVENTS, first + most), PIECE):
        lines = (event(number) for number in range(start, min(start + PIECE, EVENTS)))
        if not request.send("".join(lines)):
            return
    if first + most < EVENTS:
        request.send('id: 99999\ndata: {"text": "cut in the mid')
    else:
        request.server.ended.wait(PATIENCE)  # type: ignore[attr-defined]


def event(number: int) -> str:
    return f'id: {number + 1}\ndata: {{"id": "{number}", "text": "text {number}"}}\n\n'


def growing(request: Request) -> None:
    """A list that grows with each request, of which the last 2,000 are shown."""
    shown = min(EVENTS, request.number * PIECE)
    request.begin()
    request.send(json.dumps([{"id": str(n), "text": f"text {n}"} for n in range(max(0, shown - 2000), shown)]))


def changing(request: Request) -> None:
    """Changes of wikis, with a break now and then, and the last one after which nothing comes."""
    last = after(request) + 150 + 130 * (request.number % 5)
    send(request, [change(number + 1, title=f"text {number}", comment="") for number in range(min(last, EVENTS))])
    if last >= EVENTS:
        request.server.ended.wait(PATIENCE)  # type: ignore[attr-defined]


class Feed:
    """A Mastodon server whose posts come one after the other, page by page or streamed, with breaks, whether anybody listens or not."""

    def __init__(self) -> None:
        self.posts = [post(number, content=f"<p>text {number - 1}</p>") for number in range(EVENTS + 1)]
        self.shown = 1  # posts that were written by now
        self.server = Mastodon(stream=self.stream, pages=self.page)

    def page(self, request: Request) -> bool:
        known, _, more = request.path.partition("min_id=")[2].partition("&")
        first = int(known) - FIRST + 1 if more else self.shown - 1
        request.begin()
        request.send(json.dumps(self.posts[first : min(self.shown, first + PAGE)][::-1]))
        return True

    def stream(self, request: Request) -> None:
        for _ in range(4 + request.number % 5):
            first, self.shown = self.shown, min(len(self.posts), self.shown + PIECE)
            if not request.send("".join(event_of("update", one) for one in self.posts[first : self.shown])):
                return
        if self.shown < len(self.posts):
            self.shown = min(len(self.posts), self.shown + 2 * PIECE)  # written while nobody is connected
            request.send("event: update\ndata: {cut in the mid")
        else:
            request.server.ended.wait(PATIENCE)  # type: ignore[attr-defined]


class Network:
    """A host of Jetstream whose connections break now and then. An author who wrote much deletes the account, so that nothing of that is
    left; each edit of another one is deleted with its post."""

    def __init__(self) -> None:
        gone = "did:plc:gone"
        self.events: list[Event] = []
        for number in range(EVENTS):
            self.events.append(commit(number, f"text {number}"))
            if number % 20 == 7 and number < EVENTS // 2:
                self.events.append(commit(number, f"gone {number}", did=gone))
                self.events.append(commit(number, f"gone too {number}", "update", did=gone))
            if number % 50 == 9:
                post, edit = (
                    commit(number, "a draft", operation, did="did:plc:b") for operation in ("create", "update")
                )
                self.events += [post, edit, commit(number, operation="delete", did="did:plc:b")]
            if number == EVENTS // 2:
                self.events.append(account(gone))
        self.server = Jetstream(self.events, self.stream, sealed=EVENTS // 3)

    def stream(self, socket: Socket, messages: Sequence[tuple[int, str]]) -> None:
        most = 150 + 130 * (len(self.server.asked) % 5)
        for _, message in messages[:most]:
            if not socket.send(message):
                return
        if messages[most:]:
            socket.cut(messages[most][1])
        else:
            socket.hold()


class Posts:
    """X's API: posts come one after the other, with breaks, whether anybody listens or not, and are found by a search. The stream sends
    some of them twice, and in no order."""

    def __init__(self) -> None:
        self.shown = 0  # posts that were written by now
        self.x = X(self.stream, rules=[{"id": "1", "value": "text"}], at=time.time(), strict=True)

    def write(self) -> Sequence[dict[str, Any]]:
        """Some more posts."""
        first, self.shown = self.shown, min(EVENTS, self.shown + PIECE)
        now = self.x.now()
        new = [post_of_x(number_of_x(now, place), f"text {place}") for place in range(first, self.shown)]
        self.x.posts += new
        return new

    def stream(self, request: Request) -> None:
        request.begin()
        for _ in range(4 + request.number % 5):
            new = self.write()
            if not request.send("".join(map(line_of_x, [*new[::-1], *new[:5]]))):
                return
        if self.shown < EVENTS:
            self.write()  # while nobody is connected
            request.send('{"data": {"id": "1", "text": "cut in the mid')
        else:
            request.server.ended.wait(PATIENCE)  # type: ignore[attr-defined]


def broken(request: Request) -> bool:
    """Break some answers off, and say so."""
    cut = request.number % 500 == 499
    if cut:
        request.begin(Content_Length="1000")
        request.send('{"id": 1, "title": "cut in the mid')
    return cut


@contextmanager
def stream(name: str) -> Iterator[str]:
    if name == "hackernews":
        news = {number + 1: story(number + 1, f"text {number}") for number in range(EVENTS)}
        with hackernews(News(news, before=broken)) as (url, _):
            yield url
        return
    answers: dict[str, Callable[[Request], None]] = {
        "bluesky": Network().server,
        "bluesky v1": Network().server,
        "bluesky replay": Network().server,
        "sse": numbered,
        "http": growing,
        "mastodon": Feed().server,
        "wikimedia": changing,
        "twitter": Posts().x,
    }
    with serving(answers[name]) as served:
        yield {
            "bluesky": f"bluesky://127.0.0.1:{served.port}?tls=no",
            "bluesky v1": f"bluesky://127.0.0.1:{served.port}?tls=no&wire=v1",
            "bluesky replay": f"bluesky://127.0.0.1:{served.port}?tls=no&replay",
            "sse": f"sse://127.0.0.1:{served.port}/?tls=no",
            "wikimedia": f"wikimedia://127.0.0.1:{served.port}/?tls=no&extracts=no",
            "mastodon": f"mastodon://127.0.0.1:{served.port}?tls=no",
            "twitter": f"twitter://127.0.0.1:{served.port}?tls=no",
            "http": f"http:http://127.0.0.1:{served.port}/#every=0.01",
        }[name]


STREAMS = ["sse", "http", "mastodon", "wikimedia", "hackernews", "bluesky", "bluesky v1", "bluesky replay", "twitter"]


@pytest.mark.parametrize("name", STREAMS)
def test_a_stream_whose_reader_is_killed_again_and_again_is_read_to_its_end(headrace: Headrace, name: str) -> None:
    headrace.run("status")  # makes the files
    chance = random.Random(7)
    with stream(name) as url:
        for _ in range(6):
            before, more = headrace.waiting(), chance.choice([1, 1, 3, 8])
            running = headrace.start("ingest", url, **TOKENS)
            until(lambda: headrace.waiting() >= before + more, PATIENCE, "nothing is published", every=0.001)  # noqa: B023
            running.kill()
        ended = json.loads(headrace.done("ingest", url, "--until-idle", IDLE.get(name, "3"), "--json", **TOKENS))
    assert ended["malformed"] == ended["missed"] == 0
    headrace.done("work", "--drain", models=TRIVIAL)
    texts = Counter(result.text for result in headrace.results())
    assert texts == Counter(f"text {number}" for number in range(EVENTS))
    assert not headrace.dead()
    (source,) = json.loads(headrace.done("sources", "--json"))["sources"]
    assert (source["state"], source["published"] >= EVENTS - 200) == ("ended", True)
