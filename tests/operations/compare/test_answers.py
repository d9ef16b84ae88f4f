"""What models say of the same texts."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from headrace.documents import Prediction
from headrace.errors import Misconfigured, Rejected, Unavailable
from headrace.models.loading import OpenModel
from headrace.models.model_set import ModelSet
from headrace.models.registry import Registry
from headrace.models.spec import ModelSpec
from headrace.operations.compare.answers import BATCH, WARM_UP, NamedModel, ask, open_named


class Echo:
    """Says what a text begins with, or raises what it asks for. Remembers how it was asked."""

    version = "1"
    golden = ()

    def __init__(self) -> None:
        self.asked: list[int] = []

    def predict(self, texts: Sequence[str]) -> list[Prediction]:
        self.asked.append(len(texts))
        for text in texts:
            if text in FAULTS:
                raise FAULTS[text]
        return [Prediction(text.partition(" ")[0], 0.5) for text in texts]


FAULTS = {
    "BUG": ValueError("a bug"),
    "LATE": TimeoutError("no answer within 10 s"),
    "REFUSED": Rejected("too long for this model"),
    "AWAY": Unavailable("the server is away"),
    "WRONG": Misconfigured("no such annotator"),
}


def named(echo: Echo) -> NamedModel:
    return NamedModel("echo", "echo@1", ModelSet([OpenModel(ModelSpec("echo"), "echo@1", echo, lambda: None)]))


def test_every_text_gets_its_answer_in_order() -> None:
    texts = [f"{n % 7} {n}" for n in range(2 * BATCH + 3)]
    found = ask(named(Echo()), texts)
    assert found.labels == [f"{n % 7}" for n in range(len(texts))]
    assert set(found.scores) == {0.5}
    assert (found.failed, found.failure) == (0, "")
    assert found.seconds > 0


def test_a_model_is_warmed_up_on_a_few_texts_and_then_asked_in_batches() -> None:
    echo, done = Echo(), list[int]()
    ask(named(echo), ["a"] * (BATCH + 3), done.append)
    assert echo.asked == [WARM_UP, BATCH, 3]
    assert done == [BATCH, BATCH + 3]


@pytest.mark.parametrize("fault", ["BUG", "LATE", "REFUSED"])
def test_a_text_on_which_a_model_fails_is_counted_and_the_others_are_answered(fault: str) -> None:
    found = ask(named(Echo()), ["a", "b", fault, "c", fault])
    assert found.labels == ["a", "b", "", "c", ""]
    assert found.failed == 2
    assert str(FAULTS[fault]) in found.failure


@pytest.mark.parametrize(("fault", "error"), [("AWAY", Unavailable), ("WRONG", Misconfigured)])
def test_a_model_that_is_away_or_misconfigured_ends_the_comparison(fault: str, error: type[Exception]) -> None:
    with pytest.raises(error, match=str(FAULTS[fault])):
        ask(named(Echo()), ["a", fault])


def test_labels_are_compared_as_data_has_them() -> None:
    assert ask(named(Echo()), ["1.0 x", "e\u0301"]).labels == ["1", "\u00e9"]


def test_a_model_fails_on_nothing_but_what_it_cannot_name() -> None:
    """An empty label can't be stored, so it is a failure of the classifier."""
    assert ask(named(Echo()), [" no word", "a"]).labels == ["", "a"]


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return Registry(tmp_path)


def test_a_model_of_the_registry_says_what_its_labels_are_and_how_it_declines(registry: Registry) -> None:
    whole = open_named("language", ModelSpec("language", "language"), registry)
    assert whole.version.startswith("language@")
    assert {"sv", "en"} < whole.labels
    assert whole.declining == {"und", "zxx"}
    restricted = open_named("few", ModelSpec("language", "language", restriction=("sv", "da")), registry)
    assert restricted.labels == {"sv", "da"}


def test_a_classifier_may_say_nothing_of_its_labels(registry: Registry) -> None:
    spec = ModelSpec("fake", url="python:headrace.testing.classifiers:Trivial")
    assert open_named("fake", spec, registry).labels == frozenset()
    assert open_named("vader", ModelSpec("vader", url="vader:"), registry).labels == {"negative", "neutral", "positive"}


def test_a_model_that_cannot_be_opened_is_told(registry: Registry) -> None:
    spec = ModelSpec("fake", url="python:headrace.testing.classifiers:Refusing")
    with pytest.raises(Misconfigured, match="fake@dddddd is broken"):
        open_named("fake", spec, registry)
