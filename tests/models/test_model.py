"""What an open model names: the card's rule, and what is none of its labels."""

from collections.abc import Mapping, Sequence

from support.tabled import TabledScorer

from headrace.models.card import Card, Rule
from headrace.models.model import Model
from headrace.ports import VersionRef

RULE = Rule(0.5)


def model(labels: Sequence[str], rows: Mapping[str, Sequence[float]], rule: Rule | None = RULE) -> Model:
    return Model(
        VersionRef("language", "3f9c2a"), Card("language", tuple(labels), rule=rule), TabledScorer(labels, rows)
    )


def named(made: Model, *texts: str, threshold: float | None = None) -> list[tuple[str, float]]:
    return [(one.label, round(one.score, 6)) for one in made.predict(texts, threshold=threshold)]


def test_a_text_that_is_more_likely_none_of_the_labels_than_the_best_one_is_unknown() -> None:
    made = model(["de", "sv"], {"greek": [0.3, 0.1], "german": [0.5, 0.1]}, Rule(0.2))
    assert named(made, "greek", "german") == [("und", 0.3), ("de", 0.5)]
    assert named(made, "greek", threshold=0.1) == [("und", 0.3)]
    assert named(made, "greek", threshold=0) == [("de", 0.3)]
