"""Blocks: a vectoriser together with the weights of its features, as the arrays that a kernel reads."""

from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np
from numba import types
from numpy.typing import NDArray

from headrace.scoring import native
from headrace.scoring.linear import analyzers, counting, kernel
from headrace.scoring.texts import Preprocessing

Arrays = dict[str, NDArray[Any]]
Floats = NDArray[np.float64]

# The kernel's numbers for the names in BlockSettings.
ANALYZERS: Mapping[str, int] = {"char": analyzers.CHAR, "char_wb": analyzers.CHAR_WB, "word": analyzers.WORD}
TERM_FREQUENCIES: Mapping[str, int] = {
    "count": kernel.COUNT,
    "binary": kernel.BINARY,
    "sublinear": kernel.SUBLINEAR,
    "positive": kernel.POSITIVE,
}
NORMS: Mapping[str, int] = {"": kernel.NO_NORM, "l1": kernel.L1, "l2": kernel.L2}


class BlockSettings(msgspec.Struct, frozen=True):
    """How a block counts n-grams of `min_n` to `max_n`, and which decision values it adds to: `width` columns from `column` on.

    `analyzer`, `tf` and `norm` are keys of ANALYZERS, TERM_FREQUENCIES and NORMS. `features` is the number of buckets if the block is
    `hashed` (`signed`: half of the hashes count as -1), else the number of terms, the longest of which has `longest_term` characters.
    It is saved with the weights: the names of its fields there are not to change.
    """

    analyzer: str
    min_n: int = msgspec.field(name="least")
    max_n: int = msgspec.field(name="most")
    features: int
    column: int
    width: int
    tf: str = "count"
    norm: str = ""
    hashed: bool = False
    signed: bool = False
    longest_term: int = msgspec.field(default=0, name="longest")
    preprocessing: Preprocessing = msgspec.field(default=Preprocessing(), name="reading")


class Block:
    """Adds what one vectoriser's features contribute to decision values. Safe to use from several threads.

    Arrays, which become read-only:
    `gain` (features,) float64: the factors of the values that the norm is computed from;
    `weights` (features, width + 1 padded to a multiple of 8) float32: the rounded weights, followed by the largest of each row;
    `remainder` (features, width padded to a multiple of 8) float32: what rounding has taken from the weights;
    and unless the block is hashed, the table of n-grams (see `vocabulary.build`): `slots` (a power of two, 2) uint64, `pool` uint32,
    `spans` (features + 1,) int64.
    """

    def __init__(self, settings: BlockSettings, arrays: Arrays) -> None:
        self.settings = settings
        self.arrays = arrays
        for array in arrays.values():
            array.flags.writeable = False
        packed = _packed(settings, arrays)
        self._scratch: list[tuple[NDArray[Any], ...]] = []
        table = () if settings.hashed else (arrays["slots"], arrays["pool"], arrays["spans"])
        self._fixed = (*table, packed, arrays["gain"], arrays["weights"], arrays["remainder"])

    def add(self, texts: list[str], kernel_: Any, head: int, out: Floats) -> None:
        """Add this block's decision values to `out`, float64 of shape (texts, all columns), whose rows begin with the bias.

        `head` is kernel.PRECISE, or if this is the only block, how precise the head needs them: the kernel then looks at the whole row.
        Raises UnicodeEncodeError if an n-gram to be hashed holds a lone surrogate, as scikit-learn does.
        """
        preprocessing = self.settings.preprocessing
        code_points, bounds = preprocessing.code_points(texts)
        scratch = self._take_scratch()
        refused = kernel_(code_points, bounds, preprocessing.character_table(), *self._fixed, *scratch, head, out)
        self._scratch.append(scratch)
        if refused >= 0:
            texts[refused].encode()  # raises what scikit-learn raises

    def kernel(self, folder: Any = None) -> Any:
        """The compiled kernel that `add` takes; `folder` as in `native.compiled`."""
        if self.settings.hashed:
            return native.compiled(kernel.score_hashed, HASHED_SIGNATURE, folder)
        return native.compiled(kernel.score, TABLE_SIGNATURE, folder)

    def _take_scratch(self) -> tuple[NDArray[Any], ...]:
        """Counts (zeros), counted features and their values: a set of arrays for each thread that is scoring."""
        try:
            return self._scratch.pop()
        except IndexError:
            size = self.settings.features
            return np.zeros(size, np.int32), np.empty(size, np.int32), np.empty(size, np.float64)


def check(settings: BlockSettings, arrays: Arrays) -> None:
    """Raise ValueError or KeyError if settings and arrays do not fit together: kernels check nothing."""
    features, width = settings.features, settings.width
    wanted: dict[str, tuple[Any, tuple[int, ...]]] = {
        "gain": (np.float64, (features,)),
        "weights": (np.float32, (features, padded(width + 1))),
        "remainder": (np.float32, (features, padded(width))),
    }
    if not settings.hashed:
        slots = arrays["slots"]
        wanted |= {"slots": (np.uint64, (len(slots), 2)), "spans": (np.int64, (features + 1,))}
        wanted |= {"pool": (np.uint32, (int(arrays["spans"][-1]),))}
    for name, (dtype, shape) in wanted.items():
        if arrays[name].dtype != dtype or arrays[name].shape != shape:
            raise ValueError(f"the array {name!r} has the wrong type or shape")
    names = (ANALYZERS, TERM_FREQUENCIES, NORMS)
    if any(
        value not in known for value, known in zip((settings.analyzer, settings.tf, settings.norm), names, strict=True)
    ):
        raise ValueError("it names an unknown analyzer, term frequency or norm")
    if (
        min(settings.min_n, settings.width, features + (not settings.hashed)) < 1
        or min(settings.column, settings.max_n) < 0
        or features > 2**31 - 1
    ):
        raise ValueError("its settings are out of range")
    if not settings.hashed:
        _check_table(features, arrays["slots"], arrays["spans"])


def padded(width: int) -> int:
    """The next multiple of 8, so that rows fill vector registers."""
    return -(-width // 8) * 8


def split_weights(weights: Floats) -> Arrays:
    """The arrays `weights` and `remainder` of a Block for float64 weights (features, width). What float32 can't hold becomes infinite."""
    features, width = weights.shape
    rounded = np.zeros((features, padded(width + 1)), np.float32)
    remainder = np.zeros((features, padded(width)), np.float32)
    with np.errstate(over="ignore", invalid="ignore"):
        rounded[:, :width] = weights
        remainder[:, :width] = weights - rounded[:, :width]
        rounded[:, width] = np.abs(weights).max(axis=1, initial=0.0)
    return {"weights": rounded, "remainder": remainder}


def _check_table(features: int, slots: NDArray[np.uint64], spans: NDArray[np.int64]) -> None:
    taken = slots[:, 0] != 0
    if len(slots) < 2 or len(slots) & (len(slots) - 1) or taken.all():
        raise ValueError("its table of n-grams is full, or its size is not a power of two")
    if slots[taken, 1].max(initial=0) >= features or spans[0] != 0 or (np.diff(spans) < 0).any():
        raise ValueError("its table of n-grams points outside its arrays")


def _packed(settings: BlockSettings, arrays: Arrays) -> NDArray[np.int64]:
    """The settings as numbers, at the places that `counting` names."""
    packed = np.zeros(12, np.int64)
    packed[counting.ANALYZER] = ANALYZERS[settings.analyzer]
    packed[counting.MIN_N], packed[counting.MAX_N] = settings.min_n, settings.max_n
    packed[counting.TF], packed[counting.NORM] = TERM_FREQUENCIES[settings.tf], NORMS[settings.norm]
    packed[counting.HASHED], packed[counting.SIGNED] = settings.hashed, settings.signed
    packed[counting.FEATURES], packed[counting.LONGEST_TERM] = settings.features, settings.longest_term
    packed[counting.COLUMN], packed[counting.WIDTH] = settings.column, settings.width
    if not settings.hashed:
        packed[counting.SHIFT] = 65 - len(arrays["slots"]).bit_length()
    packed.flags.writeable = False
    return packed


def _signatures() -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """The Numba types of the arguments of `kernel.score` and of `kernel.score_hashed`."""
    texts = (native.array(types.uint32), native.array(types.int64), native.array(types.uint32))
    table = (native.array(types.uint64, 2), native.array(types.uint32), native.array(types.int64))
    rows = native.array(types.float32, 2)
    weights = (native.array(types.int64), native.array(types.float64), rows, rows)
    scratch = tuple(native.array(kind, mutable=True) for kind in (types.int32, types.int32, types.float64))
    rest = (*weights, *scratch, types.int64, native.array(types.float64, 2, mutable=True))
    return (*texts, *table, *rest), (*texts, *rest)


TABLE_SIGNATURE, HASHED_SIGNATURE = _signatures()
