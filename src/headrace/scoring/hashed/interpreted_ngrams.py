"""The hashes of n-grams and words as `headrace.scoring.hashed.ngrams` finds them, for many codes at a time, in Python and NumPy."""

import numpy as np
from numpy.typing import NDArray

from headrace.scoring.hashed.features import HALF_BITS, MULTIPLIER, PAIRS, WORD_SALT, WORDS
from headrace.scoring.hashed.folding import BOUNDARY

ORDER = 5  # codes of the longest n-gram
LONG = 4  # letters of the shortest word that is a feature
_WHOLE, _HALF, _FACTOR, _SALT = (1 << 64) - 1, int(HALF_BITS), int(MULTIPLIER), int(WORD_SALT)
_ONE, _NONE = np.uint64(1), np.zeros(1, np.uint64)

Hashes = NDArray[np.uint64]


def _mix(state: Hashes, codes: Hashes) -> Hashes:
    mixed = (state + codes + _ONE) * MULTIPLIER
    return mixed ^ (mixed >> HALF_BITS)


def ngrams(codes: NDArray[np.uint16], context: int, since: int) -> tuple[Hashes, int]:
    """The hashes of the n-grams that end in codes[context:], in any order, and the number of codes since the last BOUNDARY,
    itself included.

    `since` is that number before them, 0 at the start of a text; `context` codes come before them, and end no n-gram here.
    """
    wide = codes.astype(np.uint64)
    places = np.arange(len(codes) - context)
    is_boundary = codes[context:] == BOUNDARY
    last = np.maximum.accumulate(np.concatenate(([-since], np.where(is_boundary, places, -since))))  # BOUNDARY
    depth = places - last[:-1]
    state = _mix(np.zeros(len(wide), np.uint64), wide)
    found = [state[context:][~is_boundary]]
    for shorter in range(1, ORDER):
        state = _mix(np.concatenate((_NONE, state[:-1])), wide)
        found.append(state[context:][depth >= shorter])
    return np.concatenate(found), int(len(places) - last[-1])


class Words:
    """The hashes of the words of a text, and of pairs of them, over its chunks."""

    def __init__(self, flags: int) -> None:
        self._words, self._pairs = bool(flags & WORDS), bool(flags & PAIRS)
        self._word, self._before, self._letters = _SALT, 0, 0  # after the BOUNDARY that a text begins with

    def hashes(self, codes: list[int]) -> Hashes:
        """Those of the words that end in these codes."""
        found: list[int] = []
        if not (self._words or self._pairs):
            return np.empty(0, np.uint64)
        word, letters = self._word, self._letters
        for code in codes:
            if code != BOUNDARY:
                mixed = ((word + code + 1) * _FACTOR) & _WHOLE
                word = mixed ^ (mixed >> _HALF)
                letters += 1
                continue
            if letters:
                if self._words and letters >= LONG:
                    found.append(_mixed(word, 1))
                if self._pairs and self._before:
                    found.append(_mixed(self._before ^ (word * _FACTOR & _WHOLE), 2))
                self._before = word
            word, letters = _SALT, 0
        self._word, self._letters = word, letters
        return np.array(found, np.uint64)


def _mixed(state: int, code: int) -> int:
    mixed = ((state + code + 1) * _FACTOR) & _WHOLE
    return mixed ^ (mixed >> _HALF)
