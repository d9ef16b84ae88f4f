"""A race of writers for the same documents, and how one tells that nobody won twice."""

import time
from collections import Counter
from datetime import UTC, datetime

from headrace.burial import bury
from headrace.documents import Outcome
from headrace.errors import Unavailable
from headrace.ports import ResultQuery, StoreAdapter
from headrace.testing.outcomes import document, labels, letters, prediction, results

# Bounds of time that hold all that a race stores; to find it, a store looks at what it notes of times.
STORED = ResultQuery(since=datetime(2000, 1, 1, tzinfo=UTC), until=datetime(9000, 1, 1, tzinfo=UTC))
ROUNDS, EACH = 6, 8
MODELS = ("language", "mood")


def outcomes(name: str, turn: int) -> list[Outcome]:
    """The batch of one turn: the same documents for everybody, the labels and versions of this one, which also fails on one of them."""
    made = []
    for number in range(EACH):
        written = document(f"{turn}-{number}")
        predictions = tuple(prediction(name, f"{model}@{name}") for model in MODELS)
        # Every other writer knows one model only, so that answers are added to documents that are there.
        known = predictions[: 1 + ord(name[0]) % 2]
        dead = (bury(written, "raised", name, model="third"),) if number == 0 else ()
        made.append(Outcome(written, known, (prediction("shadow", "language@shadow"),), dead))
    return made


def insist(store: StoreAdapter, name: str, turn: int) -> None:
    """Until it is written, as a keeper does."""
    while True:
        try:
            store.write(outcomes(name, turn))
            return
        except Unavailable:
            time.sleep(0.02)


def check(store: StoreAdapter, *, answered: bool = True) -> None:
    """Every document is there once, with one answer by each model, counted once; and every dead letter once."""
    wanted = {f"{turn}-{number}" for turn in range(ROUNDS) for number in range(EACH)}
    found = results(store, limit=2 * len(wanted))
    assert Counter(result.id for result in found) == Counter(wanted)
    for model in MODELS if answered else ():
        listed = Counter(result.predictions[model].label for result in found)
        assert listed.total() == len(wanted)
        assert labels(store, model) == listed
        by_hour: Counter[str] = Counter()
        for counted in store.count_by_hour(model):
            by_hour[counted.label] += counted.count
        assert by_hour == listed
        assert all(one.predictions[model].model == f"{model}@{one.predictions[model].label}" for one in found)
    assert store.count(ResultQuery()).documents == len(wanted)
    assert {result.id for result in results(store, STORED, limit=2 * len(wanted))} == wanted
    dead = letters(store, limit=2 * len(wanted))
    assert sorted(letter.id for letter in dead) == sorted(f"{turn}-0" for turn in range(ROUNDS))
    assert len({letter.burial for letter in dead}) == len(dead)
