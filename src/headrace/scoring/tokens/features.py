"""The features of informal text: hashes of words, of their pairs and triples, and of n-grams of the characters of words.

The functions are compiled, and run as they are before that. They take sequences of integers.
"""

# mypy: disable-error-code="no-untyped-def,no-untyped-call"

from headrace.scoring.tokens.reading import CAPITALS, FACTOR, LONG, MASK, NEGATED, TAG, WORD

#: The n-grams of characters are of so many.
SHORTEST, LONGEST = 2, 5
#: Blocks of features, each weighed by how many of it a text has.
WORDS, CHARACTERS = 0, 1
#: Features of a token, and of a character of a word, at most; and of a text beside them.
PER_TOKEN, PER_CHARACTER, PER_TEXT = 9, LONGEST - SHORTEST + 1, 16

_BEGIN, _END, _EDGE = 3, 5, 32
_IN_NEGATION, _IN_CAPITALS, _AS_LONG, _AS_TAG, _AS_LAST = 0x5BD1E995, 0x33333333, 0x77777777, 0x11111111, 0x02468ACF
_CAPITALS_COUNT, _LONG_COUNT, _LENGTH = 0x10001, 0x20002, 0x30003
_MOST_CAPITALS, _MOST_LONG, _MOST_LENGTH = 4, 3, 6


def most(tokens, characters):
    """How many features a text of so many tokens, with so many characters, has at most."""
    return tokens * (PER_TOKEN + PER_CHARACTER) + characters * PER_CHARACTER + PER_TEXT


def mask_for(features):
    """The mask of a set that so many features half fill at most."""
    places = 64
    while places < 2 * features:
        places *= 2
    return places - 1


def extract(tokens, count, folded, seen, mask, stamp, rows):
    """Write the features of a text to `rows`, each once, as hashes of 32 bits: those of words from the front, those of characters from the
    back; returns how many there are of each.

    `tokens` and `folded` are those of `reading.read`. `seen` is a set, which has `mask` + 1 places, a power of two, twice as many as there
    are features or more. It needs no clearing between texts if each has another `stamp`, from 1 on.
    """
    words = capitals = long = 0
    other = before = _BEGIN
    for place in range(count + 1):
        code, flags = (tokens[4 * place], tokens[4 * place + 3]) if place < count else (_END, 0)
        if place < count:
            words = _add_word(code, flags, seen, mask, stamp, rows, words)
            capitals += flags & CAPITALS != 0
            long += flags & LONG != 0
        pair = _joined(before, code)
        words = _add(pair, seen, mask, stamp, rows, words)
        if flags & NEGATED:
            words = _add(pair ^ _IN_NEGATION, seen, mask, stamp, rows, words)
        if place > 0:
            words = _add(_joined(_joined(other, before), code), seen, mask, stamp, rows, words)
        other, before = before, code
    words = _add(_CAPITALS_COUNT + min(capitals, _MOST_CAPITALS), seen, mask, stamp, rows, words)
    words = _add(_LONG_COUNT + min(long, _MOST_LONG), seen, mask, stamp, rows, words)
    words = _add(_LENGTH + _length(count), seen, mask, stamp, rows, words)
    words = _add(other ^ _AS_LAST, seen, mask, stamp, rows, words)
    return words, _add_characters(tokens, count, folded, seen, mask, stamp, rows)


def _add_word(code, flags, seen, mask, stamp, rows, words):
    words = _add(code, seen, mask, stamp, rows, words)
    if flags & NEGATED:
        words = _add(code ^ _IN_NEGATION, seen, mask, stamp, rows, words)
    if flags & CAPITALS:
        words = _add(code ^ _IN_CAPITALS, seen, mask, stamp, rows, words)
    if flags & LONG:
        words = _add(code ^ _AS_LONG, seen, mask, stamp, rows, words)
    if flags & TAG:
        words = _add(code ^ _AS_TAG, seen, mask, stamp, rows, words)
    return words


def _add_characters(tokens, count, folded, seen, mask, stamp, rows):
    """Write the n-grams of characters to the end of `rows`, backwards; returns how many there are."""
    last, size = len(rows) - 1, 0
    for place in range(count):
        if not tokens[4 * place + 3] & WORD:
            continue
        begin, end = tokens[4 * place + 1], tokens[4 * place + 2]
        for first in range(begin - 1, end):
            code = SHORTEST
            for at in range(first, min(first + LONGEST, end + 1)):
                code = ((code ^ (folded[at] if begin <= at < end else _EDGE)) * FACTOR) & MASK
                if at - first >= SHORTEST - 1 and is_new(mixed(code ^ (at - first)), seen, mask, stamp):
                    rows[last - size] = mixed(code ^ (at - first))
                    size += 1
    return size


def _add(code, seen, mask, stamp, rows, count):
    feature = mixed(code)
    if is_new(feature, seen, mask, stamp):
        rows[count] = feature
        return count + 1
    return count


def is_new(feature, seen, mask, stamp):
    """Put a feature into the set, and say whether it was not there."""
    wanted = stamp << 32 | feature
    place = feature & mask
    while seen[place] >> 32 == stamp:
        if seen[place] == wanted:
            return False
        place = (place + 1) & mask
    seen[place] = wanted
    return True


def mixed(code):
    """All bits of a hash of 32 bits, mixed into each other (Chris Wellons' hash-prospector, with factors below 2 ** 31)."""
    code ^= code >> 15
    code = (code * 0x2C1B3C6D) & MASK
    code ^= code >> 12
    code = (code * 0x297A2D39) & MASK
    return code ^ code >> 15


def _joined(first, second):
    return ((first * 0x3C6EF372) ^ (second * 0x1B873593 + 0x1234567)) & MASK


def _length(count):
    """The length of a text, in steps that double."""
    step = 0
    while step < _MOST_LENGTH and 4 << step < count:
        step += 1
    return step
