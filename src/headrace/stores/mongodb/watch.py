"""Looking up many documents of a MongoDB store at once. The server tells of no changes, so it is asked again and again."""

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from headrace.documents import DeadLetter, Result
from headrace.stores.mongodb import queries
from headrace.stores.mongodb.server import Collections
from headrace.stores.ticks import Ticks

T = TypeVar("T")


class Ask(Protocol):
    """Makes a call of the driver, and raises its errors as Headrace's."""

    def __call__(self, work: Callable[[], T], /) -> T: ...


class MongodbWatch:
    """A watch of a store. The driver's connections are those of the store."""

    def __init__(self, kept: Collections, ask: Ask) -> None:
        self._kept, self._ask = kept, ask
        self._ticks = Ticks()

    def conflicts(self, documents: Sequence[tuple[str, str]]) -> set[int]:
        return self._ask(lambda: queries.conflicts(self._kept, documents)) if documents else set()

    def results(self, ids: Sequence[str]) -> dict[str, Result]:
        found = self._ask(lambda: queries.results_of(self._kept, ids)) if ids else {}
        if found:
            self._ticks.begin()
        return found

    def letters(self, contents: Sequence[str]) -> list[DeadLetter]:
        return self._ask(lambda: queries.letters_of(self._kept, contents)) if contents else []

    def wait(self, seconds: float) -> bool:
        return self._ticks.wait(seconds)

    def close(self) -> None:
        """Does nothing: the connections are the store's."""
