"""A pipeline that can't be compiled says why and predicts all the same; one that is not fitted or not trusted is refused."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skops.io
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import RandomForestClassifier, VotingClassifier
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer, TfidfTransformer, TfidfVectorizer
from sklearn.feature_selection import SelectKBest, chi2
from sklearn.linear_model import LinearRegression, LogisticRegression, RidgeClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import BernoulliNB, GaussianNB, MultinomialNB
from sklearn.neighbors import KNeighborsClassifier, NearestCentroid
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import FunctionTransformer, LabelEncoder, Normalizer
from sklearn.svm import SVC

from headrace.errors import Misconfigured
from headrace.scoring.linear.compile import compile as compile_
from headrace.scoring.opening import open_scorer
from headrace.scoring.pipeline import FILE, PipelineScorer

TEXTS = ["the mill turns", "the water runs", "das Rad dreht sich", "das Wasser fließt", "la roue tourne", "l'eau coule"]
LABELS = ["en", "en", "de", "de", "fr", "fr"]


class Shout(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    def fit(self, X: Any, y: Any = None) -> "Shout":  # noqa: ARG002, N803
        self.fitted_ = True
        return self

    def transform(self, X: Any) -> list[str]:  # noqa: N803
        return [text.upper() for text in X]


class Vectorizer(CountVectorizer):  # type: ignore[misc]
    """A subclass, which may do something else."""


def split(text: str) -> list[str]:
    return text.split()


REASONS: dict[str, tuple[Any, str]] = {
    "an RBF SVC": (make_pipeline(TfidfVectorizer(), SVC()), "SVC is not linear"),
    "pairs of labels": (make_pipeline(TfidfVectorizer(), SVC(decision_function_shape="ovo")), "SVC is not linear"),
    "no scores": (make_pipeline(TfidfVectorizer(), NearestCentroid()), "NearestCentroid is not linear"),
    "a tokenizer": (
        make_pipeline(CountVectorizer(tokenizer=split, token_pattern=None), RidgeClassifier()),
        "custom tokenizer",
    ),
    "an analyzer": (make_pipeline(CountVectorizer(analyzer=split), RidgeClassifier()), "custom analyzer"),
    "a preprocessor": (
        make_pipeline(CountVectorizer(preprocessor=str.upper), RidgeClassifier()),
        "custom preprocessor",
    ),
    "a pattern": (make_pipeline(CountVectorizer(token_pattern=r"\w"), RidgeClassifier()), "custom token_pattern"),
    "stop words": (make_pipeline(CountVectorizer(stop_words=["das"]), RidgeClassifier()), "stop words"),
    "single precision": (make_pipeline(TfidfVectorizer(dtype=np.float32), RidgeClassifier()), "single precision"),
    "single precision, then double": (make_pipeline(TfidfVectorizer(dtype=np.float32), MultinomialNB()), "float32"),
    "a transformer of one's own": (
        make_pipeline(Shout(), CountVectorizer(), RidgeClassifier()),
        "Shout is not a vectoriser",
    ),
    "a subclass": (make_pipeline(Vectorizer(), RidgeClassifier()), "Vectorizer is not a vectoriser"),
    "a maximum norm": (make_pipeline(CountVectorizer(), Normalizer("max"), RidgeClassifier()), "the norm 'max'"),
    "a norm over a union": (
        make_pipeline(make_union(CountVectorizer()), TfidfTransformer(), RidgeClassifier()),
        "does not directly",
    ),
    "the logarithm of a logarithm": (
        make_pipeline(
            CountVectorizer(analyzer="char"),
            TfidfTransformer(sublinear_tf=True, use_idf=False, norm=None),
            TfidfTransformer(sublinear_tf=True),
            RidgeClassifier(),
        ),
        "other than plain counts",
    ),
    "a threshold": (make_pipeline(CountVectorizer(), BernoulliNB(binarize=1.0)), "threshold"),
    "empty n-grams": (make_pipeline(HashingVectorizer(ngram_range=(0, 2)), RidgeClassifier()), "below 1"),
    "a function": (
        make_pipeline(CountVectorizer(), FunctionTransformer(abs), RidgeClassifier()),
        "FunctionTransformer can't be folded",
    ),
    "Gaussian": (
        make_pipeline(TfidfVectorizer(), FunctionTransformer(lambda x: x.toarray()), GaussianNB()),
        "GaussianNB",
    ),
}


@pytest.mark.parametrize("case", REASONS)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_what_cannot_be_compiled_says_why_and_predicts_as_the_pipeline_does(case: str) -> None:
    pipeline, reason = REASONS[case]
    pipeline.fit(TEXTS, LABELS)
    scorer = compile_(pipeline)
    assert isinstance(scorer, PipelineScorer)
    assert reason in scorer.reason
    assert scorer.reason.endswith("the pipeline runs as it is")
    assert not scorer.compiled
    predictions = scorer.predict(iter(TEXTS))
    assert [prediction.label for prediction in predictions] == list(pipeline.predict(TEXTS))
    scores = scorer.scores(TEXTS)
    assert scores.shape == (len(TEXTS), 3)
    assert scorer.classes_.tolist() == pipeline.classes_.tolist()
    assert hasattr(scorer, "predict_proba") == hasattr(pipeline, "predict_proba")
    if hasattr(pipeline, "predict_proba"):
        np.testing.assert_array_equal(scorer.predict_proba(TEXTS), pipeline.predict_proba(TEXTS))
    assert [p.score for p in predictions] == [
        row[scorer.labels.index(p.label)] for p, row in zip(predictions, scores, strict=True)
    ]
    assert scorer.predict([]) == []
    assert scorer.scores([]).shape == (0, 3)


def test_compile_says_that_a_pipeline_runs_as_it_is_and_why(caplog: pytest.LogCaptureFixture) -> None:
    pipeline = make_pipeline(CountVectorizer(analyzer=split), RidgeClassifier()).fit(TEXTS, LABELS)
    compile_(pipeline)
    [warning] = caplog.messages
    assert warning.startswith("not compiled: the vectoriser has a custom analyzer; so the pipeline runs as it is")
    reasons: list[str] = []
    compile_(pipeline, tell=reasons.append)
    assert reasons == [warning]


def test_scores_of_two_labels_have_two_columns() -> None:
    labels = ["de" if label == "de" else "other" for label in LABELS]
    pipeline = make_pipeline(TfidfVectorizer(analyzer="char"), SVC()).fit(TEXTS, labels)
    scorer = compile_(pipeline)
    decisions = pipeline.decision_function(TEXTS)
    np.testing.assert_array_equal(scorer.scores(TEXTS), np.stack([-decisions, decisions], axis=1))
    assert not scorer.calibrated


def test_labels_are_decoded_by_the_encoder() -> None:
    encoder = LabelEncoder()
    pipeline = make_pipeline(TfidfVectorizer(), SVC()).fit(TEXTS, encoder.fit_transform(LABELS))
    assert [p.label for p in compile_(pipeline, encoder=encoder).predict(TEXTS)] == LABELS


@pytest.mark.parametrize(
    "classifier",
    [
        SVC(),
        RandomForestClassifier(n_estimators=3, random_state=0),
        GridSearchCV(SVC(), {"C": [1, 2]}, cv=2),
        CalibratedClassifierCV(SVC(), cv=2),
        VotingClassifier([("ridge", RidgeClassifier()), ("rbf", SVC())]),
        KNeighborsClassifier(2),
    ],
    ids=lambda classifier: type(classifier).__name__,
)
def test_a_saved_scorer_opens_with_the_same_predictions(tmp_path: Path, classifier: Any) -> None:
    vectorizer = make_union(TfidfVectorizer(analyzer="char"), HashingVectorizer(n_features=8, alternate_sign=False))
    selection = SelectKBest(chi2, k=9)
    scorer = compile_(make_pipeline(vectorizer, selection, classifier).fit(TEXTS, LABELS))
    scorer.save(tmp_path)
    opened = open_scorer(tmp_path)
    assert isinstance(opened, PipelineScorer)
    assert (opened.labels, opened.calibrated, opened.reason) == (scorer.labels, scorer.calibrated, scorer.reason)
    assert opened.predict(TEXTS) == scorer.predict(TEXTS)
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


def test_a_pipeline_that_skops_saved_is_opened_too(tmp_path: Path) -> None:
    pipeline = make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(TEXTS, LABELS)
    skops.io.dump(pipeline, tmp_path / FILE)
    assert [p.label for p in open_scorer(tmp_path).predict(TEXTS)] == list(pipeline.predict(TEXTS))


def test_a_pipeline_that_would_not_be_loaded_again_is_not_saved(tmp_path: Path) -> None:
    scorer = compile_(make_pipeline(Shout(), TfidfVectorizer(), RidgeClassifier()).fit(TEXTS, LABELS))
    with pytest.raises(Misconfigured, match="Shout, which would not be loaded again"):
        scorer.save(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_types_that_are_not_trusted_are_not_loaded(tmp_path: Path) -> None:
    pipeline = make_pipeline(Shout(), TfidfVectorizer(), RidgeClassifier()).fit(TEXTS, LABELS)
    skops.io.dump(pipeline, tmp_path / FILE)
    with pytest.raises(Misconfigured, match="Shout, which is not trusted"):
        open_scorer(tmp_path)


@pytest.mark.parametrize("data", [b"", b"PK", b"\x80\x04K\x01."])
def test_a_broken_file_is_refused_by_name(tmp_path: Path, data: bytes) -> None:
    (tmp_path / FILE).write_bytes(data)
    with pytest.raises(Misconfigured, match=r"pipeline\.skops can't be used"):
        open_scorer(tmp_path)


@pytest.mark.parametrize(
    "pipeline",
    [
        make_pipeline(TfidfVectorizer(), RidgeClassifier()),
        make_pipeline(TfidfVectorizer(), RidgeClassifier().fit([[1], [2]], LABELS[1:3])),
        RidgeClassifier(),
    ],
)
def test_a_pipeline_that_is_not_fitted_is_refused(pipeline: Any) -> None:
    with pytest.raises(Misconfigured, match="not fitted"):
        compile_(pipeline)


@pytest.mark.parametrize(
    ("thing", "reason"),
    [
        (object(), "not a scikit-learn estimator"),
        ("a string", "no classes_"),
        (make_pipeline(TfidfVectorizer(), LinearRegression()).fit(TEXTS, [1, 2, 3, 4, 5, 6]), "no classes_"),
        (make_pipeline(TfidfVectorizer(), RidgeClassifier()).fit(TEXTS, np.eye(6, 3, dtype=int)), "several labels"),
        (TfidfVectorizer().fit(TEXTS), "no classes_"),
    ],
)
def test_what_does_not_classify_texts_by_one_label_is_refused(thing: Any, reason: str) -> None:
    with pytest.raises(Misconfigured, match=reason):
        compile_(thing)


def test_an_estimator_may_make_its_own_scorer() -> None:
    class Own(RidgeClassifier):  # type: ignore[misc]
        def to_scorer(self) -> str:
            return f"a scorer of {len(self.classes_)} labels"

    own = Own().fit([[1], [2]], ["a", "b"])
    assert compile_(own) == "a scorer of 2 labels"
    assert compile_(make_pipeline("passthrough", own)) == "a scorer of 2 labels"
