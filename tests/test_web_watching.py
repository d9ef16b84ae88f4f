"""The glances that all visitors of the console share."""

import anyio
import pytest
from web_world import LostStore, unreachable

from headrace.brokers.memory import MemoryBroker
from headrace.documents import Body, Document, Outcome, Prediction, bury
from headrace.errors import Unavailable
from headrace.ports import Page, Query
from headrace.registry import Registry
from headrace.stores.memory import MemoryStore
from headrace.web.console.watching import Watching
from headrace.web.live import Live
from headrace.web.services import Services


class Counting(MemoryStore):
    """A store that counts how often it is asked."""

    asked = 0

    def find(self, query: Query, *, limit: int = 50, page: str | None = None) -> Page:
        self.asked += 1
        return super().find(query, limit=limit, page=page)


def live_on(store: MemoryStore, broker: MemoryBroker | None = None) -> Live:
    connect = (broker or MemoryBroker()).connect
    return Live.on(Services(store=store, connect=connect, registry=Registry("nowhere", builtin=None)))


def fill(store: MemoryStore) -> None:
    one, two = Document("a", "Hej", published_at=1), Document("b", "Moi", published_at=1)
    store.write([Outcome(one, (Prediction("sv", 0.9, "language@1"),)), Outcome(two, dead=(bury(two, "raised", "no"),))])


def test_a_glance_has_all_the_figures() -> None:
    store, broker = MemoryStore(), MemoryBroker()
    fill(store)
    broker.publish([Body(b"{}")])
    live = live_on(store, broker)
    totals = anyio.run(Watching(live).totals)
    live.close()
    assert (totals.documents, totals.labels, totals.dead) == (1, {"language": {"sv": 1}}, {"raised": 1})
    assert totals.backlog is not None
    assert (totals.backlog.ready, totals.trouble) == (1, "")


def test_visitors_who_look_together_ask_the_store_once() -> None:
    store = Counting()
    fill(store)
    watching = Watching(live_on(store))

    async def look() -> None:
        async with anyio.create_task_group() as group:
            for _ in range(20):
                group.start_soon(watching.newest, "", "", "")

    anyio.run(look)
    assert store.asked == 1


def test_different_questions_have_answers_of_their_own() -> None:
    store = MemoryStore()
    fill(store)
    watching = Watching(live_on(store))

    async def look() -> list[int]:
        return [len(await watching.newest(label, "", "")) for label in ("", "sv", "fi", "")]

    assert anyio.run(look) == [1, 1, 0, 1]


def test_a_broker_that_is_away_leaves_the_stores_figures_and_says_so() -> None:
    store = MemoryStore()
    fill(store)
    live = Live.on(Services(store=store, connect=unreachable, registry=Registry("nowhere", builtin=None)))
    totals = anyio.run(Watching(live).totals)
    live.close()
    assert (totals.documents, totals.backlog) == (1, None)
    assert "is it running?" in totals.trouble


def test_a_store_that_is_away_is_told_and_its_rows_are_not_to_be_had() -> None:
    class Away(LostStore):
        def count(self, query: Query) -> dict[str, int]:
            raise Unavailable(f"counting {query.kind}: nobody answers")

    live = live_on(Away())
    watching = Watching(live)
    assert "nobody answers" in anyio.run(watching.totals).trouble
    with pytest.raises(Unavailable):
        anyio.run(watching.newest, "", "", "")
    live.close()
