"""X's filtered stream over real connections, of a server that misbehaves."""

import json
import threading
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any

import pytest
from support import PATIENCE
from support.http_server import Request, serving
from support.reading import taken
from support.twitter_server import (
    AT,
    DISCONNECT,
    NO_CREDITS,
    NOT_ENROLLED,
    TOKEN,
    TOO_MANY,
    X,
    hold,
    line,
    number,
    post,
    refusing,
    wait,
)

from headrace.documents import Document
from headrace.errors import Misconfigured
from headrace.ports import Batch, Gap, Malformed
from headrace.sources.back_off import Kind, Pause
from headrace.sources.twitter.filtered_stream import PAUSES, FilteredStream, Timing
from headrace.sources.twitter.progress import Saved
from headrace.testing.sources import Item, items

SOON = Timing(settle=0.0)
DAY = 86_400_000_000


@contextmanager
def running(server: X, timing: Timing = SOON, **options: Any) -> Iterator[Callable[[], FilteredStream]]:
    with serving(server) as served:
        yield lambda: FilteredStream(f"http://127.0.0.1:{served.port}", TOKEN, timing=timing, **options)


def streams(*parts: str | bytes | Callable[[Request], object]) -> Callable[[Request], object]:
    """What each stream sends in turn; the last one stays open."""
    left = list(parts)

    def stream(request: Request) -> None:
        part = left.pop(0)
        if callable(part):
            part(request)
            return
        request.begin()
        request.send(part)
        if not left:
            wait(request)

    return stream


def cat(place: int, text: str = "cats", **members: Any) -> dict[str, Any]:
    return post(number(AT, place), f"{text} {place}", **members)


def cats(*places: int) -> str:
    return "".join(line(cat(place)) for place in places)


def texts(found: Sequence[Item]) -> list[str]:
    return [item.text for item in found if isinstance(item, Document)]


def until_waiting(source: FilteredStream, after: str | None = None, times: int = 1) -> list[Batch]:
    """The batches up to the one that says for so many times that it waits."""
    batches: list[Batch] = []
    for batch in source.read(after):
        batches.append(batch)
        if sum(bool(one.waiting) for one in batches) >= times:
            source.close()
    return batches


def cursor(at: float, **members: Any) -> str:
    return json.dumps({"at": int(at * 1e6), **members})


def test_a_post_becomes_a_document() -> None:
    retweet = cat(2, "RT @a: cut", referenced_tweets=[{"type": "retweeted", "id": "9"}])
    whole = {"id": "9", "text": "cut", "note_tweet": {"text": "the whole &amp; all"}}
    message = {"data": retweet, "includes": {"tweets": [whole]}, "matching_rules": [{"id": "1", "tag": "cats"}]}
    edit = cat(3, edit_history_tweet_ids=["1", "2", "3"])
    sent = "\r\n" + line(cat(1), "dogs") + "\r\n" + json.dumps(message) + "\r\n" + line(edit)
    with running(server := X(streams(sent))) as connect:
        batches = taken(connect(), 3)
        name = connect().name
    first, second, third = items(batches)
    identity = str(number(AT, 1))
    about = {"author_id": "7", "lang": "sv", "url": f"https://x.com/i/web/status/{identity}", "tags": ["dogs"]}
    assert first == Document(f"twitter:{identity}", "cats 1", "twitter", "2026-11-29T12:00:00.000Z", about)
    assert isinstance(second, Document)
    assert (second.text, second.meta["retweet_of"]) == ("the whole & all", "9")
    assert isinstance(third, Document)
    assert third.meta["edit_of"] == "twitter:1"
    assert sum(batch.paid for batch in batches) == 4  # X charges for what it includes too
    assert sum(batch.filled for batch in batches) == 0
    assert name.startswith("twitter://127.0.0.1:")
    assert FilteredStream(token=TOKEN).name == "twitter:"
    (request,) = server.streams
    assert "note_tweet" in request.path
    assert request.headers["User-Agent"].startswith("headrace/")


def test_a_number_that_no_post_has_is_told_and_spoils_no_cursor() -> None:
    sent = line(post(10**20 - 1, "cats and more")) + cats(1)
    with running(X(streams(sent))) as connect:
        batches = taken(connect(), 2)
    spoilt, cat_1 = items(batches)
    assert isinstance(spoilt, Malformed)
    assert "has an 'id', which is a whole number" in spoilt.reason
    assert texts([cat_1]) == ["cats 1"]
    assert Saved.read(batches[-1].cursor).numbers == [number(AT, 1)]


def test_an_error_without_end_or_beyond_measure_is_a_break_like_any_other() -> None:
    def endless(request: Request) -> None:
        request.begin(503)
        while request.send("out of order " * 1000):
            pass

    def nested(request: Request) -> None:
        request.begin(503)
        request.send("[" * 100_000)

    def unreadable(request: Request) -> None:
        request.begin(503, "text/plain; charset=base64", x_rate_limit_remaining="0", x_rate_limit_reset="9" * 5000)
        request.send("out of order")

    pauses = {**PAUSES, Kind.SERVER: Pause(2.0, 2.0, factor=1.0)}
    for answer in (endless, nested, unreadable):
        with running(X(streams(answer, cats(1))), Timing(settle=0.0, pauses=pauses)) as connect:
            source = connect()
            batches = until_waiting(source)
        assert batches[-1].waiting.startswith("X answers 503 Service Unavailable: ")


def test_a_search_whose_pages_have_no_end_is_given_up() -> None:
    def before(request: Request) -> bool:
        if found := "/search/recent" in request.path:
            request.begin()
            request.send(json.dumps({"data": [cat(2)], "meta": {"next_token": "always"}}))
        return found

    with running(X(streams(cats(1), cats(3)), before=before)) as connect:
        found = items(taken(connect(), 4))
    assert texts(found) == ["cats 1", "cats 3", "cats 2"]
    (gap,) = (item for item in found if isinstance(item, Gap))
    assert "X gives the same page" in gap.reason


def test_the_names_of_authors_are_asked_for_only_if_wanted() -> None:
    for users in (False, True):
        with running(server := X(streams(cats(1))), users=users) as connect:
            taken(connect(), 1)
        assert ("expansions=referenced_tweets.id%2Cauthor_id" in server.streams[0].path) == users


def test_where_reading_begins_is_saved_before_the_first_post() -> None:
    with running(X(hold)) as connect, closing(connect()) as source:
        batch = next(source.read())
    assert (batch.items, batch.waiting) == ((), "")
    assert 0 <= Saved.read(batch.cursor).at / 1e6 - AT < PATIENCE


def test_nothing_is_searched_for_before_the_first_connection() -> None:
    with running(server := X(streams(cats(1)), [cat(5)])) as connect:
        assert texts(items(taken(connect(), 1))) == ["cats 1"]
    assert server.searches == []


def test_a_post_that_comes_again_is_not_told_and_not_paid_again() -> None:
    server = X(streams(cats(1, 2, 1), cats(2, 3, 1), cats(3, 4)))
    with running(server) as connect:
        batches = taken(connect(), 3)
        assert texts(items(batches)) == ["cats 1", "cats 2", "cats 3"]
        after = taken(connect(), 1, batches[-1].cursor)
    assert texts(items(after)) == ["cats 4"]
    assert (sum(one.paid for one in batches), sum(one.paid for one in after)) == (3, 1)


def test_what_came_between_two_connections_is_searched_for() -> None:
    cut = cats(1) + line(cat(2))[:60]
    server = X(streams(cut, cats(4)), [cat(place) for place in range(1, 4)], page=1)
    with running(server) as connect:
        batches = taken(connect(), 4)
    found = items(batches)
    assert sorted(texts(found)) == ["cats 1", "cats 2", "cats 3", "cats 4"]
    assert not [item for item in found if isinstance(item, Gap | Malformed)]
    assert sum(batch.filled for batch in batches) == 2
    (two,) = [item for item in found if isinstance(item, Document) and item.text == "cats 2"]
    assert two.meta["tags"] == ["cats"]


def test_a_process_that_was_killed_goes_on_from_the_break_that_was_not_filled() -> None:
    """The cursor stays at the first break until that is filled."""
    server = X(streams(cats(1), cats(5), cats(6)), [cat(place) for place in range(1, 6)])
    with running(server, Timing(settle=PATIENCE)) as connect:
        first = taken(connect(), 2)
    assert texts(items(first)) == ["cats 1", "cats 5"]
    with running(server) as connect:
        rest = taken(connect(), 4, first[-1].cursor)
    assert sorted(texts(items(rest))) == ["cats 2", "cats 3", "cats 4", "cats 6"]


def test_a_last_post_without_a_line_end_is_read() -> None:
    with running(X(streams(cats(1).rstrip(), cats(2)))) as connect:
        assert sorted(texts(items(taken(connect(), 2)))) == ["cats 1", "cats 2"]


def test_a_stream_without_a_sign_of_life_is_dead() -> None:
    def silent(request: Request) -> None:
        request.begin()
        request.send(cats(1))
        wait(request)

    with running(server := X(streams(silent, cats(2))), Timing(keep_alive=0.3, settle=0.0)) as connect:
        assert texts(items(taken(connect(), 2))) == ["cats 1", "cats 2"]
    assert len(server.streams) == 2


def test_a_stream_that_is_said_to_have_ended_is_left_though_it_stays_open() -> None:
    def ended(request: Request) -> None:
        request.begin()
        request.send(cats(1) + json.dumps(DISCONNECT) + "\r\n")
        wait(request)

    about = line(cat(2, "operational-disconnect https://api.x.com/2/problems/"))
    with running(server := X(streams(ended, about))) as connect:
        assert len(texts(items(taken(connect(), 2)))) == 2
    assert len(server.streams) == 2


def test_gzip_is_read_as_it_comes() -> None:
    def stream(request: Request) -> None:
        request.begin(Content_Encoding="gzip")
        packing = zlib.compressobj(wbits=31)
        request.send(packing.compress(cats(1, 2).encode()) + packing.flush(zlib.Z_SYNC_FLUSH))
        wait(request)

    with running(server := X(streams(stream))) as connect:
        assert texts(items(taken(connect(), 2))) == ["cats 1", "cats 2"]
    assert server.streams[0].headers["Accept-Encoding"] == "gzip"


def test_what_is_no_post_is_malformed_and_the_stream_goes_on() -> None:
    long = line(cat(1, "x" * (10 << 20))), line(cat(2, "x" * (17 << 20)))
    sent = "<html>\r\n" + "".join(long) + '{"data": {"id": "x", "text": "a"}}\r\n' + cats(3)
    with running(X(streams(sent))) as connect:
        found = items(taken(connect(), 5))
    reasons = [item.reason for item in found if isinstance(item, Malformed)]
    told = ["not JSON", "document_bytes", "longer than 16,777,216 bytes", "has an 'id'"]
    assert [part in reason for part, reason in zip(told, reasons, strict=True)] == [True] * 4
    assert texts(found) == ["cats 3"]


def test_other_errors_in_the_stream_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    sent = '{"errors": [{"title": "Odd", "type": "about:blank"}]}\r\n' + cats(1)
    with running(server := X(streams(sent))) as connect:
        assert texts(items(taken(connect(), 1))) == ["cats 1"]
    assert len(server.streams) == 1
    assert "Odd" in caplog.text


@pytest.mark.parametrize(
    ("answer", "least", "told"),
    [
        (refusing(503, {"title": "Service Unavailable"}), 5, "503"),
        (refusing(503, {}, Retry_After="40"), 40, "503"),
        (refusing(429, {"title": "Too Many Requests"}), 60, "429"),
        (refusing(429, TOO_MANY), 60, "headrace twitter connections --close"),
    ],
    ids=["503", "503 with Retry-After", "429", "too many connections"],
)
def test_an_error_is_waited_for_as_x_asks(answer: Callable[[Request], object], least: float, told: str) -> None:
    with running(X(answer)) as connect:
        (batch,) = until_waiting(connect())
    assert told in batch.waiting
    seconds = float(batch.waiting.rpartition("trying again in ")[2].removesuffix(" s"))
    assert least <= seconds <= least * 1.2 + 1


def test_a_limit_is_waited_for_until_it_ends_by_the_clock_of_x() -> None:
    server = X(at=AT - 7200)

    def limited(request: Request) -> None:
        request.begin(429, x_rate_limit_remaining="0", x_rate_limit_reset=str(int(server.now()) + 600))

    server.stream = limited
    with running(server) as connect:
        (batch,) = until_waiting(connect())
    seconds = float(batch.waiting.rpartition("trying again in ")[2].removesuffix(" s"))
    assert 595 <= seconds <= 730


@pytest.mark.parametrize(
    ("status", "problem", "told"),
    [
        (402, NO_CREDITS, "the account has no credit left.*console.x.com"),
        (429, {"title": "UsageCapExceeded", "type": "https://api.x.com/2/problems/usage-capped"}, "its monthly cap"),
        (403, {"title": "Forbidden", "detail": "A spending limit is reached"}, "its spending limit"),
        (403, NOT_ENROLLED, "Client Forbidden.*enrol the app, its project"),
        (401, {"title": "Unauthorized", "detail": TOKEN}, "is the token in HEADRACE_TWITTER_TOKEN the Bearer Token"),
        (409, {"connection_issue": "RuleConfigurationIssue", "title": "x"}, "headrace twitter rules add VALUE"),
        (404, {}, "X answers 404"),
    ],
)
def test_a_refusal_is_an_error_at_first_and_a_state_later(status: int, problem: Any, told: str) -> None:
    with running(X(refusing(status, problem))) as connect:
        with pytest.raises(Misconfigured, match=told) as error:
            list(connect().read())
        assert TOKEN not in str(error.value)
    pauses = {**PAUSES, Kind.REFUSED: Pause(2.0, 3.0)}
    server = X(streams(cats(1), *[refusing(status, problem)] * 5))
    with running(server, Timing(pauses=pauses, settle=0.0)) as connect:
        batches = until_waiting(connect(), times=2)
    waiting = {batch.waiting for batch in batches if batch.waiting}
    assert len(waiting) == 1, "it is told in the same words as long as it is the same"
    assert TOKEN not in waiting.pop()


def test_a_break_that_is_older_than_a_search_goes_back_is_a_gap() -> None:
    posts = [post(number(AT - 6 * 86400), "cats of 6 days"), post(number(AT - 8 * 86400), "cats of 8 days")]
    with running(X(streams(cats(1)), posts)) as connect:
        found = items(taken(connect(), 3, cursor(AT - 10 * 86400)))
    assert sorted(texts(found)) == ["cats 1", "cats of 6 days"]
    (gap,) = [item for item in found if isinstance(item, Gap)]
    assert "older than the 7 days" in gap.reason
    assert gap.missed is None


def test_rules_that_cannot_be_searched_for_are_told_as_gaps() -> None:
    values = ["cats sample:10", '"sample:10" cats', "cats", "x" * 600]
    rules = [{"id": str(place), "value": value} for place, value in enumerate(values)]
    rules[0]["tag"] = "thin"

    def before(request: Request) -> bool:
        if "query=xxx" in request.path:
            refusing(400, {"title": "Invalid Request", "detail": "the query is too long"})(request)
        return "query=xxx" in request.path

    server = X(streams(cats(1), cats(2)), [cat(3)], rules=rules, before=before)
    with running(server) as connect:
        found = items(taken(connect(), 6))
    ours, refused, long = [item.reason for item in found if isinstance(item, Gap)]
    assert "the rule 'thin' can't be searched for: search has no sample:" in ours
    assert "X refuses to search for those of the rule" in refused
    assert "the query is too long" in long
    assert sorted(texts(found)) == ["cats 1", "cats 2", "cats 3"]


def test_a_search_that_is_refused_is_a_gap() -> None:
    def before(request: Request) -> bool:
        if refused := "/search/recent" in request.path:
            refusing(403, NOT_ENROLLED)(request)
        return refused

    with running(X(streams(cats(1), cats(2)), before=before)) as connect:
        found = items(taken(connect(), 3))
    (gap,) = [item for item in found if isinstance(item, Gap)]
    assert "a search for them is refused: X answers 403" in gap.reason


def test_a_search_that_fails_is_made_again() -> None:
    failures = [503, 503]

    def before(request: Request) -> bool:
        if "/search/recent" in request.path and failures:
            refusing(failures.pop(), {}, Retry_After="0")(request)
            return True
        return False

    quick = Timing(pauses={**PAUSES, Kind.SERVER: Pause(0.0, 0.1)}, settle=0.0)
    with running(X(streams(cats(1), cats(2)), [cat(3)], before=before), quick) as connect:
        found = items(taken(connect(), 3))
    assert sorted(texts(found)) == ["cats 1", "cats 2", "cats 3"]


def test_breaks_are_told_if_they_are_not_to_be_filled() -> None:
    with running(server := X(streams(cats(1), cats(2)), [cat(3)]), fill=False) as connect:
        found = items(taken(connect(), 3))
    assert [type(item) for item in found] == [Document, Gap, Document]
    assert server.searches == []


def test_times_are_those_of_the_clock_of_x() -> None:
    for at in (AT - 900 * 86400, AT + 900 * 86400):
        posts = [post(number(at), "cats between")]
        with running(server := X(streams(cats(1), cats(2)), posts, at=at)) as connect:
            found = items(taken(connect(), 3))
        assert sorted(texts(found)) == ["cats 1", "cats 2", "cats between"]
        assert len(server.searches) == 1


def test_no_more_is_read_than_the_budget_allows() -> None:
    server = X(streams(*[cats(1, 2, 3)] * 9), [cat(place) for place in range(9)])
    with running(server, budget=3) as connect:
        batches = until_waiting(connect())
        assert texts(items(batches)) == ["cats 1", "cats 2", "cats 3"]
        assert batches[-1].waiting.startswith("the budget of 3 posts is spent until 20")
        assert "trying again" not in batches[-1].waiting
        spent = batches[-1].cursor
        (waiting,) = until_waiting(connect(), spent)
        assert waiting.waiting == batches[-1].waiting
        assert (len(server.streams), server.searches) == (1, [])
    with running(X(streams(cats(4)), [cat(5)], at=AT + 32 * 86400), budget=3) as connect:
        found = items(taken(connect(), 2, spent))
    assert [type(item) for item in found] == [Gap, Document]
    assert isinstance(found[0], Gap)
    assert "the budget of posts was spent" in found[0].reason


def test_a_budget_is_counted_over_restarts() -> None:
    server = X(streams(cats(1, 2), cats(2, 3), cats(4)))
    with running(server, budget=4, fill=False) as connect:
        first = taken(connect(), 2)
        second = taken(connect(), 2, first[-1].cursor)
        saved = Saved.read(second[-1].cursor)
    assert (saved.paid, saved.spent) == (3, False)


@pytest.mark.parametrize(
    ("url", "token", "told"),
    [
        ("twitter:", "", "HEADRACE_TWITTER_TOKEN_FILE.*console.x.com"),
        ("twitter:", "a b", "characters that no token has"),
        ("twitter:?uses=yes", "t", "uses is not an option of twitter:; did you mean users"),
        ("twitter:?users=maybe", "t", "write users=yes or users=no"),
        ("twitter://:80?tls=no", "t", "names no host"),
        ("twitter://anna:geheim@host", "t", "an account in it"),
    ],
)
def test_a_stream_that_cannot_be_opened_is_told(url: str, token: str, told: str) -> None:
    with pytest.raises(Misconfigured, match=told):
        FilteredStream.from_url(url, token=lambda: token)


def test_closing_ends_a_search_that_hangs() -> None:
    reached = threading.Event()

    def before(request: Request) -> bool:
        if hangs := "/search/recent" in request.path:
            reached.set()
            wait(request)
        return hangs

    with running(X(streams(cats(1), cats(2)), before=before)) as connect, closing(connect()) as source:
        closer = threading.Thread(target=lambda: (reached.wait(PATIENCE), source.close()))
        closer.start()
        assert texts(items(list(source.read()))) == ["cats 1", "cats 2"]
        closer.join(PATIENCE)


def test_a_token_that_was_replaced_is_taken_at_the_next_connection(caplog: pytest.LogCaptureFixture) -> None:
    tokens, seen = ["new-geheim", "no token"], list[str | None]()

    def renewed() -> str:
        return tokens.pop(0) if tokens else "new-geheim"

    def answer(request: Request) -> None:
        seen.append(request.headers["Authorization"])
        request.begin()
        request.send(cats(len(seen)))
        if len(seen) == 2:
            hold(request)

    with serving(answer) as served:
        address = f"http://127.0.0.1:{served.port}"
        source = FilteredStream(address, "old-geheim", renewed=renewed, fill=False, timing=SOON)
        found = items(taken(source, 2))
    assert texts(found) == ["cats 1", "cats 2"]
    assert seen[:2] == ["Bearer new-geheim", "Bearer new-geheim"]
    assert "the token from before stands" in caplog.text
    assert "geheim" not in caplog.text
