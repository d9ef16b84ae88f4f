"""ASCII signs by name, what kinds of characters there are, and how the next sign is found.

These functions run as they are, and compiled by `headrace.scoring.native` as parts of a kernel.
"""

# mypy: disable-error-code="no-untyped-def,no-untyped-call"

import string
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from headrace.scoring.hashed.folding import FIRST_LETTER, MARK, OTHER, SKIPPED, letter_code

BLANK_SIGN, LINE_FEED, RETURN = 32, 10, 13
BANG, DOUBLE, HASH, DOLLAR, PERCENT, AND, SINGLE = map(ord, "!\"#$%&'")
OPEN, CLOSE, STAR, PLUS, COMMA, MINUS, DOT, SLASH = map(ord, "()*+,-./")
COLON, SEMICOLON, LESS, EQUAL, MORE, QUESTION, AT_SIGN = map(ord, ":;<=>?@")
BRACKET, BACKSLASH, UNBRACKET, CARET, UNDERSCORE, TICK = map(ord, "[\\]^_`")
BRACE, BAR, UNBRACE, TILDE = map(ord, "{|}~")

#: Code points of the longest tag or link, and of the longest placeholder or name of a tag.
LONGEST, SHORT = 2000, 120
#: Characters of the longest word that `packed` tells from others.
PACKED = 12

#: Places of `nexts`, the array in which `find` remembers where the next sign of a kind is; it starts as all -1.
(NEXT_MORE, NEXT_LESS, NEXT_UNBRACE, NEXT_UNBRACKET, NEXT_CLOSE, NEXT_TICK, NEXT_BLANK, NEXT_COMMENT, NEXT_FENCE, NEXT_BLOCK,
 NEXT_DOUBLE_UNBRACE, NEXT_STATEMENT, NEXT_QUESTION, NEXT_BAR, NEXT_STATEMENT_BRACE, NEXT_COMMENT_BRACE) = range(16)  # fmt: skip
NEXTS = 16

_DIGITS: Mapping[str, int] = {sign: place + 1 for place, sign in enumerate(string.ascii_lowercase + string.digits)}


def pack(words: str) -> NDArray[np.int64]:
    """The words (ASCII letters and digits), as `packed` reads them from code points, in ascending order."""
    return np.array(sorted(map(_number, words.split())), np.int64)


def _number(word: str) -> int:
    number = 0
    for sign in word:
        number = number * 37 + _DIGITS[sign]
    assert len(word) <= PACKED, word
    return number


def holds(words, number):
    """Whether the word that has this number is one of `words`, made by `pack`; 0 is none."""
    low, high = 0, len(words)
    while low < high:
        middle = (low + high) // 2
        if words[middle] < number:
            low = middle + 1
        else:
            high = middle
    return low < len(words) and words[low] == number


def packed(points, at, end):
    """A number for the word points[at:end], in any case: that of `pack`, or 0 if it is too long or not of ASCII letters and digits."""
    if end - at > PACKED:
        return 0
    number = 0
    for place in range(at, end):
        point = points[place]
        if is_latin(point):
            number = number * 37 + (point | 32) - 96
        elif is_digit(point):
            number = number * 37 + point - 21
        else:
            return 0
    return number


def find(points, at, end, sign, nexts, slot):
    """The index of the first `sign` from points[at] on, or `end`.

    `at` may not fall from one call to the next: what was found is kept in nexts[slot], so that all calls together read a text once.
    """
    if nexts[slot] < at:
        place = at
        while place < end and points[place] != sign:
            place += 1
        nexts[slot] = place
    return nexts[slot]


def find_pair(points, at, end, first, second, nexts, slot):
    """The index after the first pair of these two signs from points[at] on, or `end` + 1. As `find`."""
    if nexts[slot] < at + 2:
        place = at
        while place + 1 < end and not (points[place] == first and points[place + 1] == second):
            place += 1
        nexts[slot] = place + 2 if place + 1 < end else end + 1
    return nexts[slot]


def is_digit(point):
    """Whether it is one of 0 to 9."""
    return 48 <= point <= 57


def is_latin(point):
    """Whether it is an ASCII letter."""
    return 65 <= point <= 90 or 97 <= point <= 122


def is_small(point):
    """Whether it is a lower-case ASCII letter."""
    return 97 <= point <= 122


def is_capital(point):
    """Whether it is an upper-case ASCII letter."""
    return 65 <= point <= 90


def is_name(point):
    """Whether it may be part of a name in a program: ASCII letters, digits, the underscore."""
    return is_digit(point) or is_latin(point) or point == UNDERSCORE


def name_end(points, at, end):
    """The index after the name, as programs have them, at points[at:]."""
    while at < end and is_name(points[at]):
        at += 1
    return at


def is_letter(point, letters):
    """Whether it is a letter of any script."""
    code = letter_code(point, letters)
    return code >= FIRST_LETTER or code == OTHER


def is_wordy(point, letters):
    """Whether it continues a word: a letter, a combining mark, or what leaves no trace in one."""
    code = letter_code(point, letters)
    return code >= FIRST_LETTER or code in (OTHER, MARK) or (code == SKIPPED and point > 127)


def is_unspaced(point):
    """Whether it is of a script that writes no blanks between words, or appends endings to Latin words: East and South-East Asian ones."""
    return (
        0x0E00 <= point < 0x1000
        or 0x1000 <= point < 0x10A0
        or 0x1780 <= point < 0x1800
        or 0x2E80 <= point < 0xD800
        or (0xF900 <= point < 0xFB00 or 0xFF66 <= point < 0xFFDD or 0x20000 <= point < 0x40000)
    )


def hexadecimal(point):
    """The value of a hexadecimal digit, or -1."""
    if is_digit(point):
        return point - 48
    return (point | 32) - 87 if 97 <= point | 32 <= 102 and is_latin(point) else -1


def name_like_end(points, at, end):
    while at < end and (is_name(points[at]) or points[at] > 0xBF):
        at += 1
    return at
