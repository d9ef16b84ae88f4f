"""A store that keeps nothing: for workers whose results are published, and wanted nowhere else."""

from collections.abc import Sequence
from datetime import datetime

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

GONE = "the store none: keeps nothing; what is published to --results is all there is, and what comes again is published again"


class NoStore:
    """Takes every write and finds nothing, so it knows neither conflicts nor what was erased. Cursors and workers are remembered by
    this object alone."""

    def __init__(self) -> None:
        self._cursors: dict[str, str] = {}
        self._workers: dict[str, WorkerStatus] = {}

    @classmethod
    def from_url(cls, _url: str) -> "NoStore":
        return cls()

    def write(self, outcomes: Sequence[Outcome]) -> None:
        """Nothing to do: whoever writes publishes them."""

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

    def erase(self, ids: Sequence[str]) -> None:
        """Nothing to do: there is nothing, and what is on its way isn't held up."""

    def drop(self, burials: Sequence[int]) -> None:
        """Nothing to do: there is nothing."""

    def load(self, name: str) -> str | None:
        return self._cursors.get(name)

    def save(self, name: str, cursor: str) -> None:
        self._cursors[name] = cursor

    def beat(self, worker: WorkerStatus) -> None:
        oldest = worker.seen_at - FORGET_SECONDS * 1_000_000
        known = {**self._workers, worker.name: worker}
        self._workers = {name: one for name, one in known.items() if one.seen_at >= oldest}

    def workers(self, *, stopped: bool = False) -> list[WorkerStatus]:
        listed = [self._workers[name] for name in sorted(self._workers)]
        return [worker for worker in listed if stopped or worker.state != "stopped"]

    def close(self) -> None:
        """Nothing to let go of."""

    def warnings(self) -> list[str]:
        return [GONE]

    def remove(self) -> None:
        self._cursors, self._workers = {}, {}
