"""BBCode, wikitext, Markdown and LaTeX: where their pieces end.

Each function gets the index of the sign that may begin a piece, and returns the index after the piece, or the same index if none begins
there. No look-ahead is longer than LONGEST, unless it is one of `signs.find`, which reads a text once. So it is in `html`, `templates`,
`addresses` and `paths`.

These functions run as they are, and compiled by `headrace.scoring.native` as parts of a kernel.
"""

# mypy: disable-error-code="no-untyped-def,no-untyped-call"

# isort: off
from headrace.scoring.cleaning import signs
from headrace.scoring.cleaning.html import has_attribute
from headrace.scoring.cleaning.signs import (
    BACKSLASH, BANG, BAR, BRACE, BRACKET, CARET, CLOSE, DOUBLE, EQUAL, LINE_FEED, LONGEST, OPEN, SHORT, SINGLE, SLASH, STAR, TICK,
    UNBRACE, UNBRACKET, find, hexadecimal, holds, is_latin, is_name, name_end, pack, packed,
)  # fmt: skip

# isort: on

_BBCODE = pack("""b i u s url img code quote color colour size list li font center left right align email table tr td th spoiler youtube
    video hr sup sub pre indent attach media user h1 h2 h3 h4 h5 h6 justify highlight noparse php html mention""")  # fmt: skip
_CODE = int(pack("code")[0])
_COMMANDS = pack("newline newpage noindent today tiny rm relax textwidth")
_KEYED = pack("begin end usepackage ref cite citep label input include pageref eqref hspace vspace")


def bracket_end(points, at, end, nexts):
    """BBCode tags, WordPress's shortcodes, Markdown's check boxes and footnotes, and what stands before the text of a wikitext link."""
    if at + 2 >= end:
        return at
    close = find(points, at + 1, end, UNBRACKET, nexts, signs.NEXT_UNBRACKET)
    if close == end or close - at > LONGEST:
        return at
    after = points[at + 1]
    if after == BRACKET:
        bar = find(points, at + 2, end, BAR, nexts, signs.NEXT_BAR)
        return bar + 1 if bar < close else at + 2
    if after in (SLASH, CARET) or (after == STAR and close == at + 2):
        return close + 1 if close - at <= 30 else at
    if after == BANG:  # GitHub's [!NOTE]
        return close + 1 if close - at <= 30 else at
    name = name_end(points, at + 1, min(close, at + 30))
    if name == at + 1:
        return at
    sign = points[name]
    if sign == UNBRACKET:
        if name == at + 2 and after in (88, 120):
            return close + 1
        key = packed(points, at + 1, name)
        if key == _CODE:
            return _element_end_in_brackets(points, close + 1, end, nexts)
        return close + 1 if holds(_BBCODE, key) else at
    if sign == EQUAL:
        return close + 1
    return close + 1 if sign == 32 and has_attribute(points, name, min(close, name + 40)) else at


def _element_end_in_brackets(points, at, end, nexts):
    """The index after [/code], or `at`."""
    if nexts[signs.NEXT_BLOCK] == end:
        return at
    for place in range(at, end - 6):
        if points[place] == BRACKET and points[place + 1] == SLASH and packed(points, place + 2, place + 6) == _CODE:
            return place + 7
    nexts[signs.NEXT_BLOCK] = end
    return at


def link_target_end(points, at, end, nexts):
    """What follows the text of a Markdown link, from its ] on: (address "title"), or [reference]."""
    if at + 2 >= end:
        return at
    after = points[at + 1]
    if after == OPEN:
        close = find(points, at + 2, end, CLOSE, nexts, signs.NEXT_CLOSE)
        blank = find(points, at + 2, end, 32, nexts, signs.NEXT_BLANK)
        if close == end or close - at > LONGEST:
            return at
        if blank < close:
            titled = blank + 1 < end and points[blank + 1] in (DOUBLE, SINGLE, EQUAL, OPEN) and blank > at + 2
            return close + 1 if titled else at
        while close + 1 < end and points[close + 1] == CLOSE:  # an address may end in )
            close += 1
        titled = close + 2 < end and points[close + 1] == 32 and points[close + 2] in (DOUBLE, SINGLE)
        if titled and _has_open(points, at + 2, close):
            last = close + 3
            while last < min(end, close + 200) and points[last] != CLOSE:
                last += 1
            close = last if last < end and points[last] == CLOSE else close
        return close + 1
    if after == BRACKET:
        close = find(points, at + 2, end, UNBRACKET, nexts, signs.NEXT_UNBRACKET)
        blank = find(points, at + 2, end, 32, nexts, signs.NEXT_BLANK)
        return close + 1 if close < end and close - at <= 40 and blank > close else at
    return at


def tick_end(points, at, end, nexts):
    """Markdown's code: `span`, and blocks between fences."""
    stop = at
    while stop < end and points[stop] == points[at]:
        stop += 1
    if stop - at >= 3:
        close = nexts[signs.NEXT_FENCE]
        if close < stop:
            close = stop
            while close + 2 < end and not (points[close] == points[close + 1] == points[close + 2] == points[at]):
                close += 1
            nexts[signs.NEXT_FENCE] = close
        if close + 2 < end:
            close += 3
            while close < end and points[close] == points[at]:
                close += 1
            return close
        return end if at == 0 or points[at - 1] in (LINE_FEED, 32) else stop  # cut off
    if points[at] != TICK or (at > 0 and (is_name(points[at - 1]) or points[at - 1] >= 0xC0)):
        return at
    close = find(points, stop, end, TICK, nexts, signs.NEXT_TICK)
    if close >= end or close == stop or close - at > 300 or (close + 1 < end and is_latin(points[close + 1])):
        return at
    while close + 1 < end and points[close + 1] == TICK:
        close += 1
    return close + 1


def backslash_end(points, at, end, nexts):
    """LaTeX's commands and the escapes of programs: \\textbf, \\item, \\n. What a command has in braces is text, or a key of _KEYED."""
    stop = at + 1
    while stop < end and is_latin(points[stop]):
        stop += 1
    if stop == at + 1:
        return at
    key = packed(points, at + 1, stop)
    has_argument = stop < end and points[stop] in (BRACE, BRACKET)
    if points[at + 1] in (110, 114, 116) and not (has_argument and stop > at + 2) and not holds(_COMMANDS, key):
        return at + 2  # \\n \\r \\t
    if has_argument and holds(_KEYED, key):
        close = find(points, stop, end, UNBRACE, nexts, signs.NEXT_UNBRACE)
        return close + 1 if close < end and close - at <= SHORT else stop
    return stop


def follows_command(points, at):
    """Whether the brace at points[at] follows a command of LaTeX."""
    place = at
    while place > 0 and at - place < 20 and is_latin(points[place - 1]):
        place -= 1
    return 0 < place < at and points[place - 1] == BACKSLASH


def escaped(points, at, end):
    """The code point of an escape such as \\u00fc at points[at:], or 0."""
    if at + 6 > end or points[at + 1] != 117:
        return 0
    number = 0
    for place in range(at + 2, at + 6):
        digit = hexadecimal(points[place])
        if digit < 0:
            return 0
        number = number * 16 + digit
    return number if not 0xD800 <= number < 0xE000 else 32


def _has_open(points, at, end):
    """Whether a bracket opens in points[at:end]."""
    while at < end and points[at] != OPEN:
        at += 1
    return at < end
