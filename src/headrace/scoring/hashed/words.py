"""The words of a text, one after another: where each begins and ends, and what stands between it and the word before.

A word is what `folding` folds to one: letters with their marks, and apostrophes between letters. Here it also ends where the script changes
("Pythonで"), and letters of scripts without blanks, and overlong words, come in pieces: the languages of a text may change there.

These functions run as they are, and compiled by `headrace.scoring.native` as parts of a kernel.
"""

# mypy: disable-error-code="no-untyped-def,no-untyped-call"

from headrace.scoring.hashed.folding import (
    AT,
    FIRST_LETTER,
    JOINER,
    MARK,
    SKIPPED,
    SPACE,
    begins_link,
    letter_code,
    skip_name,
)

#: What stands between two words: nothing, or a hyphen and the like; a blank; a sign; the end of a sentence or line.
JOINED, BLANK, SIGN, SENTENCE = range(4)
#: Letters of a piece, at most: in scripts without blanks, and in others.
UNBROKEN_LETTERS, LETTERS = 4, 48
#: Room for the codes of a piece: its letters, apostrophes and boundaries.
CODES = 2 * LETTERS + 8
# Scripts by their numbers. Those of Southeast Asia, and Chinese and Japanese (EAST), are written without blanks.
_LATIN, _GREEK, _CYRILLIC, _ARABIC, _ARMENIAN, _HEBREW, _HANGUL, _SOUTHEAST, _EAST = range(9)
_FURTHER = 16  # other blocks of Unicode are numbered from here

_SENTENCE_ENDS = (10, 13, 33, 46, 63, 0x061F, 0x06D4, 0x0964, 0x2026, 0x2028, 0x2029, 0x203C, 0x3002, 0xFF01, 0xFF0E, 0xFF1F)  # fmt: skip
_JOINING = (38, 39, 43, 45, 47, 95, 0xB7, 0x2010, 0x2011, 0x2019)  # & ' + - / _ · and other hyphens and apostrophes


def script(code):
    """A number for the script of a letter code, by Unicode's blocks."""
    if code < 0x370 or 0x1E00 <= code < 0x1F00 or 0x2C60 <= code < 0x2C80 or 0xA720 <= code < 0xA800:
        return _LATIN
    if 0x400 <= code < 0x530 or 0x1C80 <= code < 0x1C90 or 0xA640 <= code < 0xA6A0:
        return _CYRILLIC
    if 0x3040 <= code < 0x3130 or 0x31A0 <= code < 0x3200 or 0x2E80 <= code < 0x3040 or 0x3400 <= code < 0xA000:
        return _EAST
    if 0x600 <= code < 0x700 or 0x750 <= code < 0x780 or 0x8A0 <= code < 0x900:
        return _ARABIC
    if 0xAC00 <= code < 0xD7B0 or 0x1100 <= code < 0x1200 or 0x3130 <= code < 0x3190:
        return _HANGUL
    if 0xE00 <= code < 0x10A0 or 0x1780 <= code < 0x1800:  # Thai, Lao, Tibetan, Burmese, Khmer
        return _SOUTHEAST
    if code < 0x400 or 0x1F00 <= code < 0x2000:
        return _GREEK
    if code < 0x590:
        return _ARMENIAN
    return _HEBREW if code < 0x600 else _FURTHER + (code >> 7)


def next_word(points, at, end, letters):
    """The first word or piece in points[at:end]: (begin, end, what stands before it, whether the word goes on in the next piece).

    Without one, begin and end are `end`. Links, @names and domains are passed over.
    """
    between = JOINED
    while at < end:
        point = points[at]
        code = letter_code(point, letters)
        if code >= FIRST_LETTER:
            if not ((point | 32 == 104 or point | 32 == 119) and begins_link(points, at, end)):
                break
            while at < end and letter_code(points[at], letters) != SPACE:
                at += 1
            between = max(between, SIGN)
            continue
        between = max(between, between_words(points, at, end, letters))
        at += 1
        if code == AT:
            at = skip_name(points, at, end, letters)
    begin = at
    if at >= end:
        return end, end, between, False
    kind = script(letter_code(points[at], letters))
    left = UNBROKEN_LETTERS if kind in (_EAST, _SOUTHEAST) else LETTERS
    while at < end:
        code = letter_code(points[at], letters)
        if code >= FIRST_LETTER:
            if left == 0 or script(code) != kind:
                return begin, at, between, left == 0 and script(code) == kind
            left -= 1
        elif code == JOINER:
            if at + 1 >= end or letter_code(points[at + 1], letters) < FIRST_LETTER:
                break
        elif code not in (MARK, SKIPPED):
            break
        at += 1
    return begin, at, between, False


def between_words(points, at, end, letters):
    """What the code point points[at], which stands between two words, counts for: JOINED, BLANK, SIGN or SENTENCE."""
    point = points[at]
    if point == 32:
        return BLANK
    if point in _SENTENCE_ENDS:
        inside = point == 46 and at + 1 < end and letter_code(points[at + 1], letters) != SPACE
        return JOINED if inside else SENTENCE
    code = letter_code(point, letters)
    if code == SPACE:
        return BLANK
    return JOINED if code in (SKIPPED, MARK) or point in _JOINING else SIGN
