"""The ports: the whole design on one screen.

An adapter implements one of these, with `__init__(plain keywords)` and the classmethod `from_url(url)`; `headrace.urls` knows it by a
string. Everything is synchronous. Adapters raise only `headrace.errors`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from headrace.documents import Body, DeadLetter, Document, Outcome, Prediction, Result


@dataclass(frozen=True, slots=True)
class Deletion:
    """The source says that this document was deleted; Headrace erases it."""

    id: str


@dataclass(frozen=True, slots=True)
class Malformed:
    """Something in the source that is no document, with the reason and where it stands."""

    data: bytes
    reason: str
    where: str


@dataclass(frozen=True, slots=True)
class Gap:
    """The source lost documents here, and says so."""

    reason: str


@dataclass(frozen=True, slots=True)
class Batch:
    """What a source read, and the cursor after which reading goes on."""

    items: Sequence[Document | Deletion | Malformed | Gap]
    cursor: str


class Source(Protocol):
    """Where documents come from."""

    def read(self, after: str | None = None) -> Iterator[Batch]:
        """Batches from the start, or from just after a cursor. May block. Ends where the source ends."""
        ...

    def close(self) -> None:
        """End `read`; may be called from another thread, and twice."""
        ...


@dataclass(frozen=True, slots=True)
class Delivery:
    """One body as the broker hands it over. The receipt is the adapter's own; it dies with its connection.

    `reply`, where whoever published it asked for an answer, sends one; what can't be sent now is left out. `evicted`: why the
    broker's server has put the body out of the queue; it is to be buried, and acked.
    """

    data: bytes
    receipt: Any
    reply: Callable[[bytes], None] | None = None
    evicted: str = ""


@dataclass(frozen=True, slots=True)
class Backlog:
    """Bodies ready and leased, and the age in seconds of the oldest that is not acked; None for what the broker can't tell."""

    ready: int | None
    leased: int | None
    oldest: float | None


class Outlet(Protocol):
    """Where bodies are published: a broker, or a place for others to consume results from; used by one thread.

    A body of results has one key, `model.label` (or `dead.kind`), by which consumers take what they want: a routing key, a message key.
    Whoever isn't there to consume holds nobody up.
    """

    def body_bytes(self) -> int:
        """How large a body may be. Asks the server, where that decides."""
        ...

    def publish(self, bodies: Sequence[Body]) -> None:
        """Return once all are durable, or raise; some may have been published when it raises. Nothing for no bodies.

        Raises Rejected, before it publishes any, where one is larger than `body_bytes`; and where the server will never take one of
        them: the caller halves.
        """
        ...

    def close(self) -> None:
        """May be called twice. What isn't acked goes back at once."""
        ...


class Broker(Outlet, Protocol):
    """Moves bodies, at least once; promises no order."""

    def receive(self, limit: int, wait: float) -> list[Delivery]:
        """Lease bodies of up to `limit` bytes together, but at least one; wait up to `wait` seconds for the first, never for more."""
        ...

    def ack(self, deliveries: Sequence[Delivery]) -> None:
        """These are done: any set, in any order. A lease that is lost, or acked already, is ignored."""
        ...

    def keep(self, deliveries: Sequence[Delivery]) -> None:
        """Extend the leases and answer heartbeats; called every few seconds, also with none."""
        ...

    def backlog(self) -> Backlog:
        """What waits, as far as the broker can tell."""
        ...


class Place(Protocol):
    """Where an adapter keeps things, as a thing of its own; by the same adapters as brokers and stores."""

    def warnings(self) -> list[str]:
        """Settings of the server, or of the place, with which something that was confirmed can be lost: what, when, and what to set
        instead. What the server doesn't tell is left out."""
        ...

    def remove(self) -> None:
        """Remove the queue or the store itself, with all that it holds, and close. Again, or closed already: nothing."""
        ...


class FullBroker(Broker, Place, Protocol):
    """What every adapter of brokers is: a broker with the small port beside it."""


class Classifier(Protocol):
    """Whatever predicts a label for a text."""

    def predict(self, texts: Sequence[str]) -> list[Prediction]:
        """One prediction a text, in order. A remote model may raise Unavailable."""
        ...


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
class Worker:
    """A worker and its progress, as it tells the store every few seconds. Times are microseconds since the epoch."""

    name: str
    started_at: int
    seen_at: int
    state: str
    models: Sequence[str] = ()
    counts: Mapping[str, int] = field(default_factory=dict)


FORGET_SECONDS = 600


class Presence(Protocol):
    """Which workers there are; by the same adapters as stores."""

    def beat(self, worker: Worker) -> None:
        """Remember this worker. Forgotten are one whose state is `stopped`, and any that was last seen FORGET_SECONDS before this."""
        ...

    def workers(self) -> list[Worker]:
        """Those that were remembered and not forgotten, by name."""
        ...


class FullStore(Store, Cursors, Presence, Place, Protocol):
    """What every adapter of stores is: a store with the small ports beside it."""
