"""HTML and XML: where tags, comments and elements of code end, and what entities stand for.

These functions run as they are, and compiled by `headrace.scoring.native` as parts of a kernel.
"""

# mypy: disable-error-code="no-untyped-def,no-untyped-call"

# isort: off
from headrace.scoring.cleaning import signs
from headrace.scoring.cleaning.signs import (
    BANG, BAR, BRACKET, COLON, DOT, EQUAL, HASH, LESS, LONGEST, MINUS, MORE, PERCENT, QUESTION, SEMICOLON, SHORT, SLASH, find, find_pair,
    hexadecimal, holds, is_capital, is_digit, is_latin, is_name, pack, packed,
)  # fmt: skip

# isort: on

_BLOCKS = pack("script style code svg math template")
_KNOWN = pack("""a abbr article aside b blockquote body br button center div em font footer form h1 h2 h3 h4 h5 h6 head header hr html i
    iframe img input label li link main meta nav ol option p pre script section select small span strong style sub sup table tbody td
    textarea th thead title tr u ul video""")  # fmt: skip
_INLINE = pack("b i u em strong wbr")


def tag_end(points, at, end, nexts):
    """HTML, XML, PHP, ERB: a tag with its attributes, a comment, a declaration, or a whole element of code (script, style, code)."""
    if at + 2 >= end:
        return at
    after = points[at + 1]
    if after == BANG:
        return _declaration_end(points, at, end, nexts)
    if after in (QUESTION, PERCENT):
        slot = signs.NEXT_QUESTION if after == QUESTION else signs.NEXT_STATEMENT
        close = find_pair(points, at + 2, end, after, MORE, nexts, slot)
        return at if close > end else close
    closes = after == SLASH
    name = at + 1 + closes
    if points[name] == HASH and name + 1 < end and is_latin(points[name + 1]):  # FreeMarker's <#if>, Slack's <#channel>
        close = find(points, name, end, MORE, nexts, signs.NEXT_MORE)
        return close + 1 if close < end and close - at <= LONGEST else at
    if not is_latin(points[name]):
        return at
    stop = _tag_name_end(points, name, end)
    if stop == end or not (points[stop] == MORE or points[stop] == SLASH or points[stop] <= 32):
        return at
    close = find(points, stop, end, MORE, nexts, signs.NEXT_MORE)
    if (
        points[stop - 1] == COLON and close < end and close - at <= LONGEST
    ):  # <https://...>, and Slack's <https://...|text>
        bar = find(points, stop, end, BAR, nexts, signs.NEXT_BAR)
        return bar + 1 if bar < close else close + 1
    key = packed(points, name, stop)
    if close == end:  # cut off
        return end if end - at < LONGEST and holds(_KNOWN, key) and has_attribute(points, stop, end) else at
    if close - at > LONGEST or find(points, at + 1, end, LESS, nexts, signs.NEXT_LESS) < close:
        return at
    may_be_text = not closes and points[stop] <= 32 and not holds(_KNOWN, key) and points[close - 1] != SLASH
    if may_be_text and not has_attribute(points, stop, close):  # <your name>
        return at
    if closes or not holds(_BLOCKS, key) or points[close - 1] == SLASH:
        return close + 1
    return _element_end(points, close + 1, end, name, stop - name, nexts)


def _tag_name_end(points, at, end):
    last = min(end, at + SHORT)
    while at < last and (is_name(points[at]) or points[at] in (MINUS, COLON, DOT)):
        at += 1
    return at


def has_attribute(points, at, end):
    while at < end and points[at] != EQUAL:
        at += 1
    return at < end


def _declaration_end(points, at, end, nexts):
    if at + 3 < end and points[at + 2] == points[at + 3] == MINUS:
        close = nexts[signs.NEXT_COMMENT]
        if close < at:
            close = at + 4
            while close + 2 < end and not (points[close] == points[close + 1] == MINUS and points[close + 2] == MORE):
                close += 1
            nexts[signs.NEXT_COMMENT] = close
        return close + 3 if close + 2 < end else at
    if points[at + 2] == BRACKET:  # <![CDATA[: its text stays
        return at + 9 if at + 9 < end and points[at + 8] == BRACKET else at
    close = find(points, at + 2, end, MORE, nexts, signs.NEXT_MORE)
    return close + 1 if close < end and close - at <= LONGEST and is_latin(points[at + 2]) else at


def _element_end(points, at, end, name, length, nexts):
    """The index after the closing tag of the element whose tag ends before points[at], or `at` if nothing closes it."""
    if nexts[signs.NEXT_BLOCK] == end:
        return at
    place = at
    while place + length + 2 < end:
        if points[place] == LESS and points[place + 1] == SLASH:
            same = True
            for sign in range(length):
                same = same and points[place + 2 + sign] | 32 == points[name + sign] | 32
            if same:
                close = find(points, place, end, MORE, nexts, signs.NEXT_MORE)
                return min(close + 1, end)
        place += 1
    nexts[signs.NEXT_BLOCK] = end
    return at


def is_inline_tag(points, at, end):
    """Whether the tag at points[at:] is one that may stand inside a word, such as <b>."""
    at += 1 + (points[at + 1] == SLASH)
    return holds(_INLINE, packed(points, at, min(_tag_name_end(points, at, end), end)))


def entity(points, at, end):
    """The entity at points[at:], such as &uuml; or &#252;: (its length, the code point that it stands for, a combining mark).

    The length is 0 if none is there. The code point is a blank for signs, and 0 for what leaves no trace. The mark is 0 for most.
    """
    last = min(end, at + 32)
    stop = at + 1
    if stop < last and points[stop] == HASH:
        return _numeric(points, at, last)
    while stop < last and (is_latin(points[stop]) or is_digit(points[stop])):
        stop += 1
    if stop < at + 3 or stop >= last or points[stop] != SEMICOLON:
        return 0, 0, 0
    key, length = packed(points, at + 1, stop), stop + 1 - at
    for place in range(len(_ENTITIES)):
        if _ENTITIES[place] == key:
            point = _ENTITY_POINTS[place]
            capital = is_capital(points[at + 1]) and point >= 0xE0
            return length, point - (1 if point == 0x153 else 32) * capital, 0
    accent = packed(points, at + 2, stop)
    for place in range(len(_ACCENTS)):
        if _ACCENTS[place] == accent:
            return length, points[at + 1], _ACCENT_MARKS[place]
    return length, 32, 0


_ENTITIES = tuple(
    int(pack(name)[0])
    for name in ["szlig", "aelig", "oelig", "oslash", "eth", "thorn", "shy", "zwnj", "zwj", "rsquo", "lsquo", "apos"]
)
_ENTITY_POINTS = (0xDF, 0xE6, 0x153, 0xF8, 0xF0, 0xFE, 0, 0x200C, 0, 39, 39, 39)
_ACCENTS = tuple(
    int(pack(name)[0]) for name in ["grave", "acute", "circ", "tilde", "uml", "ring", "cedil", "caron", "slash"]
)
_ACCENT_MARKS = (0x300, 0x301, 0x302, 0x303, 0x308, 0x30A, 0x327, 0x30C, 0x338)


def _numeric(points, at, last):
    """&#252; or &#xfc;"""
    stop, number = at + 2, 0
    by_sixteen = stop < last and points[stop] | 32 == 120
    stop += by_sixteen
    first = stop
    while stop < last and number < 1 << 21:
        digit = hexadecimal(points[stop])
        if digit < 0 or (digit > 9 and not by_sixteen):
            break
        number = number * (16 if by_sixteen else 10) + digit
        stop += 1
    if stop == first or stop >= last or points[stop] != SEMICOLON:
        return 0, 0, 0
    if (number < 48 and number != 39) or number >= 0x110000 or number in (60, 62, 64):
        number = 32
    return stop + 1 - at, number, 0
