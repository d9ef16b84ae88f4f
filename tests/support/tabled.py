"""A scorer whose probabilities are written down text by text, and may leave room for none of its labels."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from headrace.documents import Prediction
from headrace.scoring.cleaning.content import BLANK, WORDS


class TabledScorer:
    """Gives each text the row of probabilities that it has in a table. What a row lacks to 1 is the probability of none of the labels.

    A text of digits has no words.
    """

    compiled = True
    reason = ""
    calibrated = True

    def __init__(self, labels: Sequence[str], rows: Mapping[str, Sequence[float]]) -> None:
        self.labels = tuple(labels)
        self._rows = rows

    @property
    def classes_(self) -> NDArray[np.str_]:
        return np.array(self.labels)

    @property
    def predict_proba(self) -> Callable[[Sequence[str]], NDArray[np.float64]]:
        return self.scores

    def scores(self, texts: Sequence[str]) -> NDArray[np.float64]:
        return np.array([self._rows[text] for text in texts], np.float64).reshape(len(texts), len(self.labels))

    def predict(self, texts: Sequence[str]) -> list[Prediction]:
        return [Prediction(self.labels[row.argmax()], float(row.max())) for row in self.scores(texts)]

    def predict_content(
        self, texts: Sequence[str]
    ) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int8], NDArray[np.float64]]:
        scores, kinds = self.content_scores(texts)
        return scores.argmax(1), scores.max(1), kinds, 1 - scores.sum(1)

    def content_scores(self, texts: Sequence[str]) -> tuple[NDArray[np.float64], NDArray[np.int8]]:
        return self.scores(texts), np.array([BLANK if text.isdigit() else WORDS for text in texts], np.int8)

    def save(self, folder: Path) -> None:
        raise NotImplementedError(folder)
