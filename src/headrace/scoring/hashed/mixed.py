"""The languages of texts by stretch, in one compiled pass: sums of weights word by word, from which `segmenting` finds the stretches.

Functions without a decorator are compiled by `headrace.scoring.native`.
"""

# mypy: disable-error-code="no-untyped-def,no-untyped-call,untyped-decorator,call-arg"

import numpy as np
from numba import njit

from headrace.scoring.borrowing import borrowed
from headrace.scoring.hashed.adding import MOST_ROWS, add
from headrace.scoring.hashed.features import LANES
from headrace.scoring.hashed.folding import fold
from headrace.scoring.hashed.ngrams import ROWS_PER_CODE, STATE, begin_word, ngrams
from headrace.scoring.hashed.parameters import BUCKETS, COLUMNS, FIRST_BYTE, FIRST_COLUMN, ROW_BYTES
from headrace.scoring.hashed.scripts import UNKNOWN
from headrace.scoring.hashed.segmenting import BEGIN, BETWEEN, END, MISSING, TEXT, WINDOW, follow, settle, widen
from headrace.scoring.hashed.words import CODES, next_word
from headrace.scoring.prefetch import fetch

#: Words whose sums are computed at a time.
WORDS = 256


def segment(points, bounds, letters, keys, values, groups, weights, layout, bits, flags,
            states, factors, handicaps, penalties, most, stretches):  # fmt: skip
    """Write the stretches of all texts points[bounds[i]:bounds[i + 1]] to `stretches` (int64: TEXT, BEGIN, END, LABEL), in order, and
    return how many there are. LABEL is a state of `costs.Costs`, which the arrays in the second line are of.

    `stretches` needs room for as many as there are words. The arrays in the first line are those of `HashedParameters`.
    """
    words, odds = np.empty((WORDS, 4), np.int64), np.empty((WORDS, len(handicaps)), np.int64)
    place, state = np.zeros(3, np.int64), np.zeros(STATE, np.uint64)
    progress, best = np.zeros(3, np.int64), np.zeros(len(handicaps), np.int64)
    labels, waiting = np.empty((WINDOW, len(handicaps)), np.int16), np.empty((WINDOW, 2), np.int64)
    codes, rows = np.empty(CODES, np.uint16), np.empty((2, CODES * ROWS_PER_CODE), np.int64)
    sums = np.zeros(layout[:, ROW_BYTES].max() * (8 // bits) + LANES, np.int32)
    place[1], progress[0] = bounds[0], -1
    _segment_all(
        borrowed(points), borrowed(bounds), borrowed(letters), borrowed(keys), borrowed(values), borrowed(groups), borrowed(weights),
        borrowed(layout), bits, flags, borrowed(states), borrowed(factors), borrowed(handicaps), borrowed(penalties), most,
        borrowed(stretches), borrowed(words), borrowed(odds), borrowed(place), borrowed(state), borrowed(progress), borrowed(best),
        borrowed(labels), borrowed(waiting), borrowed(codes), borrowed(rows), borrowed(sums),
    )  # fmt: skip
    # The arrays that were made here are used once more, so that they live until now.
    made = (len(words) + len(odds) + len(place) + len(state) + len(best) + len(labels) + len(waiting) + len(codes) + len(rows)
            + len(sums))  # fmt: skip
    return progress[2] if made > 0 else 0


def _segment_all(points, bounds, letters, keys, values, groups, weights, layout, bits, flags, states, factors, handicaps, penalties,
                 most, stretches, words, odds, place, state, progress, best, labels, waiting, codes, rows, sums):  # fmt: skip
    while place[0] < len(bounds) - 1:
        count = _weigh_words(points, bounds, letters, keys, values, groups, weights, layout, bits, flags, states, factors,
                             place, state, words, odds, codes, rows, sums)  # fmt: skip
        follow(words, count, odds, penalties, handicaps, most, progress, best, labels, waiting, stretches)
    settle(progress, best, labels, waiting, stretches, 0)
    widen(points, bounds, letters, stretches, progress[2])


def _weigh_words(points, bounds, letters, keys, values, groups, weights, layout, bits, flags, states, factors,
                 place, state, words, odds, codes, rows, sums):  # fmt: skip
    """Find words until `words` (int64, a row for each) is full or the texts end, with the log odds that each gives to the states, and
    return how many were found.

    `place` (int64: text, index of the code point, whether a word goes on there) and `state` (uint64, STATE) say where to begin, and then
    where to go on.
    """
    text, at, goes_on = place[0], place[1], place[2] != 0
    count, before, group_before = 0, rows[0, :0], np.int64(UNKNOWN)
    while text < len(bounds) - 1 and count < len(words):
        begin, end, between, cut = next_word(points, at, bounds[text + 1], letters)
        if begin == end:
            text += 1
            at = bounds[text]
            goes_on = False
            continue
        if not goes_on:
            begin_word(state)
        _, size, _ = fold(points, begin, end, letters, keys, values, codes, 0, goes_on)
        into, found, group = rows[count & 1], 0, np.int64(groups[codes[0]])
        if group > len(layout):
            group = np.int64(UNKNOWN)
        if group != UNKNOWN:
            table = layout[group - 1]
            found = ngrams(codes, 0, size - 1 if cut else size, state, np.uint64(table[BUCKETS]), flags, into, 0)
            for i in range(found):
                into[i] = table[FIRST_BYTE] + into[i] * table[ROW_BYTES]
                fetch(weights, into[i])
                fetch(weights, into[i] + table[ROW_BYTES] - 1)
        words[count, TEXT], words[count, BEGIN], words[count, END], words[count, BETWEEN] = text, begin, end, between
        if count:  # add the rows of the word before while memory delivers those of this one
            _weigh(weights, before, layout, group_before, bits, states, factors, sums, odds[count - 1])
        before, group_before = into[:found], group
        count += 1
        at, goes_on = end, cut
    if count:
        _weigh(weights, before, layout, group_before, bits, states, factors, sums, odds[count - 1])
    place[0], place[1], place[2] = text, at, 1 if goes_on else 0
    return count


@njit(nogil=True)
def _weigh(weights, rows, layout, group, bits, states, factors, sums, odds):
    """The log odds that a word gives to each state, by the rows of its features, in the table of its group. `sums` holds zeros."""
    odds[:] = MISSING
    if group == UNKNOWN:
        if states[-1] >= 0:
            odds[states[-1]] = 0
        return
    table = layout[group - 1]
    for first in range(0, len(rows), MOST_ROWS):
        add(weights, rows, first, min(MOST_ROWS, len(rows) - first), table[ROW_BYTES], bits, sums)
    for column in range(table[COLUMNS]):
        state = states[table[FIRST_COLUMN] + column]
        if state >= 0:
            odds[state] = max(odds[state], sums[column] * factors[group - 1])
    sums[:] = 0
