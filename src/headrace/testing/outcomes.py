"""What the suites of stores write, and how they look at what is stored."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from headrace.documents import DeadLetter, Document, Outcome, Prediction, Result
from headrace.ports import DeadQuery, ResultQuery, Store

RESULTS, DEAD = ResultQuery(), DeadQuery()


def document(identity: str, text: str = "hej", **members: Any) -> Document:
    """A document as a source would give it."""
    return Document(identity, text, **{"source": "suite", "published_at": 1_000_000, **members})


def prediction(label: str, model: str = "language@aaaaaa", score: float = 0.75) -> Prediction:
    """A prediction by a version of some model."""
    return Prediction(label, score, model)


def labelled(identity: str, label: str = "sv", **members: Any) -> Outcome:
    """A complete outcome with one prediction."""
    return Outcome(document(identity, **members), (prediction(label),))


def results(store: Store, query: ResultQuery = RESULTS, **options: Any) -> list[Result]:
    """The results of one page."""
    return list(store.find(query, **options).items)


def letters(store: Store, query: DeadQuery = DEAD, **options: Any) -> list[DeadLetter]:
    """The dead letters of one page."""
    return list(store.find_dead(query, **options).items)


def timeless(found: Sequence[Result]) -> list[Result]:
    """Results without their times."""
    return [msgspec.structs.replace(result, published_at=None, stored_at=None) for result in found]


def labels(store: Store, model: str = "language") -> Mapping[str, int]:
    """How many answers a model has given, by label."""
    return store.count(ResultQuery(model=model)).answers.get(model, {})
