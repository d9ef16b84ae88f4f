"""A model that is restricted to some of its labels: its scores, and what it declines."""

from collections.abc import Mapping, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC
from support.tabled import TabledScorer

import headrace
from headrace.errors import Misconfigured
from headrace.models.card import Card, Golden, Rule
from headrace.models.model import Model
from headrace.models.restricted import BATCH_TEXTS, ODDS_FACTOR
from headrace.ports import Restrictable, VersionRef

LABELS = ("da", "de", "no", "sv")
RULE = Rule(0.5)
REF = VersionRef("language", "3f9c2a")
NORDIC = ("sv", "da", "no")


def model(rows: Mapping[str, Sequence[float]], rule: Rule | None = RULE) -> Model:
    sets = {"nordic": ("da", "no", "sv")}
    golden = (Golden("katten", "sv", 1.0), Golden("Katze", "de", 1.0), Golden("?", "und", 0.1))
    return Model(REF, Card("language", LABELS, rule=rule, label_sets=sets, golden=golden), TabledScorer(LABELS, rows))


def named(made: Model, text: str, labels: Sequence[str] = NORDIC, threshold: float | None = None) -> tuple[str, float]:
    (one,) = made.predict([text], labels=labels, threshold=threshold)
    assert one.model == "language@3f9c2a"
    return one.label, round(one.score, 6)


def test_scores_are_shares_of_the_probability_of_the_chosen_labels() -> None:
    made = model({"a": [0.1, 0.5, 0.1, 0.3]})
    assert named(made, "a") == ("sv", 0.6)
    assert named(made, "a", ["nordic"]) == ("sv", 0.6)
    assert named(made, "a", ["sv", "de"]) == ("de", 0.625)
    ((first, second, third),) = made.top(["a"], 5, labels=NORDIC)
    assert [(one.label, round(one.score, 6)) for one in (first, second, third)] == [
        ("sv", 0.6),
        ("da", 0.2),
        ("no", 0.2),
    ]
    restricted = made.restricted(NORDIC)
    assert restricted.classes_.tolist() == ["da", "no", "sv"]
    np.testing.assert_allclose(restricted.predict_proba(["a"]), [[0.2, 0.2, 0.6]])


def test_a_text_in_another_label_is_unknown_however_sure_the_chosen_ones_seem() -> None:
    made = model({"German": [0.001, 0.98, 0.001, 0.018]})
    assert named(made, "German") == ("und", 0.9)
    assert named(made, "German", threshold=0.1) == ("und", 0.9)
    assert named(made, "German", threshold=0) == ("sv", 0.9)


def test_the_share_below_which_a_text_is_in_no_chosen_label_is_one_in_21() -> None:
    assert ODDS_FACTOR == 20
    least = 1 / 21
    made = model({"above": [0, 1 - least - 1e-6, 0, least + 1e-6], "below": [0, 1 - least + 1e-6, 0, least - 1e-6]})
    assert named(made, "above") == ("sv", 1.0)
    assert named(made, "below") == ("und", 1.0)


def test_whether_a_text_is_none_of_the_labels_is_judged_over_all_of_them() -> None:
    made = model({"Greek": [0.1, 0.05, 0.1, 0.2], "mixed": [0.0, 0.45, 0.0, 0.3], "noise": [0.0, 0.01, 0.0, 0.3]})
    assert named(made, "Greek") == ("und", 0.5)
    assert named(made, "Greek", threshold=0) == ("sv", 0.5)
    assert named(made, "mixed") == ("sv", 1.0)  # none of the labels is as likely as German
    assert named(made, "noise", threshold=0.1) == ("und", 1.0)


def test_the_best_of_the_chosen_labels_must_reach_the_threshold() -> None:
    made = model({"a": [0.2, 0.4, 0.2, 0.2]})
    assert named(made, "a") == ("und", 0.333333)
    assert named(made, "a", threshold=0.3) == ("da", 0.333333)


def test_where_no_chosen_label_has_any_probability_the_shares_are_equal() -> None:
    made = model({"Chinese": [0.0, 1.0, 0.0, 0.0]})
    assert named(made, "Chinese") == ("und", 0.333333)
    assert named(made, "Chinese", threshold=0) == ("da", 0.333333)
    assert [one.score for one in made.top(["Chinese"], labels=NORDIC)[0]] == [1 / 3] * 3


def test_one_label_is_answered_or_declined() -> None:
    made = model({"Swedish": [0.1, 0.1, 0.1, 0.7], "German": [0.0, 1.0, 0.0, 0.0], "12": [0.25] * 4})
    assert named(made, "Swedish", ["sv"]) == ("sv", 1.0)
    assert named(made, "German", ["sv"]) == ("und", 1.0)
    assert named(made, "12", ["sv"]) == ("zxx", 1.0)
    assert named(made, "12", ["sv"], threshold=0) == ("sv", 1.0)


def test_a_model_without_a_rule_always_names_a_chosen_label() -> None:
    made = model({"German": [0.0, 0.999, 0.0, 0.001], "12": [0.25] * 4}, rule=None)
    assert named(made, "German") == ("sv", 1.0)
    assert named(made, "12") == ("da", 0.333333)
    assert named(made, "German", threshold=0.5) == ("und", 1.0)


def test_all_labels_are_no_restriction() -> None:
    made = model({"a": [0.1, 0.5, 0.1, 0.1]})
    assert made.restricted(LABELS[::-1]) is made
    assert named(made, "a", LABELS[::-1]) == ("de", 0.5)


def test_a_restricted_model_can_be_restricted_further_but_not_to_other_labels() -> None:
    made = model({"a": [0.1, 0.5, 0.1, 0.3]}).restricted(NORDIC)
    assert made.restricted(["sv", "no"]).predict(["a"])[0].score == pytest.approx(0.75)
    assert made.restricted(["nordic"]).labels == ("da", "no", "sv")
    with pytest.raises(
        Misconfigured, match=r"language@3f9c2a\[da\|no\|sv\] has no label 'de'; its labels are da, no, sv"
    ):
        made.restricted(["de"])


def test_a_restricted_model_is_a_classifier_whose_golden_texts_are_those_of_its_labels() -> None:
    made = model({}).restricted(NORDIC)
    assert isinstance(made, Restrictable)
    assert made.golden == (("katten", "sv"),)
    assert (made.name, made.version, made.compiled, made.prepare()) == ("language", "3f9c2a", True, True)


@pytest.mark.parametrize("number", [0, 1, BATCH_TEXTS, 2 * BATCH_TEXTS + 1])
def test_any_number_of_texts_is_predicted_in_order(number: int) -> None:
    made = model({"Swedish": [0.1, 0.1, 0.1, 0.7], "Danish": [0.7, 0.1, 0.1, 0.1]})
    texts = (["Swedish", "Danish"] * number)[:number]
    for some in (texts, tuple(texts), iter(texts)):
        assert [one.label for one in made.predict(some, labels=NORDIC)] == (["sv", "da"] * number)[:number]
    assert [best[0].label for best in made.top(iter(texts), labels=NORDIC)] == (["sv", "da"] * number)[:number]


TEXTS = ["good good", "so good", "bad", "so bad", "neither", "it is"]
MOODS = ["+", "+", "-", "-", "0", "0"]


def trained(classifier: object, rule: Rule | None) -> Model:
    pipeline = make_pipeline(TfidfVectorizer(analyzer="char_wb", ngram_range=(1, 2)), classifier)
    scorer = headrace.compile(pipeline.fit(TEXTS, MOODS))
    return Model(VersionRef("mood"), Card("mood", tuple(scorer.labels), rule=rule), scorer)


def test_a_compiled_pipeline_is_restricted_and_tells_texts_without_letters() -> None:
    made = trained(LogisticRegression(C=100), Rule(0.1))
    labels = [one.label for one in made.predict([*TEXTS, "123", "@name"], labels=["+", "-"])]
    assert labels[:4] == MOODS[:4]
    assert labels[-2:] == ["zxx", "zxx"]
    whole = made.predict_proba(["good bad"])[0]
    (one,) = made.predict(["good bad"], labels=["+", "-"], threshold=0)
    assert one.score == pytest.approx(max(whole[0], whole[1]) / (whole[0] + whole[1]))


def test_scores_that_are_no_probabilities_stay_as_they_are() -> None:
    made = trained(LinearSVC(), None)
    whole = dict(zip(made.labels, made._scorer.scores(["neither"])[0], strict=True))
    (one,) = made.predict(["neither"], labels=["+", "-"])
    assert (one.label, one.score) == max((("+", whole["+"]), ("-", whole["-"])), key=lambda pair: pair[1])
    assert not hasattr(made.restricted(["+", "-"]), "predict_proba")


weights = st.lists(st.floats(0, 1), min_size=4, max_size=4).filter(lambda row: sum(row) > 0.01)
choices = st.lists(st.sampled_from(LABELS), min_size=1, unique=True)


@given(weights, st.floats(0, 0.9), choices, st.randoms(use_true_random=False), st.floats(0, 1) | st.none())
def test_restricted_scores_sum_to_one_in_any_order_and_what_was_named_before_is_named_still(
    row: list[float], none: float, labels: list[str], random: object, threshold: float | None
) -> None:
    scale = (1 - none) / sum(row)
    made = model({"a": [one * scale for one in row]})
    shuffled = list(labels)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert made.predict(["a"], labels=labels, threshold=threshold) == made.predict(
        ["a"], labels=shuffled, threshold=threshold
    )
    (best,) = made.top(["a"], 4, labels=labels)
    assert {one.label for one in best} == set(labels)
    if len(labels) < len(LABELS):
        assert sum(one.score for one in best) == pytest.approx(1)
    (named_one,) = made.predict(["a"], labels=labels, threshold=threshold)
    assert named_one.score == best[0].score
    assert named_one.label in ({*labels} if threshold == 0 else {*labels, "und"})
    (before,) = made.predict(["a"], threshold=threshold)
    if before.label in labels and (threshold is None or threshold > 1 / (1 + ODDS_FACTOR)):
        assert named_one.label == before.label
        assert named_one.score >= before.score - 1e-12


@given(weights, st.floats(0, 1) | st.none())
def test_restricted_to_all_labels_it_predicts_as_ever(row: list[float], threshold: float | None) -> None:
    made = model({"a": [one / sum(row) for one in row]})
    assert made.predict(["a"], labels=LABELS, threshold=threshold) == made.predict(["a"], threshold=threshold)
    assert made.top(["a"], labels=LABELS) == made.top(["a"])
