"""Stores: what keeps documents, results and dead letters, and the small ports beside them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, Protocol, TypeVar

import msgspec

from headrace.documents import DeadLetter, Outcome, Prediction, Result
from headrace.ports.brokers import Provisioned
from headrace.ports.watching import Watching

Item = TypeVar("Item", covariant=True)


@dataclass(frozen=True, slots=True)
class ResultQuery:
    """Which results to find or to count. Members left empty don't restrict; all others must hold.

    `model` is a name (`language`), `version` a whole version (`language@3f9c2a`), the bounds of the score are inclusive. `label`, `model`,
    `version` and the score must hold of one and the same answer. `text` is contained in the document's text as it is written, upper and
    lower case differ. `since` (inclusive) and `until` (exclusive) are about `stored_at`, and have a time zone.
    """

    ids: Sequence[str] = ()
    label: str = ""
    model: str = ""
    source: str = ""
    version: str = ""
    min_score: float | None = None
    max_score: float | None = None
    text: str = ""
    since: datetime | None = None
    until: datetime | None = None

    def of_answers(self) -> bool:
        """Whether anything must hold of an answer."""
        bounded = self.min_score is not None or self.max_score is not None
        return bounded or bool(self.label or self.model or self.version)


@dataclass(frozen=True, slots=True)
class DeadQuery:
    """Which dead letters to find or to count. Members left empty don't restrict; all others must hold.

    `burials` are their numbers; `contents` are hashes of id and text, each of which has one dead letter a model at most, while an id may
    have any number; `model` is the one that failed.
    """

    ids: Sequence[str] = ()
    burials: Sequence[int] = ()
    contents: Sequence[str] = ()
    model: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """Items, newest first, and the token of the next page (None on the last)."""

    items: Sequence[Item]
    next: str | None


@dataclass(frozen=True, slots=True)
class Counts:
    """How many documents there are, and how many answers by model and label. What there is none of is left out."""

    documents: int = 0
    answers: Mapping[str, Mapping[str, int]] = field(default_factory=dict)

    def by_model(self) -> dict[str, int]:
        """How many answers each model has given."""
        return {model: sum(labels.values()) for model, labels in self.answers.items()}


class Store(Protocol):
    """Keeps results and dead letters. Safe to use from several threads."""

    def write(self, outcomes: Sequence[Outcome]) -> None:
        """All or nothing, and idempotent.

        A document that is known with the same text keeps its answers; with another text it is buried as a conflict.
        What was published before its id was erased is dropped. An outcome clears the burials of the same document and text by the models
        that answer in it and, if it is complete (no dead letter), the one of the whole document. Raises Rejected if an outcome can't be
        stored: the caller halves.
        """
        ...

    def find(self, query: ResultQuery, *, limit: int = 50, page: str | None = None) -> Page[Result]:
        """Newest first. Raises Rejected for a page token that this store did not give."""
        ...

    def find_dead(self, query: DeadQuery, *, limit: int = 50, page: str | None = None) -> Page[DeadLetter]:
        """Newest first. Raises Rejected for a page token that this store did not give."""
        ...

    def count(self, query: ResultQuery) -> Counts:
        """The results that match, and the answers that these have; only those of the model, if the query names one."""
        ...

    def count_dead(self, query: DeadQuery) -> Mapping[str, int]:
        """The dead letters that match, by kind."""
        ...

    def erase(self, ids: Sequence[str], *, authors: Sequence[str] = ()) -> None:
        """Delete the results and dead letters of these ids and of their edits, and all that these authors have written; drop what is still
        on its way: published before now.

        Authors are named as `belonging.author_of` does. Ids and authors may be unknown, and erasing again is harmless.
        """
        ...

    def drop(self, burials: Sequence[int]) -> None:
        """Delete the dead letters of these numbers; numbers that are gone are ignored."""
        ...

    def close(self) -> None:
        """May be called twice."""
        ...


@dataclass(frozen=True, slots=True)
class StoredPrediction:
    """A prediction that a store has for a document; `answer`: whether it is the one that stands for its model."""

    prediction: Prediction
    answer: bool


class HourCount(msgspec.Struct, frozen=True, gc=False):
    """How many answers with a label there are for documents that were stored within the hour that begins at `hour` (UTC)."""

    hour: datetime
    label: str
    count: int


class History(Protocol):
    """What a store knows beyond the answers that stand; the adapters of stores implement it."""

    def predictions(self, ids: Sequence[str]) -> Mapping[str, Sequence[StoredPrediction]]:
        """All predictions for these documents, by id: answers, and those of shadows and of versions that came later.

        Of each document ordered by model, its answer first, then by version. Documents that are unknown, or have none, are left out.
        """
        ...

    def count_by_hour(
        self, model: str, since: datetime | None = None, until: datetime | None = None
    ) -> Sequence[HourCount]:
        """The answers of a model by hour and label, ordered by both; those without an answer are left out.

        Only hours that begin at or after `since`, and before `until`. Exact: the same as counting the results of each hour.
        """
        ...


class Tombstones(Protocol):
    """What was erased; the adapters of stores implement it."""

    def erased(self, keys: Sequence[str]) -> Mapping[str, int]:
        """When each of these ids, or other keys of `belonging`, was erased last, in microseconds since the epoch; those that never were are
        left out."""
        ...


class Cursors(Protocol):
    """How far each source has been read; the adapters of stores implement it."""

    def load(self, name: str) -> str | None:
        """The cursor that was saved last under this name, or None."""
        ...

    def save(self, name: str, cursor: str) -> None:
        """Durable when it returns."""
        ...

    def cursors(self) -> Mapping[str, str]:
        """All cursors by their names, in alphabetical order."""
        ...


@dataclass(frozen=True, slots=True)
class WorkerStatus:
    """A worker and its progress, as it reports them every few seconds. Times are microseconds since the epoch: what a store lists has them
    by the clock of the store (`Presence.time`), so that workers whose clocks differ can be compared.

    `metrics` is a snapshot of the worker's metrics, in an encoding of its own that a store keeps as it is.
    """

    name: str
    started_at: int
    seen_at: int
    state: str
    models: Sequence[str] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    metrics: bytes = b""


FORGET_SECONDS = 600  # a worker that reported nothing for so long is forgotten


class Presence(Protocol):
    """Which workers there are, judged by one clock, that of the store; the adapters of stores implement it."""

    def time(self) -> int:
        """The time by the clock of the store, in microseconds since the epoch: of its server, or of this host if it has none."""
        ...

    def beat(self, worker: WorkerStatus, *, forget: float = FORGET_SECONDS) -> None:
        """Remember this worker as seen now, by the clock of the store: its own `seen_at` does not count.

        Those that had not been seen for `forget` seconds when this worker reported the time before are forgotten. One that was seen in the
        future, because a clock was wrong, counts as seen now.
        """
        ...

    def workers(self, *, stopped: bool = False) -> list[WorkerStatus]:
        """All that are remembered, by name; those whose last state is `stopped` only if `stopped`: what they counted is still wanted."""
        ...


class StoreAdapter(Store, History, Tombstones, Cursors, Presence, Watching, Provisioned, Protocol):
    """What every adapter implements: a store and the small ports beside it."""
