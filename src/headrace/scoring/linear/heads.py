"""Heads: from decision values to labels and scores, each as the classifier of that name in scikit-learn does it."""

from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.intp]
NEAR = 1e-13  # what is closer is the same number, but for rounding


class Head(msgspec.Struct, frozen=True, tag=True):
    """What a classifier makes of its decision values (n, columns). Two labels may share one column, the second's.

    `choose` gives the place of the label of each row; `scores` (n, labels) probabilities, or decision values where there are none;
    `best` (n,) places and their scores.
    """

    @property
    def calibrated(self) -> bool:
        """Whether scores are probabilities."""
        return True

    def choose(self, decisions: Floats) -> Integers:
        if decisions.shape[1] == 1:
            return (decisions[:, 0] > 0).astype(np.intp)
        return np.asarray(decisions.argmax(axis=1))

    def scores(self, decisions: Floats) -> Floats:
        raise NotImplementedError

    def best(self, decisions: Floats) -> tuple[Integers, Floats]:
        places, scores = self.choose(decisions), self.scores(decisions)
        if len(places) == 1:  # as below, in a fraction of the time
            return places, scores[0].take(places)
        return places, scores[np.arange(len(places)), places]

    def response(self, decisions: Floats) -> Floats:
        """What calibration starts from, one column for two labels: decision values, or probabilities where there are none."""
        return decisions


class Plain(Head, frozen=True, tag=True):
    """Decision values as they are; two labels: -d and d."""

    @property
    def calibrated(self) -> bool:
        return False

    def scores(self, decisions: Floats) -> Floats:
        return np.hstack([-decisions, decisions]) if decisions.shape[1] == 1 else decisions


class Sigmoid(Head, frozen=True, tag=True):
    """Logistic functions, one against the rest, normalised."""

    def scores(self, decisions: Floats) -> Floats:
        return _normalised(expit(decisions))


class Clipped(Head, frozen=True, tag=True):
    """The modified Huber loss: decision values clipped to [-1, 1], as probabilities, normalised."""

    def scores(self, decisions: Floats) -> Floats:
        return _normalised((np.clip(decisions, -1, 1) + 1) / 2)


class Softmax(Head, frozen=True, tag=True):
    """Multinomial logistic regression, and naive Bayes: also two labels have two columns, and a single one has one."""

    bayes: bool = False

    def choose(self, decisions: Floats) -> Integers:
        return np.asarray(decisions.argmax(axis=1))

    def scores(self, decisions: Floats) -> Floats:
        if not self.bayes:
            return softmax(decisions)
        highest = decisions.max(axis=1, keepdims=True)  # in scikit-learn's order: the smallest have few digits left
        return np.asarray(
            np.exp(decisions - (np.log(np.exp(decisions - highest).sum(axis=1, keepdims=True)) + highest))
        )

    def response(self, decisions: Floats) -> Floats:
        if not self.bayes:
            return decisions
        probabilities = self.scores(decisions)
        return probabilities[:, 1:] if probabilities.shape[1] == 2 else probabilities


class Curve(msgspec.Struct, frozen=True):
    """A calibrator: 1 / (1 + exp(slope x + offset)), or, where it has points, what is interpolated between them.

    Values are exact to some digits of the largest x, or where `relative` to some digits of their own.
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
        """A text of the training data stands on a point, where a plateau of zeros may end: rounding must not push it off."""
        points = np.array(self.x)
        after = (
            np.searchsorted(points, values).clip(1, len(points) - 1) if len(points) > 1 else np.zeros(len(values), int)
        )
        before, after = points[after - 1], points[after]
        nearest = np.where(values - before < after - values, before, after)
        near = NEAR * (np.abs(nearest) if self.relative else np.abs(points).max())
        return np.where(np.abs(values - nearest) <= near, nearest, values)


class Member(msgspec.Struct, frozen=True):
    """One classifier of a calibrated ensemble: its columns, its head, and its curves with the label that each is for.

    Or, in place of curves, a factor of all logits (temperature scaling: Guo et al. 2017, On calibration of modern neural networks).
    """

    column: int
    width: int
    head: Plain | Sigmoid | Clipped | Softmax
    curves: list[Curve] = []
    places: list[int] = []
    factor: float | None = None

    def scores(self, decisions: Floats, labels: int) -> Floats:
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
    """The mean of calibrated classifiers (Platt's sigmoid, isotonic regression, temperature); the label is the most probable one."""

    members: list[Member] = []
    labels: int = 0

    def choose(self, decisions: Floats) -> Integers:
        return np.asarray(self.scores(decisions).argmax(axis=1))

    def scores(self, decisions: Floats) -> Floats:
        total = np.zeros((len(decisions), self.labels))
        for member in self.members:
            total += member.scores(decisions, self.labels)
        return total / len(self.members)


AnyHead = Plain | Sigmoid | Clipped | Softmax | Calibrated


def expit(values: Floats) -> Floats:
    """The logistic function; 0 where the exponential is infinite, as in SciPy."""
    with np.errstate(over="ignore"):
        return np.asarray(1.0 / (1.0 + np.exp(-values)))


def softmax(values: Floats) -> Floats:
    """Exponentials that sum to one in each row, without overflow."""
    powers = np.exp(values - values.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def _normalised(positive: Floats) -> Floats:
    """Rows that sum to one; one column is the second label's probability; rows of zeros become uniform."""
    if positive.shape[1] == 1:
        return np.hstack([1.0 - positive, positive])
    total: Any = positive.sum(axis=1, keepdims=True)
    return np.asarray(np.divide(positive, total, out=np.full_like(positive, 1 / positive.shape[1]), where=total != 0))
