"""The hashed softmax without a kernel, in Python and NumPy: the same answers, ready at once, at some 2,500 sentences a second.

It cleans and folds texts by the functions that the kernel consists of. Its n-grams are those of `ngrams`, computed for many codes
at a time. Sums are integers, so labels are the same; scores are equal to within rounding.
"""

import math
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headrace.scoring.cleaning import glance
from headrace.scoring.cleaning.content import clean
from headrace.scoring.hashed.costs import Costs
from headrace.scoring.hashed.features import (
    CHUNK,
    HALF_BITS,
    NEGLIGIBLE,
    NEGLIGIBLE_OF_ALL,
    UNKNOWN_SHARE,
)
from headrace.scoring.hashed.folding import BOUNDARY, fold
from headrace.scoring.hashed.interpreted_mixed import segment
from headrace.scoring.hashed.interpreted_ngrams import ORDER, Words, ngrams
from headrace.scoring.hashed.parameters import Cleaned, HashedParameters, Scored, scratch
from headrace.scoring.hashed.scripts import NEUTRAL, UNKNOWN
from headrace.scoring.hashed.tables import Table


class Interpreted:
    """Scores texts as `kernels.Compiled` does. Safe to use from several threads."""

    def __init__(self, parameters: HashedParameters) -> None:
        self._parameters = parameters
        self._tables = [Table(parameters, number) for number in range(len(parameters.layout))]
        self._masses = parameters.masses.tolist()
        self._looks = _view(glance.table(parameters.letters))
        self._letters, self._keys, self._values = map(_view, (parameters.letters, parameters.keys, parameters.values))

    def clean(self, points: NDArray[np.uint32], bounds: NDArray[np.int64], *, origins: bool = False) -> Cleaned:
        """As `kernels.Compiled.clean`."""
        made = Cleaned.room(points, bounds, origins=origins)
        written = map(_view, (*scratch(bounds), *made))
        clean(_view(points), bounds.tolist(), self._letters, self._looks, *written)  # type: ignore[no-untyped-call]
        return made

    def score(self, points: NDArray[np.uint32], bounds: NDArray[np.int64], *, whole: bool) -> Scored:
        """As `kernels.Compiled.score`."""
        count, seen, edges = len(bounds) - 1, _view(points), bounds.tolist()
        best, probability, none = np.empty(count, np.int64), np.empty(count), np.empty(count)
        probabilities = np.empty((count if whole else 0, len(self._parameters.labels)))
        for text in range(count):
            reading = _Reading(self._parameters, self._tables)
            for chunk in self._chunks(seen, edges[text], edges[text + 1]):
                reading.add(np.array(chunk, np.uint16))
            best[text], probability[text], none[text], chances = self._decide(reading, whole=whole)
            if whole:
                probabilities[text] = chances
        return best, probability, none, probabilities

    def segment(self, points: NDArray[np.uint32], bounds: NDArray[np.int64], costs: Costs) -> NDArray[np.int64]:
        """As `kernels.Compiled.segment`."""
        return segment(self._parameters, self._tables, points, bounds, costs)

    def _decide(self, reading: "_Reading", *, whole: bool) -> tuple[int, float, float, NDArray[np.float64]]:
        """The best label, its probability, that of none of the labels, and those of all labels if `whole`."""
        masses = [letters * mass for letters, mass in zip(reading.letters, self._masses, strict=True)]
        group = max(range(1, len(masses)), key=lambda number: masses[number])
        chances = np.zeros(len(self._parameters.labels))
        if not masses[group]:
            unknown = masses[UNKNOWN] > 0
            chances += 0.0 if unknown else 1.0 / len(chances)
            return 0, float(chances[0]), float(unknown), chances
        table = self._tables[group - 1]
        odds = table.odds(reading.totals[group - 1], max(reading.features[group - 1], 1))
        known = 0.0 if masses[UNKNOWN] * UNKNOWN_SHARE > sum(masses) else 1.0
        most = max(odds)
        named = max((place for place, owner in enumerate(table.owners) if owner >= 0), key=lambda place: odds[place])
        negligible = NEGLIGIBLE_OF_ALL if whole else NEGLIGIBLE
        raised = [math.exp(one - most) if one - most > negligible else 0.0 for one in odds]
        norm = lost = 0.0
        for owner, one in zip(table.owners, raised, strict=True):
            norm += one
            if owner < 0:
                lost += one
            else:
                chances[owner] += one
        chances *= known / norm
        return table.owners[named], raised[named] / norm * known, lost / norm if known else 1.0, chances

    def _chunks(self, points: Any, at: int, end: int) -> Iterator[list[int]]:
        """The codes of a text after its first BOUNDARY, as many at a time as the kernel folds: a mark isn't composed with a letter of the
        chunk before."""
        codes, tables = [0] * CHUNK, (self._letters, self._keys, self._values)
        codes[0], size, in_word, first = BOUNDARY, 1, False, 1
        while True:
            at, size, in_word = fold(points, at, end, *tables, codes, size, in_word)  # type: ignore[no-untyped-call]
            yield codes[first:size]
            if at >= end:
                return
            size = first = 0


class _Reading:
    """What has been read of a text: for each table the sums of weights, and how many features and letters these are of."""

    def __init__(self, parameters: HashedParameters, tables: list[Table]) -> None:
        self.totals = [np.zeros(table.columns, np.int64) for table in tables]
        self.features = [0] * len(tables)
        self.letters = [0] * (len(tables) + 1)
        self._tables, self._flags, self._groups = tables, parameters.flags, parameters.groups
        self._current = 1  # the group of the last run
        self._begin()

    def add(self, codes: NDArray[np.uint16]) -> None:
        """Read further codes, in runs of letters of one group."""
        groups = self._groups[codes]
        letters = np.flatnonzero((codes != BOUNDARY) & (groups != NEUTRAL))
        changes = letters[1:][groups[letters[1:]] != groups[letters[:-1]]]
        edges = [0, *changes.tolist(), len(codes)]
        for begin, end in pairwise(edges):
            inside = letters[(letters >= begin) & (letters < end)]
            group = int(groups[inside[0]]) if len(inside) else self._current
            if group != self._current:
                if self._current != UNKNOWN and self._since > 1:
                    self._read(np.array([BOUNDARY], np.uint16))
                self._begin()
                self._current = group
            self.letters[group] += len(inside)
            if group != UNKNOWN and end > begin:
                self._read(codes[begin:end])

    def _begin(self) -> None:
        """Begin a word whose BOUNDARY is behind it."""
        self._before = np.array([BOUNDARY], np.uint16)  # the last codes of this run
        self._since = 1  # codes since the last BOUNDARY, itself included
        self._words = Words(self._flags)

    def _read(self, some: NDArray[np.uint16]) -> None:
        """Add the features that end in codes of the current group."""
        place = self._current - 1
        codes = np.concatenate((self._before, some))
        hashes, self._since = ngrams(codes, len(self._before), self._since)
        more = self._words.hashes(some.tolist())
        table = self._tables[place]
        every = np.concatenate((hashes, more)) if len(more) else hashes
        rows = ((every >> HALF_BITS) * table.buckets) >> HALF_BITS
        self.totals[place] += table.sum(rows.astype(np.int64))
        self.features[place] += len(rows)
        self._before = codes[-(ORDER - 1) :]


def _view(array: Any) -> memoryview:
    """The array as a sequence of Python's own numbers, which are quicker than NumPy's."""
    return memoryview(array)
