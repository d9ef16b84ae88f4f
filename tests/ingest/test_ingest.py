"""From a source to the broker: confirmed before the cursor, resumed, repeated, malformed, deleted, lost."""

import threading
import time
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import pytest
from support import PATIENCE, logged

from headrace.brokers.memory import MemoryBroker
from headrace.documents import Body, Document, Outcome, decode, unpack
from headrace.errors import Misconfigured, Unavailable
from headrace.ingest import ledger as ledgers
from headrace.ingest.accounts import Tally
from headrace.ingest.ingest import Ingest
from headrace.ports import AuthorDeletion, Batch, Deletion, Gap, Malformed
from headrace.runtime import Stop
from headrace.stores.memory import MemoryStore
from headrace.testing.outcomes import labelled, letters, results


class Listed:
    """A source of given batches; the cursor is the number of batches read."""

    def __init__(self, *batches: Sequence[Any]) -> None:
        self.batches = batches
        self.asked: list[str | None] = []

    def read(self, after: str | None = None) -> Iterator[Batch]:
        self.asked.append(after)
        for number, batch in enumerate(self.batches, 1):
            if number > int(after or 0):
                yield Batch(batch, str(number))

    def close(self) -> None:
        pass


class World(MemoryStore):
    """A store and a broker that write down what happens, in order, and can be made to fail."""

    def __init__(self, *, most: int = 1 << 20) -> None:
        super().__init__()
        self.happened: list[str] = []
        self.failing: dict[str, int] = {}
        world = self

        class Broker(MemoryBroker):
            def publish(self, bodies: Sequence[Body]) -> None:
                world.note("publish", bool(bodies))
                super().publish(bodies)

        self.broker = Broker(most=most)

    def note(self, what: str, worth: bool = True) -> None:
        if self.failing.get(what, 0) > 0:
            self.failing[what] -= 1
            raise Unavailable(f"{what} is away")
        if worth:
            self.happened.append(what)

    def write(self, outcomes: Sequence[Outcome]) -> None:
        self.note("write", bool(outcomes))
        super().write(outcomes)

    def erase(self, ids: Sequence[str], *, authors: Sequence[str] = ()) -> None:
        self.note("erase")
        super().erase(ids, authors=authors)

    def save(self, name: str, cursor: str) -> None:
        self.note("end" if msgspec.json.decode(cursor)["ledger"]["state"] == "ended" else "save")
        super().save(name, cursor)

    def published(self) -> list[Document]:
        deliveries = self.broker.receive(1 << 30, 0.0)
        return [decode(line) for delivery in deliveries for line in unpack(delivery.data)]


def documents(*names: str) -> list[Document]:
    return [Document(name, f"text of {name}", "listed") for name in names]


def ingest(world: World, stop: Stop | None = None, **options: Any) -> Ingest:
    return Ingest(world.broker, world, stop=stop or Stop(), **options)


def test_each_batch_is_published_before_its_cursor_is_saved() -> None:
    world = World()
    assert ingest(world).run(Listed(documents("a", "b"), documents("c")), "listed")
    assert world.happened == ["publish", "save", "publish", "save", "end"]
    found = world.published()
    assert [document.id for document in found] == ["a", "b", "c"]
    assert all(document.published_at for document in found)


def test_what_was_deleted_at_the_source_is_erased_before_the_cursor_is_saved() -> None:
    world = World()
    world.write([labelled("a")])
    world.happened.clear()
    work = ingest(world)
    work.run(Listed([*documents("b"), Deletion("a")]), "listed")
    assert world.happened == ["publish", "erase", "save", "end"]
    assert results(world) == []
    assert work.tally.erased == 1


def test_what_is_too_large_for_the_broker_is_buried_with_the_reason_and_the_others_go_on() -> None:
    world = World(most=1000)
    work = ingest(world)
    huge = [Document(name, "x" * 1000, "listed") for name in "py"]
    assert work.run(Listed([*documents("a"), huge[0], *documents("b", "c"), huge[1]], documents("d")), "listed")
    assert [document.id for document in world.published()] == ["a", "b", "c", "d"]
    dead = letters(world)
    assert {(letter.id, letter.kind, decode(letter.data).text) for letter in dead} == {
        (document.id, "refused", document.text) for document in huge
    }
    assert all("the limit is 1,000" in letter.reason for letter in dead)
    assert (work.tally.published, work.tally.refused, work.tally.malformed) == (4, 2, 0)
    first = world.happened.index("save")
    assert world.happened[:first].count("write") == 2
    assert world.happened[first:] == ["save", "publish", "save", "end"]


def test_bodies_are_packed_to_what_the_broker_takes() -> None:
    world = World(most=400)
    work = ingest(world)
    work.run(Listed(documents(*(f"document {number:03}" for number in range(100)))), "listed")
    assert work.tally.published == len(world.published()) == 100


def test_it_goes_on_where_it_was_left_and_counts_what_was_published_before() -> None:
    world, source = World(), Listed(documents("a", "b"), documents("c"))
    ingest(world).run(source, "listed")
    source.batches = (*source.batches, documents("d"))
    work = ingest(world)
    assert work.run(source, "listed")
    assert source.asked == [None, "2"]
    assert (work.tally.published, work.tally.repeated) == (1, 3)
    assert [document.id for document in world.published()] == ["a", "b", "c", "d"]
    assert ingest(world).run(source, "another name")
    assert source.asked[-1] is None


def test_starting_again_publishes_everything_again() -> None:
    world, source = World(), Listed(documents("a"))
    ingest(world).run(source, "listed")
    work = ingest(world)
    work.run(source, "listed", again=True)
    assert (work.tally.published, work.tally.repeated) == (1, 0)
    assert len(world.published()) == 2


def test_a_document_that_comes_twice_is_published_once_but_another_text_is_not_the_same() -> None:
    world = World()
    work = ingest(world)
    other = Document("a", "another text", "listed")
    work.run(Listed(documents("a", "a"), documents("a"), [other]), "listed")
    assert (work.tally.published, work.tally.repeated) == (2, 2)
    assert [document.text for document in world.published()] == ["text of a", "another text"]


def test_what_is_remembered_of_repeated_documents_is_bounded() -> None:
    world = World()
    work = ingest(world, remembered=10)
    work.run(Listed(documents(*map(str, range(1000)))), "listed")
    assert len(work._recent) <= 20
    work.run(Listed(documents("999")), "another")
    assert work.tally.repeated == 1


def test_what_was_erased_and_comes_again_in_the_same_run_is_a_new_document() -> None:
    class Erasing(Listed):
        def read(self, after: str | None = None) -> Iterator[Batch]:
            for number, batch in enumerate(super().read(after)):
                if number == 1:
                    world.erase(["a"])
                yield batch

    world = World()
    work = ingest(world)
    work.run(Erasing(documents("a", "b"), documents("a", "b"), documents("a")), "listed")
    assert (work.tally.published, work.tally.repeated) == (3, 2)
    published = world.published()
    assert [document.id for document in published] == ["a", "b", "a"]
    world.write([Outcome(document) for document in published])
    assert sorted(result.id for result in results(world)) == ["a", "b"]


def test_what_a_source_deletes_and_sends_again_in_one_batch_is_stored() -> None:
    world = World()
    work = ingest(world)
    again = [*documents("a"), Deletion("a"), *documents("a", "a"), Deletion("b"), Deletion("c"), *documents("b")]
    work.run(Listed(again), "listed")
    assert (work.tally.published, work.tally.repeated, work.tally.erased) == (3, 1, 3)
    world.write([Outcome(document) for document in world.published()])
    assert sorted(result.id for result in results(world)) == ["a", "b"]


def test_what_an_author_wrote_before_an_account_ended_is_erased_though_it_is_queued_and_what_follows_is_stored() -> (
    None
):
    world = World()
    work = ingest(world)
    one, two, three, edit = (
        Document(name, f"text of {name}", "listed", meta=meta)
        for name, meta in (
            ("1", {"author": "anna"}),
            ("2", {"author": "anna"}),
            ("3", {"author": "bo"}),
            ("3@1", {"edit_of": "3"}),
        )
    )
    work.run(Listed([one, three, edit, AuthorDeletion("listed:anna"), one, two, Deletion("3")]), "listed")
    assert (work.tally.published, work.tally.repeated, work.tally.erased) == (5, 0, 2)
    world.write([Outcome(document) for document in world.published()])
    assert sorted(result.id for result in results(world)) == ["1", "2"]


@pytest.mark.parametrize("published_at", ["", ', "published_at": 5'])
def test_a_malformed_record_under_an_id_that_was_erased_is_buried(published_at: str) -> None:
    world = World()
    world.erase(["X"])
    line = f'{{"id": "X", "text": ""{published_at}}}'
    ingest(world).run(Listed([Malformed(line.encode(), "'text' is empty", "a.jsonl, line 1")]), "listed")
    (letter,) = letters(world)
    assert (letter.id, letter.data) == ("X", line.encode())


def test_what_is_no_document_is_buried_with_its_place_before_the_cursor_is_saved() -> None:
    world = World()
    work = ingest(world)
    work.run(Listed([Malformed(b"x", "no JSON", "a.jsonl, line 3"), *documents("a")]), "listed")
    (letter,) = letters(world)
    assert (letter.kind, letter.data, letter.reason) == ("malformed", b"x", "a.jsonl, line 3: no JSON")
    assert world.happened == ["publish", "write", "save", "end"]
    assert (work.tally.published, work.tally.malformed) == (1, 1)


def test_a_gap_is_told() -> None:
    work = ingest(World())
    with logged() as said:
        work.run(Listed([Gap("the cursor is older than the window")]), "listed")
    assert said == ["the source lost documents: the cursor is older than the window"]
    assert work.tally.gaps == 1


@pytest.mark.parametrize("what", ["publish", "write", "erase", "save"])
def test_whatever_is_away_is_waited_for_and_nothing_is_skipped(what: str) -> None:
    world = World()
    world.failing[what] = 2
    items = [*documents("a"), Malformed(b"x", "no", "1"), Deletion("z")]
    with logged() as said:
        assert ingest(world).run(Listed(items), "listed")
    assert world.happened == ["publish", "write", "erase", "save", "end"]
    assert said == [f"waiting, and trying again: {what} is away"] * 2


@pytest.mark.parametrize("what", ["publish", "save"])
def test_a_stop_while_something_is_away_leaves_the_cursor_where_it_was(what: str) -> None:
    world, stop, source = World(), Stop(), Listed(documents("a"))
    world.failing[what] = 1 << 30
    with logged(lambda _message: stop.request()), pytest.raises(Unavailable):
        ingest(world, stop).run(source, "listed")
    assert world.load("listed") is None
    world.failing.clear()
    assert ingest(world).run(source, "listed")
    assert {document.id for document in world.published()} == {"a"}


def test_a_stop_ends_the_run_after_the_batch_and_is_no_end_of_the_source() -> None:
    world, stop, source = World(), Stop(), Listed(documents("a"), documents("b"))
    assert not ingest(world, stop, progress=lambda _tally: stop.request()).run(source, "listed")
    assert [document.id for document in world.published()] == ["a"]
    assert ingest(world).run(source, "listed")
    assert [document.id for document in world.published()] == ["b"]


def test_a_stop_ends_the_wait_of_a_source() -> None:
    class Silent(Listed):
        def __init__(self) -> None:
            super().__init__()
            self.waits, self.closed = threading.Event(), threading.Event()

        def read(self, after: str | None = None) -> Iterator[Batch]:
            self.asked.append(after)
            yield Batch(documents("a"), "1")
            self.waits.set()
            assert self.closed.wait(PATIENCE)

        def close(self) -> None:
            self.closed.set()

    world, stop, source = World(), Stop(), Silent()
    ended: list[bool] = []
    thread = threading.Thread(target=lambda: ended.append(ingest(world, stop).run(source, "silent")))
    thread.start()
    assert source.waits.wait(PATIENCE)
    stop.request()
    thread.join(PATIENCE)
    assert ended == [False]


def test_large_batches_are_packed_into_bodies_in_order() -> None:
    world = World()
    names = [f"{number:04}" for number in range(500)]
    ingest(world).run(Listed(documents(*names)), "listed")
    backlog = world.broker.backlog()
    assert 1 < (backlog.ready or 0) < 10
    assert [document.id for document in world.published()] == names


class Shaky(Listed):
    """A source that can't be reached now and then."""

    def __init__(self, *batches: Sequence[Any], failures: int) -> None:
        super().__init__(*batches)
        self.failures = failures

    def read(self, after: str | None = None) -> Iterator[Batch]:
        for batch in super().read(after):
            yield batch
            self.failures -= 1
            if self.failures >= 0:
                raise Unavailable("the stream is away")


def test_a_source_that_is_away_is_read_again_from_the_last_cursor() -> None:
    world, source = World(), Shaky(documents("a"), documents("b"), documents("c"), failures=2)
    with logged() as said:
        assert ingest(world).run(source, "shaky")
    assert [document.id for document in world.published()] == ["a", "b", "c"]
    assert source.asked == [None, "1", "2"]
    assert said == ["shaky: waiting, and trying again: the stream is away"] * 2


def ledger(world: World, name: str) -> Any:
    (row,) = [row for row in ledgers.table(world) if row["name"] == name]
    return row


def test_the_ledger_says_that_a_source_is_waited_for_and_why() -> None:
    world, source = World(), Shaky(documents("a"), documents("b"), failures=1)
    seen: list[tuple[str, str]] = []

    def look(_tally: Tally) -> None:
        row = ledger(world, "shaky")
        seen.append((row["state"], row["reason"]))

    assert ingest(world, progress=look).run(source, "shaky")
    assert seen == [("reading", ""), ("waiting", "waiting, and trying again: the stream is away"), ("reading", "")]


def test_the_ledger_counts_over_all_runs_what_became_of_what_a_source_gave() -> None:
    world = World()
    world.write([labelled("old")])
    first = [*documents("a", "b"), Malformed(b"?", "no JSON", "line 3"), Gap("cut", 7)]
    ingest(world).run(Listed(first), "listed", url="listed://here")
    ingest(world).run(Listed(first, [*documents("c"), Deletion("old"), *documents("c")]), "listed")
    row = ledger(world, "listed")
    counted = {name: row[name] for name in ("read", "published", "repeated", "malformed", "erased", "missed", "shed")}
    assert counted == {"read": 5, "published": 3, "repeated": 1, "malformed": 1, "erased": 1, "missed": 7, "shed": 0}
    assert (row["state"], row["cursor"]) == ("ended", "2")
    assert [gap["reason"] for gap in row["gaps"]] == ["cut"]


def test_the_ledger_says_how_late_the_newest_document_was() -> None:
    world = World()
    ingest(world).run(Listed([Document("a", "a", created_at="2026-01-31T12:00:00Z")]), "listed")
    assert ledger(world, "listed")["lag_seconds"] > 3600


def test_what_a_source_waits_for_is_in_the_ledger_and_logged_once() -> None:
    world, states = World(), []

    class Waiting(Listed):
        def read(self, after: str | None = None) -> Iterator[Batch]:
            yield from super().read(after)
            for waiting in ("503", "503", ""):
                yield Batch((), "1", waiting=waiting)
                states.append((ledger(world, "w")["state"], ledger(world, "w")["reason"]))

    with logged() as said:
        ingest(world).run(Waiting(), "w")
    assert states == [("waiting", "503"), ("waiting", "503"), ("reading", "")]
    assert said == ["w: 503"]


def test_a_source_that_has_ended_waits_for_nothing() -> None:
    class Away(Listed):
        def read(self, after: str | None = None) -> Iterator[Batch]:
            yield from super().read(after)
            yield Batch((), "1", waiting="503; trying again in 2 s")

    world = World()
    assert ingest(world).run(Away(documents("a")), "w")
    assert (ledger(world, "w")["state"], ledger(world, "w")["reason"]) == ("ended", "")


def test_a_source_that_cannot_be_read_has_failed_in_the_ledger() -> None:
    class Broken(Listed):
        def read(self, after: str | None = None) -> Iterator[Batch]:
            yield from super().read(after)
            raise Misconfigured("the token is missing")

    world = World()
    with pytest.raises(Misconfigured, match="token"):
        ingest(world).run(Broken(documents("a")), "b")
    row = ledger(world, "b")
    assert (row["state"], row["reason"], row["published"], row["cursor"]) == ("failed", "the token is missing", 1, "1")


def test_documents_are_published_at_the_rate() -> None:
    world, began = World(), time.monotonic()
    ingest(world, rate=100).run(Listed(documents(*map(str, range(40)))), "listed")
    assert len(world.published()) == 40
    assert time.monotonic() - began >= 0.25
