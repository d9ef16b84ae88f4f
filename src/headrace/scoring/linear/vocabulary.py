"""The exact table of n-grams in which kernels look terms up: open addressing, at most half full."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headrace.scoring.linear.counting import LONG_BIT, MULTIPLIER


def build(terms: Sequence[str]) -> dict[str, NDArray[Any]]:
    """The table of these terms; terms[i] is feature i. Terms are distinct and not empty; there may be none.

    `slots` (a power of two, 2) uint64: key and feature, key 0 for a free slot. `pool` uint32: the code points of all terms of more than
    three characters, end to end. `spans` (terms + 1,) int64: where each term lies in the pool; shorter terms have empty spans.
    """
    points = np.frombuffer("".join(terms).encode("utf-32-le", "surrogatepass"), np.uint32)
    lengths = np.fromiter(map(len, terms), np.int64, len(terms))
    ends = np.cumsum(lengths)
    keys = _keys(points, ends - lengths, lengths)
    spans = np.zeros(len(terms) + 1, np.int64)
    np.cumsum(np.where(lengths > 3, lengths, 0), out=spans[1:])
    return {"slots": _place(keys), "pool": points[np.repeat(lengths > 3, lengths)], "spans": spans}


def _keys(points: NDArray[np.uint32], starts: NDArray[np.int64], lengths: NDArray[np.int64]) -> NDArray[np.uint64]:
    """The key of each term, as the kernel's `extend_key` and `look_up` compute it, for all terms at once."""
    keys = np.zeros(len(starts), np.uint64)
    for length in range(int(lengths.max(initial=0))):
        longer = np.flatnonzero(lengths > length)
        point = points[starts[longer] + length].astype(np.uint64) + np.uint64(1)
        if length < 3:
            keys[longer] = (keys[longer] << np.uint64(21)) | point
        else:
            mixed = (keys[longer] ^ point) * MULTIPLIER
            keys[longer] = mixed ^ (mixed >> np.uint64(29))
    return np.where(lengths > 3, keys | LONG_BIT, keys)


def _place(keys: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Slots with each key in the first free one from its own on; earlier features get the nearer slots."""
    bits = max(2 * len(keys), 2).bit_length()
    slots = np.zeros((1 << bits, 2), np.uint64)
    features = np.arange(len(keys), dtype=np.uint64)
    wanted = (keys * MULTIPLIER) >> np.uint64(64 - bits)
    waiting = np.arange(len(keys))
    while len(waiting):
        free = waiting[slots[wanted[waiting], 0] == 0]
        _, first = np.unique(wanted[free], return_index=True)
        placed = free[first]
        slots[wanted[placed], 0], slots[wanted[placed], 1] = keys[placed], features[placed]
        waiting = np.setdiff1d(waiting, placed, assume_unique=True)
        taken = waiting[slots[wanted[waiting], 0] != 0]
        wanted[taken] = (wanted[taken] + np.uint64(1)) & np.uint64((1 << bits) - 1)
    return slots
