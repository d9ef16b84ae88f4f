"""The figures of an evaluation are those of scikit-learn; calibration is measured as in Guo et al. 2017."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score, precision_recall_fscore_support

from headrace.training.evaluate import HeldOutScores, calibration_error, coverage, evaluate, reliability

LABELS = ("a", "b", "c", "d")


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1))
def test_figures_are_those_of_scikit_learn(pairs):
    truth = [LABELS[true] for true, _ in pairs]
    scores = np.eye(4)[[said for _, said in pairs]]
    said = [LABELS[place] for place in scores.argmax(axis=1)]
    found = evaluate(LABELS, [HeldOutScores("whole", truth, scores)], calibrated=False)
    assert found.figures.accuracy == pytest.approx(accuracy_score(truth, said))
    assert found.figures.macro_f1 == pytest.approx(f1_score(truth, said, average="macro", zero_division=0))
    assert (found.confusion == confusion_matrix(truth, said, labels=LABELS)).all()
    expected = precision_recall_fscore_support(truth, said, labels=LABELS, zero_division=0)
    for place, label in enumerate(LABELS):
        one = found.figures.per_label[label]
        assert (one.precision, one.recall, one.f1, one.support) == pytest.approx([part[place] for part in expected])


def test_calibration_is_measured_for_probabilities_only():
    scored = [HeldOutScores("whole", ["a", "b"], np.array([[3.0, 1, 0, 0], [0, 5, 1, 0]]))]
    figures = evaluate(LABELS, scored, calibrated=False).figures
    assert figures.ece is None
    assert figures.coverage == []


def test_the_calibration_error_is_the_mean_distance_of_score_and_accuracy():
    best = np.array([0.95] * 10 + [0.55] * 10)
    right = np.array([True] * 8 + [False] * 2 + [True] * 5 + [False] * 5)
    bins = reliability(best, right)
    assert [(one.count, one.accuracy) for one in bins] == [(10, 0.5), (10, 0.8)]
    assert calibration_error(bins) == pytest.approx((0.15 + 0.05) / 2)
    assert calibration_error(()) == 0.0


def test_a_score_of_1_is_in_the_last_bin():
    assert [one.count for one in reliability(np.array([1.0, 0.999]), np.array([True, True]))] == [2]


def test_a_threshold_gives_coverage_and_precision():
    found = coverage(np.array([0.2, 0.6, 0.9]), np.array([False, False, True]), (0.0, 0.5, 0.8, 0.95))
    assert [one.coverage for one in found] == pytest.approx([1, 2 / 3, 1 / 3, 0])
    assert [one.precision for one in found] == pytest.approx([1 / 3, 0.5, 1, 1])


def test_slices_have_each_kind_of_text_and_the_calibration_error_is_that_of_all():
    sure = np.array([[0.9, 0.1, 0, 0]] * 10)
    scored = [HeldOutScores("whole", ["a"] * 10, sure), HeldOutScores("one word", ["b"] * 10, sure)]
    figures = evaluate(LABELS, scored, calibrated=True).figures
    assert figures.accuracy == 1.0
    assert {name: one.accuracy for name, one in figures.slices.items()} == {"whole": 1.0, "one word": 0.0}
    assert figures.slices["one word"].ece == pytest.approx(0.9)
    assert figures.ece == pytest.approx(abs(0.9 - 0.5))


def test_kinds_that_are_kept_apart_are_judged_among_their_own_labels():
    first = HeldOutScores(
        "first", ["a", "b", "c"], np.array([[0.6, 0.3, 0.1, 0], [0.2, 0.7, 0.1, 0], [0.5, 0.1, 0.4, 0]])
    )
    second = HeldOutScores("second", ["a", "c"], np.array([[0.3, 0.6, 0.1, 0], [0.1, 0.7, 0.2, 0]]))
    figures = evaluate(LABELS, [first, second], calibrated=True, apart=True).figures
    assert figures.accuracy == pytest.approx(2 / 3)
    assert figures.macro_recall == pytest.approx(2 / 3)
    assert figures.slices["second"].accuracy == figures.slices["second"].macro_recall == 1.0
    assert figures.ece == figures.slices["first"].ece
    assert figures.coverage[0].coverage == 1.0


def test_the_mean_recall_leaves_out_labels_that_no_text_has():
    scored = [HeldOutScores("whole", ["a", "a", "b"], np.eye(4)[[0, 1, 1]])]
    assert evaluate(LABELS, scored, calibrated=False).figures.macro_recall == pytest.approx(0.75)
