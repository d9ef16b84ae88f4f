"""Mojibake: text that was decoded by the wrong encoding, such as `FÃ¼r` for `Für`, and how it is repaired where that is certain.

Two kinds are certain enough. UTF-8 that was read as a single-byte encoding has sequences that no text has otherwise: a letter for the lead
byte, and signs for the bytes that continue it. Single-byte text of another alphabet that was read as Latin-1 has whole words of nothing but
accented letters; it is decoded if that makes most of them the commonest letters of one alphabet.

These functions run as they are, and compiled by `headrace.scoring.native` as parts of a kernel.
"""

# mypy: disable-error-code="no-untyped-def,no-untyped-call"

import math

#: The encodings that UTF-8 is taken for, by their index. They have no code point from POINTS on.
WESTERN, CYRILLIC, DOS, DOS_WESTERN, CENTRAL, MAC = range(6)
POINTS = 0x2600
#: Times that a text is decoded: UTF-8 may have been read wrongly more than once.
ROUNDS = 3
#: Letters that a text needs before its alphabet is guessed by their frequencies.
MIN_GUESSED = 6


def _bytes_by_point(encoding: str) -> bytes:
    """For each code point below POINTS its byte from 128 on, or 0."""
    table = bytearray(POINTS)
    if encoding == "cp1252":
        table[128:256] = range(128, 256)  # Latin-1 has control characters where Windows has others
    for byte in range(128, 256):
        point = ord(bytes([byte]).decode(encoding, "replace"))
        if 128 <= point < POINTS:
            table[point] = byte
    return bytes(table)


def _bytes_of_dos() -> bytes:
    """Those of the code pages 437 and 866, which agree on the signs that lead bytes of UTF-8 become."""
    american, cyrillic = map(_bytes_by_point, ("cp437", "cp866"))
    return bytes(first or second for first, second in zip(american, cyrillic, strict=True))


_BYTES = b"".join(
    [
        *map(_bytes_by_point, ("cp1252", "cp1251")),
        _bytes_of_dos(),
        *map(_bytes_by_point, ("cp850", "cp1250", "mac_roman")),
    ]
)
#: What may follow a letter in good text, so that it proves nothing: dashes, quotation marks, an ellipsis, the no-break space.
_NATURAL = (
    "\u00a0\u00a7\u00ab\u00b7\u00b4\u00bb\u2013\u2014\u2018\u2019\u201a\u201c\u201d\u201e\u2022\u2026\u2039\u203a"
)

# Single-byte encodings of other alphabets, each with its letters, the commonest first.
_ALPHABETS = (
    ("cp1251", "оеаинтсрвлкмдпуяыьгзбчйхжшюіїєцщэфъё"),
    ("koi8_r", "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфъё"),
    ("iso8859_7", "αοιετσνηυρπκμλςίόάέήθγύδχώωφβξζψϊϋ"),
    ("cp1255", "יוהלארתבמשנםדקעפחכטגסזןצךףץ"),
    ("cp1256", "اليمونرتبةعدسفهكقحجأشطصخذضغئزثىءظإؤآ"),
    ("cp874", "านรอกเงมย่ล้วัดทสีตะิปบคุหแจพชขใไูโผซถณศ็์ึืำ"),
)
_KOI8 = 1


def _points_by_byte(encoding: str) -> str:
    return bytes(range(128, 256)).decode(encoding, "replace")


def _likelihood(sign: str, letters: str, capital: int) -> int:
    """How likely a letter is in text, from 2 (it is none) to 15, on a logarithmic scale: letters follow Zipf's law, roughly. A capital is
    less likely by `capital`."""
    if sign.lower() not in letters:
        return 5 if sign.isalpha() else 2
    return round(15 - 2.2 * math.log(1 + letters.index(sign.lower()))) - capital * (sign != sign.lower())


_DECODED = "".join(_points_by_byte(encoding) for encoding, _ in _ALPHABETS)
_UPPER_HALVES = bytes(ord(sign) >> 8 for sign in _DECODED)
_LOWER_HALVES = bytes(ord(sign) & 255 for sign in _DECODED)
# Of each alphabet in text of both cases, then of each in text of one case: KOI8-R has capitals where Windows-1251 has small letters.
_LIKELY = b"".join(
    bytes(_likelihood(sign, letters, capital) for sign in _points_by_byte(encoding))
    for capital in (3, 0)
    for encoding, letters in _ALPHABETS
)
#: Of this mean likelihood is good text of an alphabet, and no other; that of the next alphabet is lower by the margin, in tenths.
_GOOD, _MARGIN = 9, 7
_NATURAL_BYTES = bytes(chr(point) in _NATURAL for point in range(POINTS))


def repair(points, places, size):
    """Repair the first `size` of `points` in place, with `places`, the index that each has in the original; returns the new size."""
    for _ in range(ROUNDS):
        before = size
        best, most = 0, 0
        for encoding in (WESTERN, CYRILLIC, DOS, DOS_WESTERN, CENTRAL, MAC):
            found = _sequences(points, size, encoding)
            if found > most:
                best, most = encoding, found
        if most > 0:
            size = _decode_utf8(points, places, size, best)
        if size == before:
            break
    _decode_alphabet(points, size)
    return size


def _byte(point, encoding):
    """The byte from 128 on that stands for a code point in one of the encodings, or 0."""
    return _BYTES[encoding * POINTS + point] if point < POINTS else 0


def sequence(points, at, end, encoding):
    """The UTF-8 sequence at points[at:]: (its length, what it decodes to), or (0, 0) if none is there."""
    lead = _byte(points[at], encoding)
    if lead < 0xC2 or lead > 0xF4 or lead in (0xCA, 0xCB):  # phonetic letters, which nobody means
        return 0, 0
    length = 2 if lead < 0xE0 else (3 if lead < 0xF0 else 4)
    if at + length > end:
        return 0, 0
    point = lead & (0xFF >> (length + 1))
    for place in range(at + 1, at + length):
        byte = _byte(points[place], encoding)
        if byte < 0x80 or byte >= 0xC0:
            return 0, 0
        point = point << 6 | (byte & 63)
    if (length == 3 and (point < 0x800 or 0xD800 <= point < 0xE000)) or (
        length == 4 and not 0x10000 <= point < 0x110000
    ):
        return 0, 0
    return length, point


def _sequences(points, size, encoding):
    """How many sequences a text has if it is certainly UTF-8 that was read by this encoding; else 0.

    It is if the sequences outnumber the letters that are in none, and one of them cannot be a letter with the punctuation after it.
    """
    found, telling, sure, others, at = 0, 0, 0, 0, 0
    while at < size:
        length, point = sequence(points, at, size, encoding) if points[at] > 127 else (0, 0)
        if length == 0:
            others += points[at] >= 0xC0
            at += 1
            continue
        found += 1
        natural = (
            at == 0 or encoding != WESTERN or points[at] > 0xC5 or not 97 <= points[at - 1] <= 122
        )  # no capital within a word
        for place in range(at + 1, at + length):
            natural = natural and _NATURAL_BYTES[points[place]] != 0 and points[at] < 0x2000
        telling += not natural
        are_letters = encoding == CENTRAL and 0xC0 <= points[at + 1] < 0x180
        sure += not natural and not are_letters and _is_usual(points[at], point, encoding)
        at += length
    if encoding in (CYRILLIC, CENTRAL) and found < 3 * others:  # many sequences of these are two letters of good text
        return 0
    is_sure = sure >= 1 and encoding != CYRILLIC
    return found if (is_sure or telling >= 2) and found >= others else 0


def _is_usual(lead, point, encoding):
    """Whether a sequence is one of those that a single one proves: accented letters and signs of Latin-1, typographic signs, emoji."""
    if encoding != WESTERN:
        return point >= 0xC0
    return lead <= 0xC5 or 0x2010 <= point < 0x2040 or point in (0x20AC, 0x2122, 0xFEFF) or point >= 0x1F000


def _decode_utf8(points, places, size, encoding):
    at, written = 0, 0
    while at < size:
        length, point = sequence(points, at, size, encoding) if points[at] > 127 else (0, 0)
        if length == 0 and encoding == WESTERN and (at + 1 == size or points[at + 1] == 32):
            if points[at] == 0xC3:  # the no-break space after it, a part of à, was made a blank
                point = 0xE0
            elif points[at] == 0xC2:
                point = 32
        points[written] = point if point > 0 else points[at]
        places[written] = places[at]
        at += max(length, 1)
        written += 1
    return written


def _decode_alphabet(points, size):
    """Decode single-byte text of another alphabet that was read as Latin-1, or KOI8-R that was read as Windows-1251."""
    in_high, high, upper, latin, cyrillic, run, capitals, swapped = 0, 0, 0, 0, 0, 0, 0, False
    for at in range(size):
        point = points[at]
        if 0xC0 <= point < 0x100:
            run += 1
            in_high += 1 if run > 3 else (3 if run == 3 else 0)
            high += 1
            upper += point < 0xE0
            continue
        run = 0
        latin += 65 <= point <= 90 or 97 <= point <= 122
        if 0x410 <= point < 0x450:
            cyrillic += 1
            capitals += point < 0x430
            swapped = swapped or (point < 0x430 and at > 0 and 0x430 <= points[at - 1] < 0x450)
    if in_high >= MIN_GUESSED and in_high >= 2 * latin and 2 * in_high >= high:
        _decode_best(points, size, 0 if 0 < upper < high else len(_ALPHABETS))
    elif cyrillic >= MIN_GUESSED and swapped and capitals * 10 >= cyrillic * 6:
        _decode_swapped(points, size, cyrillic)


def _decode_best(points, size, first):
    """Decode by the alphabet whose letters are then as frequent as in good text, if one stands out. `first` is the place in _LIKELY of
    the first alphabet."""
    best, most, second, count = 0, 0, 0, 0
    for alphabet in range(len(_ALPHABETS)):
        likely, count = 0, 0
        for at in range(size):
            byte = _byte(points[at], WESTERN) if points[at] > 127 else 0
            if byte > 0:
                likely += _LIKELY[(first + alphabet) * 128 + byte - 128]
                count += 1
        if likely > most:
            best, most, second = alphabet, likely, most
        elif likely > second:
            second = likely
    if most < _GOOD * count or 10 * (most - second) < _MARGIN * count:
        return
    for at in range(size):
        byte = _byte(points[at], WESTERN) if points[at] > 127 else 0
        if byte > 0 and _LIKELY[best * 128 + byte - 128] > 2:
            points[at] = _decoded(best, byte)


def _decode_swapped(points, size, letters):
    """Decode KOI8-R that was read as Windows-1251, in which capitals and small letters change places."""
    now, then = 0, 0
    for at in range(size):
        byte = _byte(points[at], CYRILLIC) if 0x410 <= points[at] < 0x450 else 0
        if byte > 0:
            now += _LIKELY[(byte ^ 32) - 128]  # as if case were not swapped
            then += _LIKELY[_KOI8 * 128 + byte - 128]
    if then < _GOOD * letters or 10 * (then - now) < _MARGIN * letters:
        return
    for at in range(size):
        byte = _byte(points[at], CYRILLIC) if 0x400 <= points[at] < 0x460 else 0
        if byte > 0:
            points[at] = _decoded(_KOI8, byte)


def _decoded(alphabet, byte):
    place = alphabet * 128 + byte - 128
    return _UPPER_HALVES[place] << 8 | _LOWER_HALVES[place]
