"""An address that is asked again and again, over real connections."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from support import PATIENCE
from support.http_server import Request, Served, serving
from support.reading import taken

from headrace.documents import Document
from headrace.errors import Misconfigured
from headrace.fields import Fields
from headrace.ports import Batch, Malformed
from headrace.sources.polled import PolledSource
from headrace.sources.polling import REMEMBERED
from headrace.testing.sources import items


@contextmanager
def polled(answer: Callable[[Request], None], **fields: str) -> Iterator[tuple[PolledSource, Served]]:
    with serving(answer) as served:
        url = f"http:http://127.0.0.1:{served.port}/posts?new=1#every=0.01"
        yield PolledSource.from_url(url, fields=Fields.parse(**fields)), served


def posts(*numbers: int) -> str:
    return json.dumps([{"id": number, "text": f"text {number}"} for number in numbers])


def texts(batches: list[Batch]) -> list[str]:
    return [item.text for item in items(batches) if isinstance(item, Document)]


def test_what_is_new_in_an_answer_is_told_once_also_after_a_restart() -> None:
    def answer(request: Request) -> None:
        request.begin()
        request.send(posts(*range(request.number, request.number + 3)))

    with polled(answer) as (source, _):
        batches = taken(source, 5)
        assert texts(batches) == [f"text {number}" for number in (1, 2, 3, 4, 5)]
        again = PolledSource.from_url(source.name + "#every=0.01")
        later = taken(again, 1, batches[-1].cursor)
    assert texts(later) == ["text 6"]


def test_an_answer_that_has_not_changed_is_not_sent_again() -> None:
    def answer(request: Request) -> None:
        if request.headers.get("If-None-Match") == '"1"' and request.number < 4:
            request.begin(304)
        else:
            request.begin(ETag='"1"', Last_Modified="Mon, 05 Jan 2026 10:00:00 GMT")
            request.send(posts(request.number))

    with polled(answer) as (source, served):
        batches = taken(source, 2)
        asked = [(one.headers.get("If-None-Match"), one.headers.get("If-Modified-Since")) for one in served.requests]
    assert texts(batches) == ["text 1", "text 4"]
    assert asked[0] == (None, None)
    assert set(asked[1:4]) == {('"1"', "Mon, 05 Jan 2026 10:00:00 GMT")}


def test_a_text_that_was_changed_is_told_again_and_what_is_no_document_once() -> None:
    def answer(request: Request) -> None:
        request.begin()
        request.send(json.dumps([{"id": 1, "text": f"edited {request.number // 3}"}, {"id": 2}]))

    with polled(answer) as (source, _):
        found = items(taken(source, 3))
    assert [type(item) for item in found] == [Document, Malformed, Document]


def test_lines_of_json_and_a_mapping_are_read() -> None:
    def answer(request: Request) -> None:
        request.begin(kind="application/x-ndjson")
        request.send('{"n": 1, "tweet": "a"}\n{"n": 2, "tweet": "b"}\n')

    with polled(answer, text="tweet", id="n") as (source, _):
        assert items(taken(source, 2)) == [Document("1", "a", "http"), Document("2", "b", "http")]


def test_a_server_that_is_away_for_a_while_is_asked_again() -> None:
    def answer(request: Request) -> None:
        if request.number in (2, 3):
            request.begin(502)
        else:
            request.begin()
            request.send(posts(request.number))

    with polled(answer) as (source, _):
        assert texts(taken(source, 2)) == ["text 1", "text 4"]


def test_no_more_is_remembered_than_the_last_answer_and_so_many_before() -> None:
    def answer(request: Request) -> None:
        request.begin()
        request.send(posts(*range(request.number * 1500, (request.number + 1) * 1500)))

    with polled(answer) as (source, _):
        batches = taken(source, 6000)
    assert len(json.loads(batches[-1].cursor)["told"]) == REMEMBERED


def test_a_list_that_is_gone_for_ever_ends_the_source_and_says_so() -> None:
    def answer(request: Request) -> None:
        request.begin(200 if request.number == 1 else 410)
        request.send(posts(1))

    with polled(answer) as (source, _), pytest.raises(Misconfigured, match="has ended: the server answers 410 Gone"):
        taken(source, 2)


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://host/a?b=c", "http:https://host/a?b=c"),
        ("http:https://host/a#every=5", "http:https://host/a"),
        ("http:http://host/a", "http:http://host/a"),
    ],
)
def test_the_name_is_the_address(url: str, name: str) -> None:
    assert PolledSource.from_url(url).name == name


@pytest.mark.parametrize("url", ["https://host/#every=0", "https://host/#5", "https://host/#every=soon", "https://"])
def test_what_makes_no_sense_is_refused(url: str) -> None:
    with pytest.raises(Misconfigured):
        PolledSource.from_url(url)


def test_nothing_is_told_once_it_is_closed_also_of_answers_that_have_come() -> None:
    ahead = threading.Event()

    def answer(request: Request) -> None:
        request.begin()
        request.send(posts(request.number))
        if request.number > 4:
            ahead.set()

    with polled(answer) as (source, _):
        batches = []
        for batch in source.read():
            assert ahead.wait(PATIENCE)  # several answers are read ahead
            if len(texts([*batches, batch])) >= 2:
                source.close()
            batches.append(batch)
    assert texts(batches) == ["text 1", "text 2"]


@pytest.mark.parametrize(("status", "told"), [(206, "206 Partial Content"), (304, "304 Not Modified"), (300, "300")])
def test_an_answer_that_was_not_asked_for_is_waited_for(status: int, told: str) -> None:
    def answer(request: Request) -> None:
        request.begin(status, Retry_After="7")
        request.send(posts(1))

    waiting = ""
    with polled(answer) as (source, _):
        for batch in source.read():
            waiting = batch.waiting
            if waiting:
                source.close()
    assert waiting.startswith(f"the server answers {told}")
