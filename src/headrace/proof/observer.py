"""What watches a store while a proof runs: every answer as it appears, and all there is in the end."""

from collections.abc import Iterator

from headrace.browse import letters
from headrace.documents import DeadLetter, Prediction, Result
from headrace.ports import Query, StoreAdapter
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
        for result in self._results(PAGE):
            if result.id in self.seen:
                break
            self._remember(result)
        self.buried = list(letters(self._store, Query(kind="dead")))
        return len(self.seen) + len(self.buried)

    def busy(self) -> int:
        """Changes as long as workers do anything, also what others have done before: all that they count, together."""
        return sum(sum(worker.counts.values()) for worker in self._store.workers())

    def observations(self) -> Observations:
        """All that the store has now, beside what it was seen to have."""
        results = list(self._results(LARGE_PAGE))
        counted = self._store.count(Query())
        return Observations(
            results,
            list(letters(self._store, Query(kind="dead"))),
            dict(self.seen),
            sum(number for model, number in counted.items() if model),
        )

    def _results(self, size: int) -> Iterator[Result]:
        page: str | None = None
        while True:
            found = self._store.find(Query(), limit=size, page=page)
            for item in found.items:
                assert isinstance(item, Result)
                yield item
            page = found.next
            if page is None:
                return

    def _remember(self, result: Result) -> None:
        if self._model in result.predictions:
            self.seen.setdefault(result.id, result.predictions[self._model])
