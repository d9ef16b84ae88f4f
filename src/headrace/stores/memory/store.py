"""A store in the memory of one process: for tests, and for `up` with nothing kept."""

import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice

from headrace.belonging import keys_of, keys_to_erase
from headrace.clock import HOUR, microseconds, to_datetime, to_microseconds
from headrace.documents import DeadLetter, Document, Outcome, Prediction, Result
from headrace.ports import (
    FORGET_SECONDS,
    Counts,
    DeadQuery,
    HourCount,
    Page,
    ResultQuery,
    StoredPrediction,
    WorkerStatus,
    model_of,
)
from headrace.stores import pages
from headrace.stores.memory.dead_letters import DeadLetters
from headrace.stores.memory.watch import MemoryWatch
from headrace.stores.merging import Known, Plan, ids_of, ordered, plan
from headrace.stores.presence import RememberedWorkers

GONE = "the store memory: loses all that is stored when its process ends; name another"


@dataclass
class Row:
    """A stored document with its predictions."""

    number: int
    document: Document
    stored_at: int
    answers: dict[str, Prediction] = field(default_factory=dict)
    others: dict[str, Prediction] = field(default_factory=dict)

    def result(self) -> Result:
        found = self.document
        published_at = None if found.published_at is None else to_datetime(found.published_at)
        said = found.id, found.text, found.source, found.created_at, found.meta
        return Result(*said, dict(self.answers), published_at, to_datetime(self.stored_at))


class MemoryStore:
    """Keeps everything in dictionaries, behind one lock."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)
        self._changes = 0
        self._rows: dict[str, Row] = {}
        self._by_number: dict[int, Row] = {}
        self._found_by: dict[str, set[str]] = {}  # the ids of documents, by what they are erased by
        self._dead = DeadLetters()
        self._erased: dict[str, int] = {}
        self._cursors: dict[str, str] = {}
        self._workers = RememberedWorkers()
        self._next_document = 1

    @classmethod
    def from_url(cls, _url: str) -> "MemoryStore":
        return cls()

    def connect(self) -> "MemoryStore":
        """This very store: it may be shared."""
        return self

    def write(self, outcomes: Sequence[Outcome]) -> None:
        with self._lock:
            known = {identity: _known(self._rows[identity]) for identity in ids_of(outcomes) & self._rows.keys()}
            number, any_buried = self._next_document, bool(self._dead)
            now = microseconds()
            self._apply(plan(outcomes, known, self._erased, next_number=number, now=now, any_buried=any_buried))
            self._changes += 1
            self._changed.notify_all()

    def find(self, query: ResultQuery, *, limit: int = 50, page: str | None = None) -> Page[Result]:
        below = pages.below(page)
        with self._lock:
            rows = [row for row in self._matching(query) if below is None or row.number < below]
            rows.sort(key=lambda row: -row.number)
            shown, following = pages.cut(rows, limit, lambda row: row.number)
            return Page([row.result() for row in shown], following)

    def find_dead(self, query: DeadQuery, *, limit: int = 50, page: str | None = None) -> Page[DeadLetter]:
        below = pages.below(page)
        with self._lock:
            letters = list(islice(self._dead.find(query, below), limit + 1))
            return Page(*pages.cut(letters, limit, lambda letter: letter.burial))

    def count(self, query: ResultQuery) -> Counts:
        with self._lock:
            rows = list(self._matching(query))
            answers: dict[str, Counter[str]] = {}
            for row in rows:
                for model, answer in row.answers.items():
                    if query.model in ("", model):
                        answers.setdefault(model, Counter())[answer.label] += 1
            return Counts(len(rows), {model: dict(labels) for model, labels in answers.items()})

    def count_dead(self, query: DeadQuery) -> dict[str, int]:
        with self._lock:
            return dict(Counter(letter.kind for letter in self._dead.find(query)))

    def predictions(self, ids: Sequence[str]) -> dict[str, list[StoredPrediction]]:
        found: dict[str, list[StoredPrediction]] = {}
        with self._lock:
            for row in (self._rows[identity] for identity in set(ids) & self._rows.keys()):
                those = [StoredPrediction(one, True) for one in row.answers.values()]
                those += [StoredPrediction(one, False) for one in row.others.values()]
                if those:
                    found[row.document.id] = ordered(those)
        return found

    def count_by_hour(
        self, model: str, since: datetime | None = None, until: datetime | None = None
    ) -> list[HourCount]:
        first = None if since is None else to_microseconds(since)
        after = None if until is None else to_microseconds(until)
        with self._lock:
            cells = Counter(
                (row.stored_at // HOUR * HOUR, row.answers[model].label)
                for row in self._rows.values()
                if model in row.answers
            )
        return [
            HourCount(to_datetime(hour), label, count)
            for (hour, label), count in sorted(cells.items())
            if (first is None or hour >= first) and (after is None or hour < after)
        ]

    def erase(self, ids: Sequence[str], *, authors: Sequence[str] = ()) -> None:
        keys, now = keys_to_erase(ids, authors), microseconds()
        with self._lock:
            for key in keys:
                # A clock that was set back must not make the tombstone older than what it erases.
                latest = max(now, self._erased.get(key, 0))
                for identity in [*self._found_by.get(key, ())]:
                    latest = max(latest, self._forget(identity).published_at or 0)
                self._erased[key] = latest
            self._dead.erase(set(keys))

    def drop(self, burials: Sequence[int]) -> None:
        with self._lock:
            self._dead.drop(burials)

    def erased(self, keys: Sequence[str]) -> dict[str, int]:
        with self._lock:
            return {key: self._erased[key] for key in set(keys) & self._erased.keys()}

    def load(self, name: str) -> str | None:
        with self._lock:
            return self._cursors.get(name)

    def save(self, name: str, cursor: str) -> None:
        with self._lock:
            self._cursors[name] = cursor

    def cursors(self) -> dict[str, str]:
        with self._lock:
            return dict(sorted(self._cursors.items()))

    def time(self) -> int:
        return microseconds()

    def beat(self, worker: WorkerStatus, *, forget: float = FORGET_SECONDS) -> None:
        self._workers.beat(worker, forget)

    def workers(self, *, stopped: bool = False) -> list[WorkerStatus]:
        return self._workers.listed(stopped=stopped)

    def watch(self) -> MemoryWatch:
        return MemoryWatch(self, self._changed, lambda: self._changes)

    def close(self) -> None:
        """Does nothing: no resource is held."""

    def warnings(self) -> list[str]:
        return [GONE]

    def remove(self) -> None:
        with self._lock:
            self._dead = DeadLetters()
            self._workers.clear()
            for kept in (self._rows, self._by_number, self._found_by, self._erased, self._cursors):
                kept.clear()

    def _apply(self, made: Plan) -> None:
        by_number = self._by_number
        for number, document in made.documents:
            by_number[number] = self._rows[document.id] = Row(number, document, made.now)
            for key in keys_of(document):
                self._found_by.setdefault(key, set()).add(document.id)
        self._next_document += len(made.documents)
        for number, prediction in made.answers:
            by_number[number].answers[model_of(prediction.model)] = prediction
        for number, prediction in made.predictions:
            by_number[number].others[prediction.model] = prediction
        self._dead.clear(made.cleared)
        for letter in made.burials.values():
            self._dead.bury(letter)

    def _forget(self, identity: str) -> Document:
        """Remove a document that is stored, and return it."""
        row = self._rows.pop(identity)
        del self._by_number[row.number]
        for key in keys_of(row.document):
            self._found_by[key].discard(identity)
            if not self._found_by[key]:
                del self._found_by[key]
        return row.document

    def _matching(self, query: ResultQuery) -> Iterator[Row]:
        ids = set(query.ids)
        since, until = (None if at is None else to_microseconds(at) for at in (query.since, query.until))
        for row in self._rows.values():
            if (
                (not ids or row.document.id in ids)
                and (not query.source or row.document.source == query.source)
                and query.text in row.document.text
                and (since is None or row.stored_at >= since)
                and (until is None or row.stored_at < until)
                and (not query.of_answers() or any(_answers(query, model, one) for model, one in row.answers.items()))
            ):
                yield row


def _answers(query: ResultQuery, model: str, answer: Prediction) -> bool:
    """Whether an answer of a model is what a query asks for."""
    return (
        query.model in ("", model)
        and query.label in ("", answer.label)
        and query.version in ("", answer.model)
        and (query.min_score is None or answer.score >= query.min_score)
        and (query.max_score is None or answer.score <= query.max_score)
    )


def _known(row: Row) -> Known:
    versions = [prediction.model for prediction in row.answers.values()]
    return Known(row.number, row.document.text, row.stored_at, list(row.answers), [*versions, *row.others])
