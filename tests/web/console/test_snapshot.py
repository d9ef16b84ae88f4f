"""The glances that all visitors of the console share."""

import anyio
import pytest
from support import PATIENCE
from support.web_world import LostStore, unreachable

from headrace.brokers.memory import MemoryBroker
from headrace.burial import bury
from headrace.documents import Body, Document, Outcome, Prediction, Result
from headrace.errors import Unavailable
from headrace.models.registry import Registry
from headrace.ports import Counts, Page, ResultQuery
from headrace.stores.memory import MemoryStore
from headrace.web.console.snapshot import Snapshots
from headrace.web.services import Services
from headrace.web.state import AppState


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever is to be away says so at once; all others have the time that they need."""
    monkeypatch.setattr("headrace.web.state.ANSWER_SECONDS", PATIENCE)


class Counting(MemoryStore):
    """A store that counts how often it is asked, and takes a minute for an answer, on a clock of its own."""

    asked = counted = 0
    now = 0.0

    def find(self, query: ResultQuery, *, limit: int = 50, page: str | None = None) -> Page[Result]:
        self.asked += 1
        self.now += 60
        return super().find(query, limit=limit, page=page)

    def count(self, query: ResultQuery) -> Counts:
        self.counted += 1
        self.now += 60
        return super().count(query)

    def clock(self) -> float:
        return self.now


def live_on(store: MemoryStore, broker: MemoryBroker | None = None) -> AppState:
    connect = (broker or MemoryBroker()).connect
    return AppState.from_services(Services(store=store, connect=connect, registry=Registry("nowhere", builtin=None)))


def fill(store: MemoryStore) -> None:
    one, two = Document("a", "Hej", published_at=1), Document("b", "Moi", published_at=1)
    store.write([Outcome(one, (Prediction("sv", 0.9, "language@1"),)), Outcome(two, dead=(bury(two, "raised", "no"),))])


def test_a_glance_has_all_the_figures() -> None:
    store, broker = MemoryStore(), MemoryBroker()
    fill(store)
    broker.publish([Body(b"{}")])
    state = live_on(store, broker)
    totals = anyio.run(Snapshots(state).totals)
    state.close()
    assert (totals.documents, totals.labels, totals.dead) == (1, {"language": {"sv": 1}}, {"raised": 1})
    assert totals.backlog is not None
    assert (totals.backlog.ready, totals.trouble) == (1, "")


def test_visitors_who_look_together_ask_the_store_once_however_long_it_takes() -> None:
    store = Counting()
    fill(store)
    state = live_on(store)
    snapshots = Snapshots(state, clock=store.clock)

    async def look(*question: object) -> None:
        async with anyio.create_task_group() as group:
            for _ in range(20):
                group.start_soon(*question)

    anyio.run(look, snapshots.newest, "", "", "")
    anyio.run(look, snapshots.totals)
    assert (store.asked, store.counted) == (1, 1)
    state.close()


def test_who_looks_a_second_later_sees_what_has_come() -> None:
    store = Counting()
    state = live_on(store)
    snapshots = Snapshots(state, clock=store.clock)

    async def look() -> tuple[int, int]:
        return len(await snapshots.newest("", "", "")), (await snapshots.totals()).documents

    assert anyio.run(look) == (0, 0)
    fill(store)
    store.now += 1
    assert anyio.run(look) == (1, 1)
    state.close()


def test_different_questions_have_answers_of_their_own() -> None:
    store = MemoryStore()
    fill(store)
    snapshots = Snapshots(live_on(store))

    async def look() -> list[int]:
        return [len(await snapshots.newest(label, "", "")) for label in ("", "sv", "fi", "")]

    assert anyio.run(look) == [1, 1, 0, 1]


def test_a_broker_that_is_away_leaves_the_stores_figures_and_says_so() -> None:
    store = MemoryStore()
    fill(store)
    state = AppState.from_services(
        Services(store=store, connect=unreachable, registry=Registry("nowhere", builtin=None))
    )
    totals = anyio.run(Snapshots(state).totals)
    state.close()
    assert (totals.documents, totals.backlog) == (1, None)
    assert "is it running?" in totals.trouble


def test_a_store_that_is_away_is_told_and_its_rows_are_not_to_be_had() -> None:
    class Away(LostStore):
        def count(self, query: ResultQuery) -> Counts:
            raise Unavailable(f"counting {query}: nobody answers")

    state = live_on(Away())
    snapshots = Snapshots(state)
    assert "nobody answers" in anyio.run(snapshots.totals).trouble
    with pytest.raises(Unavailable):
        anyio.run(snapshots.newest, "", "", "")
    state.close()
