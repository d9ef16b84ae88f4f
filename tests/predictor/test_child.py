"""How the predictor process translates between frames and its model set, without the process."""

from support import setup

from headrace.documents import Document, Prediction, encode
from headrace.models.model_set import ModelSet
from headrace.models.registry import Registry
from headrace.predictor import frames
from headrace.predictor.child import answer, label

TRIVIAL = "size=python:headrace.testing.classifiers:Trivial"
LIMIT = 1 << 20


def model_set(models: str = TRIVIAL) -> ModelSet:
    return ModelSet.open(setup(models).models, Registry("none"))


def test_every_line_has_one_outcome_in_order() -> None:
    request = frames.Lines([encode(Document("a", "a")), b"no JSON", b"", encode(Document("b", "b"))])
    found = label(model_set(), request, LIMIT).outcomes
    assert [one.document.id if one.document else None for one in found] == ["a", None, None, "b"]
    assert [[letter.kind for letter in one.dead] for one in found] == [[], ["malformed"], ["malformed"], []]
    assert found[0].predictions == (Prediction("short", 1.0, "size@aaaaaa"),)


def test_a_document_over_the_limit_is_buried() -> None:
    (found,) = label(model_set(), frames.Lines([encode(Document("a", "a" * 1000))]), 100).outcomes
    assert found.document is None
    assert "has 1,020 bytes; the limit is" in found.dead[0].reason


def test_models_to_skip_and_failures_of_shadows_go_through() -> None:
    models = model_set(f"{TRIVIAL}, shadow fake=python:headrace.testing.classifiers:Faulty")
    request = frames.Lines([encode(Document("a", "RAISE"))])
    assert label(models, request, LIMIT).shadow_failures == 1
    assert label(models, frames.Lines(request.lines, skip=[1]), LIMIT).shadow_failures == 0


def test_texts_are_answered_with_lists_of_one_or_of_as_many_as_were_asked_for() -> None:
    one = {"size": [Prediction("short", 1.0, "size@aaaaaa")]}
    assert answer(model_set(), frames.Texts(["a", "b"])).predictions == [one, one]
    assert answer(model_set(), frames.Texts(["a"], top=3)).predictions == [one]
    assert answer(model_set(), frames.Texts([])).predictions == []
