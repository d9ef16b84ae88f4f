"""Script groups: letters whose languages are told from each other, and not from the rest.

A language of the Greek script is never confused with one of the Latin script, so their weights need no common table. Each group has a
table of its own, with columns for its languages alone.
"""

import unicodedata
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from headrace.scoring.hashed.folding import FIRST_LETTER

#: The group of letters of all other scripts, and of letters that were not learnt.
UNKNOWN = 0
#: The group of apostrophes and their like, which belong to the word that they stand in.
NEUTRAL = 255
#: The groups, each with the scripts that belong to it: the first words of the names of their letters in Unicode.
SCRIPTS: Mapping[str, tuple[str, ...]] = {
    "latin": ("LATIN", "MODIFIER", "OKINA"),
    "cyrillic": ("CYRILLIC",),
    "arabic": ("ARABIC",),
    "hebrew": ("HEBREW",),
    "devanagari": ("DEVANAGARI",),
    "bengali": ("BENGALI",),
    "ethiopic": ("ETHIOPIC",),
    "tibetan": ("TIBETAN",),
    "east asian": ("CJK", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA", "HANGUL", "BOPOMOFO", "IDEOGRAPHIC", "VERTICAL"),
    "greek": ("GREEK",),
    "thai": ("THAI",),
    "tamil": ("TAMIL",),
    "georgian": ("GEORGIAN",),
    "armenian": ("ARMENIAN",),
    "gujarati": ("GUJARATI",),
    "gurmukhi": ("GURMUKHI",),
    "telugu": ("TELUGU",),
    "kannada": ("KANNADA",),
    "malayalam": ("MALAYALAM",),
    "sinhala": ("SINHALA",),
    "burmese": ("MYANMAR",),
    "khmer": ("KHMER",),
    "lao": ("LAO",),
    "oriya": ("ORIYA",),
    "thaana": ("THAANA",),
}
#: How much a letter counts when the group of a text is chosen; others count 2. Names and brands are in Latin letters in texts of any
#: script, and an ideograph says as much as several letters.
MASSES: Mapping[str, int] = {"latin": 1, "east asian": 4}
OTHER_MASS = 2

_JOINERS = (0x27, 0xB7, 0x200C)
_GROUP_OF: Mapping[str, str] = {script: name for name, scripts in SCRIPTS.items() for script in scripts}


def group_names(letters: NDArray[np.uint16]) -> dict[int, str]:
    """The group of each letter code of an alphabet (`letters.alphabet`), by its name; codes of other scripts are left out."""
    found = {}
    for code in np.unique(letters[letters >= FIRST_LETTER]).tolist():
        script = unicodedata.name(chr(code), "").partition(" ")[0]
        if script in _GROUP_OF:
            found[code] = _GROUP_OF[script]
    return found


def group_table(letters: NDArray[np.uint16], names: tuple[str, ...]) -> NDArray[np.uint8]:
    """For each letter code (65,536) the number of its group: its place in `names` plus 1, or UNKNOWN; NEUTRAL for apostrophes."""
    table = np.zeros(1 << 16, np.uint8)
    table[list(_JOINERS)] = NEUTRAL
    for code, name in group_names(letters).items():
        if name in names:
            table[code] = names.index(name) + 1
    return table


def mass_table(names: tuple[str, ...]) -> NDArray[np.int64]:
    """How much a letter of each group counts, UNKNOWN first."""
    return np.array([1, *(MASSES.get(name, OTHER_MASS) for name in names)], np.int64)
