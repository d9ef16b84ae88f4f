"""Texts folded once, for many passes of training."""

# mypy: disable-error-code="no-untyped-call,untyped-decorator"

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numba import types
from numpy.typing import NDArray

from headrace.scoring.hashed import letters
from headrace.scoring.hashed.folding import BOUNDARY, fold
from headrace.scoring.native import array, compiled

TEXTS_AT_ONCE = 50_000

_TABLES = (array(types.uint16), array(types.uint32), array(types.uint16))
_FOLD_ALL = (
    array(types.uint32),
    array(types.int64),
    *_TABLES,
    array(types.uint16, mutable=True),
    array(types.int64, mutable=True),
)


@dataclass(frozen=True, eq=False)
class Examples:
    """What a pass learns from: codes[begins[i]:ends[i]] with the label labels[i] (a place in the estimator's classes)."""

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
    """The tables of `headrace.scoring.hashed.letters`, and folding by them."""

    letters: NDArray[np.uint16]
    keys: NDArray[np.uint32]
    values: NDArray[np.uint16]

    @classmethod
    def new(cls) -> Self:
        """With the tables of the Unicode version of this Python; takes about a second."""
        return cls(letters.alphabet(), *letters.compositions())

    def fold(self, texts: Sequence[str]) -> tuple[NDArray[np.uint16], NDArray[np.int64]]:
        """The codes of all texts one behind the other, and where each starts (one more than there are texts, the last the end).

        A text is BOUNDARY word BOUNDARY word BOUNDARY; one without letters is a lone BOUNDARY.
        """
        blocks, sizes = [np.empty(0, np.uint16)], [np.zeros(1, np.int64)]
        tables = (self.letters, self.keys, self.values)
        for first in range(0, len(texts), TEXTS_AT_ONCE):
            batch = texts[first : first + TEXTS_AT_ONCE]
            points = np.frombuffer("".join(batch).encode("utf-32-le", "surrogatepass"), np.uint32)
            lengths = np.fromiter(map(len, batch), np.int64, len(batch))
            codes = np.empty(len(points) + 2 * len(batch) + 2, np.uint16)
            folded = np.empty(len(batch), np.int64)
            end = compiled(_fold_all, _FOLD_ALL)(points, np.cumsum(lengths), *tables, codes, folded)
            blocks.append(codes[:end].copy())
            sizes.append(folded)
        return np.concatenate(blocks), np.cumsum(np.concatenate(sizes))


def _fold_all(points: Any, stops: Any, table: Any, keys: Any, values: Any, codes: Any, sizes: Any) -> Any:
    end, begin = 0, 0
    for text in range(len(stops)):
        start = end
        codes[end] = BOUNDARY
        _, end, _ = fold(points, begin, stops[text], table, keys, values, codes, end + 1, False)
        begin = stops[text]
        sizes[text] = end - start
    return end
