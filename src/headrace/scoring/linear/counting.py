"""Counting the n-grams of a buffer, by an exact table of known ones or by hashing each to a bucket.

The key of an n-gram of up to three characters is the characters themselves, packed into 63 bits. Longer ones are hashed to 64 bits with
the top bit set, and then compared with the term that the table finds, because different n-grams may have one hash.
"""

# mypy: disable-error-code="no-untyped-def,no-untyped-call,untyped-decorator,assignment,call-arg"

import numpy as np
from numba import njit

from headrace.scoring.linear.analyzers import BLANK, word_end
from headrace.scoring.prefetch import fetch

# The places of a block's settings in the array that kernels get (`blocks.BlockSettings` explains them). SHIFT: 64 - log2(slots).
ANALYZER, MIN_N, MAX_N, TF, NORM, HASHED, FEATURES, SIGNED, SHIFT, LONGEST_TERM, COLUMN, WIDTH = range(12)

LONG_BIT = np.uint64(1 << 63)  # of the keys of n-grams of more than three characters
MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
#: The n-grams that start at this many characters are prefetched together.
STARTS_AHEAD = 32
#: float32 weights in a cache line of 64 bytes.
CACHE_LINE = 16


@njit(nogil=True, error_model="numpy", forceinline=True)
def rotate_left(x, r):
    """The 32 bits of `x`, rotated by `r`."""
    return np.uint32((x << np.uint32(r)) | (x >> np.uint32(32 - r)))


@njit(nogil=True, error_model="numpy", forceinline=True)
def murmurhash3(octets, begin, end):
    """MurmurHash3_x86_32 of octets[begin:end] with seed 0 (Austin Appleby, public domain), signed: what scikit-learn hashes with."""
    h = np.uint32(0)
    c1, c2 = np.uint32(0xCC9E2D51), np.uint32(0x1B873593)
    i = begin
    while i + 4 <= end:
        k = np.uint32(octets[i]) | (np.uint32(octets[i + 1]) << np.uint32(8))
        k |= (np.uint32(octets[i + 2]) << np.uint32(16)) | (np.uint32(octets[i + 3]) << np.uint32(24))
        h ^= np.uint32(rotate_left(np.uint32(k * c1), 15) * c2)
        h = np.uint32(rotate_left(h, 13) * np.uint32(5) + np.uint32(0xE6546B64))
        i += 4
    k = np.uint32(0)
    for j in range(end - i):
        k |= np.uint32(octets[i + j]) << np.uint32(8 * j)
    h ^= np.uint32(rotate_left(np.uint32(k * c1), 15) * c2)
    h ^= np.uint32(end - begin)
    h = np.uint32((h ^ (h >> np.uint32(16))) * np.uint32(0x85EBCA6B))
    h = np.uint32((h ^ (h >> np.uint32(13))) * np.uint32(0xC2B2AE35))
    h ^= h >> np.uint32(16)
    return np.int64(np.int32(h))


@njit(nogil=True, error_model="numpy", forceinline=True)
def extend_key(key, length, point):
    """The key of an n-gram that is one code point longer; `length` is the length before."""
    if length < 3:
        return (key << np.uint64(21)) | (np.uint64(point) + np.uint64(1))
    key = (key ^ (np.uint64(point) + np.uint64(1))) * MULTIPLIER
    return key ^ (key >> np.uint64(29))


@njit(nogil=True, error_model="numpy", forceinline=True)
def look_up(key, buffer, begin, end, slots, shift, pool, spans):
    """The feature of the n-gram buffer[begin:end], or -1 if it is not in the table."""
    long = end - begin > 3
    if long:
        key |= LONG_BIT
    mask = np.uint64(slots.shape[0] - 1)
    slot = (key * MULTIPLIER) >> shift
    while True:
        found = slots[slot, 0]
        if found == key:
            feature = np.int64(slots[slot, 1])
            if not long or is_term(buffer, begin, end, pool, spans[feature], spans[feature + 1]):
                return feature
        elif found == np.uint64(0):
            return np.int64(-1)
        slot = (slot + np.uint64(1)) & mask


@njit(nogil=True, error_model="numpy", forceinline=True)
def is_term(buffer, begin, end, pool, first, last):
    """Whether the n-gram buffer[begin:end] is the term pool[first:last]."""
    if end - begin != last - first:
        return False
    for i in range(end - begin):  # noqa: SIM110 (all() of a generator is not compiled)
        if buffer[begin + i] != pool[first + i]:
            return False
    return True


@njit(nogil=True, error_model="numpy", forceinline=True)
def count_feature(feature, sign, weights, counts, touched, n):
    """Add `sign` to a feature's count, and the feature to the `n` touched ones if it is new; returns their new number.

    A count is stored as 2 * count + 1: the lowest bit marks a touched feature even if counts of opposite signs cancel out.
    """
    if counts[feature] == 0:
        width = weights.shape[1]
        for k in range(0, width, CACHE_LINE):
            fetch(weights, feature * width + k)
        counts[feature] = 1 + 2 * sign
        touched[n] = feature
        return n + 1
    counts[feature] += 2 * sign
    return n


@njit(nogil=True, error_model="numpy", forceinline=True)
def count_char_ngrams(start, stop, min_n, n, buffer, keys, slots, pool, spans, settings, weights, counts, touched):
    """Count the known character n-grams within buffer[start:stop]; returns the new number of touched features.

    The keys of the n-grams at STARTS_AHEAD characters are computed and their slots prefetched before they are looked up. `keys` has room
    for all of these n-grams.
    """
    max_n, shift = settings[MAX_N], np.uint64(settings[SHIFT])
    for first in range(start, stop, STARTS_AHEAD):
        last = min(first + STARTS_AHEAD, stop)
        place = 0
        for i in range(first, last):
            key = np.uint64(0)
            for length in range(min(max_n, stop - i)):
                key = extend_key(key, length, buffer[i + length])
                if length + 1 >= min_n:
                    keys[place] = key
                    fetch(slots, np.int64(((key | LONG_BIT if length >= 3 else key) * MULTIPLIER) >> shift) * 2)
                    place += 1
        place = 0
        for i in range(first, last):
            for end in range(i + min_n, min(i + max_n, stop) + 1):
                feature = look_up(keys[place], buffer, i, end, slots, shift, pool, spans)
                place += 1
                if feature >= 0:
                    n = count_feature(feature, 1, weights, counts, touched, n)
    return n


@njit(nogil=True, error_model="numpy", forceinline=True)
def count_word_ngrams(size, n, buffer, slots, pool, spans, settings, weights, counts, touched):
    """Count the known word n-grams of buffer[:size], whose words are joined by blanks; returns the new number of touched features."""
    min_n, max_n, longest_term, shift = (
        settings[MIN_N],
        settings[MAX_N],
        settings[LONGEST_TERM],
        np.uint64(settings[SHIFT]),
    )
    start = np.int64(0)
    while start < size:
        key, words = np.uint64(0), np.int64(0)
        for i in range(start, min(size, start + longest_term)):
            key = extend_key(key, i - start, buffer[i])
            if buffer[i] == BLANK or (i + 1 < size and buffer[i + 1] != BLANK):
                continue
            words += 1
            if words >= min_n:
                feature = look_up(key, buffer, start, i + 1, slots, shift, pool, spans)
                if feature >= 0:
                    n = count_feature(feature, 1, weights, counts, touched, n)
            if words == max_n:
                break
        start = word_end(buffer, start, size) + 1
    return n


@njit(nogil=True, error_model="numpy", forceinline=True)
def count_hashed_char_ngrams(start, stop, min_n, n, octets, offsets, settings, weights, counts, touched):
    """Hash and count all character n-grams within buffer[start:stop]; returns the new number of touched features."""
    max_n, features, signed = settings[MAX_N], settings[FEATURES], settings[SIGNED]
    for i in range(start, stop):
        for length in range(min_n, min(max_n, stop - i) + 1):
            h = murmurhash3(octets, offsets[i], offsets[i + length])
            n = count_feature(abs(h) % features, -1 if signed and h < 0 else 1, weights, counts, touched, n)
    return n


@njit(nogil=True, error_model="numpy", forceinline=True)
def count_hashed_word_ngrams(size, n, buffer, octets, offsets, settings, weights, counts, touched):
    """Hash and count all word n-grams of buffer[:size], whose words are joined by blanks; returns the new number of touched features."""
    min_n, max_n, features, signed = settings[MIN_N], settings[MAX_N], settings[FEATURES], settings[SIGNED]
    start = np.int64(0)
    while start < size:
        stop = start - 1
        for words in range(1, max_n + 1):
            if stop >= size:
                break
            stop = word_end(buffer, stop + 1, size)
            if words >= min_n:
                h = murmurhash3(octets, offsets[start], offsets[stop])
                n = count_feature(abs(h) % features, -1 if signed and h < 0 else 1, weights, counts, touched, n)
        start = word_end(buffer, start, size) + 1
    return n
