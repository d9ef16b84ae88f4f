"""Raw texts and their labels, as estimators are given them: checked, in the forms that they learn from."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted

from headrace.scoring.scorer import Scorer


class RawTextClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A classifier of raw texts that predicts as its scorer does. What it has learnt are `classes_` and `weights_`."""

    classes_: NDArray[Any]

    @abstractmethod
    def to_scorer(self) -> Scorer:
        """The classifier as it is now, for production. Its labels are the classes as strings."""

    def predict(self, X: Any) -> NDArray[Any]:  # noqa: N803
        """The most probable class of each text, (texts,)."""
        probabilities = self.predict_proba(X)
        predicted: NDArray[Any] = self.classes_[probabilities.argmax(1)]
        return predicted

    def predict_proba(self, X: Any) -> NDArray[np.float64]:  # noqa: N803
        """Probabilities, float64 of shape (texts, classes); the columns are those of `classes_`."""
        check_is_fitted(self, "weights_")
        return self.to_scorer().scores(texts_of(X))

    def decision_function(self, X: Any) -> NDArray[np.float64]:  # noqa: N803
        """Log probabilities, (texts, classes); for two classes the log odds of the second, (texts,)."""
        logs = np.log(np.maximum(self.predict_proba(X), 1e-300))
        return logs[:, 1] - logs[:, 0] if len(self.classes_) == 2 else logs

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.one_d_array = True
        tags.input_tags.two_d_array = False
        tags.no_validation = True
        return tags


def texts_of(given: Any) -> list[str]:
    """The texts of any sequence, of an array, or of an array of one column. Raises ValueError for one string, and for what is not text."""
    if isinstance(given, str):
        raise ValueError("X must be a sequence of strings, not one string; write [text]")
    if getattr(given, "ndim", 1) == 2 and given.shape[1] == 1:
        given = np.asarray(given)[:, 0]
    texts = list(given)
    for text in texts:
        if not isinstance(text, str):
            raise ValueError(f"X must hold strings, not {type(text).__name__}")
    return texts


def labels_of(given: ArrayLike) -> NDArray[Any]:
    """The labels as an array of one dimension. Raises ValueError if they have more, or are not classes."""
    labels = np.asarray(given)
    check_classification_targets(labels)
    if labels.ndim != 1:
        raise ValueError(f"y must have one dimension, not {labels.ndim}")
    return labels


def check_lengths(texts: Sequence[str], labels: NDArray[Any]) -> None:
    """Raises ValueError unless there is a text, and each has a label."""
    if len(texts) != len(labels):
        raise ValueError(f"X has {len(texts)} texts and y has {len(labels)} labels; each text needs one")
    if not texts:
        raise ValueError("X is empty: there is nothing to learn from")


def places_of(labels: NDArray[Any], classes: NDArray[Any]) -> NDArray[np.int64]:
    """The index of each label in the sorted classes. Raises ValueError for a label that is not among them."""
    places = np.searchsorted(classes, labels).astype(np.int64)
    unknown = classes[np.minimum(places, len(classes) - 1)] != labels
    if unknown.any():
        raise ValueError(f"the label {str(labels[unknown][0])!r} is not among the classes that learning began with")
    return places
