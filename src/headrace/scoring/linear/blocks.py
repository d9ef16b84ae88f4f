"""A block: one vectoriser and the weights of its features, as arrays for the kernel."""

from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np
from numba import types
from numpy.typing import NDArray

from headrace.scoring import native
from headrace.scoring.linear import analyzers, kernel
from headrace.scoring.linear import counting as places
from headrace.scoring.texts import Reading

Arrays = dict[str, NDArray[Any]]
Floats = NDArray[np.float64]
ANALYZERS: Mapping[str, int] = {"char": analyzers.CHAR, "char_wb": analyzers.CHAR_WB, "word": analyzers.WORD}
TERM_FREQUENCIES: Mapping[str, int] = {
    "count": kernel.COUNT,
    "binary": kernel.BINARY,
    "sublinear": kernel.SUBLINEAR,
    "positive": kernel.POSITIVE,
}
NORMS: Mapping[str, int] = {"": kernel.NO_NORM, "l1": kernel.L1, "l2": kernel.L2}


class Counting(msgspec.Struct, frozen=True):
    """How a block counts n-grams, and where its decision values go: `width` columns from `column` on.

    A hashed block has `features` buckets; one with a table has that many terms, the longest of `longest` characters.
    """

    analyzer: str
    least: int
    most: int
    features: int
    column: int
    width: int
    tf: str = "count"
    norm: str = ""
    hashed: bool = False
    signed: bool = False
    longest: int = 0
    reading: Reading = Reading()


class Block:
    """Adds the decision values of one vectoriser's features.

    Arrays: `gain` (features,) float64, what a value is multiplied with for the norm; `weights` (features, width + 1, padded to 8)
    float32, with the largest of a row behind its weights, and `remainder` (features, width padded to 8) float32, what they lack; and for a
    table `slots` (a power of two, 2) uint64, `pool` uint32, `spans` (features + 1,) int64.
    """

    def __init__(self, counting: Counting, arrays: Arrays) -> None:
        self.counting = counting
        self.arrays = arrays
        for array in arrays.values():
            array.flags.writeable = False
        self._settings = _settings(counting, arrays)
        self._scratch: list[tuple[NDArray[Any], ...]] = []
        table = () if counting.hashed else (arrays["slots"], arrays["pool"], arrays["spans"])
        self._fixed = (*table, self._settings, arrays["gain"], arrays["weights"], arrays["remainder"])

    def add(self, texts: list[str], kernel_: Any, head: int, out: Floats) -> None:
        """Add to the rows of `out` (texts, columns), precisely, or as precisely as a head needs (see `kernel`); only where there are no
        other blocks, because the kernel looks at the whole row. Raises UnicodeEncodeError where hashing meets a surrogate.
        """
        points, bounds = self.counting.reading.points(texts)
        scratch = self._borrow()
        refused = kernel_(points, bounds, self.counting.reading.characters(), *self._fixed, *scratch, head, out)
        self._scratch.append(scratch)
        if refused >= 0:
            texts[refused].encode()

    def kernel(self, folder: Any = None) -> Any:
        """The compiled kernel that `add` takes."""
        if self.counting.hashed:
            return native.compiled(kernel.score_hashed, HASHED, folder)
        return native.compiled(kernel.score, TABLED, folder)

    def _borrow(self) -> tuple[NDArray[Any], ...]:
        """Counts (zeros), touched features and values: one set for each thread that is scoring."""
        try:
            return self._scratch.pop()
        except IndexError:
            size = self.counting.features
            return np.zeros(size, np.int32), np.empty(size, np.int32), np.empty(size, np.float64)


def check(counting: Counting, arrays: Arrays) -> None:
    """Refuse, by a ValueError or KeyError, arrays that do not fit together: a kernel trusts them."""
    features, width = counting.features, counting.width
    wanted: dict[str, tuple[Any, tuple[int, ...]]] = {
        "gain": (np.float64, (features,)),
        "weights": (np.float32, (features, padded(width + 1))),
        "remainder": (np.float32, (features, padded(width))),
    }
    if not counting.hashed:
        slots = arrays["slots"]
        wanted |= {"slots": (np.uint64, (len(slots), 2)), "spans": (np.int64, (features + 1,))}
        wanted |= {"pool": (np.uint32, (int(arrays["spans"][-1]),))}
    for name, (dtype, shape) in wanted.items():
        if arrays[name].dtype != dtype or arrays[name].shape != shape:
            raise ValueError(f"the array {name!r} has the wrong type or shape")
    names = (ANALYZERS, TERM_FREQUENCIES, NORMS)
    if any(
        value not in known for value, known in zip((counting.analyzer, counting.tf, counting.norm), names, strict=True)
    ):
        raise ValueError("it names an analyzer, a term frequency or a norm that is not known")
    if (
        min(counting.least, counting.width, features + (not counting.hashed)) < 1
        or min(counting.column, counting.most) < 0
        or features > 2**31 - 1
    ):
        raise ValueError("its settings are out of range")
    if not counting.hashed:
        _check_table(features, arrays["slots"], arrays["spans"])


def padded(width: int) -> int:
    """The next multiple of 8, so that rows fill vector registers."""
    return -(-width // 8) * 8


def halved(weights: Floats) -> Arrays:
    """The arrays `weights` and `remainder` for (features, width) float64. What float32 can't hold becomes infinite."""
    features, width = weights.shape
    first = np.zeros((features, padded(width + 1)), np.float32)
    second = np.zeros((features, padded(width)), np.float32)
    with np.errstate(over="ignore", invalid="ignore"):
        first[:, :width] = weights
        second[:, :width] = weights - first[:, :width]
        first[:, width] = np.abs(weights).max(axis=1, initial=0.0)
    return {"weights": first, "remainder": second}


def _check_table(features: int, slots: NDArray[np.uint64], spans: NDArray[np.int64]) -> None:
    taken = slots[:, 0] != 0
    if len(slots) < 2 or len(slots) & (len(slots) - 1) or taken.all():
        raise ValueError("its table of n-grams has no room, or not a power of two")
    if slots[taken, 1].max(initial=0) >= features or spans[0] != 0 or (np.diff(spans) < 0).any():
        raise ValueError("its table of n-grams points outside")


def _settings(counting: Counting, arrays: Arrays) -> NDArray[np.int64]:
    settings = np.zeros(12, np.int64)
    settings[places.ANALYZER] = ANALYZERS[counting.analyzer]
    settings[places.LEAST], settings[places.MOST] = counting.least, counting.most
    settings[places.TF], settings[places.NORM] = TERM_FREQUENCIES[counting.tf], NORMS[counting.norm]
    settings[places.HASHED], settings[places.SIGNED] = counting.hashed, counting.signed
    settings[places.FEATURES], settings[places.LONGEST] = counting.features, counting.longest
    settings[places.COLUMN], settings[places.WIDTH] = counting.column, counting.width
    if not counting.hashed:
        settings[places.TURN] = 65 - len(arrays["slots"]).bit_length()
    settings.flags.writeable = False
    return settings


def _signatures() -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    texts = (native.array(types.uint32), native.array(types.int64), native.array(types.uint32))
    table = (native.array(types.uint64, 2), native.array(types.uint32), native.array(types.int64))
    rows = native.array(types.float32, 2)
    weights = (native.array(types.int64), native.array(types.float64), rows, rows)
    scratch = tuple(native.array(kind, mutable=True) for kind in (types.int32, types.int32, types.float64))
    rest = (*weights, *scratch, types.int64, native.array(types.float64, 2, mutable=True))
    return (*texts, *table, *rest), (*texts, *rest)


TABLED, HASHED = _signatures()
