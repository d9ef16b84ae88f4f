"""What scikit-learn's linear classifiers and naive Bayes know, read from them: weights, bias, and the head that makes labels and scores.

scikit-learn itself is not imported: its classes are known by name, and only its own (a subclass may do something else).
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from headrace.scoring.linear.heads import AnyHead, Calibrated, Clipped, Curve, Floats, Member, Plain, Sigmoid, Softmax

PLAIN = ("LinearSVC", "RidgeClassifier", "RidgeClassifierCV", "Perceptron", "PassiveAggressiveClassifier")

# Isotonic regression that rises faster than this makes differences in the last digits of what goes in visible.
STEEPEST = 1e7


class Unsupported(Exception):
    """What can't be compiled, and why."""


@dataclass(frozen=True)
class Part:
    """Decision values that are linear in what some transformers give: `coef` (columns, their outputs), `bias` (columns,).

    `binarized`: what the transformers give counts as 1 where it is above 0.
    """

    steps: tuple[Any, ...]
    coef: Floats
    bias: Floats
    binarized: bool = False


@dataclass(frozen=True)
class Decision:
    """A classifier taken apart; the columns of the parts follow one another."""

    parts: tuple[Part, ...]
    head: AnyHead
    classes: Any


def name(estimator: object) -> str:
    """The name of a class of scikit-learn's own; empty for all others."""
    kind = type(estimator)
    return kind.__name__ if kind.__module__.split(".")[0] == "sklearn" else ""


def take_apart(estimator: Any, steps: tuple[Any, ...] = ()) -> Decision:
    """Take a fitted classifier, or a pipeline that ends in one, apart. Raises Unsupported."""
    match name(estimator):
        case "Pipeline":
            transformers = tuple(step for _, step in estimator.steps[:-1])
            return take_apart(estimator.steps[-1][1], steps + transformers)
        case "FrozenEstimator":
            return take_apart(estimator.estimator, steps)
        case "GridSearchCV" | "RandomizedSearchCV" | "HalvingGridSearchCV" | "HalvingRandomSearchCV":
            return take_apart(estimator.best_estimator_, steps)
        case "CalibratedClassifierCV":
            return _calibrated(estimator, steps)
        case "OneVsRestClassifier":
            return _one_vs_rest(estimator, steps)
        case "MultinomialNB" | "ComplementNB" | "BernoulliNB":
            return _bayes(estimator, steps)
        case kind:
            return _linear(estimator, steps, _head(estimator, kind))


def _head(estimator: Any, kind: str) -> AnyHead:
    if kind in PLAIN:
        return Plain()
    if kind == "SGDClassifier":
        heads: dict[str, AnyHead] = {"log_loss": Sigmoid(), "modified_huber": Clipped()}
        return heads.get(estimator.loss, Plain())
    if kind in ("LogisticRegression", "LogisticRegressionCV"):
        scheme = getattr(estimator, "multi_class", "auto")  # a setting of scikit-learn before 1.8
        if scheme == "multinomial" and len(estimator.classes_) == 2:
            raise Unsupported("LogisticRegression is multinomial over two labels")
        one_vs_rest = scheme == "ovr" or estimator.solver == "liblinear" or len(estimator.classes_) == 2
        return Sigmoid() if one_vs_rest else Softmax()
    raise Unsupported(f"the classifier {type(estimator).__name__} is not linear, or not known")


def _linear(estimator: Any, steps: tuple[Any, ...], head: AnyHead) -> Decision:
    coef = estimator.coef_.toarray() if hasattr(estimator.coef_, "toarray") else estimator.coef_
    if coef.dtype == np.float32:
        raise Unsupported(f"{type(estimator).__name__} was fitted in single precision")
    coef = np.atleast_2d(np.asarray(coef, np.float64))
    bias = np.broadcast_to(np.asarray(estimator.intercept_, np.float64).ravel(), (len(coef),))
    if coef.shape[0] not in (1, len(estimator.classes_)) or len(estimator.classes_) < 2:
        raise Unsupported(f"{type(estimator).__name__} gives several labels at once")
    return Decision((Part(steps, coef, bias),), head, estimator.classes_)


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
    part = Part(steps, np.asarray(coef, np.float64), np.asarray(bias, np.float64), binarized)
    return Decision((part,), Softmax(bayes=True), estimator.classes_)


def _one_vs_rest(estimator: Any, steps: tuple[Any, ...]) -> Decision:
    if estimator.multilabel_ or len(estimator.estimators_) < 3:
        raise Unsupported("OneVsRestClassifier gives several labels at once, or has fewer than three")
    inner = [take_apart(binary, steps) for binary in estimator.estimators_ if name(binary) != "_ConstantPredictor"]
    if len(inner) < len(estimator.estimators_):
        raise Unsupported("OneVsRestClassifier has a label that was constant in training")
    heads = {type(one.head) for one in inner}
    if heads not in ({Plain}, {Sigmoid}) or any(len(one.parts) > 1 for one in inner):
        raise Unsupported("OneVsRestClassifier over this classifier is not known")
    return Decision(tuple(part for one in inner for part in one.parts), inner[0].head, estimator.classes_)


def _calibrated(estimator: Any, steps: tuple[Any, ...]) -> Decision:
    members: list[Member] = []
    parts: list[Part] = []
    column = 0
    classes = list(estimator.classes_)
    for calibrated in estimator.calibrated_classifiers_:
        inner = take_apart(calibrated.estimator, steps)
        if isinstance(inner.head, Calibrated):
            raise Unsupported("CalibratedClassifierCV calibrates a classifier that is calibrated already")
        width = sum(len(part.bias) for part in inner.parts)
        if calibrated.method == "temperature" and len(inner.classes) == len(classes):
            members.append(Member(column, width, inner.head, factor=float(calibrated.calibrators[0].beta_)))
        else:
            places = [1] if len(classes) == 2 else [classes.index(label) for label in inner.classes]
            relative = isinstance(inner.head, Softmax) and inner.head.bayes
            curves = [_curve(calibrator, relative) for calibrator in calibrated.calibrators]
            if len(curves) != len(places):
                raise Unsupported("CalibratedClassifierCV has not one curve for each label")
            members.append(Member(column, width, inner.head, curves, places))
        parts += inner.parts
        column += width
    return Decision(tuple(parts), Calibrated(members=members, labels=len(classes)), estimator.classes_)


def _curve(calibrator: Any, relative: bool) -> Curve:
    """`relative`: what goes in is exact to some digits of its own; else to some digits of the largest."""
    match name(calibrator):
        case "_SigmoidCalibration":
            return Curve(slope=float(calibrator.a_), offset=float(calibrator.b_))
        case "IsotonicRegression" if calibrator.out_of_bounds == "clip" and len(calibrator.X_thresholds_):
            x, y = calibrator.X_thresholds_, calibrator.y_thresholds_
            size = np.abs(x[1:]) if relative else np.abs(x).max()
            if len(x) > 1 and (np.diff(y) * size > STEEPEST * np.diff(x)).any():
                raise Unsupported("isotonic regression jumps where rounding decides")
            return Curve(x=x.tolist(), y=y.tolist(), relative=relative)
    raise Unsupported(f"the calibration {type(calibrator).__name__} is not known")


def merged(decision: Decision) -> list[tuple[int, Part]]:
    """The parts with their first columns; neighbours that share their transformers become one."""
    found: list[tuple[int, Part]] = []
    column = 0
    for part in decision.parts:
        last = found[-1][1] if found else None
        if last and _alike(last, part):
            coef, bias = np.vstack([last.coef, part.coef]), np.concatenate([last.bias, part.bias])
            found[-1] = (found[-1][0], replace(last, coef=coef, bias=bias))
        else:
            found.append((column, part))
        column += len(part.bias)
    return found


def _alike(one: Part, other: Part) -> bool:
    same = len(one.steps) == len(other.steps) and all(a is b for a, b in zip(one.steps, other.steps, strict=True))
    return same and one.binarized == other.binarized
