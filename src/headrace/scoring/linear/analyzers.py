"""scikit-learn's analyzers (`char`, `char_wb`, `word`): they write a text into a buffer in which every n-gram is a slice."""

# mypy: disable-error-code="no-untyped-def,no-untyped-call,untyped-decorator,assignment"

import numpy as np
from numba import njit

from headrace.scoring.characters import POINT_MASK, SPACE_BIT, WORD_BIT

CHAR, CHAR_WB, WORD = 0, 1, 2
BLANK = np.uint32(32)


@njit(nogil=True, error_model="numpy", forceinline=True)
def fill(points, begin, end, table, analyzer, buffer):
    """Write points[begin:end] to the buffer as the analyzer sees them, and return the number of code points written.

    `table` is a table of characters (`headrace.scoring.characters`); the buffer has room for two code points more than the text.
    """
    if analyzer == CHAR:
        return fill_char(points, begin, end, table, buffer)
    if analyzer == CHAR_WB:
        return fill_char_wb(points, begin, end, table, buffer)
    return fill_word(points, begin, end, table, buffer)


@njit(nogil=True, error_model="numpy", forceinline=True)
def fill_char(points, begin, end, table, buffer):
    """`char`: two or more white-space characters become one blank; a single one stays as it is."""
    size, spaces = 0, 0
    for i in range(begin, end):
        entry = table[points[i]]
        spaces = spaces + 1 if entry & SPACE_BIT else 0
        if spaces > 1:
            buffer[size - 1] = BLANK
        else:
            buffer[size] = entry & POINT_MASK
            size += 1
    return size


@njit(nogil=True, error_model="numpy", forceinline=True)
def fill_char_wb(points, begin, end, table, buffer):
    """`char_wb`: each word has a blank on both sides; neighbouring words share one."""
    buffer[0] = BLANK
    size = 1
    for i in range(begin, end):
        entry = table[points[i]]
        if entry & SPACE_BIT == 0:
            buffer[size] = entry & POINT_MASK
            size += 1
        elif buffer[size - 1] != BLANK:
            buffer[size] = BLANK
            size += 1
    if buffer[size - 1] != BLANK:
        buffer[size] = BLANK
        size += 1
    return size if size > 1 else 0


@njit(nogil=True, error_model="numpy", forceinline=True)
def fill_word(points, begin, end, table, buffer):
    """`word`: the words of two or more characters, joined by blanks."""
    size, start = np.int64(0), np.int64(0)
    for i in range(begin, end):
        entry = table[points[i]]
        if entry & WORD_BIT:
            buffer[size] = entry & POINT_MASK
            size += 1
        else:
            size = finish_word(buffer, start, size)
            start = size
    return max(finish_word(buffer, start, size) - 1, 0)


@njit(nogil=True, error_model="numpy", forceinline=True)
def finish_word(buffer, start, size):
    """End the word buffer[start:size]: drop it if it has one character, else append a blank. Returns the new size."""
    if size - start < 2:
        return start
    buffer[size] = BLANK
    return size + 1


@njit(nogil=True, error_model="numpy", forceinline=True)
def word_end(buffer, start, size):
    """The index after the word that begins at `start`."""
    while start < size and buffer[start] != BLANK:
        start += 1
    return start


@njit(nogil=True, error_model="numpy", forceinline=True)
def encode_utf8(buffer, size, octets, offsets):
    """Write buffer[:size] to `octets` as UTF-8, and to `offsets` where each code point begins and the last one ends.

    Surrogates, which have no UTF-8, are written as three bytes.
    """
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
def has_surrogate(buffer, size):
    """Whether buffer[:size] holds half of a surrogate pair, which scikit-learn can't hash."""
    for i in range(size):  # noqa: SIM110 (any() of a generator is not compiled)
        if buffer[i] >= 0xD800 and buffer[i] < 0xE000:
            return True
    return False


@njit(nogil=True, error_model="numpy", forceinline=True)
def longest_text(bounds):
    """The number of code points of the longest text, 0 for no texts."""
    longest = 0
    for i in range(bounds.shape[0] - 1):
        longest = max(longest, bounds[i + 1] - bounds[i])
    return longest
