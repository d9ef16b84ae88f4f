"""AdaGrad for a softmax over hashed features of informal text, on rows of several sources.

A source says nothing of labels that none of its rows has: its rows choose among the others only. What a source calls neutral, or how often
it is positive, is its own affair: each source has biases of its own.
"""

# mypy: disable-error-code="no-untyped-def,no-untyped-call"

import numpy as np
from numba import types

from headrace.scoring.native import array

_FEATURES = (array(types.uint32), array(types.int64), array(types.int64))
#: The types of the arguments of `learn`, and of `odds`.
LEARN = (*_FEATURES, array(types.int64), array(types.float32, 2), array(types.float32), array(types.int64), array(types.boolean, 2),
         array(types.float64, 2, mutable=True), types.UniTuple(types.float64, 2), types.float64,
         array(types.float32, 2, mutable=True), array(types.float32, mutable=True))  # fmt: skip
ODDS = (
    *_FEATURES,
    array(types.float64),
    array(types.float64),
    array(types.float32, 2),
    array(types.float64, 2, mutable=True),
)
#: The rate of biases, in that of weights.
BIAS_RATE = 0.02
_TINY = 1e-8


def learn(features, bounds, words, order, targets, weights, sources, known, biases, rates, shrinkage, table, squares):
    """One pass over the texts of `order`, with a rate that falls linearly from rates[0] to rates[1]; returns the mean loss. Compiled.

    `features`, `bounds` and `words` are those of `TokenExamples`; `targets` (texts, labels) probabilities, `weights` (texts,) how much each
    text counts, and `sources` (texts,) where it is from. `known` (sources, labels) are the labels that a source has, `biases` of the same
    shape are learnt. `table` (buckets, labels or more) are the weights, `squares` (buckets,) the sums of squared gradients, over all
    columns (Duchi et al. 2011); `shrinkage` is what the size of each weight is reduced by, in rates.
    """
    labels, mask = known.shape[1], np.uint32(len(table) - 1)
    gradient, loss, total = np.empty(labels), 0.0, 1e-9
    for number in range(len(order)):
        text = order[number]
        begin, end, source = bounds[text], bounds[text + 1], sources[text]
        middle = begin + words[text]
        values = 1 / np.sqrt(max(middle - begin, 1)), 1 / np.sqrt(max(end - middle, 1))
        _sum(features, begin, middle, end, values, mask, table, biases[source], gradient)
        _soften(gradient, known[source])
        size = 0.0
        for label in range(labels):
            if targets[text, label] > 0:
                loss -= weights[text] * targets[text, label] * np.log(max(gradient[label], 1e-12))
            gradient[label] = weights[text] * (gradient[label] - targets[text, label])
            size += gradient[label] * gradient[label]
        total += weights[text]
        rate = rates[0] + (rates[1] - rates[0]) * number / len(order)
        for label in range(labels):
            biases[source, label] -= rate * BIAS_RATE * gradient[label]
        for at in range(begin, end):
            row, value = features[at] & mask, values[0] if at < middle else values[1]
            squares[row] += np.float32(size * value * value)
            step = rate / np.sqrt(squares[row] + _TINY)
            kept = max(1 - step * shrinkage, 0.0)
            for label in range(labels):
                table[row, label] = np.float32(table[row, label] * kept - step * value * gradient[label])
    return loss / total


def odds(features, bounds, words, gains, biases, table, out):
    """The log odds of each text, (texts, labels): `gains` multiply the sums of the two blocks, `biases` are added. Compiled."""
    mask = np.uint32(len(table) - 1)
    for text in range(len(out)):
        begin, end = bounds[text], bounds[text + 1]
        middle = begin + words[text]
        values = gains[0] / np.sqrt(max(middle - begin, 1)), gains[1] / np.sqrt(max(end - middle, 1))
        _sum(features, begin, middle, end, values, mask, table, biases, out[text])


def _sum(features, begin, middle, end, values, mask, table, biases, out):
    out[:] = biases
    for at in range(begin, end):
        row, value = features[at] & mask, values[0] if at < middle else values[1]
        for label in range(len(out)):
            out[label] += value * table[row, label]


def _soften(odds, known):
    """Turn log odds into probabilities of the labels that are `known`; the others get 0."""
    most, total = -np.inf, 0.0
    for label in range(len(odds)):
        if known[label]:
            most = max(most, odds[label])
    for label in range(len(odds)):
        odds[label] = np.exp(odds[label] - most) if known[label] else 0.0
        total += odds[label]
    for label in range(len(odds)):
        odds[label] /= total
