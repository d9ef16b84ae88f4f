"""The kernel of the scorer of informal text, and the process that compiles it ahead of its use.

python -m headrace.scoring.tokens.kernels FOLDER
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np
from numba import types
from numpy.typing import NDArray

from headrace.scoring import compiling, native
from headrace.scoring.tokens import score
from headrace.scoring.tokens.parameters import TokenParameters

_FLOATS, _OUT = native.array(types.float64), native.array(types.float64, mutable=True)
_SCORE = (native.array(types.uint32), native.array(types.int64), native.array(types.uint8), native.array(types.uint32),
          native.array(types.int8, 2), _FLOATS, _FLOATS, native.array(types.int64, mutable=True), _OUT,
          native.array(types.float64, 2, mutable=True))  # fmt: skip


class Compiled:
    """Scores texts. Making it loads the kernel from the folder `cache`, or compiles it. Safe to use from several threads; calls release
    the GIL."""

    def __init__(self, parameters: TokenParameters, cache: Path | None = None) -> None:
        self._parameters = parameters
        self._kernel = _kernel(cache)

    def score(
        self, points: NDArray[np.uint32], bounds: NDArray[np.int64], *, whole: bool
    ) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
        """The index of the most probable label of each text, its probability and, if `whole`, the probabilities of all labels, without
        rows otherwise."""
        known, count = self._parameters, len(bounds) - 1
        best, probability = np.empty(count, np.int64), np.empty(count)
        probabilities = np.empty((count if whole else 0, len(known.labels)))
        tables = (known.characters.kinds, known.characters.small, known.weights, known.gains, known.biases)
        self._kernel(points, bounds, *tables, best, probability, probabilities)
        return best, probability, probabilities


def _kernel(cache: Path | None) -> Any:
    return native.compiled(score.score, _SCORE, cache)


if __name__ == "__main__":
    compiling.run_child(lambda: _kernel(Path(sys.argv[1])))
