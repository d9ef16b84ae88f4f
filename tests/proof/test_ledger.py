"""What a proof makes of what the store has: each column of the ledger counts what it says, and nothing else."""

import random
from collections.abc import Mapping

import msgspec
import pytest

from headrace.burial import bury_bytes
from headrace.documents import DeadLetter, Prediction, Result, decode, pack, read, stamp, unpack
from headrace.proof import workload
from headrace.proof.ledger import FAILURES, Finding, Ledger, Observations, Reconciliation, reconcile
from headrace.proof.workload import WorkItem
from headrace.testing.classifiers import checksum

ALL: Mapping[str, WorkItem] = {one.id: one for one in workload.make(400, random.Random(1))}
SOUND = [one for one in ALL.values() if not one.dead_kinds]
POISON = next(one for one in ALL.values() if one.dead_kinds == ("raised",))
A, B = SOUND[:2]


def answer(item: WorkItem, *, score: float = 1.0, label: str = "", model: str = "proof@eeeeee") -> Prediction:
    return Prediction(label or checksum(item.text), score, model)


def result(item: WorkItem, *answers: Prediction, text: str = "") -> Result:
    found = {one.model.partition("@")[0]: one for one in answers or (answer(item),)}
    return Result(item.id, text or item.text, "prove", None, {}, found)


def letter(item: WorkItem, kind: str = "") -> DeadLetter:
    return DeadLetter(item.id, kind or item.dead_kinds[0], "because", item.line, item.id)


def sound() -> Observations:
    """What the store has when all is as it should be."""
    results = [result(one) for one in SOUND]
    seen = {one.id: answer(one) for one in SOUND}
    return Observations(results, [letter(one) for one in ALL.values() if one.dead_kinds], seen, len(results))


def reconciled(observations: Observations, confirmed: Mapping[str, WorkItem] = ALL) -> Reconciliation:
    return reconcile(ALL, set(confirmed), observations, model="proof", label=checksum)


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
    observations.answers -= 1
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
    ],
)
def test_each_fault_counts_in_its_column(case: str, expected: dict[str, set[str]]) -> None:
    observations = sound()
    others = [one for one in observations.results if one.id != A.id]
    without_poison = [one for one in observations.letters if one.id != POISON.id]
    nobody = WorkItem(b"", "nobody's", "sound nobody")
    match case:
        case "gone":
            observations.results = others
        case "poison that was not buried":
            observations.letters = without_poison
        case "without an answer":
            observations.results = [Result(A.id, A.text, "prove", None, {}, {}), *others]
        case "listed twice":
            observations.results = [result(A), *observations.results]
        case "an answer that changed":
            observations.results = [result(A, answer(A, score=2.0)), *others]
        case "answers by two models":
            observations.results = [result(A, answer(A), answer(A, model="other@1")), *others]
        case "another label":
            observations.results = [result(A, answer(A, label="other")), *others]
            observations.seen = {}
        case "another text":
            observations.results = [result(A, text="another"), *others]
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
            observations.letters = [letter(nobody, "malformed"), *observations.letters]
    observations.answers = sum(len(one.predictions) for one in observations.results)
    observations.answers += {"more answers than are listed": 1, "fewer answers than are listed": -1}.get(case, 0)

    assert columns(observations) == expected

    ledger = reconciled(observations).ledger(0, 0.0)
    assert ledger.failed
    assert {column for column in FAILURES if getattr(ledger, column)} == set(expected)


def test_what_was_seen_and_is_gone_says_so() -> None:
    observations = sound()
    observations.results = [one for one in observations.results if one.id not in (A.id, B.id)]
    observations.seen = {A.id: answer(A)}
    observations.answers -= 2
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
    shares = workload.distribute(made, 2, random.Random(1))
    assert set(shares[0]) | set(shares[1]) == set(made)
    assert 0 < len(set(shares[0]) & set(shares[1])) < len(made) / 4


def test_a_truncated_body_has_the_ids_that_the_ledger_expects() -> None:
    given = [one for one in ALL.values() if one.text.startswith(("sound", "TRUNCATE"))]
    documents = [stamp(read(msgspec.json.decode(one.line)), 12345) for one in given]
    came: set[str] = set()
    for body in pack(documents):
        for line in unpack(workload.truncate(body).data):
            came.add(bury_bytes(line, "").id if b'"source"' not in line else decode(line).id)
    assert came == {one.id for one in given}
