"""Scores are honest: what calibration, its error and a threshold mean."""

import numpy as np
import pytest

from headrace.training import calibration


def test_gains_bring_back_the_sharpness_that_was_lost() -> None:
    """Labels drawn from known probabilities; the sums are five times too flat for short texts and twice too sharp for long ones."""
    random = np.random.default_rng(0)
    odds = random.normal(0, 2, (6000, 4))
    chances = np.exp(odds) / np.exp(odds).sum(1, keepdims=True)
    targets = (chances.cumsum(1) > random.random((6000, 1))).argmax(1)
    counts = np.where(np.arange(6000) % 2, 8, 256)
    sums = odds * np.where(counts == 8, 0.2, 2.0)[:, None]
    found = calibration.gains(sums, counts, targets, np.ones(14))
    assert found[3] == pytest.approx(5, rel=0.1)
    assert found[8] == pytest.approx(0.5, rel=0.1)


def test_without_texts_that_say_anything_gains_stay() -> None:
    start = np.linspace(2, 1, 14)
    none = calibration.gains(np.zeros((0, 3)), np.zeros(0, np.int64), np.zeros(0, np.int64), start)
    np.testing.assert_allclose(none, start)
    silent = calibration.gains(np.zeros((5, 3)), np.zeros(5, np.int64), np.zeros(5, np.int64), start)
    np.testing.assert_allclose(silent, start)


def test_the_calibration_error_is_the_distance_of_score_and_accuracy() -> None:
    scores = np.array([0.9] * 10 + [0.5] * 10)
    right = np.array([True] * 9 + [False] + [True] * 2 + [False] * 8)
    assert calibration.calibration_error(scores, right) == pytest.approx(0.5 * 0.0 + 0.5 * 0.3)
    assert calibration.calibration_error(np.ones(3), np.ones(3, bool)) == 0
    assert calibration.calibration_error(np.zeros(0), np.zeros(0, bool)) == 0


def test_a_curve_tells_what_each_threshold_costs() -> None:
    scores, right = np.array([0.2, 0.4, 0.6, 0.8]), np.array([False, True, False, True])
    assert calibration.curve(scores, right, [0, 0.5, 0.9]) == [
        calibration.Point(0, 1.0, 0.5),
        calibration.Point(0.5, 0.5, 0.5),
        calibration.Point(0.9, 0.0, 1.0),
    ]


def test_the_lowest_threshold_with_the_wanted_precision_is_chosen() -> None:
    scores, right = np.array([0.2, 0.4, 0.6, 0.8]), np.array([False, True, True, True])
    assert calibration.choose_threshold(scores, right, 0.99) == calibration.Point(0.21, 0.75, 1.0)
    nearest = calibration.choose_threshold(scores, np.array([True, True, False, False]), 0.9)
    assert nearest == calibration.Point(0.0, 1.0, 0.5)
