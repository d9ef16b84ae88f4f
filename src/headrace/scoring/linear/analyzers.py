"""A text as scikit-learn's analyzers see it, spread into a buffer, so that every n-gram is a slice of it."""

# mypy: disable-error-code="no-untyped-def,no-untyped-call,untyped-decorator,assignment"

import numpy as np
from numba import njit

CHAR, CHAR_WB, WORD = 0, 1, 2
POINT = 0x1FFFFF  # an entry of a table of characters: the code point after lower-casing, and what kind it is
SPACE_BIT = 1 << 21
WORD_BIT = 1 << 22
BLANK = np.uint32(32)


@njit(nogil=True, error_model="numpy", forceinline=True)
def spread(points, begin, end, table, analyzer, buffer):
    """Write points[begin:end] into the buffer (two longer, at least); how much was written."""
    if analyzer == CHAR:
        return spread_characters(points, begin, end, table, buffer)
    if analyzer == CHAR_WB:
        return spread_padded(points, begin, end, table, buffer)
    return spread_words(points, begin, end, table, buffer)


@njit(nogil=True, error_model="numpy", forceinline=True)
def spread_characters(points, begin, end, table, buffer):
    """Runs of white space become one blank; a single white space stays what it is."""
    size, spaces = 0, 0
    for i in range(begin, end):
        entry = table[points[i]]
        spaces = spaces + 1 if entry & SPACE_BIT else 0
        if spaces > 1:
            buffer[size - 1] = BLANK
        else:
            buffer[size] = entry & POINT
            size += 1
    return size


@njit(nogil=True, error_model="numpy", forceinline=True)
def spread_padded(points, begin, end, table, buffer):
    """Words have a blank on each side, which neighbours share."""
    buffer[0] = BLANK
    size = 1
    for i in range(begin, end):
        entry = table[points[i]]
        if entry & SPACE_BIT == 0:
            buffer[size] = entry & POINT
            size += 1
        elif buffer[size - 1] != BLANK:
            buffer[size] = BLANK
            size += 1
    if buffer[size - 1] != BLANK:
        buffer[size] = BLANK
        size += 1
    return size if size > 1 else 0


@njit(nogil=True, error_model="numpy", forceinline=True)
def spread_words(points, begin, end, table, buffer):
    """Words of two characters or more, joined by blanks."""
    size, start = np.int64(0), np.int64(0)
    for i in range(begin, end):
        entry = table[points[i]]
        if entry & WORD_BIT:
            buffer[size] = entry & POINT
            size += 1
        else:
            size = close_word(buffer, start, size)
            start = size
    return max(close_word(buffer, start, size) - 1, 0)


@njit(nogil=True, error_model="numpy", forceinline=True)
def close_word(buffer, start, size):
    """A word of one character is dropped; a longer one gets a space after it."""
    if size - start < 2:
        return start
    buffer[size] = BLANK
    return size + 1


@njit(nogil=True, error_model="numpy", forceinline=True)
def after_word(buffer, start, size):
    """Where the word that begins at `start` ends."""
    while start < size and buffer[start] != BLANK:
        start += 1
    return start


@njit(nogil=True, error_model="numpy", forceinline=True)
def encode(buffer, size, octets, offsets):
    """UTF-8 of the buffer, and where each code point begins. Surrogates, which have no UTF-8, are written as three bytes."""
    at = 0
    for i in range(size):
        offsets[i] = at
        point = buffer[i]
        if point < 0x80:
            octets[at] = point
            at += 1
        elif point < 0x800:
            octets[at] = 0xC0 | (point >> 6)
            octets[at + 1] = 0x80 | (point & 63)
            at += 2
        elif point < 0x10000:
            octets[at] = 0xE0 | (point >> 12)
            octets[at + 1] = 0x80 | ((point >> 6) & 63)
            octets[at + 2] = 0x80 | (point & 63)
            at += 3
        else:
            octets[at] = 0xF0 | (point >> 18)
            octets[at + 1] = 0x80 | ((point >> 12) & 63)
            octets[at + 2] = 0x80 | ((point >> 6) & 63)
            octets[at + 3] = 0x80 | (point & 63)
            at += 4
    offsets[size] = at


@njit(nogil=True, error_model="numpy", forceinline=True)
def surrogate(buffer, size):
    for i in range(size):  # noqa: SIM110 (any() of a generator is not compiled)
        if buffer[i] >= 0xD800 and buffer[i] < 0xE000:
            return True
    return False


@njit(nogil=True, error_model="numpy", forceinline=True)
def longest_text(bounds):
    longest = 0
    for i in range(bounds.shape[0] - 1):
        longest = max(longest, bounds[i + 1] - bounds[i])
    return longest
