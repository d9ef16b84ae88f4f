"""Scoring informal text: the rows of its features are summed, block by block, and make log odds and probabilities.

`score` is compiled; `rows_of` also runs as it is before that.
"""

# mypy: disable-error-code="no-untyped-def,no-untyped-call"

import numpy as np

from headrace.scoring.borrowing import borrowed
from headrace.scoring.tokens.escapes import unescape
from headrace.scoring.tokens.features import extract, mask_for, most
from headrace.scoring.tokens.reading import read

#: Code points of a text that are read: the label of a longer one is that of its beginning.
READ = 1 << 16
#: The bits of a feature's hash that are its sign begin here.
SIGN_SHIFT = 24
_BYTE = 0xFF


def rows_of(points, begin, end, kinds, small, plain, folded, tokens, seen, stamp, rows):
    """Write the features of points[begin:end] to `rows`, as `features.extract` does; returns how many there are of each block.

    `plain`, `folded` (each with room for all code points), `tokens` (four times that) and `seen` are scratch.
    """
    size = unescape(points, begin, min(end, begin + READ), plain)
    count = read(plain, size, kinds, small, folded, tokens)
    characters = tokens[4 * count - 2] if count else 0
    return extract(tokens, count, folded, seen, mask_for(most(count, characters)), stamp, rows)


def score(points, bounds, kinds, small, weights, gains, biases, best, probability, probabilities):
    """Fill `best`, the index of each text's most probable label, and its `probability`; and `probabilities` (texts, labels) if it has rows.

    Text i is points[bounds[i]:bounds[i + 1]]. Compiled.
    """
    points, kinds, small, weights = borrowed(points), borrowed(kinds), borrowed(small), borrowed(weights)
    longest = 0
    for text in range(len(best)):
        longest = max(longest, min(bounds[text + 1] - bounds[text], READ))
    plain, folded, tokens = np.empty(longest, np.int64), np.empty(longest, np.int64), np.empty(4 * longest, np.int64)
    room = most(longest, longest)
    rows, seen = np.empty(room, np.int64), np.zeros(mask_for(room) + 1, np.int64)
    odds, sums = np.empty(len(biases)), np.empty((2, len(biases)), np.int64)
    for text in range(len(best)):
        words, characters = rows_of(
            points, bounds[text], bounds[text + 1], kinds, small, plain, folded, tokens, seen, text + 1, rows
        )
        words = _add_rows(weights, rows, 0, words, sums[0])
        characters = _add_rows(weights, rows, room - characters, room, sums[1])
        first, second = gains[0] / np.sqrt(max(words, 1)), gains[1] / np.sqrt(max(characters, 1))
        for label in range(len(biases)):
            odds[label] = biases[label] + first * sums[0, label] + second * sums[1, label]
        best[text], probability[text] = _soften(odds)
        if len(probabilities):
            probabilities[text] = odds


def _add_rows(weights, rows, begin, end, sums):
    """Sum the rows of the features rows[begin:end]; returns how many of them are known."""
    mask, known, labels = len(weights) - 1, 0, len(sums)
    sums[:] = 0
    for at in range(begin, end):
        row = rows[at] & mask
        mine = weights[row, labels] & _BYTE == rows[at] >> SIGN_SHIFT
        known += mine
        for label in range(labels):
            sums[label] += weights[row, label] * mine
    return known


def _soften(odds):
    """Turn log odds into probabilities; returns the index of the largest, the first of equals, and itself."""
    best = 0
    for label in range(len(odds)):
        if odds[label] > odds[best]:
            best = label
    most_likely, total = odds[best], 0.0
    for label in range(len(odds)):
        odds[label] = np.exp(odds[label] - most_likely)
        total += odds[label]
    for label in range(len(odds)):
        odds[label] /= total
    return best, odds[best]
