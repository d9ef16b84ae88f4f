"""Heads: from decision values to labels and scores, as scikit-learn's classifiers compute them. A head is saved with the weights."""

from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.intp]
#: Numbers whose relative difference is smaller are the same number, but for rounding.
NEARLY_EQUAL = 1e-13


class Head(msgspec.Struct, frozen=True, tag=True):
    """What a classifier makes of its decision values, float64 of shape (texts, columns).

    There is a column for each label; a classifier of two labels may have a single one, for the second label.
    """

    @property
    def calibrated(self) -> bool:
        """Whether scores are probabilities."""
        return True

    def choose(self, decisions: Floats) -> Integers:
        """The index of the best label of each text, (texts,)."""
        if decisions.shape[1] == 1:
            return (decisions[:, 0] > 0).astype(np.intp)
        return np.asarray(decisions.argmax(axis=1))

    def scores(self, decisions: Floats) -> Floats:
        """Probabilities, or decision values if `calibrated` is false: (texts, labels)."""
        raise NotImplementedError

    def best(self, decisions: Floats) -> tuple[Integers, Floats]:
        """The index of the best label of each text and its score, both (texts,)."""
        places, scores = self.choose(decisions), self.scores(decisions)
        if len(places) == 1:  # the same as below, much faster
            return places, scores[0].take(places)
        return places, scores[np.arange(len(places)), places]

    def response(self, decisions: Floats) -> Floats:
        """The input of a calibration: decision values, or probabilities of classifiers without them; of two labels one column."""
        return decisions


class Identity(Head, frozen=True, tag="Plain"):
    """Decision values as they are; of two labels -d and d."""

    @property
    def calibrated(self) -> bool:
        return False

    def scores(self, decisions: Floats) -> Floats:
        return np.hstack([-decisions, decisions]) if decisions.shape[1] == 1 else decisions


class Sigmoid(Head, frozen=True, tag=True):
    """The logistic function of each decision value (one label against the rest), normalised to sum to 1."""

    def scores(self, decisions: Floats) -> Floats:
        return _normalised(expit(decisions))


class Clipped(Head, frozen=True, tag=True):
    """Probabilities of the modified Huber loss: decision values clipped to [-1, 1], scaled to [0, 1], normalised to sum to 1."""

    def scores(self, decisions: Floats) -> Floats:
        return _normalised((np.clip(decisions, -1, 1) + 1) / 2)


class Softmax(Head, frozen=True, tag=True):
    """Multinomial logistic regression and naive Bayes. Every label has its column, be there two or one."""

    bayes: bool = False

    def choose(self, decisions: Floats) -> Integers:
        return np.asarray(decisions.argmax(axis=1))

    def scores(self, decisions: Floats) -> Floats:
        if not self.bayes:
            return softmax(decisions)
        highest = decisions.max(
            axis=1, keepdims=True
        )  # computed in scikit-learn's order: the smallest probabilities have few exact digits
        return np.asarray(
            np.exp(decisions - (np.log(np.exp(decisions - highest).sum(axis=1, keepdims=True)) + highest))
        )

    def response(self, decisions: Floats) -> Floats:
        if not self.bayes:
            return decisions
        probabilities = self.scores(decisions)
        return probabilities[:, 1:] if probabilities.shape[1] == 2 else probabilities


class Curve(msgspec.Struct, frozen=True):
    """A calibrator: 1 / (1 + exp(slope x + offset)), or if it has points (x, y), the interpolation between them.

    Input values have the absolute precision of the largest x, or if `relative`, each its own relative precision.
    """

    slope: float = 0.0
    offset: float = 0.0
    x: list[float] = []
    y: list[float] = []
    relative: bool = False

    def __call__(self, values: Floats) -> Floats:
        if self.x:
            return np.asarray(np.interp(self._snapped(values), self.x, self.y))
        return expit(-(self.slope * values + self.offset))

    def _snapped(self, values: Floats) -> Floats:
        """Values with those that nearly equal an x moved to it.

        A text of the training data lies exactly on a point, at which a plateau of zeros may end: rounding must not push it off.
        """
        points = np.array(self.x)
        after = (
            np.searchsorted(points, values).clip(1, len(points) - 1) if len(points) > 1 else np.zeros(len(values), int)
        )
        before, after = points[after - 1], points[after]
        nearest = np.where(values - before < after - values, before, after)
        near = NEARLY_EQUAL * (np.abs(nearest) if self.relative else np.abs(points).max())
        return np.where(np.abs(values - nearest) <= near, nearest, values)


class CalibratedMember(msgspec.Struct, frozen=True):
    """One classifier of a calibrated ensemble: `width` columns from `column` on, its head, and its calibration.

    The calibration is a curve for each of `places`, the indexes of labels; or `factor`, by which all logits are multiplied (temperature
    scaling: Guo et al. 2017, On calibration of modern neural networks).
    """

    column: int
    width: int
    head: Identity | Sigmoid | Clipped | Softmax
    curves: list[Curve] = []
    places: list[int] = []
    factor: float | None = None

    def scores(self, decisions: Floats, labels: int) -> Floats:
        """Probabilities (texts, labels) from the decision values of the whole ensemble."""
        response = self.head.response(decisions[:, self.column : self.column + self.width])
        if self.factor is not None:
            return softmax(self.factor * self._logits(response))
        scores = np.zeros((len(decisions), labels))
        for place, curve, values in zip(self.places, self.curves, response.T, strict=True):
            scores[:, place] = curve(values)
        if labels == 2:
            scores[:, 0] = 1.0 - scores[:, 1]
        else:
            total = scores.sum(axis=1, keepdims=True)
            scores = np.divide(scores, total, out=np.full_like(scores, 1 / labels), where=total != 0)
        scores[(scores > 1.0) & (scores <= 1.0 + 1e-5)] = 1.0
        return scores

    def _logits(self, response: Floats) -> Floats:
        if isinstance(self.head, Softmax) and self.head.bayes:
            pairs = np.hstack([1 - response, response]) if response.shape[1] == 1 else response
            return np.asarray(np.log(pairs + 1e-12))
        return np.hstack([-response, response]) if response.shape[1] == 1 else response


class Calibrated(Head, frozen=True, tag=True):
    """The mean of calibrated classifiers (Platt's sigmoid, isotonic regression, temperature scaling)."""

    members: list[CalibratedMember] = []
    labels: int = 0

    def choose(self, decisions: Floats) -> Integers:
        return np.asarray(self.scores(decisions).argmax(axis=1))

    def scores(self, decisions: Floats) -> Floats:
        total = np.zeros((len(decisions), self.labels))
        for member in self.members:
            total += member.scores(decisions, self.labels)
        return total / len(self.members)


AnyHead = Identity | Sigmoid | Clipped | Softmax | Calibrated


def expit(values: Floats) -> Floats:
    """The logistic function, 1 / (1 + exp(-x)); 0 if the exponential overflows, as in SciPy."""
    with np.errstate(over="ignore"):
        return np.asarray(1.0 / (1.0 + np.exp(-values)))


def softmax(values: Floats) -> Floats:
    """The softmax of each row, computed without overflow."""
    powers = np.exp(values - values.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def _normalised(positive: Floats) -> Floats:
    """Rows scaled to sum to 1, rows of zeros uniform. A single column is the probability of the second of two labels."""
    if positive.shape[1] == 1:
        return np.hstack([1.0 - positive, positive])
    total: Any = positive.sum(axis=1, keepdims=True)
    return np.asarray(np.divide(positive, total, out=np.full_like(positive, 1 / positive.shape[1]), where=total != 0))
