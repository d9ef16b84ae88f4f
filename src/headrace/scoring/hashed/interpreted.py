"""The hashed softmax without a kernel, in Python and NumPy: the same answers, ready at once, at some 2,500 sentences a second.

It cleans and folds texts by the functions that the kernel consists of. Its n-grams are those of `ngrams`, computed for many codes
at a time. Sums are integers, so labels are the same; scores are equal to within rounding.
"""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headrace.scoring.hashed.content import clean
from headrace.scoring.hashed.features import CHUNK, HALF_BITS, MULTIPLIER, PAIRS, WORD_SALT, WORDS
from headrace.scoring.hashed.folding import BOUNDARY, fold
from headrace.scoring.hashed.interpreted_mixed import segment
from headrace.scoring.hashed.parameters import Cleaned, Costs, HashedParameters, Scored

ORDER = 5  # codes of the longest n-gram
LONG = 4  # letters of the shortest word that is a feature
_WHOLE, _HALF, _FACTOR, _SALT = (1 << 64) - 1, int(HALF_BITS), int(MULTIPLIER), int(WORD_SALT)
_ONE, _NONE = np.uint64(1), np.zeros(1, np.uint64)

Hashes = NDArray[np.uint64]


class Interpreted:
    """Scores texts as `kernels.Compiled` does. Safe to use from several threads."""

    def __init__(self, parameters: HashedParameters) -> None:
        self._parameters = parameters
        width = len(parameters.labels)
        self._weights = parameters.weights[: parameters.buckets * width].reshape(parameters.buckets, width)
        self._buckets, self._flags = np.uint64(parameters.buckets), parameters.flags
        self._gains = parameters.gains.tolist()
        self._letters, self._keys, self._values = map(_view, (parameters.letters, parameters.keys, parameters.values))

    def clean(self, points: NDArray[np.uint32], bounds: NDArray[np.int64], *, origins: bool = False) -> Cleaned:
        """As `kernels.Compiled.clean`."""
        made = Cleaned.room(points, bounds, origins=origins)
        written = (_view(made.points), _view(made.bounds), _view(made.origins), _view(made.kinds))
        clean(_view(points), bounds.tolist(), self._letters, *written)  # type: ignore[no-untyped-call]
        return made

    def score(self, points: NDArray[np.uint32], bounds: NDArray[np.int64], *, whole: bool) -> Scored:
        """As `kernels.Compiled.score`."""
        count, seen, edges = len(bounds) - 1, _view(points), bounds.tolist()
        best, probability = np.empty(count, np.int64), np.empty(count)
        probabilities = np.empty((count if whole else 0, self._weights.shape[1]))
        for text in range(count):
            totals, features = self._totals(seen, edges[text], edges[text + 1])
            chances = _softmax(totals, self._gain(max(features, 1)), whole=whole)
            best[text] = totals.argmax()
            probability[text] = chances[best[text]]
            if whole:
                probabilities[text] = chances
        return best, probability, probabilities

    def segment(self, points: NDArray[np.uint32], bounds: NDArray[np.int64], costs: Costs) -> NDArray[np.int64]:
        """As `kernels.Compiled.segment`."""
        return segment(self._parameters, points, bounds, costs)

    def _totals(self, points: Any, at: int, end: int) -> tuple[NDArray[np.int64], int]:
        """The sums of the weights of a text's features, one for each label, and how many features it has."""
        totals, features = np.zeros(self._weights.shape[1], np.int64), 0
        words = _Words(self._flags)
        before = np.empty(0, np.uint16)  # the last codes of the chunk before
        since = 0  # codes since the last BOUNDARY, itself included
        for chunk in filter(None, self._chunks(points, at, end)):
            codes = np.concatenate((before, np.array(chunk, np.uint16)))
            hashes, since = _ngrams(codes, len(before), since)
            more = words.hashes(chunk)
            rows = (
                ((np.concatenate((hashes, more)) if len(more) else hashes) >> HALF_BITS) * self._buckets
            ) >> HALF_BITS
            totals += self._weights[rows.astype(np.int64)].sum(0, dtype=np.int64)
            features += len(rows)
            before = codes[-(ORDER - 1) :]
        return totals, features

    def _chunks(self, points: Any, at: int, end: int) -> Iterator[list[int]]:
        """The codes of a text, as many at a time as the kernel folds: a mark isn't composed with a letter of the chunk before."""
        codes, tables = [0] * CHUNK, (self._letters, self._keys, self._values)
        codes[0], size, in_word = BOUNDARY, 1, False
        while True:
            at, size, in_word = fold(points, at, end, *tables, codes, size, in_word)  # type: ignore[no-untyped-call]
            yield codes[:size]
            if at >= end:
                return
            size = 0

    def _gain(self, count: int) -> float:
        place = math.log2(count)
        below = min(int(place), len(self._gains) - 2)
        share = min(place - below, 1.0)
        gain: float = self._gains[below] * (1.0 - share) + self._gains[below + 1] * share
        return gain


def _view(array: Any) -> memoryview:
    """The array as a sequence of Python's own numbers, which are quicker than NumPy's."""
    return memoryview(array)


def _mix(state: Hashes, codes: Hashes) -> Hashes:
    mixed = (state + codes + _ONE) * MULTIPLIER
    return mixed ^ (mixed >> HALF_BITS)


def _ngrams(codes: NDArray[np.uint16], context: int, since: int) -> tuple[Hashes, int]:
    """The hashes of the n-grams that end in codes[context:], in any order, and the number of codes since the last BOUNDARY,
    itself included.

    `since` is that number before them, 0 at the start of a text; `context` codes come before them, and end no n-gram here.
    """
    wide = codes.astype(np.uint64)
    places = np.arange(len(codes) - context)
    is_boundary = codes[context:] == BOUNDARY
    last = np.maximum.accumulate(np.concatenate(([-since], np.where(is_boundary, places, -since))))  # BOUNDARY
    depth = places - last[:-1]
    state = _mix(np.zeros(len(wide), np.uint64), wide)
    found = [state[context:][~is_boundary]]
    for shorter in range(1, ORDER):
        state = _mix(np.concatenate((_NONE, state[:-1])), wide)
        found.append(state[context:][depth >= shorter])
    return np.concatenate(found), int(len(places) - last[-1])


class _Words:
    """The hashes of the words of a text, and of pairs of them, over its chunks."""

    def __init__(self, flags: int) -> None:
        self._words, self._pairs = bool(flags & WORDS), bool(flags & PAIRS)
        self._word = self._before = self._letters = 0

    def hashes(self, codes: list[int]) -> Hashes:
        """Those of the words that end in these codes."""
        found: list[int] = []
        if not (self._words or self._pairs):
            return np.empty(0, np.uint64)
        word, letters = self._word, self._letters
        for code in codes:
            if code != BOUNDARY:
                mixed = ((word + code + 1) * _FACTOR) & _WHOLE
                word = mixed ^ (mixed >> _HALF)
                letters += 1
                continue
            if letters:
                if self._words and letters >= LONG:
                    found.append(_mixed(word, 1))
                if self._pairs and self._before:
                    found.append(_mixed(self._before ^ (word * _FACTOR & _WHOLE), 2))
                self._before = word
            word, letters = _SALT, 0
        self._word, self._letters = word, letters
        return np.array(found, np.uint64)


def _mixed(state: int, code: int) -> int:
    mixed = ((state + code + 1) * _FACTOR) & _WHOLE
    return mixed ^ (mixed >> _HALF)


def _softmax(totals: NDArray[np.int64], gain: float, *, whole: bool) -> list[float]:
    """Probabilities, computed by the functions and in the order in which the kernel does it."""
    sums = totals.tolist()
    most = max(sums)
    negligible = -60.0 if whole else -40.0
    odds = [(one - most) * gain for one in sums]
    raised = [math.exp(one) if one > negligible else 0.0 for one in odds]
    norm = 0.0
    for one in raised:
        norm += one
    return [one / norm for one in raised]
