"""Calibration of a softmax: how sharp its probabilities should be, by length of text or in all, and how likely each label."""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize, minimize_scalar
from scipy.special import logsumexp

#: The weight of the penalty on differences between neighbouring gains, in examples: lengths with few texts follow their neighbours.
STIFFNESS = 3.0
#: The weight of the penalty on shifts and gains: with few texts they stay near 0 and 1.
RIDGE = 1e-4
TINY = 1e-12


def gains(
    sums: NDArray[np.float64],
    counts: NDArray[np.int64],
    targets: NDArray[np.int64],
    start: NDArray[np.float64],
    biases: NDArray[np.float64] | float = 0.0,
) -> NDArray[np.float64]:
    """The gains for texts of 1, 2, 4 ... features under which the labels `targets` are most probable.

    `sums` (texts, labels): the sums of weights; `counts` (texts,): the numbers of features; `targets` (texts,): indexes of labels; `start`
    (gains,): the gains to begin with, which are returned if there is nothing to learn from; `biases` (labels,): what is added to log odds.
    This is temperature scaling (Guo et al. 2017,
    On calibration of modern neural networks) with one temperature for each doubling of length, interpolated in between. Texts without
    features are ignored.
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
        odds = sums * gain[:, None] + biases
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


def balanced(odds: NDArray[np.float64], targets: NDArray[np.int64]) -> tuple[float, NDArray[np.float64]]:
    """What log odds are to be multiplied by, and what is then added to each label's, (labels,).

    What is added makes each label of `targets` (texts,) as probable as the others, however few texts have it: then the mean recall of the
    labels is the highest. The factor makes the score of the best label the share of the texts that are labelled right with such a score,
    among texts as they are. `odds` is of shape (texts, labels).
    """
    rows, size = np.arange(len(targets)), odds.shape[1]
    counts = np.bincount(targets, minlength=size)
    weights = (1 / np.maximum(counts, 1))[targets] * len(targets) / np.count_nonzero(counts)

    def unevenness(parameters: NDArray[np.float64]) -> float:
        shifted = odds * np.exp(parameters[0]) + np.where(counts > 0, parameters[1:], 0.0)
        return float(
            np.mean(weights * (logsumexp(shifted, axis=1) - shifted[rows, targets])) + RIDGE * parameters @ parameters
        )

    fair = minimize(unevenness, np.zeros(size + 1), method="L-BFGS-B", bounds=[(-4.0, 4.0)] * (size + 1)).x
    gain, shift = float(np.exp(fair[0])), np.where(counts > 0, fair[1:], 0.0)
    shifted = odds * gain + shift
    best = shifted.argmax(axis=1)
    right = best == targets

    def overconfidence(logarithm: float) -> float:
        sharp = shifted * np.exp(logarithm)
        score = np.exp(sharp[rows, best] - logsumexp(sharp, axis=1))
        return float(-np.mean(np.log(np.where(right, score, 1 - score) + TINY)))

    factor = float(np.exp(minimize_scalar(overconfidence, bounds=(-3.0, 3.0), method="bounded").x))
    return gain * factor, shift * factor
