"""The features of informal texts, extracted once for many passes of training."""

# mypy: disable-error-code="no-untyped-def,no-untyped-call"

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numba import types
from numpy.typing import NDArray

from headrace.scoring.native import array, compiled
from headrace.scoring.texts import Preprocessing
from headrace.scoring.tokens.characters import Characters
from headrace.scoring.tokens.features import mask_for, most
from headrace.scoring.tokens.score import READ, rows_of

#: Texts that are encoded at a time.
BATCH = 4096

_ENCODE = (array(types.uint32), array(types.int64), array(types.uint8), array(types.uint32), array(types.uint32, mutable=True),
           array(types.int64, 2, mutable=True))  # fmt: skip
_PREPROCESSING = Preprocessing(lowercase=False)


@dataclass(frozen=True, eq=False)
class TokenExamples:
    """The features of text i are features[bounds[i]:bounds[i + 1]] (uint32 hashes), of which the first words[i] are those of words, and the
    others those of characters."""

    features: NDArray[np.uint32]
    bounds: NDArray[np.int64]
    words: NDArray[np.int64]

    @classmethod
    def of(cls, texts: Sequence[str], characters: Characters) -> Self:
        """Extract them, with these tables of characters."""
        blocks, sizes = [np.empty(0, np.uint32)], [np.empty((0, 2), np.int64)]
        for first in range(0, len(texts), BATCH):
            points, bounds = _PREPROCESSING.code_points(texts[first : first + BATCH])
            lengths = np.minimum(np.diff(bounds), READ)
            room = int(sum(most(int(length), int(length)) for length in lengths))
            features, counts = np.empty(room, np.uint32), np.empty((len(lengths), 2), np.int64)
            compiled(_encode, _ENCODE)(points, bounds, characters.kinds, characters.small, features, counts)
            blocks.append(features[: counts.sum()].copy())
            sizes.append(counts)
        counts = np.concatenate(sizes)
        return cls(np.concatenate(blocks), np.concatenate(([0], counts.sum(axis=1).cumsum())), counts[:, 0].copy())


def _encode(points, bounds, kinds, small, features, counts):
    """Write the features of all texts to `features`, and how many each has of each block to `counts` (texts, 2). Compiled."""
    longest = 0
    for text in range(len(counts)):
        longest = max(longest, min(bounds[text + 1] - bounds[text], READ))
    plain, folded, tokens = np.empty(longest, np.int64), np.empty(longest, np.int64), np.empty(4 * longest, np.int64)
    room = most(longest, longest)
    rows, seen = np.empty(room, np.int64), np.zeros(mask_for(room) + 1, np.int64)
    end = 0
    for text in range(len(counts)):
        words, characters = rows_of(
            points, bounds[text], bounds[text + 1], kinds, small, plain, folded, tokens, seen, text + 1, rows
        )
        for at in range(words):
            features[end + at] = rows[at]
        for at in range(characters):
            features[end + words + at] = rows[room - characters + at]
        end += words + characters
        counts[text] = words, characters
