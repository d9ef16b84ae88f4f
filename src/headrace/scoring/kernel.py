"""From code points to decision values: n-grams, counts, norms and weights, in one compiled pass a text.

What has no decorator is compiled by `headrace.scoring.native`. Buffers are as long as the longest text; nothing else is allocated.
Numbers that kernels pass on begin as np.int64: a literal 0 would have each callee compiled twice.

A weight is the sum of two float32: what rounding left is in `remainder`. Sums are float64. Where not asked to be precise, kernels read
the first ones only, half the memory, and tell how far a decision value may be off: half a unit in the last place of each weight.
"""

# mypy: disable-error-code="no-untyped-def,no-untyped-call,untyped-decorator,assignment"

import math

import numpy as np
from numba import njit

from headrace.scoring.counting import (
    ANALYZER,
    COLUMN,
    LEAST,
    NORM,
    TF,
    WIDTH,
    hashed_phrases,
    hashed_slices,
    phrases,
    slices,
)
from headrace.scoring.spreading import CHAR, CHAR_WB, WORD, after_word, encode, longest_text, spread, surrogate

COUNT, BINARY, SUBLINEAR, POSITIVE = 0, 1, 2, 3
NO_NORM, L1, L2 = 0, 1, 2
ROUNDING = 1.001 * 2.0**-24  # of a float32, relative; and something for the rounding of sums


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
def weigh(n, settings, counts, touched, values, gain, weights, remainder, sums, precise, decisions):
    """Add the weights of the touched features to a row of decision values; how far these may be off."""
    norm = evaluate(n, settings[TF], settings[NORM], counts, touched, values, gain)
    column, width = settings[COLUMN], settings[WIDTH]
    add_rows(n, touched, values, weights, sums)
    for k in range(width):
        decisions[column + k] += sums[k] / norm
    if precise:
        add_rows(n, touched, values, remainder, sums)
        for k in range(width):
            decisions[column + k] += sums[k] / norm
        return 0.0
    bound = 0.0
    for j in range(n):  # beside the weights of a feature stands the largest of them
        bound += abs(values[j]) * weights[touched[j], width]
    return bound / norm * ROUNDING


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
    precise,
    out,
    errors,
):
    """Add the decision values of texts points[bounds[i]:bounds[i + 1]] to the rows of `out`, by the n-grams of a table.

    To `errors`, add how far those of a text may be off. `counts` is all zeros before and after. Returns -1: no text is refused.
    """
    buffer = np.empty(longest_text(bounds) + 2, np.uint32)
    sums = np.empty(weights.shape[1], np.float64)
    analyzer, least = settings[ANALYZER], settings[LEAST]
    for i in range(bounds.shape[0] - 1):
        size = spread(points, bounds[i], bounds[i + 1], characters, analyzer, buffer)
        n, start = np.int64(0), np.int64(0)
        if analyzer == WORD:
            n = phrases(size, n, buffer, slots, pool, spans, settings, counts, touched)
            start = size
        while start < size:
            stop, shortest = size, least
            if analyzer == CHAR_WB:  # a word shorter than the shortest n-gram counts once, whole
                stop = after_word(buffer, start + 1, size) + 1
                shortest = min(least, stop - start)
            n = slices(start, stop, shortest, n, buffer, slots, pool, spans, settings, counts, touched)
            start = stop - 1 if stop < size else size
        errors[i] += weigh(n, settings, counts, touched, values, gain, weights, remainder, sums, precise, out[i])
    return -1


def score_hashed(
    points, bounds, characters, settings, gain, weights, remainder, counts, touched, values, precise, out, errors
):
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
            n = hashed_phrases(size, n, buffer, octets, offsets, settings, counts, touched)
            start = size
        while start < size:
            stop, shortest = size, least
            if analyzer == CHAR_WB:
                stop = after_word(buffer, start + 1, size) + 1
                shortest = min(least, stop - start)
            n = hashed_slices(start, stop, shortest, n, octets, offsets, settings, counts, touched)
            start = stop - 1 if stop < size else size
        errors[i] += weigh(n, settings, counts, touched, values, gain, weights, remainder, sums, precise, out[i])
    return refused
