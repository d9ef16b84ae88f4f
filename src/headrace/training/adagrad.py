"""One pass of training: softmax over hashed n-grams, with a step of AdaGrad for each example.

The step size of a row of weights shrinks with the squared gradients that the row has seen (Duchi, Hazan, Singer 2011, Adaptive
subgradient methods for online learning and stochastic optimization; here one step size for each row, not for each weight). A feature has
the value count ** -power, where count is the number of the example's features, so that long texts do not outweigh short ones.

Functions without a decorator are compiled by `headrace.scoring.native`, for the types of LEARN and TALLY.
"""

# mypy: disable-error-code="no-untyped-def,no-untyped-call,untyped-decorator,call-arg"

import numpy as np
from numba import njit, types

from headrace.scoring.hashed.ngrams import ROWS_PER_CODE, STATE, ngrams
from headrace.scoring.native import array
from headrace.scoring.prefetch import fetch

#: Codes of an example that are learnt from; the rest of a longer one is ignored.
MAX_CODES = 600
#: An example whose squared gradient is smaller changes no weights.
NEGLIGIBLE = 1e-6
#: The range of a weight of four bits, which a pass that rounds assumes.
LOWEST, HIGHEST = -8, 7

_TEXTS = (array(types.uint16), array(types.int64), array(types.int64))
_FLOATS = array(types.float32, mutable=True)
LEARN = (*_TEXTS, array(types.int64), types.int64, types.float64, types.UniTuple(types.float64, 2), types.int64, types.float64,
         array(types.float32, 2, mutable=True), _FLOATS)  # fmt: skip
TALLY = (
    *_TEXTS,
    types.int64,
    array(types.int8),
    types.int64,
    array(types.int64, 2, mutable=True),
    array(types.int64, mutable=True),
)


def learn(codes, begins, ends, targets, flags, power, rates, width, quantum, weights, squares):
    """Learn from each example in turn; returns the mean log loss, each example's before its step.

    `codes`, `begins`, `ends`, `targets` are the arrays of `encoder.Examples`; `flags` as in `HashedParameters`. The learning rate falls
    linearly from rates[0] to rates[1]. `weights` (float32: rows, `width` labels or more) and `squares` (float32: rows) are changed in
    place. Examples without features are skipped. A `quantum` above 0 lets it learn weights that work once they are rounded to multiples of
    it: each example's loss is that of rounded weights, and its step is made in the exact ones (Courbariaux, Bengio, David 2015,
    BinaryConnect: training deep neural networks with binary weights during propagations).
    """
    buckets, lanes = np.uint64(weights.shape[0]), weights.shape[1]
    rows = np.empty(MAX_CODES * ROWS_PER_CODE, np.int64)
    state = np.empty(STATE, np.uint64)
    sums = np.zeros(lanes, np.float32)
    loss, learnt = 0.0, 0
    for example in range(len(begins)):
        state[:] = 0
        end = min(ends[example], begins[example] + MAX_CODES)
        count = ngrams(codes, begins[example], end, state, buckets, flags, rows, 0)
        if count == 0:
            continue
        for i in range(count):
            for lane in range(0, lanes, 16):
                fetch(weights, rows[i] * lanes + lane)
        feature_value = np.float32(count**-power)
        sums[:] = 0
        _add_rows(weights, rows[:count], quantum, sums)
        target = targets[example]
        loss -= _softmax_gradient(sums, feature_value, width, target)
        learnt += 1
        squared_gradient = np.float32(0)
        for lane in range(width):
            squared_gradient += sums[lane] * sums[lane]
        if squared_gradient < NEGLIGIBLE:
            continue
        rate = np.float32((rates[0] + (rates[1] - rates[0]) * example / len(begins)) * feature_value)
        for i in range(count):
            row = rows[i]
            squares[row] += squared_gradient * feature_value * feature_value
            step = rate / np.sqrt(squares[row] + np.float32(1e-4))
            for lane in range(lanes):
                weights[row, lane] -= step * sums[lane]
    return loss / max(learnt, 1)


@njit(nogil=True)
def _add_rows(weights, rows, quantum, sums):
    """Add rows of weights to `sums`; with a `quantum`, each weight rounded to LOWEST ... HIGHEST times it."""
    if quantum == 0:
        for row in rows:
            for lane in range(len(sums)):
                sums[lane] += weights[row, lane]
        return
    inverse, highest, lowest = np.float32(1 / quantum), np.float32(HIGHEST), np.float32(LOWEST)
    for row in rows:
        for lane in range(len(sums)):
            value = np.rint(weights[row, lane] * inverse)
            value = value if value < highest else highest
            sums[lane] += value if value > lowest else lowest
    for lane in range(len(sums)):
        sums[lane] *= np.float32(quantum)


@njit(nogil=True, fastmath=True)
def _softmax_gradient(sums, feature_value, width, target):
    """Turn sums of weights into the gradient of the log loss (probabilities minus truth) in place; returns the target's log probability."""
    best = sums[0]
    for lane in range(1, width):
        best = max(best, sums[lane])
    norm = np.float32(0)
    for lane in range(width):
        sums[lane] = np.exp((sums[lane] - best) * feature_value)
        norm += sums[lane]
    for lane in range(width):
        sums[lane] /= norm
    log = np.log(max(sums[target], np.float32(1e-12)))
    sums[target] -= np.float32(1)
    return log


def tally(codes, begins, ends, flags, weights, width, sums, counts):
    """Add up the weights of each text's features, as the scorer will.

    Of text codes[begins[i]:ends[i]], the weights (int8, flat, rows of `width`) are added to sums[i], and their number to counts[i].
    """
    buckets = np.uint64(weights.shape[0] // width)
    rows = np.empty(MAX_CODES * ROWS_PER_CODE, np.int64)
    state = np.empty(STATE, np.uint64)
    for text in range(len(counts)):
        state[:] = 0
        for begin in range(begins[text], ends[text], MAX_CODES):
            count = ngrams(codes, begin, min(begin + MAX_CODES, ends[text]), state, buckets, flags, rows, 0)
            counts[text] += count
            for i in range(count):
                for lane in range(width):
                    sums[text, lane] += weights[rows[i] * width + lane]
