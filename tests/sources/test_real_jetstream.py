"""Real hosts of Jetstream, with a simulated network, which `bash .ci/run --all` starts."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack

import pytest
from support.http_server import serving
from support.reading import taken

from headrace.documents import Document
from headrace.ports import Batch, Deletion, Gap, Item
from headrace.sources import http_client
from headrace.sources.bluesky import BlueskySource
from headrace.sources.bluesky.connection import Host, JetstreamConnection
from headrace.sources.bluesky.dictionary import Dictionary
from headrace.sources.bluesky.place import Place
from headrace.sources.bluesky.reading import Reading
from headrace.sources.bluesky.wanted import USUAL
from headrace.testing.sources import items

MANY = 300  # items
BEGINNING = json.dumps({"host": "another", "at": 1})  #: the cursor of a time before the first event


@pytest.fixture
def host(servers: Callable[[str], str]) -> str:
    """The URL of a host that remembers, up to the options."""
    return f"{servers('JETSTREAM')}?tls=no"


@pytest.fixture
def forgetful(servers: Callable[[str], str]) -> str:
    """That of another one of the same network, which forgets after a second."""
    servers("JETSTREAM")  # or the test is skipped
    return f"{servers('JETSTREAM_FORGETFUL')}?tls=no"


def source(url: str, options: str = "") -> BlueskySource:
    return BlueskySource.from_url(url + options)


def address(url: str) -> str:
    return url.partition("://")[2].partition("?")[0]


def at(url: str, seq: int) -> str:
    """The cursor after an event."""
    return json.dumps({"host": address(url), "seq": seq, "at": 1, "live": True})


def seen(batches: Sequence[Batch], most: int = MANY) -> list[Item]:
    return items(batches)[:most]


def test_what_is_streamed_is_told_in_documents_and_deletions(host: str) -> None:
    stream, found = source(host), list[Item]()
    for batch in stream.read(at(host, 1)):
        found += batch.items
        # The first records are those that were there before the network began, and are not edited for some seconds.
        if len(found) >= MANY and any(map(is_edit, found)) and any(isinstance(item, Deletion) for item in found):
            stream.close()
    documents = [item for item in found if isinstance(item, Document)]
    assert len(documents) > len(found) // 2
    assert not [item for item in found if not isinstance(item, Document | Deletion)]


def is_edit(item: Item) -> bool:
    return isinstance(item, Document) and "edit_of" in item.meta


def test_compressed_or_not_the_messages_are_the_same(host: str) -> None:
    def read(dictionary_of: str) -> tuple[int, list[Item]]:
        with ExitStack() as opened:
            dictionary = Dictionary(opened.enter_context(http_client.client()), dictionary_of)
            place = Place(address(host), seq=1)
            connection = JetstreamConnection(Host(f"http://{address(host)}", USUAL, False, dictionary), place)
            opened.callback(connection.close)
            reading, found = Reading("bluesky:", USUAL, place, 1 << 20, old=False), list[Item]()
            for message in connection:
                found += reading.take([message])
                if len(found) >= MANY:
                    break
            return dictionary.number, found

    with serving(lambda request: request.begin(404)) as without:
        number, compressed = read(f"http://{address(host)}")
        none, plain = read(f"http://127.0.0.1:{without.port}")
    assert (number > 0, none) == (True, 0)
    assert compressed == plain


def test_version_1_tells_the_same_as_version_2(host: str) -> None:
    newer = seen(taken(source(host), MANY, BEGINNING))
    older = seen(taken(source(host, "&wire=v1"), MANY, BEGINNING))
    assert isinstance(older[0], Gap)
    assert isinstance(newer[0], Gap)
    assert older[1:] == newer[1:]


@pytest.mark.parametrize("wire", ["v2", "v1"])
def test_reading_that_is_broken_off_again_and_again_loses_and_repeats_nothing(host: str, wire: str) -> None:
    start = taken(source(host, f"&wire={wire}"), 1)[-1].cursor
    found: list[Item] = []
    cursor = start
    while len(found) < MANY:
        batches = taken(source(host, f"&wire={wire}"), 20, cursor)
        found, cursor = found + items(batches), batches[-1].cursor
    assert found[:MANY] == seen(taken(source(host, f"&wire={wire}"), MANY, start))


def test_a_cursor_that_is_too_old_is_a_gap_of_as_many_events_as_were_missed(forgetful: str) -> None:
    gap, *rest = items(taken(source(forgetful), 20, at(forgetful, 5)))
    assert isinstance(gap, Gap)
    assert gap.missed is not None
    assert gap.missed > 100
    assert f"goes on with event {gap.missed + 6:,}" in gap.reason
    assert rest


def test_a_time_that_is_too_old_is_a_gap_too(forgetful: str) -> None:
    gap, *_ = items(taken(source(forgetful), 2, json.dumps({"host": "another", "at": 1_700_000_000_000_000})))
    assert isinstance(gap, Gap)
    assert gap.missed is None


def test_another_host_goes_on_where_one_has_stopped(host: str, forgetful: str) -> None:
    batches = taken(source(forgetful), 20)
    following = {
        item.id for item in items(taken(source(forgetful), 20, batches[-1].cursor)) if isinstance(item, Document)
    }
    there = (item.id for item in each(source(host), batches[-1].cursor) if isinstance(item, Document))
    while following:
        following.discard(next(there))


def test_the_archive_is_read_to_its_end_and_the_stream_goes_on_after_it(host: str) -> None:
    streamed = each(source(host), BEGINNING)
    assert isinstance(next(streamed), Gap)
    archived = each(source(host, "&replay"), None)
    for _ in range(2 * MANY):
        assert next(archived) == next(streamed)


def test_only_the_blocks_are_read_that_have_an_author(host: str) -> None:
    first = next(item for item in each(source(host, "&replay"), None) if isinstance(item, Document))
    author = first.meta["author_id"]
    found = each(source(host, f"&replay&authors={author}&collections=app.bsky.feed.*"), None)
    for _ in range(5):
        item = next(found)
        assert isinstance(item, Document | Deletion)
        assert author in item.id


def each(one: BlueskySource, cursor: str | None) -> Iterator[Item]:
    """The items of a source, without end."""
    for batch in one.read(cursor):
        yield from batch.items
