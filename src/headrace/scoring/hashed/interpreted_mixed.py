"""The languages of texts by stretch without a kernel: the same stretches as `mixed.segment` gives, ready at once."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headrace.scoring.hashed.features import HALF_BITS, MULTIPLIER, PAIRS, WORD_SALT, WORDS
from headrace.scoring.hashed.folding import BOUNDARY, fold
from headrace.scoring.hashed.parameters import BUCKETS, Costs, HashedParameters
from headrace.scoring.hashed.segmenting import WINDOW, follow, settle, widen
from headrace.scoring.hashed.words import CODES, next_word

_WHOLE, _HALF, _FACTOR, _SALT = (1 << 64) - 1, int(HALF_BITS), int(MULTIPLIER), int(WORD_SALT)

#: A word as `segmenting` knows it: text, begin, end, what stands before it.
Word = tuple[int, int, int, int]


def segment(
    known: HashedParameters,
    points: NDArray[np.uint32],
    bounds: NDArray[np.int64],
    costs: Costs,
) -> NDArray[np.int64]:
    """The stretches of all texts: TEXT, BEGIN, END, LABEL, as `mixed.segment` writes them."""
    seen, edges, letters = _view(points), bounds.tolist(), _view(known.letters)
    stretches = np.empty((len(points) + 1, 4), np.int64)
    width, written = len(costs.chosen), _view(stretches)
    progress, best = [-1, 0, 0], [0] * width
    held = (_view(np.empty((WINDOW, width), np.int16)), _view(np.empty((WINDOW, 2), np.int64)))
    weighed = (costs.penalties.tolist(), costs.handicaps.tolist(), costs.most)
    for word, sums in _word_sums(known, seen, edges, costs.chosen):
        one = (_view(np.array([word])), 1, _view(sums))
        follow(*one, *weighed, progress, best, *held, written)  # type: ignore[no-untyped-call]
    settle(progress, best, *held, written, 0)  # type: ignore[no-untyped-call]
    widen(seen, edges, letters, written, progress[2])  # type: ignore[no-untyped-call]
    return stretches[: progress[2]]


def _word_sums(
    known: HashedParameters, points: Any, bounds: list[int], chosen: NDArray[np.int64]
) -> Iterator[tuple[Word, NDArray[np.int64]]]:
    """Each word of the texts, with the sums of the weights of its features for the chosen labels, of shape (1, chosen)."""
    width = len(known.labels)
    buckets = int(known.layout[0, BUCKETS])
    weights = known.weights[: buckets * width].reshape(buckets, width)
    letters, keys, values = _view(known.letters), _view(known.keys), _view(known.values)
    codes = [0] * CODES
    for text in range(len(bounds) - 1):
        at, end, features, goes_on = bounds[text], bounds[text + 1], _Features(known), False
        codes[0], size = BOUNDARY, 1
        while True:
            begin, at, between, cut = next_word(points, at, end, letters)  # type: ignore[no-untyped-call]
            if begin == at:
                break
            _, size, _ = fold(points, begin, at, letters, keys, values, codes, size, goes_on)  # type: ignore[no-untyped-call]
            rows = features.rows(codes[: size - 1 if cut else size])
            sums = weights[rows].sum(0, dtype=np.int64)[chosen]
            yield (text, begin, at, between), sums.reshape(1, -1)
            size, goes_on = 0, cut


class _Features:
    """The rows of the features of one text, a few codes at a time, as `ngrams.ngrams` finds them."""

    def __init__(self, known: HashedParameters) -> None:
        self._buckets = int(known.layout[0, BUCKETS])
        self._words, self._pairs = bool(known.flags & WORDS), bool(known.flags & PAIRS)
        self._states = [0, 0, 0, 0]
        self._word = self._before = self._depth = 0

    def rows(self, codes: list[int]) -> list[int]:
        """Those of the features that end in these codes."""
        found: list[int] = []
        for code in codes:
            states = [_mix(state, code) for state in (0, *self._states)]
            found += states[1 : min(self._depth, 4) + 1]
            self._states = states[:4]
            self._depth += 1
            if code != BOUNDARY:
                found.append(states[0])
                self._word = _mix(self._word, code)
                continue
            if self._depth > 1:
                self._end_word(found)
            self._word, self._depth = _SALT, 1
        return [((one >> _HALF) * self._buckets) >> _HALF for one in found]

    def _end_word(self, found: list[int]) -> None:
        if self._words and self._depth >= 6:
            found.append(_mix(self._word, 1))
        if self._pairs and self._before:
            found.append(_mix(self._before ^ (self._word * _FACTOR & _WHOLE), 2))
        self._before = self._word


def _mix(state: int, code: int) -> int:
    mixed = ((state + code + 1) * _FACTOR) & _WHOLE
    return mixed ^ (mixed >> _HALF)


def _view(array: Any) -> memoryview:
    """The array as a sequence of Python's own numbers, which are quicker than NumPy's."""
    return memoryview(array)
