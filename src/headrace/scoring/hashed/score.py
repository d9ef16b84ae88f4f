"""From code points to probabilities, in one compiled pass over a text.

A text's codes are taken in runs of words of one group of letters, each of which has a table of its own. Sums of weights are integers, so
that they do not depend on the order of additions.

Functions without a decorator are compiled by `headrace.scoring.native`.
"""

# mypy: disable-error-code="no-untyped-def,no-untyped-call,untyped-decorator,call-arg"

import numpy as np
from numba import njit

from headrace.scoring.borrowing import borrowed
from headrace.scoring.hashed.adding import add
from headrace.scoring.hashed.features import CHUNK, LANES, NEGLIGIBLE, NEGLIGIBLE_OF_ALL, UNKNOWN_SHARE
from headrace.scoring.hashed.folding import BOUNDARY, fold
from headrace.scoring.hashed.ngrams import ROWS_PER_CODE, STATE, begin_word, in_word, ngrams
from headrace.scoring.hashed.parameters import BUCKETS, CACHE_LINE, COLUMNS, FIRST_BYTE, FIRST_COLUMN, ROW_BYTES
from headrace.scoring.hashed.scripts import NEUTRAL, UNKNOWN
from headrace.scoring.prefetch import fetch

#: Codes whose rows are prefetched, and later added, at a time. They are fewer rows than `adding.MOST_ROWS`.
STEP = 40
#: The longest run of codes of one group, which bounds the time for a text that changes its script with each letter.
LONGEST_RUN = 3 * STEP


@njit(nogil=True)
def run_of_group(codes, begin, end, groups, current):
    """The longest run codes[begin:stop] whose letters are of one group, or LONGEST_RUN codes of it: (stop, that group, its letters).

    The group is `current` if the run has no letters.
    """
    group, at, end = np.int64(current), begin, min(end, begin + LONGEST_RUN)
    while at < end and (codes[at] == BOUNDARY or groups[codes[at]] == NEUTRAL):
        at += 1
    if at < end:
        group = np.int64(groups[codes[at]])
    same, others = 0, 0
    for place in range(at, end):  # without a jump, since nearly all texts have one group
        code = codes[np.uint64(place)]  # an unsigned index is not looked at for a count from the end
        of = np.int64(groups[code])
        is_letter = (of != NEUTRAL) & (code != BOUNDARY)
        same += is_letter & (of == group)
        others += is_letter & (of != group)
    if others == 0:
        return end, group, same
    same = 0
    while True:
        code = codes[at]
        of = np.int64(groups[code])
        if of != NEUTRAL and code != BOUNDARY:
            if of != group:
                return at, group, same
            same += 1
        at += 1


@njit(nogil=True)
def add_run(codes, begin, end, state, table, weights, bits, flags, rows, sums, totals):
    """Add the weights of all features that end in codes[begin:end] to the totals of a table's columns (a row of `HashedParameters.layout`).

    Returns how many features they are. `rows` has room for those of 2 * STEP codes, and `sums` for the weights of a row; it holds zeros.
    Each step adds the rows of the step before, while memory delivers its own.
    """
    first, row_bytes, total = table[FIRST_BYTE], table[ROW_BYTES], 0
    is_split = (weights.ctypes.data + first) % CACHE_LINE % row_bytes != 0 or CACHE_LINE % row_bytes != 0
    place, before, count = 0, 0, 0
    for start in range(begin, end, STEP):
        found = ngrams(codes, start, min(start + STEP, end), state, np.uint64(table[BUCKETS]), flags, rows, place)
        for i in range(np.uint64(place), np.uint64(place + found)):
            at = first + rows[i] * row_bytes
            rows[i] = at
            fetch(weights, at)
        if is_split:
            for i in range(place, place + found):
                fetch(weights, rows[i] + row_bytes - 1)
        add(weights, rows, before, count, row_bytes, bits, sums)
        before, count = place, found
        place = STEP * ROWS_PER_CODE - place
        total += found
    add(weights, rows, before, count, row_bytes, bits, sums)
    for column in range(table[COLUMNS]):
        totals[table[FIRST_COLUMN] + column] += sums[column]
    sums[:] = 0
    return total


@njit(nogil=True)
def _gain(gains, table, count):
    """The factor for a sum over `count` features: on a logarithmic scale between gains[table] for 1, 2, 4, 8 ... features."""
    place = np.log2(np.float64(count))
    below = min(int(place), gains.shape[1] - 2)
    share = min(place - below, 1.0)
    return gains[table, below] * (1.0 - share) + gains[table, below + 1] * share


def score(points, bounds, letters, keys, values, groups, masses, weights, layout, owners, gains, biases, bits, flags,
          best, best_probability, none, probabilities):  # fmt: skip
    """Score each text points[bounds[i]:bounds[i + 1]]: its most probable label goes to best[i], the probability to best_probability[i],
    that of none of the labels to none[i].

    If `probabilities` (float64) has a row for each text, those of all labels are written there; it may have none. Its width is the number
    of labels. The other arrays are those of `HashedParameters`.
    """
    codes = np.empty(CHUNK, np.uint16)
    ending = np.full(1, BOUNDARY, np.uint16)
    rows = np.empty(2 * STEP * ROWS_PER_CODE, np.int64)
    state = np.empty(STATE, np.uint64)
    sums = np.zeros(layout[:, ROW_BYTES].max() * (8 // bits) + LANES, np.int32)
    totals = np.empty(len(owners), np.int64)
    odds = np.empty(layout[:, COLUMNS].max())
    counts = np.empty(len(masses), np.int64)
    seen = np.empty(len(masses), np.int64)
    _score_all(
        borrowed(points), borrowed(bounds), borrowed(letters), borrowed(keys), borrowed(values), borrowed(groups), borrowed(masses),
        borrowed(weights), borrowed(layout), borrowed(owners), borrowed(gains), borrowed(biases), bits, flags, borrowed(codes),
        borrowed(ending), borrowed(rows), borrowed(state), borrowed(sums), borrowed(totals), borrowed(odds), borrowed(counts),
        borrowed(seen), borrowed(best), borrowed(best_probability), borrowed(none), borrowed(probabilities),
    )  # fmt: skip
    # The arrays that were made here are used once more, so that they live until now.
    return (
        len(codes)
        + len(ending)
        + len(rows)
        + len(state)
        + len(sums)
        + len(totals)
        + len(odds)
        + len(counts)
        + len(seen)
    )


def _score_all(points, bounds, letters, keys, values, groups, masses, weights, layout, owners, gains, biases, bits, flags,
               codes, ending, rows, state, sums, totals, odds, counts, seen, best, best_probability, none, probabilities):  # fmt: skip
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
        _decide(
            text, totals, counts, seen, layout, owners, gains, biases, odds, best, best_probability, none, probabilities
        )


@njit(nogil=True)
def _most_letters(seen):
    """The group of a table that most letters are of, by their masses, and the mass of all letters."""
    group, whole = 1, seen[UNKNOWN]
    for other in range(1, len(seen)):
        whole += seen[other]
        if seen[other] > seen[group]:
            group = other
    return group, whole


@njit(nogil=True, fastmath={"nnan", "nsz"})
def _log_odds(totals, first, columns, gain, biases, owners, odds):
    """Write the log odds of a table's columns to `odds`; returns the greatest of all, and that of the columns of labels.

    The numbers are never NaN, which lets the compiler do several at a time.
    """
    most, most_known = -np.inf, -np.inf
    for i in range(columns):
        odds[i] = totals[first + i] * gain + biases[first + i]
    for i in range(columns):
        most = odds[i] if odds[i] > most else most
    for i in range(columns):
        value = odds[i] if owners[first + i] >= 0 else -np.inf
        most_known = value if value > most_known else most_known
    return most, most_known


@njit(nogil=True)
def _decide(
    text, totals, counts, seen, layout, owners, gains, biases, odds, best, best_probability, none, probabilities
):
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
    first, columns = layout[group - 1, FIRST_COLUMN], layout[group - 1, COLUMNS]
    gain = _gain(gains, group - 1, max(counts[group], 1))
    known = 0.0 if seen[UNKNOWN] * UNKNOWN_SHARE > whole else 1.0
    most, most_known = _log_odds(totals, first, columns, gain, biases, owners, odds)
    negligible = NEGLIGIBLE_OF_ALL if len(probabilities) else NEGLIGIBLE  # smaller log odds do not change the norm
    best_column = first
    while best_column < first + columns - 1 and not (
        owners[best_column] >= 0 and odds[best_column - first] == most_known
    ):
        best_column += 1
    norm, lost = 0.0, 0.0
    if len(probabilities):
        probabilities[text, :] = 0.0
    for i in range(columns):
        if odds[i] - most <= negligible:
            continue
        chance = np.exp(odds[i] - most)
        norm += chance
        if owners[first + i] < 0:
            lost += chance
        elif len(probabilities):
            probabilities[text, owners[first + i]] += chance
    if len(probabilities):
        for label in range(label_count):
            probabilities[text, label] *= known / norm
    best[text] = owners[best_column]
    value = odds[best_column - first] - most
    best_probability[text] = (np.exp(value) if value > negligible else 0.0) / norm * known
    none[text] = lost / norm if known > 0 else 1.0
