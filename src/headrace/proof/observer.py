"""Observes a store while a proof runs: each answer when it first appears, and everything in the end."""

from collections.abc import Sequence

from headrace import browse
from headrace.documents import DeadLetter, Prediction, Result
from headrace.ports import DeadQuery, ResultQuery, StoreAdapter
from headrace.proof.findings import Observations

PAGE = 200  # results of a page when only the newest are wanted
LARGE_PAGE = 5000  # when all are wanted: a server may sort everything for each page


class Observer:
    """Remembers the first answer that each document was seen with."""

    def __init__(self, store: StoreAdapter, model: str) -> None:
        self._store = store
        self._model = model
        self.seen: dict[str, Prediction] = {}
        self.buried: list[DeadLetter] = []

    def look(self) -> int:
        """Look at the results that are new since the last call, and at all dead letters; how many of both are known now.

        It reads from the newest result to the first known one. A result that was numbered earlier and committed later may be missed here;
        `observations` has it.
        """
        for result in browse.results(self._store, ResultQuery(), size=PAGE):
            if result.id in self.seen:
                break
            self._remember(result)
        self.buried = list(browse.letters(self._store, DeadQuery()))
        return len(self.seen) + len(self.buried)

    def activity(self) -> int:
        """The sum of all that workers count: it grows as long as any worker does anything, repetitions included."""
        return sum(sum(worker.counts.values()) for worker in self._store.workers())

    def cursors(self, names: Sequence[str]) -> list[str | None]:
        """The cursors that are saved under these names."""
        return [self._store.load(name) for name in names]

    def observations(self) -> Observations:
        """All that the store holds now, and the first answers that were seen."""
        results = list(browse.results(self._store, ResultQuery(), size=LARGE_PAGE))
        return Observations(
            results,
            list(browse.letters(self._store, DeadQuery())),
            dict(self.seen),
            self._store.count(ResultQuery()),
            self._store.count_by_hour(self._model),
            self._store.count_dead(DeadQuery()),
        )

    def _remember(self, result: Result) -> None:
        if self._model in result.predictions:
            self.seen.setdefault(result.id, result.predictions[self._model])
