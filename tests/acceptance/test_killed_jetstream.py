"""A reader of a real host of Jetstream, which `bash .ci/run --all` starts, is killed again and again."""

import json
import random
from collections.abc import Callable, Iterable
from contextlib import closing

from driver import PATIENCE, TRIVIAL, Headrace, until

from headrace.documents import DOCUMENT_BYTES, Document
from headrace.ports import AuthorDeletion, Deletion, Item
from headrace.sources import http_client
from headrace.sources.bluesky.connection import Host, JetstreamConnection
from headrace.sources.bluesky.dictionary import Dictionary
from headrace.sources.bluesky.place import Place
from headrace.sources.bluesky.reading import Reading
from headrace.sources.bluesky.wanted import USUAL


def test_nothing_is_lost_and_nothing_is_stored_that_was_deleted(
    headrace: Headrace, servers: Callable[[str], str]
) -> None:
    url = f"{servers('JETSTREAM')}?tls=no&replay"
    headrace.run("status")  # makes the files
    chance = random.Random(7)
    for _ in range(6):
        before, more = headrace.waiting(), chance.choice([1, 1, 3, 8])
        running = headrace.start("ingest", url)
        until(lambda: headrace.waiting() >= before + more, PATIENCE, "nothing is published", every=0.001)  # noqa: B023
        running.kill()
    running = headrace.start("ingest", url)
    until(lambda: headrace.waiting() >= before + 20, PATIENCE, "nothing is published", every=0.01)
    running.interrupt()
    running.status()
    (source,) = json.loads(headrace.done("sources", "--json"))["sources"]
    assert (source["missed"], source["malformed"]) == (0, 0)
    headrace.done("work", "--drain", models=TRIVIAL)
    cursor = json.loads(source["cursor"])
    expected = left_of(told(cursor["host"], cursor["seq"]))
    assert {result.id: result.text for result in headrace.results()} == expected
    assert not headrace.dead()


def told(address: str, last: int) -> list[Item]:
    """All that the host tells, from its beginning up to an event."""
    found: list[Item] = []
    with http_client.client() as client:
        place = Place(address, at=1)
        host = Host(f"http://{address}", USUAL, False, Dictionary(client, f"http://{address}"))
        reading, connection = (
            Reading("bluesky:", USUAL, place, DOCUMENT_BYTES, old=False),
            JetstreamConnection(host, place),
        )
        with closing(connection):
            for message in connection:
                items = reading.take([message])
                if reading.place.seq > last:
                    break
                found += items
    return found


def left_of(items: Iterable[Item]) -> dict[str, str]:
    """The texts that are left in the end, by their ids."""
    left: dict[str, Document] = {}
    for item in items:
        if isinstance(item, Document):
            left[item.id] = item
        elif isinstance(item, Deletion):
            left = {key: one for key, one in left.items() if item.id not in (key, one.meta.get("edit_of"))}
        elif isinstance(item, AuthorDeletion):
            left = {key: one for key, one in left.items() if f"bluesky:{one.meta['author_id']}" != item.author}
    return {key: document.text for key, document in left.items()}
