"""What is wrong with the results, the dead letters and the counts of a store, compared with what was published. No I/O."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import msgspec

from headrace.burial import bury_bytes
from headrace.clock import to_datetime
from headrace.documents import DeadLetter, Document, Prediction, Result, decode
from headrace.errors import Rejected
from headrace.ports import Counts, HourCount, model_of
from headrace.proof.workload import WorkItem

FAILURES = ("lost", "duplicated", "wrong", "unsound")
CLOCK_SECONDS = 60  # by which a clock may be set, or differ
_canonical = msgspec.json.Encoder(order="deterministic").encode


class Finding(NamedTuple):
    """Something that is wrong: the column of the ledger in which it counts, the document's id (empty for all together), and the reason."""

    column: str
    id: str
    reason: str


@dataclass(frozen=True)
class Expected:
    """What answers and times must be.

    All answers are by `version`, with the label that `label` gives the text and a score that `is_score` knows. All was published from
    `since` to `until`, in microseconds since the epoch; clocks may be set by CLOCK_SECONDS meanwhile.
    """

    version: str
    label: Callable[[str], str]
    is_score: Callable[[str, float], bool]
    since: int
    until: int

    @property
    def model(self) -> str:
        return model_of(self.version)

    def is_time(self, at: datetime | None) -> bool:
        """Whether something may have been published at that time."""
        slack = timedelta(seconds=CLOCK_SECONDS)
        return at is not None and to_datetime(self.since) - slack <= at <= to_datetime(self.until) + slack


@dataclass
class Observations:
    """What the store holds in the end, and the first answer that each document was seen with while the proof ran.

    `counts`, `hours` (of the answers of the model) and `dead` (by kind) are the store's own counts.
    """

    results: Sequence[Result] = ()
    letters: Sequence[DeadLetter] = ()
    seen: Mapping[str, Prediction] = field(default_factory=dict)
    counts: Counts = field(default_factory=Counts)
    hours: Sequence[HourCount] = ()
    dead: Mapping[str, int] = field(default_factory=dict)


def of_results(items: Mapping[str, WorkItem], observations: Observations, expected: Expected) -> Iterator[Finding]:
    """Results that no document has, that are listed twice, or that differ from what was published and what the model gives."""
    listed: set[str] = set()
    for result in observations.results:
        identity, answer = result.id, result.predictions.get(expected.model)
        item, seen = items.get(identity), observations.seen.get(identity)
        if identity in listed:
            yield Finding("duplicated", identity, "stored twice")
        listed.add(identity)
        if len(result.predictions) > 1:
            yield Finding("duplicated", identity, f"has answers by {', '.join(sorted(result.predictions))}")
        if answer is None:
            yield Finding("lost", identity, "stored without an answer")
        if item is None:
            yield Finding("wrong", identity, "stored, but nobody has published it")
        elif item.dead_kinds:
            yield Finding("wrong", identity, f"stored, though it had to be buried ({' or '.join(item.dead_kinds)})")
        elif differences := list(_differences(item, result)):
            yield Finding("wrong", identity, "; ".join(differences))
        elif not expected.is_time(result.published_at) or result.stored_at is None:
            yield Finding(
                "wrong", identity, f"said to be published at {result.published_at}, and stored at {result.stored_at}"
            )
        if seen is not None and answer is not None and answer != seen:
            yield Finding("duplicated", identity, f"its answer was {seen}, and is {answer}")
        elif item is not None and answer is not None and (fault := _fault(item.text, answer, expected)):
            yield Finding("wrong", identity, fault)


def of_letters(items: Mapping[str, WorkItem], letters: Sequence[DeadLetter], expected: Expected) -> Iterator[Finding]:
    """Dead letters of documents that are sound or unknown, that are listed twice, or that can't be replayed as they were published."""
    listed: set[str] = set()
    for letter in letters:
        item = items.get(letter.id)
        if letter.id in listed:
            yield Finding("duplicated", letter.id, f"buried twice, now as {letter.kind}")
        listed.add(letter.id)
        if item is None:
            yield Finding("unsound", letter.id, f"buried ({letter.kind}), but nobody has published it: {letter.data!r}")
        elif not is_due(item, letter):
            yield Finding("unsound", letter.id, f"buried ({letter.kind}): {letter.reason}")
        elif fault := _letter_fault(item, letter, expected):
            yield Finding("wrong", letter.id, fault)


def of_counts(observations: Observations) -> Iterator[Finding]:
    """Counts of the store that differ from what it lists: answers by label, by hour, and dead letters by kind."""
    answers = [
        (model, one.label, one_result.stored_at)
        for one_result in observations.results
        for model, one in one_result.predictions.items()
    ]
    counted = {
        (model, label): n for model, labels in observations.counts.answers.items() for label, n in labels.items()
    }
    by_hour = {(one.hour, one.label): one.count for one in observations.hours}
    listed_by_hour = Counter((_hour(at), label) for _, label, at in answers if at is not None)
    yield from _unequal("results", {"": observations.counts.documents}, {"": len(observations.results)})
    yield from _unequal("answers", counted, Counter((model, label) for model, label, _ in answers))
    yield from _unequal("answers by hour", by_hour, listed_by_hour)
    yield from _unequal("dead letters", observations.dead, Counter(one.kind for one in observations.letters))


def is_due(item: WorkItem | None, letter: DeadLetter) -> bool:
    """Whether the item had to become such a dead letter."""
    return item is not None and letter.kind in item.dead_kinds


def _differences(item: WorkItem, found: Result | Document) -> Iterator[str]:
    """How what was found differs from what was published."""
    for name in ("text", "source", "created_at", "meta"):
        published, stored = getattr(item, name), getattr(found, name)
        if _canonical(published) != _canonical(stored):  # not ==, to which 1, 1.0 and true are the same
            yield f"its {name} was published as {published!r}, and is {stored!r}"


def _fault(text: str, answer: Prediction, expected: Expected) -> str:
    """Why the model can't have given this answer; empty if it can."""
    if answer.model != expected.version:
        return f"the model is {expected.version!r}, the answer is by {answer.model!r}"
    if answer.label != (right := expected.label(text)):
        return f"the model gives {right!r}, stored is {answer.label!r}"
    return "" if expected.is_score(text, answer.score) else f"the model never gives the score {answer.score!r}"


def _letter_fault(item: WorkItem, letter: DeadLetter, expected: Expected) -> str:
    """What is wrong with a dead letter of the right kind; empty if nothing is."""
    if letter.kind == "malformed":
        # The id of what can't be read is the hash of its bytes.
        whole = not letter.model and bury_bytes(letter.data, "").id == item.id
        return "" if whole else f"buried with other bytes than were published: {letter.data!r}"
    try:
        document = decode(letter.data)
    except Rejected as error:
        return f"buried with bytes that can't be replayed ({error}): {letter.data!r}"
    differences = list(_differences(item, document))
    if document.id != item.id:
        differences.append(f"its id in the bytes is {document.id!r}")
    if letter.source != item.source:
        differences.append(f"its source was published as {item.source!r}, and is {letter.source!r}")
    published_at = None if letter.published_at is None else to_datetime(letter.published_at)
    if not expected.is_time(published_at) or letter.published_at != document.published_at:
        differences.append(f"it is said to be published at {published_at}")
    if letter.model != expected.model:
        differences.append(f"it is said to be buried for the model {letter.model!r}")
    return "; ".join(differences)


def _unequal(what: str, counted: Mapping[Any, int], listed: Mapping[Any, int]) -> Iterable[Finding]:
    """A finding if more or fewer are counted than are listed, in all or by any key."""
    many, few = sum(counted.values()), sum(listed.values())
    if any(counted.get(key, 0) != listed.get(key, 0) for key in {**counted, **listed}):
        column = "duplicated" if many > few else "wrong"
        yield Finding(column, "", f"the store counts {many:,} {what}, and lists {few:,}, or counts them otherwise")


def _hour(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
