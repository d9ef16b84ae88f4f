"""One pass of training: softmax over hashed n-grams, a step of AdaGrad an example.

Each row of weights has one step size, which shrinks with the squared gradients that it has seen (Duchi, Hazan, Singer 2011,
Adaptive subgradient methods, here a row at a time). An example's features have the value count ** -power, so that long texts
do not drown short ones.

What has no decorator is compiled by `headrace.scoring.native`, for the types given beside it.
"""

# mypy: disable-error-code="no-untyped-def,no-untyped-call,untyped-decorator,call-arg"

import numpy as np
from numba import njit, types

from headrace.scoring.hashed.ngrams import ROWS_PER_CODE, STATE, ngrams
from headrace.scoring.native import array
from headrace.scoring.prefetch import fetch

LONGEST = 600  # codes of an example that are learnt from
SETTLED = 1e-6  # squared gradient below which an example teaches nothing

_TEXTS = (array(types.uint16), array(types.int64), array(types.int64))
_FLOATS = array(types.float32, mutable=True)
LEARN = (*_TEXTS, array(types.int64), types.int64, types.float64, types.UniTuple(types.float64, 2), types.int64,
         array(types.float32, 2, mutable=True), _FLOATS)  # fmt: skip
TALLY = (
    *_TEXTS,
    types.int64,
    array(types.int8),
    types.int64,
    array(types.int64, 2, mutable=True),
    array(types.int64, mutable=True),
)


def learn(codes, begins, ends, targets, flags, power, rates, width, weights, squares):
    """Change weights and squares (float32: rows, and rows of `width` or more lanes) by one pass; the mean log loss before each step.

    The rate falls evenly from rates[0] to rates[1]. Examples without features are passed over.
    """
    buckets, lanes = np.uint64(weights.shape[0]), weights.shape[1]
    rows = np.empty(LONGEST * ROWS_PER_CODE, np.int64)
    state = np.empty(STATE, np.uint64)
    odds = np.zeros(lanes, np.float32)
    loss, learnt = 0.0, 0
    for example in range(len(begins)):
        state[:] = 0
        end = min(ends[example], begins[example] + LONGEST)
        count = ngrams(codes, begins[example], end, state, buckets, flags, rows)
        if count == 0:
            continue
        for i in range(count):
            for lane in range(0, lanes, 16):
                fetch(weights, rows[i] * lanes + lane)
        value = np.float32(count**-power)
        odds[:] = 0
        for i in range(count):
            row = rows[i]
            for lane in range(lanes):
                odds[lane] += weights[row, lane]
        target = targets[example]
        loss -= _differences(odds, value, width, target)
        learnt += 1
        squared = np.float32(0)
        for lane in range(width):
            squared += odds[lane] * odds[lane]
        if squared < SETTLED:
            continue
        rate = np.float32((rates[0] + (rates[1] - rates[0]) * example / len(begins)) * value)
        for i in range(count):
            row = rows[i]
            squares[row] += squared * value * value
            step = rate / np.sqrt(squares[row] + np.float32(1e-4))
            for lane in range(lanes):
                weights[row, lane] -= step * odds[lane]
    return loss / max(learnt, 1)


@njit(nogil=True, fastmath=True)
def _differences(odds, value, width, target):
    """Turn sums into probabilities less the truth, in place; the log probability of the target."""
    best = odds[0]
    for lane in range(1, width):
        best = max(best, odds[lane])
    norm = np.float32(0)
    for lane in range(width):
        odds[lane] = np.exp((odds[lane] - best) * value)
        norm += odds[lane]
    for lane in range(width):
        odds[lane] /= norm
    log = np.log(max(odds[target], np.float32(1e-12)))
    odds[target] -= np.float32(1)
    return log


def tally(codes, begins, ends, flags, weights, width, sums, counts):
    """Of each text codes[begins[i]:ends[i]] add the (int8, flat) weights of its features to sums, and how many there are to counts."""
    buckets = np.uint64(weights.shape[0] // width)
    rows = np.empty(LONGEST * ROWS_PER_CODE, np.int64)
    state = np.empty(STATE, np.uint64)
    for text in range(len(counts)):
        state[:] = 0
        for begin in range(begins[text], ends[text], LONGEST):
            count = ngrams(codes, begin, min(begin + LONGEST, ends[text]), state, buckets, flags, rows)
            counts[text] += count
            for i in range(count):
                for lane in range(width):
                    sums[text, lane] += weights[rows[i] * width + lane]
