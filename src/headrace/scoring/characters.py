"""What becomes of each code point: its lower case, and whether it is white space or part of a word, as Python itself says."""

import functools
import re

import numpy as np
from numpy.typing import NDArray

from headrace.scoring.linear.analyzers import SPACE_BIT, WORD_BIT

# The only two whose lower case is not one code point of their own: it has two, or depends on what stands around.
UNRULY = ("\u0130", "\u03a3")

PLAIN = 0x40000  # from here on no character is a letter, a digit or white space


@functools.cache
def table(lower: bool) -> NDArray[np.uint32]:
    """For each of the 0x110000 code points: what it becomes, and the kernel's bits for what that is; uint32, read-only."""
    every = np.arange(PLAIN, dtype="<u4").tobytes().decode("utf-32-le", "surrogatepass")
    kinds = np.zeros(PLAIN, np.uint32)
    for pattern, bit in ((r"\s+", SPACE_BIT), (r"\w+", WORD_BIT)):
        for run in re.finditer(pattern, every):
            kinds[run.start() : run.end()] |= np.uint32(bit)
    entries = np.arange(0x110000, dtype=np.uint32)
    if lower:
        for character in UNRULY:
            every = every.replace(character, "a")
        entries[:PLAIN] = np.frombuffer(every.lower().encode("utf-32-le", "surrogatepass"), "<u4")
    entries[:PLAIN] |= kinds[entries[:PLAIN]]
    entries.flags.writeable = False
    return entries
