"""Programs: which lines of a text are code, and are no words of it. Prose about code, such as `Use the print() function`, is prose.

A line is code if it has more marks of code than pairs of neighbouring words: prose is words with blanks between them, a program is names
with signs between them. Marks are weak if prose has them too (` = `, ` -> `), and strong if it lacks them (`==`, `);` at the end of a
line).

These functions run as they are, and compiled by `headrace.scoring.native` as parts of a kernel.
"""

# mypy: disable-error-code="no-untyped-def,no-untyped-call"

# isort: off
from headrace.scoring.hashed.marks import MOST, WIDEST, sign_marks
from headrace.scoring.hashed.signs import (
    BANG, CLOSE, COLON, DOLLAR, DOT, DOUBLE, EQUAL, HASH, LESS, LINE_FEED, MINUS, OPEN, RETURN, SEMICOLON, SINGLE, SLASH, STAR,
    TICK, TILDE, UNDERSCORE, holds, is_capital, is_digit, is_latin, is_name, is_small, is_unspaced, pack, packed,
)  # fmt: skip

# isort: on

#: Kinds of lines.
EMPTY, PROSE, NEUTRAL, STATEMENT = range(4)
# Words of programming languages that prose lacks, or has no neighbours for; and those that English has too.
_HARD = pack("""def elif lambda const var func fn int void char bool boolean string float double long unsigned struct enum typedef namespace
    public private protected static final abstract extends implements throws async await export function return printf println
    endif endfor foreach elseif instanceof typeof null nil none true false self""")  # fmt: skip
_SOFT = pack(
    "class import from let new if else for while do in is not and or with as try except catch finally switch case break raise throw"
)
_COMMANDS = pack(
    "sudo git docker npm npx pip pip3 apt yum dnf brew yarn cargo conda kubectl systemctl chmod chown mkdir curl wget ssh scp rsync"
)
_QUERIES = pack("select insert update delete create alter drop")
_CLAUSES = pack("from into set table where values join index database view")
_IMPORTS = pack("import using package require include")
_FROM, _AT, _FILE, _IMPORT = (int(pack(word)[0]) for word in ("from", "at", "file", "import"))
_TRACES = pack("traceback exception caused")


def blank_out(points, size):
    """Turn the lines of code among the first `size` of `points` into blanks. Returns whether the whole text is code.

    It is if some lines are code and none is prose; comments and indented lines don't count as prose.
    """
    statements, prose, at, fenced = 0, 0, 0, 0
    size = min(size, MOST)
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
    strong = _opening(points, at, end)
    if strong < 0:
        return NEUTRAL
    weak, pairs, words, before = 0, 0, 0, 0
    is_ascii, place = True, at
    while place < end:
        point = points[place]
        if is_name(point) or point > 0xBF:
            stop = name_like_end(points, place, end)
            value = _value(points, place, stop)
            if before > 0 and points[place - 1] == 32:
                pairs += min(before, value)
            pairs += stop - place if is_unspaced(point) and stop > place + 4 else 0
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


def _judged(points, at, end, indent, strong, weak, pairs, words, is_ascii):
    """The kind of a line with these marks, pairs of neighbouring words (each counts twice) and words."""
    if points[end - 1] == SEMICOLON and is_ascii:
        has_colon = False
        for place in range(at, end):
            has_colon = has_colon or points[place] == COLON
        strong += (
            strong + weak > 0
            or (has_colon and is_small(points[at]))
            or _value(points, at, name_like_end(points, at, end)) == 0
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


def name_like_end(points, at, end):
    while at < end and (is_name(points[at]) or points[at] > 0xBF):
        at += 1
    return at


def _value(points, at, end):
    """What a word counts for in a pair: 2, or 1 if programs have it too, or 0 if prose lacks it."""
    key = packed(points, at, end)
    if key == 0:
        return 2
    return 0 if holds(_HARD, key) else (1 if holds(_SOFT, key) else 2)


def _opening(points, at, end):
    """The strong marks of how a line begins; -1 if it is a comment or such."""
    first = points[at]
    after = points[at + 1] if at + 1 < end else 32
    if first == HASH:
        return (
            3
            if after == BANG
            or (is_small(after) and _value(points, at + 1, name_like_end(points, at + 1, end)) < 2)
            or (holds(_DIRECTIVES, packed(points, at + 1, name_like_end(points, at + 1, end))))
            else (-1 if after == 32 or after == HASH else 0)
        )
    if (
        (first == SLASH and after in (SLASH, STAR))
        or (first == STAR and after in (SLASH, 32))
        or (first == MINUS and after == MINUS)
    ):
        return -1
    if first in (DOUBLE, SINGLE) and at + 2 < end and after == points[at + 2] == first:
        return -1
    if first == DOLLAR and after == 32 and at + 2 < end and is_small(points[at + 2]):
        return 5
    if not is_latin(first):
        return 0
    stop = name_like_end(points, at, end)
    return _first_word(points, at, stop, end, packed(points, at, stop))


_ELEMENTS = pack("script style code svg math template")
_DIRECTIVES = pack("include define ifdef ifndef endif pragma undef elif region")


def _first_word(points, at, stop, end, key):
    """The strong marks of a line that begins with a word: -1 for the message of an exception."""
    if stop + 1 < end and points[stop] == COLON and stop > at + 6 and _is_exception(points, stop):
        return -1
    if stop + 1 >= end or points[stop] != 32:
        return 0
    if holds(_TRACES, key) and is_capital(points[at]) and points[end - 1] in (COLON, CLOSE, DOUBLE):
        return -1
    if holds(_COMMANDS, key) and is_small(points[at]):
        return 3
    if holds(_QUERIES, key):
        return 6 if _is_query(points, at, stop, end) else 0
    blanks, odd, imports = 0, False, False
    for place in range(stop + 1, end):
        point = points[place]
        blanks += point == 32
        odd = odd or point in (DOT, SEMICOLON, LESS, DOUBLE, SINGLE, UNDERSCORE, OPEN)
        imports = imports or (
            point == 32 and packed(points, place + 1, name_like_end(points, place + 1, end)) == _IMPORT
        )
    if holds(_IMPORTS, key) and is_small(points[at]):
        return 2 if blanks == 0 or (odd and blanks < 3) else 0
    if key == _FROM and is_small(points[at]):
        return 3 if imports else 0
    if key == _AT and is_small(points[at]):
        return 3 if odd and blanks < 2 else 0
    return 3 if key == _FILE and points[stop + 1] == DOUBLE else 0


def _is_exception(points, end):
    """Whether a word is the name of an exception: ...Error, ...Exception."""
    tail = packed(points, end - 5, end)
    return tail in (_ERROR, _EPTION)


_ERROR, _EPTION = (int(pack(word)[0]) for word in ("error", "ption"))


def _is_query(points, at, stop, end):
    """Whether a line that begins with select, insert ... is SQL: a clause follows, in capitals or with signs that prose lacks."""
    capitals, clause, odd = is_capital(points[at + 1]), False, False
    for place in range(stop, end):
        point = points[place]
        odd = odd or point in (STAR, EQUAL, UNDERSCORE, OPEN) or (point == SEMICOLON and place == end - 1)
        if point == 32:
            last = name_like_end(points, place + 1, end)
            if holds(_CLAUSES, packed(points, place + 1, last)):
                clause = clause or not capitals or is_capital(points[place + 1])
    return clause and (capitals or odd)
