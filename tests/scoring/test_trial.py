"""A pipeline that can't label texts is refused when it is compiled or opened, with what it is and what to do; no raw error comes out."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skops.io
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction import DictVectorizer, FeatureHasher
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression, Ridge, RidgeClassifier, SGDClassifier
from sklearn.model_selection import GridSearchCV, PredefinedSplit
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, MaxAbsScaler, OneHotEncoder, StandardScaler
from sklearn.svm import SVC, LinearSVC

from headrace.errors import Misconfigured
from headrace.scoring.linear.compile import compile as compile_
from headrace.scoring.opening import open_scorer
from headrace.scoring.pipeline import FILE, PipelineScorer

TEXTS = ["the mill turns", "the water runs", "das Rad dreht sich", "das Wasser fließt", "la roue tourne", "l'eau coule"]
LABELS = ["en", "en", "de", "de", "fr", "fr"]
TABLE = np.array([[text, len(text)] for text in TEXTS], object)
DICTS = [dict.fromkeys(text.split(), 1) for text in TEXTS]
LISTS = [text.split() for text in TEXTS]


def fitted(*steps: Any, on: Any = TEXTS, labels: Any = LABELS) -> Pipeline:
    return make_pipeline(*steps).fit(on, labels)


def temperature(classifier: Any) -> Pipeline:
    """A classifier whose temperature was found without a label in a part of the data."""
    folds = PredefinedSplit([0, 1, 0, 1, 0, 1, 0])
    calibrated = CalibratedClassifierCV(classifier, method="temperature", cv=folds)
    return fitted(TfidfVectorizer(), calibrated, on=[*TEXTS, "z z"], labels=[*LABELS, "zz"])


def earlier(pipeline: Pipeline, *missing: str) -> Pipeline:
    """A pipeline as an earlier scikit-learn has pickled it: without members that later versions have."""
    for name in missing:
        for _, step in pipeline.steps:
            step.__dict__.pop(name, None)
    return pipeline


def second(dicts: Any) -> list[str]:
    return [one["text"] for one in dicts]


REFUSED: dict[str, tuple[Callable[[], Any], str]] = {
    "a table": (
        lambda: fitted(ColumnTransformer([("text", TfidfVectorizer(), 0)]), LogisticRegression(), on=TABLE),
        "ColumnTransformer takes a table; fit a pipeline that begins with the vectoriser of the column of texts",
    ),
    "a table within a search": (
        lambda: GridSearchCV(
            make_pipeline(ColumnTransformer([("text", TfidfVectorizer(), 0)]), LogisticRegression()),
            {"logisticregression__C": [1]},
            cv=2,
        ).fit(TABLE, LABELS),
        "ColumnTransformer takes a table",
    ),
    "dicts": (lambda: fitted(DictVectorizer(), MultinomialNB(), on=DICTS), "DictVectorizer takes dicts of features"),
    "hashed features": (
        lambda: fitted(FeatureHasher(64, input_type="string"), RidgeClassifier(), on=LISTS),
        "FeatureHasher takes features, not texts; fit a pipeline that begins with a HashingVectorizer",
    ),
    "numbers": (
        lambda: fitted(StandardScaler(), LogisticRegression(), on=np.eye(6)),
        "begins with a vectoriser, such as TfidfVectorizer",
    ),
    "categories": (lambda: fitted(OneHotEncoder(), LogisticRegression(), on=TABLE[:, :1]), "begins with a vectoriser"),
    "nothing but a classifier": (lambda: LogisticRegression().fit(np.eye(6), LABELS), "begins with a vectoriser"),
    "objects": (
        lambda: fitted(
            FunctionTransformer(second), CountVectorizer(), LinearSVC(), on=[{"text": text} for text in TEXTS]
        ),
        "it gets a list of strings, and fails",
    ),
    "a temperature without a label": (
        lambda: temperature(LinearSVC()),
        "a part of the training data lacks a label; calibrate with more texts of each label, or by method='sigmoid'",
    ),
    "a temperature of Bayes": (lambda: temperature(MultinomialNB()), "a part of the training data lacks a label"),
    "a temperature of what is not linear": (lambda: temperature(SVC()), "a part of the training data lacks a label"),
    "an empty label": (
        lambda: fitted(CountVectorizer(), LinearSVC(), labels=["", "", *LABELS[2:]]),
        "one of its labels is empty; give it a name",
    ),
    "no steps": (lambda: Pipeline([]), "it has no steps; fit one that ends in a classifier"),
    "a regressor": (lambda: fitted(CountVectorizer(), Ridge(), labels=range(6)), "it has no classes_"),
    "an earlier scaler": (
        lambda: earlier(fitted(CountVectorizer(), MaxAbsScaler(), LogisticRegression()), "clip"),
        "if another version of scikit-learn than .* has fitted it, fit it again with this one",
    ),
    "an earlier SVC": (
        lambda: earlier(fitted(CountVectorizer(), SVC()), "_effective_probability", "_n_support", "shape_fit_"),
        "if another version of scikit-learn than .* has fitted it",
    ),
    "an earlier ridge": (
        lambda: earlier(fitted(CountVectorizer(), RidgeClassifier()), "classes_", "_label_binarizer"),
        "if another version of scikit-learn than .* has fitted it",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_what_cannot_label_texts_is_refused_with_what_to_do(case: str) -> None:
    make, reason = REFUSED[case]
    with pytest.raises(Misconfigured, match=reason):
        compile_(make())


def test_a_text_is_never_taken_for_the_name_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("one two")
    (tmp_path / "b").write_text("three four")
    files = [str(tmp_path / name) for name in "ab"]
    pipeline = fitted(CountVectorizer(input="filename"), LinearSVC(), on=files, labels=["x", "y"])
    with pytest.raises(Misconfigured, match="fit the pipeline with input='content'"):
        compile_(pipeline)


def test_what_is_no_estimator_of_scikit_learn_is_refused() -> None:
    class Own:
        classes_ = np.array(["a", "b"])

        def fit(self, *_: object) -> "Own":
            return self

        def predict(self, texts: list[str]) -> list[str]:
            return ["a"] * len(texts)

    with pytest.raises(Misconfigured, match="a class of one's own derives from BaseEstimator"):
        compile_(Own())


@pytest.mark.parametrize("scheme", ["ovr", "multinomial", "auto", "deprecated"])
@pytest.mark.parametrize("labels", [LABELS, ["a", "a", "a", "b", "b", "b"]])
@pytest.mark.parametrize("solver", ["lbfgs", "liblinear"])
def test_what_an_earlier_version_said_of_several_labels_counts_as_in_the_installed_one(
    scheme: str, labels: list[str], solver: str
) -> None:
    pipeline = fitted(TfidfVectorizer(analyzer="char"), LogisticRegression(), labels=labels)
    pipeline[-1].multi_class, pipeline[-1].solver = scheme, solver
    scorer = compile_(pipeline)
    np.testing.assert_allclose(scorer.scores(TEXTS), pipeline.predict_proba(TEXTS), rtol=1e-5)
    assert [one.label for one in scorer.predict(TEXTS)] == pipeline.predict(TEXTS).tolist()


def test_what_cannot_be_taken_apart_runs_as_it_is() -> None:
    pipeline = earlier(fitted(TfidfVectorizer(), SGDClassifier(random_state=0)), "loss")
    scorer = compile_(pipeline)
    assert "it can't be taken apart (AttributeError" in scorer.reason
    assert [one.label for one in scorer.predict(TEXTS)] == pipeline.predict(TEXTS).tolist()


def test_what_would_answer_otherwise_if_it_was_compiled_runs_as_it_is() -> None:
    pipeline = fitted(TfidfVectorizer(), LinearSVC())
    pipeline[-1].predict = lambda texts: np.array(["fr"] * texts.shape[0])
    scorer = compile_(pipeline)
    assert scorer.reason == "compiled it would give other answers; so the pipeline runs as it is"
    assert {one.label for one in scorer.predict(TEXTS)} == {"fr"}


def test_labels_that_are_not_in_order_are_told_apart() -> None:
    pipeline = fitted(TfidfVectorizer(), SVC())
    scorer = PipelineScorer(pipeline, ["eins", "zwei", "drei"], reason="")
    pipeline[-1].classes_ = pipeline[-1].classes_[::-1]
    named = dict(zip(pipeline.classes_, scorer.labels, strict=True))
    assert [one.label for one in scorer.predict(TEXTS)] == [named[label] for label in pipeline.predict(TEXTS)]


@pytest.mark.parametrize(
    ("pipeline", "reason"),
    [
        (lambda: fitted(DictVectorizer(), MultinomialNB(), on=DICTS), "DictVectorizer takes dicts"),
        (lambda: fitted(CountVectorizer(), Ridge(), labels=range(6)), "has no attribute 'classes_'"),
        (lambda: earlier(fitted(CountVectorizer(), MaxAbsScaler(), LogisticRegression()), "clip"), "fit it again"),
    ],
)
def test_a_saved_pipeline_that_cannot_label_texts_is_not_opened(
    tmp_path: Path, pipeline: Callable[[], Any], reason: str
) -> None:
    skops.io.dump(pipeline(), tmp_path / FILE)
    with pytest.raises(Misconfigured, match=reason):
        open_scorer(tmp_path)
