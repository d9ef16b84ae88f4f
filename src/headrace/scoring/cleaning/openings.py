"""How a line of a program begins: keywords, commands, queries, directives, comments, the lines of a stack trace.

These functions run as they are, and compiled by `headrace.scoring.native` as parts of a kernel.
"""

# mypy: disable-error-code="no-untyped-def,no-untyped-call"

# isort: off
from headrace.scoring.cleaning.signs import (
    BANG, CLOSE, COLON, DOLLAR, DOT, DOUBLE, EQUAL, HASH, LESS, MINUS, OPEN, SEMICOLON, SINGLE, SLASH, STAR, UNDERSCORE, holds,
    is_capital, is_latin, is_name, is_small, name_like_end, pack, packed,
)  # fmt: skip

# isort: on

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
_SUBCOMMANDS = pack("""install uninstall upgrade update remove add commit push pull clone checkout merge rebase fetch stash run build exec
    start stop restart ps compose apply apt pip pip3 docker systemctl service""")
_QUERIES = pack("select insert update delete create alter drop")
_CLAUSES = pack("from into set table where values join index database view")
_IMPORTS = pack("import using package require include")
_FROM, _AT, _FILE, _IMPORT, _AS = (int(pack(word)[0]) for word in ("from", "at", "file", "import", "as"))
_TRACES = pack("traceback exception caused")


def begins_command(points):
    """Whether a text begins with the name of a command or with `import`, so that it may be a program even without any sign."""
    stop = 0
    while stop < len(points) and stop < 12 and is_name(points[stop]):
        stop += 1
    if stop < 3 or stop == len(points) or points[stop] != 32 or not is_small(points[0]):
        return False
    key = packed(points, 0, stop)
    return key == _IMPORT or holds(_COMMANDS, key)


def ends_statement(points):
    """Whether a text ends with a semicolon."""
    stop = len(points)
    while stop > 0 and points[stop - 1] <= 32:
        stop -= 1
    return stop > 0 and points[stop - 1] == SEMICOLON


def pair_value(points, at, end):
    """What a word counts for in a pair: 2, or 1 if programs have it too, or 0 if prose lacks it."""
    key = packed(points, at, end)
    if key == 0:
        return 2
    return 0 if holds(_HARD, key) else (1 if holds(_SOFT, key) else 2)


def opening(points, at, end):
    """The strong marks of how a line begins; -1 if it is a comment or such."""
    first = points[at]
    after = points[at + 1] if at + 1 < end else 32
    if first == HASH:
        return (
            3
            if after == BANG
            or (is_small(after) and pair_value(points, at + 1, name_like_end(points, at + 1, end)) < 2)
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
        return 5 if holds(_SUBCOMMANDS, packed(points, stop + 1, name_like_end(points, stop + 1, end))) else 1
    if holds(_QUERIES, key):
        return 6 if _is_query(points, at, stop, end) else 0
    blanks, odd, imports, renames = 0, False, False, False
    for place in range(stop + 1, end):
        point = points[place]
        blanks += point == 32
        odd = odd or point in (DOT, SEMICOLON, LESS, DOUBLE, SINGLE, UNDERSCORE, OPEN)
        if point == 32:
            word = packed(points, place + 1, name_like_end(points, place + 1, end))
            imports, renames = imports or word == _IMPORT, renames or (blanks == 1 and word == _AS)
    if holds(_IMPORTS, key) and is_small(points[at]):
        if renames and blanks == 2:  # import numpy as np
            return 3
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
