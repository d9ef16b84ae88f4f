"""Names as programs have them, and calls: where they end.

These functions run as they are, and compiled by `headrace.scoring.native` as parts of a kernel.
"""

# mypy: disable-error-code="no-untyped-def,no-untyped-call"

# isort: off
from headrace.scoring.cleaning.signs import (
    CLOSE, COLON, DOT, EQUAL, MINUS, OPEN, PLUS, UNDERSCORE, is_capital, is_latin, is_name, is_small,
)  # fmt: skip

# isort: on


def identifier_end(points, at, stop, end):
    """The index after a name as programs have them, with its call if there is one: my_name, os.path.join, print(), f("x"); or `at`."""
    if not is_latin(points[at]):
        return at
    place, scores, dots, short = at, 0, 0, False
    while place < stop:
        point = points[place]
        if point == DOT and place + 1 < stop and is_name(points[place + 1]) and place > at:
            dots += 1
            short = short or not is_latin(points[place - 1]) or place < at + 2 or points[place - 2] == DOT
        elif point == UNDERSCORE:
            scores += place > at and place + 1 < stop and points[place + 1] != UNDERSCORE and is_name(points[place + 1])
        elif not is_name(point):
            break
        place += 1
    if place == at or (place < end and points[place] > 127):
        return at
    if place < end and points[place] == OPEN:
        call = _call_end(points, place, end, scores + dots > 0)
        if call > place:
            return call
    if place < stop and points[place] not in (COLON, EQUAL, MINUS, PLUS):
        return at
    last = points[place - 1] != DOT and not (place - 2 >= at and points[place - 2] == DOT)
    scores += _is_constant(points, at, place)
    return place if scores > 0 or (dots > 1 and last and not short and is_small(points[at])) else at


def _is_constant(points, at, end):
    """Whether the name is in capitals between underscores: __NAME__, but not Markdown's __strong__."""
    return (
        at > 0
        and at + 1 < end
        and points[at - 1] == points[end - 1] == UNDERSCORE
        and is_capital(points[at])
        and is_capital(points[at + 1])
    )


def _call_end(points, at, end, is_identifier):
    """The index after the arguments of a call, from its ( on; or `at` if they are rather text in brackets, or an ending such as (s)."""
    stop = at + 1
    last = min(end, at + 200)
    if stop < end and points[stop] == CLOSE:
        return stop + 1
    if not is_identifier and not (stop < end and points[stop] in (34, 39)):
        return at
    depth = 1
    while stop < last and depth > 0 and points[stop] < 128:
        depth += (points[stop] == OPEN) - (points[stop] == CLOSE)
        stop += 1
    return stop if depth == 0 else at
