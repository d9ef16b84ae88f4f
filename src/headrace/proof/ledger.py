"""What became of what was published: judged by what the store has in the end, and what it was seen to have before. No I/O."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec

from headrace.documents import DeadLetter, Prediction, Result
from headrace.proof.workload import WorkItem

FAILURES = ("lost", "duplicated", "wrong", "unsound")


class Ledger(msgspec.Struct, frozen=True, kw_only=True):
    """All counts of a proof. `published`: confirmed to a publisher; the rest are documents of these, but for `kills`.

    `stored`: with a result. `buried`: as they should be. `lost`: neither. `duplicated`: with two answers, or one that changed. `wrong`:
    stored with another label or text than they should have. `unsound`: buried though sound, or as something else than they are.
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
    """Something that shouldn't be: in which column of the ledger it counts, which document, and why."""

    column: str
    id: str
    reason: str


@dataclass
class Observations:
    """What the store has in the end, and the answers that it was seen to have while all ran.

    `answers` is how many answers the store counts by itself.
    """

    results: Sequence[Result] = ()
    letters: Sequence[DeadLetter] = ()
    seen: Mapping[str, Prediction] = field(default_factory=dict)
    answers: int = 0


@dataclass
class Reconciliation:
    """The findings about what was published, and what is as it should be."""

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
    """Judge all by what was published, by id; `label` is what the model gives for a text.

    What a publisher was never told to be published counts as published where it came out all the same.
    """
    stored = {result.id for result in observations.results}
    buried = {letter.id for letter in observations.letters if _is_due(items.get(letter.id), letter)}
    out = stored | {letter.id for letter in observations.letters}
    published = set(confirmed) | (out & items.keys())
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
        elif item.fates:
            yield Finding("wrong", identity, f"stored, though it had to be buried ({' or '.join(item.fates)})")
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
        if items[identity].fates:
            if identity not in buried:
                yield Finding("lost", identity, f"published, and not buried ({' or '.join(items[identity].fates)})")
        elif identity not in stored:
            was = "was stored, and is gone" if identity in seen else "published, and not stored"
            yield Finding("lost", identity, was)


def _is_due(item: WorkItem | None, letter: DeadLetter) -> bool:
    return item is not None and letter.kind in item.fates
