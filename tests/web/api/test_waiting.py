"""Waiting for results: one thread watches the store for all requests, and only while there are any."""

import asyncio
import threading
from collections.abc import Sequence
from typing import Any

from support import PATIENCE

from headrace.burial import bury
from headrace.documents import DeadLetter, Document, Outcome, Prediction, Result, encode
from headrace.errors import Unavailable
from headrace.ports import Watch
from headrace.stores.memory import MemoryStore
from headrace.web.api.waiting import ResultWatcher
from headrace.web.lookup import FullResult

SV = Prediction("sv", 0.9, "language@1")
A, B = Document("a", "Hej", published_at=5), Document("b", "Hopp", published_at=5)


class Seen:
    """A watch of a store that remembers how many ids it was asked for; its calls fail as often as `troubles` says."""

    def __init__(self, store: MemoryStore) -> None:
        self._watch: Watch = store.watch()
        self.asked: list[int] = []
        self.troubles: list[Exception] = []
        self.looked, self.closed = threading.Semaphore(0), threading.Event()

    def conflicts(self, documents: Sequence[tuple[str, str]]) -> set[int]:
        raise AssertionError(f"nobody publishes {documents}")

    def results(self, ids: Sequence[str]) -> Any:
        if self.troubles:
            raise self.troubles.pop()
        self.asked.append(len(ids))
        found = self._watch.results(ids)
        self.looked.release()
        return found

    def letters(self, contents: Sequence[str]) -> Sequence[DeadLetter]:
        return self._watch.letters(contents)

    def wait(self, seconds: float) -> bool:
        return self._watch.wait(seconds)

    def close(self) -> None:
        self.closed.set()


def test_all_who_wait_are_looked_up_together_and_each_gets_its_own_in_its_order() -> None:
    async def run() -> None:
        store = MemoryStore()
        watch = Seen(store)
        watcher = ResultWatcher(lambda: watch)
        documents = [Document(f"{number}", "Hej", published_at=5) for number in range(100)]
        those = [asyncio.ensure_future(watcher.wait_for([one, A], PATIENCE)) for one in documents]
        await asyncio.to_thread(watch.looked.acquire)  # the first look finds nothing
        store.write([Outcome(A, (SV,)), *(Outcome(one, (SV,)) for one in documents)])
        for one, found in zip(documents, await asyncio.gather(*those), strict=True):
            assert found is not None
            assert [item.id for item in found] == [one.id, "a"]
        assert len(watch.asked) < 50
        watcher.close()

    asyncio.run(run())


def test_what_was_stored_before_is_found_at_once_beside_others_who_wait() -> None:
    async def run() -> None:
        store = MemoryStore()
        store.write([Outcome(A, (SV,))])
        watcher = ResultWatcher(store.watch)
        in_vain = asyncio.ensure_future(watcher.wait_for([B], PATIENCE))
        found = await watcher.wait_for([A], PATIENCE)
        assert found is not None
        assert [item.id for item in found] == ["a"]
        assert not in_vain.done()
        watcher.close()
        assert await in_vain is None
        assert await watcher.wait_for([A], PATIENCE) is None

    asyncio.run(run())


def test_an_earlier_burial_does_not_count_and_a_later_one_does() -> None:
    async def run() -> None:
        store = MemoryStore()
        earlier, later = (Document("a", "Hej", published_at=at) for at in (4, 6))
        store.write([Outcome(earlier, dead=(bury(earlier, "raised", "no"),))])
        watcher = ResultWatcher(store.watch)
        assert await watcher.wait_for([A], 0.05) is None
        waiting = asyncio.ensure_future(watcher.wait_for([A], PATIENCE))
        store.write([Outcome(later, dead=(bury(later, "raised", "again"),))])
        found = await waiting
        assert found is not None
        assert getattr(found[0], "reason", None) == "again"
        watcher.close()

    asyncio.run(run())


def test_a_store_that_is_away_keeps_requests_waiting_until_it_is_back() -> None:
    async def run() -> None:
        store = MemoryStore()
        watch = Seen(store)
        watch.troubles = [Unavailable("gone"), OSError("what no store may raise"), Unavailable("gone")]
        watcher = ResultWatcher(lambda: watch)
        store.write([Outcome(A, (SV,))])
        found = await watcher.wait_for([A], PATIENCE)
        assert found is not None
        assert watcher.alive()
        watcher.close()

    asyncio.run(run())


def test_nothing_runs_while_nobody_waits() -> None:
    async def run() -> None:
        store = MemoryStore()
        watch = Seen(store)
        watcher = ResultWatcher(lambda: watch, idle=0.01)
        assert await watcher.wait_for([A], 0.01) is None
        assert await asyncio.to_thread(watch.closed.wait, PATIENCE)
        looks = len(watch.asked)
        store.write([Outcome(B, (SV,))])
        store.write([Outcome(A, (SV,))])
        assert len(watch.asked) == looks
        assert await watcher.wait_for([A], PATIENCE) is not None
        watcher.close()

    asyncio.run(run())


def test_a_result_without_dead_letters_is_written_as_one_with_them_would_be() -> None:
    store = MemoryStore()
    store.write([Outcome(Document("a", "Hej", "s", "2026-01-31", {"x": 1}, 5), (SV,)), Outcome(B)])
    for result in store.watch().results(["a", "b"]).values():
        assert isinstance(result, Result)
        members = {name: getattr(result, name) for name in result.__struct_fields__}
        assert encode(result) == encode(FullResult(**members))
