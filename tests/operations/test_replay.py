"""Dead letters again: published before they are dropped, and only these burials."""

from collections.abc import Sequence

import pytest

from headrace import browse
from headrace.brokers.memory import MemoryBroker
from headrace.burial import bury, bury_bytes
from headrace.documents import BODY_BYTES, Body, Document, Outcome, decode, encode, unpack
from headrace.errors import Unavailable
from headrace.operations import replay
from headrace.ports import DeadQuery
from headrace.stores.memory import MemoryStore
from headrace.testing.outcomes import letters

DEAD = DeadQuery()


def buried(*names: str) -> MemoryStore:
    store = MemoryStore()
    store.write([Outcome(document, dead=(bury(document, "raised", "no"),)) for document in map(doc, names)])
    return store


def doc(name: str) -> Document:
    return Document(name, f"text of {name}", "suite")


class Broker(MemoryBroker):
    """Publishes after a check, or not at all."""

    def __init__(self, store: MemoryStore, *, away: bool = False) -> None:
        super().__init__()
        self.store, self.away = store, away

    def publish(self, bodies: Sequence[Body]) -> None:
        if self.away:
            raise Unavailable("the broker is away")
        assert letters(self.store), "dropped before it was published"
        super().publish(bodies)


def test_what_is_replayed_is_published_as_it_came_and_then_dropped() -> None:
    store = buried("a", "b")
    store.write([Outcome(None, dead=(bury_bytes(b"\xff", "no"),))])
    broker = Broker(store)
    replay.replay(store, broker, [letter for letter in letters(store) if letter.id != "b"])
    assert [letter.id for letter in letters(store)] == ["b"]
    lines = [line for delivery in broker.receive(1 << 30, 0.0) for line in unpack(delivery.data)]
    assert decode(lines[0]) == doc("a")
    assert lines[1:] == [b"\xff"]


def test_what_could_not_be_published_stays_buried() -> None:
    store = buried("a")
    with pytest.raises(Unavailable):
        replay.replay(store, Broker(store, away=True), letters(store))
    assert [letter.id for letter in letters(store)] == ["a"]


def test_what_the_broker_never_takes_stays_buried_and_the_others_are_published() -> None:
    store = buried("a", "b", "c")
    huge = Document("huge", "x" * 1000, "suite")
    store.write([Outcome(None, dead=(bury(huge, "refused", "no"),))])
    broker = MemoryBroker(most=500)
    (refused,) = replay.replay(store, broker, letters(store))
    (left,) = letters(store)
    assert left.id == "huge"
    assert f"dead letter {left.burial} stays" in str(refused)
    lines = [line for delivery in broker.receive(1 << 30, 0.0) for line in unpack(delivery.data)]
    assert {decode(line).id for line in lines} == {"a", "b", "c"}


def test_what_was_buried_again_meanwhile_is_not_dropped() -> None:
    store = buried("a")
    chosen = letters(store)
    store.write([Outcome(doc("a"), dead=(bury(doc("a"), "raised", "again"),))])
    replay.replay(store, Broker(store), chosen)
    assert [letter.reason for letter in letters(store)] == ["again"]


def test_replaying_nothing_is_nothing() -> None:
    store = MemoryStore()
    broker = MemoryBroker()
    replay.replay(store, broker, [])
    assert broker.backlog().ready == 0


def test_all_letters_of_a_query_come_page_by_page() -> None:
    store = buried(*"abcdefgh")
    assert [letter.id for letter in browse.letters(store, DEAD, size=3)] == list("hgfedcba")
    assert list(browse.letters(store, DeadQuery(source="other"))) == []


def test_replaying_while_listing_misses_none() -> None:
    store = buried(*map(str, range(450)))
    broker = MemoryBroker()
    for letter in browse.letters(store, DEAD):
        replay.replay(store, broker, [letter])
    assert letters(store) == []
    assert broker.backlog().ready == 450


def test_a_page_of_documents_is_packed_into_bodies_of_one_source_each() -> None:
    store = buried(*map(str, range(300)))
    other = Document("other", "text", "elsewhere")
    store.write([Outcome(None, dead=(bury(other, "raised", "no"),))])
    broker = MemoryBroker()
    assert replay.replay(store, broker, letters(store, limit=1000)) == []
    assert letters(store) == []
    deliveries = broker.receive(1 << 30, 0.0)
    assert len(deliveries) == 1 + -(-300 * len(encode(doc("123"))) // BODY_BYTES)
    assert max(len(one.data) for one in deliveries) <= BODY_BYTES
    documents = [[decode(line) for line in unpack(one.data)] for one in deliveries]
    assert [{one.source for one in body} for body in documents] == [{"elsewhere"}, {"suite"}] + [{"suite"}] * (
        len(deliveries) - 2
    )
    assert [one.id for body in documents[1:] for one in body] == [f"{number}" for number in range(300)]


@pytest.mark.parametrize("data", [b"", b" \r", b'{"text":\n "pretty"}', b"[1, 2]", b'{"text": 5', b"\xff\xfe\n"])
def test_bytes_that_may_not_stand_among_others_are_published_as_they_came(data: bytes) -> None:
    store = buried("a", "b")
    store.write([Outcome(None, dead=(bury_bytes(data, "no", source="suite"),))])
    broker = MemoryBroker()
    replay.replay(store, broker, letters(store))
    assert sorted(len(unpack(one.data)) for one in broker.receive(1 << 30, 0.0) if one.data != data) == [2]
    assert letters(store) == []


def test_a_replay_that_dies_within_a_page_has_dropped_nothing_of_it() -> None:
    store = buried(*map(str, range(5)))

    class Forgetful(MemoryBroker):
        def publish(self, bodies: Sequence[Body]) -> None:
            super().publish(bodies)
            raise Unavailable("the connection was lost before the confirmation")

    with pytest.raises(Unavailable):
        replay.replay(store, Forgetful(), letters(store))
    assert len(letters(store)) == 5
