"""Stores: what keeps documents, results and dead letters, and the small ports beside them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from headrace.documents import DeadLetter, Outcome, Result
from headrace.ports.brokers import Provisioned


@dataclass(frozen=True, slots=True)
class Query:
    """Which results, or dead letters, to find or count. Empty members ask for nothing; those given must all hold.

    `burials` are numbers of dead letters. `label` and `model` (a name, without a version) speak of answers; on dead letters `model`
    is the one that failed, and `label` finds none.
    """

    kind: Literal["results", "dead"] = "results"
    ids: Sequence[str] = ()
    burials: Sequence[int] = ()
    label: str = ""
    model: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """Results or dead letters, newest first, and the token of the next page (None on the last)."""

    items: Sequence[Result] | Sequence[DeadLetter]
    next: str | None


class Store(Protocol):
    """Keeps results and dead letters. Safe to use from several threads."""

    def write(self, outcomes: Sequence[Outcome]) -> None:
        """All or nothing, and idempotent.

        A document that is known with the same text keeps its answers; with another text it is buried as a conflict.
        What was published before its id was erased is dropped. A complete outcome (no dead letter) clears the burials of the same
        document and text. Raises Rejected where an outcome can't be stored: the caller halves.
        """
        ...

    def find(self, query: Query, *, limit: int = 50, page: str | None = None) -> Page:
        """Newest first. Raises Rejected for a page token that this store did not give."""
        ...

    def count(self, query: Query) -> Mapping[str, int]:
        """Results by label where the query names a model; otherwise answers by model, and all documents under an empty name.
        Dead letters by kind."""
        ...

    def erase(self, ids: Sequence[str]) -> None:
        """Results and dead letters of these ids, known or not, and what is still on its way: published before now."""
        ...

    def drop(self, burials: Sequence[int]) -> None:
        """Forget these dead letters; numbers that are gone are ignored."""
        ...

    def close(self) -> None:
        """May be called twice."""
        ...


class Cursors(Protocol):
    """Where sources are up to; by the same adapters as stores."""

    def load(self, name: str) -> str | None:
        """The cursor that was saved last under this name."""
        ...

    def save(self, name: str, cursor: str) -> None:
        """Durable when it returns."""
        ...


@dataclass(frozen=True, slots=True)
class WorkerStatus:
    """A worker and its progress, as it tells the store every few seconds. Times are microseconds since the epoch.

    `metrics` is a snapshot of the worker's metrics, in an encoding of its own that a store keeps as it is.
    """

    name: str
    started_at: int
    seen_at: int
    state: str
    models: Sequence[str] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    metrics: bytes = b""


FORGET_SECONDS = 600


class Presence(Protocol):
    """Which workers there are; by the same adapters as stores."""

    def beat(self, worker: WorkerStatus) -> None:
        """Remember this worker. Forgotten are one whose state is `stopped`, and any that was last seen FORGET_SECONDS before this."""
        ...

    def workers(self) -> list[WorkerStatus]:
        """Those that were remembered and not forgotten, by name."""
        ...


class StoreAdapter(Store, Cursors, Presence, Provisioned, Protocol):
    """What every adapter of stores is: a store with the small ports beside it."""
