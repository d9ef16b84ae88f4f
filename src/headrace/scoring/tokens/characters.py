"""What each character is to a reader of informal text, and its small letter."""

import unicodedata
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

#: Kinds of characters. A PICTURE is a token of its own, as emoji are; a SILENT one is passed over, as the colour of a hand is.
BLANK, LETTER, DIGIT, MARK, PICTURE, SILENT = range(6)
#: Code points from here on are letters: ideographs that are rarely used.
LAST = 0x20000
#: Symbols from here on are pictures: arrows, dingbats, emoji.
PICTURES = 0x2190

_APOSTROPHES, _QUOTES = (0x60, 0xB4, 0x2018, 0x2019, 0x02BC), (0x201C, 0x201D, 0x201E)
_SILENT = (0x200B, 0x200C, 0x200D, 0xFEFF, *range(0xFE00, 0xFE10), *range(0x1F3FB, 0x1F400))


@dataclass(frozen=True, slots=True, eq=False)
class Characters:
    """`kinds` (uint8, LAST): the kind of each code point. `small` (uint32, LAST): its small letter, itself if it has none."""

    kinds: NDArray[np.uint8]
    small: NDArray[np.uint32]

    @classmethod
    def new(cls) -> Self:
        """Those of this Python's version of Unicode. A model keeps those that it was trained with."""
        kinds = np.array([_kind(chr(point)) for point in range(LAST)], np.uint8)
        small = np.array([_small(chr(point)) for point in range(LAST)], np.uint32)
        kinds[[*_SILENT]], kinds[[*_APOSTROPHES]] = SILENT, MARK
        small[[*_APOSTROPHES]], small[[*_QUOTES]] = ord("'"), ord('"')
        return cls(kinds, small)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The tables as they are saved: where runs of one kind begin, the kinds of the runs, and letters with their small ones."""
        starts = np.flatnonzero(np.diff(self.kinds, prepend=np.uint8(255))).astype(np.uint32)
        letters = np.flatnonzero(self.small != np.arange(LAST)).astype(np.uint32)
        return {
            "kind_starts": starts,
            "kinds": self.kinds[starts],
            "letters": letters,
            "small_letters": self.small[letters],
        }

    @classmethod
    def from_arrays(
        cls,
        kind_starts: NDArray[np.uint32],
        kinds: NDArray[np.uint8],
        letters: NDArray[np.uint32],
        small_letters: NDArray[np.uint32],
    ) -> Self:
        """The tables that `arrays` gave. Raises ValueError for arrays that it can't have given."""
        sizes: NDArray[np.int64] = np.diff(np.append(kind_starts.astype(np.int64), LAST))
        sound = len(kind_starts) == len(kinds) and len(letters) == len(small_letters) and len(kinds) > 0
        if not sound or kind_starts[0] != 0 or (sizes < 1).any() or (letters >= LAST).any() or (kinds > SILENT).any():
            raise ValueError("the tables of characters don't fit together")
        small = np.arange(LAST, dtype=np.uint32)
        small[letters] = small_letters
        return cls(np.repeat(kinds, sizes), small)


def _kind(character: str) -> int:
    category = unicodedata.category(character)
    if category[0] in "LM":
        return LETTER
    if category[0] == "N":
        return DIGIT
    if category[0] == "S" and ord(character) >= PICTURES:
        return PICTURE
    return MARK if category[0] in "PS" else BLANK


def _small(character: str) -> int:
    lower = character.lower()
    return ord(lower) if len(lower) == 1 else ord(character)
