"""A random search over a pipeline's parameters, by cross-validation."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import RandomizedSearchCV, StratifiedKFold

from headrace.training.datasets import Progress

#: Rows that a search uses at most, beside those that rare labels need.
ROWS = 20_000
#: Folds of the cross-validation; fewer if a label has fewer rows.
FOLDS = 3


@dataclass(frozen=True)
class Trial:
    """One setting that a search tried, with the mean accuracy over folds, its standard deviation, and the mean seconds to fit."""

    parameters: dict[str, Any]
    accuracy: float
    deviation: float
    seconds: float


def search(
    pipeline: Any,
    ranges: Mapping[str, Any],
    tries: int,
    texts: Sequence[str],
    labels: NDArray[Any],
    *,
    seed: int,
    progress: Progress,
) -> tuple[Trial, ...]:
    """Try `tries` settings drawn from `ranges`, set the best on the pipeline (which stays unfitted), and return all trials, best first.

    About ROWS rows are used at most, drawn at random, with FOLDS rows of each label that has so many. Every label needs two rows.
    """
    picked = _picked(labels, seed)
    rarest = int(np.unique(labels[picked], return_counts=True)[1].min())
    folds = StratifiedKFold(min(FOLDS, rarest), shuffle=True, random_state=seed)
    tried = RandomizedSearchCV(
        pipeline,
        dict(ranges),
        n_iter=tries,
        cv=folds,
        refit=False,
        random_state=seed,
        scoring=_counted(progress, tries * folds.get_n_splits()),
        error_score="raise",
    )
    tried.fit([texts[index] for index in picked], labels[picked])
    pipeline.set_params(**tried.best_params_)
    columns = (tried.cv_results_[name] for name in ("params", "mean_test_score", "std_test_score", "mean_fit_time"))
    trials = [
        Trial(
            {name: plain(value) for name, value in parameters.items()},
            float(accuracy),
            float(deviation),
            float(seconds),
        )
        for parameters, accuracy, deviation, seconds in zip(*columns, strict=True)
    ]
    return tuple(sorted(trials, key=lambda trial: -trial.accuracy))


def plain(value: Any) -> Any:
    """A parameter as JSON can hold it; types that JSON lacks become strings."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, tuple | list):
        return [plain(one) for one in value]
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def _picked(labels: NDArray[Any], seed: int) -> list[int]:
    """The indexes of the rows to search on, sorted."""
    order = np.random.default_rng(seed).permutation(len(labels))
    picked = set(order[:ROWS].tolist())
    for label in np.unique(labels):
        picked.update(order[labels[order] == label][:FOLDS].tolist())
    return sorted(picked)


def _counted(progress: Progress, fits: int) -> Callable[[Any, Sequence[str], NDArray[np.int64]], float]:
    """Accuracy as a scorer for scikit-learn that reports the number of fits done: each fit is scored once."""
    done = 0

    def accuracy(pipeline: Any, texts: Sequence[str], labels: NDArray[Any]) -> float:
        nonlocal done
        done += 1
        progress("searching", done, fits)
        return float(np.mean(pipeline.predict(texts) == labels))

    return accuracy
