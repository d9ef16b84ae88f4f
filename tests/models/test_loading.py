"""Opening models: what a class of the user's own must state, what it may leave out, and what refuses it."""

from collections.abc import Sequence

import pytest

from headrace.documents import Prediction
from headrace.errors import Misconfigured, Rejected, Unavailable
from headrace.models.loading import error_text, open_models
from headrace.models.own import from_url
from headrace.models.registry import Registry
from headrace.models.spec import parse
from headrace.ports import Classifier


class OnlyPredicts:
    """What many users write first."""

    def predict(self, texts: Sequence[str]) -> list[Prediction]:
        return [Prediction("x", 0.5) for _ in texts]


class Dated(OnlyPredicts):
    version = 2026


class States(OnlyPredicts):
    version = "1"
    golden = (("a", "x"),)


class RaisesValueError(States):
    def predict(self, texts: Sequence[str]) -> list[Prediction]:
        raise ValueError(texts[0])


class RaisesRejected(States):
    def predict(self, texts: Sequence[str]) -> list[Prediction]:
        raise Rejected(texts[0])


class RaisesUnavailable(States):
    def predict(self, texts: Sequence[str]) -> list[Prediction]:
        raise Unavailable(f"the server is away for {len(texts)} texts")


def test_a_class_that_only_predicts_has_version_0_and_no_golden_texts() -> None:
    made = from_url(f"python:{__name__}:OnlyPredicts")
    assert isinstance(made, Classifier)
    assert (made.version, made.golden) == ("0", ())
    assert made.predict(["a", "b"]) == [Prediction("x", 0.5)] * 2


def test_a_class_that_states_a_part_keeps_it() -> None:
    made = from_url(f"python:{__name__}:Dated")
    assert (made.version, made.golden) == ("2026", ())


def test_an_object_that_states_all_is_served_as_it_is() -> None:
    made = from_url(f"python:{__name__}:States")
    assert type(made).__name__ == "States"
    assert (made.version, made.golden) == ("1", (("a", "x"),))


def test_a_class_without_predict_is_refused_with_what_is_missing() -> None:
    with pytest.raises(Misconfigured, match=r"python:builtins:dict has no method predict\(texts\)"):
        open_models(parse("mood = python:builtins:dict"), Registry("none"))


def test_an_own_class_is_opened_under_the_name_that_it_was_given() -> None:
    (model,) = open_models(parse(f"mood = python:{__name__}:OnlyPredicts"), Registry("none"))
    assert model.version == "mood@0"
    assert model.predict(["a"]) == [Prediction("x", 0.5, "mood@0")]


def test_golden_texts_that_come_out_wrong_refuse_the_model_by_name() -> None:
    with pytest.raises(Misconfigured, match=r"fake@dddddd is broken: its golden texts come out as \['fine'\]"):
        open_models(parse("fake=python:headrace.testing.classifiers:Refusing"), Registry("none"))


@pytest.mark.parametrize("kind", [RaisesValueError, RaisesRejected])
def test_whatever_is_raised_on_golden_texts_means_that_the_model_is_broken(kind: type) -> None:
    with pytest.raises(Misconfigured, match=r"m@1 is broken: its golden texts raise \w+: a"):
        open_models(parse(f"m = python:{__name__}:{kind.__name__}"), Registry("none"))


def test_a_remote_model_that_is_away_when_it_is_opened_is_not_broken() -> None:
    with pytest.raises(Unavailable, match="the server is away"):
        open_models(parse(f"m = python:{__name__}:RaisesUnavailable"), Registry("none"))


@pytest.mark.parametrize(
    ("models", "reason"),
    [
        ("fake=python:headrace.testing.nothing:Faulty", "cannot be loaded"),
        ("fake=python:headrace.testing.classifiers:Nothing", "cannot be loaded"),
        ("fake=python:headrace.testing.classifiers:FAULTS", "is not a class"),
        ("fake=python:headrace.testing.classifiers", "cannot be loaded"),
        ("fake=pyton:headrace.testing.classifiers:Faulty", "no classifier is known .*; did you mean python:"),
        ("nonesuch", "there is no model 'nonesuch'"),
    ],
)
def test_a_model_that_does_not_exist_is_refused_with_the_reason(models: str, reason: str) -> None:
    with pytest.raises(Misconfigured, match=reason):
        open_models(parse(models), Registry("none"))


def test_what_a_model_raised_can_always_be_stored() -> None:
    class Silent(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    assert error_text(ValueError("a\0\ud800b")) == "ValueError: a??b"
    assert len(error_text(ValueError("x" * 100_000))) < 2000
    assert "Silent" in error_text(Silent())
