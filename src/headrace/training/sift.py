"""Sifting: of each text, the words of the script that it is written in, as the scorer chooses it."""

# mypy: disable-error-code="no-untyped-def,no-untyped-call"

from dataclasses import dataclass

import numpy as np
from numba import types
from numpy.typing import NDArray

from headrace.scoring.hashed.folding import BOUNDARY, FIRST_LETTER
from headrace.scoring.hashed.scripts import NEUTRAL
from headrace.scoring.native import array, compiled

_SIFT = (
    array(types.uint16),
    array(types.int64),
    array(types.uint8),
    array(types.int64),
    array(types.uint16, mutable=True),
    array(types.int64, mutable=True),
    array(types.uint8, mutable=True),
)


@dataclass(frozen=True, eq=False)
class Sifted:
    """Encoded texts, each reduced to the words of its group.

    The codes of text i are codes[bounds[i]:bounds[i + 1]]: BOUNDARY word BOUNDARY word BOUNDARY. groups[i] is its group, UNKNOWN if it has
    no letters, or most of them are of no group.
    """

    codes: NDArray[np.uint16]
    bounds: NDArray[np.int64]
    groups: NDArray[np.uint8]

    def of_group(self, group: int) -> tuple[NDArray[np.int64], NDArray[np.uint16], NDArray[np.int64]]:
        """The indexes of a group's texts, their codes, end to end, and the bounds of these (one more than texts)."""
        chosen = np.flatnonzero(self.groups == group)
        sizes = (self.bounds[1:] - self.bounds[:-1])[chosen]
        bounds = np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes)])
        kept = np.repeat(self.groups == group, self.bounds[1:] - self.bounds[:-1])
        return chosen, self.codes[: self.bounds[-1]][kept], bounds


def sift(
    codes: NDArray[np.uint16], bounds: NDArray[np.int64], table: NDArray[np.uint8], masses: NDArray[np.int64]
) -> Sifted:
    """Sift encoded texts. `table` (uint8, 65,536) has the group of each letter, `masses` (int64, groups + 1) what a letter counts."""
    count = len(bounds) - 1
    kept, ends, groups = (
        np.empty(len(codes) + count, np.uint16),
        np.zeros(count + 1, np.int64),
        np.empty(count, np.uint8),
    )
    compiled(_sift, _SIFT)(codes, bounds, table, masses, kept, ends, groups)
    return Sifted(kept[: ends[-1]].copy(), ends, groups)


def _sift(codes, bounds, table, masses, kept, ends, groups):
    """Fill kept, ends and groups. Compiled."""
    end = 0
    sums = np.empty(len(masses), np.int64)
    for text in range(len(bounds) - 1):
        sums[:] = 0
        for at in range(bounds[text], bounds[text + 1]):
            group = table[codes[at]]
            if codes[at] >= FIRST_LETTER and group != NEUTRAL:
                sums[group] += masses[group]
        best = 0
        for group in range(1, len(sums)):
            if sums[group] > sums[best]:
                best = group
        groups[text] = best
        begin = end
        kept[end] = BOUNDARY
        end += 1
        for at in range(bounds[text], bounds[text + 1]):
            code = codes[at]
            if code != BOUNDARY and (table[code] == best or (table[code] == NEUTRAL and kept[end - 1] != BOUNDARY)):
                kept[end] = code
                end += 1
            elif kept[end - 1] != BOUNDARY:
                kept[end] = BOUNDARY
                end += 1
        if end - begin > 1 and kept[end - 1] != BOUNDARY:
            kept[end] = BOUNDARY
            end += 1
        ends[text + 1] = end
