"""A glance at a text: whether it has nothing but words and plain punctuation, as most have, told without a jump at each character.

It looks at classes of neighbouring characters only, and rather doubts a text too many: `content` looks closer at those in doubt.

The functions without types run as they are, and compiled by `headrace.scoring.native` as parts of a kernel.
"""

# mypy: disable-error-code="no-untyped-def,no-untyped-call"

import numpy as np
from numpy.typing import NDArray

from headrace.scoring.cleaning.classes import BLANK, BREAK, FOREIGN, LEADS, LETTER, PLAIN, QUIET, ascii_class, says
from headrace.scoring.hashed.folding import FIRST_LETTER, JOINER, OTHER, SEPARATOR

#: More classes, for a glance: the hyphen; letters of Latin-1; Cyrillic letters by the bytes that they are in UTF-8 and Windows-1251, which
#: tell good text from broken; signs beyond ASCII; and what asks for a closer look wherever it stands.
_HYPHEN, _ACCENTED, _SMALL, _CAPITAL, _SHARED, _RARE, _LATE, _SIGN, _DOUBTFUL = range(12, 21)
_CYRILLIC = frozenset({_SMALL, _CAPITAL, _SHARED, _RARE, _LATE})
_FOREIGN = _CYRILLIC | {FOREIGN, _ACCENTED}
_CLASSES = 32
#: What is seen at a glance: what asks for a closer look, and words.
DOUBT, WORDS = 1, 2
#: So many words of one letter may be a word spaced out.
SINGLES = 4


def table(letters: NDArray[np.uint16]) -> NDArray[np.uint8]:
    """The class of each character of the Basic Multilingual Plane, and behind them that of all others; uint8, (65,537,).

    `letters` is the table of codes (see `letters.alphabet`).
    """
    codes = letters[: 1 << 16]
    points = np.arange(1 << 16)
    words = (codes >= FIRST_LETTER) | (codes == OTHER)
    made = np.full((1 << 16) + 1, _DOUBTFUL, np.uint8)
    kinds = made[:-1]
    kinds[(codes == SEPARATOR) | (codes == JOINER)] = _SIGN
    kinds[
        words & ((points >= 0x100) & (points < 0x2B0) | (points >= 0x370) & (points < 0x2000) | (points >= 0x2C00))
    ] = FOREIGN
    kinds[words & (points >= 0xC0) & (points < 0x100)] = _ACCENTED
    kinds[words & (points >= 0x400) & (points < 0x460)] = _RARE
    kinds[words & (points >= 0x410) & (points < 0x430)] = _CAPITAL
    kinds[words & (points >= 0x430) & (points < 0x450)] = _SMALL
    kinds[words & np.isin(points, (0x451, 0x454, 0x456, 0x457, 0x458))] = _SHARED
    kinds[words & (points >= 0x460) & (points < 0x530)] = _LATE
    kinds[np.isin(points, (0x102, 0x139, *LEADS))] = _DOUBTFUL
    kinds[:128] = [ascii_class(point) for point in range(128)]
    kinds[ord("-")] = _HYPHEN
    return made


def _pair(before: int, kind: int) -> int:
    """What a character of one class after one of another says at a glance."""
    plain = {_HYPHEN: QUIET, _SIGN: QUIET, **dict.fromkeys(_FOREIGN, FOREIGN)}
    is_word = kind == LETTER or kind in _FOREIGN
    doubt = (
        kind == _DOUBTFUL
        or says(plain.get(before, before), plain.get(kind, kind)) != PLAIN
        or (before in (BLANK, BREAK) and kind == _HYPHEN)
        or (before == _ACCENTED and kind in (_FOREIGN | {_SIGN}))
        or (before == LETTER and kind in _CYRILLIC)
        or (before in _CYRILLIC and kind == LETTER)
        or (before == _SMALL and kind in (_CAPITAL, _RARE, _SIGN, FOREIGN, _ACCENTED))
        or (before == _CAPITAL and kind in (_SHARED, _RARE, _SIGN, FOREIGN, _ACCENTED))
    )
    return (DOUBT if doubt else 0) | (WORDS if is_word else 0)


_PAIRS = bytes(_pair(before, kind) for before in range(_CLASSES) for kind in range(_CLASSES))


def glance(points, begin, end, kinds):
    """DOUBT if points[begin:end] may be more than words and plain punctuation, WORDS if they have letters, or both; `kinds` by `table`."""
    found, singles, before, was_blank, began = 0, 0, BLANK, True, False
    for at in range(begin, end):
        kind = kinds[min(points[at], 0x10000)] + 0
        is_blank = (kind == BLANK) | (kind == BREAK)
        found |= _PAIRS[before * _CLASSES + kind]
        singles += is_blank & began
        before, was_blank, began = kind, is_blank, was_blank & (not is_blank)
    singles += began
    return found | (DOUBT if singles >= SINGLES else 0)
