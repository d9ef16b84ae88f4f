"""Fitting a scikit-learn pipeline: TF-IDF of n-grams, an SVD and a search over parameters if asked for, calibrated scores."""

import warnings
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.decomposition import TruncatedSVD
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.preprocessing import LabelEncoder

from headrace.errors import Misconfigured
from headrace.fields import LABEL, USUAL, Field, Fields
from headrace.models.card import Origin
from headrace.scoring.scorer import Scorer
from headrace.training import estimators
from headrace.training.datasets import Progress, Row
from headrace.training.estimators import Estimator
from headrace.training.search import FOLDS, Trial, plain, search

#: The default estimator.
DEFAULT = "linear-svc"
#: Features of a vectoriser at most, the most frequent ones.
FEATURES = 400_000
#: From this number of rows on, n-grams that occur in one text only are left out.
RARE_ROWS = 2_000

#: Choices that one recipe has: their flags, and its name.
_OWNED: Mapping[str, tuple[str, str]] = {
    "teacher": ("--teacher", "sentiment"),
    "words": ("--words", "language"),
    "others": ("--other", "language"),
}


@dataclass(frozen=True)
class Choices:
    """What a user may choose.

    `fields` and `label` are where the data have a text and its label; `encoding` is that of their files, and empty to find it out.
    `search`: the number of settings to try, 0 for no search. `estimator`: a name of `estimators.choices`, "softmax", or "tokens" for the
    recipe sentiment; None for the recipe's own. `svd`: a number of dimensions, 0 for no SVD. `mapping` renames labels of the data (see
    `label_map`). `distant` are files whose texts are labelled by their emoticons and emoji (see `distant`). With a
    `teacher`, the recipe sentiment also learns what a transformer says of the texts (see `teacher`).

    For the language recipe only: `words` are folders of word lists (see `word_lists`), and `others` files of texts in languages that are
    none of the labels; `passes` and `examples` replace the recipe's number of passes and of examples in each, to try something quickly.
    """

    seed: int = 0
    search: int = 0
    estimator: str | None = None
    svd: int = 0
    mapping: Mapping[str, str] = field(default_factory=dict)
    fields: Fields = USUAL
    label: Field = LABEL
    encoding: str = ""
    distant: tuple[Path | str, ...] = ()
    teacher: bool = False
    words: tuple[Path, ...] = ()
    others: tuple[Path, ...] = ()
    passes: int | None = None
    examples: int | None = None

    def refuse_others(self, recipe: str) -> None:
        """Raises Misconfigured for a choice that only another recipe than this one has."""
        for name, (flag, owner) in _OWNED.items():
            if owner != recipe and getattr(self, name):
                raise Misconfigured(f"only the recipe {owner}, with its own estimator, takes {flag}; leave it out")


@dataclass(frozen=True)
class Fitted:
    """A trained classifier.

    `estimator` describes it for the card. `again` learns from other rows with the same parameters. `pipeline` can be kept for retraining;
    it is None if the estimator is not scikit-learn's. `trials` are those of the search, best first. `variance` (dimensions,) is the share
    of variance that the first 1, 2, ... dimensions of the SVD explain. `origins` names data beside the rows, such as word lists.
    `notes` are for the user to read.
    """

    scorer: Scorer
    estimator: str
    parameters: dict[str, Any]
    again: Callable[[Sequence[Row]], Scorer]
    pipeline: Any = None
    trials: tuple[Trial, ...] = ()
    variance: NDArray[np.float64] | None = None
    origins: tuple[Origin, ...] = ()
    notes: tuple[str, ...] = ()


def fit(rows: Sequence[Row], choices: Choices, progress: Progress) -> Fitted:
    """Fit a pipeline on at least two rows of every label, and compile it if possible.

    The same rows and choices give the same pipeline. Raises Misconfigured if a choice doesn't exist or doesn't fit the data.
    """
    name = choices.estimator or DEFAULT
    estimator = estimators.find(name)
    if choices.svd and not estimator.signed:
        raise Misconfigured(
            f"{name} can't follow an SVD, whose features may be negative; choose {DEFAULT}, or leave --svd out"
        )
    texts, labels, _ = _encoded(rows)
    pipeline = _pipeline(estimator, choices, texts)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("ignore")
        warnings.simplefilter("always", ConvergenceWarning)
        trials = _search(pipeline, estimator, choices, texts, labels, progress)
        chosen = _parameters(pipeline)
        if estimator.calibrate:
            folds = min(FOLDS, int(np.bincount(labels).min()))
            pipeline.set_params(classifier=CalibratedClassifierCV(pipeline["classifier"], cv=folds, ensemble=False))
        progress("fitting", 0, 1)
        scorer = _fit(pipeline, rows)
        progress("fitting", 1, 1)
    notes = (f"{name} stopped before it converged",) if caught else ()
    variance = np.cumsum(pipeline["svd"].explained_variance_ratio_) if choices.svd else None
    title = f"{name}: {estimator.summary}"
    return Fitted(scorer, title, chosen, lambda some: _again(pipeline, some), pipeline, trials, variance, notes=notes)


def _encoded(rows: Sequence[Row]) -> tuple[list[str], NDArray[np.int64], LabelEncoder]:
    encoder = LabelEncoder()
    labels = encoder.fit_transform([row.label for row in rows])
    return [row.text for row in rows], labels, encoder


def _fit(pipeline: Pipeline, rows: Sequence[Row]) -> Scorer:
    texts, labels, encoder = _encoded(rows)
    from headrace.scoring.linear.compile import compile as compiled

    # Whether an estimator can be compiled is said in its summary and on the card.
    return compiled(pipeline.fit(texts, labels), encoder=encoder, tell=lambda _: None)


def _again(pipeline: Pipeline, rows: Sequence[Row]) -> Scorer:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _fit(clone(pipeline), rows)


def _search(
    pipeline: Pipeline,
    estimator: Estimator,
    choices: Choices,
    texts: Sequence[str],
    labels: NDArray[np.int64],
    progress: Progress,
) -> tuple[Trial, ...]:
    if not choices.search:
        return ()
    ranges = _ranges(pipeline, estimator)
    return search(pipeline, ranges, choices.search, texts, labels, seed=choices.seed, progress=progress)


def _pipeline(estimator: Estimator, choices: Choices, texts: Sequence[str]) -> Pipeline:
    rare = 2 if len(texts) >= RARE_ROWS else 1
    options: dict[str, Any] = {"sublinear_tf": True, "min_df": rare, "max_features": FEATURES}
    characters = TfidfVectorizer(analyzer="char_wb", ngram_range=(1, 4), **options)
    words = TfidfVectorizer(analyzer="word", ngram_range=(1, 2), **options)
    parts = [("characters", characters)]
    if _has_terms(words, texts):  # not if a sentence is a single word, as in Japanese, or if there are only emoji
        parts.append(("words", words))
    steps: list[tuple[str, Any]] = [("features", FeatureUnion(parts))]
    if choices.svd:
        steps.append(("svd", _reduction(FeatureUnion(parts), choices, texts)))
    return Pipeline([*steps, ("classifier", estimator.build(choices.seed))])


def _has_terms(vectoriser: TfidfVectorizer, texts: Sequence[str]) -> bool:
    """Whether the vectoriser would find a term in these texts: it can't be fitted otherwise."""
    analyse = vectoriser.build_analyzer()
    seen = Counter[str]()
    for text in texts:
        terms = set(analyse(text))
        seen.update(terms)
        if any(seen[term] >= vectoriser.min_df for term in terms):
            return True
    return False


def _reduction(features: FeatureUnion, choices: Choices, texts: Sequence[str]) -> TruncatedSVD:
    columns = features.fit_transform(texts).shape[1]
    if not 0 < choices.svd < columns:
        raise Misconfigured(
            f"an SVD to {choices.svd:,} dimensions isn't possible: the texts have {columns:,} features; choose fewer dimensions"
        )
    return TruncatedSVD(choices.svd, random_state=choices.seed)


def _ranges(pipeline: Pipeline, estimator: Estimator) -> dict[str, Any]:
    """What a search draws parameters from, for those that the pipeline has."""
    ranges: dict[str, Any] = {
        "features__characters__ngram_range": [(low, high) for low in (1, 2) for high in (3, 4, 5)],
        "features__characters__sublinear_tf": [True, False],
        "features__words__ngram_range": [(1, 1), (1, 2)],
        **{f"classifier__{name}": values for name, values in estimator.ranges.items()},
    }
    known = pipeline.get_params()
    return {name: values for name, values in ranges.items() if name in known}


def _parameters(pipeline: Pipeline) -> dict[str, Any]:
    """The parameters of the steps, by "step__name", without those that are not set or are estimators themselves."""
    found = sorted((name, value) for name, value in pipeline.get_params().items() if "__" in name)
    return {name: plain(value) for name, value in found if value is not None and not hasattr(value, "fit")}
