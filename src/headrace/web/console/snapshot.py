"""What the pages show: the store and the broker, asked once a second for all visitors together."""

import time
from collections import deque
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeVar

import anyio

from headrace.documents import DeadLetter, Result, microseconds
from headrace.errors import HeadraceError
from headrace.ingest import ledger
from headrace.ports import Backlog, DeadQuery, Page, ResultQuery, WorkerStatus
from headrace.web.state import AppState

ROWS, LETTERS = 40, 50  #: results that the first page shows, and dead letters on a page
FRESH_SECONDS = 0.9  #: how long an answer is used again
RATE_SECONDS = 6.0  #: the span over which the rate of documents is measured

T = TypeVar("T")


@dataclass(frozen=True)
class Totals:
    """The figures of the first page.

    `labels` has the number of answers by label, for each model; `rate` is documents stored per second, over the last six seconds;
    `ahead` is by how many microseconds the clock of the store, which `workers` go by, is ahead of this host's; `trouble` says what could
    not be reached.
    """

    documents: int = 0
    rate: float = 0.0
    labels: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    dead: Mapping[str, int] = field(default_factory=dict)
    backlog: Backlog | None = None
    workers: Sequence[WorkerStatus] = ()
    ahead: int = 0
    trouble: str = ""


class _Recent(Generic[T]):
    """What the store answered less than FRESH_SECONDS ago, by what was asked. The caller asks one after the other."""

    def __init__(self, state: AppState, clock: Callable[[], float]) -> None:
        self._state, self._clock = state, clock
        self._kept: dict[Hashable, tuple[float, T]] = {}

    async def value(self, key: Hashable, call: Callable[[], T]) -> T:
        """The answer, as it is known or from the store."""
        now = self._clock()
        self._kept = {known: kept for known, kept in self._kept.items() if now - kept[0] < FRESH_SECONDS}
        if key not in self._kept:
            value = await self._state.asking.run(call)
            self._kept[key] = self._clock(), value
        return self._kept[key][1]

    def forget(self) -> None:
        """Ask for everything again."""
        self._kept.clear()


class Snapshots:
    """Asks the store and the broker, and keeps each answer for a second after it has come. For one event loop."""

    def __init__(self, state: AppState, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._state = state
        self._clock = clock
        self._store = state.services.store
        self._lock = anyio.Lock()
        self._totals = Totals()
        self._looked_at = float("-inf")
        self._results: _Recent[Page[Result]] = _Recent(state, clock)
        self._dead: _Recent[Page[DeadLetter]] = _Recent(state, clock)
        self._sources: _Recent[list[dict[str, Any]]] = _Recent(state, clock)
        self._history: deque[tuple[float, int]] = deque()

    async def totals(self) -> Totals:
        """The figures, at most a second old. If the store does not answer: the last ones, with `trouble`."""
        async with self._lock:
            if self._clock() - self._looked_at >= FRESH_SECONDS:
                self._totals = await self._look()
                self._looked_at = self._clock()
            return self._totals

    async def newest(self, label: str, model: str, source: str) -> Sequence[Result]:
        """The newest results, at most a second old; empty strings filter nothing. Raises Unavailable."""
        query = ResultQuery(label=label, model=model, source=source)
        async with self._lock:
            page = await self._results.value((label, model, source), lambda: self._store.find(query, limit=ROWS))
            return page.items

    async def letters(self, page: str | None, *, now: bool = False) -> Page[DeadLetter]:
        """A page of dead letters, at most a second old; with `now`, as it is now. Raises Unavailable, and Rejected for a bad token."""
        async with self._lock:
            if now:
                self._dead.forget()
            return await self._dead.value(page, lambda: self._store.find_dead(DeadQuery(), limit=LETTERS, page=page))

    async def sources(self) -> list[dict[str, Any]]:
        """The ledgers of all sources, as `ledger.table` has them, at most a second old. Raises Unavailable."""
        async with self._lock:
            return await self._sources.value("sources", lambda: ledger.table(self._store))

    async def _look(self) -> Totals:
        backlog, trouble = None, ""
        try:
            backlog = await self._state.backlog()
        except HeadraceError as error:
            trouble = str(error)
        try:
            found = await self._state.asking.run(self._ask)
        except HeadraceError as error:
            return replace(self._totals, rate=0.0, backlog=backlog, trouble=str(error))
        return replace(found, rate=self._rate(found.documents), backlog=backlog, trouble=trouble)

    def _ask(self) -> Totals:
        """What the store knows."""
        counts, dead = self._store.count(ResultQuery()), self._store.count_dead(DeadQuery())
        workers, ahead = self._store.workers(), self._store.time() - microseconds()
        labels = dict(sorted(counts.answers.items()))
        return Totals(counts.documents, labels=labels, dead=dead, workers=workers, ahead=ahead)

    def _rate(self, documents: int) -> float:
        now = self._clock()
        self._history.append((now, documents))
        while len(self._history) > 2 and now - self._history[0][0] > RATE_SECONDS:
            self._history.popleft()
        since, before = self._history[0]
        return max(0.0, (documents - before) / (now - since)) if now > since else 0.0
