"""How the predictor process translates between frames and its model set, without the process."""

from functools import partial

import pytest
from support import setup

from headrace.documents import Document, Prediction, decode, encode
from headrace.errors import Rejected
from headrace.models.model_set import ModelSet
from headrace.models.registry import Registry
from headrace.predictor import frames
from headrace.predictor.child import Turns, answer, label
from headrace.stores.memory import MemoryStore
from headrace.testing.outcomes import letters

TRIVIAL = "size=python:headrace.testing.classifiers:Trivial"
DECODING = partial(decode, limit=1 << 20)


def model_set(models: str = TRIVIAL) -> ModelSet:
    return ModelSet.open(setup(models).models, Registry("none"))


def test_every_line_has_one_outcome_in_order() -> None:
    request = frames.Lines([encode(Document("a", "a")), b"no JSON", b"", encode(Document("b", "b"))])
    found = label(model_set(), request, DECODING, Turns()).outcomes
    assert [one.document.id if one.document else None for one in found] == ["a", None, None, "b"]
    assert [[letter.kind for letter in one.dead] for one in found] == [[], ["malformed"], ["malformed"], []]
    assert found[0].predictions == (Prediction("short", 1.0, "size@aaaaaa"),)


def test_a_malformed_line_under_an_id_that_was_erased_is_buried_and_one_from_before_the_erasure_is_not() -> None:
    store = MemoryStore()
    store.erase(["X"])
    lines = [b'{"id": "X", "text": ""}', b'{"id": "X", "text": "' + b"x" * 500 + b'"}', b'{"id": "X", "te']
    early = b'{"id": "X", "text": 5, "published_at": 1}'
    store.write(label(model_set(), frames.Lines([*lines, early]), partial(decode, limit=100), Turns()).outcomes)
    assert {letter.data for letter in letters(store)} == set(lines)


def test_a_document_over_the_limit_is_buried() -> None:
    (found,) = label(
        model_set(), frames.Lines([encode(Document("a", "a" * 1000))]), partial(decode, limit=100), Turns()
    ).outcomes
    assert found.document is None
    assert "has 1,020 bytes; the limit is" in found.dead[0].reason


def test_models_to_skip_and_failures_of_shadows_go_through() -> None:
    models = model_set(f"{TRIVIAL}, shadow fake=python:headrace.testing.classifiers:Faulty")
    request = frames.Lines([encode(Document("a", "RAISE"))])
    assert label(models, request, DECODING, Turns()).shadow_failures == 1
    assert label(models, frames.Lines(request.lines, skip=[1]), DECODING, Turns()).shadow_failures == 0


def test_each_model_that_worked_is_timed() -> None:
    request, turns = frames.Lines([encode(Document("a", "a"))]), Turns()
    models = ModelSet.open(setup(f"{TRIVIAL}, again={TRIVIAL.partition('=')[2]}").models, Registry("none"), turns.begin)
    labelled = label(models, request, DECODING, turns)
    assert set(labelled.model_seconds) == {0, 1}
    assert 0 <= sum(labelled.model_seconds.values()) <= labelled.seconds
    assert set(label(models, frames.Lines(request.lines, skip=[0]), DECODING, turns).model_seconds) == {1}


def test_a_turn_that_failed_is_not_counted_for_the_next_request() -> None:
    turns = Turns()
    turns.begin(7)
    models = ModelSet.open(setup(TRIVIAL).models, Registry("none"), turns.begin)
    assert set(label(models, frames.Lines([encode(Document("a", "a"))]), DECODING, turns).model_seconds) == {0}


def test_texts_are_answered_with_lists_of_one_or_of_as_many_as_were_asked_for() -> None:
    one = {"size": [Prediction("short", 1.0, "size@aaaaaa")]}
    assert answer(model_set(), frames.Texts(["a", "b"])).predictions == [one, one]
    assert answer(model_set(), frames.Texts(["a"], top=3)).predictions == [one]
    assert answer(model_set(), frames.Texts([])).predictions == []


def test_labels_restrict_the_models_of_one_request_and_unknown_ones_reject_it_alone() -> None:
    models, text = model_set(f"language, {TRIVIAL}"), "Wie spät ist es denn heute, mein Freund?"
    (found,) = answer(models, frames.Texts([text], threshold=0, labels=("sv", "da"))).predictions
    assert found["language"][0].label in ("sv", "da")
    assert found["size"][0].label == "short"
    (found,) = answer(models, frames.Texts([text], top=9, labels=("sv", "da"))).predictions
    assert {one.label for one in found["language"]} == {"sv", "da"}
    with pytest.raises(Rejected, match="has no label 'xx'"):
        answer(models, frames.Texts([text], labels=("sv", "xx")))
    assert answer(models, frames.Texts([text])).predictions[0]["language"][0].label == "de"
