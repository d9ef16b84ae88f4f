"""Calibration by length finds the sharpness that texts of each length need."""

import numpy as np
import pytest

from headrace.training import calibration


def test_gains_restore_the_right_sharpness() -> None:
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


def test_gains_stay_without_texts_to_learn_from() -> None:
    start = np.linspace(2, 1, 14)
    none = calibration.gains(np.zeros((0, 3)), np.zeros(0, np.int64), np.zeros(0, np.int64), start)
    np.testing.assert_allclose(none, start)
    silent = calibration.gains(np.zeros((5, 3)), np.zeros(5, np.int64), np.zeros(5, np.int64), start)
    np.testing.assert_allclose(silent, start)


def test_balance_makes_rare_labels_as_likely_and_scores_right() -> None:
    """Labels drawn from known probabilities, of which the first is rare; the odds are three times too sharp."""
    random = np.random.default_rng(1)
    odds = random.normal(0, 1.5, (20_000, 3)) + np.array([-2.0, 0.0, 0.0])
    chances = np.exp(odds) / np.exp(odds).sum(1, keepdims=True)
    targets = (chances.cumsum(1) > random.random((20_000, 1))).argmax(1)
    gain, shift = calibration.balanced(odds * 3, targets)
    found = odds * 3 * gain + shift
    said, scores = found.argmax(1), np.exp(found) / np.exp(found).sum(1, keepdims=True)
    recalls = [(said[targets == label] == label).mean() for label in range(3)]
    plain = [(odds[targets == label].argmax(1) == label).mean() for label in range(3)]
    assert np.mean(recalls) > np.mean(plain) + 0.05
    best = scores.max(1)
    for low, high in ((0.4, 0.6), (0.6, 0.8), (0.8, 1.0)):
        chosen = (best >= low) & (best < high)
        assert best[chosen].mean() == pytest.approx((said == targets)[chosen].mean(), abs=0.06)
