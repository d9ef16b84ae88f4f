"""TokenSoftmax keeps scikit-learn's contract for raw texts, learns from several sources, and makes a scorer of what it learnt."""

import warnings
from dataclasses import replace

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils.estimator_checks import SkipTestWarning, check_estimator

from headrace.scoring.tokens.characters import Characters
from headrace.training.token_examples import TokenExamples
from headrace.training.token_owners import NOBODY, owned, owners
from headrace.training.token_softmax import TokenSoftmax

GOOD = ("i love this song", "so happy today :)", "great day with friends", "best pizza ever", "thanks, lovely work")
BAD = ("i hate this song", "so sad today :(", "awful day without sleep", "worst pizza ever", "sorry, terrible work")


def small(**changes: object) -> TokenSoftmax:
    return TokenSoftmax(**{"buckets": 1 << 14, "least": 1, "passes": 12, **changes})  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def fitted() -> TokenSoftmax:
    return small().fit([*GOOD, *BAD], ["good"] * 5 + ["bad"] * 5)


def test_it_passes_those_checks_of_scikit_learn_that_apply_to_raw_text() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SkipTestWarning)
        results = check_estimator(small(), on_skip=None)
    assert results
    assert all(result["status"] == "passed" for result in results)


def test_it_labels_texts_that_it_has_not_seen(fitted: TokenSoftmax) -> None:
    assert fitted.predict(["love this day", "what a terrible song", "sleep :(", "friends :)"]).tolist() == [
        "good",
        "bad",
        "bad",
        "good",
    ]


def test_its_probabilities_are_those_of_its_scorer(fitted: TokenSoftmax) -> None:
    texts = [*GOOD[:2], "", "nothing that was learnt"]
    probabilities, values = fitted.predict_proba(texts), fitted.decision_function(texts)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    np.testing.assert_allclose(values, np.log(probabilities[:, 1]) - np.log(probabilities[:, 0]))
    assert fitted.to_scorer().labels == ("bad", "good")


def test_the_scorer_has_the_odds_that_were_learnt_to_within_its_eight_bits(fitted: TokenSoftmax) -> None:
    texts = [*GOOD, *BAD]
    exact = fitted.odds(texts)
    chances = np.exp(exact) / np.exp(exact).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(fitted.predict_proba(texts), chances, atol=0.02)


def test_the_same_seed_gives_the_same_weights() -> None:
    one, same, other = (small(seed=seed).fit([*GOOD, *BAD], [1] * 5 + [0] * 5) for seed in (3, 3, 4))
    np.testing.assert_array_equal(one.weights_, same.weights_)
    assert not np.array_equal(one.weights_, other.weights_)


def test_a_rare_label_is_found_if_labels_are_balanced() -> None:
    texts, labels = [*BAD * 20, *GOOD], ["bad"] * 100 + ["good"] * 5
    asked = ["song", "day", "pizza", "today"]
    balanced, plain = (
        small(balance=balance, passes=2).fit(texts, labels).predict_proba(asked)[:, 1] for balance in (1.0, 0.0)
    )
    assert (balanced > plain).all()


@pytest.mark.parametrize(
    ("changes", "fault"),
    [({"buckets": 1000}, "power of two"), ({"rate": 0.0}, "rate above 0"), ({"buckets": 0}, "power of two")],
)
def test_parameters_that_make_no_sense_are_refused(changes: dict[str, object], fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        small(**changes).fit([*GOOD, *BAD], [1] * 5 + [0] * 5)


def test_bad_data_is_refused() -> None:
    with pytest.raises(ValueError, match=r"one class|two classes"):
        small().fit(["a", "b"], ["x", "x"])
    with pytest.raises(ValueError, match="2 texts and y has 1"):
        small().fit(["a", "b"], ["x"])
    with pytest.raises(NotFittedError):
        clone(small()).predict(["a"])


def test_calibration_refuses_labels_that_were_not_learnt(fitted: TokenSoftmax) -> None:
    with pytest.raises(ValueError, match="the label 'great' is not among the classes"):
        clone(fitted).fit([*GOOD, *BAD], ["good"] * 5 + ["bad"] * 5).calibrate(["a day"], ["great"])


def test_a_source_without_a_label_says_nothing_of_it() -> None:
    """A second source knows no `neutral`: what it calls good and bad moves those two apart, and takes no probability from neutral."""
    model = small(passes=1)
    model.start(np.array(["bad", "good", "neutral"]), sources=2)
    texts = ["plain report of the day"] * 3 + ["zesty"] * 40
    examples = model.own(TokenExamples.of(texts, model.characters_))
    material = replace(
        model.material(examples, np.array([0, 1, 2] + [1] * 40)),
        sources=np.array([0] * 3 + [1] * 40),
        known=np.array([[True, True, True], [True, True, False]]),
    )
    for _ in range(5):
        model.learn(material, np.arange(43), (0.2, 0.2))
    bad, good, neutral = model.odds(["zesty"])[0] - model.biases_[0]
    assert good > 0.3 > -0.3 > bad
    assert abs(neutral) < 0.1  # of what it shares with the texts of the first source, such as its length


def test_a_row_belongs_to_the_feature_with_most_votes_and_only_that_counts() -> None:
    five, nine = 5, 9  # hashes that share the only row
    each = TokenExamples(np.array([five, nine, five, nine, five], np.uint32), np.arange(6), np.ones(5, np.int64))
    assert owners(each, np.ones(5, np.float32), 1, 1).tolist() == [five]
    assert owners(each, np.array([0.1, 1, 0.1, 1, 0.1], np.float32), 1, 1).tolist() == [nine]
    kept = owned(each, np.array([five]))
    assert kept.features.tolist() == [five] * 3
    assert kept.bounds.tolist() == [0, 1, 1, 2, 2, 3]
    assert kept.words.tolist() == [1, 0, 1, 0, 1]


def test_features_of_too_few_texts_own_nothing() -> None:
    examples = TokenExamples.of(["once only", "twice here", "twice here"], Characters.new())
    mine = owners(examples, np.ones(3, np.float32), 1 << 14, 2)
    kept = owned(examples, mine)
    once = set(examples.features[: examples.bounds[1]].tolist()) - set(examples.features[examples.bounds[1] :].tolist())
    assert not once & set(mine.tolist())
    assert np.count_nonzero(mine != NOBODY) > 10
    assert kept.bounds[1] < examples.bounds[1]
    assert kept.bounds[3] - kept.bounds[2] == examples.bounds[3] - examples.bounds[2]
    assert kept.words[2] == examples.words[2]
