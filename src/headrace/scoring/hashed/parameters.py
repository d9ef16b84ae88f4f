"""What a hashed softmax consists of, and how its file is read."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from headrace.errors import Misconfigured
from headrace.scoring import weights
from headrace.scoring.cleaning import signs
from headrace.scoring.hashed import folding
from headrace.scoring.hashed.features import LANES
from headrace.scoring.hashed.letters import POINTS, padded

#: The kind that is written to the metadata of the weights.
KIND = "hashed"
#: Of each table in `HashedParameters.layout`: its first byte, its rows, the bytes of a row, its first column, and its columns.
FIRST_BYTE, BUCKETS, ROW_BYTES, FIRST_COLUMN, COLUMNS = range(5)
#: Bytes that memory delivers at once.
CACHE_LINE = 64
#: The owner of a column that stands for texts in none of the labels.
NONE = -1

#: The index of the best label of each text, its probability, the probability of none of the labels, and the probabilities of all labels,
#: without rows unless they were asked for.
Scored = tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]


class Cleaned(NamedTuple):
    """What `content.clean` leaves of texts: the code points that are words, end to end, where each text begins and the last ends, and the
    kind of content of each text.

    `points` may be longer than the last of `bounds`. `origins` has the index of the original of each code point, or is empty if it was not
    asked for.
    """

    points: NDArray[np.uint32]
    bounds: NDArray[np.int64]
    origins: NDArray[np.int64]
    kinds: NDArray[np.int8]

    @classmethod
    def room(cls, points: NDArray[np.uint32], bounds: NDArray[np.int64], *, origins: bool = False) -> "Cleaned":
        """Room for what is left of these texts."""
        size, texts = len(points), len(bounds) - 1
        places = np.empty(size if origins else 0, np.int64)
        return cls(np.empty(size, np.uint32), np.empty(texts + 1, np.int64), places, np.empty(texts, np.int8))

    def end_in(self, points: NDArray[np.uint32], bounds: NDArray[np.int64], text: int, end: int) -> int:
        """Where what ends before self.points[end] ends in the original `points`: the last code point counts with all that it was read from,
        such as an entity, but not with markup behind it.
        """
        last = int(self.origins[end - 1])
        if points[last] == self.points[end - 1]:
            return last + 1
        return int(self.origins[end] if end < self.bounds[text + 1] else bounds[text + 1])


def scratch(bounds: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """The arrays `text`, `places` and `nexts` that `content.clean` works in."""
    longest = int(np.diff(bounds).max(initial=0))
    return np.empty(longest, np.int64), np.empty(longest, np.int64), np.empty(signs.NEXTS, np.int64)


_FOLDING: Mapping[str, Any] = {"letters": ("uint16", 1), "keys": ("uint32", 1), "values": ("uint16", 1)}
_SHAPES: Mapping[str, Any] = {
    "weights": ("int8", 1),
    "layout": ("int64", 2),
    "owners": ("int16", 1),
    "gains": ("float64", 2),
    "biases": ("float64", 1),
    "groups": ("uint8", 1),
    "masses": ("int64", 1),
    **_FOLDING,
}
_ONE_TABLE: Mapping[str, Any] = {"weights": ("int8", 1), "gains": ("float64", 1), **_FOLDING}


@dataclass(frozen=True, slots=True, eq=False)
class HashedParameters:
    """All that a hashed softmax consists of: one or more tables of weights, each for a group of letters.

    `weights` (int8, flat): the rows of all tables, followed by `features.LANES` unused bytes, so that the kernel may read past the last
    row. With 8 `bits`, a byte is a weight. With 4, a row of n bytes, a multiple of 16, has 2 n weights of -8 to 7, stored plus 8: the first
    n in the lower halves of the bytes, the others in the upper halves. `layout` (int64, tables x 5): where each table lies, by the
    constants above. Columns of all tables are numbered through: `owners` (int16) has the label of each, an index, or NONE; `biases`
    (float64) what is added to its log odds.

    `gains` (float64, tables x n): the factors that turn sums of weights over 1, 2, 4, 8 ... features into log odds. `letters` (uint16),
    `keys` (uint32) and `values` (uint16): the tables of `headrace.scoring.hashed.letters`. `groups` (uint8, 65,536): the number of a
    letter's table plus 1, `scripts.UNKNOWN` or `scripts.NEUTRAL`; `masses` (int64, tables + 1): how much a letter of each counts when the
    table of a text is chosen. `flags`: the features beside character n-grams, `features.WORDS | features.PAIRS`.
    """

    labels: tuple[str, ...]
    flags: int
    bits: int
    weights: NDArray[np.int8]
    layout: NDArray[np.int64]
    owners: NDArray[np.int16]
    gains: NDArray[np.float64]
    biases: NDArray[np.float64]
    groups: NDArray[np.uint8]
    masses: NDArray[np.int64]
    letters: NDArray[np.uint16]
    keys: NDArray[np.uint32]
    values: NDArray[np.uint16]

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The arrays that are saved, by name."""
        return {name: getattr(self, name) for name in _SHAPES}

    def aligned(self, place: int) -> "HashedParameters":
        """The same with unused bytes before the first table, so that it begins at a cache line in a file in which `weights` begins at
        `place`; itself if it does already.
        """
        shift = -(place + int(self.layout[:, FIRST_BYTE].min())) % CACHE_LINE
        if shift == 0:
            return self
        layout = self.layout.copy()
        layout[:, FIRST_BYTE] += shift
        return replace(self, weights=np.concatenate([np.zeros(shift, np.int8), self.weights]), layout=layout)

    def settings(self) -> dict[str, int]:
        """The numbers that are saved beside the arrays."""
        return {"bits": self.bits, "flags": self.flags}


def one_table(
    labels: tuple[str, ...],
    flags: int,
    weights: NDArray[np.int8],
    gains: NDArray[np.float64],
    letters: NDArray[np.uint16],
    keys: NDArray[np.uint32],
    values: NDArray[np.uint16],
) -> HashedParameters:
    """A softmax of one table of 8-bit weights for all letters, with a column for each label. `gains` is of shape (n,)."""
    width = len(labels)
    return HashedParameters(
        labels,
        flags,
        8,
        weights,
        np.array([[0, (len(weights) - LANES) // width, width, 0, width]], np.int64),
        np.arange(width, dtype=np.int16),
        gains[None],
        np.zeros(width),
        np.ones(1 << 16, np.uint8),
        np.array([0, 1], np.int64),
        letters,
        keys,
        values,
    )


def from_file(path: Path) -> HashedParameters:
    """What the file holds, mapped. Raises Misconfigured, naming the file and the reason."""
    arrays, metadata = weights.read(path)
    try:
        labels, settings = tuple(json.loads(metadata["labels"])), json.loads(metadata["settings"])
        flags, bits = int(settings["flags"]), int(settings.get("bits", 8))
        shapes = {name: (array.dtype.name, array.ndim) for name, array in arrays.items()}
    except (KeyError, TypeError, ValueError) as error:
        raise Misconfigured(
            f"the weights {path} can't be used: they lack the settings of a hashed model ({error!r}); save the model again"
        ) from None
    if metadata.get("kind") != KIND or shapes not in (_SHAPES, _ONE_TABLE):
        raise Misconfigured(f"the weights {path} can't be used: they are not of a hashed model; save the model again")
    if len(arrays["letters"]) == 1 << 16:  # as models were saved before styled letters were read
        arrays = {**arrays, "letters": padded(arrays["letters"])}
    if shapes == _ONE_TABLE:  # as models were saved when all letters had one table
        size = int(settings.get("buckets", 0)) * len(labels) + LANES
        known = one_table(labels, flags, **arrays) if labels and len(arrays["weights"]) == size else None
    else:
        known = HashedParameters(labels, flags, bits, **arrays)
    if known is None or not _fits(known):
        raise Misconfigured(f"the weights {path} can't be used: {len(labels)} labels don't fit its arrays")
    return known


def _fits(known: HashedParameters) -> bool:
    """Whether the arrays fit each other, so that the kernel reads nothing outside them."""
    tables, columns = len(known.layout), len(known.owners)
    sizes = (
        len(known.keys),
        len(known.values),
        len(known.groups),
        len(known.masses),
        len(known.gains),
        len(known.biases),
    )
    wanted = (folding.COMPOSITIONS, folding.COMPOSITIONS, 1 << 16, tables + 1, tables, columns)
    if not known.labels or sizes != wanted or len(known.letters) != POINTS or known.layout.shape[1] != 5:
        return False
    first, buckets, row, column, width = known.layout.T
    per_byte = 8 // known.bits if known.bits in (4, 8) else 0
    return bool(
        tables > 0
        and known.gains.shape[1] > 1
        and (first >= 0).all()
        and (buckets > 0).all()
        and (row > 0).all()
        and (known.bits == 8 or (row % 16 == 0).all())
        and (first + buckets * row + LANES <= len(known.weights)).all()
        and (column >= 0).all()
        and (width > 0).all()
        and (width <= row * per_byte).all()
        and (column + width <= columns).all()
        and (known.owners >= NONE).all()
        and (known.owners < len(known.labels)).all()
    )
