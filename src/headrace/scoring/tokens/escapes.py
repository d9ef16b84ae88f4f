r"""Escapes in texts: entities of HTML, and \u2019 as JSON writes it, which data that was copied too often has.

The functions are compiled, and run as they are before that. They take sequences of integers.
"""

# mypy: disable-error-code="no-untyped-def,no-untyped-call"

_AMPERSAND, _BACKSLASH, _SEMICOLON, _HASH, _SMALL_U, _SMALL_X = map(ord, "&\\;#ux")
_ZERO, _NINE, _SMALL_A, _SMALL_F, _SMALL = ord("0"), ord("9"), ord("a"), ord("f"), 32
#: The longest entity that is read: `&#x1f600;` is one of nine characters.
LONGEST = 10
_LAST_POINT = 0x10FFFF
_HIGH, _LOW = 0xD800, 0xDC00  # where the two halves of surrogate pairs begin


def unescape(points, begin, end, out):
    """Write points[begin:end] to `out`, with the characters that its escapes stand for; returns how many there are."""
    size, at = 0, begin
    while at < end:
        point, after = points[at], at + 1
        if point == _AMPERSAND:
            point, after = _entity(points, at, end)
        elif point == _BACKSLASH:
            point, after = _escaped(points, at, end)
        out[size] = point
        size += 1
        at = after
    return size


def _escaped(points, at, end):
    """The character of the escape at points[at], two of them if they are a surrogate pair, and where it ends; a backslash if there is
    none."""
    value = _unit(points, at, end)
    if value == 0:
        return _BACKSLASH, at + 1
    if _HIGH <= value < _LOW:
        low = _unit(points, at + 6, end)
        if _LOW <= low < _LOW + 0x400:
            return 0x10000 + ((value - _HIGH) << 10) + low - _LOW, at + 12
    return value, at + 6


def _unit(points, at, end):
    """The number of the escape at points[at]; 0 if there is none."""
    if at + 5 < end and points[at] == _BACKSLASH and points[at + 1] == _SMALL_U:
        return _number(points, at + 2, at + 6, 16)
    return 0


def _entity(points, at, end):
    """The character of the entity at points[at], and where it ends; the ampersand itself if there is none."""
    stop = at + 1
    while stop < end and stop < at + LONGEST and points[stop] != _SEMICOLON:
        stop += 1
    if stop < end and points[stop] == _SEMICOLON:
        value = _named(points, at + 1, stop)
        if value > 0:
            return value, stop + 1
    return _AMPERSAND, at + 1


def _named(points, begin, stop):
    """The character of the entity's name or number; 0 if it is none that is known."""
    if points[begin] == _HASH:
        if stop - begin > 2 and points[begin + 1] | _SMALL == _SMALL_X:
            return _number(points, begin + 2, stop, 16)
        return _number(points, begin + 1, stop, 10)
    code = 0
    for at in range(begin, stop):
        code = (code * 131 + points[at]) & 0xFFFFFFFF
    for place in range(len(_CODES)):
        if _CODES[place] == code:
            return _VALUES[place]
    return 0


def _number(points, begin, stop, base):
    """The number that these digits write, if it is a character's; else 0."""
    value = 0
    for at in range(begin, stop):
        point = points[at] | _SMALL
        if _ZERO <= point <= _NINE:
            value = value * base + point - _ZERO
        elif base == 16 and _SMALL_A <= point <= _SMALL_F:
            value = value * base + point - _SMALL_A + 10
        else:
            return 0
    return value if value <= _LAST_POINT else 0


def _code(name: str) -> int:
    code = 0
    for character in name:
        code = (code * 131 + ord(character)) & 0xFFFFFFFF
    return code


_NAMES = (
    ("amp", "&"),
    ("lt", "<"),
    ("gt", ">"),
    ("quot", '"'),
    ("apos", "'"),
    ("nbsp", " "),
    ("hellip", "…"),
    ("rsquo", "’"),
)
_CODES, _VALUES = tuple(_code(name) for name, _ in _NAMES), tuple(ord(value) for _, value in _NAMES)
