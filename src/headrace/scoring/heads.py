"""Heads: from decision values to labels and scores, each as the classifier of that name in scikit-learn does it."""

from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.intp]
TOLERANCE = 3e-6


class Head(msgspec.Struct, frozen=True, tag=True):
    """What a classifier makes of its decision values (n, columns). Two labels may share one column, the second's.

    `choose` gives the place of the label of each row; `scores` (n, labels) probabilities, or decision values where there are none;
    `best` (n,) places and their scores. `quick` heads can tell where decision values that are off by up to `errors` might change a
    label, or a score by more than a relative TOLERANCE: `unsure` (n,).
    """

    @property
    def quick(self) -> bool:
        return False

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
            return places, scores[0, places]
        return places, scores[np.arange(len(places)), places]

    def unsure(self, decisions: Floats, errors: Floats, scores: Floats) -> NDArray[np.bool_]:
        """By `scores` of the labels chosen: a probability p can be off by a relative 2 (1 - p) times the error of its logits."""
        return _close(decisions, errors) | (2 * errors * (1 - scores) > TOLERANCE)

    def response(self, decisions: Floats) -> Floats:
        """What calibration starts from, one column for two labels: decision values, or probabilities where there are none."""
        return decisions


class Plain(Head, frozen=True, tag=True):
    """Decision values as they are; two labels: -d and d."""

    @property
    def quick(self) -> bool:
        return True

    def unsure(self, decisions: Floats, errors: Floats, scores: Floats) -> NDArray[np.bool_]:
        return _close(decisions, errors) | (errors > TOLERANCE * np.abs(scores))

    @property
    def calibrated(self) -> bool:
        return False

    def scores(self, decisions: Floats) -> Floats:
        return np.hstack([-decisions, decisions]) if decisions.shape[1] == 1 else decisions


class Sigmoid(Head, frozen=True, tag=True):
    """Logistic functions, one against the rest, normalised."""

    @property
    def quick(self) -> bool:
        return True

    def scores(self, decisions: Floats) -> Floats:
        return _normalised(expit(decisions))


class Clipped(Head, frozen=True, tag=True):
    """The modified Huber loss: decision values clipped to [-1, 1], as probabilities, normalised."""

    def scores(self, decisions: Floats) -> Floats:
        return _normalised((np.clip(decisions, -1, 1) + 1) / 2)


class Softmax(Head, frozen=True, tag=True):
    """Multinomial logistic regression, and naive Bayes: also two labels have two columns, and a single one has one."""

    bayes: bool = False

    @property
    def quick(self) -> bool:
        return True

    def choose(self, decisions: Floats) -> Integers:
        return np.asarray(decisions.argmax(axis=1))

    def scores(self, decisions: Floats) -> Floats:
        return softmax(decisions)

    def response(self, decisions: Floats) -> Floats:
        if not self.bayes:
            return decisions
        probabilities = self.scores(decisions)
        return probabilities[:, 1:] if probabilities.shape[1] == 2 else probabilities


class Curve(msgspec.Struct, frozen=True):
    """A calibrator: 1 / (1 + exp(slope x + offset)), or, where it has points, what is interpolated between them."""

    slope: float = 0.0
    offset: float = 0.0
    x: list[float] = []
    y: list[float] = []

    def __call__(self, values: Floats) -> Floats:
        if self.x:
            return np.asarray(np.interp(values, self.x, self.y))
        return expit(-(self.slope * values + self.offset))


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
    """The logistic function, without overflow."""
    small = np.exp(-np.abs(values))
    return np.asarray(np.where(values >= 0, 1.0, small) / (1.0 + small))


def softmax(values: Floats) -> Floats:
    """Exponentials that sum to one in each row, without overflow."""
    powers = np.exp(values - values.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def _close(decisions: Floats, errors: Floats) -> NDArray[np.bool_]:
    """Where the two highest might change places."""
    if decisions.shape[1] == 1:
        return np.asarray(np.abs(decisions[:, 0]) <= errors)
    highest = np.partition(decisions, decisions.shape[1] - 2, axis=1)[:, -2:]
    return np.asarray(highest[:, 1] - highest[:, 0] <= 2 * errors)


def _normalised(positive: Floats) -> Floats:
    """Rows that sum to one; one column is the second label's probability; rows of zeros become uniform."""
    if positive.shape[1] == 1:
        return np.hstack([1.0 - positive, positive])
    total: Any = positive.sum(axis=1, keepdims=True)
    return np.asarray(np.divide(positive, total, out=np.full_like(positive, 1 / positive.shape[1]), where=total != 0))
