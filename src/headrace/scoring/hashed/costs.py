"""What the words of a mixed text are weighed by, for one model and the labels that a text may have."""

from collections.abc import Sequence
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from headrace.scoring.hashed import segmenting
from headrace.scoring.hashed.parameters import NONE, HashedParameters

#: Log odds are integers here, so that both paths find the same stretches: 1.0 is this number.
UNIT = 1 << 20
#: The gain by which a word's sums become log odds: that of 2 ** 4 features. A word has about as many.
WORD_GAIN = 4


class Costs(NamedTuple):
    """`states` (int16): the state of each column of the weights, or -1 if it plays no part; the last one is that of words in letters that
    no table is for. States are labels, and perhaps one that stands for none of them. `factors` (int64, for each table): log odds of a
    weight of 1, in UNIT. `handicaps` (int64, for each state), `penalties` (int64) and `most` are those of `segmenting.follow`.
    """

    states: NDArray[np.int16]
    factors: NDArray[np.int64]
    handicaps: NDArray[np.int64]
    penalties: NDArray[np.int64]
    most: int

    @classmethod
    def of(cls, known: HashedParameters, places: Sequence[int] | None, others: bool) -> Self:
        """Those of a model. `places`: the labels that a text is expected to have; all if it is None. `others`: whether it may have further
        ones, or none, all the same.
        """
        expected = np.zeros(len(known.labels), np.bool_)
        expected[slice(None) if places is None else np.array(places)] = True
        labels = np.arange(len(known.labels)) if others else np.flatnonzero(expected)
        state = np.full(len(known.labels) + 1, -1, np.int16)  # the last one is that of NONE
        state[labels] = np.arange(len(labels))
        handicaps = np.where(expected[labels], 0.0, segmenting.UNEXPECTED)
        if others:
            state[NONE] = len(labels)
            handicaps = np.append(handicaps, segmenting.NO_LABEL)
        for one in np.unique(state[known.owners]):
            if one >= 0:  # a label that asks for more evidence than others, or none, does so where it begins
                handicaps[one] -= known.biases[state[known.owners] == one].max()
        factors = known.gains[:, min(WORD_GAIN, known.gains.shape[1] - 1)]
        return cls(
            np.append(state[known.owners], state[NONE]),
            _whole(factors),
            _whole(handicaps),
            _whole(np.array(segmenting.PENALTIES)),
            round(segmenting.MOST * UNIT),
        )


def _whole(odds: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.rint(odds * UNIT).astype(np.int64)
