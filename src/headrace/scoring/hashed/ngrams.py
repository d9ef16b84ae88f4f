"""From letter codes to the rows of hashed n-grams, which `headrace.scoring.hashed.features` describes.

Functions of the kernel, compiled as parts of it.
"""

# mypy: disable-error-code="no-untyped-def,no-untyped-call,untyped-decorator"

import numpy as np
from numba import njit

from headrace.scoring.hashed.features import HALF_BITS, MULTIPLIER, PAIRS, WORD_SALT, WORDS
from headrace.scoring.hashed.folding import BOUNDARY

#: The most features that one code can end: five n-grams, or four with a word and a pair.
ROWS_PER_CODE = 6
_ONE, _TWO, _THREE, _FOUR = np.uint64(1), np.uint64(2), np.uint64(3), np.uint64(4)
#: Numbers that `ngrams` carries from one chunk of a text to the next.
STATE = 7


@njit(nogil=True)
def _mix(state, code):
    """The hash of an n-gram that is one code longer than the one hashed to `state`."""
    mixed = (state + np.uint64(code) + np.uint64(1)) * MULTIPLIER
    return mixed ^ (mixed >> HALF_BITS)


@njit(nogil=True)
def _row(state, buckets):
    """The row of a hash: its upper 32 bits, which are mixed best, scaled to 0 ... buckets - 1 by a multiplication, which beats division."""
    return np.int64(((state >> HALF_BITS) * buckets) >> HALF_BITS)


@njit(nogil=True)
def ngrams(codes, begin, end, state, buckets, flags, rows, place):
    """Write the rows of all features that end in codes[begin:end] to rows[place:], and return how many they are.

    There is room for ROWS_PER_CODE for each code. `state` (uint64, STATE) is all zeros at the start of a text, and carries hashes
    and depth from one call to the next.
    """
    words, pairs = flags & WORDS != 0, flags & PAIRS != 0
    one, two, three, four = state[0], state[1], state[2], state[3]
    word, before, depth = state[4], state[5], state[6]
    zero = np.uint64(0)
    count = np.uint64(place)
    for at in range(begin, end):
        code = codes[np.uint64(at)]  # an unsigned index is not looked at for a count from the end
        first = _mix(zero, code)
        second = _mix(one, code)
        third = _mix(two, code)
        fourth = _mix(three, code)
        fifth = _mix(four, code)
        # Those that the word is too short for are written over next.
        rows[count] = _row(second, buckets)
        rows[count + _ONE] = _row(third, buckets)
        rows[count + _TWO] = _row(fourth, buckets)
        rows[count + _THREE] = _row(fifth, buckets)
        count += min(depth, _FOUR)
        one, two, three, four = first, second, third, fourth
        depth += np.uint64(1)
        if code != BOUNDARY:
            rows[count] = _row(first, buckets)
            count += _ONE
            word = _mix(word, code)
            continue
        if depth > 1:
            if words and depth >= 6:
                rows[count] = _row(_mix(word, 1), buckets)
                count += _ONE
            if pairs and before != 0:
                rows[count] = _row(_mix(before ^ word * MULTIPLIER, 2), buckets)
                count += _ONE
            before = word
        word = WORD_SALT
        depth = np.uint64(1)
    state[0], state[1], state[2], state[3] = one, two, three, four
    state[4], state[5], state[6] = word, before, depth
    return np.int64(count) - place


@njit(nogil=True)
def begin_word(state):
    """Set the state to that at the beginning of a word whose BOUNDARY is behind it."""
    state[0] = _mix(np.uint64(0), BOUNDARY)
    state[4], state[5], state[6] = WORD_SALT, np.uint64(0), np.uint64(1)


@njit(nogil=True)
def in_word(state):
    """Whether letters were hashed since the last BOUNDARY."""
    return state[6] > 1
