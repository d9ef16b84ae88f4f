"""What watches a store while a proof runs: every answer as it appears, and all there is in the end."""

from headrace import browse
from headrace.documents import DeadLetter, Prediction, Result
from headrace.ports import DeadQuery, ResultQuery, StoreAdapter
from headrace.proof.ledger import Observations

PAGE, LARGE_PAGE = 200, 5000  # what is new since the last look; and all, from a server that sorts all for each page


class Observer:
    """Remembers the first answer that each document was seen with."""

    def __init__(self, store: StoreAdapter, model: str) -> None:
        self._store = store
        self._model = model
        self.seen: dict[str, Prediction] = {}
        self.buried: list[DeadLetter] = []

    def look(self) -> int:
        """How many results and dead letters are known, once those that are new were looked at.

        Newest first, up to a page that ends with one that is known: what was numbered earlier and committed later may be missed now.
        """
        for result in browse.results(self._store, ResultQuery(), size=PAGE):
            if result.id in self.seen:
                break
            self._remember(result)
        self.buried = list(browse.letters(self._store, DeadQuery()))
        return len(self.seen) + len(self.buried)

    def busy(self) -> int:
        """Changes as long as workers do anything, also what others have done before: all that they count, together."""
        return sum(sum(worker.counts.values()) for worker in self._store.workers())

    def observations(self) -> Observations:
        """All that the store has now, beside what it was seen to have."""
        results = list(browse.results(self._store, ResultQuery(), size=LARGE_PAGE))
        return Observations(
            results,
            list(browse.letters(self._store, DeadQuery())),
            dict(self.seen),
            sum(self._store.count(ResultQuery()).by_model().values()),
        )

    def _remember(self, result: Result) -> None:
        if self._model in result.predictions:
            self.seen.setdefault(result.id, result.predictions[self._model])
