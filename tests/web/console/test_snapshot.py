"""The answers of store and broker that all visitors of the console share."""

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
    """Give everything as much time as it needs: what is to be unavailable says so at once."""
    monkeypatch.setattr("headrace.web.state.ANSWER_SECONDS", PATIENCE)


class Counting(MemoryStore):
    """A store that counts its calls, and takes a minute for each on a clock of its own."""

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


def test_the_totals_have_all_figures() -> None:
    store, broker = MemoryStore(), MemoryBroker()
    fill(store)
    broker.publish([Body(b"{}")])
    state = live_on(store, broker)
    totals = anyio.run(Snapshots(state).totals)
    state.close()
    assert (totals.documents, totals.labels, totals.dead) == (1, {"language": {"sv": 1}}, {"raised": 1})
    assert totals.backlog is not None
    assert (totals.backlog.ready, totals.trouble) == (1, "")


def test_visitors_who_look_at_the_same_time_share_one_query_however_long_it_takes() -> None:
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


def test_a_visitor_a_second_later_sees_what_is_new() -> None:
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


def test_different_filters_are_answered_separately() -> None:
    store = MemoryStore()
    fill(store)
    snapshots = Snapshots(live_on(store))

    async def look() -> list[int]:
        return [len(await snapshots.newest(label, "", "")) for label in ("", "sv", "fi", "")]

    assert anyio.run(look) == [1, 1, 0, 1]


def test_without_the_broker_the_stores_figures_are_shown_and_the_trouble_is_reported() -> None:
    store = MemoryStore()
    fill(store)
    state = AppState.from_services(
        Services(store=store, connect=unreachable, registry=Registry("nowhere", builtin=None))
    )
    totals = anyio.run(Snapshots(state).totals)
    state.close()
    assert (totals.documents, totals.backlog) == (1, None)
    assert "is it running?" in totals.trouble


def test_a_store_that_is_unavailable_is_reported_and_gives_no_rows() -> None:
    class Away(LostStore):
        def count(self, query: ResultQuery) -> Counts:
            raise Unavailable(f"counting {query}: nobody answers")

    state = live_on(Away())
    snapshots = Snapshots(state)
    assert "nobody answers" in anyio.run(snapshots.totals).trouble
    with pytest.raises(Unavailable):
        anyio.run(snapshots.newest, "", "", "")
    state.close()


def test_visitors_share_a_page_of_dead_letters_until_one_of_them_drops_some() -> None:
    store = MemoryStore()
    fill(store)
    state = live_on(store)
    snapshots = Snapshots(state, clock=lambda: 0.0)

    async def look() -> list[list[str]]:
        pages = [await snapshots.letters(None)]
        store.drop([letter.burial for letter in pages[0].items])
        pages += [await snapshots.letters(None), await snapshots.letters(None, now=True), await snapshots.letters(None)]
        return [[letter.id for letter in page.items] for page in pages]

    assert anyio.run(look) == [["b"], ["b"], [], []]
    state.close()
