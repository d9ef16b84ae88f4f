"""Folding: from code points to letter codes. A text becomes `BOUNDARY word BOUNDARY word BOUNDARY`.

A letter code is the code point of a lower-case letter, looked up in a table (`headrace.scoring.hashed.letters`), so that no Unicode
library is needed. Links, @names, digits, signs and emoji end a word and leave no code; an apostrophe is kept between two letters; a
letter and its combining mark become one letter. The buffer of codes has a fixed size: memory does not grow with the text.

These functions run as they are, and compiled by `headrace.scoring.native` as parts of a kernel.
"""

# mypy: disable-error-code="no-untyped-def,no-untyped-call"

#: Codes that are not letters. SEPARATOR ends a word; BOUNDARY is written before and after each word; SKIPPED leaves no trace; JOINER is
#: an apostrophe or its like; AT is the at sign; OTHER is a letter that the model has not learnt; MARK is a combining mark.
SEPARATOR, BOUNDARY, SKIPPED, JOINER, AT, OTHER, MARK, SPACE = range(8)
#: Codes from here on are letters.
FIRST_LETTER = 32
#: The one code of all ideographs beyond the Basic Multilingual Plane.
HAN = 0x4E00
#: Slots of the table of compositions, a power of two.
COMPOSITIONS = 4096


def hash_slot(key):
    """The first slot to look up for a pair of letter and mark: `key` is letter << 16 | mark."""
    return ((key * 2654435761) & 0xFFFFFFFF) >> 20


def _compose(base, mark, keys, values):
    """The letter that a letter and a combining mark make together, or 0 if they make none."""
    key = (base << 16) | mark
    slot = hash_slot(key)
    while keys[slot] != 0:
        if keys[slot] == key:
            return values[slot]
        slot = (slot + 1) & (COMPOSITIONS - 1)
    return 0


def letter_code(point, letters):
    """The code of a code point. `letters` has those of the first plane of Unicode, or of the first two."""
    if point < len(letters):
        return letters[point]
    return HAN if 0x20000 <= point < 0x40000 else SEPARATOR


def begins_link(points, at, end):
    """Whether a link begins at points[at]: http://, https:// or www., in any case."""
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


def skip_name(points, at, end, letters):
    """The index after the @name or domain that follows an at sign; `at` is the index after that sign."""
    while at < end:
        point = points[at]
        dotted = point == 46 or point == 45
        if dotted and at + 1 < end and letter_code(points[at + 1], letters) >= FIRST_LETTER:
            at += 2
        elif point == 95 or 48 <= point <= 57 or letter_code(point, letters) >= FIRST_LETTER:
            at += 1
        else:
            break
    return at


def fold(points, at, end, letters, keys, values, codes, size, in_word):
    """Append the codes of points[at:end] to the first `size` of `codes`, until the text ends or `codes` is nearly full.

    Returns (index of the next point, new size, whether it stopped inside a word); to continue, call it again with these. The caller
    writes the BOUNDARY that a text starts with; the one at the end is written here.
    """
    limit = len(codes) - 2
    while at < end:
        point = points[at]
        code = letter_code(point, letters)
        is_letter = code >= FIRST_LETTER
        # Without a jump where a word ends, which is hard to foresee; all else is rare.
        if not (_is_odd(code) | ((not in_word) & _may_begin_link(point)) | (size >= limit)):
            codes[size] = code if is_letter else BOUNDARY
            size += is_letter | in_word
            in_word = is_letter
            at += 1
            continue
        if is_letter and size >= limit:
            return at, size, in_word
        at += 1
        if is_letter:
            if not in_word and begins_link(points, at - 1, end):
                while at < end and letter_code(points[at], letters) != SPACE:
                    at += 1
                continue
            codes[size] = code
            size += 1
            in_word = True
        elif code == MARK:
            if in_word and size > 0:
                letter = _compose(codes[size - 1], point, keys, values)
                if letter != 0:
                    codes[size - 1] = letter
        elif code == JOINER and in_word and at < end and letter_code(points[at], letters) >= FIRST_LETTER:
            if size >= limit:
                return at - 1, size, in_word
            codes[size] = 39 if point == 0x2019 or point == 0x2BC else point
            size += 1
        elif code != SKIPPED:
            codes[size] = BOUNDARY
            size += in_word
            in_word = False
            if code == AT:
                at = skip_name(points, at, end, letters)
    if in_word:
        codes[size] = BOUNDARY
        size += 1
    return at, size, False


def _is_odd(code):
    """Whether it is the code of an apostrophe, a mark, an at sign or of what leaves no trace."""
    return (code == SKIPPED) | (code == JOINER) | (code == AT) | (code == MARK)


def _may_begin_link(point):
    """Whether it is an h or a w."""
    return (point | 32 == 104) | (point | 32 == 119)
