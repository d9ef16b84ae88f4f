"""Watching a store: it looks up many documents at once, and tells when something may have been written."""

from collections.abc import Mapping, Sequence, Set
from typing import Protocol

from headrace.documents import DeadLetter, Result


class Watch(Protocol):
    """A connection of its own to a store, for one thread. It connects when it is first used, and again after a loss.

    Every method but `close` raises Unavailable if the store can't be reached, or if the connection is lost meanwhile.
    """

    def conflicts(self, documents: Sequence[tuple[str, str]]) -> Set[int]:
        """The places of those among these ids and texts of which the id is stored with another text. An id may be there several times."""
        ...

    def results(self, ids: Sequence[str]) -> Mapping[str, Result]:
        """The results of these ids; ids without one are left out."""
        ...

    def letters(self, contents: Sequence[str]) -> Sequence[DeadLetter]:
        """The dead letters that have these contents, newest first; none for no contents."""
        ...

    def wait(self, seconds: float) -> bool:
        """Wait until something may have been written since the call that returned true last; false if nothing was within these seconds.

        The first call returns true at once. If the store tells nothing by itself, this returns true as often as it has to be asked.
        """
        ...

    def close(self) -> None:
        """May be called twice."""
        ...


class Watching(Protocol):
    """A store that can be watched; the adapters of stores implement it."""

    def watch(self) -> Watch:
        """A new watch, which its caller closes. Nothing is connected yet."""
        ...
