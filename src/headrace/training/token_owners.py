"""Which feature each row of a table belongs to: the one of those whose hashes share it that texts have most."""

# mypy: disable-error-code="no-untyped-def,no-untyped-call"

import numpy as np
from numba import types
from numpy.typing import NDArray

from headrace.scoring.native import array, compiled
from headrace.training.token_examples import TokenExamples

#: The owner of a row that no feature has; hashes have 32 bits.
NOBODY = -1

_OWNERS = array(types.int64, mutable=True)
_VOTE = (array(types.uint32), array(types.int64), array(types.float32), _OWNERS, array(types.float64, mutable=True))
_COUNT = (array(types.uint32), _OWNERS, _OWNERS)
_KEEP = (array(types.uint32), array(types.int64), array(types.int64), array(types.int64), array(types.uint32, mutable=True),
         _OWNERS, _OWNERS)  # fmt: skip


def owners(examples: TokenExamples, weights: NDArray[np.float32], buckets: int, least: int) -> NDArray[np.int64]:
    """The hash of the feature that each of so many rows belongs to, int64 of shape (buckets,), NOBODY if no feature of it occurs in at
    least `least` texts.

    Each text votes for its features with its weight (float32, texts): of those that share a row, about the one with most votes gets it
    (the majority vote of Boyer and Moore 1981).
    """
    found, votes, counts = np.full(buckets, NOBODY, np.int64), np.zeros(buckets), np.zeros(buckets, np.int64)
    compiled(_vote, _VOTE)(examples.features, examples.bounds, weights, found, votes)
    compiled(_count, _COUNT)(examples.features, found, counts)
    found[counts < least] = NOBODY
    return found


def owned(examples: TokenExamples, owners: NDArray[np.int64]) -> TokenExamples:
    """The examples with those of their features that own a row."""
    features, sizes, words = (
        np.empty_like(examples.features),
        np.zeros_like(examples.bounds),
        np.empty_like(examples.words),
    )
    compiled(_keep, _KEEP)(examples.features, examples.bounds, examples.words, owners, features, sizes, words)
    return TokenExamples(features[: sizes[-1]].copy(), sizes, words)


def _vote(features, bounds, weights, owners, votes):
    mask = len(owners) - 1
    for text in range(len(weights)):
        for at in range(bounds[text], bounds[text + 1]):
            feature = features[at]
            row = feature & mask
            if owners[row] == feature:
                votes[row] += weights[text]
            elif votes[row] < weights[text]:
                owners[row], votes[row] = feature, weights[text] - votes[row]
            else:
                votes[row] -= weights[text]


def _count(features, owners, counts):
    mask = len(owners) - 1
    for feature in features:
        if owners[feature & mask] == feature:
            counts[feature & mask] += 1


def _keep(features, bounds, words, owners, kept, ends, kept_words):
    end, mask = 0, len(owners) - 1
    for text in range(len(words)):
        begin, middle = end, bounds[text] + words[text]
        for at in range(bounds[text], bounds[text + 1]):
            if at == middle:
                kept_words[text] = end - begin
            if owners[features[at] & mask] == features[at]:
                kept[end] = features[at]
                end += 1
        if middle == bounds[text + 1]:
            kept_words[text] = end - begin
        ends[text + 1] = end
