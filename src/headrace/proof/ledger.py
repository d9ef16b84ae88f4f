"""What became of each published document, by what the store holds in the end and what it was seen to hold before. No I/O."""

from collections.abc import Collection, Iterable, Mapping

import msgspec

from headrace.documents import Prediction
from headrace.proof.findings import FAILURES, Expected, Finding, Observations, is_due, of_counts, of_letters, of_results
from headrace.proof.workload import WorkItem


class Ledger(msgspec.Struct, frozen=True, kw_only=True):
    """The counts of a proof: documents, but for `kills` and `seconds`.

    `published`: all, once the publishers said that they are done; before that, those confirmed to a publisher or found in the store.
    `stored`: with a result. `buried`: with a dead letter of the right kind. `lost`: with neither. `duplicated`: with two answers, or an
    answer that changed. `wrong`: stored or buried with a content that was not published, or with an answer that the model does not give.
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


class Reconciliation(msgspec.Struct, frozen=True):
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
    items: Mapping[str, WorkItem], confirmed: Collection[str], observations: Observations, expected: Expected
) -> Reconciliation:
    """Compare what is in the store with the items, which are given by id, of which `confirmed` were published.

    An item that is in the store counts as published even if its publisher was killed before it could hear so.
    """
    stored = {result.id for result in observations.results}
    buried = {letter.id for letter in observations.letters if is_due(items.get(letter.id), letter)}
    present = stored | {letter.id for letter in observations.letters}
    published = set(confirmed) | (present & items.keys())
    findings = [
        *of_results(items, observations, expected),
        *of_letters(items, observations.letters, expected),
        *of_counts(observations),
        *_of_losses(items, published, stored, buried, observations.seen),
    ]
    return Reconciliation(len(published), len(stored), len(buried), findings)


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
