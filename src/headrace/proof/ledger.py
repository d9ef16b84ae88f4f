"""What became of what was published: judged by what the store has in the end, and what it was seen to have before. No I/O."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec

from headrace.documents import DeadLetter, Prediction, Result
from headrace.proof.exhibits import Exhibit

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
class Evidence:
    """What the store has in the end, and the answers that it was seen to have while all ran.

    `answers` is how many answers the store counts by itself.
    """

    results: Sequence[Result] = ()
    letters: Sequence[DeadLetter] = ()
    seen: Mapping[str, Prediction] = field(default_factory=dict)
    answers: int = 0


@dataclass
class Judgement:
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


def judge(
    exhibits: Mapping[str, Exhibit],
    confirmed: Collection[str],
    evidence: Evidence,
    *,
    model: str,
    label: Callable[[str], str],
) -> Judgement:
    """Judge all by what was published, by id; `label` is what the model gives for a text.

    What a publisher was never told to be published counts as published where it came out all the same.
    """
    stored = {result.id for result in evidence.results}
    buried = {letter.id for letter in evidence.letters if _is_due(exhibits.get(letter.id), letter)}
    out = stored | {letter.id for letter in evidence.letters}
    published = set(confirmed) | (out & exhibits.keys())
    findings = [
        *_of_results(exhibits, evidence, model, label),
        *_of_letters(exhibits, evidence.letters),
        *_of_losses(exhibits, published, stored, buried, evidence.seen),
    ]
    return Judgement(len(published), len(stored), len(buried), findings)


def _of_results(
    exhibits: Mapping[str, Exhibit], evidence: Evidence, model: str, label: Callable[[str], str]
) -> Iterable[Finding]:
    listed: set[str] = set()
    answers = 0
    for result in evidence.results:
        identity, answer = result.id, result.predictions.get(model)
        exhibit = exhibits.get(identity)
        if identity in listed:
            yield Finding("duplicated", identity, "stored twice")
        listed.add(identity)
        answers += len(result.predictions)
        if len(result.predictions) > 1:
            yield Finding("duplicated", identity, f"has answers by {', '.join(sorted(result.predictions))}")
        if identity in evidence.seen and answer is not None and answer != evidence.seen[identity]:
            yield Finding("duplicated", identity, f"its answer was {evidence.seen[identity]}, and is {answer}")
        if answer is None:
            yield Finding("lost", identity, "stored without an answer")
        if exhibit is None:
            yield Finding("wrong", identity, "stored, but nobody has published it")
        elif exhibit.fates:
            yield Finding("wrong", identity, f"stored, though it had to be buried ({' or '.join(exhibit.fates)})")
        elif result.text != exhibit.text:
            yield Finding("wrong", identity, f"published was {exhibit.text!r}, stored is {result.text!r}")
        elif answer is not None and answer.label != (right := label(exhibit.text)):
            yield Finding("wrong", identity, f"the model gives {right!r}, stored is {answer.label!r}")
    if evidence.answers > answers:
        yield Finding("duplicated", "", f"the store counts {evidence.answers:,} answers, and lists {answers:,}")
    if evidence.answers < answers:
        yield Finding("wrong", "", f"the store counts {evidence.answers:,} answers, and lists {answers:,}")


def _of_letters(exhibits: Mapping[str, Exhibit], letters: Sequence[DeadLetter]) -> Iterable[Finding]:
    listed: set[str] = set()
    for letter in letters:
        exhibit = exhibits.get(letter.id)
        if letter.id in listed:
            yield Finding("duplicated", letter.id, f"buried twice, now as {letter.kind}")
        listed.add(letter.id)
        if exhibit is None:
            yield Finding("unsound", letter.id, f"buried ({letter.kind}), but nobody has published it: {letter.data!r}")
        elif not _is_due(exhibit, letter):
            yield Finding("unsound", letter.id, f"buried ({letter.kind}): {letter.reason}")


def _of_losses(
    exhibits: Mapping[str, Exhibit],
    published: Collection[str],
    stored: Collection[str],
    buried: Collection[str],
    seen: Mapping[str, Prediction],
) -> Iterable[Finding]:
    for identity in published:
        if exhibits[identity].fates:
            if identity not in buried:
                yield Finding("lost", identity, f"published, and not buried ({' or '.join(exhibits[identity].fates)})")
        elif identity not in stored:
            was = "was stored, and is gone" if identity in seen else "published, and not stored"
            yield Finding("lost", identity, was)


def _is_due(exhibit: Exhibit | None, letter: DeadLetter) -> bool:
    return exhibit is not None and letter.kind in exhibit.fates
