"""Evaluation of a classifier on texts that it has not seen."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from headrace.models.card import Coverage, Figures, LabelFigures, Slice

#: Bins of scores for reliability and calibration error.
BINS = 15
#: Thresholds at which coverage and precision are measured.
THRESHOLDS = (0.0, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Bin:
    """Texts with similar best scores: the mean score, the share of texts that are labelled right, and their number."""

    score: float
    accuracy: float
    count: int


@dataclass(frozen=True)
class Evaluation:
    """Figures, and what they were computed from.

    `confusion` (labels, labels) counts texts: rows are true labels, columns predicted ones, in the order of `labels`. `bins` is empty if
    scores are not probabilities.
    """

    labels: tuple[str, ...]
    confusion: NDArray[np.int64]
    figures: Figures
    bins: tuple[Bin, ...] = ()


@dataclass(frozen=True)
class HeldOutScores:
    """A model's scores for held-out texts of one kind, (texts, labels), with the true labels."""

    kind: str
    truth: Sequence[str]
    scores: Floats


def evaluate(
    labels: tuple[str, ...], scored: Sequence[HeldOutScores], *, calibrated: bool, apart: bool = False
) -> Evaluation:
    """Evaluate a model on texts of one or more kinds; the first kind are the whole texts.

    Accuracy, F1 and figures by label are those of the first kind, calibration error and coverage those of all kinds together, or if they
    are kept `apart`, of the first kind; then each kind is also judged among the labels that it has. `slices` has accuracy, mean recall and
    calibration error of each kind if there are several. `labels` are in the order of the scores' columns and include
    every true label. `calibrated` says whether scores are probabilities; if not, there are no calibration error and no coverage.
    """
    number = {label: index for index, label in enumerate(labels)}
    kinds = [(one, np.array([number[label] for label in one.truth], np.intp)) for one in scored]
    if apart:
        kinds = [(_among(one, truth), truth) for one, truth in kinds]
    whole, truth = kinds[0]
    confusion = np.zeros((len(labels), len(labels)), np.int64)
    np.add.at(confusion, (truth, whole.scores.argmax(axis=1)), 1)
    pooled = kinds[:1] if apart else kinds
    best = np.concatenate([one.scores.max(axis=1) for one, _ in pooled])
    right = np.concatenate([one.scores.argmax(axis=1) == truth for one, truth in pooled])
    bins = reliability(best, right) if calibrated else ()
    figures = Figures(
        accuracy=float(np.trace(confusion) / confusion.sum()),
        macro_f1=_macro_f1(confusion),
        macro_recall=_macro_recall(confusion),
        per_label=_per_label(labels, confusion),
        ece=calibration_error(bins) if calibrated else None,
        coverage=coverage(best, right) if calibrated else [],
        slices={one.kind: _slice(one, truth, calibrated) for one, truth in kinds} if len(kinds) > 1 else {},
    )
    return Evaluation(labels, confusion, figures, bins)


def reliability(best: Floats, right: NDArray[np.bool_]) -> tuple[Bin, ...]:
    """Texts in 15 bins of equal width by their best scores, without empty bins (Guo et al. 2017, On calibration of modern neural networks).

    `best` (texts,): probabilities; `right` (texts,): whether the label is right.
    """
    which = np.clip((best * BINS).astype(np.intp), 0, BINS - 1)
    found = [np.flatnonzero(which == index) for index in range(BINS)]
    return tuple(Bin(float(best[one].mean()), float(right[one].mean()), len(one)) for one in found if len(one))


def calibration_error(bins: Sequence[Bin]) -> float:
    """The expected calibration error: the mean difference between score and accuracy, weighted by the texts of each bin; 0 for no bins."""
    total = sum(one.count for one in bins)
    return sum(abs(one.score - one.accuracy) * one.count for one in bins) / total if total else 0.0


def coverage(best: Floats, right: NDArray[np.bool_], thresholds: Sequence[float] = THRESHOLDS) -> list[Coverage]:
    """For each threshold the share of texts whose best score reaches it, and the share of these that is right (1 if there are none)."""
    kept = [best >= threshold for threshold in thresholds]
    return [
        Coverage(threshold, float(one.mean()), float(right[one].mean()) if one.any() else 1.0)
        for threshold, one in zip(thresholds, kept, strict=True)
    ]


def _among(scored: HeldOutScores, truth: NDArray[np.intp]) -> HeldOutScores:
    """The scores, those of labels that no text has set to zero, so that the others of a text have the same sum as in all."""
    known = np.zeros(scored.scores.shape[1], np.bool_)
    known[truth] = True
    kept = np.where(known, scored.scores, 0.0)
    sums = kept.sum(axis=1, keepdims=True)
    return replace(scored, scores=kept / np.where(sums > 0, sums, 1.0) * scored.scores.sum(axis=1, keepdims=True))


def _slice(scored: HeldOutScores, truth: NDArray[np.intp], calibrated: bool) -> Slice:
    said = scored.scores.argmax(axis=1)
    error = calibration_error(reliability(scored.scores.max(axis=1), said == truth)) if calibrated else None
    recalls = [float((said[truth == label] == label).mean()) for label in np.unique(truth)]
    return Slice(len(truth), float((said == truth).mean()), error, float(np.mean(recalls)))


def _per_label(labels: tuple[str, ...], confusion: NDArray[np.int64]) -> dict[str, LabelFigures]:
    precision, recall, f1 = _rates(confusion)
    support = confusion.sum(axis=1)
    return {
        label: LabelFigures(float(precision[i]), float(recall[i]), float(f1[i]), int(support[i]))
        for i, label in enumerate(labels)
    }


def _macro_f1(confusion: NDArray[np.int64]) -> float:
    """The mean F1 of the labels that occur, as true or as predicted ones."""
    occurs = (confusion.sum(axis=0) + confusion.sum(axis=1)) > 0
    return float(_rates(confusion)[2][occurs].mean())


def _macro_recall(confusion: NDArray[np.int64]) -> float:
    """The mean recall of the labels that occur as true ones."""
    return float(_rates(confusion)[1][confusion.sum(axis=1) > 0].mean())


def _rates(confusion: NDArray[np.int64]) -> tuple[Floats, Floats, Floats]:
    """Precision, recall and F1 of each label, (labels,); 0 for a label that was never predicted, or never true."""
    hits = np.diag(confusion).astype(np.float64)
    predicted, true = confusion.sum(axis=0), confusion.sum(axis=1)
    precision, recall = hits / np.maximum(predicted, 1), hits / np.maximum(true, 1)
    return precision, recall, 2 * hits / np.maximum(predicted + true, 1)
