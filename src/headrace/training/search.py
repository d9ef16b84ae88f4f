"""A random search over a pipeline's parameters."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import RandomizedSearchCV, StratifiedKFold

from headrace.training.datasets import Progress

ROWS = 20_000
FOLDS = 3


@dataclass(frozen=True)
class Trial:
    """One setting that a search tried, with its mean accuracy over folds, their standard deviation, and seconds to fit."""

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
    """Try settings drawn from `ranges` by cross-validation, and give the pipeline (not fitted) the best; all trials, best first.

    At most about 20,000 rows are searched on, drawn at random, every label with at least two. Every label needs two rows.
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
    """A parameter as JSON can hold it; what JSON has no word for, as text."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, tuple | list):
        return [plain(one) for one in value]
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def _picked(labels: NDArray[Any], seed: int) -> list[int]:
    order = np.random.default_rng(seed).permutation(len(labels))
    picked = set(order[:ROWS].tolist())
    for label in np.unique(labels):
        picked.update(order[labels[order] == label][:FOLDS].tolist())
    return sorted(picked)


def _counted(progress: Progress, fits: int) -> Callable[[Any, Sequence[str], NDArray[np.int64]], float]:
    """Accuracy, as a scorer of scikit-learn's that tells how many fits are done: each is scored once."""
    done = 0

    def accuracy(pipeline: Any, texts: Sequence[str], labels: NDArray[Any]) -> float:
        nonlocal done
        done += 1
        progress("searching", done, fits)
        return float(np.mean(pipeline.predict(texts) == labels))

    return accuracy
