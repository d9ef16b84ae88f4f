"""Hacker News, over real connections to a server of the tests' own."""

from collections.abc import Callable

import pytest
from support.hackernews_server import News, give, hackernews, story
from support.http_server import Request, serving

from headrace.documents import Document
from headrace.errors import Misconfigured
from headrace.ports import Batch, Deletion, Gap, Malformed
from headrace.sources.hackernews import HackernewsSource
from headrace.sources.hackernews.connection import CHUNK, TRIES
from headrace.sources.hackernews.place import REMEMBERED, Told
from headrace.testing.sources import Item, items


def read(
    url: str, most: int, after: str | None = None, *, then: Callable[[list[Item]], None] = lambda _items: None
) -> list[Batch]:
    """The batches up to the one with which so many items have come; `then` is called with what has come so far, after each."""
    source = HackernewsSource.from_url(url)
    batches: list[Batch] = []
    for batch in source.read(after):
        batches.append(batch)
        then(items(batches))
        if len(items(batches)) >= most:
            source.close()
    return batches


def numbers(batches: list[Batch]) -> list[int]:
    return [int(one.id.partition(":")[2]) for one in items(batches) if isinstance(one, Document)]


def test_a_comment_and_a_story_are_documents() -> None:
    news = News(
        {
            1: story(
                1, "Ask: caf&eacute;?", url="https://example.org/", text="One<p>two <i>three</i>", score=5, kids=[2]
            ),
            2: {
                "id": 2,
                "type": "comment",
                "by": "bob",
                "time": 1767607200,
                "parent": 1,
                "text": "it&#x27;s <a href='x'>a</a>",
            },
        }
    )
    with hackernews(news) as (url, _):
        first, second = items(read(url, 2))
    link = "https://news.ycombinator.com/item?id="
    meta = {"url": "https://example.org/", "author": "ann", "type": "story", "link": f"{link}1"}
    assert first == Document("hackernews:1", "Ask: café?\nOne\ntwo three", "hackernews", "2026-01-05T10:00:01Z", meta)
    meta = {"author": "bob", "parent": 1, "type": "comment", "link": f"{link}2"}
    assert second == Document("hackernews:2", "it's a", "hackernews", "2026-01-05T10:00:00Z", meta)


def test_what_is_deleted_dead_or_of_another_type_is_left_out() -> None:
    news = News(
        {
            1: {"id": 1, "deleted": True, "type": "comment", "time": 1},
            2: story(2, dead=True),
            3: story(3, type="job"),
            4: story(4, type="pollopt"),
            5: story(5),
        }
    )
    with hackernews(news) as (url, _):
        assert numbers(read(url, 1)) == [5]
    with hackernews(news, options="&types=job,pollopt") as (url, _):
        assert numbers(read(url, 2)) == [3, 4]


def test_without_a_cursor_it_begins_with_what_comes_from_now_on_and_goes_on_there_after_a_restart() -> None:
    news = News({number: story(number) for number in range(1, 11)})
    with hackernews(news) as (url, _):
        url = url.replace("&from=1", "")
        source = HackernewsSource.from_url(url)
        cursor = next(batch.cursor for batch in source.read() if "10" in batch.cursor)
        news.items |= {11: story(11), 12: story(12)}
        news.newest = 12
        assert numbers(read(url, 2, cursor)) == [11, 12]


def test_items_of_a_long_break_are_all_read_in_order_a_few_at_once() -> None:
    most = 3 * CHUNK + 5
    with hackernews(News({number: story(number) for number in range(1, most + 1)})) as (url, _):
        batches = read(url, most)
        assert numbers(batches) == list(range(1, most + 1))
        middle = next(batch.cursor for batch in batches if batch.items)
        assert numbers(read(url, most - CHUNK, middle)) == list(range(CHUNK + 1, most + 1))


def test_an_item_that_is_not_there_yet_is_asked_for_again_also_after_a_restart() -> None:
    news = News({1: story(1), 2: None, 3: story(3)})

    def publish(found: list[Item]) -> None:
        if len(found) == 2:
            news.items[2] = story(2)

    with hackernews(news) as (url, _):
        batches = read(url, 2)
        assert numbers(batches) == [1, 3]
        assert numbers(read(url, 3, then=publish)) == [1, 3, 2]
        news.items[2] = story(2)
        assert numbers(read(url, 1, batches[-1].cursor)) == [2]


def test_items_that_never_come_are_passed_over_and_told_as_a_gap() -> None:
    news = News({1: story(1), 2: None, 3: None, 4: story(4)})
    with hackernews(news) as (url, _):
        found = items(read(url, 3))
    (gap,) = [one for one in found if isinstance(one, Gap)]
    assert gap.missed == 2
    assert gap.reason.endswith(f"asked {TRIES} times, the server does not give out 2, 3")
    assert news.asked.count("/v0/item/2.json") == TRIES


def test_an_edited_text_is_a_document_of_its_own_and_a_deletion_erases_all_of_them() -> None:
    news = News({1: story(1), 2: story(2)})

    def change(found: list[Item]) -> None:
        if len(found) == 2:
            news.items[1] = story(1, "edited", score=7)
            news.items[2] = story(2, score=9)
            news.changed = [1, 2]
        if len(found) == 3:
            news.items[1] = {"id": 1, "type": "story", "deleted": True}

    with hackernews(news) as (url, _):
        batches = read(url, 4, then=change)
        edited, *deletions = items(batches)[2:]
        assert isinstance(edited, Document)
        assert edited.text == "edited"
        assert edited.id.startswith("hackernews:1@")
        assert edited.meta["edit_of"] == "hackernews:1"  # so that it is erased with it
        assert deletions == [Deletion("hackernews:1")]
        news.items[3] = story(3)
        news.newest = 3
        assert numbers(read(url, 1, batches[-1].cursor)) == [3]


def test_a_deletion_of_an_item_that_is_not_remembered_is_told_once_and_an_edit_is_not() -> None:
    news = News({1: {"id": 1, "deleted": True}, 2: story(2), 3: story(3)}, changed=[1, 2])
    with hackernews(news) as (url, _):
        found = items(read(url.replace("from=1", "from=3"), 2))
    assert [type(one) for one in found] == [Document, Deletion]


def test_a_dead_item_that_comes_back_to_life_is_told() -> None:
    news = News({1: story(1, dead=True), 2: story(2)})

    def revive(found: list[Item]) -> None:
        if found:
            news.items[1], news.changed = story(1), [1]

    with hackernews(news) as (url, _):
        assert numbers(read(url, 2, then=revive)) == [2, 1]


def test_a_server_in_all_kinds_of_trouble_is_asked_again_and_nothing_is_lost_or_told_twice() -> None:
    def trouble(request: Request) -> bool:
        number = request.number % 60
        if number == 7:
            request.begin(503)
        elif number == 17:
            request.begin(429, Retry_After="0")
        elif number == 27:
            request.begin()
            request.send("<html>no JSON")
        elif number == 37:
            request.begin(Content_Length="1000")
            request.send('{"id": 1, "ti')
        return number in (7, 17, 27, 37)

    news = News(
        {number: story(number) for number in range(1, 101)}, before=lambda one: one.number < 40 and trouble(one)
    )
    with hackernews(news) as (url, _):
        assert numbers(read(url, 100)) == list(range(1, 101))


def test_what_is_no_item_is_malformed_and_the_others_are_read() -> None:
    news = News(
        {
            1: "no item",
            2: {"id": 2, "type": "comment", "text": ""},
            3: {**story(3), "title": 5},
            4: story(4),
            5: {"a": 1},
        }
    )
    with hackernews(news) as (url, _):
        found = items(read(url, 5))
    assert [type(one) for one in found] == [Malformed, Malformed, Malformed, Document, Malformed]
    assert [one.reason for one in found if isinstance(one, Malformed)] == [
        "an item is a JSON object, not a string",
        "'text' is empty",
        "'title' must be a string, not a number",
        "the 'id' of an item is a whole number, not null",
    ]


def test_only_the_last_items_are_remembered() -> None:
    told = Told(("1:a:b",))
    for number in range(2, REMEMBERED + 2):
        told.add(number, "c")
    told.add(3, "d")
    written = told.write()
    assert len(written) == REMEMBERED
    assert (written[0], written[1], written[-1]) == ("2:c", "4:c", "3:c:d")
    assert (told.versions(1), Told(written).versions(3)) == (None, ["c", "d"])


def test_a_server_that_refuses_at_first_is_told() -> None:
    def refuse(request: Request) -> None:
        request.begin(401)
        request.send('{"error": "Permission denied"}')

    with serving(refuse) as served, pytest.raises(Misconfigured, match=r"401 Unauthorized.*Permission denied"):
        read(f"hackernews://127.0.0.1:{served.port}?tls=no", 1)


def test_a_server_of_something_else_is_told_and_waited_for() -> None:
    with serving(lambda request: give(request, {"a": 1})) as served:
        source = HackernewsSource.from_url(f"hackernews://127.0.0.1:{served.port}?tls=no")
        waiting = next(batch.waiting for batch in source.read() if batch.waiting)
        source.close()
    assert "is it one of Hacker News?" in waiting


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("hackernews:", "hackernews:"),
        ("hackernews:?types=comment,story&from=5#every=5", "hackernews:"),
        ("hackernews:?types=story", "hackernews:?types=story"),
        ("hackernews://host:1?tls=no", "hackernews:http://host:1"),
        ("hackernews://host/?types=job", "hackernews:https://host?types=job"),
    ],
)
def test_the_name_says_which_server_and_types_if_they_are_not_the_usual_ones(url: str, name: str) -> None:
    assert HackernewsSource.from_url(url).name == name


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("hackernews:?types=story,posts", "items have no type 'posts'; there are comment, job, poll, pollopt, story"),
        ("hackernews:?type=story", "hackernews: has no option 'type'; there are types, from and tls"),
        ("hackernews:?from=0", "from=0 is not the id of an item"),
        ("hackernews:?from=-1", "from=-1 is not the id of an item"),
        ("hackernews:#every=0", "write #every=60"),
        ("hackernews:news", "is not the address of a stream"),
    ],
)
def test_what_makes_no_sense_is_refused(url: str, reason: str) -> None:
    with pytest.raises(Misconfigured, match=reason):
        HackernewsSource.from_url(url)


DEEP = "[" * 100_000


@pytest.mark.parametrize(
    "odd", ["<html>", DEEP, '{"id": 2, "title": "\\ud800"}', "", "\xff", f'{{"a": "{"x" * (4 << 20)}"}}']
)
def test_an_item_that_cannot_be_read_is_asked_for_again_and_then_malformed_and_the_others_are_read(odd: str) -> None:
    def before(request: Request) -> bool:
        if request.path != "/v0/item/2.json":
            return False
        asked.append(request.path)
        request.begin()
        request.send(odd.encode("latin-1"))
        return True

    asked: list[str] = []
    with hackernews(News({1: story(1), 2: {}, 3: story(3)}, before=before)) as (url, _):
        found = items(read(url, 3))
    assert [item.id for item in found if isinstance(item, Document)] == ["hackernews:1", "hackernews:3"]
    (malformed,) = (item for item in found if isinstance(item, Malformed))
    assert malformed.where.endswith(", item 2")
    assert malformed.data == odd.encode("latin-1")[: 64 << 10]
    assert len(asked) == TRIES


def test_an_item_that_could_not_be_read_at_first_is_read_later() -> None:
    def before(request: Request) -> bool:
        if request.path == "/v0/item/1.json" and news.asked.count("page") < 3:
            news.asked.append("page")
            request.begin(kind="text/html")
            request.send("<h1>down for maintenance</h1>")
            return True
        return False

    news = News({1: story(1)}, before=before)
    with hackernews(news) as (url, _):
        (found,) = items(read(url, 1))
    assert isinstance(found, Document)


VALUES = [None, True, -1, 1 << 64, 1e300, "", "x", "\0", [], [[]], {}, {"a": {"b": [1]}}, "x" * 300]


@pytest.mark.parametrize("name", ["id", "type", "by", "time", "title", "text", "url", "parent", "deleted", "dead"])
def test_whatever_stands_in_an_item_the_others_are_read(name: str) -> None:
    odd = {number: story(number, text="a") | {name: value} for number, value in enumerate(VALUES, 1)}
    last = len(odd) + 1
    with hackernews(News({**odd, last: story(last)}, changed=[*odd])) as (url, _):
        source, found = HackernewsSource.from_url(url), list[object]()
        for batch in source.read():
            found += batch.items
            if any(isinstance(item, Document) and item.id == f"hackernews:{last}" for item in found):
                source.close()


@pytest.mark.parametrize("newest", ['"7"', "true", "-1", "1e3", "9007199254740992", DEEP, "<html>"])
def test_a_server_that_does_not_say_what_is_newest_is_waited_for(newest: str) -> None:
    def before(request: Request) -> bool:
        request.begin()
        request.send(newest)
        return True

    with hackernews(News({1: story(1)}, before=before)) as (url, _):
        source = HackernewsSource.from_url(url)
        for batch in source.read():
            source.close()
            assert batch.waiting.startswith("the server")


def test_a_server_that_is_far_behind_is_told() -> None:
    with hackernews(News({1: story(1)})) as (url, _):
        source = HackernewsSource.from_url(url)
        for batch in source.read('{"last": 99999}'):
            source.close()
            assert "the server's newest item is 1, but 99999 was read" in batch.waiting
