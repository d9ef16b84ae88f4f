"""What a model set makes of documents and of texts."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
from support import FAULTY

from headrace.documents import Document, Outcome, Prediction
from headrace.errors import Misconfigured, Rejected, Unavailable
from headrace.models.loading import OpenModel
from headrace.models.model_set import ModelSet
from headrace.models.registry import Registry
from headrace.models.restriction import choose
from headrace.models.spec import parse

Rule = Callable[[str], Prediction]


class Ruled:
    """Predicts by a rule, and remembers what it was asked."""

    version = "0"
    golden = ()

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.asked: list[list[str]] = []

    def predict(self, texts: Sequence[str]) -> list[Prediction]:
        self.asked.append(list(texts))
        return [self.rule(text) for text in texts]


class Ranked(Ruled):
    """Knows a second label, and declines below a threshold."""

    def predict(self, texts: Sequence[str], *, threshold: float | None = None) -> list[Prediction]:
        found = super().predict(texts)
        return [Prediction("und", one.score) if one.score < (threshold or 0) else one for one in found]

    def top(self, texts: Sequence[str], n: int) -> list[list[Prediction]]:
        return [[one, Prediction("other", 1 - one.score)][:n] for one in self.predict(texts)]


class Choosing(Ranked):
    """Can be restricted to labels, or to the set `all`. Remembers to which it was."""

    label_sets: Mapping[str, Sequence[str]]

    def __init__(self, rule: Rule, labels: Sequence[str], all_labels: Sequence[str] = ()) -> None:
        super().__init__(rule)
        self.labels, self.label_sets = labels, {"all": all_labels or labels}

    def restricted(self, labels: Sequence[str]) -> "Choosing":
        chosen = choose(labels, of="m", known=self.labels, sets=self.label_sets, rule=None)
        return Choosing(lambda _text: Prediction("|".join(chosen), 0.5), chosen)


def label(name: str = "x", score: float = 0.5) -> Rule:
    return lambda _text: Prediction(name, score)


def bad(text: str) -> Prediction:
    if "bad" in text:
        raise ValueError(f"no: {text}")
    return Prediction("x", 0.5)


def opened(models: str, *classifiers: Ruled, check: Callable[[], None] = lambda: None) -> ModelSet:
    """A set of these models, whose versions are their numbers."""
    rows = enumerate(zip(parse(models), classifiers, strict=True))
    return ModelSet([OpenModel(spec, f"{spec.name}@{number}", one, check) for number, (spec, one) in rows])


def model_set(models: str, *rules: Rule, check: Callable[[], None] = lambda: None) -> tuple[ModelSet, list[Ruled]]:
    classifiers = [Ruled(rule) for rule in rules]
    return opened(models, *classifiers, check=check), classifiers


def documents(*texts: str) -> list[Document]:
    return [Document(text, text) for text in texts]


def outcomes(models: ModelSet, *texts: str) -> dict[str, Outcome]:
    found, _ = models.label(documents(*texts))
    assert [one.document for one in found] == documents(*texts)
    return dict(zip(texts, found, strict=True))


def test_only_the_culprit_of_a_batch_is_buried_with_what_the_model_raised() -> None:
    made, _ = model_set("m", bad)
    found = outcomes(made, *"abcdefg", "bad", *"hijk")
    assert len(found) == 12
    assert {name for name, one in found.items() if one.dead} == {"bad"}
    (letter,) = found["bad"].dead
    assert (letter.kind, letter.model, letter.reason) == ("raised", "m", "model m@0 raised ValueError: no: bad")


def test_several_culprits_are_all_found() -> None:
    made, _ = model_set("m", bad)
    found = outcomes(made, "bad1", "a", "bad2", "bad3", "b")
    assert {name for name, one in found.items() if one.dead} == {"bad1", "bad2", "bad3"}


def test_models_fail_each_for_themselves() -> None:
    made, _ = model_set("one, two", label("y"), bad)
    found = outcomes(made, "a", "bad")
    assert found["bad"].predictions == (Prediction("y", 0.5, "one@0"),)
    assert [letter.model for letter in found["bad"].dead] == ["two"]
    assert [one.model for one in found["a"].predictions] == ["one@0", "two@1"]


def test_a_model_whose_golden_texts_fail_too_is_broken_and_buries_nothing() -> None:
    def broken() -> None:
        raise Misconfigured("the model is broken")

    made, _ = model_set("m", bad, check=broken)
    with pytest.raises(Misconfigured, match="broken"):
        made.label(documents("a", "bad"))


def test_a_shadow_never_answers_and_its_failures_are_counted_only() -> None:
    made, _ = model_set("m, shadow m@challenger", label("y"), bad)
    found, failures = made.label(documents("a", "bad", "b", "bad too"))
    assert failures == 2
    assert all(not one.dead for one in found)
    assert [len(one.shadows) for one in found] == [1, 0, 1, 0]
    assert all(one.predictions == (Prediction("y", 0.5, "m@0"),) for one in found)


def test_a_shadow_that_is_unavailable_holds_nobody_up() -> None:
    def away(_text: str) -> Prediction:
        raise Unavailable("away")

    made, (_, shadow) = model_set("m, shadow m@challenger", label("y"), away)
    _, failures = made.label(documents("a", "b", "c"))
    assert failures == 3
    assert len(shadow.asked) == 1
    answering, _ = model_set("m", away)
    with pytest.raises(Unavailable):
        answering.label(documents("a"))


def test_a_shadow_is_not_asked_for_its_golden_texts() -> None:
    def broken() -> None:
        raise Misconfigured("the model is broken")

    made, _ = model_set("m, shadow m@challenger", label("y"), bad, check=broken)
    assert made.label(documents("a", "bad"))[1] == 1


def test_a_condition_chooses_the_documents_that_a_model_sees() -> None:
    made, (_, second) = model_set("language, mood if language=en|de", lambda t: Prediction(t[:2], 0.5), label("fine"))
    found = outcomes(made, "en a", "sv b", "de c")
    assert second.asked == [["en a", "de c"]]
    assert {name: len(one.predictions) for name, one in found.items()} == {"en a": 2, "sv b": 1, "de c": 2}


def test_where_the_model_of_a_condition_fails_the_condition_does_not_hold() -> None:
    made, (_, second) = model_set("language, mood if language=x", bad, label("fine"))
    found = outcomes(made, "bad", "a")
    assert second.asked == [["a"]]
    assert [letter.model for letter in found["bad"].dead] == ["language"]


def test_models_that_are_skipped_are_not_asked() -> None:
    made, (first, second) = model_set("one, two", label("y"), label("z"))
    ((outcome,), _) = made.label(documents("a"), skip=[0])
    assert (first.asked, second.asked) == ([], [["a"]])
    assert outcome.predictions == (Prediction("z", 0.5, "two@1"),)


@pytest.mark.parametrize("score", [float("nan"), float("inf")])
def test_a_score_that_is_no_number_fails_that_document_alone(score: float) -> None:
    made, _ = model_set("m", lambda text: Prediction("x", score if text == "a" else 0.5))
    found = outcomes(made, "a", "b")
    assert "the score" in found["a"].dead[0].reason
    assert found["b"].predictions


def test_predictions_that_name_their_version_are_kept_as_they_are_unless_a_score_is_no_number() -> None:
    given = Prediction("x", 0.5, "m@3f9c2a")
    nan = Prediction("x", float("nan"), "m@3f9c2a")
    spec, classifier = parse("m")[0], Ruled(lambda text: nan if text == "nan" else given)
    model = OpenModel(spec, "m@3f9c2a", classifier, lambda: None, stamped=True)
    assert model.predict(["a"])[0] is given
    with pytest.raises(ValueError, match="gave the score nan"):
        model.predict(["a", "nan"])


@pytest.mark.parametrize("name", ["", "a\0", "\ud800"])
def test_a_label_that_cannot_be_stored_fails_that_document_alone(name: str) -> None:
    made, _ = model_set("m", lambda text: Prediction(name if text == "a" else "x", 0.5))
    found = outcomes(made, "a", "b")
    assert "the label" in found["a"].dead[0].reason
    assert found["b"].predictions


def test_a_model_that_gives_too_few_predictions_fails() -> None:
    class Short(Ruled):
        def predict(self, texts: Sequence[str]) -> list[Prediction]:
            return super().predict(texts)[1:]

    found = outcomes(opened("m", Short(label())), "a", "b")
    assert "0 predictions for 1 texts" in found["a"].dead[0].reason


def test_out_of_memory_is_nobodys_fault_here() -> None:
    def grow(_text: str) -> Prediction:
        raise MemoryError

    made, _ = model_set("m, shadow n", label(), grow)
    with pytest.raises(MemoryError):
        made.label(documents("a"))
    alone, _ = model_set("m", grow)
    with pytest.raises(MemoryError):
        alone.predict(["a"])


def test_texts_are_answered_by_every_model_that_applies_but_no_shadow() -> None:
    made, (_, _, shadow) = model_set(
        "language, mood if language=en, shadow language@challenger",
        lambda text: Prediction(text[:2], 0.5),
        label("fine"),
        label(),
    )
    found = made.predict(["en a", "sv b"])
    assert [sorted(one) for one in found] == [["language", "mood"], ["language"]]
    assert found[0]["mood"] == Prediction("fine", 0.5, "mood@1")
    assert shadow.asked == []


def test_labels_restrict_the_models_that_have_them_and_leave_the_others_alone() -> None:
    made = opened(
        "language, mood, tone, shadow language@challenger",
        Choosing(label(), ["da", "de", "sv"]),
        Choosing(label(), ["+", "-"]),
        Ruled(label("loud")),
        Choosing(label(), ["da"]),
    )
    (found,) = made.restricted(["sv", "da"]).predict(["a"])
    assert {name: one.label for name, one in found.items()} == {"language": "da|sv", "mood": "x", "tone": "loud"}
    (found,) = made.restricted(["-", "sv"]).predict(["a"])
    assert {name: one.label for name, one in found.items()} == {"language": "sv", "mood": "-", "tone": "loud"}
    (found,) = made.restricted(["all"]).predict(["a"])
    assert {name: one.label for name, one in found.items()} == {"language": "da|de|sv", "mood": "+|-", "tone": "loud"}
    assert made.predict(["a"])[0]["language"].label == "x"


@pytest.mark.parametrize(
    ("labels", "reason"),
    [
        ([], "are empty"),
        (["da", "da"], "named twice"),
        (["da", "xx"], "has no label 'xx'.*has no label 'xx'"),
        (["no"], "has no label 'no'"),
    ],
)
def test_labels_that_no_model_has_are_refused(labels: list[str], reason: str) -> None:
    shadowed = Choosing(label(), ["no"])
    made = opened("a, b, shadow c", Choosing(label(), ["da", "de"]), Choosing(label(), ["+"]), shadowed)
    with pytest.raises(Misconfigured, match=reason):
        made.restricted(labels)


def test_models_that_have_no_labels_to_choose_from_say_so() -> None:
    with pytest.raises(Misconfigured, match="model m@0 can't be restricted to labels"):
        opened("m", Ruled(label())).restricted(["x"])


def test_what_the_setting_restricts_is_restricted_for_texts_and_documents_and_can_be_narrowed() -> None:
    made = ModelSet.open(parse("language[sv|da|no]"), Registry("none"))
    german = "Wie spät ist es denn heute, mein Freund?"
    (version,) = made.versions
    ((outcome,), _) = made.label(documents(german))
    assert [(one.label, one.model) for one in outcome.predictions] == [("und", version)]
    assert outcome.predictions[0] == made.predict([german])[0]["language"]
    assert made.predict([german], threshold=0)[0]["language"].label in ("sv", "da", "no")
    assert {one.label for one in made.top([german], 5)[0]["language"]} == {"sv", "da", "no"}
    assert made.restricted(["da"]).predict([german], threshold=0)[0]["language"] == Prediction("da", 1.0, version)
    with pytest.raises(Misconfigured, match=r"has no label 'de'; its labels are da, no, sv"):
        made.restricted(["de"])
    assert made.parallel
    assert made.prepare(wait=True)


def test_a_shadow_that_lacks_a_label_of_its_restriction_is_missing_and_another_model_cannot_be_opened() -> None:
    registry = Registry("none")
    assert ModelSet.open(parse(f"{FAULTY}, shadow language[xx]"), registry).missing == [1]
    with pytest.raises(Misconfigured, match="has no label 'xx'"):
        ModelSet.open(parse("language[xx]"), registry)
    with pytest.raises(Misconfigured, match="can't be restricted to labels"):
        ModelSet.open(parse("size[short]=python:headrace.testing.classifiers:Trivial"), registry)


def test_no_texts_and_no_documents_have_no_predictions_and_ask_no_model() -> None:
    made, (classifier,) = model_set("m", label())
    assert made.predict([]) == made.top([], 3) == []
    assert made.label([]) == ([], 0)
    assert classifier.asked == []


def test_a_classifier_that_ranks_gives_its_best_labels_and_heeds_a_threshold() -> None:
    made = opened("m", Ranked(label("x", 0.7)))
    assert made.top(["a"], 2) == [{"m": [Prediction("x", 0.7, "m@0"), Prediction("other", 1 - 0.7, "m@0")]}]
    assert made.top(["a"], 1) == [{"m": [Prediction("x", 0.7, "m@0")]}]
    assert made.predict(["a"], threshold=0.9) == [{"m": Prediction("und", 0.7, "m@0")}]
    assert made.predict(["a"]) == [{"m": Prediction("x", 0.7, "m@0")}]


def test_a_classifier_that_does_not_rank_gives_its_one_label_whatever_is_asked() -> None:
    made, _ = model_set("m", label())
    assert made.top(["a"], 3) == [{"m": [Prediction("x", 0.5, "m@0")]}]
    assert made.predict(["a"], threshold=0.9) == [{"m": Prediction("x", 0.5, "m@0")}]


@pytest.mark.parametrize("ranked", [[], [[]], [[Prediction("x", 0.5)], [Prediction("x", 0.5)]]])
def test_a_ranking_that_misses_a_text_or_has_one_too_many_is_rejected(ranked: list[list[Prediction]]) -> None:
    class Wrong(Ranked):
        def top(self, texts: Sequence[str], n: int) -> list[list[Prediction]]:  # noqa: ARG002
            return ranked

    with pytest.raises(Rejected, match=r"ranked labels for . of 1 texts"):
        opened("m", Wrong(label())).top(["a"], 2)


def test_a_condition_holds_for_the_best_label_when_several_are_asked_for() -> None:
    second = Ruled(label("fine"))
    made = opened("language, mood if language=en", Ranked(lambda text: Prediction(text[:2], 0.5)), second)
    assert [sorted(one) for one in made.top(["en a", "sv b"], 2)] == [["language", "mood"], ["language"]]
    assert second.asked == [["en a"]]


def test_a_text_on_which_a_model_fails_is_rejected_and_stores_nothing() -> None:
    made, _ = model_set("m", bad)
    with pytest.raises(Rejected, match="m@0 fails on this: ValueError: no: bad"):
        made.predict(["a", "bad"])


class Few(Ruled):
    most_texts = 2


def test_a_stepwise_model_is_given_few_texts_at_once_and_each_call_is_announced() -> None:
    places: list[int] = []
    few = Few(bad)
    made = ModelSet([OpenModel(parse("m")[0], "m@0", few, lambda: None)], places.append)
    assert {name for name, one in outcomes(made, "a", "b", "c", "bad", "d").items() if one.dead} == {"bad"}
    assert few.asked == [["a", "b"], ["c", "bad"], ["c"], ["bad"], ["d"]]
    assert len(places) == len(few.asked) + 2  # the golden texts were predicted for the two failures
    few.asked.clear()
    assert [one["m"].label for one in made.predict(["a", "b", "c"])] == ["x"] * 3
    assert few.asked == [["a", "b"], ["c"]]


def test_a_shadow_that_is_unavailable_is_not_asked_for_its_next_step() -> None:
    def away(_text: str) -> Prediction:
        raise Unavailable("it is away")

    few = Few(away)
    made = opened("m, shadow m@challenger", Ruled(label()), few)
    assert made.label(documents(*"abcdef"))[1] == 6
    assert few.asked == [["a", "b"]]


def test_a_place_is_named_before_its_model_begins_and_versions_are_those_of_the_models() -> None:
    places: list[Any] = []
    specs = parse(f"{FAULTY}, long=python:headrace.testing.classifiers:Trivial")
    models = ModelSet.open(specs, Registry("none"), places.append)
    assert models.versions == ["fake@bbbbbb", "long@aaaaaa"]
    models.label(documents("a"))
    models.predict(["a"])
    assert places == [0, 1] * 3  # opening counts
