"""Homoglyphs: words in which letters of another script stand for those that they look like, such as Cyrillic ones with a Latin a.

They come from careless conversions, and from people who hide words from filters. Only Latin and Cyrillic letters are told apart.

These functions run as they are, and compiled by `headrace.scoring.native` as parts of a kernel.
"""

# mypy: disable-error-code="no-untyped-def,no-untyped-call"

import numpy as np

from headrace.scoring.cleaning.signs import is_latin
from headrace.scoring.hashed.folding import FIRST_LETTER, MARK, SKIPPED, letter_code

_LATIN, _CYRILLIC = "aceijkopxyABCEHIJKMOPTXY", "асеіјкорхуАВСЕНІЈКМОРТХУ"
_FIRST, _LAST = 0x400, 0x52F
#: The Cyrillic look-alike of each ASCII letter, and the Latin one of each Cyrillic letter from _FIRST on; 0 if it has none.
_TO_CYRILLIC = np.zeros(128, np.int64)
_TO_LATIN = np.zeros(_LAST + 1 - _FIRST, np.int64)
for _one, _other in zip(map(ord, _LATIN), map(ord, _CYRILLIC), strict=True):
    _TO_CYRILLIC[_one], _TO_LATIN[_other - _FIRST] = _other, _one


def is_cyrillic(point):
    """Whether it is of the blocks Cyrillic and Cyrillic Supplement."""
    return _FIRST <= point <= _LAST


def unmask(points, size, letters):
    """Give the words among the first `size` of `points` that mix Latin and Cyrillic letters back to the script that they are in.

    That is the one that has letters without a look-alike in the other. A word in which both have some is left as it is.
    """
    at = 0
    while at < size:
        stop, latin, cyrillic, latin_only, cyrillic_only = _counted(points, at, size, letters)
        if latin > 0 and cyrillic > 0 and (latin_only == 0 or cyrillic_only == 0):
            to_cyrillic = latin_only == 0 and (cyrillic_only > 0 or cyrillic >= latin)
            for place in range(at, stop):
                point = points[place]
                if to_cyrillic and is_latin(point):
                    points[place] = _TO_CYRILLIC[point]
                elif not to_cyrillic and is_cyrillic(point):
                    points[place] = _TO_LATIN[point - _FIRST]
        at = max(stop, at + 1)


def _counted(points, at, size, letters):
    """(The index after the word at points[at:size], its Latin letters, its Cyrillic ones, and those of both without a look-alike.)

    A letter with a mark has none. A letter of any other script ends the word.
    """
    latin, cyrillic, latin_only, cyrillic_only = 0, 0, 0, 0
    while at < size:
        point, code = points[at], letter_code(points[at], letters)
        is_marked = at + 1 < size and letter_code(points[at + 1], letters) == MARK
        if is_latin(point) or ((0xC0 <= point < 0x250 or 0x1E00 <= point < 0x1F00) and code >= FIRST_LETTER):
            latin += 1
            latin_only += is_marked or point > 127 or _TO_CYRILLIC[point] == 0
        elif is_cyrillic(point) and code >= FIRST_LETTER:
            cyrillic += 1
            cyrillic_only += is_marked or _TO_LATIN[point - _FIRST] == 0
        elif code != MARK and not (code == SKIPPED and point > 127):
            break
        at += 1
    return at, latin, cyrillic, latin_only, cyrillic_only
