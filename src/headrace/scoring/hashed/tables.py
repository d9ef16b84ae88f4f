"""Tables of weights, read without a kernel."""

import math

import numpy as np
from numpy.typing import NDArray

from headrace.scoring.hashed.parameters import HashedParameters


class Table:
    """One table of weights."""

    def __init__(self, parameters: HashedParameters, number: int) -> None:
        first, buckets, row, column, columns = parameters.layout[number].tolist()
        self.columns = columns
        self.buckets = np.uint64(buckets)
        self.owners: list[int] = parameters.owners[column : column + columns].tolist()
        self._weights = parameters.weights[first : first + buckets * row].reshape(buckets, row)
        self._bits = parameters.bits
        self._biases: list[float] = parameters.biases[column : column + columns].tolist()
        self._gains: list[float] = parameters.gains[number].tolist()

    def sum(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """The sums of the weights of these rows, one for each column."""
        chosen = self._weights[rows]
        if self._bits == 8:
            whole: NDArray[np.int64] = chosen.sum(0, dtype=np.int64)
            return whole[: self.columns]
        stored = chosen.view(np.uint8)
        halves = ((stored & 15).sum(0, dtype=np.int64), (stored >> 4).sum(0, dtype=np.int64))
        return np.concatenate(halves)[: self.columns]

    def odds(self, totals: NDArray[np.int64], features: int) -> list[float]:
        """The log odds of each column, but for a number that is the same for all."""
        place = math.log2(features)
        below = min(int(place), len(self._gains) - 2)
        share = min(place - below, 1.0)
        gain = self._gains[below] * (1.0 - share) + self._gains[below + 1] * share
        return [total * gain + bias for total, bias in zip(totals.tolist(), self._biases, strict=True)]
