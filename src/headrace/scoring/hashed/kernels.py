"""The kernels of the hashed softmax, and the process that compiles them ahead of their use.

python -m headrace.scoring.hashed.kernels FOLDER
"""

import functools
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numba import types
from numpy.typing import NDArray

from headrace.scoring import compiling, native
from headrace.scoring.cleaning import content, glance
from headrace.scoring.hashed import mixed, score
from headrace.scoring.hashed.costs import Costs
from headrace.scoring.hashed.parameters import Cleaned, HashedParameters, Scored, scratch

_POINTS, _LETTERS, _OWNERS = native.array(types.uint32), native.array(types.uint16), native.array(types.int16)
_BOUNDS, _MASSES, _FLOATS = (
    native.array(types.int64, mutable=True),
    native.array(types.int64),
    native.array(types.float64),
)
_OUT = native.array(types.float64, mutable=True)
_TABLES = (_LETTERS, _POINTS, _LETTERS, native.array(types.uint8), _MASSES, native.array(types.int8), native.array(types.int64, 2),
           _OWNERS, native.array(types.float64, 2), _FLOATS, types.int64, types.int64)  # fmt: skip
_SCORE = (_POINTS, _BOUNDS, *_TABLES, _BOUNDS, _OUT, _OUT, native.array(types.float64, 2, mutable=True))
_CLEAN = (_POINTS, _BOUNDS, _LETTERS, native.array(types.uint8), *[_BOUNDS] * 3, native.array(types.uint32, mutable=True), _BOUNDS,
          _BOUNDS, native.array(types.int8, mutable=True))  # fmt: skip
_SEGMENT = (_POINTS, _BOUNDS, *_TABLES[:4], *_TABLES[5:7], types.int64, types.int64, _OWNERS, *[_MASSES] * 3, types.int64,
            native.array(types.int64, 2, mutable=True))  # fmt: skip


class Compiled:
    """Scores texts, which are given by their code points, end to end, and by where each begins and the last ends.

    Making it loads the kernels from the folder `cache`, or compiles them. Safe to use from several threads; calls release the GIL.
    """

    def __init__(self, parameters: HashedParameters, cache: Path | None = None) -> None:
        self._parameters = parameters
        self._looks = glance.table(parameters.letters)
        self._cache = cache
        self._clean, self._kernel = _kernels(cache)

    def clean(self, points: NDArray[np.uint32], bounds: NDArray[np.int64], *, origins: bool = False) -> Cleaned:
        """What of each text is words, and its kind of content."""
        made = Cleaned.room(points, bounds, origins=origins)
        self._clean(points, bounds, self._parameters.letters, self._looks, *scratch(bounds), *made)
        return made

    def score(self, points: NDArray[np.uint32], bounds: NDArray[np.int64], *, whole: bool) -> Scored:
        """The best label of each text, its probability, that of none of the labels and, if `whole`, those of all labels."""
        known, count = self._parameters, len(bounds) - 1
        best, probability, none = np.empty(count, np.int64), np.empty(count), np.empty(count)
        probabilities = np.empty((count if whole else 0, len(known.labels)))
        tables = (known.letters, known.keys, known.values, known.groups, known.masses, known.weights)
        columns = (known.layout, known.owners, known.gains, known.biases, known.bits, known.flags)
        self._kernel(points, bounds, *tables, *columns, best, probability, none, probabilities)
        return best, probability, none, probabilities

    def segment(self, points: NDArray[np.uint32], bounds: NDArray[np.int64], costs: Costs) -> NDArray[np.int64]:
        """The stretches of each text, with the labels of `costs`: TEXT, BEGIN, END, LABEL of `segmenting`. Loads a kernel of its own."""
        known = self._parameters
        stretches = np.empty((len(points) + 1, 4), np.int64)
        tables = (known.letters, known.keys, known.values, known.groups, known.weights, known.layout)
        count = self._segment(points, bounds, *tables, known.bits, known.flags, *costs, stretches)
        return stretches[:count]

    @functools.cached_property
    def _segment(self) -> Any:
        return _segment(self._cache)


def _segment(cache: Path | None) -> Any:
    return native.compiled(mixed.segment, _SEGMENT, cache)


def _compile(cache: Path) -> None:
    _kernels(cache)
    _segment(cache)


def cleaner(cache: Path | None = None) -> Any:
    """The compiled `content.clean`."""
    return native.compiled(content.clean, _CLEAN, cache)


def _kernels(cache: Path | None) -> tuple[Any, Any]:
    return cleaner(cache), native.compiled(score.score, _SCORE, cache)


if __name__ == "__main__":
    compiling.run_child(lambda: _compile(Path(sys.argv[1])))
