"""From code points to decision values: n-grams, counts, norms and weights, in one compiled pass a text.

What has no decorator is compiled by `headrace.scoring.native`. Buffers are as long as the longest text; nothing else is allocated.
Numbers that kernels pass on begin as np.int64: a literal 0 would have each callee compiled twice.

A weight is the sum of two float32: what rounding left is in `remainder`. Sums are float64. The first ones alone, half the memory, mostly
decide: a decision value is off by half a unit in the last place of each weight at most. Where that might change the label, or show in
its score, the others are added: text by text, so that an answer does not depend on what else is in the batch.
"""

# mypy: disable-error-code="no-untyped-def,no-untyped-call,untyped-decorator,assignment"

import math

import numpy as np
from numba import njit

from headrace.scoring.linear.analyzers import CHAR, CHAR_WB, WORD, after_word, encode, longest_text, spread, surrogate
from headrace.scoring.linear.counting import (
    AHEAD,
    ANALYZER,
    COLUMN,
    LEAST,
    MOST,
    NORM,
    SIGNED,
    TF,
    WIDTH,
    hashed_phrases,
    hashed_slices,
    phrases,
    slices,
)

COUNT, BINARY, SUBLINEAR, POSITIVE = 0, 1, 2, 3
NO_NORM, L1, L2 = 0, 1, 2
ROUNDING = 1.001 * 2.0**-24  # of a float32, relative; and something for the rounding of sums
TOLERANCE = 3e-6  # of a score, relative
PRECISE, BY_VALUE, BY_SIGMOID, BY_SOFTMAX = (
    0,
    1,
    2,
    3,
)  # what to tell from the first halves: nothing, or this score of the likeliest label


@njit(nogil=True, error_model="numpy", forceinline=True)
def value_of(count, tf):
    """What a vectoriser makes of a count; `count` still holds the bit that says it was touched."""
    value = np.float64(count >> 1)
    if tf == BINARY:
        return 1.0
    if tf == POSITIVE:
        return 1.0 if value > 0 else 0.0
    if tf == SUBLINEAR and value != 1.0:
        return 1.0 + math.log(value)
    return value


@njit(nogil=True, error_model="numpy", forceinline=True)
def evaluate(n, tf, norm, counts, touched, values, gain):
    """The values of the touched features, whose counts are forgotten; their norm."""
    total = 0.0
    for j in range(n):
        feature = touched[j]
        value = value_of(counts[feature], tf)
        counts[feature] = 0
        values[j] = value
        scaled = value * gain[feature]
        total += scaled * scaled if norm == L2 else abs(scaled)
    if norm == NO_NORM or total == 0.0:
        return 1.0
    return math.sqrt(total) if norm == L2 else total


@njit(nogil=True, error_model="numpy", forceinline=True)
def weigh(n, settings, counts, touched, values, gain, weights, remainder, sums, head, decisions):
    """Add the weights of the touched features to a row of decision values, in full where that may be seen."""
    norm = evaluate(n, settings[TF], settings[NORM], counts, touched, values, gain)
    column, width = settings[COLUMN], settings[WIDTH]
    add_rows(n, touched, values, weights, sums)
    for k in range(width):
        decisions[column + k] += sums[k] / norm
    if head != PRECISE:
        bound = sums[width]  # behind the weights of a feature stands the largest of them
        if settings[SIGNED]:
            bound = 0.0
            for j in range(n):
                bound += abs(values[j]) * weights[touched[j], width]
        if not doubtful(head, decisions, bound / norm * ROUNDING):
            return
    add_rows(n, touched, values, remainder, sums)
    for k in range(width):
        decisions[column + k] += sums[k] / norm


@njit(nogil=True, error_model="numpy", forceinline=True)
def doubtful(head, decisions, error):
    """Whether decision values that are off by up to `error` might name another label, or a score that is off by more than TOLERANCE.

    The odds of another label change by a factor of exp(2 error) at most, so that a probability p changes by a relative
    (1 - p) (exp(2 error) - 1) at most. No comparison holds for NaN, which is doubtful.
    """
    if len(decisions) == 1:  # of the second of two labels
        size = abs(decisions[0])
        if head == BY_VALUE:
            return not error <= TOLERANCE * size
        return not (size > error and math.exp(-size) * math.expm1(error) <= TOLERANCE)
    first, second = -np.inf, -np.inf
    for k in range(len(decisions)):
        first, second = max(first, decisions[k]), max(second, min(first, decisions[k]))
    if not first - second > 2.0 * error:
        return True
    if head == BY_VALUE:
        return not error <= TOLERANCE * abs(first)
    odds = math.exp(second - first)
    if head == BY_SIGMOID:
        odds = (1.0 + math.exp(-first)) / (1.0 + math.exp(-second))
    return not (len(decisions) - 1) * odds * math.expm1(2.0 * error) <= TOLERANCE


@njit(nogil=True, error_model="numpy", forceinline=True)
def add_rows(n, touched, values, rows, sums):
    """Four rows at a time: their memory is fetched side by side."""
    width = rows.shape[1]
    for k in range(width):
        sums[k] = 0.0
    for j in range(0, n - 3, 4):
        a, b, c, d = touched[j], touched[j + 1], touched[j + 2], touched[j + 3]
        p, q, r, s = values[j], values[j + 1], values[j + 2], values[j + 3]
        for k in range(width):
            sums[k] += (p * rows[a, k] + q * rows[b, k]) + (r * rows[c, k] + s * rows[d, k])
    for j in range(n - n % 4, n):
        a, p = touched[j], values[j]
        for k in range(width):
            sums[k] += p * rows[a, k]


def score(
    points,
    bounds,
    characters,
    slots,
    pool,
    spans,
    settings,
    gain,
    weights,
    remainder,
    counts,
    touched,
    values,
    head,
    out,
):
    """Add the decision values of texts points[bounds[i]:bounds[i + 1]] to the rows of `out`, by the n-grams of a table.

    They are precise to the last digits, or as precise as `head` needs. `counts` is all zeros before and after.
    Returns -1: no text is refused.
    """
    buffer = np.empty(longest_text(bounds) + 2, np.uint32)
    ahead = np.empty(AHEAD * settings[MOST], np.uint64)
    sums = np.empty(weights.shape[1], np.float64)
    analyzer, least = settings[ANALYZER], settings[LEAST]
    for i in range(bounds.shape[0] - 1):
        size = spread(points, bounds[i], bounds[i + 1], characters, analyzer, buffer)
        n, start = np.int64(0), np.int64(0)
        if analyzer == WORD:
            n = phrases(size, n, buffer, slots, pool, spans, settings, weights, counts, touched)
            start = size
        while start < size:
            stop, shortest = size, least
            if analyzer == CHAR_WB:  # a word shorter than the shortest n-gram counts once, whole
                stop = after_word(buffer, start + 1, size) + 1
                shortest = min(least, stop - start)
            n = slices(start, stop, shortest, n, buffer, ahead, slots, pool, spans, settings, weights, counts, touched)
            start = stop - 1 if stop < size else size
        weigh(n, settings, counts, touched, values, gain, weights, remainder, sums, head, out[i])
    return -1


def score_hashed(points, bounds, characters, settings, gain, weights, remainder, counts, touched, values, head, out):
    """As `score`, by the hashes of the n-grams.

    Returns the first text that scikit-learn refuses (an n-gram that holds a surrogate has no UTF-8), or -1.
    """
    room = longest_text(bounds) + 2
    buffer, offsets, octets = np.empty(room, np.uint32), np.empty(room + 1, np.int64), np.empty(4 * room, np.uint8)
    sums = np.empty(weights.shape[1], np.float64)
    analyzer, least = settings[ANALYZER], settings[LEAST]
    refused = -1
    for i in range(bounds.shape[0] - 1):
        size = spread(points, bounds[i], bounds[i + 1], characters, analyzer, buffer)
        if refused < 0 and (analyzer != CHAR or size >= least) and surrogate(buffer, size):
            refused = i
        encode(buffer, size, octets, offsets)
        n, start = np.int64(0), np.int64(0)
        if analyzer == WORD:
            n = hashed_phrases(size, n, buffer, octets, offsets, settings, weights, counts, touched)
            start = size
        while start < size:
            stop, shortest = size, least
            if analyzer == CHAR_WB:
                stop = after_word(buffer, start + 1, size) + 1
                shortest = min(least, stop - start)
            n = hashed_slices(start, stop, shortest, n, octets, offsets, settings, weights, counts, touched)
            start = stop - 1 if stop < size else size
        weigh(n, settings, counts, touched, values, gain, weights, remainder, sums, head, out[i])
    return refused
