"""What a proof makes of what the store has: each column of the ledger counts what it says, and nothing else."""

import random
from collections.abc import Mapping

import msgspec
import pytest

from headrace.documents import DeadLetter, Prediction, Result, bury_bytes, decode, pack, read, stamp, unpack
from headrace.proof import exhibits
from headrace.proof.exhibits import Exhibit
from headrace.proof.ledger import FAILURES, Evidence, Finding, Judgement, Ledger, judge
from headrace.testing.classifiers import checksum

ALL: Mapping[str, Exhibit] = {one.id: one for one in exhibits.make(400, random.Random(1))}
SOUND = [one for one in ALL.values() if not one.fates]
POISON = next(one for one in ALL.values() if one.fates == ("raised",))
A, B = SOUND[:2]


def answer(exhibit: Exhibit, *, score: float = 1.0, label: str = "", model: str = "proof@eeeeee") -> Prediction:
    return Prediction(label or checksum(exhibit.text), score, model)


def result(exhibit: Exhibit, *answers: Prediction, text: str = "") -> Result:
    found = {one.model.partition("@")[0]: one for one in answers or (answer(exhibit),)}
    return Result(exhibit.id, text or exhibit.text, "prove", None, {}, found)


def letter(exhibit: Exhibit, kind: str = "") -> DeadLetter:
    return DeadLetter(exhibit.id, kind or exhibit.fates[0], "because", exhibit.line, exhibit.id)


def sound() -> Evidence:
    """What the store has when all is as it should be."""
    results = [result(one) for one in SOUND]
    seen = {one.id: answer(one) for one in SOUND}
    return Evidence(results, [letter(one) for one in ALL.values() if one.fates], seen, len(results))


def judged(evidence: Evidence, confirmed: Mapping[str, Exhibit] = ALL) -> Judgement:
    return judge(ALL, set(confirmed), evidence, model="proof", label=checksum)


def columns(evidence: Evidence) -> dict[str, set[str]]:
    """The ids in each column where something is wrong."""
    found: dict[str, set[str]] = {}
    for one in judged(evidence).findings:
        found.setdefault(one.column, set()).add(one.id)
    return found


def test_where_all_is_as_it_should_be_nothing_is_found() -> None:
    found = judged(sound())
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
    evidence = sound()
    evidence.results = [one for one in evidence.results if one.id != A.id]
    evidence.seen = {}
    evidence.answers -= 1
    rest = {name: one for name, one in ALL.items() if name != A.id}
    assert judged(evidence, rest).findings == []
    assert judged(evidence, rest).published == 399


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
    evidence = sound()
    others = [one for one in evidence.results if one.id != A.id]
    without_poison = [one for one in evidence.letters if one.id != POISON.id]
    nobody = Exhibit(b"", "nobody's", "sound nobody")
    match case:
        case "gone":
            evidence.results = others
        case "poison that was not buried":
            evidence.letters = without_poison
        case "without an answer":
            evidence.results = [Result(A.id, A.text, "prove", None, {}, {}), *others]
        case "listed twice":
            evidence.results = [result(A), *evidence.results]
        case "an answer that changed":
            evidence.results = [result(A, answer(A, score=2.0)), *others]
        case "answers by two models":
            evidence.results = [result(A, answer(A), answer(A, model="other@1")), *others]
        case "another label":
            evidence.results = [result(A, answer(A, label="other")), *others]
            evidence.seen = {}
        case "another text":
            evidence.results = [result(A, text="another"), *others]
        case "poison that was stored":
            evidence.results = [result(POISON), *evidence.results]
        case "nobody's document":
            evidence.results = [result(nobody), *evidence.results]
        case "sound and buried":
            evidence.results, evidence.letters = others, [letter(A, "killed"), *evidence.letters]
        case "sound, stored and buried":
            evidence.letters = [letter(A, "killed"), *evidence.letters]
        case "buried as something else":
            evidence.letters = [letter(POISON, "conflict"), *without_poison]
        case "buried twice":
            evidence.letters = [letter(POISON), *evidence.letters]
        case "nobody's dead letter":
            evidence.letters = [letter(nobody, "malformed"), *evidence.letters]
    evidence.answers = sum(len(one.predictions) for one in evidence.results)
    evidence.answers += {"more answers than are listed": 1, "fewer answers than are listed": -1}.get(case, 0)

    assert columns(evidence) == expected

    ledger = judged(evidence).ledger(0, 0.0)
    assert ledger.failed
    assert {column for column in FAILURES if getattr(ledger, column)} == set(expected)


def test_what_was_seen_and_is_gone_says_so() -> None:
    evidence = sound()
    evidence.results = [one for one in evidence.results if one.id not in (A.id, B.id)]
    evidence.seen = {A.id: answer(A)}
    evidence.answers -= 2
    assert {one for one in judged(evidence).findings if one.column == "lost"} == {
        Finding("lost", A.id, "was stored, and is gone"),
        Finding("lost", B.id, "published, and not stored"),
    }


@pytest.mark.parametrize("number", [1, 2, 3, 10, 250, 5000])
def test_there_are_as_many_exhibits_as_asked_for_all_different(number: int) -> None:
    made = exhibits.make(number, random.Random(number))
    assert len({one.id for one in made}) == len({one.line for one in made}) == number
    assert any(not one.fates for one in made)
    assert made == exhibits.make(number, random.Random(number))


def test_every_fault_is_among_the_exhibits() -> None:
    assert {fate for one in ALL.values() for fate in one.fates} == {"raised", "killed", "malformed"}
    assert {one.text.split()[0] for one in ALL.values()} == set(exhibits.FATES)


def test_publishers_together_get_everything_and_some_of_it_twice() -> None:
    made = list(ALL.values())
    hands = exhibits.deal(made, 2, random.Random(1))
    assert set(hands[0]) | set(hands[1]) == set(made)
    assert 0 < len(set(hands[0]) & set(hands[1])) < len(made) / 4


def test_a_spoilt_body_comes_out_under_the_ids_that_the_ledger_expects() -> None:
    given = [one for one in ALL.values() if one.text.startswith(("sound", "SPOIL"))]
    documents = [stamp(read(msgspec.json.decode(one.line)), 12345) for one in given]
    came: set[str] = set()
    for body in pack(documents):
        for line in unpack(exhibits.spoil(body).data):
            came.add(bury_bytes(line, "").id if b'"source"' not in line else decode(line).id)
    assert came == {one.id for one in given}
