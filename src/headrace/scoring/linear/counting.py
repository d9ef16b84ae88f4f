"""Counting the n-grams of a buffer: which are known, by an exact table, or which bucket each is hashed to.

N-grams of up to three characters pack exactly into 63 bits; a longer one is hashed to 64 bits, of which the top one is set,
and compared with the term that the table finds.
"""

# mypy: disable-error-code="no-untyped-def,no-untyped-call,untyped-decorator,assignment,call-arg"

import numpy as np
from numba import njit

from headrace.scoring.linear.analyzers import BLANK, after_word
from headrace.scoring.prefetch import fetch

# places in the array of settings
ANALYZER, LEAST, MOST, TF, NORM, HASHED, FEATURES, SIGNED, TURN, LONGEST, COLUMN, WIDTH = range(12)

TOP = np.uint64(1 << 63)
MIX = np.uint64(0x9E3779B97F4A7C15)
AHEAD = 32  # characters at which n-grams start whose slots are asked for at once
LINE = 16  # weights in a cache line


@njit(nogil=True, error_model="numpy", forceinline=True)
def rotate(x, r):
    return np.uint32((x << np.uint32(r)) | (x >> np.uint32(32 - r)))


@njit(nogil=True, error_model="numpy", forceinline=True)
def murmur(octets, begin, end):
    """MurmurHash3, 32 bits for x86, seed 0 (Appleby, public domain), as a signed number."""
    h = np.uint32(0)
    c1, c2 = np.uint32(0xCC9E2D51), np.uint32(0x1B873593)
    i = begin
    while i + 4 <= end:
        k = np.uint32(octets[i]) | (np.uint32(octets[i + 1]) << np.uint32(8))
        k |= (np.uint32(octets[i + 2]) << np.uint32(16)) | (np.uint32(octets[i + 3]) << np.uint32(24))
        h ^= np.uint32(rotate(np.uint32(k * c1), 15) * c2)
        h = np.uint32(rotate(h, 13) * np.uint32(5) + np.uint32(0xE6546B64))
        i += 4
    k = np.uint32(0)
    for j in range(end - i):
        k |= np.uint32(octets[i + j]) << np.uint32(8 * j)
    h ^= np.uint32(rotate(np.uint32(k * c1), 15) * c2)
    h ^= np.uint32(end - begin)
    h = np.uint32((h ^ (h >> np.uint32(16))) * np.uint32(0x85EBCA6B))
    h = np.uint32((h ^ (h >> np.uint32(13))) * np.uint32(0xC2B2AE35))
    h ^= h >> np.uint32(16)
    return np.int64(np.int32(h))


@njit(nogil=True, error_model="numpy", forceinline=True)
def extend(key, length, point):
    """The key of an n-gram that is one code point longer; `length` is the old one's."""
    if length < 3:
        return (key << np.uint64(21)) | (np.uint64(point) + np.uint64(1))
    key = (key ^ (np.uint64(point) + np.uint64(1))) * MIX
    return key ^ (key >> np.uint64(29))


@njit(nogil=True, error_model="numpy", forceinline=True)
def look_up(key, buffer, begin, end, slots, turn, pool, spans):
    """The feature of an n-gram, or -1."""
    long = end - begin > 3
    if long:
        key |= TOP
    mask = np.uint64(slots.shape[0] - 1)
    slot = (key * MIX) >> turn
    while True:
        found = slots[slot, 0]
        if found == key:
            feature = np.int64(slots[slot, 1])
            if not long or same(buffer, begin, end, pool, spans[feature], spans[feature + 1]):
                return feature
        elif found == np.uint64(0):
            return np.int64(-1)
        slot = (slot + np.uint64(1)) & mask


@njit(nogil=True, error_model="numpy", forceinline=True)
def same(buffer, begin, end, pool, first, last):
    if end - begin != last - first:
        return False
    for i in range(end - begin):  # noqa: SIM110 (all() of a generator is not compiled)
        if buffer[begin + i] != pool[first + i]:
            return False
    return True


@njit(nogil=True, error_model="numpy", forceinline=True)
def touch(feature, sign, weights, counts, touched, n):
    """Count a feature. The lowest bit says that it was touched, so that counts of opposite sign may cancel."""
    if counts[feature] == 0:
        width = weights.shape[1]
        for k in range(0, width, LINE):
            fetch(weights, feature * width + k)
        counts[feature] = 1 + 2 * sign
        touched[n] = feature
        return n + 1
    counts[feature] += 2 * sign
    return n


@njit(nogil=True, error_model="numpy", forceinline=True)
def slices(start, stop, least, n, buffer, keys, slots, pool, spans, settings, weights, counts, touched):
    """Count the known n-grams of characters within buffer[start:stop].

    First the keys of some n-grams, whose slots are asked for; then the look-ups. `keys` has room for AHEAD starts.
    """
    most, turn = settings[MOST], np.uint64(settings[TURN])
    for first in range(start, stop, AHEAD):
        last = min(first + AHEAD, stop)
        place = 0
        for i in range(first, last):
            key = np.uint64(0)
            for length in range(min(most, stop - i)):
                key = extend(key, length, buffer[i + length])
                if length + 1 >= least:
                    keys[place] = key
                    fetch(slots, np.int64(((key | TOP if length >= 3 else key) * MIX) >> turn) * 2)
                    place += 1
        place = 0
        for i in range(first, last):
            for end in range(i + least, min(i + most, stop) + 1):
                feature = look_up(keys[place], buffer, i, end, slots, turn, pool, spans)
                place += 1
                if feature >= 0:
                    n = touch(feature, 1, weights, counts, touched, n)
    return n


@njit(nogil=True, error_model="numpy", forceinline=True)
def phrases(size, n, buffer, slots, pool, spans, settings, weights, counts, touched):
    """Count the known n-grams of words; the words of the buffer are joined by spaces."""
    least, most, longest, turn = settings[LEAST], settings[MOST], settings[LONGEST], np.uint64(settings[TURN])
    start = np.int64(0)
    while start < size:
        key, words = np.uint64(0), np.int64(0)
        for i in range(start, min(size, start + longest)):
            key = extend(key, i - start, buffer[i])
            if buffer[i] == BLANK or (i + 1 < size and buffer[i + 1] != BLANK):
                continue
            words += 1
            if words >= least:
                feature = look_up(key, buffer, start, i + 1, slots, turn, pool, spans)
                if feature >= 0:
                    n = touch(feature, 1, weights, counts, touched, n)
            if words == most:
                break
        start = after_word(buffer, start, size) + 1
    return n


@njit(nogil=True, error_model="numpy", forceinline=True)
def hashed_slices(start, stop, least, n, octets, offsets, settings, weights, counts, touched):
    """Hash and count all n-grams of characters within buffer[start:stop]."""
    most, features, signed = settings[MOST], settings[FEATURES], settings[SIGNED]
    for i in range(start, stop):
        for length in range(least, min(most, stop - i) + 1):
            h = murmur(octets, offsets[i], offsets[i + length])
            n = touch(abs(h) % features, -1 if signed and h < 0 else 1, weights, counts, touched, n)
    return n


@njit(nogil=True, error_model="numpy", forceinline=True)
def hashed_phrases(size, n, buffer, octets, offsets, settings, weights, counts, touched):
    """Hash and count all n-grams of words; the words of the buffer are joined by spaces."""
    least, most, features, signed = settings[LEAST], settings[MOST], settings[FEATURES], settings[SIGNED]
    start = np.int64(0)
    while start < size:
        stop = start - 1
        for words in range(1, most + 1):
            if stop >= size:
                break
            stop = after_word(buffer, stop + 1, size)
            if words >= least:
                h = murmur(octets, offsets[start], offsets[stop])
                n = touch(abs(h) % features, -1 if signed and h < 0 else 1, weights, counts, touched, n)
        start = after_word(buffer, start, size) + 1
    return n
