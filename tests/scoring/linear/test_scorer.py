"""The linear scorer takes any iterable of texts of any length, on any number of threads, and is saved and opened."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression, RidgeClassifier, SGDClassifier
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import make_pipeline, make_union

from headrace.errors import Misconfigured, Rejected
from headrace.scoring import weights
from headrace.scoring.linear.compile import compile as compile_
from headrace.scoring.linear.scorer import LinearScorer
from headrace.scoring.opening import open_scorer

TEXTS = [
    "the mill turns",
    "the water runs",
    "das Rad dreht sich",
    "das Wasser fließt",
    "la roue tourne",
    "l'eau coule",
] * 3
LABELS = ["en", "en", "de", "de", "fr", "fr"] * 3


@pytest.fixture(scope="module")
def pipeline() -> Any:
    union = make_union(TfidfVectorizer(analyzer="char_wb", ngram_range=(1, 5)), HashingVectorizer(n_features=32))
    return make_pipeline(union, LogisticRegression()).fit(TEXTS, LABELS)


@pytest.fixture(scope="module")
def scorer(pipeline: Any) -> LinearScorer:
    compiled = compile_(pipeline)
    assert isinstance(compiled, LinearScorer)
    return compiled


def test_predictions_come_in_the_order_of_the_texts_and_name_no_model(scorer: LinearScorer) -> None:
    predictions = scorer.predict(TEXTS[::2])
    assert [prediction.label for prediction in predictions] == LABELS[::2]
    assert all(prediction.model == "" and 0 < prediction.score < 1 for prediction in predictions)
    assert scorer.compiled
    assert scorer.calibrated


@pytest.mark.parametrize(
    "container", [list, tuple, iter, np.array, lambda texts: np.array(texts, object), dict.fromkeys]
)
def test_texts_may_come_in_any_iterable(scorer: LinearScorer, container: Callable[[list[str]], Any]) -> None:
    assert scorer.predict(container(TEXTS[:6])) == scorer.predict(TEXTS[:6])
    np.testing.assert_array_equal(scorer.scores(container(TEXTS[:6])), scorer.scores(TEXTS[:6]))


def test_probabilities_have_a_row_for_each_text_and_a_column_for_each_class(
    pipeline: Any, scorer: LinearScorer
) -> None:
    np.testing.assert_array_equal(scorer.classes_, pipeline.classes_)
    assert scorer.predict_proba(TEXTS).dtype == np.float64
    assert scorer.predict_proba([]).shape == (0, 3)
    np.testing.assert_allclose(scorer.predict_proba(TEXTS), pipeline.predict_proba(TEXTS), rtol=1e-5)


def test_decision_values_are_not_called_probabilities() -> None:
    scorer = compile_(make_pipeline(CountVectorizer(), RidgeClassifier()).fit(TEXTS, LABELS))
    assert scorer.scores(TEXTS).shape == (18, 3)
    assert not hasattr(scorer, "predict_proba")
    with pytest.raises(AttributeError, match="its scores are decision values; calibrate it first"):
        scorer.predict_proba(TEXTS)


def test_no_texts_give_no_predictions(scorer: LinearScorer) -> None:
    assert scorer.predict([]) == []
    assert scorer.scores([]).shape == (0, 3)


def test_a_single_string_is_refused(scorer: LinearScorer) -> None:
    with pytest.raises(Misconfigured, match="put it in a list"):
        scorer.predict("the mill")


@pytest.mark.parametrize("text", [None, 3, float("nan"), ["a"]])
def test_a_text_that_is_not_a_string_is_rejected_by_its_index(scorer: LinearScorer, text: Any) -> None:
    with pytest.raises(Rejected, match="text 1 can't be scored"):
        scorer.predict(["a", text])


def test_bytes_are_decoded_as_the_vectoriser_would(pipeline: Any, scorer: LinearScorer) -> None:
    assert scorer.predict([text.encode() for text in TEXTS]) == scorer.predict(TEXTS)
    for predict in (pipeline.predict, scorer.predict):
        with pytest.raises(UnicodeDecodeError):
            predict([b"\xff"])


@pytest.mark.parametrize("classifier", [RidgeClassifier(), LogisticRegression(), MultinomialNB()])
def test_a_text_gets_the_same_prediction_alone_and_in_a_batch(classifier: Any) -> None:
    scorer = compile_(make_pipeline(TfidfVectorizer(analyzer="char"), classifier).fit(TEXTS, LABELS))
    many = [TEXTS[place % 6] + " " * (place % 7) + str(place) for place in range(600)]
    assert scorer.predict(many) == [prediction for text in many for prediction in scorer.predict([text])]
    np.testing.assert_array_equal(scorer.scores(many), np.concatenate([scorer.scores([text]) for text in many]))


@pytest.mark.parametrize("scale", [1e-8, 1e-3, 1.0, 1e3, 1e7, 1e12])
@pytest.mark.parametrize("labels", [2, 3])
@pytest.mark.parametrize("kind", ["value", "sigmoid", "softmax"])
def test_remainders_of_weights_are_added_if_they_could_show(kind: str, labels: int, scale: float) -> None:
    """Weights large and small, margins wide and narrow: label and score are what whole weights give."""
    random = np.random.default_rng(labels)
    model = {"value": RidgeClassifier(), "sigmoid": SGDClassifier("log_loss"), "softmax": LogisticRegression()}[kind]
    texts = ["".join(random.choice(list("abcdefgh"), 1 + place % 40)) for place in range(400)]
    pipeline = make_pipeline(HashingVectorizer(analyzer="char", n_features=16, norm=None), model)
    pipeline.fit(texts, [str(place % labels) for place in range(400)])
    rows = scale * random.normal(size=np.atleast_2d(model.coef_).shape)
    rows[:] = rows[:1] + rows * 10 ** random.uniform(-9, 0, rows.shape[1])  # labels differ by little, in many places
    model.coef_, model.intercept_ = rows, np.zeros(len(rows))
    decisions = pipeline.decision_function(texts)
    wanted = pipeline.predict_proba(texts).max(axis=1) if kind != "value" else np.abs(decisions)
    if decisions.ndim == 2:
        wanted = decisions.max(axis=1) if kind == "value" else wanted
        top = np.sort(decisions, axis=1)
        decisions = top[:, -1] - top[:, -2]
    predictions = compile_(pipeline).predict(texts)
    sure = np.abs(decisions) > max(1e-9, 1e-12 * scale)
    assert sure.sum() > 100 or scale < 1e-3
    found = np.array([prediction.label for prediction in predictions])
    np.testing.assert_array_equal(found[sure], pipeline.predict(texts)[sure])
    np.testing.assert_allclose(np.array([p.score for p in predictions])[sure], wanted[sure], rtol=1e-5)


@pytest.mark.parametrize("classifier", [RidgeClassifier(), LogisticRegression(), MultinomialNB()])
@pytest.mark.parametrize("apart", [1e-3, 1e-6, 1e-8, 1e-12])
def test_labels_that_are_almost_tied_are_distinguished(classifier: Any, apart: float) -> None:
    """Single precision alone would confuse labels whose weights differ by 1e-8."""
    pipeline = make_pipeline(CountVectorizer(analyzer="char"), classifier).fit(TEXTS, LABELS)
    attribute = "feature_log_prob_" if hasattr(classifier, "feature_log_prob_") else "coef_"
    rows = getattr(classifier, attribute)
    signs = np.random.default_rng(0).choice([-1.0, 1.0], rows.shape[1])
    rows[1], rows[2] = rows[0] * (1 + apart * signs), rows[0] * (1 - apart * signs)
    for prior in ("intercept_", "class_log_prior_"):
        if hasattr(classifier, prior):
            setattr(classifier, prior, np.zeros(3))
    scorer = compile_(pipeline)
    texts = [text[place:] for text in TEXTS[:6] for place in range(len(text))]
    scores = scorer.scores(texts)
    method = "decision_function" if attribute == "coef_" else "predict_joint_log_proba"
    top = np.sort(getattr(classifier, method)(pipeline[0].transform(texts)))
    predictions = scorer.predict(texts)
    wanted = pipeline.predict(texts)
    sure = [place for place in range(len(texts)) if top[place, -1] - top[place, -2] > 1e-9]
    assert len(sure) > 40 or apart < 1e-9
    assert [predictions[place].label for place in sure] == [wanted[place] for place in sure]
    chosen = [row[scorer.labels.index(p.label)] for row, p in zip(scores, predictions, strict=True)]
    np.testing.assert_allclose([p.score for p in predictions], chosen, rtol=1e-5)


def test_threads_change_nothing(pipeline: Any, scorer: LinearScorer) -> None:
    threaded = compile_(pipeline, threads=3)
    many = [f"{text} {place}" for place in range(200) for text in TEXTS[:6]]
    assert threaded.predict(many) == scorer.predict(many)
    assert threaded.predict([]) == []


@pytest.mark.parametrize("analyzer", ["char", "char_wb", "word"])
@pytest.mark.parametrize("kind", [CountVectorizer, HashingVectorizer])
def test_ten_million_characters_are_scored(analyzer: str, kind: Any) -> None:
    extra = {"n_features": 64, "norm": None, "alternate_sign": False} if kind is HashingVectorizer else {}
    vectorizer = kind(analyzer=analyzer, ngram_range=(1, 2), **extra)
    scorer = compile_(make_pipeline(vectorizer, MultinomialNB()).fit(TEXTS, LABELS))
    assert scorer.compiled
    for text in ("w" * 10_000_000, "wa " * 3_000_000):
        (prediction,) = scorer.predict([text])
        assert prediction.label in LABELS


@pytest.mark.parametrize("analyzer", ["char", "char_wb", "word"])
def test_half_a_surrogate_pair_is_refused_if_scikit_learn_refuses_it(analyzer: str) -> None:
    pipeline = make_pipeline(HashingVectorizer(analyzer=analyzer, ngram_range=(2, 2)), RidgeClassifier()).fit(
        TEXTS, LABELS
    )
    scorer = compile_(pipeline)
    for texts in (["fine", "a\ud800b"], ["\udfff"], ["\udfff\ud800"], ["ab \ud800"], ["\ud83d\ude00"]):
        try:
            wanted = list(pipeline.predict(texts))
        except UnicodeEncodeError:
            with pytest.raises(UnicodeEncodeError):
                scorer.predict(texts)
        else:
            assert [prediction.label for prediction in scorer.predict(texts)] == wanted
    assert scorer.predict(["das Rad dreht sich"])[0].label == "de"


def test_half_a_surrogate_pair_is_an_unknown_character_otherwise() -> None:
    pipeline = make_pipeline(CountVectorizer(analyzer="char"), RidgeClassifier()).fit(
        [*TEXTS, "\ud800"], [*LABELS, "en"]
    )
    texts = ["\ud800", "a\ud800", "\udc00"]
    assert [prediction.label for prediction in compile_(pipeline).predict(texts)] == list(pipeline.predict(texts))


def test_a_saved_scorer_opens_with_the_same_predictions(scorer: LinearScorer, tmp_path: Path) -> None:
    scorer.save(tmp_path)
    opened = open_scorer(tmp_path)
    assert isinstance(opened, LinearScorer)
    assert (opened.labels, opened.calibrated) == (scorer.labels, scorer.calibrated)
    np.testing.assert_array_equal(opened.scores(TEXTS), scorer.scores(TEXTS))
    assert opened.predict(TEXTS) == scorer.predict(TEXTS)
    opened.save(tmp_path)
    assert open_scorer(tmp_path).predict(TEXTS) == scorer.predict(TEXTS)


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="No such file"):
        open_scorer(tmp_path)


def test_a_file_cut_short_is_refused_by_name(scorer: LinearScorer, tmp_path: Path) -> None:
    scorer.save(tmp_path)
    path = tmp_path / weights.FILE
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(Misconfigured, match=r"weights\.safetensors can't be used: it is cut short"):
        open_scorer(tmp_path)


def twisted(folder: Path, change: Callable[[dict[str, Any], dict[str, str]], None]) -> None:
    arrays, metadata = weights.read(folder / weights.FILE)
    copies = {name: array.copy() for name, array in arrays.items()}
    change(copies, metadata)
    weights.write(folder / weights.FILE, copies, metadata)


CHANGES: dict[str, tuple[Callable[[dict[str, Any], dict[str, str]], object], str]] = {
    "unknown kind": (lambda _, metadata: metadata.update(kind="tree"), "unknown kind, 'tree'"),
    "no labels": (lambda _, metadata: metadata.pop("labels"), "'labels' is missing"),
    "other labels": (lambda _, metadata: metadata.update(labels='["a"]'), "3 scores for 1 labels"),
    "broken settings": (lambda _, metadata: metadata.update(settings="{"), "can't be used"),
    "no bias": (lambda arrays, _: arrays.pop("bias"), "'bias' is missing"),
    "short bias": (lambda arrays, _: arrays.update(bias=np.zeros(2)), "different widths"),
    "missing weights": (lambda arrays, _: arrays.pop("0.weights"), "'weights' is missing"),
    "single precision": (
        lambda arrays, _: arrays.update({"0.gain": arrays["0.gain"].astype("f4")}),
        "'gain' has the wrong",
    ),
    "few weights": (
        lambda arrays, _: arrays.update({"1.weights": arrays["1.weights"][:5].copy()}),
        "'weights' has the wrong",
    ),
    "full table": (lambda arrays, _: arrays["0.slots"].__setitem__((slice(None), 0), 1), "is full"),
    "table outside": (lambda arrays, _: arrays["0.slots"].__setitem__((slice(None), 1), 1 << 40), "points outside"),
    "crossed spans": (lambda arrays, _: arrays["0.spans"].__setitem__(1, 1 << 30), "points outside"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_weights_that_do_not_fit_together_are_refused(scorer: LinearScorer, tmp_path: Path, change: str) -> None:
    scorer.save(tmp_path)
    function, reason = CHANGES[change]
    twisted(tmp_path, function)  # type: ignore[arg-type]
    with pytest.raises(Misconfigured, match=reason):
        open_scorer(tmp_path)


def test_the_metadata_holds_all_but_the_numbers(scorer: LinearScorer, tmp_path: Path) -> None:
    scorer.save(tmp_path)
    metadata = weights.metadata(tmp_path / weights.FILE)
    assert metadata["kind"] == "linear"
    assert json.loads(metadata["labels"]) == ["de", "en", "fr"]
    assert json.loads(metadata["settings"])["head"] == {"type": "Softmax", "bayes": False}


def test_a_saved_scorer_is_used_without_scikit_learn(scorer: LinearScorer, tmp_path: Path) -> None:
    scorer.save(tmp_path)
    program = (
        "import sys; from pathlib import Path; from headrace.scoring.opening import open_scorer\n"
        "print(open_scorer(Path(sys.argv[1])).predict(['das Wasser fließt'])[0].label)\n"
        "assert not {'sklearn', 'skops'} & set(sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program, str(tmp_path)],
        capture_output=True, text=True, check=False, env={**os.environ, "PYTHONUTF8": "1"}, timeout=3600,
    )  # fmt: skip
    assert (done.stdout.strip(), done.returncode) == ("de", 0), done.stderr
