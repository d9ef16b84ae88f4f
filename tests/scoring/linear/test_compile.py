"""A compiled pipeline predicts what the pipeline predicts, for any text and every pipeline that can be compiled."""

import warnings
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.calibration import CalibratedClassifierCV
from sklearn.decomposition import TruncatedSVD
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer, TfidfTransformer, TfidfVectorizer
from sklearn.feature_selection import SelectKBest, chi2
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, Perceptron, RidgeClassifier, SGDClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import BernoulliNB, ComplementNB, MultinomialNB
from sklearn.pipeline import FeatureUnion, make_pipeline, make_union
from sklearn.preprocessing import LabelEncoder, MaxAbsScaler, Normalizer
from sklearn.svm import LinearSVC

from headrace.scoring.linear.compile import compile as compile_
from headrace.scoring.linear.heads import Curve
from headrace.scoring.linear.scorer import LinearScorer
from headrace.scoring.pipeline import PipelineScorer

SENTENCES = {
    "de": [
        "Der Fluß fließt durch das Tal.",
        "Ein Mühlrad dreht sich im Wasser",
        "Wir gehen heute an den Bach",
        "Ob's regnet?",
    ],
    "el": [
        "Το ποτάμι κυλά στην κοιλάδα.",
        "Ο ΜΥΛΟΣ γυρίζει με το νερό",
        "ΣΗΜΕΡΑ πάμε στο ρέμα ΟΔΟΣ",
        "Θα βρέξει; Ίσως",
    ],
    "en": [
        "The river runs through the valley.",
        "A mill wheel turns in the water",
        "Today we walk to the brook",
        "Will it rain",
    ],
    "ja": ["川は谷を流れる。", "水車が水の中で回る", "今日は小川まで歩きます", "雨が降りますか"],
    "tr": [
        "IRMAK vadiden akar.",
        "İstanbul'da bir değirmen çarkı döner",
        "Bugün dereye yürüyoruz",
        "Yağmur yağacak mı",
    ],
}
TEXTS = [text for texts in SENTENCES.values() for text in texts]
LABELS = [label for label, texts in SENTENCES.items() for _ in texts]
BINARY = [label in ("en", "de") for label in LABELS]

VECTORIZERS: dict[str, Callable[[], Any]] = {
    "counts of characters": lambda: CountVectorizer(analyzer="char", ngram_range=(1, 3)),
    "long n-grams of characters": lambda: CountVectorizer(analyzer="char", ngram_range=(2, 6), lowercase=False),
    "characters within words": lambda: TfidfVectorizer(analyzer="char_wb", ngram_range=(1, 4), sublinear_tf=True),
    "whole short words": lambda: TfidfVectorizer(analyzer="char_wb", ngram_range=(5, 7), norm="l1"),
    "words": lambda: TfidfVectorizer(norm=None, smooth_idf=False),
    "pairs of words": lambda: CountVectorizer(ngram_range=(1, 3), binary=True),
    "only pairs of words": lambda: TfidfVectorizer(ngram_range=(2, 2), use_idf=False),
    "stripped accents": lambda: TfidfVectorizer(analyzer="char", ngram_range=(2, 2), strip_accents="unicode"),
    "ASCII": lambda: TfidfVectorizer(analyzer="char", ngram_range=(1, 2), strip_accents="ascii"),
    "a few features": lambda: CountVectorizer(analyzer="char", ngram_range=(1, 3), max_features=9),
    "a given vocabulary": lambda: CountVectorizer(
        analyzer="char", ngram_range=(1, 9), vocabulary=["e", "er", "", "flies", "x"]
    ),
    "hashed characters": lambda: HashingVectorizer(analyzer="char", ngram_range=(1, 3), n_features=64),
    "hashed within words": lambda: HashingVectorizer(
        analyzer="char_wb", ngram_range=(2, 6), n_features=1000, norm="l1"
    ),
    "hashed words": lambda: HashingVectorizer(ngram_range=(1, 2), n_features=2**10, norm=None),
    "hashed, binary": lambda: HashingVectorizer(analyzer="char", n_features=16, binary=True, lowercase=False),
    "hashed, without signs": lambda: HashingVectorizer(analyzer="char", n_features=32, alternate_sign=False, norm=None),
    "counts, then weights": lambda: make_pipeline(
        CountVectorizer(analyzer="char"), TfidfTransformer(sublinear_tf=True)
    ),
    "hashes, then weights": lambda: make_pipeline(
        HashingVectorizer(analyzer="char", n_features=128), TfidfTransformer(norm=None)
    ),
    "counts, normalised": lambda: make_pipeline(CountVectorizer(analyzer="char"), Normalizer("l1")),
    "a union": lambda: FeatureUnion(
        [
            ("words", TfidfVectorizer()),
            ("nothing", "drop"),
            ("characters", make_pipeline(CountVectorizer(analyzer="char_wb", ngram_range=(2, 3)), TfidfTransformer())),
            ("hashes", HashingVectorizer(analyzer="char", n_features=50, lowercase=False)),
        ],
        transformer_weights={"words": 0.5},
    ),
}
LINEAR: dict[str, Callable[[], Any]] = {
    "LinearSVC": lambda: LinearSVC(random_state=0),
    "LogisticRegression": lambda: LogisticRegression(max_iter=50),
    "one against the rest": lambda: OneVsRestClassifier(LogisticRegression(max_iter=50)),
    "SGD, hinge": lambda: SGDClassifier(random_state=0, max_iter=5, tol=None),
    "SGD, logistic": lambda: SGDClassifier("log_loss", random_state=0, max_iter=5, tol=None),
    "SGD, Huber": lambda: SGDClassifier("modified_huber", random_state=0, max_iter=5, tol=None),
    "ridge": lambda: RidgeClassifier(),
    "Perceptron": lambda: Perceptron(random_state=0),
    "calibrated": lambda: CalibratedClassifierCV(LinearSVC(random_state=0), cv=2),
    "calibrated by temperature": lambda: CalibratedClassifierCV(
        SGDClassifier(random_state=0), cv=2, method="temperature"
    ),
    "calibrated once": lambda: CalibratedClassifierCV(RidgeClassifier(), cv=2, ensemble=False, method="isotonic"),
}
BAYES: dict[str, Callable[[], Any]] = {
    "multinomial Bayes": lambda: MultinomialNB(),
    "complement Bayes": lambda: ComplementNB(norm=True),
    "Bernoulli Bayes": lambda: BernoulliNB(),
    "Bayes by temperature": lambda: CalibratedClassifierCV(MultinomialNB(), cv=2, method="temperature"),
    "calibrated Bayes": lambda: CalibratedClassifierCV(MultinomialNB(), cv=2, method="isotonic"),
}
CLASSIFIERS = LINEAR | BAYES
NEGATIVE = {"hashed characters", "hashed within words", "hashed words", "hashes, then weights", "a union"}
STEEP = "isotonic regression is so steep that rounding would decide"  # on so few texts it sometimes is
MENDABLE = st.text(alphabet=st.characters(codec="utf-8"), max_size=60)
ANY = st.one_of(
    MENDABLE,
    st.text(alphabet=st.sampled_from("aeıİIΣσς ßer\t\n\u2003\x1c\x85\u00a0\u0345'.Ωé水川"), max_size=40),
    st.lists(st.sampled_from([*TEXTS, "", " ", "\t ", "  er  ", "ΟΔΟΣ", "a"]), max_size=4).map("  ".join),
)


@cache
def fitted(vectorizer: str, classifier: str, *, binary: bool = False) -> tuple[Any, LinearScorer | PipelineScorer]:
    pipeline = make_pipeline(VECTORIZERS[vectorizer](), CLASSIFIERS[classifier]())
    return fit(pipeline, BINARY if binary else LABELS)


def fit(pipeline: Any, labels: Sequence[object]) -> tuple[Any, LinearScorer | PipelineScorer]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.simplefilter("ignore", UserWarning)
        pipeline.fit(TEXTS, labels)
    scorer = compile_(pipeline)
    assert isinstance(scorer, LinearScorer) or STEEP in scorer.reason
    return pipeline, scorer


def same(pipeline: Any, scorer: LinearScorer | PipelineScorer, texts: list[str]) -> None:
    """The same labels, ties closer than 1e-9 aside, and scores within a relative 1e-5."""
    probable = hasattr(pipeline, "predict_proba")
    wanted = pipeline.predict_proba(texts) if probable else pipeline.decision_function(texts)
    wanted = np.stack([-wanted, wanted], axis=1) if wanted.ndim == 1 else wanted
    scores = scorer.scores(texts)
    assert scorer.calibrated == probable
    assert scorer.classes_.tolist() == [str(label) for label in pipeline.classes_]
    assert hasattr(scorer, "predict_proba") == probable
    if probable:
        np.testing.assert_allclose(scorer.predict_proba(texts), wanted, rtol=1e-5, atol=1e-11)
    np.testing.assert_allclose(scores, wanted, rtol=1e-5, atol=1e-11)
    predictions = scorer.predict(texts)
    labels = [str(label) for label in pipeline.predict(texts)]
    for label, prediction, row in zip(labels, predictions, wanted, strict=True):
        places = [scorer.labels.index(label), scorer.labels.index(prediction.label)]
        assert label == prediction.label or abs(row[places[0]] - row[places[1]]) < 1e-9
        assert prediction.score == pytest.approx(row[places[1]], rel=1e-5, abs=1e-11)


@st.composite
def pairs(draw: st.DrawFn) -> tuple[str, str, bool]:
    vectorizer = draw(st.sampled_from(sorted(VECTORIZERS)))
    usable = LINEAR if vectorizer in NEGATIVE else CLASSIFIERS
    return vectorizer, draw(st.sampled_from(sorted(usable))), draw(st.booleans())


@given(pairs(), st.lists(ANY, min_size=1, max_size=5))
def test_any_text_gets_the_predictions_of_the_pipeline(pair: tuple[str, str, bool], texts: list[str]) -> None:
    vectorizer, classifier, binary = pair
    if binary and classifier == "one against the rest":
        binary = False
    same(*fitted(vectorizer, classifier, binary=binary), texts)


@pytest.mark.parametrize("vectorizer", VECTORIZERS)
def test_every_vectoriser_is_compiled_and_agrees_on_its_own_texts(vectorizer: str) -> None:
    same(*fitted(vectorizer, "LogisticRegression"), [*TEXTS, "", " ", "ΟΔΟΣ İ"])


@pytest.mark.parametrize("classifier", CLASSIFIERS)
def test_every_classifier_is_compiled_and_agrees_on_its_own_texts(classifier: str) -> None:
    same(*fitted("characters within words", classifier), [*TEXTS, "", " "])


@pytest.mark.parametrize("classifier", sorted(CLASSIFIERS.keys() - {"one against the rest"}))
def test_two_labels_are_compiled_too(classifier: str) -> None:
    same(*fitted("characters within words", classifier, binary=True), [*TEXTS, "", " "])


@pytest.mark.parametrize(
    "transformers",
    [
        [TfidfVectorizer(analyzer="char", ngram_range=(1, 3)), TruncatedSVD(7, random_state=0)],
        [CountVectorizer(analyzer="char"), SelectKBest(chi2, k=12)],
        [CountVectorizer(analyzer="char"), TfidfTransformer(), MaxAbsScaler(), "passthrough"],
        [
            make_union(
                make_pipeline(TfidfVectorizer(), TruncatedSVD(3, random_state=0)), CountVectorizer(analyzer="char")
            ),
            TruncatedSVD(5, random_state=0),
        ],
    ],
    ids=["SVD", "selection", "scaling", "SVD in a union and after it"],
)
def test_linear_transformers_are_folded_into_the_weights(transformers: list[Any]) -> None:
    same(*fit(make_pipeline(*transformers, LogisticRegression()), LABELS), [*TEXTS, "", "new words"])


def test_a_calibrated_pipeline_is_compiled_with_all_its_members() -> None:
    pipeline = CalibratedClassifierCV(
        make_pipeline(TfidfVectorizer(analyzer="char_wb"), LinearSVC(random_state=0)), cv=2
    )
    same(*fit(pipeline, LABELS), [*TEXTS, ""])


def test_a_frozen_classifier_is_compiled_with_its_calibration() -> None:
    frozen = FrozenEstimator(make_pipeline(TfidfVectorizer(analyzer="char"), RidgeClassifier()).fit(TEXTS, LABELS))
    same(*fit(CalibratedClassifierCV(frozen, cv=2), LABELS), [*TEXTS, ""])


def test_the_best_of_a_search_is_compiled() -> None:
    search = GridSearchCV(
        make_pipeline(CountVectorizer(analyzer="char"), MultinomialNB()), {"multinomialnb__alpha": [1, 2]}, cv=2
    )
    same(*fit(search, LABELS), TEXTS)


def test_sparse_weights_are_compiled() -> None:
    pipeline = make_pipeline(CountVectorizer(analyzer="char"), SGDClassifier(penalty="l1", random_state=0))
    pipeline.fit(TEXTS, LABELS)
    pipeline[-1].sparsify()
    same(pipeline, compile_(pipeline), TEXTS)


def test_labels_are_decoded_by_the_encoder() -> None:
    encoder = LabelEncoder()
    pipeline = make_pipeline(CountVectorizer(analyzer="char"), RidgeClassifier())
    pipeline.fit(TEXTS, encoder.fit_transform(LABELS))
    scorer = compile_(pipeline, encoder=encoder)
    assert scorer.labels == tuple(encoder.classes_)
    predicted = encoder.inverse_transform(pipeline.predict(TEXTS))
    assert [prediction.label for prediction in scorer.predict(TEXTS)] == list(predicted)


@pytest.mark.parametrize(
    "labels", [[7 * len(label) + ord(label[0]) for label in LABELS], np.array(LABELS, object), BINARY]
)
def test_labels_of_any_type_become_strings(labels: Sequence[object]) -> None:
    pipeline, scorer = fit(make_pipeline(CountVectorizer(analyzer="char"), RidgeClassifier()), labels)
    assert scorer.labels == tuple(str(label) for label in pipeline.classes_)
    same(pipeline, scorer, TEXTS)


def test_bernoulli_bayes_takes_zeros_and_ones_as_they_come() -> None:
    classifier = BernoulliNB(binarize=None, fit_prior=False)
    same(*fit(make_pipeline(CountVectorizer(analyzer="char", binary=True), classifier), LABELS), [*TEXTS, ""])


def test_isotonic_regression_is_compiled_unless_it_is_steep() -> None:
    for classifier in ("calibrated once", "calibrated Bayes"):
        assert fitted("counts of characters", classifier)[1].compiled


def test_steep_isotonic_regression_is_not_compiled() -> None:
    _, scorer = fitted("whole short words", "calibrated Bayes", binary=True)
    assert isinstance(scorer, PipelineScorer)
    assert STEEP in scorer.reason


def test_naive_bayes_may_have_a_single_label() -> None:
    _, scorer = fit(make_pipeline(CountVectorizer(), MultinomialNB()), ["only"] * len(TEXTS))
    assert [(p.label, p.score) for p in scorer.predict(["x", ""])] == [("only", 1.0)] * 2


def test_isotonic_plateaus_of_zeros_include_the_training_texts_at_their_ends() -> None:
    """Rounding must not push such a text off its plateau: if all labels have a zero, each gets the same probability."""
    curve = Curve(x=[-2.0, 0.1, 0.3], y=[0.0, 0.0, 1.0])
    np.testing.assert_array_equal(curve(np.array([0.1, np.nextafter(0.1, 1), 0.1 - 1e-16, -9.0, 9.0])), [0, 0, 0, 0, 1])
    np.testing.assert_allclose(curve(np.array([0.1 + 1e-9, 0.2])), [5e-9, 0.5])
    assert Curve(x=[1e-20, 1.0], y=[0.0, 1.0], relative=True)(np.array([1e-15]))[0] > 0
    assert Curve(x=[2.0], y=[0.5])(np.array([1.0, 2.0, 3.0])).tolist() == [0.5] * 3
