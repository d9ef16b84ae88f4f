"""The languages of texts by stretch, in one compiled pass: sums of weights word by word, from which `segmenting` finds the stretches.

Functions without a decorator are compiled by `headrace.scoring.native`.
"""

# mypy: disable-error-code="no-untyped-def,no-untyped-call,untyped-decorator,call-arg"

import numpy as np
from numba import njit

from headrace.scoring.hashed.adding import add
from headrace.scoring.hashed.features import LANES
from headrace.scoring.hashed.folding import BOUNDARY, fold
from headrace.scoring.hashed.ngrams import ROWS_PER_CODE, STATE, ngrams
from headrace.scoring.hashed.segmenting import BEGIN, BETWEEN, END, TEXT, WINDOW, follow, settle, widen
from headrace.scoring.hashed.words import CODES, next_word
from headrace.scoring.prefetch import fetch

#: Words whose sums are computed at a time.
WORDS = 256
#: Rows that are added at a time; `adding.MOST_ROWS` at most.
ROWS = 252


def segment(
    points,
    bounds,
    letters,
    keys,
    values,
    weights,
    buckets,
    flags,
    columns,
    chosen,
    handicaps,
    penalties,
    most,
    stretches,
):
    """Write the stretches of all texts points[bounds[i]:bounds[i + 1]] to `stretches` (int64: TEXT, BEGIN, END, LABEL), in order, and
    return how many there are.

    A stretch gets one of the labels `chosen` (int64, indices of the `columns` of the weights): LABEL is an index of `chosen`. `stretches`
    needs room for as many as there are words. `handicaps` (int64, for each of `chosen`), `penalties` (int64) and `most` are those of
    `segmenting.follow`, in the unit of the weights.
    The other arrays are those of `HashedParameters`.
    """
    words, sums = np.empty((WORDS, 4), np.int64), np.empty((WORDS, len(chosen)), np.int32)
    place, state = np.zeros(3, np.int64), np.zeros(STATE, np.uint64)
    progress, best = np.zeros(3, np.int64), np.zeros(len(chosen), np.int64)
    labels, waiting = np.empty((WINDOW, len(chosen)), np.int16), np.empty((WINDOW, 2), np.int64)
    place[1], progress[0] = bounds[0], -1
    while place[0] < len(bounds) - 1:
        count = _word_sums(
            points, bounds, letters, keys, values, weights, buckets, flags, columns, chosen, place, state, words, sums
        )
        follow(words, count, sums, penalties, handicaps, most, progress, best, labels, waiting, stretches)
    settle(progress, best, labels, waiting, stretches, 0)
    widen(points, bounds, letters, stretches, progress[2])
    return progress[2]


def _word_sums(
    points, bounds, letters, keys, values, weights, buckets, flags, columns, chosen, place, state, words, sums
):
    """Find words until `words` (int64, a row for each) is full or the texts end, with the sums of their features' weights, and return
    how many were found.

    `place` (int64: text, index of the code point, whether a word goes on there) and `state` (uint64, STATE) say where to begin, and then
    where to go on.
    """
    codes, total = np.empty(CODES, np.uint16), np.empty(columns + LANES, np.int32)
    rows = np.empty((2, CODES * ROWS_PER_CODE), np.int64)
    text, at, goes_on = place[0], place[1], place[2] != 0
    count, before = 0, rows[0, :0]
    while text < len(bounds) - 1 and count < len(words):
        begin, end, between, cut = next_word(points, at, bounds[text + 1], letters)
        if begin == end:
            text += 1
            at = bounds[text]
            state[:] = 0
            goes_on = False
            continue
        size = 0
        if state[6] == 0:  # the first word of a text
            codes[0] = BOUNDARY
            size = 1
        _, size, _ = fold(points, begin, end, letters, keys, values, codes, size, goes_on)
        into = rows[count & 1]
        found = ngrams(codes, 0, size - 1 if cut else size, state, buckets, flags, into)
        for i in range(found):
            into[i] *= columns
            fetch(weights, into[i])
            fetch(weights, into[i] + columns - 1)
        words[count, TEXT], words[count, BEGIN], words[count, END], words[count, BETWEEN] = text, begin, end, between
        if count:  # add the rows of the word before while memory delivers those of this one
            _sum(weights, before, columns, chosen, total, sums[count - 1])
        before = into[:found]
        count += 1
        at, goes_on = end, cut
    if count:
        _sum(weights, before, columns, chosen, total, sums[count - 1])
    place[0], place[1], place[2] = text, at, 1 if goes_on else 0
    return count


@njit(nogil=True)
def _sum(weights, rows, columns, chosen, total, into):
    """The sums of the chosen columns over these rows."""
    total[:] = 0
    for first in range(0, len(rows), ROWS):
        add(weights, rows[first : first + ROWS], columns, 8, total)
    for i in range(len(chosen)):
        into[i] = total[chosen[i]]
