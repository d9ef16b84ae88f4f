"""HashedSoftmax keeps scikit-learn's contract for raw texts, learns, and makes a scorer of what it learnt."""

import pickle
import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.utils.estimator_checks import SkipTestWarning, check_estimator

from headrace.training.softmax import HashedSoftmax

GERMAN = "der hund läuft schnell durch den wald und die katze schläft noch immer auf dem sofa im haus"
ENGLISH = "the dog runs quickly through the forest while the cat still sleeps on the sofa in our house"
FRENCH = "le chien court vite dans la forêt pendant que le chat dort encore sur le canapé du salon"


def rows(repeats: int = 12) -> tuple[list[str], list[str]]:
    """Pieces of four words of three sentences, with their labels."""
    random = np.random.default_rng(0)
    texts, labels = [], []
    for label, sentence in (("de", GERMAN), ("en", ENGLISH), ("fr", FRENCH)):
        words = sentence.split()
        for at in random.integers(0, len(words) - 4, repeats):
            texts.append(" ".join(words[at : at + 4]))
            labels.append(label)
    return texts, labels


def small(**changes: object) -> HashedSoftmax:
    return HashedSoftmax(**{"buckets": 4096, "passes": 3, **changes})  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def fitted() -> HashedSoftmax:
    return small().fit(*rows())


def test_it_passes_those_checks_of_scikit_learn_that_apply_to_raw_text() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SkipTestWarning)
        results = check_estimator(small(), on_skip=None)
    assert results
    assert all(result["status"] == "passed" for result in results)


def test_it_labels_texts_that_it_has_not_seen(fitted: HashedSoftmax) -> None:
    assert fitted.predict(["die katze läuft", "the cat runs", "le chat court"]).tolist() == ["de", "en", "fr"]


def test_decision_values_are_log_probabilities(fitted: HashedSoftmax) -> None:
    texts = ["der wald", "the forest", "", "la forêt"]
    probabilities, values = fitted.predict_proba(texts), fitted.decision_function(texts)
    assert probabilities.shape == values.shape == (4, 3)
    np.testing.assert_allclose(np.exp(values), probabilities)
    assert fitted.predict(texts).tolist() == fitted.classes_[values.argmax(1)].tolist()


def test_for_two_classes_the_decision_value_is_the_log_odds_of_the_second() -> None:
    texts, labels = rows()
    model = small().fit(texts[:24], labels[:24])
    values, probabilities = (
        model.decision_function(["the cat", "der hund"]),
        model.predict_proba(["the cat", "der hund"]),
    )
    np.testing.assert_allclose(values, np.log(probabilities[:, 1] / probabilities[:, 0]))
    assert (values > 0).tolist() == [True, False]


def test_the_scorer_predicts_what_the_estimator_predicts(fitted: HashedSoftmax) -> None:
    texts = ["der hund schläft", "the sofa", "x", "42"]
    scorer = fitted.to_scorer()
    assert scorer.labels == ("de", "en", "fr")
    np.testing.assert_array_equal(scorer.scores(texts), fitted.predict_proba(texts))
    assert [one.label for one in scorer.predict(texts)] == fitted.predict(texts).tolist()


def test_the_same_seed_gives_the_same_weights_and_fitting_again_forgets(fitted: HashedSoftmax) -> None:
    again = small().fit(["nothing like it", "rien de tout cela"], ["x", "y"]).fit(*rows())
    np.testing.assert_array_equal(again.weights_, fitted.weights_)
    other = small(seed=1).fit(*rows())
    assert not np.array_equal(other.weights_, fitted.weights_)


def test_labels_may_be_numbers_and_classes_are_sorted() -> None:
    texts, labels = rows()
    numbers = [{"de": 7, "en": -1, "fr": 3}[label] for label in labels]
    model = small().fit(np.array(texts), numbers)
    assert model.classes_.tolist() == [-1, 3, 7]
    assert model.predict(["der hund läuft"]).tolist() == [7]
    assert model.to_scorer().labels == ("-1", "3", "7")


def test_partial_fit_learns_pass_by_pass() -> None:
    texts, labels = rows()
    model = small()
    losses = [model.partial_fit(texts, labels, classes=["de", "en", "fr", "never"]).loss_ for _ in range(4)]
    assert losses == sorted(losses, reverse=True)
    assert model.score(texts, labels) > 0.9
    with pytest.raises(ValueError, match="'it'"):
        model.partial_fit(["il cane"], ["it"])


def test_it_can_be_cloned_searched_and_pickled(fitted: HashedSoftmax) -> None:
    texts, labels = rows()
    model = clone(fitted)
    assert model.get_params() == fitted.get_params()
    assert not hasattr(model, "weights_")
    search = GridSearchCV(model, {"words": [True, False]}, cv=3).fit(texts, labels)
    assert search.best_score_ > 0.8
    assert cross_val_score(model, texts, labels, cv=3).mean() > 0.8
    copied = pickle.loads(pickle.dumps(fitted))  # of a trusted object
    np.testing.assert_array_equal(copied.predict_proba(texts), fitted.predict_proba(texts))


def test_a_column_of_texts_is_as_good_as_a_list(fitted: HashedSoftmax) -> None:
    texts = ["der hund", "the dog"]
    column = np.array(texts, dtype=object).reshape(-1, 1)
    np.testing.assert_array_equal(fitted.predict_proba(column), fitted.predict_proba(texts))


def test_an_estimator_that_is_not_fitted_raises_not_fitted_error() -> None:
    for ask in (lambda: small().predict(["x"]), lambda: small().to_scorer(), lambda: small().calibrate(["x"], ["y"])):
        with pytest.raises(NotFittedError):
            ask()


@pytest.mark.parametrize(
    ("texts", "labels", "reason"),
    [
        (["a", "b"], ["x"], "2 texts"),
        ([], [], "empty"),
        (["a", "b"], ["x", "x"], "1 class"),
        (["a", 3], ["x", "y"], "int"),
        ("ab", ["x", "y"], "not one string"),
        (["a", "b"], [0.5, 1.25], "Unknown label type"),
    ],
)
def test_data_that_can_not_be_learnt_from_is_refused(texts: list[str], labels: list[str], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        small().fit(texts, labels)


def test_letters_that_were_not_learnt_do_not_change_probabilities(fitted: HashedSoftmax) -> None:
    np.testing.assert_allclose(fitted.predict_proba(["ωμέγα жук 語"]), 1 / 3)
    assert fitted.to_scorer().has_letters(["ωμέγα"]).all()


def test_calibration_makes_wrong_labels_less_certain() -> None:
    """If half of the held-out labels are wrong, probabilities have to fall to about a half."""
    texts, labels = rows()
    model = small(passes=20).fit(texts, labels)
    before = model.predict_proba(texts).max(1).mean()
    shifted = [{"de": "en", "en": "fr", "fr": "de"}[label] if n % 2 else label for n, label in enumerate(labels)]
    model.calibrate(texts, shifted)
    after = model.predict_proba(texts).max(1).mean()
    assert before > 0.9
    assert 0.35 < after < 0.65
    assert model.score(texts, labels) == 1.0
