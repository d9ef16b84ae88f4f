"""What a proof makes of what the store has: each column of the ledger counts what it says, and nothing else."""

import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from headrace.burial import bury_bytes
from headrace.documents import DeadLetter, Document, Prediction, Result, decode, encode, pack, read, stamp, unpack
from headrace.ports import Counts, HourCount
from headrace.proof import workload
from headrace.proof.findings import FAILURES, Expected, Finding, Observations
from headrace.proof.ledger import Ledger, Reconciliation, reconcile
from headrace.proof.workload import WorkItem
from headrace.testing.classifiers import checksum, is_signed, signed_score

AT = datetime(2026, 1, 31, 12, 30, tzinfo=UTC)
MICROSECONDS = int(AT.timestamp()) * 1_000_000
ALL: Mapping[str, WorkItem] = {one.id: one for one in workload.make(400, random.Random(1))}
SOUND = [one for one in ALL.values() if not one.dead_kinds]
POISON = next(one for one in ALL.values() if one.dead_kinds == ("raised",))
TORN = next(one for one in ALL.values() if one.is_torn)
A = next(one for one in SOUND if one.meta and one.created_at)
B = next(one for one in SOUND if one is not A)
NUMBERED = next(one for one in SOUND if one.meta.get("likes") and one is not A)
EXPECTED = Expected("proof@eeeeee", checksum, is_signed, MICROSECONDS, MICROSECONDS)


def answer(item: WorkItem, *, moment: int = 1, label: str = "", model: str = "proof@eeeeee") -> Prediction:
    return Prediction(label or checksum(item.text), signed_score(item.text, moment), model)


def result(item: WorkItem, *answers: Prediction) -> Result:
    found = {one.model.partition("@")[0]: one for one in answers or (answer(item),)}
    return Result(item.id, item.text, item.source, item.created_at, dict(item.meta), found, AT, AT)


def letter(item: WorkItem, kind: str = "", *, published: WorkItem | None = None) -> DeadLetter:
    """The dead letter of an item; `published` is what it holds, if that is something else."""
    it = published or item
    kind = kind or item.dead_kinds[0]
    if kind == "malformed":
        data = truncated(it) if it.text.startswith("TRUNCATE") else it.line
        return bury_bytes(data, "because")
    data = encode(Document(it.id, it.text, it.source, it.created_at, dict(it.meta), MICROSECONDS))
    return DeadLetter(item.id, kind, "because", data, item.id, "proof", it.source, MICROSECONDS)


def truncated(item: WorkItem) -> bytes:
    (body,) = pack([stamp(read(msgspec.json.decode(item.line)), 1)])
    return workload.truncate(body).data


def sound() -> Observations:
    """What the store has when all is as it should be."""
    results = [result(one) for one in SOUND]
    seen = {one.id: answer(one) for one in SOUND}
    return counted(Observations(results, [letter(one) for one in ALL.values() if one.dead_kinds], seen))


def counted(observations: Observations) -> Observations:
    """The observations with the counts that belong to their lists."""
    answers = [one for found in observations.results for one in found.predictions.items()]
    labels: dict[str, Counter[str]] = {}
    for model, one in answers:
        labels.setdefault(model, Counter())[one.label] += 1
    every = Counter(one.label for _, one in answers)
    observations.counts = Counts(len(observations.results), labels)
    observations.hours = [HourCount(AT.replace(minute=0), label, count) for label, count in every.items()]
    observations.dead = Counter(one.kind for one in observations.letters)
    return observations


def reconciled(observations: Observations, confirmed: Mapping[str, WorkItem] = ALL) -> Reconciliation:
    return reconcile(ALL, set(confirmed), observations, EXPECTED)


def columns(observations: Observations) -> dict[str, set[str]]:
    """The ids in each column where something is wrong."""
    found: dict[str, set[str]] = {}
    for one in reconciled(observations).findings:
        found.setdefault(one.column, set()).add(one.id)
    return found


def test_where_all_is_as_it_should_be_nothing_is_found() -> None:
    found = reconciled(sound())
    assert found.findings == []
    ledger = found.ledger(3, 1.25)
    assert ledger == Ledger(
        published=400, stored=393, buried=7, lost=0, duplicated=0, wrong=0, unsound=0, kills=3, seconds=1.2
    )
    assert not ledger.failed
    assert tuple(msgspec.to_builtins(ledger)) == (
        "published", "stored", "lost", "duplicated", "wrong", "buried", "unsound", "kills", "seconds",
    )  # fmt: skip


def test_what_was_never_published_is_not_lost() -> None:
    observations = sound()
    observations.results = [one for one in observations.results if one.id != A.id]
    observations.seen = {}
    counted(observations)
    rest = {name: one for name, one in ALL.items() if name != A.id}
    assert reconciled(observations, rest).findings == []
    assert reconciled(observations, rest).published == 399


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        ("gone", {"lost": {A.id}}),
        ("poison that was not buried", {"lost": {POISON.id}}),
        ("without an answer", {"lost": {A.id}}),
        ("listed twice", {"duplicated": {A.id}}),
        ("an answer that changed", {"duplicated": {A.id}}),
        ("answers by two models", {"duplicated": {A.id}}),
        ("another label", {"wrong": {A.id}}),
        ("another text", {"wrong": {A.id}}),
        ("poison that was stored", {"wrong": {POISON.id}}),
        ("nobody's document", {"wrong": {"nobody's"}}),
        ("sound and buried", {"unsound": {A.id}, "lost": {A.id}}),
        ("sound, stored and buried", {"unsound": {A.id}}),
        ("buried as something else", {"unsound": {POISON.id}, "lost": {POISON.id}}),
        ("buried twice", {"duplicated": {POISON.id}}),
        ("nobody's dead letter", {"unsound": {"nobody's"}}),
        ("more answers than are listed", {"duplicated": {""}}),
        ("fewer answers than are listed", {"wrong": {""}}),
        ("answers counted under another label", {"wrong": {""}}),
        ("an answer counted in another hour", {"wrong": {""}}),
        ("fewer dead letters than are listed", {"wrong": {""}}),
        ("more results than are listed", {"duplicated": {""}}),
        ("another score", {"wrong": {A.id}}),
        ("a score of another text", {"wrong": {A.id}}),
        ("another version", {"wrong": {A.id}}),
        ("without its source", {"wrong": {A.id}}),
        ("without its meta", {"wrong": {A.id}}),
        ("whole numbers in meta that became fractions", {"wrong": {NUMBERED.id}}),
        ("without its created_at", {"wrong": {A.id}}),
        ("without its published_at", {"wrong": {A.id}}),
        ("published before it was", {"wrong": {A.id}}),
        ("without its stored_at", {"wrong": {A.id}, "duplicated": {""}}),
        ("poison whose bytes lost something", {"wrong": {POISON.id}}),
        ("poison whose bytes can't be read", {"wrong": {POISON.id}}),
        ("poison without its meta", {"wrong": {POISON.id}}),
        ("poison that lost its time", {"wrong": {POISON.id}}),
        ("poison of another model", {"wrong": {POISON.id}}),
        ("poison of another source", {"wrong": {POISON.id}}),
        ("a torn line that lost bytes", {"wrong": {TORN.id}}),
    ],
)
def test_each_fault_counts_in_its_column(case: str, expected: dict[str, set[str]]) -> None:
    observations = sound()
    others = [one for one in observations.results if one.id != A.id]
    without_poison = [one for one in observations.letters if one.id != POISON.id]
    poison = letter(POISON)
    nobody = WorkItem(b"", "nobody's", "sound nobody")
    match case:
        case "gone":
            observations.results = others
        case "poison that was not buried":
            observations.letters = without_poison
        case "without an answer":
            observations.results = [msgspec.structs.replace(result(A), predictions={}), *others]
        case "listed twice":
            observations.results = [result(A), *observations.results]
        case "an answer that changed":
            observations.results = [result(A, answer(A, moment=2)), *others]
        case "answers by two models":
            observations.results = [result(A, answer(A), answer(A, model="other@1")), *others]
        case "another label":
            observations.results = [result(A, answer(A, label="other")), *others]
            observations.seen = {}
        case "another text":
            observations.results = [altered(text="another"), *others]
        case "poison that was stored":
            observations.results = [result(POISON), *observations.results]
        case "nobody's document":
            observations.results = [result(nobody), *observations.results]
        case "sound and buried":
            observations.results, observations.letters = others, [letter(A, "killed"), *observations.letters]
        case "sound, stored and buried":
            observations.letters = [letter(A, "killed"), *observations.letters]
        case "buried as something else":
            observations.letters = [letter(POISON, "conflict"), *without_poison]
        case "buried twice":
            observations.letters = [letter(POISON), *observations.letters]
        case "nobody's dead letter":
            observations.letters = [msgspec.structs.replace(poison, id="nobody's"), *observations.letters]
        case "another score":
            observations.results = [result(A, Prediction(checksum(A.text), 0.5, "proof@eeeeee")), *others]
            observations.seen = {}
        case "a score of another text":
            observations.results = [result(A, msgspec.structs.replace(answer(A), score=answer(B).score)), *others]
            observations.seen = {}
        case "another version":
            observations.results = [result(A, answer(A, model="proof@ffffff")), *others]
            observations.seen = {}
        case "without its source":
            observations.results = [altered(source=""), *others]
        case "without its meta":
            observations.results = [altered(meta={}), *others]
        case "whole numbers in meta that became fractions":
            rest = [one for one in observations.results if one.id != NUMBERED.id]
            changed = msgspec.structs.replace(result(NUMBERED), meta={**NUMBERED.meta, "likes": 17.0})
            observations.results = [changed, *rest]
        case "without its created_at":
            observations.results = [altered(created_at=None), *others]
        case "without its published_at":
            observations.results = [altered(published_at=None), *others]
        case "published before it was":
            observations.results = [altered(published_at=AT - timedelta(minutes=2)), *others]
        case "without its stored_at":
            observations.results = [altered(stored_at=None), *others]
        case "poison whose bytes lost something":
            lost = msgspec.structs.replace(poison, data=poison.data.replace(b"RAISE ", b"RAISE"))
            observations.letters = [lost, *without_poison]
        case "poison whose bytes can't be read":
            lost = msgspec.structs.replace(poison, data=poison.data[:-1])
            observations.letters = [lost, *without_poison]
        case "poison without its meta":
            observations.letters = [letter(POISON, published=replace(POISON, meta={"other": 1})), *without_poison]
        case "poison that lost its time":
            observations.letters = [msgspec.structs.replace(poison, published_at=None), *without_poison]
        case "poison of another model":
            observations.letters = [msgspec.structs.replace(poison, model="other"), *without_poison]
        case "poison of another source":
            observations.letters = [msgspec.structs.replace(poison, source="other"), *without_poison]
        case "a torn line that lost bytes":
            rest_letters = [one for one in observations.letters if one.id != TORN.id]
            lost = msgspec.structs.replace(letter(TORN), data=TORN.line[:-1])
            observations.letters = [lost, *rest_letters]
    counted(observations)
    label = checksum(A.text)
    match case:
        case "more answers than are listed":
            observations.counts = changed_count(observations.counts, {label: 1})
        case "fewer answers than are listed":
            observations.counts = changed_count(observations.counts, {label: -1})
        case "answers counted under another label":
            observations.counts = changed_count(observations.counts, {label: -1, "other": 1})
        case "an answer counted in another hour":
            first = observations.hours[0]
            moved = HourCount(AT.replace(minute=0, hour=5), first.label, first.count)
            observations.hours = [moved, *observations.hours[1:]]
        case "fewer dead letters than are listed":
            observations.dead = {**observations.dead, "raised": 0}
        case "more results than are listed":
            observations.counts = replace(observations.counts, documents=observations.counts.documents + 1)

    assert columns(observations) == expected

    ledger = reconciled(observations).ledger(0, 0.0)
    assert ledger.failed
    assert {column for column in FAILURES if getattr(ledger, column)} == set(expected)


def altered(**changes: object) -> Result:
    """The result of A with other members."""
    return msgspec.structs.replace(result(A), **changes)


def changed_count(counts: Counts, by: Mapping[str, int]) -> Counts:
    """The counts, with so many answers of the labels more."""
    labels = Counter(counts.answers["proof"])
    for label, number in by.items():
        labels[label] += number
    return replace(counts, answers={"proof": labels})


def test_what_was_seen_and_is_gone_says_so() -> None:
    observations = sound()
    observations.results = [one for one in observations.results if one.id not in (A.id, B.id)]
    observations.seen = {A.id: answer(A)}
    counted(observations)
    assert {one for one in reconciled(observations).findings if one.column == "lost"} == {
        Finding("lost", A.id, "was stored, and is gone"),
        Finding("lost", B.id, "published, and not stored"),
    }


@pytest.mark.parametrize("number", [1, 2, 3, 10, 250, 5000])
def test_there_are_as_many_work_items_as_asked_for_all_different(number: int) -> None:
    made = workload.make(number, random.Random(number))
    assert len({one.id for one in made}) == len({one.line for one in made}) == number
    assert any(not one.dead_kinds for one in made)
    assert made == workload.make(number, random.Random(number))


def test_every_fault_is_among_the_work_items() -> None:
    assert {kind for one in ALL.values() for kind in one.dead_kinds} == {"raised", "killed", "malformed"}
    assert {one.text.split()[0] for one in ALL.values()} == set(workload.DEAD_KINDS)


def test_publishers_together_get_everything_and_some_of_it_twice() -> None:
    made = list(ALL.values())
    portions = workload.distribute(made, 2, 3, random.Random(1))
    shares = [{item for portion in portions for item in portion[place]} for place in range(2)]
    assert shares[0] | shares[1] == set(made)
    assert 0 < len(shares[0] & shares[1]) < len(made) / 4


def test_each_publisher_has_something_to_bury_in_each_portion() -> None:
    made = workload.make(4000, random.Random(2))
    portions = workload.distribute(made, 2, 10, random.Random(1))
    assert all(any(item.is_torn for item in lines) for portion in portions for lines in portion)


def test_the_work_items_have_several_sources_times_and_nested_metas() -> None:
    assert len({one.source for one in SOUND}) == len(workload.SOURCES)
    assert len({one.created_at for one in SOUND}) == len(workload.TIMES)
    assert any(isinstance(value, dict) for one in SOUND for value in one.meta.values())


@pytest.mark.parametrize("moment", [0, 1, (1 << 24) - 1])
def test_a_score_is_known_by_its_signature(moment: int) -> None:
    score = signed_score("a text", moment)
    assert is_signed("a text", score)
    assert not is_signed("another text", score)
    assert not any(is_signed("a text", other) for other in (score + 1, -score - 1, 0.5, 1.0, float("nan")))


def test_a_truncated_body_has_the_ids_that_the_ledger_expects() -> None:
    given = [one for one in ALL.values() if one.text.startswith(("sound", "TRUNCATE"))]
    documents = [stamp(read(msgspec.json.decode(one.line), source=workload.FILES_SOURCE), 12345) for one in given]
    came: set[str] = set()
    for body in pack(documents):
        for line in unpack(workload.truncate(body).data):
            came.add(bury_bytes(line, "").id if b'"source"' not in line else decode(line).id)
    assert came == {one.id for one in given}
