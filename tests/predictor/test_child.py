"""What the predictor process makes of lines and of texts, without the process."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from support import FAULTY, setup

from headrace.documents import Document, Outcome, Prediction, encode
from headrace.errors import Misconfigured, Rejected, Unavailable
from headrace.models.loading import Open, open_models, told
from headrace.models.spec import parse
from headrace.predictor import frames
from headrace.predictor.child import Labelling

Rule = Callable[[str], Prediction]


class Ruled:
    """Predicts by a rule, and remembers what it was asked."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.asked: list[list[str]] = []

    def predict(self, texts: Sequence[str]) -> list[Prediction]:
        self.asked.append(list(texts))
        return [self.rule(text) for text in texts]


def label(name: str = "x", score: float = 0.5) -> Rule:
    return lambda _text: Prediction(name, score)


def bad(text: str) -> Prediction:
    if "bad" in text:
        raise ValueError(f"no: {text}")
    return Prediction("x", 0.5)


def labelling(models: str, *rules: Rule, check: Callable[[], None] = lambda: None) -> tuple[Labelling, list[Ruled]]:
    classifiers = [Ruled(rule) for rule in rules]
    opened = [
        Open(served, f"{served.name}@{number}", classifier, check)
        for number, (served, classifier) in enumerate(zip(parse(models), classifiers, strict=True))
    ]
    return Labelling(opened, 1 << 20, lambda _place: None), classifiers


def lines(*texts: str) -> frames.Lines:
    return frames.Lines([encode(Document(text, text)) for text in texts])


def outcomes(made: Labelling, *texts: str) -> dict[str, Outcome]:
    return {one.document.id: one for one in made.label(lines(*texts)).outcomes if one.document is not None}


def test_every_line_has_one_outcome_in_order() -> None:
    made, _ = labelling("m", label())
    request = frames.Lines([encode(Document("a", "a")), b"no JSON", b"", encode(Document("b", "b"))])
    found = made.label(request).outcomes
    assert [one.document.id if one.document else None for one in found] == ["a", None, None, "b"]
    assert [[letter.kind for letter in one.dead] for one in found] == [[], ["malformed"], ["malformed"], []]
    assert found[0].predictions == (Prediction("x", 0.5, "m@0"),)


def test_only_the_culprit_of_a_batch_is_buried_with_what_the_model_raised() -> None:
    made, _ = labelling("m", bad)
    found = outcomes(made, *"abcdefg", "bad", *"hijk")
    assert len(found) == 12
    assert {name for name, one in found.items() if one.dead} == {"bad"}
    (letter,) = found["bad"].dead
    assert (letter.kind, letter.model, letter.reason) == ("raised", "m", "model m@0 raised ValueError: no: bad")


def test_several_culprits_are_all_found() -> None:
    made, _ = labelling("m", bad)
    found = outcomes(made, "bad1", "a", "bad2", "bad3", "b")
    assert {name for name, one in found.items() if one.dead} == {"bad1", "bad2", "bad3"}


def test_models_fail_each_for_themselves() -> None:
    made, _ = labelling("one, two", label("y"), bad)
    found = outcomes(made, "a", "bad")
    assert found["bad"].predictions == (Prediction("y", 0.5, "one@0"),)
    assert [letter.model for letter in found["bad"].dead] == ["two"]
    assert [one.model for one in found["a"].predictions] == ["one@0", "two@1"]


def test_a_model_whose_golden_texts_fail_too_is_broken_and_buries_nothing() -> None:
    def broken() -> None:
        raise Misconfigured("the model is broken")

    made, _ = labelling("m", bad, check=broken)
    with pytest.raises(Misconfigured, match="broken"):
        made.label(lines("a", "bad"))


def test_a_shadow_never_answers_and_its_failures_are_counted_only() -> None:
    made, _ = labelling("m, shadow m@challenger", label("y"), bad)
    labelled = made.label(lines("a", "bad", "b", "bad too"))
    assert labelled.shadow_failures == 2
    assert all(not one.dead for one in labelled.outcomes)
    assert [len(one.shadows) for one in labelled.outcomes] == [1, 0, 1, 0]
    assert all(one.predictions == (Prediction("y", 0.5, "m@0"),) for one in labelled.outcomes)


def test_a_shadow_that_is_unavailable_holds_nobody_up() -> None:
    def away(_text: str) -> Prediction:
        raise Unavailable("away")

    made, (_, shadow) = labelling("m, shadow m@challenger", label("y"), away)
    labelled = made.label(lines("a", "b", "c"))
    assert labelled.shadow_failures == 3
    assert len(shadow.asked) == 1
    answering, _ = labelling("m", away)
    with pytest.raises(Unavailable):
        answering.label(lines("a"))


def test_a_shadow_is_not_asked_for_its_golden_texts() -> None:
    def broken() -> None:
        raise Misconfigured("the model is broken")

    made, _ = labelling("m, shadow m@challenger", label("y"), bad, check=broken)
    assert made.label(lines("a", "bad")).shadow_failures == 1


def test_a_condition_chooses_the_documents_that_a_model_sees() -> None:
    made, (_, second) = labelling("language, mood if language=en|de", lambda t: Prediction(t[:2], 0.5), label("fine"))
    found = outcomes(made, "en a", "sv b", "de c")
    assert second.asked == [["en a", "de c"]]
    assert {name: len(one.predictions) for name, one in found.items()} == {"en a": 2, "sv b": 1, "de c": 2}


def test_where_the_model_of_a_condition_fails_the_condition_does_not_hold() -> None:
    made, (_, second) = labelling("language, mood if language=x", bad, label("fine"))
    found = outcomes(made, "bad", "a")
    assert second.asked == [["a"]]
    assert [letter.model for letter in found["bad"].dead] == ["language"]


def test_models_that_are_skipped_are_not_asked() -> None:
    made, (first, second) = labelling("one, two", label("y"), label("z"))
    request = frames.Lines([encode(Document("a", "a"))], [0])
    (outcome,) = made.label(request).outcomes
    assert (first.asked, second.asked) == ([], [["a"]])
    assert outcome.predictions == (Prediction("z", 0.5, "two@1"),)


@pytest.mark.parametrize("score", [float("nan"), float("inf")])
def test_a_score_that_is_no_number_fails_that_document_alone(score: float) -> None:
    made, _ = labelling("m", lambda text: Prediction("x", score if text == "a" else 0.5))
    found = outcomes(made, "a", "b")
    assert "the score" in found["a"].dead[0].reason
    assert found["b"].predictions


@pytest.mark.parametrize("name", ["", "a\0", "\ud800"])
def test_a_label_that_cannot_be_stored_fails_that_document_alone(name: str) -> None:
    made, _ = labelling("m", lambda text: Prediction(name if text == "a" else "x", 0.5))
    found = outcomes(made, "a", "b")
    assert "the label" in found["a"].dead[0].reason
    assert found["b"].predictions


def test_a_model_that_gives_too_few_predictions_fails() -> None:
    class Short(Ruled):
        def predict(self, texts: Sequence[str]) -> list[Prediction]:
            return super().predict(texts)[1:]

    made = Labelling([Open(parse("m")[0], "m@0", Short(label()), lambda: None)], 1 << 20, lambda _place: None)
    assert "0 predictions for 1 texts" in outcomes(made, "a", "b")["a"].dead[0].reason


def test_what_a_model_raised_can_always_be_stored() -> None:
    class Silent(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    assert told(ValueError("a\0\ud800b")) == "ValueError: a??b"
    assert len(told(ValueError("x" * 100_000))) < 2000
    assert "Silent" in told(Silent())


def test_out_of_memory_is_nobodys_fault_here() -> None:
    def grow(_text: str) -> Prediction:
        raise MemoryError

    made, _ = labelling("m, shadow n", label(), grow)
    with pytest.raises(MemoryError):
        made.label(lines("a"))
    alone, _ = labelling("m", grow)
    with pytest.raises(MemoryError):
        alone.answer(frames.Texts(["a"]))


def test_texts_are_answered_by_every_model_that_applies_but_no_shadow() -> None:
    made, (_, _, shadow) = labelling(
        "language, mood if language=en, shadow language@challenger",
        lambda text: Prediction(text[:2], 0.5),
        label("fine"),
        label(),
    )
    found = made.answer(frames.Texts(["en a", "sv b"])).predictions
    assert [sorted(one) for one in found] == [["language", "mood"], ["language"]]
    assert found[0]["mood"] == [Prediction("fine", 0.5, "mood@1")]
    assert shadow.asked == []
    assert made.answer(frames.Texts([])).predictions == []


def test_a_text_on_which_a_model_fails_is_rejected_and_stores_nothing() -> None:
    made, _ = labelling("m", bad)
    with pytest.raises(Rejected, match="m@0 fails on this: ValueError: no: bad"):
        made.answer(frames.Texts(["a", "bad"]))


def test_golden_texts_that_come_out_wrong_refuse_the_model_by_name() -> None:
    with pytest.raises(Misconfigured, match=r"fake@dddddd is broken: its golden texts come out as \['fine'\]"):
        open_models(setup("fake=python:headrace.testing.classifiers:Refusing"))


@pytest.mark.parametrize(
    ("models", "reason"),
    [
        ("fake=python:headrace.testing.nothing:Faulty", "cannot be loaded"),
        ("fake=python:headrace.testing.classifiers:Nothing", "cannot be loaded"),
        ("fake=python:headrace.testing.classifiers:FAULTS", "is not a class"),
        ("nonesuch", "there is no model 'nonesuch'"),
    ],
)
def test_a_model_that_is_not_there_is_told(models: str, reason: str) -> None:
    with pytest.raises(Misconfigured, match=reason):
        open_models(setup(models))


def test_every_line_and_model_names_itself() -> None:
    places: list[Any] = []
    opened = open_models(setup(f"{FAULTY}, long=python:headrace.testing.classifiers:Trivial"))
    Labelling(opened, 1 << 20, places.append).label(lines("a"))
    assert [one.version for one in opened] == ["fake@bbbbbb", "long@aaaaaa"]
    assert places == [0, 1]
