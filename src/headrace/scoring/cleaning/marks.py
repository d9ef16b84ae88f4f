"""Marks of code: signs that programs have, and prose lacks (strong) or has now and then (weak).

These functions run as they are, and compiled by `headrace.scoring.native` as parts of a kernel.
"""

# mypy: disable-error-code="no-untyped-def,no-untyped-call"

# isort: off
from headrace.scoring.cleaning.signs import (
    AND, BANG, BAR, BRACE, BRACKET, CLOSE, COLON, COMMA, DOLLAR, DOT, DOUBLE, EQUAL, HASH, LESS, MINUS, MORE, OPEN,
    PERCENT, PLUS, QUESTION, SEMICOLON, SINGLE, SLASH, STAR, TICK, UNBRACE, UNBRACKET, is_digit, is_latin, is_name, is_small,
)  # fmt: skip

# isort: on

#: Code points of a text, and of a line, by which it is judged, and the longest look-ahead: they bound the time that a hostile text takes.
MOST, WIDEST, AHEAD = 20_000, 1000, 300
_ENDINGS = (97, 101, 111, 114, 115)  # a e o r s: plurals such as (s) and (e)


def sign_marks(points, begin, at, end, strong):
    """(Strong marks, weak marks, the index to go on at) of the sign at points[at]. `strong` are those of the line so far."""
    point = points[at]
    before = points[at - 1] if at > begin else 10
    after = points[at + 1] if at + 1 < end else 10
    if point == OPEN and is_name(before):
        return _call(points, begin, at, end)
    if point in (OPEN, EQUAL, COMMA, BRACKET, COLON, BRACE, PLUS, 32) or at == begin:
        quote = at if at == begin else at + 1
        while quote < end and points[quote] == 32:
            quote += 1
        if quote < end and points[quote] in (DOUBLE, SINGLE) and (point != 32 or at == begin):
            close = next_sign(points, quote + 1, end, points[quote])
            is_key = close + 1 < end and points[close + 1] == COLON
            if close < end and (is_key or (point != COLON and at > begin) or _closes(points, close + 1, end)):
                marks = (1 if is_key else 0) + (1 if point == BRACE else 0)
                return marks, 1 if point == EQUAL else 0, close + 1
    if point in (LESS, BRACE, TICK, BRACKET, SLASH, UNBRACKET, AND):
        stop = _skipped(points, at, end, before, after, strong)
        if stop > at:
            return 0, 0, stop
    if point == after == EQUAL and before != EQUAL:  # a wikitext heading, or a line under one
        stop = at + 2
        while stop < end and points[stop] == EQUAL:
            stop += 1
        if at == begin or stop == end:
            return 0, 0, stop
    if point == after == BAR and points[begin] == BAR:  # a heading of a table
        return 0, 0, at + 2
    more = _strong(point, before, after, points[at + 2] if at + 2 < end else 10, points[at + 3] if at + 3 < end else 10)
    pair = more > 0 and after in (EQUAL, AND, BAR, COLON, MORE)
    return (
        more,
        0 if more > 0 else _weak(point, before, after),
        at + 2 if pair or (point == EQUAL and after == MORE) else at + 1,
    )


def _closes(points, at, end):
    """Whether nothing but a comma, a bracket or a semicolon follows."""
    return at >= end or points[at] in (COMMA, CLOSE, UNBRACKET, UNBRACE, SEMICOLON)


def next_sign(points, at, end, sign):
    """The index of the next `sign`, or `end` if there is none, or none within AHEAD."""
    last = min(end, at + AHEAD)
    while at < last and points[at] != sign:
        at += 1
    return at if at < last else end


def _call(points, begin, at, end):
    """The marks of a ( after a name."""
    after = points[at + 1] if at + 1 < end else 10
    further = points[at + 2] if at + 2 < end else 10
    name = at
    while name > begin and is_name(points[name - 1]):
        name -= 1
    if after <= 32 or (further == CLOSE and after in _ENDINGS) or is_digit(points[name]):
        return 0, 0, at + 1
    if after in (DOUBLE, SINGLE):
        close = next_sign(points, at + 2, end, after)
        return (1, 0, close + 1) if close < end else (0, 1, at + 1)
    if after == CLOSE:
        return 1, 0, at + 2
    plain = is_small(points[name]) or (name > begin and points[name - 1] == DOT)
    return (1, 0, at + 1) if plain and after < 128 else (0, 1, at + 1)


def _skipped(points, at, end, before, after, strong):
    """The index after markup, a template, an address, code in ticks or a comment at points[at], which says nothing; or `at`."""
    point = points[at]
    if point == LESS:
        close = (
            next_sign(points, at, end, MORE) if is_latin(after) or after in (SLASH, BANG, QUESTION, PERCENT) else end
        )
        if close == end and is_latin(after) and not is_name(before):  # cut off
            close = next_sign(points, at, end, EQUAL)
            return end if close + 1 < end and points[close + 1] in (DOUBLE, SINGLE) else at
        return close + 1 if close < end else at
    if point == BRACE:
        if after in (BRACE, PERCENT, HASH, UNBRACE) or before in (DOLLAR, HASH, PERCENT):
            close = next_sign(points, at, end, UNBRACE)
            return min(close + 1 + (after == BRACE), end)
        close = next_sign(points, at, min(end, at + 80), UNBRACE)
        blank = next_sign(points, at, min(end, at + 80), 32)
        return close + 1 if close < blank and is_name(after) else at
    if point == TICK:
        close = next_sign(points, at + 1, end, TICK)
        return close + 1 if close < end else at
    if point == AND:
        close = next_sign(points, at, min(end, at + 10), SEMICOLON) if is_latin(after) or after == HASH else end
        return close + 1 if close < min(end, at + 10) else at
    if point == BRACKET and (after in (SLASH, STAR) or (not is_name(before) and is_latin(after))):
        close = next_sign(points, at, end, UNBRACKET)
        return close if close < end and close > at else at
    if point == UNBRACKET and after == OPEN:
        close = next_sign(points, at, end, CLOSE)
        return close + 1 if close < end else at
    if point == SLASH and after == SLASH:
        return next_sign(points, at, end, 32) if before == COLON else (end if strong > 0 else at)
    return at


def _strong(point, before, after, further, last):
    """How many strong marks of code an ASCII sign is, given the code points around it."""
    if point == BRACE:
        return 1 if after <= 32 or after in (DOUBLE, SINGLE) or before in (32, CLOSE) else 0
    if point == UNBRACE:
        return 1 if before <= 32 or before in (SEMICOLON, DOUBLE, UNBRACKET) else 0
    if point == EQUAL:
        if after == EQUAL or (before in (BANG, PLUS, STAR, PERCENT, BAR) and after <= 32):
            return 1
        return 1 if is_name(before) and (is_name(after) or after in (DOUBLE, SINGLE)) else 0
    if point in (AND, BAR):
        return 1 if after == point else 0
    if point == COLON:
        return (
            1 if (after == COLON and is_name(before) and is_name(further)) or (before == CLOSE and after <= 32) else 0
        )
    if point == MINUS:
        if after == MORE and (is_name(before) or before == CLOSE) and is_name(further):
            return 1
        if before == 32 and is_latin(after):
            return 1 if further <= 32 or (is_small(after) and is_small(further) and last <= 32) else 0
        return 1 if before == 32 and after == MINUS and is_small(further) else 0
    if point == BRACKET:
        return 1 if is_name(before) and not is_digit(after) else 0
    return 0


def _weak(point, before, after):
    """How many weak marks of code an ASCII sign is: operators between blanks, and what prose has now and then."""
    if point == DOLLAR:
        return 1 if is_latin(after) and before <= 32 else 0
    if point in (EQUAL, MINUS, PLUS, STAR, SLASH, LESS, MORE, PERCENT):
        return (
            1
            if before == 32 and (after == 32 or (after == MORE and point in (EQUAL, MINUS))) and point != MINUS
            else (1 if after == MORE and point in (EQUAL, MINUS) else 0)
        )
    return 1 if point == SEMICOLON and after == 32 else 0
