"""Words in disguise: letters that are spaced out, digits that stand for letters, letters under heaps of marks, flags.

These functions run as they are, and compiled by `headrace.scoring.native` as parts of a kernel.
"""

# mypy: disable-error-code="no-untyped-def,no-untyped-call"

from headrace.scoring.cleaning.signs import (
    holds,
    is_capital,
    is_digit,
    is_latin,
    is_letter,
    is_small,
    is_unspaced,
    pack,
    packed,
)
from headrace.scoring.hashed.folding import FIRST_LETTER, MARK, OTHER, SKIPPED, SPACE, letter_code

#: Single letters in a row, with single blanks between them, that are a word spaced out.
MIN_SPACED = 4
#: Letters in a row, beside digits, that are a word; fewer are an ending (1990s), a unit or a part of a code.
MIN_WORD = 4
#: Combining marks in a row that are decoration; Greek has three.
MANY_MARKS = 4
_REGIONAL, _LAST_REGIONAL = 0x1F1E6, 0x1F1FF
#: The letters that 0 to 9 stand for; a blank if none.
_LOOK_ALIKES = b"oi eas t  "
#: Abbreviations with a digit that is read out.
_SPOKEN = pack(
    "l8r gr8 m8 w8 h8 l8 b4 str8 sk8 d8 2day 2nite 2moro 2morrow 2gether 4ever 4get 4give any1 every1 some1 no1 w8ing h8ers"
)


def word_end(points, at, end, letters):
    """(The index after the word of letters and digits at points[at:], how many ASCII letters it has, how many digits, how many others)."""
    latin, digits, others, unspaced = 0, 0, 0, is_unspaced(points[at])
    regional = is_regional(points[at])
    while at < end:
        point = points[at]
        if (is_unspaced(point) != unspaced and (latin > 0 or is_latin(point))) or is_regional(point) != regional:
            break
        if is_latin(point):
            latin += 1
        elif is_digit(point):
            digits += 1
        else:
            code = letter_code(point, letters)
            if code >= FIRST_LETTER or code == OTHER:
                others += 1
            elif not (code == MARK or (code == SKIPPED and point > 127)):
                break
        at += 1
    return at, latin, digits, others


def spells(points, at, end, latin, digits):
    """Whether digits in the word points[at:end] stand for letters that they look like, as in H3ll0, and the word is no code."""
    if latin < digits or end - at < MIN_WORD or end - at > 20:
        return False
    inner, capitals, doubled = False, 0, False
    for place in range(at, end):
        point = points[place]
        capitals += is_capital(point)
        if not is_digit(point):
            continue
        if _LOOK_ALIKES[point - 48] == 32:
            return False
        if place == at or place + 1 == end:
            continue
        before, after = points[place - 1], points[place + 1]
        if is_digit(after) and after != point:
            return False
        doubled = doubled or after == point
        inner = inner or (is_latin(before) and (is_latin(after) or after == point))
    if latin == digits and (not doubled or capitals > 0):
        return False
    return inner and (capitals == 0 or capitals == latin or (capitals == 1 and is_capital(points[at])))


def look_alike(digit):
    """The letter that a digit stands for."""
    return _LOOK_ALIKES[digit - 48]


def is_spoken(points, at, end):
    """Whether the word is an abbreviation in which digits are read out, as in l8r. In capitals it is a code."""
    return is_small(points[end - 1] | (32 if is_digit(points[end - 1]) else 0)) and holds(
        _SPOKEN, packed(points, at, end)
    )


def keeps_run(points, at, end, place):
    """The index after the letters at points[place:end] if they are a word, or an ending of a number, in the word points[at:end]; else
    `place`."""
    stop, changes = place, 0
    while stop < end and not is_digit(points[stop]):
        stop += 1
    for inner in range(at + 1, min(end, at + 40)):
        changes += is_digit(points[inner]) != is_digit(points[inner - 1])
    if end - at > 40 or changes > 2 or stop - place < (MIN_WORD if changes > 1 else 2):
        return place
    return stop


def spaced_end(points, at, end, letters):
    """The index after the letters spaced out that begin at points[at], or `at` if there are fewer than MIN_SPACED."""
    count, last, place = 0, at, at
    while place < end and is_letter(points[place], letters):
        after = place + 1
        while after < end and letter_code(points[after], letters) in (MARK, SKIPPED):
            after += 1
        if after < end and letter_code(points[after], letters) != SPACE:
            if is_letter(points[after], letters) or is_digit(points[after]):
                break  # a longer word: not the last letter of this run
            count, last = count + 1, after
            break
        count, last = count + 1, after
        place = after
        while place < end and place < after + 4 and letter_code(points[place], letters) == SPACE:
            place += 1
    return last if count >= MIN_SPACED else at


def marks_end(points, at, end):
    """The index after the combining marks at points[at:] if they are MANY_MARKS or more; else `at`."""
    stop = at
    while stop < end and 0x300 <= points[stop] < 0x370:
        stop += 1
    return stop if stop - at >= MANY_MARKS else at


def flags_end(points, at, end):
    """The index after the flags that begin at points[at]; `at` if it is a regional letter that spells something."""
    stop = at
    while stop < end and _REGIONAL <= points[stop] <= _LAST_REGIONAL:
        stop += 1
    return stop if (stop - at) % 2 == 0 else at


def is_regional(point):
    """Whether it is one of the letters that flags are made of."""
    return _REGIONAL <= point <= _LAST_REGIONAL
