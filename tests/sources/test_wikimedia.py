"""Wikimedia's changes over real connections, of servers that misbehave."""

import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from support import PATIENCE
from support.http_server import Request, Served, serving
from support.reading import taken
from support.wiki_server import AT, after, asked, canary, change, hold, position, send, send_extracts

from headrace.documents import Document
from headrace.errors import Misconfigured
from headrace.ports import Batch, Gap, Malformed
from headrace.sources.positions import Position
from headrace.sources.wikimedia import WikimediaSource
from headrace.sources.wikimedia.changes import Change, language_of
from headrace.sources.wikimedia.extracts import BURST, Extracts
from headrace.testing.sources import items

FAST = 3_600_000  # requests an hour: one each millisecond


@contextmanager
def wikis(
    answer: Callable[[Request], None], api: Callable[[Request], None] = send_extracts, path: str = "", **options: Any
) -> Iterator[tuple[WikimediaSource, Served]]:
    def either(request: Request) -> None:
        (api if request.path.startswith("/w/") else answer)(request)

    with serving(either) as served:
        host = f"127.0.0.1:{served.port}"
        given = "".join(f"&{name}={value}" for name, value in {"hourly": FAST, **options}.items())
        yield WikimediaSource.from_url(f"wikimedia://{host}/{path}?tls=no&api=http://{host}/w/api.php{given}"), served


def told(*events: dict[str, Any] | str) -> Callable[[Request], None]:
    def answer(request: Request) -> None:
        send(request, events)
        hold(request)

    return answer


def texts(batches: Sequence[Batch]) -> list[str]:
    return [item.text for item in items(batches) if isinstance(item, Document)]


def test_a_change_becomes_a_document_with_the_extract_of_its_page() -> None:
    with wikis(told(change(7, "svwiki"))) as (source, served):
        (document,) = items(taken(source, 1))
        streaming, asking = served.requests
    assert document == Document(
        "wikimedia:svwiki:7",
        "Page 7 is a page.",
        "wikimedia",
        "2026-09-21T14:13:27Z",
        {
            "wiki": "svwiki",
            "title": "Page 7",
            "user": "Anna",
            "comment": "comment 7",
            "url": "https://sv.wikipedia.org/w/index.php?diff=7&oldid=1",
            "type": "edit",
            "lang": "sv",
            "namespace": 0,
            "bot": False,
            "text_of": "extract",
        },
    )
    assert streaming.path == "/v2/stream/recentchange"
    for request in (streaming, asking):
        assert request.headers["User-Agent"].startswith("headrace/")
        assert "(https://pypi.org/project/headrace/)" in request.headers["User-Agent"]


def test_without_an_extract_the_text_is_the_title_and_the_comment() -> None:
    with wikis(told(change(9), change(10), change(1)), extracts="no") as (source, served):
        assert texts(taken(source, 3)) == ["Page 9\ncomment 9", "Page 10\ncomment 10", "Page 1\ncomment 1"]
        assert len(served.requests) == 1
    with wikis(told(change(9, comment=""), change(10), change(1))) as (source, _):
        found = taken(source, 3)
    assert texts(found) == ["Page 9", "Page 10\ncomment 10", "Page 1 is a page."]
    assert [item.meta["text_of"] for item in items(found) if isinstance(item, Document)] == [
        "comment",
        "comment",
        "extract",
    ]


def test_only_changes_that_are_wanted_are_read() -> None:
    events = [
        canary(),
        change(1),
        change(2, "dewiki"),
        change(3, bot=True),
        change(4, namespace=1),
        change(5, type="log", log_type="delete", log_action="delete"),
        change(6, type="categorize"),
        change(7, "svwiki", type="new"),
        change(8),
    ]
    cases: dict[str, list[int]] = {
        "": [1, 2, 7, 8],
        "enwiki,svwiki?": [1, 7, 8],
        "enwiki?bots=yes&namespaces=0,1": [1, 3, 4, 8],
        "?types=new": [7],
        "?namespaces=all&types=edit": [1, 2, 4, 8],
    }
    for url, revisions in cases.items():
        path, _, options = url.partition("?")
        given = dict(one.split("=") for one in options.split("&") if one)
        with wikis(told(*events), send_extracts, path, extracts="no", **given) as (source, _):
            found = items(taken(source, len(revisions)))
        assert [item.meta["title"] for item in found if isinstance(item, Document)] == [
            f"Page {number}" for number in revisions
        ], url


def test_twenty_pages_of_a_wiki_are_asked_for_at_once_and_the_rest_if_requests_are_left() -> None:
    asked_for: list[dict[str, str]] = []

    def api(request: Request) -> None:
        asked_for.append(asked(request))
        titles = asked_for[-1]["titles"].split("|")
        request.begin()
        request.send(json.dumps({"query": {"pages": [{"title": one, "extract": f"about {one}"} for one in titles]}}))

    with serving(api) as served, httpx.Client() as client:
        time = [0.0]
        address = f"http://127.0.0.1:{served.port}/w/api.php"
        extracts = Extracts(client, api=address, hourly=360, clock=lambda: time[0])
        changes = [Change.read(change(number)) for number in (*range(1, 26), 25)]
        assert extracts.worth(changes[:1], 0.0), "there are requests to spare"
        found = extracts.of(changes)
        assert sorted(found.values()) == sorted(f"about Page {number}" for number in range(1, 26))
        for _ in range(BURST):
            extracts.of(changes[:1])
        assert len(asked_for) == BURST
        assert not extracts.worth(changes, 60.0)
        time[0] += 10.0
        assert not extracts.worth(changes[:19], 8.9)
        assert extracts.worth(changes[:1], 9.1)
        assert extracts.worth(changes[:20], 0.0)
    assert [len(one["titles"].split("|")) for one in asked_for[:2]] == [20, 5]
    assert asked_for[0]["action"] == "query"
    assert (asked_for[0]["prop"], asked_for[0]["exintro"], asked_for[0]["explaintext"]) == ("extracts", "1", "1")


@pytest.mark.parametrize(
    ("status", "body", "seconds"),
    [
        (429, "slow down", 30.0),
        (503, "", 30.0),
        (200, '{"error": {"code": "maxlag", "info": "Waiting for a database"}}', 30.0),
        (200, "<html>", 60.0),
    ],
)
def test_a_wiki_that_refuses_is_left_alone_for_as_long_as_it_asks(status: int, body: str, seconds: float) -> None:
    def api(request: Request) -> None:
        request.rfile.read(int(request.headers["Content-Length"]))
        request.begin(status, Retry_After="30")
        request.send(body)

    with serving(api) as served, httpx.Client() as client:
        time = [0.0]
        extracts = Extracts(client, api=f"http://127.0.0.1:{served.port}/w/api.php", clock=lambda: time[0])
        changes = [Change.read(change(1))]
        assert extracts.of(changes) == {}
        assert extracts.worth(changes, 0.0), "nothing is worth waiting for"
        assert extracts.of(changes) == {}
        assert len(served.requests) == 1
        time[0] = seconds + 0.1
        extracts.of(changes)
        assert len(served.requests) == 2


def test_each_wiki_is_asked_at_its_own_address_and_only_by_tls() -> None:
    assert Change.read(change(1, "svwiki")).api == "https://sv.wikipedia.org/w/api.php"
    assert Change.read(change(1, server_url="http://169.254.169.254")).api == ""
    with httpx.Client() as client:
        extracts = Extracts(client)
        changes = [Change.read(change(1, server_url="http://127.0.0.1:1"))]
        assert extracts.worth(changes, 0.0)
        assert extracts.of(changes) == {}


def test_it_goes_on_after_the_last_event_when_the_server_cuts_the_connection() -> None:
    events = [change(number) for number in range(1, 8)]

    def answer(request: Request) -> None:
        first = after(request)
        send(request, events[: first + 3])
        if first + 3 >= len(events):
            hold(request)
        else:
            request.send(f'id: {position(99)}\ndata: {{"type": "edi')  # cut in the middle

    with wikis(answer) as (source, served):
        batches = taken(source, 7)
        assert [item.meta["title"] for item in items(batches) if isinstance(item, Document)] == [
            f"Page {number}" for number in range(1, 8)
        ]
        lasts = [one.headers["Last-Event-ID"] for one in served.requests if "Last-Event-ID" in one.headers]
        assert lasts == [position(3), position(6)]
    assert Position.read(batches[-1].cursor) == Position(position(7), (AT + 7) * 1_000_000)


def test_a_position_that_is_too_old_is_told_as_a_gap_by_the_times_of_the_events() -> None:
    old = Position(position(1), AT * 1_000_000).write()

    def answer(request: Request) -> None:  # goes on at the end, whatever the client asks for
        request.begin(kind="text/event-stream")
        request.send(f"id: {position(2)}\ndata: {json.dumps(canary(AT + 36_000))}\n\n")
        request.send(f"id: {position(3)}\ndata: {json.dumps(change(36_001))}\n\n")
        hold(request)

    with wikis(answer) as (source, _):
        gap, document = items(taken(source, 2, old))
    assert isinstance(gap, Gap)
    assert isinstance(document, Document)
    assert gap.missed is None
    assert "goes on at 2026-09-22 00:13:20 UTC, 10.0 hours after the last event" in gap.reason
    near = Position(position(1), (AT + 34_000) * 1_000_000).write()
    with wikis(answer) as (source, _):
        assert [type(item) for item in items(taken(source, 1, near))] == [Document]


def test_a_canary_is_no_document_and_its_time_is_that_of_the_platform() -> None:
    with wikis(told(change(1), canary(AT + 3000))) as (source, _):
        for batch in source.read():
            if Position.read(batch.cursor).id == position(2):
                source.close()
    assert Position.read(batch.cursor).at == (AT + 3000) * 1_000_000


def test_a_time_after_all_times_leaves_a_cursor_that_can_be_read() -> None:
    event = change(1)
    event["meta"]["dt"] = "9999-12-31T23:59:59-14:00"
    with wikis(told(event)) as (source, _):
        batches = taken(source, 1)
    assert Position.read(batches[-1].cursor).id == position(1)


def test_what_is_no_event_is_malformed_with_its_place_and_the_stream_goes_on() -> None:
    events = ["no json", "[1]", change(1, title=None), change(2, revision={}), {**change(3), "wiki": 7}, change(4)]
    with wikis(told(*events)) as (source, _):
        found = items(taken(source, 6))
    reasons = [item.reason for item in found if isinstance(item, Malformed)]
    assert len(reasons) == 5
    assert "an event is a JSON object, not a list" in reasons[1]
    assert "a change has a text 'title', not null" in reasons[2]
    assert "a change has a whole number 'revision.new', not null" in reasons[3]
    assert isinstance(found[-1], Document)
    assert isinstance(found[0], Malformed)
    assert found[0].where.endswith(f"event {position(1)}")


def test_a_change_that_cannot_be_stored_is_malformed() -> None:
    with wikis(told(change(9, comment="x" * (2 << 20)), change(1))) as (source, _):
        huge, small = items(taken(source, 2))
    assert isinstance(huge, Malformed)
    assert huge.where.endswith("revision 9 of enwiki")
    assert isinstance(small, Document)


def test_events_that_are_not_wanted_move_the_cursor() -> None:
    with wikis(told(change(1), change(2)), path="svwiki") as (source, _):
        for batch in source.read():
            if Position.read(batch.cursor).id == position(2):
                source.close()
    assert not batch.items


def test_a_server_that_is_away_is_waited_for_and_what_came_before_is_not_held_back() -> None:
    def answer(request: Request) -> None:
        if request.path.startswith("/v2") and after(request):
            request.begin(503, Retry_After="120")
        else:
            send(request, [change(1), change(2)])

    with wikis(answer, hourly=1) as (source, _):
        batches = []
        for batch in source.read():
            batches.append(batch)
            if batch.waiting:
                source.close()
    assert [text.split()[1] for text in texts(batches)] == ["1", "2"]
    assert batch.waiting.startswith("the server answers 503")


@pytest.mark.parametrize(
    ("host", "language"),
    [
        ("sv.wikipedia.org", "sv"),
        ("simple.wikipedia.org", "en"),
        ("zh-yue.wiktionary.org", "zh-yue"),
        ("commons.wikimedia.org", ""),
        ("www.wikidata.org", ""),
        ("sv.wikipedia.org.example.org", ""),
        (None, ""),
    ],
)
def test_the_language_is_that_of_the_host(host: object, language: str) -> None:
    assert language_of(host) == language


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("wikimedia:en.wikipedia.org", "is not the name of a wiki; write wikimedia:enwiki,svwiki"),
        ("wikimedia:enwiki?type=new", "type is not an option of wikimedia:; did you mean types?"),
        ("wikimedia:enwiki?types=log", "write one or both of edit,new"),
        ("wikimedia:enwiki?namespaces=talk", "write numbers, such as 0,1, or all"),
        ("wikimedia:enwiki?bots=maybe", "write bots=yes or bots=no"),
        ("wikimedia:enwiki?hourly=0", "or extracts=no for none"),
        ("wikimedia:enwiki?api=host", "write https://host/w/api.php"),
        ("wikimedia:enwiki?contact=a%0Ab", "contact of wikimedia: is not an address"),
        ("wikimedia:///enwiki", "names no host"),
        ("wikimedia://a:b@host/enwiki", "has an account in it"),
        ("wikimedia://host:port/enwiki", "is not a URL"),
        ("wikimedia:enwiki?bots=no&bots=yes", "says an option twice"),
    ],
)
def test_a_wrong_url_is_told_with_what_to_write(url: str, told: str) -> None:
    with pytest.raises(Misconfigured, match=told.replace("?", r"\?")):
        WikimediaSource.from_url(url)


def test_the_name_says_what_is_read_in_one_order() -> None:
    def name(url: str) -> str:
        return WikimediaSource.from_url(url).name

    assert name("wikimedia:") == "wikimedia:"
    assert name("wikimedia:svwiki,enwiki?bots=no&hourly=5&contact=x") == "wikimedia:enwiki,svwiki"
    assert (
        name("wikimedia:enwiki?types=new&namespaces=1,0&bots=yes")
        == "wikimedia:enwiki?bots=yes&namespaces=0,1&types=new"
    )
    assert name("wikimedia:?namespaces=all") == "wikimedia:?namespaces=all"
    assert name("wikimedia://127.0.0.1:9000/enwiki?tls=no") == "wikimedia://127.0.0.1:9000/enwiki"


def test_the_user_says_how_to_be_reached() -> None:
    with wikis(told(change(1)), contact="anna%40example.org") as (source, served):
        taken(source, 1)
        assert "(anna@example.org)" in served.requests[0].headers["User-Agent"]


def test_a_refusal_at_first_is_told_at_once() -> None:
    def answer(request: Request) -> None:
        request.begin(403, "text/plain")
        request.send("set a user agent")

    with wikis(answer) as (source, _), pytest.raises(Misconfigured, match="403 Forbidden: set a user agent"):
        list(source.read())


def test_a_reading_that_is_closed_ends_the_connection_at_once() -> None:
    gone = threading.Event()

    def answer(request: Request) -> None:
        send(request, [change(1)])
        if request.rfile.read(1) == b"":  # the client has shut the connection
            gone.set()

    with wikis(answer) as (source, _):
        taken(source, 1)
        assert gone.wait(PATIENCE)


def test_the_first_changes_do_not_wait_so_that_a_short_run_has_a_place_to_go_on_at() -> None:
    begun = time.monotonic()
    with wikis(told(change(1)), hourly=500) as (source, _):
        assert texts(taken(source, 1)) == ["Page 1 is a page."]
    assert time.monotonic() - begun < 7


def test_what_waits_for_extracts_when_the_source_is_closed_is_read_again() -> None:
    held = threading.Event()

    def answer(request: Request) -> None:
        send(request, [change(number) for number in range(1, 4)])
        held.set()
        hold(request)

    with wikis(answer, hourly=1) as (source, _):  # a request an hour: what comes after the first one waits
        batches = []
        for batch in source.read():
            batches.append(batch)
            if held.wait(PATIENCE):
                source.close()
    done = len(items(batches))
    assert done > 0
    with wikis(answer, extracts="no") as (source, _):
        again = taken(source, 3 - done, batches[-1].cursor) if done < 3 else []
    assert [item.id for item in items([*batches, *again])] == [f"wikimedia:enwiki:{number}" for number in (1, 2, 3)]


def test_events_with_whatever_is_in_them_do_not_end_the_stream() -> None:
    odd = [
        None,
        True,
        -1,
        1 << 70,
        1e300,
        "",
        "x",
        "\0",
        [],
        [[]],
        {},
        {"dt": []},
        "x" * 300,
        "0001-01-01T00:00:00+14:00",
    ]
    names = [*change(1), "dt"]
    events = [change(1) | {name: value} for name in names for value in odd]
    events += [change(1) | {"meta": {"dt": value, "domain": value, "uri": value}} for value in odd]
    events += [change(1) | {"revision": {"new": value}} for value in odd]
    with wikis(told(*events, "[" * 100_000, '{"a": "\\ud800"}', change(2)), extracts="no") as (source, _):
        for batch in source.read():
            if any(isinstance(item, Document) and item.id == "wikimedia:enwiki:2" for item in batch.items):
                source.close()
    assert Position.read(batch.cursor).id == position(len(events) + 3)


def test_an_event_without_data_is_none_and_a_long_one_is_malformed() -> None:
    def answer(request: Request) -> None:
        request.begin(kind="text/event-stream")
        request.send("id: 1\n\nid: 2\ndata:\n\nid: 3\ndata: ")
        for _ in range(65):
            request.send(b"x" * (1 << 20))
        request.send(f"\n\nid: 4\ndata: {json.dumps(change(1))}\n\n")
        hold(request)

    with wikis(answer, extracts="no") as (source, _):
        long, after_it = items(taken(source, 2))
    assert isinstance(long, Malformed)
    assert "longer than" in long.reason
    assert isinstance(after_it, Document)


def test_a_wiki_that_asks_for_an_age_is_left_alone_for_a_day() -> None:
    def api(request: Request) -> None:
        request.rfile.read(int(request.headers["Content-Length"]))
        request.begin(503, Retry_After="9" * 400)

    with serving(api) as served, httpx.Client() as client:
        time = [0.0]
        extracts = Extracts(client, api=f"http://127.0.0.1:{served.port}/w/api.php", clock=lambda: time[0])
        changes = [Change.read(change(1))]
        extracts.of(changes)
        time[0] = 86_401.0
        extracts.of(changes)
        assert len(served.requests) == 2
