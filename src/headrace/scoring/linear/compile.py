"""`compile`: from a fitted scikit-learn pipeline to a scorer with the same answers."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

from headrace.errors import Misconfigured
from headrace.log import logger
from headrace.scoring import trial
from headrace.scoring.linear import classifiers, vectorizers
from headrace.scoring.linear.scorer import LinearScorer
from headrace.scoring.pipeline import PipelineScorer

LOG = logger("headrace.scoring")


def compile(  # noqa: A001 (what it does)
    pipeline: Any,
    *,
    encoder: Any = None,
    threads: int = 1,
    cache: Path | None = None,
    tell: Callable[[str], None] = LOG.warning,
) -> LinearScorer | PipelineScorer:
    """A scorer with the answers of a fitted pipeline: the same labels, and scores within a relative difference of 1e-5.

    Compiled are CountVectorizer, TfidfVectorizer and HashingVectorizer (char, char_wb, word) and unions of them; TfidfTransformer,
    TruncatedSVD, feature selection; linear classifiers, naive Bayes, CalibratedClassifierCV and OneVsRestClassifier over them; the best
    of a search. Anything else becomes a PipelineScorer, which runs the pipeline itself at scikit-learn's speed and whose `reason` says
    why; `tell` is called with that reason, and by default logs it as a warning. An estimator that has a method `to_scorer` makes its own.

    `encoder` is the LabelEncoder whose output the pipeline was trained on, if any. `threads` and `cache` as in LinearScorer.
    Both are tried on a few texts. Raises Misconfigured, saying what to do, if the pipeline is not fitted, is not a classifier that gives
    each text one label, takes something else than texts, or was made by a version of scikit-learn that the installed one can't continue.
    """
    _check(pipeline)
    labels = labels_of(pipeline, encoder)
    if (own := _own(pipeline)) and encoder is None:
        return own.to_scorer()  # type: ignore[no-any-return]
    try:
        scorer = _compiled(pipeline, labels, threads, cache)
        reason = ""
    except classifiers.Unsupported as error:
        reason = str(error)
    except (
        Exception
    ) as error:  # it isn't what its class says: another version of scikit-learn made it, or other code did
        reason = f"it can't be taken apart ({type(error).__name__}: {error})"
    tried = trial.try_out(PipelineScorer(pipeline, labels, reason=reason), pipeline)
    if not reason and tried.agrees(scorer, labels):
        return scorer
    explanation = f"{reason or 'compiled it would give other answers'}; so the pipeline runs as it is"
    tell(f"not compiled: {explanation}, at scikit-learn's speed")
    return PipelineScorer(pipeline, labels, reason=explanation)


def _compiled(pipeline: Any, labels: tuple[str, ...], threads: int, cache: Path | None) -> LinearScorer:
    """Raises Unsupported."""
    decision = classifiers.decompose(pipeline)
    parts = classifiers.merged_parts(decision)
    blocks = [block for column, part in parts for block in vectorizers.blocks(column, part)]
    bias = np.concatenate([part.bias for _, part in parts])
    if not np.isfinite(bias).all():
        raise classifiers.Unsupported("some weights are infinite or NaN")
    return LinearScorer(labels, blocks, bias, decision.head, threads=threads, cache=cache)


def labels_of(pipeline: Any, encoder: Any = None) -> tuple[str, ...]:
    """The labels of a fitted classifier as strings, in the order of its classes; decoded if an encoder is given."""
    last = pipeline.steps[-1][1] if hasattr(pipeline, "steps") else pipeline
    try:
        classes, missing = pipeline.classes_, "it gives a text several labels"
    except AttributeError as error:
        classes, missing = None, f"it has no classes_ ({error})"
        if "Classifier" in type(last).__name__:
            missing += f"; {trial.made_by_another_version()}"
    binarizer = getattr(last, "_label_binarizer", getattr(last, "label_binarizer_", None))
    several = getattr(binarizer, "y_type_", "").startswith("multilabel")
    if not isinstance(classes, np.ndarray) or classes.ndim != 1 or several:
        raise Misconfigured(
            f"{type(pipeline).__name__} can't be compiled: {missing}; fit a classifier that gives each text one label"
        )
    labels = tuple(str(label) for label in (classes if encoder is None else encoder.inverse_transform(classes)))
    if not all(label.strip() for label in labels):
        raise Misconfigured(f"{type(pipeline).__name__} can't be compiled: one of its labels is empty; give it a name")
    if len(set(labels)) < len(labels):
        raise Misconfigured(
            f"{type(pipeline).__name__} can't be compiled: two of its labels are the same as text; give them names"
        )
    return labels


def _check(pipeline: Any) -> None:
    """Raise Misconfigured if a step of the pipeline is not fitted or not an estimator."""
    steps = [step for _, step in getattr(pipeline, "steps", [("", pipeline)])]
    if not steps:
        raise Misconfigured("the pipeline can't be compiled: it has no steps; fit one that ends in a classifier")
    try:
        for step in steps:
            if step is not None and not isinstance(step, str):
                check_is_fitted(step)
    except NotFittedError as error:
        raise Misconfigured(f"the pipeline can't be compiled: {error}") from None
    except (TypeError, AttributeError):
        raise Misconfigured(
            f"{type(pipeline).__name__} can't be compiled: it, or one of its steps, is not a scikit-learn estimator; "
            "a class of one's own derives from BaseEstimator"
        ) from None


def _own(pipeline: Any) -> Any:
    """The pipeline or its only step, if it makes its own scorer (`to_scorer`), else None."""
    steps = [step for _, step in getattr(pipeline, "steps", []) if step is not None and step != "passthrough"]
    candidate = steps[0] if len(steps) == 1 else pipeline
    return candidate if hasattr(candidate, "to_scorer") else None
