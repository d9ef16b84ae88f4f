"""A store that keeps nothing: for workers whose results are only published."""

import time
from collections.abc import Sequence
from datetime import datetime

from headrace.clock import microseconds
from headrace.documents import DeadLetter, Outcome, Result
from headrace.ports import (
    FORGET_SECONDS,
    Counts,
    DeadQuery,
    HourCount,
    Page,
    ResultQuery,
    StoredPrediction,
    WorkerStatus,
)
from headrace.stores.presence import RememberedWorkers

GONE = "the store none: keeps nothing; what is published to --results is all there is, and what comes again is published again"


class NoWatch:
    """A watch that finds nothing, ever."""

    def __init__(self) -> None:
        self._first = True

    def conflicts(self, documents: Sequence[tuple[str, str]]) -> set[int]:  # noqa: ARG002
        return set()

    def results(self, ids: Sequence[str]) -> dict[str, Result]:  # noqa: ARG002
        return {}

    def letters(self, contents: Sequence[str]) -> list[DeadLetter]:  # noqa: ARG002
        return []

    def wait(self, seconds: float) -> bool:
        first, self._first = self._first, False
        if not first:
            time.sleep(seconds)
        return first

    def close(self) -> None:
        """Does nothing: no resource is held."""


class NoStore:
    """Accepts every write and finds nothing, so it knows neither conflicts nor erased ids. Cursors and workers are remembered in this
    object only."""

    def __init__(self) -> None:
        self._cursors: dict[str, str] = {}
        self._workers = RememberedWorkers()

    @classmethod
    def from_url(cls, _url: str) -> "NoStore":
        return cls()

    def write(self, outcomes: Sequence[Outcome]) -> None:
        """Does nothing: the worker publishes the results."""

    def find(self, query: ResultQuery, *, limit: int = 50, page: str | None = None) -> Page[Result]:  # noqa: ARG002
        return Page([], None)

    def find_dead(self, query: DeadQuery, *, limit: int = 50, page: str | None = None) -> Page[DeadLetter]:  # noqa: ARG002
        return Page([], None)

    def count(self, query: ResultQuery) -> Counts:  # noqa: ARG002
        return Counts()

    def count_dead(self, query: DeadQuery) -> dict[str, int]:  # noqa: ARG002
        return {}

    def predictions(self, ids: Sequence[str]) -> dict[str, list[StoredPrediction]]:  # noqa: ARG002
        return {}

    def count_by_hour(
        self,
        model: str,  # noqa: ARG002
        since: datetime | None = None,  # noqa: ARG002
        until: datetime | None = None,  # noqa: ARG002
    ) -> list[HourCount]:
        return []

    def erase(self, ids: Sequence[str], *, authors: Sequence[str] = ()) -> None:
        """Does nothing: there is nothing to erase, and what is on its way is not dropped."""

    def drop(self, burials: Sequence[int]) -> None:
        """Does nothing: there are no dead letters."""

    def erased(self, keys: Sequence[str]) -> dict[str, int]:  # noqa: ARG002
        return {}

    def load(self, name: str) -> str | None:
        return self._cursors.get(name)

    def save(self, name: str, cursor: str) -> None:
        self._cursors[name] = cursor

    def cursors(self) -> dict[str, str]:
        return dict(sorted(self._cursors.items()))

    def time(self) -> int:
        return microseconds()

    def beat(self, worker: WorkerStatus, *, forget: float = FORGET_SECONDS) -> None:
        self._workers.beat(worker, forget)

    def workers(self, *, stopped: bool = False) -> list[WorkerStatus]:
        return self._workers.listed(stopped=stopped)

    def watch(self) -> NoWatch:
        return NoWatch()

    def close(self) -> None:
        """Does nothing: no resource is held."""

    def warnings(self) -> list[str]:
        return [GONE]

    def remove(self) -> None:
        self._cursors = {}
        self._workers.clear()
