"""From code points to codes of letters: a text is folded to `BOUNDARY word BOUNDARY word BOUNDARY`.

A code is a lower-case letter, by a table (`headrace.scoring.hashed.letters`), so that no Unicode library is needed. Links, @names, digits,
signs and emoji end a word and leave no code; an apostrophe counts where it stands between letters, and a letter with its combining
mark becomes one. Buffers have a fixed size, so that memory does not depend on the length of a text.

What has no decorator is compiled by `headrace.scoring.native`.
"""

# mypy: disable-error-code="no-untyped-def,no-untyped-call,untyped-decorator"

import numpy as np
from numba import njit

SEPARATOR, BOUNDARY, SKIPPED, JOINER, AT, OTHER, MARK, SPACE = range(8)
FIRST_LETTER = 32  # codes from here on stand for letters
HAN = 0x4E00  # stands for all ideographs beyond the basic plane
COMPOSITIONS = 4096  # slots of the table of compositions, a power of two


@njit(nogil=True)
def slot_of(key):
    """Where a pair of letter and mark is looked up first."""
    return ((key * 2654435761) & 0xFFFFFFFF) >> 20


@njit(nogil=True)
def _composed(base, mark, keys, values):
    """The letter that a letter and a mark make, or 0."""
    key = (np.int64(base) << 16) | np.int64(mark)
    slot = slot_of(key)
    while keys[slot] != 0:
        if np.int64(keys[slot]) == key:
            return values[slot]
        slot = (slot + 1) & (COMPOSITIONS - 1)
    return np.uint16(0)


@njit(nogil=True)
def class_of(point, letters):
    if point < 65536:
        return np.int64(letters[point])
    return HAN if 0x20000 <= point < 0x40000 else SEPARATOR


@njit(nogil=True)
def begins_link(points, at, end):
    """Whether a link begins here: http:// or https:// or www."""
    left = end - at
    first = points[at] | 32
    if first == 119:
        return left > 4 and points[at + 1] | 32 == 119 and points[at + 2] | 32 == 119 and points[at + 3] == 46
    if (
        first != 104
        or left < 8
        or points[at + 1] | 32 != 116
        or points[at + 2] | 32 != 116
        or points[at + 3] | 32 != 112
    ):
        return False
    colon = at + 5 if points[at + 4] | 32 == 115 else at + 4
    return points[colon] == 58 and points[colon + 1] == 47 and points[colon + 2] == 47


@njit(nogil=True)
def after_name(points, at, end, letters):
    """Where the @name or domain that follows an at sign ends."""
    while at < end:
        point = points[at]
        dotted = point == 46 or point == 45
        if dotted and at + 1 < end and class_of(points[at + 1], letters) >= FIRST_LETTER:
            at += 2
        elif point == 95 or 48 <= point <= 57 or class_of(point, letters) >= FIRST_LETTER:
            at += 1
        else:
            break
    return at


@njit(nogil=True)
def fold(points, at, end, letters, keys, values, codes, size, inside):
    """Fold points[at:end] behind the first `size` codes until the text ends or `codes` is nearly full.

    Returns where it stopped, the new size, and whether it stopped inside a word. A text starts with the code BOUNDARY, which the caller
    writes, and ends with one.
    """
    limit = len(codes) - 2
    while at < end:
        point = points[at]
        code = class_of(point, letters)
        if code >= FIRST_LETTER:
            if size >= limit:
                return at, size, inside
            if (
                not inside
                and (point == 104 or point == 119 or point == 72 or point == 87)
                and begins_link(points, at, end)
            ):
                while at < end and class_of(points[at], letters) != SPACE:
                    at += 1
                continue
            codes[size] = code
            size += 1
            inside = True
            at += 1
            continue
        at += 1
        if code == SKIPPED:
            continue
        if code == MARK:
            if inside and size > 0:
                letter = _composed(codes[size - 1], point, keys, values)
                if letter != 0:
                    codes[size - 1] = letter
            continue
        if code == JOINER and inside and at < end and class_of(points[at], letters) >= FIRST_LETTER:
            if size >= limit:
                return at - 1, size, inside
            codes[size] = 39 if point == 0x2019 or point == 0x2BC else point
            size += 1
            continue
        if inside:
            codes[size] = BOUNDARY
            size += 1
            inside = False
        if code == AT:
            at = after_name(points, at, end, letters)
    if inside:
        codes[size] = BOUNDARY
        size += 1
    return at, size, False
