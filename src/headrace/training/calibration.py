"""Honest scores: how sharp probabilities are by length of text, how far they are from the truth, and what a threshold costs."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

STIFFNESS = 3.0  # examples' worth of doubt about leaving the neighbours' sharpness


@dataclass(frozen=True)
class Point:
    """What a threshold gives: the share of texts that get a label (`coverage`), and of those how many get the right one (`precision`)."""

    threshold: float
    coverage: float
    precision: float


def gains(
    sums: NDArray[np.float64], counts: NDArray[np.int64], targets: NDArray[np.int64], start: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The gains for 1, 2, 4 ... n-grams that make `targets` likeliest, given the sums of weights of each text's `counts` n-grams.

    Temperature scaling (Guo et al. 2017, On calibration of modern neural networks), one temperature a doubling of length, in between by
    interpolation; lengths of which there are few texts follow their neighbours. Texts without n-grams are passed over.
    """
    kept = counts > 0
    sums, targets = sums[kept], targets[kept]
    place = np.minimum(np.log2(counts[kept]), len(start) - 1)
    below = np.minimum(place.astype(np.int64), len(start) - 2)
    share = place - below
    rows = np.arange(len(targets))

    def loss(logs: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        factors = start * np.exp(logs)
        gain = factors[below] * (1 - share) + factors[below + 1] * share
        odds = sums * gain[:, None]
        odds -= odds.max(1, keepdims=True)
        chances = np.exp(odds)
        norm = chances.sum(1)
        value = float(np.sum(np.log(norm) - odds[rows, targets]))
        slope = (chances * sums).sum(1) / norm - sums[rows, targets]
        gradient = np.bincount(below, slope * (1 - share), len(start)) + np.bincount(
            below + 1, slope * share, len(start)
        )
        steps = np.diff(logs)
        pull = np.concatenate([[0.0], steps]) - np.concatenate([steps, [0.0]])
        return value + STIFFNESS * float(steps @ steps), gradient * factors + 2 * STIFFNESS * pull

    found = minimize(loss, np.zeros(len(start)), jac=True, method="L-BFGS-B", bounds=[(-4.0, 4.0)] * len(start))
    sharpened: NDArray[np.float64] = start * np.exp(found.x)
    return sharpened


def calibration_error(scores: NDArray[np.float64], right: NDArray[np.bool_], bins: int = 15) -> float:
    """The expected calibration error: the mean distance of score and accuracy over bins of equal width, by their texts; 0 for none."""
    place = np.minimum((scores * bins).astype(np.int64), bins - 1)
    distance = np.abs(np.bincount(place, scores, bins) - np.bincount(place, right, bins))
    return float(distance.sum() / len(scores)) if len(scores) else 0.0


def curve(scores: NDArray[np.float64], right: NDArray[np.bool_], thresholds: Sequence[float]) -> list[Point]:
    """Precision and coverage at each threshold; the precision of no text at all is 1."""
    points = []
    for threshold in thresholds:
        named = scores >= threshold
        precision = float(right[named].mean()) if named.any() else 1.0
        points.append(Point(threshold, float(named.mean()) if len(named) else 0.0, precision))
    return points


def choose_threshold(scores: NDArray[np.float64], right: NDArray[np.bool_], precision: float = 0.95) -> Point:
    """The lowest threshold (in hundredths) that reaches a precision, or the one that comes nearest."""
    points = curve(scores, right, [hundredth / 100 for hundredth in range(100)])
    reached = [point for point in points if point.precision >= precision and point.coverage > 0]
    return (
        reached[0]
        if reached
        else max(
            (point for point in points if point.coverage > 0), key=lambda point: point.precision, default=points[0]
        )
    )
