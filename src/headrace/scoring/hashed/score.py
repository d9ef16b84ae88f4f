"""From code points to probabilities, in one compiled pass over a text.

A text's codes are taken in runs of words of one group of letters, each of which has a table of its own. Sums of weights are integers, so
that they do not depend on the order of additions.

Functions without a decorator are compiled by `headrace.scoring.native`.
"""

# mypy: disable-error-code="no-untyped-def,no-untyped-call,untyped-decorator,call-arg"

import numpy as np
from numba import njit

from headrace.scoring.hashed.adding import add
from headrace.scoring.hashed.features import CHUNK, LANES, NEGLIGIBLE, NEGLIGIBLE_OF_ALL, UNKNOWN_SHARE
from headrace.scoring.hashed.folding import BOUNDARY, fold
from headrace.scoring.hashed.ngrams import ROWS_PER_CODE, STATE, begin_word, in_word, ngrams
from headrace.scoring.hashed.parameters import BUCKETS, COLUMNS, FIRST_BYTE, FIRST_COLUMN, ROW_BYTES
from headrace.scoring.hashed.scripts import NEUTRAL, UNKNOWN
from headrace.scoring.prefetch import fetch

#: Codes whose rows are prefetched, and later added, at a time. They are fewer rows than `adding.MOST_ROWS`.
STEP = 16


@njit(nogil=True)
def run_of_group(codes, begin, end, groups, current):
    """The longest run codes[begin:stop] whose letters are of one group: (stop, that group, its letters). `current` if it has none."""
    group, count = current, 0
    known = False
    for at in range(begin, end):
        code = codes[at]
        of = groups[code]
        if code == BOUNDARY or of == NEUTRAL:
            continue
        if not known:
            group, known = np.int64(of), True
        elif of != group:
            return at, group, count
        count += 1
    return end, group, count


@njit(nogil=True)
def add_run(codes, begin, end, state, table, weights, bits, flags, rows, sums, totals):
    """Add the weights of all features that end in codes[begin:end] to the totals of a table's columns (a row of `HashedParameters.layout`).

    Returns how many features they are. `rows` has room for those of 2 * STEP codes, and `sums` for the weights of a row; it holds zeros.
    Each step adds the rows of the step before, while memory delivers its own.
    """
    first, row_bytes, total = table[FIRST_BYTE], table[ROW_BYTES], 0
    before = rows[:0]
    for start in range(begin, end, STEP):
        into = rows[((start - begin) // STEP & 1) * STEP * ROWS_PER_CODE :]
        count = ngrams(codes, start, min(start + STEP, end), state, np.uint64(table[BUCKETS]), flags, into)
        for i in range(count):
            into[i] = first + into[i] * row_bytes
            fetch(weights, into[i])
            fetch(weights, into[i] + row_bytes - 1)
        add(weights, before, row_bytes, bits, sums)
        before = into[:count]
        total += count
    add(weights, before, row_bytes, bits, sums)
    for column in range(table[COLUMNS]):
        totals[table[FIRST_COLUMN] + column] += sums[column]
    sums[:] = 0
    return total


@njit(nogil=True)
def _gain(gains, count):
    """The factor for a sum over `count` features: interpolated, on a logarithmic scale, between `gains` for 1, 2, 4, 8 ... features."""
    place = np.log2(np.float64(count))
    below = min(int(place), len(gains) - 2)
    share = min(place - below, 1.0)
    return gains[below] * (1.0 - share) + gains[below + 1] * share


def score(points, bounds, letters, keys, values, groups, masses, weights, layout, owners, gains, biases, bits, flags,
          best, best_probability, none, probabilities):  # fmt: skip
    """Score each text points[bounds[i]:bounds[i + 1]]: its most probable label goes to best[i], the probability to best_probability[i],
    that of none of the labels to none[i].

    If `probabilities` (float64) has a row for each text, those of all labels are written there; it may have none. Its width is the number
    of labels. The other arrays are those of `HashedParameters`.
    """
    widest = layout[:, ROW_BYTES].max() * (8 // bits)
    codes = np.empty(CHUNK, np.uint16)
    ending = np.full(1, BOUNDARY, np.uint16)
    rows = np.empty(2 * STEP * ROWS_PER_CODE, np.int64)
    state = np.empty(STATE, np.uint64)
    sums = np.zeros(widest + LANES, np.int32)
    totals = np.empty(len(owners), np.int64)
    counts = np.empty(len(masses), np.int64)
    seen = np.empty(len(masses), np.int64)
    for text in range(len(bounds) - 1):
        totals[:] = counts[:] = seen[:] = 0
        begin_word(state)
        codes[0] = BOUNDARY
        at, end, size, inside, current = bounds[text], bounds[text + 1], 1, False, 1
        begin = 1  # behind the first BOUNDARY
        while True:
            at, size, inside = fold(points, at, end, letters, keys, values, codes, size, inside)
            while begin < size:
                stop, group, run_letters = run_of_group(codes, begin, size, groups, current)
                if group != current:
                    if current != UNKNOWN and in_word(state):
                        table = layout[current - 1]
                        counts[current] += add_run(ending, 0, 1, state, table, weights, bits, flags, rows, sums, totals)
                    begin_word(state)
                    current = group
                seen[group] += run_letters * masses[group]
                if group != UNKNOWN:
                    table = layout[group - 1]
                    counts[group] += add_run(codes, begin, stop, state, table, weights, bits, flags, rows, sums, totals)
                begin = stop
            size = begin = 0
            if at >= end:
                break
        _decide(text, totals, counts, seen, layout, owners, gains, biases, best, best_probability, none, probabilities)


@njit(nogil=True)
def _most_letters(seen):
    """The group of a table that most letters are of, by their masses, and the mass of all letters."""
    group, whole = 1, seen[UNKNOWN]
    for other in range(1, len(seen)):
        whole += seen[other]
        if seen[other] > seen[group]:
            group = other
    return group, whole


@njit(nogil=True)
def _decide(text, totals, counts, seen, layout, owners, gains, biases, best, best_probability, none, probabilities):
    """From the totals of all columns to probabilities, by the table of the script that most letters are of."""
    label_count = probabilities.shape[1]
    group, whole = _most_letters(seen)
    if seen[group] == 0:
        unknown = seen[UNKNOWN] > 0
        chance = 0.0 if unknown else 1.0 / label_count
        best[text], best_probability[text], none[text] = 0, chance, 1.0 if unknown else 0.0
        if len(probabilities):
            probabilities[text, :] = chance
        return
    table = layout[group - 1]
    first, columns = table[FIRST_COLUMN], table[COLUMNS]
    gain = _gain(gains[group - 1], max(counts[group], 1))
    known = 0.0 if seen[UNKNOWN] * UNKNOWN_SHARE > whole else 1.0
    most, most_known, best_column = -np.inf, -np.inf, first
    for column in range(first, first + columns):
        odds = totals[column] * gain + biases[column]
        most = max(most, odds)
        if owners[column] >= 0 and odds > most_known:
            most_known, best_column = odds, column
    negligible = NEGLIGIBLE_OF_ALL if len(probabilities) else NEGLIGIBLE  # smaller log odds do not change the norm
    norm, lost = 0.0, 0.0
    if len(probabilities):
        probabilities[text, :] = 0.0
    for column in range(first, first + columns):
        odds = totals[column] * gain + biases[column] - most
        chance = np.exp(odds) if odds > negligible else 0.0
        norm += chance
        if owners[column] < 0:
            lost += chance
        elif len(probabilities):
            probabilities[text, owners[column]] += chance
    if len(probabilities):
        for label in range(label_count):
            probabilities[text, label] *= known / norm
    best[text] = owners[best_column]
    odds = totals[best_column] * gain + biases[best_column] - most
    best_probability[text] = (np.exp(odds) if odds > negligible else 0.0) / norm * known
    none[text] = lost / norm if known > 0 else 1.0
