"""Fitted linear classifiers and naive Bayes taken apart: weights, bias, and the head that makes labels and scores of decision values.

scikit-learn is not imported: its classes are recognised by name. Only its own are, because a subclass may do something else.
"""

from dataclasses import dataclass, replace
from inspect import signature
from typing import Any

import numpy as np

from headrace.scoring.linear.heads import (
    AnyHead,
    Calibrated,
    CalibratedMember,
    Clipped,
    Curve,
    Floats,
    Identity,
    Sigmoid,
    Softmax,
)

#: Classifiers that have decision values only.
WITHOUT_PROBABILITIES = (
    "LinearSVC",
    "RidgeClassifier",
    "RidgeClassifierCV",
    "Perceptron",
    "PassiveAggressiveClassifier",
)

#: The steepest isotonic regression that is compiled: a steeper one would magnify rounding errors of its input until they show.
STEEPEST_SLOPE = 1e7


class Unsupported(Exception):
    """Raised for what can't be compiled; its text is the reason."""


@dataclass(frozen=True)
class LinearPart:
    """Decision values that are a linear function of the output of `steps`: `coef` (columns, outputs), `bias` (columns,), both float64.

    If `binarized`, outputs above 0 count as 1 and all others as 0.
    """

    steps: tuple[Any, ...]
    coef: Floats
    bias: Floats
    binarized: bool = False


@dataclass(frozen=True)
class Decision:
    """A classifier taken apart. The columns of decision values are those of the first part, then of the second, and so on."""

    parts: tuple[LinearPart, ...]
    head: AnyHead
    classes: Any


def sklearn_name(estimator: object) -> str:
    """The class name of an object of scikit-learn's own classes; an empty string for any other."""
    kind = type(estimator)
    return kind.__name__ if kind.__module__.split(".")[0] == "sklearn" else ""


def decompose(estimator: Any, steps: tuple[Any, ...] = ()) -> Decision:
    """Take apart a fitted classifier, or a pipeline that ends in one, that follows the transformers `steps`. Raises Unsupported."""
    match sklearn_name(estimator):
        case "Pipeline":
            transformers = tuple(step for _, step in estimator.steps[:-1])
            return decompose(estimator.steps[-1][1], steps + transformers)
        case "FrozenEstimator":
            return decompose(estimator.estimator, steps)
        case "GridSearchCV" | "RandomizedSearchCV" | "HalvingGridSearchCV" | "HalvingRandomSearchCV":
            return decompose(estimator.best_estimator_, steps)
        case "CalibratedClassifierCV":
            return _calibrated(estimator, steps)
        case "OneVsRestClassifier":
            return _one_vs_rest(estimator, steps)
        case "MultinomialNB" | "ComplementNB" | "BernoulliNB":
            return _bayes(estimator, steps)
        case kind:
            return _linear(estimator, steps, _head(estimator, kind))


def _head(estimator: Any, kind: str) -> AnyHead:
    if kind in WITHOUT_PROBABILITIES:
        return Identity()
    if kind == "SGDClassifier":
        heads: dict[str, AnyHead] = {"log_loss": Sigmoid(), "modified_huber": Clipped()}
        return heads.get(estimator.loss, Identity())
    if kind in ("LogisticRegression", "LogisticRegressionCV"):
        # A parameter before scikit-learn 1.8. Later versions ignore it where an earlier one has set it.
        known = "multi_class" in signature(type(estimator)).parameters
        scheme = getattr(estimator, "multi_class", "auto") if known else "ignored"
        if scheme == "multinomial" and len(estimator.classes_) == 2:
            raise Unsupported("LogisticRegression is multinomial with two labels")
        chosen = scheme == "ovr" or (known and estimator.solver == "liblinear")
        one_vs_rest = chosen or len(estimator.classes_) == 2
        return Sigmoid() if one_vs_rest else Softmax()
    raise Unsupported(f"the classifier {type(estimator).__name__} is not linear, or not supported")


def _linear(estimator: Any, steps: tuple[Any, ...], head: AnyHead) -> Decision:
    coef = estimator.coef_.toarray() if hasattr(estimator.coef_, "toarray") else estimator.coef_
    if coef.dtype == np.float32:
        raise Unsupported(f"{type(estimator).__name__} was fitted in single precision")
    coef = np.atleast_2d(np.asarray(coef, np.float64))
    bias = np.broadcast_to(np.asarray(estimator.intercept_, np.float64).ravel(), (len(coef),))
    if coef.shape[0] not in (1, len(estimator.classes_)) or len(estimator.classes_) < 2:
        raise Unsupported(f"{type(estimator).__name__} gives a text several labels")
    return Decision((LinearPart(steps, coef, bias),), head, estimator.classes_)


def _bayes(estimator: Any, steps: tuple[Any, ...]) -> Decision:
    kind, coef, bias = type(estimator).__name__, estimator.feature_log_prob_, estimator.class_log_prior_
    if kind == "ComplementNB" and len(estimator.classes_) > 1:
        bias = np.zeros(len(coef))
    binarized = False
    if kind == "BernoulliNB":
        binarized = estimator.binarize is not None
        if binarized and estimator.binarize != 0.0:
            raise Unsupported("BernoulliNB has a threshold (binarize) other than 0")
        with np.errstate(divide="ignore", invalid="ignore"):
            absent = np.log(1 - np.exp(coef))
        coef, bias = coef - absent, bias + absent.sum(axis=1)
    part = LinearPart(steps, np.asarray(coef, np.float64), np.asarray(bias, np.float64), binarized)
    return Decision((part,), Softmax(bayes=True), estimator.classes_)


def _one_vs_rest(estimator: Any, steps: tuple[Any, ...]) -> Decision:
    if estimator.multilabel_ or len(estimator.estimators_) < 3:
        raise Unsupported("OneVsRestClassifier gives a text several labels, or has fewer than three")
    inner = [
        decompose(binary, steps) for binary in estimator.estimators_ if sklearn_name(binary) != "_ConstantPredictor"
    ]
    if len(inner) < len(estimator.estimators_):
        raise Unsupported("OneVsRestClassifier has a label that was constant in training")
    heads = {type(one.head) for one in inner}
    if heads not in ({Identity}, {Sigmoid}) or any(len(one.parts) > 1 for one in inner):
        raise Unsupported("OneVsRestClassifier over this classifier is not supported")
    return Decision(tuple(part for one in inner for part in one.parts), inner[0].head, estimator.classes_)


def _calibrated(estimator: Any, steps: tuple[Any, ...]) -> Decision:
    members: list[CalibratedMember] = []
    parts: list[LinearPart] = []
    column = 0
    classes = list(estimator.classes_)
    for calibrated in estimator.calibrated_classifiers_:
        inner = decompose(calibrated.estimator, steps)
        if isinstance(inner.head, Calibrated):
            raise Unsupported("CalibratedClassifierCV calibrates a classifier that is already calibrated")
        width = sum(len(part.bias) for part in inner.parts)
        if calibrated.method == "temperature":
            if len(inner.classes) != len(classes):
                raise Unsupported("CalibratedClassifierCV scales temperatures, and a part of its data lacks a label")
            members.append(CalibratedMember(column, width, inner.head, factor=float(calibrated.calibrators[0].beta_)))
        else:
            places = [1] if len(classes) == 2 else [classes.index(label) for label in inner.classes]
            relative = isinstance(inner.head, Softmax) and inner.head.bayes
            curves = [_curve(calibrator, relative) for calibrator in calibrated.calibrators]
            if len(curves) != len(places):
                raise Unsupported("CalibratedClassifierCV doesn't have one curve for each label")
            members.append(CalibratedMember(column, width, inner.head, curves, places))
        parts += inner.parts
        column += width
    return Decision(tuple(parts), Calibrated(members=members, labels=len(classes)), estimator.classes_)


def _curve(calibrator: Any, relative: bool) -> Curve:
    """The curve of a fitted calibrator; `relative` as in Curve. Raises Unsupported."""
    match sklearn_name(calibrator):
        case "_SigmoidCalibration":
            return Curve(slope=float(calibrator.a_), offset=float(calibrator.b_))
        case "IsotonicRegression" if calibrator.out_of_bounds == "clip" and len(calibrator.X_thresholds_):
            x, y = calibrator.X_thresholds_, calibrator.y_thresholds_
            size = np.abs(x[1:]) if relative else np.abs(x).max()
            if len(x) > 1 and (np.diff(y) * size > STEEPEST_SLOPE * np.diff(x)).any():
                raise Unsupported("isotonic regression is so steep that rounding would decide")
            return Curve(x=x.tolist(), y=y.tolist(), relative=relative)
    raise Unsupported(f"the calibration {type(calibrator).__name__} is not supported")


def merged_parts(decision: Decision) -> list[tuple[int, LinearPart]]:
    """The parts, each with its first column; neighbours that have the same transformers are merged."""
    merged: list[tuple[int, LinearPart]] = []
    column = 0
    for part in decision.parts:
        last = merged[-1][1] if merged else None
        if last and _can_merge(last, part):
            coef, bias = np.vstack([last.coef, part.coef]), np.concatenate([last.bias, part.bias])
            merged[-1] = (merged[-1][0], replace(last, coef=coef, bias=bias))
        else:
            merged.append((column, part))
        column += len(part.bias)
    return merged


def _can_merge(one: LinearPart, other: LinearPart) -> bool:
    same = len(one.steps) == len(other.steps) and all(a is b for a, b in zip(one.steps, other.steps, strict=True))
    return same and one.binarized == other.binarized
