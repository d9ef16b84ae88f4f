"""Looking up many documents of the store in memory at once, and learning of its changes."""

import threading
from collections.abc import Callable, Sequence

from headrace.documents import DeadLetter, Result
from headrace.ports import DeadQuery, ResultQuery, Store


class MemoryWatch:
    """A watch of a store. `changed` is notified after each change, and `changes` counts them."""

    def __init__(self, store: Store, changed: threading.Condition, changes: Callable[[], int]) -> None:
        self._store, self._changed, self._changes = store, changed, changes
        self._seen = -1

    def conflicts(self, documents: Sequence[tuple[str, str]]) -> set[int]:
        found = self.results([identity for identity, _ in documents])
        return {
            place
            for place, (identity, text) in enumerate(documents)
            if identity in found and found[identity].text != text
        }

    def results(self, ids: Sequence[str]) -> dict[str, Result]:
        if not ids:
            return {}
        found = self._store.find(ResultQuery(ids=ids), limit=len(ids)).items
        return {result.id: result for result in found}

    def letters(self, contents: Sequence[str]) -> list[DeadLetter]:
        found: list[DeadLetter] = []
        page: str | None = None
        while contents:
            letters = self._store.find_dead(DeadQuery(contents=contents), limit=len(contents), page=page)
            found += letters.items
            page = letters.next
            if page is None:
                break
        return found

    def wait(self, seconds: float) -> bool:
        with self._changed:
            changed = self._changed.wait_for(lambda: self._changes() != self._seen, seconds)
            self._seen = self._changes()
            return changed

    def close(self) -> None:
        """Does nothing: no resource is held."""
