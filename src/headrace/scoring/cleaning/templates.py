"""Templates: where placeholders end, such as {name}, {{ name }}, %s, $name and :name.

These functions run as they are, and compiled by `headrace.scoring.native` as parts of a kernel.
"""

# mypy: disable-error-code="no-untyped-def,no-untyped-call"

# isort: off
from headrace.scoring.cleaning import signs
from headrace.scoring.cleaning.signs import (
    BRACE, STAR, BAR, CLOSE, COLON, COMMA, DOLLAR, DOT, DOUBLE, HASH, LONGEST, MINUS, OPEN, PERCENT, PLUS, SEMICOLON, SHORT, UNBRACE,
    UNDERSCORE, find, find_pair, holds, is_capital, is_digit, is_latin, is_name, is_small, is_wordy, name_end, pack, packed,
)  # fmt: skip

# isort: on

#: Code points of the longest name of several words, such as {first name}.
_NAMED = 30
_CHOICES = pack("plural select number date time choice")


def brace_end(points, at, end, nexts):
    """Templates: {name}, {0:.2f}, {{ name }}, {% if %}, {# comment #}, {count, plural, ...}."""
    if at + 1 >= end:
        return at
    after = points[at + 1]
    if after == BRACE:
        close = find_pair(points, at + 2, end, UNBRACE, UNBRACE, nexts, signs.NEXT_DOUBLE_UNBRACE)
        if close > end or close - at > LONGEST:
            return at
        return close + (close < end and points[close] == UNBRACE)
    if after == PERCENT or (after == HASH and at + 2 < end and points[at + 2] <= 32):
        slot = signs.NEXT_STATEMENT_BRACE if after == PERCENT else signs.NEXT_COMMENT_BRACE
        close = find_pair(points, at + 2, end, after, UNBRACE, nexts, slot)
        return close if close <= end else at
    close = find(points, at + 1, end, UNBRACE, nexts, signs.NEXT_UNBRACE)
    if close == end:
        return at
    if find(points, at + 1, end, 32, nexts, signs.NEXT_BLANK) > close:
        return close + 1 if close - at <= SHORT and _is_placeholder(points, at + 1, close) else at
    first = at + 1 + (points[at + 1] == 32)
    name = name_end(points, first, min(end, at + SHORT))
    while name > first and name + 1 < end and points[name] == DOT and is_latin(points[name + 1]):
        name = name_end(points, name + 1, min(end, at + SHORT))
    if first > at + 1 and name > first and name + 1 == close and points[name] == 32:
        return close + 1
    choice = choice_end(points, at, end)
    if choice > at:
        return choice
    return close + 1 if close - at <= _NAMED and _is_name_of_words(points, at + 1, close) else at


def _is_placeholder(points, at, end):
    """Whether what is in braces, without a blank, is a name with what may belong to it, and not text or a program's statement."""
    for place in range(at, end):
        point = points[place]
        if point == SEMICOLON or point < 32 or (point in (DOUBLE, BRACE) and place == at):
            return False
    return True


def _is_name_of_words(points, at, end):
    """Whether what is in braces is a few words of letters, as in {first name}."""
    blanks = 0
    for place in range(at, end):
        blanks += points[place] == 32
        if not (is_latin(points[place]) or points[place] == 32 or 0xC0 <= points[place] < 0x530):
            return False
    return blanks <= 2


def choice_end(points, at, end):
    """The index after ICU's {count, plural, one {# message} other {# messages}} at points[at:], or `at`."""
    comma = at + 1
    while comma < min(end, at + SHORT) and (is_name(points[comma]) or points[comma] in (32, DOT)):
        comma += 1
    if comma == at + 1 or comma >= end or points[comma] != COMMA:
        return at
    kind = comma + 1
    while kind < end and points[kind] == 32:
        kind += 1
    if not holds(_CHOICES, packed(points, kind, name_end(points, kind, min(end, kind + 20)))):
        return at
    depth = 0
    for place in range(at, min(end, at + 500)):
        depth += (points[place] == BRACE) - (points[place] == UNBRACE)
        if depth == 0:
            return place + 1
    return at


def percent_end(points, at, end):
    """Placeholders: %s, %-5.2f, %1$s, %(name)d, %{name}, %NAME%."""
    stop = at + 1
    last = min(end, at + 50)
    if stop < last and points[stop] in (OPEN, BRACE):
        close = CLOSE if points[stop] == OPEN else UNBRACE
        stop = name_end(points, stop + 1, last)
        if stop >= last or points[stop] != close or stop == at + 2:
            return at
        return stop + 2 if close == CLOSE and stop + 1 < end and is_latin(points[stop + 1]) else stop + 1
    name = name_end(points, stop, last)
    if name > stop + 1 and name < end and points[name] == PERCENT and is_latin(points[stop]):
        is_glued = name + 1 < end and (is_name(points[name + 1]) or points[name + 1] >= 0xC0)
        if is_capital(points[stop]) or not is_glued:
            return name + 1
    numbered = False
    while stop < last and (is_digit(points[stop]) or points[stop] in (DOLLAR, DOT, PLUS, MINUS)):
        numbered = numbered or points[stop] == DOLLAR
        stop += 1
    while stop < last and points[stop] in (104, 108, 122):  # h l z: sizes
        stop += 1
    if stop >= last or points[stop] not in (64, 69, 71, 88, 97, 99, 100, 101, 102, 103, 105, 111, 112, 115, 117, 120):
        return at
    stop += 1
    return stop if numbered or stop == end or not (is_latin(points[stop]) or points[stop] >= 0xC0) else at


def dollar_end(points, at, end, nexts):
    """Variables: ${name}, $name, $(name)."""
    if at + 1 >= end:
        return at
    after = points[at + 1]
    if after == BRACE:
        close = find(points, at + 2, end, UNBRACE, nexts, signs.NEXT_UNBRACE)
        return close + 1 if close < end and close - at <= SHORT else at
    if not is_latin(after) and after != UNDERSCORE:
        return at
    stop = name_end(points, at + 1, end)
    while stop + 1 < end and (points[stop] == DOT and is_small(points[stop + 1])):
        stop = name_end(points, stop + 1, end)
    return stop


def colon_end(points, at, end, letters):
    """Placeholders :name, and :emoji_names:."""
    if at + 1 >= end or not is_small(points[at + 1]):
        return at
    stop = name_end(points, at + 1, end)
    if stop < end and points[stop] == COLON:
        return stop + 1
    return at if stop < end and is_wordy(points[stop], letters) else stop


def merge_tag_end(points, at, end):
    """Mailchimp's *|NAME|*."""
    for place in range(at + 2, min(end - 1, at + 40)):
        if points[place] == BAR and points[place + 1] == STAR:
            return place + 2
    return at
