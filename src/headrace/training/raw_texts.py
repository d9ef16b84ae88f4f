"""Raw texts and their labels, as estimators are given them: checked, in the forms that they learn from."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.multiclass import check_classification_targets


def texts_of(given: Any) -> list[str]:
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
    labels = np.asarray(given)
    check_classification_targets(labels)
    if labels.ndim != 1:
        raise ValueError(f"y must have one dimension, not {labels.ndim}")
    return labels


def check_lengths(texts: Sequence[str], labels: NDArray[Any]) -> None:
    if len(texts) != len(labels):
        raise ValueError(f"X has {len(texts)} texts and y has {len(labels)} labels; each text needs one")
    if not texts:
        raise ValueError("X is empty: there is nothing to learn from")
