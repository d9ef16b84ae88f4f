"""Encoding: texts are folded to letter codes once, for many passes of training."""

# mypy: disable-error-code="no-untyped-call,untyped-decorator"

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numba import types
from numpy.typing import NDArray

from headrace.scoring.cleaning import glance
from headrace.scoring.hashed import letters
from headrace.scoring.hashed.folding import BOUNDARY, fold
from headrace.scoring.hashed.kernels import cleaner
from headrace.scoring.hashed.parameters import Cleaned, scratch
from headrace.scoring.native import array, compiled

#: Texts that are encoded at a time.
BATCH = 50_000

_FOLD_ALL = (
    array(types.uint32),
    array(types.int64),
    array(types.uint16),
    array(types.uint32),
    array(types.uint16),
    array(types.uint16, mutable=True),
    array(types.int64, mutable=True),
)


@dataclass(frozen=True, eq=False)
class Examples:
    """The examples of a pass: the letter codes codes[begins[i]:ends[i]] with the label labels[i], an index of the estimator's classes."""

    codes: NDArray[np.uint16]
    begins: NDArray[np.int64]
    ends: NDArray[np.int64]
    labels: NDArray[np.int64]

    def shuffled(self, random: np.random.Generator) -> Self:
        """The same examples in another order."""
        order = random.permutation(len(self.labels))
        return replace(self, begins=self.begins[order], ends=self.ends[order], labels=self.labels[order])


@dataclass(frozen=True, eq=False)
class TextEncoder:
    """Turns texts into letter codes as the kernel does: what is not words is left out, and the rest folded by the tables of
    `headrace.scoring.hashed.letters`."""

    letters: NDArray[np.uint16]
    keys: NDArray[np.uint32]
    values: NDArray[np.uint16]

    @classmethod
    def new(cls) -> Self:
        """An encoder with the tables of this Python's version of Unicode; making it takes about a second."""
        return cls(letters.alphabet(), *letters.compositions())

    def encode(self, texts: Sequence[str]) -> tuple[NDArray[np.uint16], NDArray[np.int64]]:
        """The letter codes of all texts, end to end (uint16), and where each begins and the last ends (int64, one more than texts).

        A text becomes BOUNDARY word BOUNDARY word BOUNDARY; one without letters a single BOUNDARY.
        """
        blocks, sizes = [np.empty(0, np.uint16)], [np.zeros(1, np.int64)]
        tables, looks = (self.letters, self.keys, self.values), glance.table(self.letters)
        for first in range(0, len(texts), BATCH):
            batch = texts[first : first + BATCH]
            points = np.frombuffer("".join(batch).encode("utf-32-le", "surrogatepass"), np.uint32)
            bounds = np.cumsum(np.fromiter((0, *map(len, batch)), np.int64, len(batch) + 1))
            codes = np.empty(len(points) + 2 * len(batch) + 2, np.uint16)
            folded = np.empty(len(batch), np.int64)
            words = Cleaned.room(points, bounds)
            cleaner()(points, bounds, self.letters, looks, *scratch(bounds), *words)
            end = compiled(_fold_all, _FOLD_ALL)(words.points, words.bounds, *tables, codes, folded)
            blocks.append(codes[:end].copy())
            sizes.append(folded)
        return np.concatenate(blocks), np.cumsum(np.concatenate(sizes))


def _fold_all(points: Any, bounds: Any, table: Any, keys: Any, values: Any, codes: Any, sizes: Any) -> Any:
    """Write the codes of the words of all texts to `codes` and their numbers to `sizes`; returns the number of all codes. Compiled."""
    end = 0
    for text in range(len(sizes)):
        start = end
        codes[end] = BOUNDARY
        _, end, _ = fold(points, bounds[text], bounds[text + 1], table, keys, values, codes, end + 1, False)
        sizes[text] = end - start
    return end
