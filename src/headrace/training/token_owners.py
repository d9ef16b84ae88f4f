"""Which feature each row of a table belongs to: the most frequent of those whose hashes share it."""

# mypy: disable-error-code="no-untyped-def,no-untyped-call"

import numpy as np
from numba import types
from numpy.typing import NDArray

from headrace.scoring.native import array, compiled
from headrace.training.token_examples import TokenExamples

#: The owner of a row that no feature has; hashes have 32 bits.
NOBODY = -1

_OWNERS = array(types.int64, mutable=True)
_VOTE = (array(types.uint32), _OWNERS, _OWNERS)
_KEEP = (array(types.uint32), array(types.int64), array(types.int64), array(types.int64), array(types.uint32, mutable=True),
         _OWNERS, _OWNERS)  # fmt: skip


def owners(examples: TokenExamples, buckets: int, least: int) -> NDArray[np.int64]:
    """The hash of the feature that each of so many rows belongs to, int64 of shape (buckets,), NOBODY if no feature of it occurs in at
    least `least` texts. Of several, it is about the most frequent one (the majority vote of Boyer and Moore 1981).
    """
    found, votes = np.full(buckets, NOBODY, np.int64), np.zeros(buckets, np.int64)
    compiled(_vote, _VOTE)(examples.features, found, votes)
    compiled(_count, _VOTE)(examples.features, found, votes)
    found[votes < least] = NOBODY
    return found


def owned(examples: TokenExamples, owners: NDArray[np.int64]) -> TokenExamples:
    """The examples with those of their features that own a row."""
    features, sizes, words = np.empty_like(examples.features), np.zeros_like(examples.bounds), np.empty_like(examples.words)
    compiled(_keep, _KEEP)(examples.features, examples.bounds, examples.words, owners, features, sizes, words)
    return TokenExamples(features[: sizes[-1]].copy(), sizes, words)


def _vote(features, owners, votes):
    mask = len(owners) - 1
    for feature in features:
        row = feature & mask
        if owners[row] == feature:
            votes[row] += 1
        elif votes[row] == 0:
            owners[row], votes[row] = feature, 1
        else:
            votes[row] -= 1


def _count(features, owners, votes):
    votes[:] = 0
    mask = len(owners) - 1
    for feature in features:
        if owners[feature & mask] == feature:
            votes[feature & mask] += 1


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
