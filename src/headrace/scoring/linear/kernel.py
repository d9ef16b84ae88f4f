"""The kernel: from code points to decision values (n-grams, counts, norms, weights) in one compiled pass over each text.

Functions without a decorator are compiled by `headrace.scoring.native`. Buffers are as long as the longest text; nothing else is
allocated. Numbers that are passed to other kernels start as np.int64: a literal 0 would make Numba compile each callee twice.

A weight is the sum of two float32, the rounded one in `weights` and the rest in `remainder`; sums are float64. The rounded weights alone
need half the memory and are nearly always enough: each is wrong by half a unit in the last place at most, which bounds the error of a
decision value. Only if that error might change the label or be visible in its score are the remainders added. This is decided text by
text, so that the answer for a text does not depend on the rest of its batch.
"""

# mypy: disable-error-code="no-untyped-def,no-untyped-call,untyped-decorator,assignment"

import math

import numpy as np
from numba import njit

from headrace.scoring.linear.analyzers import (
    CHAR,
    CHAR_WB,
    WORD,
    encode_utf8,
    fill,
    has_surrogate,
    longest_text,
    word_end,
)
from headrace.scoring.linear.counting import (
    ANALYZER,
    COLUMN,
    MAX_N,
    MIN_N,
    NORM,
    SIGNED,
    STARTS_AHEAD,
    TF,
    WIDTH,
    count_char_ngrams,
    count_hashed_char_ngrams,
    count_hashed_word_ngrams,
    count_word_ngrams,
)

COUNT, BINARY, SUBLINEAR, POSITIVE = 0, 1, 2, 3
NO_NORM, L1, L2 = 0, 1, 2
#: The relative rounding error of a float32, with some margin for the rounding of sums.
ROUNDING = 1.001 * 2.0**-24
#: The relative error that a score may have.
TOLERANCE = 3e-6
#: How precise decision values have to be: exact to the last digits, or enough for the best label and its score, which is the decision
#: value itself, its logistic function or its softmax.
PRECISE, BY_VALUE, BY_SIGMOID, BY_SOFTMAX = 0, 1, 2, 3


@njit(nogil=True, error_model="numpy", forceinline=True)
def term_value(count, tf):
    """The term frequency of a count as the vectoriser computes it; `count` is stored as `count_feature` stores it."""
    value = np.float64(count >> 1)
    if tf == BINARY:
        return 1.0
    if tf == POSITIVE:
        return 1.0 if value > 0 else 0.0
    if tf == SUBLINEAR and value != 1.0:
        return 1.0 + math.log(value)
    return value


@njit(nogil=True, error_model="numpy", forceinline=True)
def evaluate_terms(n, tf, norm, counts, touched, values, gain):
    """Write the term frequencies of the `n` touched features to `values`, reset their counts, and return the norm (1 if there is none)."""
    total = 0.0
    for j in range(n):
        feature = touched[j]
        value = term_value(counts[feature], tf)
        counts[feature] = 0
        values[j] = value
        scaled = value * gain[feature]
        total += scaled * scaled if norm == L2 else abs(scaled)
    if norm == NO_NORM or total == 0.0:
        return 1.0
    return math.sqrt(total) if norm == L2 else total


@njit(nogil=True, error_model="numpy", forceinline=True)
def add_decisions(n, settings, counts, touched, values, gain, weights, remainder, sums, head, decisions):
    """Add the weights of the touched features to a row of decision values; the remainders too, if `needs_remainder`."""
    norm = evaluate_terms(n, settings[TF], settings[NORM], counts, touched, values, gain)
    column, width = settings[COLUMN], settings[WIDTH]
    add_rows(n, touched, values, weights, sums)
    for k in range(width):
        decisions[column + k] += sums[k] / norm
    if head != PRECISE:
        bound = sums[width]  # the largest weight of a row follows its weights
        if settings[SIGNED]:
            bound = 0.0
            for j in range(n):
                bound += abs(values[j]) * weights[touched[j], width]
        if not needs_remainder(head, decisions, bound / norm * ROUNDING):
            return
    add_rows(n, touched, values, remainder, sums)
    for k in range(width):
        decisions[column + k] += sums[k] / norm


@njit(nogil=True, error_model="numpy", forceinline=True)
def needs_remainder(head, decisions, error):
    """Whether decision values that are off by up to `error` might give another label, or a score that is off by more than TOLERANCE.

    The odds between two labels change by a factor of exp(2 error) at most, so a probability p changes by (1 - p) (exp(2 error) - 1)
    relative to p at most. Conditions are negated because no comparison holds for NaN, which needs the remainder too.
    """
    if len(decisions) == 1:  # one decision value, that of the second of two labels
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
    """Set `sums` to the sum of the touched features' rows times their values. Four rows at a time: their memory arrives in parallel."""
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
    """Add the decision values of each text points[bounds[i]:bounds[i + 1]] to out[i], from the n-grams that the table knows.

    `head` says how precise they have to be (PRECISE ...). `counts` is all zeros before and after; `touched` and `values` are scratch memory
    of the same length. The other arrays are those of `blocks.Block`. Returns -1: every text is accepted.
    """
    buffer = np.empty(longest_text(bounds) + 2, np.uint32)
    ahead = np.empty(STARTS_AHEAD * settings[MAX_N], np.uint64)
    sums = np.empty(weights.shape[1], np.float64)
    analyzer, min_n = settings[ANALYZER], settings[MIN_N]
    for i in range(bounds.shape[0] - 1):
        size = fill(points, bounds[i], bounds[i + 1], characters, analyzer, buffer)
        n, start = np.int64(0), np.int64(0)
        if analyzer == WORD:
            n = count_word_ngrams(size, n, buffer, slots, pool, spans, settings, weights, counts, touched)
            start = size
        while start < size:
            stop, shortest = size, min_n
            if analyzer == CHAR_WB:  # a word that is shorter than the shortest n-gram is one n-gram
                stop = word_end(buffer, start + 1, size) + 1
                shortest = min(min_n, stop - start)
            n = count_char_ngrams(
                start, stop, shortest, n, buffer, ahead, slots, pool, spans, settings, weights, counts, touched
            )
            start = stop - 1 if stop < size else size
        add_decisions(n, settings, counts, touched, values, gain, weights, remainder, sums, head, out[i])
    return -1


def score_hashed(points, bounds, characters, settings, gain, weights, remainder, counts, touched, values, head, out):
    """As `score`, with hashed n-grams.

    Returns the index of the first text that scikit-learn refuses (an n-gram with a lone surrogate has no UTF-8), or -1.
    """
    room = longest_text(bounds) + 2
    buffer, offsets, octets = np.empty(room, np.uint32), np.empty(room + 1, np.int64), np.empty(4 * room, np.uint8)
    sums = np.empty(weights.shape[1], np.float64)
    analyzer, min_n = settings[ANALYZER], settings[MIN_N]
    refused = -1
    for i in range(bounds.shape[0] - 1):
        size = fill(points, bounds[i], bounds[i + 1], characters, analyzer, buffer)
        if refused < 0 and (analyzer != CHAR or size >= min_n) and has_surrogate(buffer, size):
            refused = i
        encode_utf8(buffer, size, octets, offsets)
        n, start = np.int64(0), np.int64(0)
        if analyzer == WORD:
            n = count_hashed_word_ngrams(size, n, buffer, octets, offsets, settings, weights, counts, touched)
            start = size
        while start < size:
            stop, shortest = size, min_n
            if analyzer == CHAR_WB:
                stop = word_end(buffer, start + 1, size) + 1
                shortest = min(min_n, stop - start)
            n = count_hashed_char_ngrams(start, stop, shortest, n, octets, offsets, settings, weights, counts, touched)
            start = stop - 1 if stop < size else size
        add_decisions(n, settings, counts, touched, values, gain, weights, remainder, sums, head, out[i])
    return refused
