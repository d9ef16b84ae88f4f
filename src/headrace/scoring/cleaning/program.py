"""Programs: which lines of a text are code, and are no words of it. Prose about code, such as `Use the print() function`, is prose.

A line is code if it has more marks of code than pairs of neighbouring words: prose is words with blanks between them, a program is names
with signs between them. Marks are weak if prose has them too (` = `, ` -> `), and strong if it lacks them (`==`, `);` at the end of a
line).

These functions run as they are, and compiled by `headrace.scoring.native` as parts of a kernel.
"""

# mypy: disable-error-code="no-untyped-def,no-untyped-call"

# isort: off
from headrace.scoring.cleaning.marks import MOST, WIDEST, sign_marks
from headrace.scoring.cleaning.openings import opening, pair_value
from headrace.scoring.cleaning.signs import (
    BRACE, CLOSE, COLON, LESS, LINE_FEED, RETURN, SEMICOLON, SLASH, TICK, TILDE, holds, is_digit, is_name, is_small, is_unspaced,
    name_like_end, pack, packed,
)  # fmt: skip
from headrace.scoring.cleaning.templates import choice_end

# isort: on

#: Kinds of lines.
EMPTY, PROSE, NEUTRAL, STATEMENT = range(4)


def blank_out(points, size):
    """Turn the lines of code among the first `size` of `points` into blanks. Returns whether the whole text is code.

    It is if some lines are code and none is prose; comments and indented lines don't count as prose.
    """
    statements, prose, at, fenced = 0, 0, 0, 0
    size = min(size, MOST)
    _blank_choices(points, size)
    while at < size:
        stop = _line_end(points, at, size)
        fenced, kind = _fence(points, at, stop, fenced), line_kind(points, at, stop) if fenced == 0 else NEUTRAL
        statements += kind == STATEMENT and fenced == 0
        prose += kind == PROSE
        at = stop + 1
    if statements == 0 or prose == 0:
        return statements > 0
    at, fenced = 0, 0
    while at < size:
        stop = _line_end(points, at, size)
        was, fenced = fenced, _fence(points, at, stop, fenced)
        if was == fenced == 0 and line_kind(points, at, stop) == STATEMENT:
            for place in range(at, stop):
                points[place] = 32
        at = stop + 1
    return False


def _blank_choices(points, size):
    """Turn the choices of templates into blanks: they may have several lines."""
    at = 0
    while at < size:
        stop = choice_end(points, at, size) if points[at] == BRACE else at
        for place in range(at, stop):
            points[place] = 32
        at = max(stop, at + 1)


def _fence(points, at, end, fenced):
    """What the lines after points[at:end] are within, given what it is within: 0 nothing, TICK a Markdown fence, LESS an element of code.

    What is within is left out with its markup.
    """
    while at < end and points[at] <= 32:
        at += 1
    if at + 2 < end and points[at] == points[at + 1] == points[at + 2] and points[at] in (TICK, TILDE):
        return 0 if fenced == TICK else TICK
    if fenced == TICK:
        return fenced
    for place in range(at, min(end, at + WIDEST)):
        if points[place] == LESS and place + 1 < end:
            name = place + 1 + (points[place + 1] == SLASH)
            if holds(_ELEMENTS, packed(points, name, min(name_like_end(points, name, end), name + 12))):
                fenced = LESS if name == place + 1 else 0
    return fenced


def _line_end(points, at, size):
    while at < size and points[at] != LINE_FEED and points[at] != RETURN:
        at += 1
    return at


def line_kind(points, at, end):
    """What the line points[at:end] is: EMPTY, PROSE, NEUTRAL (a comment, a heading, a lonely word) or STATEMENT (code)."""
    begin = at
    while at < end and points[at] <= 32:
        at += 1
    while end > at and points[end - 1] <= 32:
        end -= 1
    if at == end:
        return EMPTY
    end = min(end, at + WIDEST)
    strong = opening(points, at, end)
    if strong < 0:
        return NEUTRAL
    weak, pairs, words, before = 0, 0, 0, 0
    is_ascii, place = True, at
    while place < end:
        point = points[place]
        if is_name(point) or point > 0xBF:
            stop = name_like_end(points, place, end)
            value = pair_value(points, place, stop)
            if before > 0 and points[place - 1] == 32:
                pairs += min(before, value)
            pairs += _unspaced_letters(points, place, stop)
            words += stop > place + 1 and not is_digit(point)
            is_ascii = is_ascii and point < 128
            before, place = value, stop
            continue
        if point == 32 and points[place - 1] != 32:
            place += 1
            continue
        before = 2 if point == CLOSE else 0
        more, less, place = sign_marks(points, at, place, end, strong)
        strong += more
        weak += less
    return _judged(points, at, end, at - begin, strong, weak, pairs, words, is_ascii)


def _unspaced_letters(points, at, end):
    """How many letters of points[at:end] are of a script without blanks: its words are neighbours without them."""
    count = 0
    for place in range(at, end):
        count += is_unspaced(points[place])
    return count if count > 1 else 0


def _judged(points, at, end, indent, strong, weak, pairs, words, is_ascii):
    """The kind of a line with these marks, pairs of neighbouring words (each counts twice) and words."""
    if points[end - 1] == SEMICOLON and is_ascii:
        has_colon = False
        for place in range(at, end):
            has_colon = has_colon or points[place] == COLON
        strong += (
            strong + weak > 0
            or (has_colon and is_small(points[at]))
            or pair_value(points, at, name_like_end(points, at, end)) == 0
        )
    if strong * 2 > pairs:
        return STATEMENT
    if (
        weak > 0
        and pairs == 0
        and is_ascii
        and (words == 0 or (weak > 1 and is_small(points[at]) and is_digit(points[end - 1])))
    ):
        return STATEMENT
    return PROSE if pairs >= 4 and indent < 2 else NEUTRAL


_ELEMENTS = pack("script style code svg math template")
