"""From code points to decision values: n-grams, counts, norms and weights, in one compiled pass a text.

What has no decorator is compiled by `headrace.scoring.native`. Buffers are as long as the longest text; nothing else is allocated.
Numbers that kernels pass on begin as np.int64: a literal 0 would have each callee compiled twice.
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


@njit(nogil=True, error_model="numpy", forceinline=True)
def weigh(n, tf, norm, counts, touched, values, gain, weights, sums):
    """Add up the weights of the touched features and forget their counts; the norm of the values."""
    total = 0.0
    for j in range(n):
        feature = touched[j]
        value = np.float64(counts[feature] >> 1)
        counts[feature] = 0
        if tf == BINARY:
            value = 1.0
        elif tf == POSITIVE:
            value = 1.0 if value > 0 else 0.0
        elif tf == SUBLINEAR and value != 1.0:
            value = 1.0 + math.log(value)
        values[j] = value
        scaled = value * gain[feature]
        total += scaled * scaled if norm == L2 else abs(scaled)
    add_rows(n, touched, values, weights, sums)
    if norm == NO_NORM or total == 0.0:
        return 1.0
    return math.sqrt(total) if norm == L2 else total


@njit(nogil=True, error_model="numpy", forceinline=True)
def add_rows(n, touched, values, weights, sums):
    """Four rows at a time: their memory is fetched side by side."""
    width = weights.shape[1]
    for k in range(width):
        sums[k] = 0.0
    for j in range(0, n - 3, 4):
        a, b, c, d = touched[j], touched[j + 1], touched[j + 2], touched[j + 3]
        p, q, r, s = values[j], values[j + 1], values[j + 2], values[j + 3]
        for k in range(width):
            sums[k] += (p * weights[a, k] + q * weights[b, k]) + (r * weights[c, k] + s * weights[d, k])
    for j in range(n - n % 4, n):
        a, p = touched[j], values[j]
        for k in range(width):
            sums[k] += p * weights[a, k]


def score(points, bounds, characters, slots, pool, spans, settings, gain, weights, counts, touched, values, out):
    """Add the decision values of texts points[bounds[i]:bounds[i + 1]] to the rows of `out`, by the n-grams of a table.

    `counts` is all zeros before and after. Returns -1: no text is refused.
    """
    buffer = np.empty(longest_text(bounds) + 2, np.uint32)
    sums = np.empty(weights.shape[1], np.float64)
    analyzer, least, column = settings[ANALYZER], settings[LEAST], settings[COLUMN]
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
        norm = weigh(n, settings[TF], settings[NORM], counts, touched, values, gain, weights, sums)
        for k in range(settings[WIDTH]):
            out[i, column + k] += sums[k] / norm
    return -1


def score_hashed(points, bounds, characters, settings, gain, weights, counts, touched, values, out):
    """As `score`, by the hashes of the n-grams.

    Returns the first text that scikit-learn refuses (an n-gram that holds a surrogate has no UTF-8), or -1.
    """
    room = longest_text(bounds) + 2
    buffer, offsets, octets = np.empty(room, np.uint32), np.empty(room + 1, np.int64), np.empty(4 * room, np.uint8)
    sums = np.empty(weights.shape[1], np.float64)
    analyzer, least, column = settings[ANALYZER], settings[LEAST], settings[COLUMN]
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
        norm = weigh(n, settings[TF], settings[NORM], counts, touched, values, gain, weights, sums)
        for k in range(settings[WIDTH]):
            out[i, column + k] += sums[k] / norm
    return refused
