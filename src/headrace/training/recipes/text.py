"""The recipe of any task: a pipeline of TF-IDF and a linear classifier, or hashed n-grams and a softmax."""

from collections.abc import Sequence

import numpy as np
from scipy.stats import loguniform, uniform
from sklearn.base import clone

from headrace.errors import Misconfigured
from headrace.scoring.scorer import Scorer
from headrace.training import fitting
from headrace.training.datasets import Progress, Row
from headrace.training.fitting import Choices, Fitted
from headrace.training.holdout import split
from headrace.training.recipes.recipe import Recipe
from headrace.training.search import Trial, search
from headrace.training.softmax import HashedSoftmax

#: The estimator that is not scikit-learn's, and its description on the card.
SOFTMAX = "softmax"
SOFTMAX_TITLE = "softmax: over hashed n-grams of characters, by AdaGrad, calibrated by length"
#: The share of rows that calibrates the softmax.
CALIBRATING = 0.1


def fit(rows: Sequence[Row], choices: Choices, progress: Progress) -> Fitted:
    """Fit a pipeline, or if the estimator is "softmax", hashed n-grams and a softmax that is calibrated on a tenth of the rows.

    Raises Misconfigured if a choice does not exist or does not fit the data.
    """
    choices.refuse_others("text")
    if choices.estimator != SOFTMAX:
        return fitting.fit(rows, choices, progress)
    if choices.svd:
        raise Misconfigured(
            "softmax learns from hashed n-grams, which an SVD can't reduce; leave --svd out, or choose another estimator"
        )
    model = HashedSoftmax(seed=choices.seed)
    trials: tuple[Trial, ...] = ()
    learnt, held = split(rows, CALIBRATING, seed=choices.seed)
    texts, labels = [row.text for row in learnt], np.array([row.label for row in learnt])
    if choices.search:
        ranges = {
            "power": uniform(0.0, 0.5),
            "rate": loguniform(0.1, 2),
            "passes": range(2, 13),
            "pairs": [True, False],
        }
        trials = search(model, ranges, choices.search, texts, labels, seed=choices.seed, progress=progress)
    progress("fitting", 0, 1)
    scorer = _fit_softmax(model, learnt, held)
    progress("fitting", 1, 1)

    def again(some: Sequence[Row]) -> Scorer:
        return _fit_softmax(clone(model), *split(some, CALIBRATING, seed=choices.seed))

    return Fitted(scorer, SOFTMAX_TITLE, model.get_params(), again, trials=trials)


def _fit_softmax(model: HashedSoftmax, learnt: Sequence[Row], held: Sequence[Row]) -> Scorer:
    model.fit([row.text for row in learnt], [row.label for row in learnt])
    model.calibrate([row.text for row in held], [row.label for row in held])
    return model.to_scorer()


TEXT = Recipe("text", "any labels of any texts: TF-IDF of n-grams and a linear classifier, calibrated", fit)
