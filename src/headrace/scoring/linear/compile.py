"""From a fitted scikit-learn pipeline to a scorer with the same answers."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

from headrace.errors import Misconfigured
from headrace.scoring.linear import classifiers, vectorizers
from headrace.scoring.linear.scorer import LinearScorer
from headrace.scoring.pipeline import PipelineScorer


def _tell(reason: str) -> None:
    print(f"headrace: {reason}", file=sys.stderr)


def compile(  # noqa: A001 (the word for it)
    pipeline: Any,
    *,
    encoder: Any = None,
    threads: int = 1,
    cache: Path | None = None,
    tell: Callable[[str], None] = _tell,
) -> LinearScorer | PipelineScorer:
    """A scorer with the answers of a fitted pipeline: the same labels, and scores within a relative 1e-5.

    Compiled: Count-, Tfidf- and HashingVectorizer (characters, char_wb, words) and unions of them, TfidfTransformer, TruncatedSVD,
    feature selection; linear classifiers, naive Bayes, CalibratedClassifierCV over them, one against the rest; a search's best.
    Anything else runs as it is: a PipelineScorer, whose `reason` says why; `tell` is told, by default a line on stderr.
    An estimator with a method `to_scorer` is asked for its own.

    `encoder` is the LabelEncoder whose output the pipeline was trained on, if any. `threads` and `cache` as in LinearScorer.
    Raises Misconfigured for what is not fitted, or no classifier of one label a text.
    """
    _check(pipeline)
    labels = labels_of(pipeline, encoder)
    if (own := _own(pipeline)) and encoder is None:
        return own.to_scorer()  # type: ignore[no-any-return]
    try:
        decision = classifiers.take_apart(pipeline)
        parts = classifiers.merged(decision)
        blocks = [block for column, part in parts for block in vectorizers.blocks(column, part)]
        bias = np.concatenate([part.bias for _, part in parts])
        if not np.isfinite(bias).all():
            raise classifiers.Unsupported("some weights are infinite or no numbers")
    except classifiers.Unsupported as reason:
        told = f"{reason}; so the pipeline runs as it is"
        tell(f"not compiled: {told}, at scikit-learn's speed")
        return PipelineScorer(pipeline, labels, reason=told)
    return LinearScorer(labels, blocks, bias, decision.head, threads=threads, cache=cache)


def labels_of(pipeline: Any, encoder: Any = None) -> tuple[str, ...]:
    """The labels of a fitted classifier, in the order of its classes, decoded where there is an encoder."""
    classes = getattr(pipeline, "classes_", None)
    last = pipeline.steps[-1][1] if hasattr(pipeline, "steps") else pipeline
    binarizer = getattr(last, "_label_binarizer", getattr(last, "label_binarizer_", None))
    several = getattr(binarizer, "y_type_", "").startswith("multilabel")
    if not isinstance(classes, np.ndarray) or classes.ndim != 1 or several:
        raise Misconfigured(
            f"{type(pipeline).__name__} can't be compiled: it has no classes_, or gives several labels a text; "
            "fit a classifier that gives one"
        )
    return tuple(str(label) for label in (classes if encoder is None else encoder.inverse_transform(classes)))


def _check(pipeline: Any) -> None:
    steps = [step for _, step in getattr(pipeline, "steps", [])] or [pipeline]
    try:
        for step in steps:
            if step is not None and not isinstance(step, str):
                check_is_fitted(step)
    except NotFittedError as error:
        raise Misconfigured(f"the pipeline can't be compiled: {error}") from None
    except TypeError:
        raise Misconfigured(f"{type(pipeline).__name__} can't be compiled: it is no scikit-learn estimator") from None


def _own(pipeline: Any) -> Any:
    """An estimator that makes its own scorer: the whole pipeline, or its only step."""
    steps = [step for _, step in getattr(pipeline, "steps", []) if step is not None and step != "passthrough"]
    candidate = steps[0] if len(steps) == 1 else pipeline
    return candidate if hasattr(candidate, "to_scorer") else None
