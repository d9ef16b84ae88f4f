"""Settling: the order of writing, publishing and replying, and what becomes of what is rejected."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace import metrics
from headrace.browse import letters, results
from headrace.documents import Body, DeadLetter, Document, Outcome, Prediction, encode
from headrace.errors import Rejected
from headrace.meter import Meter
from headrace.ports import DeadQuery, Delivery, ResultQuery
from headrace.stores.memory import MemoryStore
from headrace.worker.heartbeat import WAITING
from headrace.worker.results import ResultPublisher
from headrace.worker.settling import REFUSED_BYTES, Settler, evicted

STAGES = ("write", "publish", "reply")

T = TypeVar("T")


class World(MemoryStore):
    """A store, and a sink of results, that reject documents by their ids, and note what happens to them in order."""

    def __init__(
        self, *, store_rejects: Sequence[str] = (), sink_rejects: Sequence[str] = (), most: int = 1 << 20
    ) -> None:
        super().__init__()
        self._store_rejects, self._sink_rejects, self._most = set(store_rejects), set(sink_rejects), most
        self.happened: list[str] = []
        self.published: list[bytes] = []

    def write(self, outcomes: Sequence[Outcome]) -> None:
        self.happened.append("write")
        if self._store_rejects & {one.document.id for one in outcomes if one.document is not None}:
            raise Rejected("the store never takes this")
        if any(len(letter.data) > self._most for one in outcomes for letter in one.dead):
            raise Rejected("the letter is too long")
        super().write(outcomes)

    def publish(self, bodies: Sequence[Body]) -> None:
        self.happened.append("publish")
        if any(f'"id":"{name}"'.encode() in body.data for name in self._sink_rejects for body in bodies):
            raise Rejected("the sink never takes this")
        self.published += [line for body in bodies for line in body.data.splitlines()]

    def body_bytes(self) -> int:
        return 1 << 20

    def reply(self, data: bytes) -> None:
        self.happened.append("reply")
        self.replies = data.splitlines()


def once(call: Callable[[], T], what: str, stage: str = "") -> T:
    assert what in WAITING
    assert stage in ("", *STAGES)
    return call()


def settle(world: World, *names: str) -> Meter:
    """Settles documents of these ids, and returns what was counted."""
    documents = [Document(name, f"text of {name}") for name in names]
    outcomes = [Outcome(one, (Prediction("fine", 0.5, "fake@1"),)) for one in documents]
    meter = Meter(metrics.OF_WORKERS)
    delivery = Delivery(b"\n".join(map(encode, documents)), 1, reply=world.reply)
    Settler(world, ResultPublisher(world, world), meter, once).settle([delivery], outcomes)
    return meter


def stored(world: World) -> list[str]:
    return sorted(result.id for result in results(world, ResultQuery()))


def buried(world: World) -> dict[str, DeadLetter]:
    return {letter.id: letter for letter in letters(world, DeadQuery())}


def test_a_batch_is_written_then_published_then_replied_to() -> None:
    world = World()
    settle(world, "a", "b")
    assert world.happened == ["write", "publish", "reply"]
    assert len(world.published) == len(world.replies) == 2


@given(st.sets(st.integers(0, 40)), st.sets(st.integers(0, 40)))
def test_only_what_is_rejected_is_buried_and_all_are_counted_once(by_store: set[int], by_sink: set[int]) -> None:
    names = [f"n{number}" for number in range(41)]
    by_store_names, by_sink_names = [f"n{one}" for one in by_store], [f"n{one}" for one in by_sink]
    world = World(store_rejects=by_store_names, sink_rejects=by_sink_names)
    meter = settle(world, *names)
    assert stored(world) == sorted(set(names) - set(by_store_names))
    assert buried(world).keys() == {*by_store_names, *by_sink_names}
    assert {letter.kind for letter in buried(world).values()} <= {"refused"}
    assert len(world.published) == len(set(names) - set(by_store_names) - set(by_sink_names))
    assert meter.total(metrics.STORED) == len(stored(world))
    assert meter.total(metrics.BURIED) == len(buried(world))
    assert len(world.replies) == len(names)


def test_all_is_written_before_anything_is_published() -> None:
    world = World(store_rejects=["b"])
    settle(world, *"abcdefgh")
    assert "write" not in world.happened[world.happened.index("publish") :]


def test_a_document_that_cannot_even_be_buried_whole_is_buried_by_its_beginning() -> None:
    world = World(store_rejects=["a"], most=REFUSED_BYTES)
    document = Document("a", "x" * 5000)
    outcomes = [Outcome(document, (Prediction("fine", 0.5, "fake@1"),))]
    Settler(world, ResultPublisher(world), Meter(metrics.OF_WORKERS), once).settle([], outcomes)
    [letter] = buried(world).values()
    assert (letter.kind, letter.data) == ("refused", encode(document)[:REFUSED_BYTES])


@pytest.mark.parametrize(("line", "identity"), [(encode(Document("a", "text")), "a"), (b"no json", None)])
def test_what_the_server_put_out_of_the_queue_becomes_a_dead_letter(line: bytes, identity: str | None) -> None:
    [outcome] = evicted([Delivery(line, 1, evicted="expired")])
    [letter] = outcome.dead
    assert (letter.kind, letter.data) == ("evicted", line)
    assert letter.reason == "the broker's server put it out of the queue: expired"
    assert identity is None or letter.id == identity


def test_a_malformed_line_that_was_put_out_of_the_queue_is_kept_though_its_id_was_erased() -> None:
    store = MemoryStore()
    store.erase(["X"])
    store.write(evicted([Delivery(b'{"id": "X", "text": ""}', 1, evicted="expired")]))
    assert [letter.id for letter in letters(store, DeadQuery())] == ["X"]
