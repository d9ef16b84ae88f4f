"""The tables that `headrace.scoring.hashed.folding` folds texts by: the code of each code point, and which letters compose.

They are built from Python's Unicode data when a model is trained, and saved with its weights: the kernel needs no Python, and a model
folds texts the same way under later versions of Unicode.
"""

# mypy: disable-error-code="no-untyped-call"

import functools
import unicodedata
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from headrace.scoring.hashed.folding import (
    AT,
    COMPOSITIONS,
    FIRST_LETTER,
    JOINER,
    MARK,
    OTHER,
    SEPARATOR,
    SKIPPED,
    SPACE,
    hash_slot,
)

_JOINERS = "'\u2019\u02bc\u00b7\u200c"
_UNSEEN = "\u00ad\u200b\u200d\u200e\u200f\u2060\ufeff\u0640\u05f3\u05f4\u061c"
_UNSEEN_MARKS = ((0x0300, 0x036F), (0x0483, 0x0489), (0x0591, 0x05C7), (0x0610, 0x061A), (0x064B, 0x065F), (0x0670, 0x0670),
                 (0x06D6, 0x06ED), (0x20D0, 0x20F0), (0xFE00, 0xFE0F), (0xFE20, 0xFE2F))  # fmt: skip
_NO_LETTERS = ((0x00AA, 0x00AA), (0x00BA, 0x00BA), (0x2139, 0x2139))
_COMPATIBLE = ((0x2F00, 0x2FDF), (0xF900, 0xFAFF), (0xFB13, 0xFDFF), (0xFE70, 0xFEFF), (0xFF00, 0xFFEF))
# Ranges in which a character that stands for a single letter is that letter: modifiers, small capitals, letter-like symbols, circled
# letters, mathematical alphabets, letters in squares.
_STYLED = ((0x02B0, 0x02E4), (0x1D2C, 0x1DBF), (0x2070, 0x209F), (0x2100, 0x214F), (0x249C, 0x24E9), (0x2C7C, 0x2C7D), (0xA7F2, 0xA7F4),
           (0x1D400, 0x1D7FF), (0x1F110, 0x1F189))  # fmt: skip
_SMALL_CAPITALS: Mapping[str, str] = {
    **dict(zip("ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘꞯʀꜱᴛᴜᴠᴡʏᴢ", "abcdefghijklmnopqrstuvwyz", strict=True)),
    **dict(zip("ᴁᴂᴆᴣ", "ææðʒ", strict=True)),
}
_SQUARED = (0x1F130, 0x1F150, 0x1F170)  # the first of the alphabets in squares, and in dark circles and squares
_REGIONAL = 0x1F1E6  # the first of the letters that flags are made of
#: Code points of the first two planes of Unicode: what a table of letters holds. The second has styled letters.
POINTS = 1 << 17


@functools.cache
def alphabet() -> NDArray[np.uint16]:
    """The codes of the first POINTS code points, uint16: a lower-case letter, or a code below FIRST_LETTER. The array can't be changed."""
    table = np.array([_fold(code) for code in range(POINTS)], np.uint16)
    table.setflags(write=False)
    return table


def padded(table: NDArray[np.uint16]) -> NDArray[np.uint16]:
    """A table of POINTS codes, from one that has only the first plane: styled letters of the second get the codes of the plain ones."""
    if len(table) >= POINTS:
        return table
    styled = [
        code for first, last in (*_STYLED, (_REGIONAL, _REGIONAL + 25)) for code in range(max(first, 1 << 16), last + 1)
    ]
    whole = np.concatenate((table, np.full(POINTS - len(table), SEPARATOR, np.uint16)))
    for code in styled:
        plain = _fold(code)
        whole[code] = table[plain] if plain >= FIRST_LETTER else plain
    return whole


def compositions() -> tuple[NDArray[np.uint32], NDArray[np.uint16]]:
    """A hash table (open addressing) from a lower-case letter and a combining mark to the letter that they make together.

    Keys (uint32: letter << 16 | mark, 0 for a free slot) and values (uint16), both of length COMPOSITIONS.
    """
    keys = np.zeros(COMPOSITIONS, np.uint32)
    values = np.zeros(COMPOSITIONS, np.uint16)
    for code, (base, mark) in _pairs().items():
        key = base << 16 | mark
        slot: int = hash_slot(key)
        while keys[slot]:
            slot = (slot + 1) % COMPOSITIONS
        keys[slot], values[slot] = key, code
    return keys, values


def _pairs() -> dict[int, tuple[int, int]]:
    """Composed lower-case letters, each with its letter and mark."""
    pairs = {}
    for code in range(0xC0, 0x3100):
        parts = unicodedata.decomposition(chr(code)).split()
        if len(parts) == 2 and not parts[0].startswith("<") and chr(code).lower() == chr(code):
            base, mark = (int(part, 16) for part in parts)
            if unicodedata.combining(chr(mark)) and unicodedata.normalize("NFC", chr(base) + chr(mark)) == chr(code):
                pairs[code] = (base, mark)
    return pairs


_MARKS = frozenset(mark for _, mark in _pairs().values())


def _fold(code: int) -> int:
    """The code of one code point. The order of the rules matters: marks that compose lie within _UNSEEN_MARKS too."""
    character = chr(code)
    if character in _JOINERS:
        return JOINER
    if character == "@":
        return AT
    if character.isspace():
        return SPACE
    if code in _MARKS:
        return MARK
    if character in _UNSEEN or _within(code, _UNSEEN_MARKS):
        return SKIPPED
    character = _plain(character)
    if _within(code, _NO_LETTERS) or unicodedata.category(character[0])[0] not in "LM":
        return SEPARATOR
    lower = character.lower()[:1]
    return ord(lower) if ord(lower) < 1 << 16 else OTHER


def _plain(character: str) -> str:
    """The letter that a styled one stands for; other characters as they are, or decomposed if they are but a form of others."""
    code = ord(character)
    if character in _SMALL_CAPITALS:
        return _SMALL_CAPITALS[character]
    if 0 <= code - _REGIONAL < 26:
        return chr(ord("a") + code - _REGIONAL)
    for first in _SQUARED:
        if 0 <= code - first < 26:
            return chr(ord("a") + code - first)
    if _within(code, _COMPATIBLE):
        return unicodedata.normalize("NFKC", character)
    if _within(code, _STYLED):
        inner = unicodedata.normalize("NFKC", character).strip("()")
        if len(inner) == 1 and (inner.isalpha() or code < 1 << 16):
            return inner
        return character if code < 0x2000 else " "
    return character


def _within(code: int, ranges: tuple[tuple[int, int], ...]) -> bool:
    return any(first <= code <= last for first, last in ranges)
