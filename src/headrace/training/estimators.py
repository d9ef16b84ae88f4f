"""The classifiers that a user may choose, with the ranges that a search draws their parameters from."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from scipy.stats import loguniform
from sklearn.linear_model import LogisticRegression, RidgeClassifier, SGDClassifier
from sklearn.naive_bayes import ComplementNB
from sklearn.svm import SVC, LinearSVC

from headrace.errors import Misconfigured, did_you_mean


@dataclass(frozen=True)
class Estimator:
    """A classifier over TF-IDF features.

    `build` makes one from a seed. `ranges` are the distributions that a search draws from, by parameter. `calibrate`: its scores are
    probabilities only after calibration. `signed`: it accepts negative features. `rows`: beyond this number of rows it is slow (0: never),
    and `slow` says how.
    """

    summary: str
    build: Callable[[int], Any]
    ranges: Mapping[str, Any] = field(default_factory=dict)
    calibrate: bool = True
    signed: bool = True
    rows: int = 0
    slow: str = ""


def choices() -> dict[str, Estimator]:
    """The estimators by name, the default first."""
    return {
        "linear-svc": Estimator(
            "a linear support vector machine, calibrated",
            lambda seed: LinearSVC(C=0.3, random_state=seed),
            {"C": loguniform(0.02, 20)},
        ),
        "logistic": Estimator(
            "logistic regression",
            lambda _: LogisticRegression(C=10.0, max_iter=1000),
            {"C": loguniform(0.1, 200)},
            calibrate=False,
        ),
        "sgd": Estimator(
            "logistic regression by stochastic gradient descent, calibrated; for many rows",
            lambda seed: SGDClassifier(loss="log_loss", alpha=1e-5, random_state=seed),
            {"alpha": loguniform(1e-7, 1e-3)},
        ),
        "naive-bayes": Estimator(
            "complement naive Bayes, calibrated; the fastest to train",
            lambda _: ComplementNB(alpha=0.1),
            {"alpha": loguniform(1e-3, 2)},
            signed=False,
        ),
        "ridge": Estimator(
            "a ridge classifier, calibrated",
            lambda seed: RidgeClassifier(alpha=0.5, random_state=seed),
            {"alpha": loguniform(0.02, 20)},
        ),
        "svc": Estimator(
            "a support vector machine with an RBF kernel, calibrated; can't be compiled",
            lambda seed: SVC(C=5.0, random_state=seed),
            {"C": loguniform(0.2, 100), "gamma": loguniform(0.05, 5)},
            rows=5000,
            slow="its training time grows with the square of the rows or faster, its size and prediction time with the rows",
        ),
    }


def caution(name: str, rows: int) -> str:
    """A warning if the estimator is slow on so many rows; else, and for an unknown estimator, an empty string."""
    estimator = choices().get(name)
    if estimator is None or not 0 < estimator.rows < rows:
        return ""
    return f"{name} on {rows:,} rows will be slow: {estimator.slow}; linear-svc copes with any number"


def find(name: str) -> Estimator:
    """The estimator of this name. Raises Misconfigured for an unknown name, with the known ones."""
    known = choices()
    if name not in known:
        hint = did_you_mean(name, known, "{!r}")
        raise Misconfigured(f"there is no estimator {name!r}; {hint}the estimators are {', '.join(known)} and softmax")
    return known[name]
