"""Sources that are paused, and sources that are shed, while the backlog is over the limit."""

import threading
import time
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import count
from typing import Any

import pytest
from support import PATIENCE, logged, until

from headrace.brokers.memory import MemoryBroker
from headrace.documents import Document, decode, unpack
from headrace.errors import Misconfigured, Unavailable
from headrace.ingest import ledger as ledgers
from headrace.ingest.accounts import Tally
from headrace.ingest.backlog import BacklogGauge
from headrace.ingest.flow import FlowControl
from headrace.ingest.ingest import Ingest
from headrace.ingest.shedding import Rule
from headrace.ports import Backlog, Batch, Deletion, Gap, Malformed
from headrace.runtime import Stop
from headrace.stores.memory import MemoryStore

LIMIT = 10


class Given:
    """A source of batches, one a call of `give`; it ends when it is closed."""

    endless = True

    def __init__(self, *, pausable: bool) -> None:
        self.pausable = pausable
        self.taken = 0  # batches that were asked for
        self._batches: list[Batch] = []
        self._changed = threading.Condition()
        self._closed = False
        self._error: Exception | None = None

    def give(self, *items: Any, **more: Any) -> None:
        with self._changed:
            self._batches.append(Batch(items, str(len(self._batches) + 1), **more))
            self._changed.notify_all()

    def fail(self, error: Exception) -> None:
        with self._changed:
            self._error = error
            self._changed.notify_all()

    def read(self, after: str | None = None) -> Iterator[Batch]:
        place = int(after or 0)
        while True:
            with self._changed:
                assert self._changed.wait_for(partial(self._is_due, place), PATIENCE)
                if place >= len(self._batches):
                    if self._error:
                        raise self._error
                    return
                if self._closed:
                    return
                batch = self._batches[place]
                place += 1
                self.taken = place
            yield batch

    def _is_due(self, place: int) -> bool:
        return self._closed or self._error is not None or place < len(self._batches)

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()


class World:
    """An ingest that runs in a thread, with a broker whose backlog the test sets."""

    def __init__(self, *, pausable: bool, rule: Rule | None = None, held: int = 1 << 20, **options: Any) -> None:
        self.source = Given(pausable=pausable)
        self.store, self.broker, self.stop = MemoryStore(), MemoryBroker(), Stop()
        self.away, self._ready, self._later = 0, 0, 0.0
        flow = FlowControl(self.stop, BacklogGauge(LIMIT, seconds=0.02, clock=self._clock), self._backlog, held=held)
        self.work = Ingest(self.broker, self.store, stop=self.stop, flow=flow, **options)
        self._rule: Rule | None = rule
        self._ended: list[bool | Exception] = []
        self._thread = threading.Thread(target=self._run)

    def set_backlog(self, bodies: int) -> None:
        """From now on it is so long; it is looked at before the next document."""
        self._ready = bodies
        self._later += 1000

    def _clock(self) -> float:
        return time.monotonic() + self._later

    def _backlog(self) -> Backlog:
        if self.away:
            self.away -= 1
            raise Unavailable("the broker is away")
        return Backlog(self._ready, None, None)

    def _run(self) -> None:
        try:
            self._ended.append(self.work.run(self.source, "given", shed=self._rule))
        except Exception as error:
            self._ended.append(error)

    def __enter__(self) -> "World":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.request()
        self.end()

    def end(self) -> bool | Exception:
        self._thread.join(PATIENCE)
        return self._ended[0]

    def row(self) -> dict[str, Any]:
        return next(iter(ledgers.table(self.store)), {"state": ""})

    def is_in(self, state: str) -> bool:
        return until(lambda: self.row()["state"] == state)

    def has_taken(self, batches: int) -> bool:
        """Whether so many were asked for, or no more ever will be."""
        return self.source.taken == batches or self.row()["state"] == "ended"

    def published(self) -> list[str]:
        deliveries = self.broker.receive(1 << 30, 0.0)
        return [decode(line).id for delivery in deliveries for line in unpack(delivery.data)]

    @property
    def tally(self) -> Tally:
        return self.work.tally


def document(name: object) -> Document:
    return Document(str(name), f"text of {name}", "given")


def documents(names: Sequence[object]) -> list[Document]:
    return [document(name) for name in names]


def test_a_source_that_can_wait_is_paused_and_goes_on_when_the_backlog_has_fallen() -> None:
    with logged() as said, World(pausable=True) as world:
        world.source.give(document("a"))
        assert until(lambda: world.tally.published == 1)
        world.set_backlog(1234)
        world.source.give(document("b"))
        world.source.give(document("c"))
        assert world.is_in("paused")
        row = world.row()
        assert (row["published"], row["cursor"], world.source.taken) == (1, "1", 2)
        assert (
            row["reason"]
            == "the backlog is 1,234 bodies, and the limit is 10: nothing is read until it has fallen to 9"
        )
        world.set_backlog(0)
        assert until(lambda: world.tally.published == 3)
        assert world.is_in("reading")
        assert world.row()["reason"] == ""
    assert said == [f"given: {row['reason']}"]
    assert world.published() == ["a", "b", "c"]
    assert (world.tally.shed, world.row()["state"]) == (0, "stopped")


def test_what_holds_no_document_does_not_wait_for_the_backlog() -> None:
    with World(pausable=True) as world:
        world.set_backlog(11)
        world.source.give(Malformed(b"?", "no JSON", "line 3"), Gap("cut", 7))
        world.source.give(Deletion("x"))
        assert until(lambda: (world.tally.malformed, world.tally.missed, world.tally.erased) == (1, 7, 1))


def test_a_paused_source_is_not_idle() -> None:
    with World(pausable=True, until_idle=0.2) as world:
        world.set_backlog(11)
        world.source.give(document("a"))
        assert world.is_in("paused")
        seen = world.row()["saved_at"]
        assert until(lambda: world.row()["saved_at"] > seen + 500_000)  # it says now and then that it is there
        world.set_backlog(0)
        assert world.end() is True
    assert world.published() == ["a"]


def test_a_source_of_which_everything_is_held_is_not_idle() -> None:
    with World(pausable=False, until_idle=0.3) as world:
        world.set_backlog(11)
        begun, given = time.monotonic(), 0
        while time.monotonic() - begun < 1 and world.row()["state"] != "ended":
            given += 1
            world.source.give(document(given))
            until(partial(world.has_taken, given))
        assert world.is_in("shedding")
        assert world.end() is True  # once nothing more comes
    assert len(world.published()) == given


def test_a_stop_ends_a_pause_at_once_and_publishes_what_was_read() -> None:
    with World(pausable=True) as world:
        world.set_backlog(11)
        world.source.give(document("a"))
        world.source.give(document("b"))
        assert world.is_in("paused")
        world.stop.request()
        assert world.end() is False
    assert world.published() == ["a"]
    assert world.row()["cursor"] == "1"


def test_a_broker_that_cannot_say_its_backlog_now_is_waited_for() -> None:
    with logged() as said, World(pausable=True) as world:
        world.away = 2
        world.source.give(document("a"))
        assert until(lambda: world.tally.published == 1)
    assert said == ["waiting, and trying again: the broker is away"] * 2


def test_a_stop_while_the_broker_is_away_leaves_the_cursor_where_it_was() -> None:
    with logged(), World(pausable=True) as world:
        world.away = 1 << 30
        world.source.give(document("a"))
        assert until(lambda: world.source.taken == 1)
        world.stop.request()
        assert isinstance(world.end(), Unavailable)
    assert world.published() == []


def test_of_a_source_that_cannot_wait_the_oldest_are_dropped_and_the_newest_published_later() -> None:
    with logged() as said, World(pausable=False, held=450) as world:
        world.set_backlog(11)
        for number in range(20):
            world.source.give(document(f"{number:02}"))
        assert until(lambda: world.tally.shed > 0 and world.source.taken == 20)
        assert world.is_in("shedding")
        assert world.published() == []
        world.set_backlog(0)
        assert until(lambda: world.tally.published + world.tally.shed == 20)
        assert world.is_in("reading")
    row = world.row()
    assert (row["read"], row["published"] + row["shed"], row["cursor"]) == (20, 20, "20")
    assert world.published() == [f"{number:02}" for number in range(row["shed"], 20)]
    assert said == [
        "given: the backlog is 11 bodies, and the limit is 10: what comes is held, and what has waited longest is dropped"
    ]
    assert ledgers.in_the_last_hour(row, "shed", row["saved_at"]) == row["shed"]


def test_a_short_spell_over_the_limit_loses_nothing() -> None:
    with World(pausable=False) as world:
        world.set_backlog(11)
        world.source.give(*documents("abc"))
        assert world.is_in("shedding")
        world.set_backlog(0)
        assert until(lambda: world.tally.published == 3)  # though nothing more comes
    assert (world.tally.shed, world.row()["cursor"]) == (0, "1")


def test_while_documents_are_held_the_cursor_stays_before_them() -> None:
    with World(pausable=False) as world:
        world.source.give(document("a"))
        assert until(lambda: world.tally.published == 1)
        world.set_backlog(11)
        world.source.give(document("b"))
        world.source.give(Deletion("x"), Malformed(b"?", "no", "2"), Gap("cut", 3), document("c"), paid=2, filled=1)
        assert until(lambda: (world.tally.erased, world.tally.malformed, world.tally.missed) == (1, 1, 3))
        assert until(lambda: world.row()["paid"] == 2)
        row = world.row()
        assert (row["cursor"], row["filled"], row["published"]) == ("1", 1, 1)
        world.stop.request()
        assert world.end() is False
    assert world.published() == ["a", "b", "c"]
    assert (world.row()["cursor"], world.row()["paid"]) == ("3", 2)


def test_what_is_held_is_published_before_the_error_with_which_the_source_ends() -> None:
    with World(pausable=False) as world:
        world.set_backlog(11)
        world.source.give(document("a"))
        assert world.is_in("shedding")
        world.source.fail(Misconfigured("the feed is gone"))
        assert isinstance(world.end(), Misconfigured)
    assert world.published() == ["a"]
    assert (world.row()["state"], world.row()["cursor"]) == ("failed", "1")


def test_what_is_deleted_while_it_is_held_is_counted_as_dropped() -> None:
    with World(pausable=False) as world:
        world.set_backlog(11)
        world.source.give(*documents("ab"))
        world.source.give(Deletion("a"))
        assert until(lambda: world.tally.erased == 1)
    assert world.published() == ["b"]
    assert (world.row()["read"], world.row()["published"], world.row()["shed"]) == (2, 1, 1)


def test_a_sample_is_published_and_the_cursor_moves_on_past_the_rest() -> None:
    with logged() as said, World(pausable=False, rule="sample") as world:
        world.set_backlog(11)
        world.source.give(*documents(range(1000)), Deletion("x"))
        world.source.give(*documents(range(1000, 2000)))
        assert until(lambda: world.tally.published + world.tally.shed == 2000)
        assert world.is_in("shedding")
    row = world.row()
    assert (row["read"], row["published"] + row["shed"], row["erased"], row["cursor"]) == (2000, 2000, 1, "2")
    assert 100 < row["published"] < 300
    assert len(world.published()) == row["published"]
    assert len(said) == 1
    assert "only a sample of what comes is published" in said[0]


def test_what_is_read_again_is_sampled_as_before() -> None:
    def sampled() -> list[str]:
        with World(pausable=False, rule="sample") as world:
            world.set_backlog(11)
            world.source.give(*documents(range(500)))
            assert until(lambda: world.tally.published + world.tally.shed == 500)
        return world.published()

    with logged():
        assert sampled() == sampled()


def test_by_the_rule_never_a_source_that_cannot_wait_is_paused_all_the_same() -> None:
    with logged(), World(pausable=False, rule="never") as world:
        world.set_backlog(11)
        world.source.give(document("a"))
        assert world.is_in("paused")
        world.set_backlog(0)
        assert until(lambda: world.tally.published == 1)


@pytest.mark.parametrize("rule", [None, "sample", "never"])
def test_below_the_limit_every_rule_publishes_everything_in_order(rule: Rule | None) -> None:
    with World(pausable=False, rule=rule) as world:
        for number in range(20):
            world.source.give(document(f"{number:02}"))
        assert until(lambda: world.tally.published == 20)
    assert world.published() == [f"{number:02}" for number in range(20)]


def test_the_limit_holds_for_what_one_run_publishes_by_itself() -> None:
    store, broker, stop = MemoryStore(), MemoryBroker(), Stop()
    source = Given(pausable=True)
    ticks = count()
    gauge = BacklogGauge(LIMIT, seconds=0.02, clock=lambda: next(ticks) / 100)
    flow = FlowControl(stop, gauge, broker.backlog)
    work = Ingest(broker, store, stop=stop, flow=flow)
    for number in range(100):
        source.give(document(number))
    thread = threading.Thread(target=lambda: work.run(source, "given"))
    with logged():
        thread.start()
        try:
            assert until(lambda: any(row["state"] == "paused" for row in ledgers.table(store)))
            first = work.tally.published
            assert LIMIT < first < 100
            deliveries = broker.receive(1 << 30, 0.0)
            broker.ack(deliveries)
            assert until(lambda: work.tally.published > first)
        finally:
            stop.request()
            thread.join(PATIENCE)
