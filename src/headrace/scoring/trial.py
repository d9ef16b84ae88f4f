"""A trial of a fitted pipeline before it is used: what it makes of a few texts, or that it can't be used for texts at all.

scikit-learn is not imported: its classes are recognised by name.
"""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from itertools import islice
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from headrace.documents import Prediction
from headrace.errors import Misconfigured

#: Texts that any pipeline has to predict.
TEXTS = ("A short text, to try the pipeline with.", "Ένα κείμενο 123")
#: Words of each vocabulary that are made a text.
WORDS = 20
#: How far scores may lie apart that are the same but for rounding, relatively and absolutely.
RELATIVE, ABSOLUTE = 1e-5, 1e-8

#: What those that don't take texts take, and what to do instead.
TAKES: Mapping[str, str] = {
    "ColumnTransformer": "takes a table; fit a pipeline that begins with the vectoriser of the column of texts",
    "DictVectorizer": "takes dicts of features; fit a pipeline that begins with a CountVectorizer or TfidfVectorizer",
    "FeatureHasher": "takes features, not texts; fit a pipeline that begins with a HashingVectorizer",
}


class Predicts(Protocol):
    """The part of a scorer that is tried."""

    def predict(self, texts: Sequence[str]) -> list[Prediction]: ...

    def scores(self, texts: Sequence[str]) -> NDArray[np.float64]: ...


class Tried(NamedTuple):
    """The texts of a trial, and what a pipeline made of them."""

    texts: Sequence[str]
    labels: Sequence[str]
    scores: NDArray[np.float64]

    def agrees(self, other: Predicts, labels: Sequence[str]) -> bool:
        """Whether another scorer of these labels makes the same of the texts, but for ties and rounding."""
        scores = other.scores(self.texts)
        if not np.allclose(scores, self.scores, rtol=RELATIVE, atol=ABSOLUTE):
            return False
        for wanted, found, row in zip(self.labels, other.predict(self.texts), self.scores, strict=True):
            places = labels.index(wanted), labels.index(found.label)
            if not np.isclose(row[places[0]], row[places[1]], rtol=RELATIVE, atol=ABSOLUTE):
                return False
        return True


def try_out(scorer: Predicts, pipeline: Any) -> Tried:
    """What a scorer that runs this pipeline makes of a few texts. Raises Misconfigured if it fails on them, saying what to do."""
    parts = list(_parts(pipeline))
    for part in parts:
        if getattr(part, "input", "content") in ("filename", "file"):
            raise Misconfigured(
                f"{_name(part)} takes a text for a file (input={part.input!r}); fit the pipeline with input='content'"
            )
    texts = [*TEXTS, *_vocabularies(parts)]
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            return Tried(texts, [one.label for one in scorer.predict(texts)], scorer.scores(texts))
    except Exception as error:
        said = f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"
        raise Misconfigured(
            f"the pipeline can't be used: it gets a list of strings, and fails ({said}); {_advice(parts, error)}"
        ) from error


def _advice(parts: Sequence[Any], error: Exception) -> str:
    for part in parts:
        if _name(part) in TAKES:
            return f"{_name(part)} {TAKES[_name(part)]}"
        if getattr(part, "method", "") == "temperature" and _lacks_labels(part):
            return (
                "temperature scaling fails because a part of the training data lacks a label; "
                "calibrate with more texts of each label, or by method='sigmoid'"
            )
    if isinstance(error, AttributeError) and "attribute" in str(error):
        return f"{made_by_another_version()}; or it takes something else than strings"
    return "a pipeline for texts begins with a vectoriser, such as TfidfVectorizer"


def _lacks_labels(calibrated: Any) -> bool:
    """Whether a member of a CalibratedClassifierCV knows fewer labels than the whole."""
    own, every = (getattr(one, "classes_", ()) for one in (getattr(calibrated, "estimator", None), calibrated))
    return len(own) < len(every if len(every) else getattr(calibrated, "classes", ()))


def made_by_another_version() -> str:
    """What to do about a pipeline that another version of scikit-learn has made."""
    installed = version("scikit-learn")
    return f"if another version of scikit-learn than {installed} has fitted it, fit it again with this one"


def _parts(estimator: Any, depth: int = 8) -> Iterator[Any]:
    """The estimators that an estimator consists of, in order, itself first."""
    yield estimator
    if depth:
        named = [*_list(estimator, "steps"), *_list(estimator, "transformer_list")]
        inner = [pair[1] for pair in named if isinstance(pair, tuple) and len(pair) > 1]
        inner += [getattr(estimator, name, None) for name in ("best_estimator_", "estimator_", "estimator")]
        inner += [*_list(estimator, "estimators_"), *_list(estimator, "calibrated_classifiers_")]
        for one in inner:
            if one is not None and not isinstance(one, str):
                yield from _parts(one, depth - 1)


def _list(estimator: Any, name: str) -> list[Any]:
    found = getattr(estimator, name, None)
    return found if isinstance(found, list) else []


def _vocabularies(parts: Sequence[Any]) -> Iterator[str]:
    """A text of some terms of each vocabulary."""
    for part in parts:
        terms = getattr(part, "vocabulary_", None)
        if isinstance(terms, dict) and _name(part) in ("CountVectorizer", "TfidfVectorizer"):
            yield " ".join(map(str, islice(terms, WORDS)))


def _name(estimator: Any) -> str:
    return type(estimator).__name__
