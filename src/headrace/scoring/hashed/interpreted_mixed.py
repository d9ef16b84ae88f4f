"""The languages of texts by stretch without a kernel: the same stretches as `mixed.segment` gives, ready at once."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headrace.scoring.hashed.costs import Costs
from headrace.scoring.hashed.features import HALF_BITS
from headrace.scoring.hashed.folding import BOUNDARY, fold
from headrace.scoring.hashed.interpreted_ngrams import ORDER, Hashes, Words, ngrams
from headrace.scoring.hashed.parameters import COLUMNS, FIRST_COLUMN, HashedParameters
from headrace.scoring.hashed.scripts import UNKNOWN
from headrace.scoring.hashed.segmenting import MISSING, WINDOW, follow, settle, widen
from headrace.scoring.hashed.tables import Table
from headrace.scoring.hashed.words import CODES, next_word

#: A word as `segmenting` knows it: text, begin, end, what stands before it.
Word = tuple[int, int, int, int]


def segment(
    known: HashedParameters,
    tables: Sequence[Table],
    points: NDArray[np.uint32],
    bounds: NDArray[np.int64],
    costs: Costs,
) -> NDArray[np.int64]:
    """The stretches of all texts: TEXT, BEGIN, END, LABEL, as `mixed.segment` writes them."""
    seen, edges, letters = _view(points), bounds.tolist(), _view(known.letters)
    stretches = np.empty((len(points) + 1, 4), np.int64)
    width, written = len(costs.handicaps), _view(stretches)
    progress, best = [-1, 0, 0], [0] * width
    held = (_view(np.empty((WINDOW, width), np.int16)), _view(np.empty((WINDOW, 2), np.int64)))
    weighed = (costs.penalties.tolist(), costs.handicaps.tolist(), costs.most)
    for word, odds in _weighed_words(known, tables, seen, edges, costs):
        one = (_view(np.array([word])), 1, _view(odds))
        follow(*one, *weighed, progress, best, *held, written)  # type: ignore[no-untyped-call]
    settle(progress, best, *held, written, 0)  # type: ignore[no-untyped-call]
    widen(seen, edges, letters, written, progress[2])  # type: ignore[no-untyped-call]
    return stretches[: progress[2]]


def _weighed_words(
    known: HashedParameters, tables: Sequence[Table], points: Any, bounds: list[int], costs: Costs
) -> Iterator[tuple[Word, NDArray[np.int64]]]:
    """Each word of the texts, with the log odds that it gives to each state, of shape (1, states)."""
    letters, keys, values = _view(known.letters), _view(known.keys), _view(known.values)
    codes = [0] * CODES
    for text in range(len(bounds) - 1):
        at, end, features, goes_on = bounds[text], bounds[text + 1], _Features(known.flags), False
        while True:
            begin, at, between, cut = next_word(points, at, end, letters)  # type: ignore[no-untyped-call]
            if begin == at:
                break
            if not goes_on:
                features = _Features(known.flags)
            _, size, _ = fold(points, begin, at, letters, keys, values, codes, 0, goes_on)  # type: ignore[no-untyped-call]
            hashes = features.hashes(codes[: size - 1 if cut else size])
            odds = np.full((1, len(costs.handicaps)), MISSING)
            group = int(known.groups[codes[0]])
            if group != UNKNOWN and group <= len(tables):
                _weigh(
                    tables[group - 1], hashes, known.layout[group - 1], costs, int(costs.factors[group - 1]), odds[0]
                )
            elif costs.states[-1] >= 0:
                odds[0, costs.states[-1]] = 0
            yield (text, begin, at, between), odds
            goes_on = cut


def _weigh(
    table: Table, hashes: Hashes, layout: NDArray[np.int64], costs: Costs, factor: int, odds: NDArray[np.int64]
) -> None:
    """Write the log odds that a word with these features gives to each state."""
    rows = ((hashes >> HALF_BITS) * table.buckets) >> HALF_BITS
    states = costs.states[layout[FIRST_COLUMN] :][: layout[COLUMNS]]
    np.maximum.at(odds, states[states >= 0], table.sum(rows.astype(np.int64))[states >= 0] * factor)


class _Features:
    """The hashes of the features of one word, piece by piece."""

    def __init__(self, flags: int) -> None:
        self._before, self._since = np.array([BOUNDARY], np.uint16), 1
        self._words = Words(flags)

    def hashes(self, codes: list[int]) -> Hashes:
        """Those of the features that end in these codes, which are the next ones of the word."""
        together = np.concatenate((self._before, np.array(codes, np.uint16)))
        found, self._since = ngrams(together, len(self._before), self._since)
        self._before = together[-(ORDER - 1) :]
        return np.concatenate((found, self._words.hashes(codes)))


def _view(array: Any) -> memoryview:
    """The array as a sequence of Python's own numbers, which are quicker than NumPy's."""
    return memoryview(array)
