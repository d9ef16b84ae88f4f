"""What kind of thing a text is, before anyone asks for its language: nothing to read, code, or words.

What has no decorator is compiled by `headrace.scoring.native`.
"""

# mypy: disable-error-code="no-untyped-def,no-untyped-call,untyped-decorator"

from numba import njit

from headrace.scoring.hashed.folding import AT, FIRST_LETTER, OTHER, SPACE, after_name, begins_link, class_of

BLANK, WORDS, CODE = 0, 1, 2
LEAST_MARKS = 2  # of code; one alone proves nothing
WORDS_A_MARK = 4  # code has a mark for so many words or fewer

_ENDINGS = (97, 101, 111, 114, 115)  # a e o r s
_DOUBLE, _SINGLE, _CLOSE, _STAR, _PLUS = 34, 39, 41, 42, 43
_AND, _DOLLAR, _OPEN, _MINUS, _DOT, _SLASH, _COLON, _SEMICOLON = 38, 36, 40, 45, 46, 47, 58, 59
_LESS, _EQUAL, _MORE, _BRACKET, _BACKSLASH, _LINE, _BRACE, _BAR, _UNBRACE = 60, 61, 62, 91, 92, 95, 123, 124, 125


def natures(points, bounds, letters, found):
    """BLANK, WORDS or CODE for each text points[bounds[i]:bounds[i + 1]].

    BLANK has no letter of any script outside links, @names and what is made of digits and Latin letters (v2, 0xff, the parts of a UUID).
    CODE has marks that people put into programs and not into sentences: braces, assignments, calls, members, tags; by count and by words.
    """
    for text in range(len(bounds) - 1):
        at, end = bounds[text], bounds[text + 1]
        words, marks, inside, counted, latin, tag = 0, 0, False, False, False, False
        while at < end:
            point = points[at]
            code = class_of(point, letters)
            if code >= FIRST_LETTER or code == OTHER:
                if not inside and code >= FIRST_LETTER and begins_link(points, at, end):
                    while at < end and class_of(points[at], letters) != SPACE:
                        at += 1
                    continue
                if not inside:
                    counted, latin = at == bounds[text] or not _is_digit(points[at - 1]), True
                    words += counted
                latin = latin and _is_latin(point)
                if not counted and not latin:
                    words += 1
                    counted = True
                inside = True
                at += 1
                continue
            if inside and counted and latin and _is_digit(point):
                words -= 1
            inside = False
            if code == AT:
                at = after_name(points, at + 1, end, letters)
                continue
            if point == 35 or code == SPACE:
                tag = point == 35
            elif 36 <= point <= 125 and not (tag and point == _LINE):
                before = points[at - 1] if at > bounds[text] else 32
                after = points[at + 1] if at + 1 < end else 10
                further = points[at + 2] if at + 2 < end else 10
                marks += _marks_code(before, point, after, further)
            at += 1
        if words == 0:
            found[text] = BLANK
        else:
            found[text] = CODE if marks >= LEAST_MARKS and marks * WORDS_A_MARK >= words else WORDS


@njit(nogil=True)
def _marks_code(before, point, after, further):
    """How many marks of a program an ASCII sign is, from the code points around it: 0, 1, or 2 where prose never has it."""
    if point in (_BRACE, _UNBRACE):
        return 1
    if point == _OPEN and _is_name(before):  # a call; prose has its (s) and (e)
        if further == _CLOSE and after in _ENDINGS:
            return 0
        return 2 if after in (_DOUBLE, _SINGLE, _CLOSE) else 1
    if point == _COLON and before == _CLOSE:  # the head of a block
        return 1 if after <= 32 else 0
    return 1 if _may_mark_code(before, point, after, further) else 0


@njit(nogil=True)
def _may_mark_code(before, point, after, further):
    if point in (_OPEN, _BRACKET):  # an index
        return _is_name(before)
    if point == _LINE:  # snake_case and __name__, not a blank to be filled in
        return _is_name(after) and _is_name(before) and not before == after == _LINE
    if point == _COLON:  # the second of two colons
        return _is_name(after) and before == _COLON
    if point in (_PLUS, _STAR):
        return _is_name(before) and _is_name(after)
    if point == _EQUAL:  # not =) and its like
        return _is_name(after) or after <= 32 or after == 34 or after == 39 or after in (_BRACKET, _BRACE)
    if point == _SEMICOLON:
        return after == 10 or after == 13
    if point == _DOT:  # a member; an abbreviation has single letters
        return _is_small(before) and _is_small(after) and _is_name(further)
    if point == _MORE:  # -> => />
        return before in (_MINUS, _EQUAL, _SLASH)
    if point == _LESS:  # a tag
        return after == _SLASH or _is_small(after)
    if point in (_AND, _BAR, _MINUS):
        return before == point and (point != _MINUS or _is_small(after))
    return point in (_DOLLAR, _BACKSLASH) and _is_name(after) and not _is_digit(after)


@njit(nogil=True)
def _is_digit(point):
    return 48 <= point <= 57


@njit(nogil=True)
def _is_latin(point):
    return 65 <= point <= 90 or 97 <= point <= 122


@njit(nogil=True)
def _is_name(point):
    return _is_digit(point) or _is_latin(point) or point == _LINE


@njit(nogil=True)
def _is_small(point):
    return 97 <= point <= 122
