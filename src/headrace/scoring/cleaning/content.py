"""What of a text is words, and what is not text at all: markup, addresses, program code. The language of a text is that of its words.

Most texts have nothing but words and plain punctuation, and are done after a glance. `_seen` looks closer at the others, and those that
have more are read again, by the table of `headrace.scoring.cleaning.rules`.

These functions run as they are, and compiled by `headrace.scoring.native` as a kernel.
"""

# mypy: disable-error-code="no-untyped-def,no-untyped-call"

# isort: off
from headrace.scoring.borrowing import borrowed
from headrace.scoring.cleaning import classes, signs
from headrace.scoring.hashed.folding import FIRST_LETTER, MARK, OTHER, SKIPPED, SPACE, letter_code
from headrace.scoring.cleaning.classes import (
    BEFORE, FOREIGN, LEADS, LETTER, PIECES, PLAIN, PROGRAM, QUIET, ascii_class, says,
)  # fmt: skip
from headrace.scoring.cleaning.glance import glance
from headrace.scoring.cleaning.glance import WORDS as HAS_WORDS
from headrace.scoring.cleaning.homoglyphs import is_cyrillic, unmask
from headrace.scoring.cleaning.mojibake import repair
from headrace.scoring.cleaning.openings import begins_command, ends_statement
from headrace.scoring.cleaning.program import blank_out
from headrace.scoring.cleaning.rules import read
from headrace.scoring.cleaning.spelling import MIN_SPACED, is_regional

# isort: on

#: The kinds of content.
BLANK, WORDS, CODE = 0, 1, 2
#: What `_seen` sees in a text beside what `says` says: broken letters, perhaps, and words with letters of two scripts.
BROKEN, MIXED = 4, 8
_CLASSES = bytes(map(ascii_class, range(128)))
_SAYS = bytes(says(before, kind) for before in range(16) for kind in range(16))


def clean(points, bounds, letters, looks, text, places, nexts, cleaned, ends, origins, kinds):
    """Write what is words in each text points[bounds[i]:bounds[i + 1]] to cleaned[ends[i]:ends[i + 1]], and its kind to kinds[i].

    Each piece that is left out becomes one blank. `origins` gets, for each code point of `cleaned`, the index in `points` of the one it
    comes from; it may be empty, and is not written then. The kinds: BLANK if no letter is left, CODE if the text is a program, else WORDS.

    `points` (uint32), `bounds` (int64, one more than texts), `letters` (uint16, by `letters.alphabet`) and `looks` (uint8, by
    `glance.table`) are read. `text` and `places` (int64), both as long as the longest text, and `nexts` (int64, signs.NEXTS) are for use in
    here. `cleaned` (uint32, as long as `points`), `ends` (int64, as long as `bounds`), `origins` (int64, as long as `points`, or empty) and
    `kinds` (int8) are written.
    """
    points, bounds, letters, looks, text, places, nexts, cleaned, ends, origins, kinds = (
        borrowed(points), borrowed(bounds), borrowed(letters), borrowed(looks), borrowed(text), borrowed(places), borrowed(nexts),
        borrowed(cleaned), borrowed(ends), borrowed(origins), borrowed(kinds),
    )  # fmt: skip
    size = 0
    ends[0] = 0
    for number in range(len(bounds) - 1):
        begin, end, is_code = bounds[number], bounds[number + 1], False
        found, has_words = PLAIN, True
        if glance(points, begin, end, looks) != HAS_WORDS or _is_statement(points[begin:end]):
            found, has_words = _seen(points[begin:end], letters)
        if found == PLAIN:
            cleaned[size : size + end - begin] = points[begin:end]
            if len(origins) > 0:
                for at in range(begin, end):
                    origins[size + at - begin] = at
            size += end - begin
        else:
            has_letters = has_words
            length, is_code = _prepared(points, begin, end, found, letters, text, places)
            for slot in range(signs.NEXTS):
                nexts[slot] = -1
            is_code = is_code and has_letters
            size, has_words = read(text, places, length, letters, nexts, cleaned, origins, size)
        kinds[number] = CODE if is_code else (WORDS if has_words else BLANK)
        ends[number + 1] = size


def _seen(points, letters):
    """What a text may have beside words, and whether it has any letter."""
    found, before, last, has_words = PLAIN, classes.BLANK, 32, False
    start, singles, run = 0, 0, 0  # where the word begins, single letters in a row, accented letters or marks in a row
    for at in range(len(points)):
        point = points[at] + 0  # a number of 64 bits, for which all functions are compiled
        if 97 <= point | 32 <= 122:
            if before != LETTER:
                found |= _SAYS[before * 16] | (PIECES | MIXED if before == FOREIGN and is_cyrillic(last) else PLAIN)
                before, has_words = LETTER, True
            last, run = point, 0
            continue
        code = letter_code(point, letters)
        if (point >= 0x460 or 0x430 <= point < 0x450) and code >= FIRST_LETTER and point < 0x10000:
            if before != FOREIGN:
                found |= _SAYS[before * 16 + FOREIGN] | _mixed(before, point)
                before, has_words = FOREIGN, True
            last = point
            continue
        if point < 128:
            kind, run = _CLASSES[point] + 0, 0
            if point == signs.MINUS and (before == classes.BLANK or before == classes.BREAK):  # -f and --force
                kind = BEFORE
        else:
            is_word = code >= FIRST_LETTER or code == OTHER
            has_words = has_words or is_word
            kind = FOREIGN if is_word else (classes.BLANK if code == SPACE else QUIET)
            found |= _mixed(before, point) if is_word else PLAIN
            run = run + 1 if point < 0x370 and (point >= 0x300 or 0xC0 <= point < 0x100) else 0
            if run >= 3 or _is_broken(last, point) or is_regional(point):
                found |= PIECES | BROKEN
            start += code in (MARK, SKIPPED)
        if kind == classes.BLANK or kind == classes.BREAK:
            singles = singles + (at - start == 1) if at - start <= 1 else 0
            found |= PIECES if singles >= MIN_SPACED else PLAIN
            start = at + 1
        found |= _SAYS[before * 16 + kind]
        before, last = kind, point
    found |= PIECES | PROGRAM if _is_statement(points) else PLAIN
    found |= PIECES if singles + 1 >= MIN_SPACED and len(points) - start == 1 else PLAIN
    return found, has_words


def _is_statement(points):
    """Whether a text begins or ends as programs do."""
    return begins_command(points) or ends_statement(points)


def _mixed(before, point):
    """What a letter after a character of a class says of the scripts of a word."""
    return PIECES | MIXED if before == LETTER and is_cyrillic(point) else PLAIN


def _is_broken(before, point):
    """Whether a character beyond ASCII after another one may be of mojibake; see `mojibake.repair`, which makes sure."""
    if 0x430 <= point < 0x450:  # most Cyrillic letters
        return False
    if 0xC2 <= before <= 0xF4:
        return point < 0xC0 or 0x152 <= point < 0x193 or 0x2C6 <= point < 0x2DD or 0x2013 <= point < 0x2123
    if 0x410 <= before < 0x450:
        if 0x410 <= point < 0x430:
            return before >= 0x430
        if before in (0x413, 0x420, 0x421, 0x432) and point not in (0x451, 0x454, 0x456, 0x457, 0x458):
            return True
        if 0x450 <= point < 0x460:  # of Serbian, Macedonian and Ukrainian too
            return before == 0x427
        if 0x400 <= point < 0x410:
            return 0x430 <= before < 0x440
        return 0x7F < point < 0xC0 and (before < 0x430 or point not in (0xA0, 0xAB, 0xAD, 0xB7, 0xBB))
    if before in (0x102, 0x139):  # C3 and C5 in Windows-1250
        return 0x7F < point < 0xC0 or 0x100 <= point < 0x180 or 0x2C6 <= point < 0x2DD
    return before > 64 and point in LEADS


def _prepared(points, begin, end, found, letters, text, places):
    """Copy points[begin:end] to `text`, repaired and without lines of code. Returns its length and whether all of it is code."""
    length = end - begin
    for at in range(length):
        text[at] = points[begin + at]
        places[at] = begin + at
    if found & BROKEN != 0:
        length = repair(text, places, length)
    if found & MIXED != 0:
        unmask(text, length, letters)
    return length, found & PROGRAM != 0 and blank_out(text, length)
