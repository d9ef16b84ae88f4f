"""Scoring without kernels: the same functions as they are, with the same labels, and scores that are equal to within rounding."""

# mypy: disable-error-code="no-untyped-call"

from typing import Any

import numpy as np
from numpy.typing import NDArray

from headrace.scoring.tokens.features import mask_for, most
from headrace.scoring.tokens.parameters import BLOCKS, TokenParameters
from headrace.scoring.tokens.score import READ, SIGN_SHIFT, rows_of


class Interpreted:
    """Scores texts, each in about a millisecond for a hundred characters. Safe to use from several threads."""

    def __init__(self, parameters: TokenParameters) -> None:
        self._parameters = parameters
        self._kinds, self._small = _view(parameters.characters.kinds), _view(parameters.characters.small)

    def score(
        self, points: NDArray[np.uint32], bounds: NDArray[np.int64], *, whole: bool
    ) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
        """As `Compiled.score`."""
        count, edges = len(bounds) - 1, bounds.tolist()
        odds = np.array([self._odds(points[edges[text] : edges[text + 1]].tolist()) for text in range(count)])
        odds = odds.reshape(count, len(self._parameters.labels))
        exponentials = np.exp(odds - odds.max(axis=1, keepdims=True))
        probabilities = exponentials / exponentials.sum(axis=1, keepdims=True)
        best = odds.argmax(axis=1)
        return best, probabilities[np.arange(count), best], probabilities if whole else probabilities[:0]

    def _odds(self, points: list[int]) -> NDArray[np.float64]:
        known, size = self._parameters, min(len(points), READ)
        room = most(size, size)
        rows, seen = [0] * room, [0] * (mask_for(room) + 1)
        scratch = ([0] * size, [0] * size, [0] * (4 * size), seen, 1, rows)
        sizes = rows_of(points, 0, len(points), self._kinds, self._small, *scratch)
        odds, labels = known.biases.copy(), len(known.labels)
        blocks = (rows[: sizes[0]], rows[room - sizes[1] :])
        for block in range(BLOCKS):
            hashes = np.array(blocks[block], np.int64)
            found = known.weights[hashes & (len(known.weights) - 1)]
            mine = found[found[:, labels].view(np.uint8) == hashes >> SIGN_SHIFT, :labels]
            odds += known.gains[block] / np.sqrt(max(len(mine), 1)) * mine.sum(axis=0, dtype=np.int64)
        return odds


def _view(array: Any) -> memoryview:
    """The array as a sequence of Python's own numbers, which are quicker than NumPy's."""
    return memoryview(array)
