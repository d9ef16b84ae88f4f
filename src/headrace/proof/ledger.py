"""What became of each published document, by what the store holds in the end and what it was seen to hold before. No I/O."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec

from headrace.documents import DeadLetter, Prediction, Result
from headrace.proof.workload import WorkItem

FAILURES = ("lost", "duplicated", "wrong", "unsound")


class Ledger(msgspec.Struct, frozen=True, kw_only=True):
    """The counts of a proof: documents, but for `kills` and `seconds`.

    `published`: confirmed to a publisher, or found in the store. `stored`: with a result. `buried`: with a dead letter of the right kind.
    `lost`: with neither. `duplicated`: with two answers, or an answer that changed. `wrong`: stored with a wrong label or text.
    `unsound`: buried although sound, or with a dead letter of the wrong kind.
    """

    published: int
    stored: int
    lost: int
    duplicated: int
    wrong: int
    buried: int
    unsound: int
    kills: int
    seconds: float

    @property
    def failed(self) -> bool:
        return any((self.lost, self.duplicated, self.wrong, self.unsound))


class Finding(NamedTuple):
    """Something that is wrong: the column of the ledger in which it counts, the document's id (empty for all together), and the reason."""

    column: str
    id: str
    reason: str


@dataclass
class Observations:
    """What the store holds in the end, and the first answer that each document was seen with while the proof ran.

    `answers` is the number of answers by the store's own count.
    """

    results: Sequence[Result] = ()
    letters: Sequence[DeadLetter] = ()
    seen: Mapping[str, Prediction] = field(default_factory=dict)
    answers: int = 0


@dataclass
class Reconciliation:
    """How many documents were published, stored and buried as they should be, and what is wrong."""

    published: int
    stored: int
    buried: int
    findings: list[Finding]

    def ledger(self, kills: int, seconds: float) -> Ledger:
        found = {column: {one.id for one in self.findings if one.column == column} for column in FAILURES}
        return Ledger(
            published=self.published,
            stored=self.stored,
            buried=self.buried,
            kills=kills,
            seconds=round(seconds, 1),
            **{column: len(ids) for column, ids in found.items()},
        )


def reconcile(
    items: Mapping[str, WorkItem],
    confirmed: Collection[str],
    observations: Observations,
    *,
    model: str,
    label: Callable[[str], str],
) -> Reconciliation:
    """Compare what is in the store with the items, which are given by id, of which `confirmed` were published.

    `label` gives the label that the model must give a text. An item that is in the store counts as published even if its publisher was
    killed before it could hear so.
    """
    stored = {result.id for result in observations.results}
    buried = {letter.id for letter in observations.letters if _is_due(items.get(letter.id), letter)}
    present = stored | {letter.id for letter in observations.letters}
    published = set(confirmed) | (present & items.keys())
    findings = [
        *_of_results(items, observations, model, label),
        *_of_letters(items, observations.letters),
        *_of_losses(items, published, stored, buried, observations.seen),
    ]
    return Reconciliation(len(published), len(stored), len(buried), findings)


def _of_results(
    items: Mapping[str, WorkItem], observations: Observations, model: str, label: Callable[[str], str]
) -> Iterable[Finding]:
    listed: set[str] = set()
    answers = 0
    for result in observations.results:
        identity, answer = result.id, result.predictions.get(model)
        item = items.get(identity)
        if identity in listed:
            yield Finding("duplicated", identity, "stored twice")
        listed.add(identity)
        answers += len(result.predictions)
        if len(result.predictions) > 1:
            yield Finding("duplicated", identity, f"has answers by {', '.join(sorted(result.predictions))}")
        if identity in observations.seen and answer is not None and answer != observations.seen[identity]:
            yield Finding("duplicated", identity, f"its answer was {observations.seen[identity]}, and is {answer}")
        if answer is None:
            yield Finding("lost", identity, "stored without an answer")
        if item is None:
            yield Finding("wrong", identity, "stored, but nobody has published it")
        elif item.dead_kinds:
            yield Finding("wrong", identity, f"stored, though it had to be buried ({' or '.join(item.dead_kinds)})")
        elif result.text != item.text:
            yield Finding("wrong", identity, f"published was {item.text!r}, stored is {result.text!r}")
        elif answer is not None and answer.label != (right := label(item.text)):
            yield Finding("wrong", identity, f"the model gives {right!r}, stored is {answer.label!r}")
    if observations.answers > answers:
        yield Finding("duplicated", "", f"the store counts {observations.answers:,} answers, and lists {answers:,}")
    if observations.answers < answers:
        yield Finding("wrong", "", f"the store counts {observations.answers:,} answers, and lists {answers:,}")


def _of_letters(items: Mapping[str, WorkItem], letters: Sequence[DeadLetter]) -> Iterable[Finding]:
    listed: set[str] = set()
    for letter in letters:
        item = items.get(letter.id)
        if letter.id in listed:
            yield Finding("duplicated", letter.id, f"buried twice, now as {letter.kind}")
        listed.add(letter.id)
        if item is None:
            yield Finding("unsound", letter.id, f"buried ({letter.kind}), but nobody has published it: {letter.data!r}")
        elif not _is_due(item, letter):
            yield Finding("unsound", letter.id, f"buried ({letter.kind}): {letter.reason}")


def _of_losses(
    items: Mapping[str, WorkItem],
    published: Collection[str],
    stored: Collection[str],
    buried: Collection[str],
    seen: Mapping[str, Prediction],
) -> Iterable[Finding]:
    for identity in published:
        if items[identity].dead_kinds:
            if identity not in buried:
                yield Finding(
                    "lost", identity, f"published, and not buried ({' or '.join(items[identity].dead_kinds)})"
                )
        elif identity not in stored:
            was = "was stored, and is gone" if identity in seen else "published, and not stored"
            yield Finding("lost", identity, was)


def _is_due(item: WorkItem | None, letter: DeadLetter) -> bool:
    return item is not None and letter.kind in item.dead_kinds
