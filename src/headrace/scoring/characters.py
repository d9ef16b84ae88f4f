"""The table of characters: the lower case of each code point, and whether it is white space or part of a word, as Python itself says."""

import functools
import re

import numpy as np
from numpy.typing import NDArray

#: An entry of the table of characters has the (lower-cased) code point in these bits,
POINT_MASK = 0x1FFFFF
#: this bit if it is white space,
SPACE_BIT = 1 << 21
#: and this one if it is part of a word.
WORD_BIT = 1 << 22
#: The only two characters that a table can't lower: the lower case of one has two code points, that of the other depends on its neighbours.
IRREGULAR = ("\u0130", "\u03a3")

#: Code points from here on are neither letters, digits nor white space, and have no case.
CLASSIFIED = 0x40000


@functools.cache
def table(lower: bool) -> NDArray[np.uint32]:
    """An entry for each of the 0x110000 code points, uint32, read-only: the code point that it becomes, and the bits of its class.

    With `lower` it becomes its lower case (IRREGULAR ones stay what they are), and the bits are those of the lower case. The table is
    made once in a process.
    """
    characters = np.arange(CLASSIFIED, dtype="<u4").tobytes().decode("utf-32-le", "surrogatepass")
    bits = np.zeros(CLASSIFIED, np.uint32)
    for pattern, bit in ((r"\s+", SPACE_BIT), (r"\w+", WORD_BIT)):
        for run in re.finditer(pattern, characters):
            bits[run.start() : run.end()] |= np.uint32(bit)
    entries = np.arange(0x110000, dtype=np.uint32)
    if lower:
        for character in IRREGULAR:
            characters = characters.replace(character, "a")
        entries[:CLASSIFIED] = np.frombuffer(characters.lower().encode("utf-32-le", "surrogatepass"), "<u4")
    entries[:CLASSIFIED] |= bits[entries[:CLASSIFIED]]
    entries.flags.writeable = False
    return entries
