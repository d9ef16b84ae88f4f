"""The tables that `headrace.scoring.hashed.folding` folds texts by: the code of each code point, and which letters compose.

They are built from Python's Unicode data when a model is trained, and saved with its weights: the kernel needs no Python, and a model
folds texts the same way under later versions of Unicode.
"""

# mypy: disable-error-code="no-untyped-call"

import unicodedata

import numpy as np
from numpy.typing import NDArray

from headrace.scoring.hashed.folding import AT, COMPOSITIONS, JOINER, MARK, OTHER, SEPARATOR, SKIPPED, SPACE, hash_slot

_JOINERS = "'\u2019\u02bc\u00b7\u200c"
_UNSEEN = "\u00ad\u200b\u200d\u200e\u200f\u2060\ufeff\u0640\u05f3\u05f4\u061c"
_UNSEEN_MARKS = ((0x0300, 0x036F), (0x0483, 0x0489), (0x0591, 0x05C7), (0x0610, 0x061A), (0x064B, 0x065F), (0x0670, 0x0670),
                 (0x06D6, 0x06ED), (0xFE00, 0xFE0F), (0xFE20, 0xFE2F))  # fmt: skip
_NO_LETTERS = ((0x2100, 0x214F), (0x00AA, 0x00AA), (0x00BA, 0x00BA))
_COMPATIBLE = ((0xFB50, 0xFDFF), (0xFE70, 0xFEFF), (0xFF00, 0xFFEF))


def alphabet() -> NDArray[np.uint16]:
    """The codes of the 65,536 code points of the Basic Multilingual Plane, uint16: a lower-case letter, or a code below FIRST_LETTER."""
    return np.array([_fold(code) for code in range(1 << 16)], np.uint16)


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
    if _within(code, _NO_LETTERS) or unicodedata.category(character)[0] not in "LM":
        return SEPARATOR
    if _within(code, _COMPATIBLE):
        character = unicodedata.normalize("NFKC", character)
    lower = character.lower()[:1]
    return ord(lower) if ord(lower) < 1 << 16 else OTHER


def _within(code: int, ranges: tuple[tuple[int, int], ...]) -> bool:
    return any(first <= code <= last for first, last in ranges)
