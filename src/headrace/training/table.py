"""A table in training: the softmax of one script's languages, which `pack` turns into parameters of a scorer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from headrace.scoring.hashed import scripts
from headrace.scoring.hashed.features import LANES, WORDS
from headrace.scoring.hashed.folding import FIRST_LETTER, HAN
from headrace.scoring.hashed.parameters import HashedParameters
from headrace.scoring.native import compiled
from headrace.training import adagrad, calibration
from headrace.training.encoder import Examples, TextEncoder

#: The number of gains: for 1, 2, 4 ... 8,192 features.
GAINS = 14
#: How much less each feature of a text with many features counts (see `adagrad`).
POWER = 0.25
#: Columns that a vector register holds.
REGISTER = 32
#: The largest weight but for a share of CLIPPED is STEPS times the quantum.
CLIPPED, STEPS = 1e-4, 14.0
#: A letter of an alphabet counts as unknown if its share of all codes learnt from is smaller.
RARE = 1e-6
#: Scripts with many letters begin at this code point, and Korean ones at this one.
MANY_LETTERS, HANGUL = 0x2E80, 0xAC00


@dataclass(eq=False)
class Table:
    """The weights of one script, in training.

    `script` is the name of its group of letters. `columns` are the labels that it tells apart, followed by names of what is none of the
    labels; `owners` has the label of each, an index of all labels, or NONE. `biases` (float64, columns) are added to log odds.
    """

    script: str
    columns: tuple[str, ...]
    owners: tuple[int, ...]
    buckets: int
    biases: NDArray[np.float64]
    quantum: float = 0.0
    weights: NDArray[np.float32] = field(init=False)
    squares: NDArray[np.float32] = field(init=False)
    gains: NDArray[np.float64] = field(init=False)

    def __post_init__(self) -> None:
        lanes = -(-len(self.columns) // REGISTER) * REGISTER
        self.weights = np.zeros((self.buckets, lanes), np.float32)
        self.squares = np.zeros(self.buckets, np.float32)
        self.gains = np.exp2(-POWER * np.arange(GAINS, dtype=np.float64))

    def learn(self, examples: Examples, rates: tuple[float, float], *, rounded: bool = False) -> float:
        """One pass over the examples in their order, with a rate that falls linearly from rates[0] to rates[1]; `rounded` passes learn
        weights that work once they are rounded to four bits. Returns the mean log loss, each example's before it was learnt from.
        """
        if rounded and not self.quantum:
            self.quantum = self._largest() / STEPS
        given = (examples.codes, examples.begins, examples.ends, examples.labels)
        shape = (WORDS, POWER, rates, len(self.columns), self.quantum if rounded else 0.0)
        return float(compiled(adagrad.learn, adagrad.LEARN)(*given, *shape, self.weights, self.squares))

    def calibrate(self, examples: Examples) -> None:
        """Calibrate probabilities, by length of text, on examples that were not learnt from (see `calibration.gains`)."""
        size, lanes = len(examples.labels), self.weights.shape[1]
        sums, counts = np.zeros((size, lanes), np.int64), np.zeros(size, np.int64)
        given = (examples.codes, examples.begins, examples.ends, WORDS, self.rounded().ravel())
        compiled(adagrad.tally, adagrad.TALLY)(*given, lanes, sums, counts)
        exact = np.multiply(sums[:, : len(self.columns)], self._step(), dtype=np.float64)
        self.gains = calibration.gains(exact, counts, examples.labels, self.gains, self.biases)

    def rounded(self) -> NDArray[np.int8]:
        """The weights in multiples of the quantum, from -8 to 7; (buckets, lanes)."""
        multiples: NDArray[np.int8] = np.clip(
            np.rint(self.weights / self._step()), adagrad.LOWEST, adagrad.HIGHEST
        ).astype(np.int8)
        return multiples

    def packed(self) -> NDArray[np.int8]:
        """The weights as `HashedParameters` holds those of four bits; (buckets, lanes / 2)."""
        stored = (self.rounded() - adagrad.LOWEST).astype(np.uint8)
        half = stored.shape[1] // 2
        return (stored[:, :half] | stored[:, half:] << 4).view(np.int8)

    def scaled_gains(self) -> NDArray[np.float64]:
        """The gains for sums of rounded weights."""
        return self.gains * self._step()

    def _step(self) -> float:
        return self.quantum or self._largest() / STEPS

    def _largest(self) -> float:
        sizes = np.abs(self.weights[self.squares > 0])
        return float(np.quantile(sizes[:: max(1, sizes.size // 200_000)], 1 - CLIPPED)) if sizes.size else 1.0


def pack(
    labels: Sequence[str], tables: Sequence[Table], encoder: TextEncoder, seen: Mapping[int, NDArray[np.int64]]
) -> HashedParameters:
    """The parameters of a scorer with these tables. `seen` has, for the place of each table, how often each letter code was learnt from:
    letters that were not count as unknown, or if they are ideographs, as HAN.
    """
    layout, first, column = [], 0, 0
    for table in tables:
        row = table.weights.shape[1] // 2
        layout.append((first, table.buckets, row, column, len(table.columns)))
        first += table.buckets * row
        column += len(table.columns)
    names = tuple(table.script for table in tables)
    groups = scripts.group_table(encoder.letters, names)
    letters = encoder.letters.copy()
    for place, counts in seen.items():
        _forget(groups, letters, place + 1, counts)
    return HashedParameters(
        tuple(labels),
        WORDS,
        4,
        np.concatenate([*(table.packed().ravel() for table in tables), np.zeros(LANES, np.int8)]),
        np.array(layout, np.int64),
        np.array([owner for table in tables for owner in table.owners], np.int16),
        np.stack([table.scaled_gains() for table in tables]),
        np.concatenate([table.biases for table in tables]),
        groups,
        scripts.mass_table(names),
        letters,
        encoder.keys,
        encoder.values,
    )


def _forget(groups: NDArray[np.uint8], letters: NDArray[np.uint16], group: int, seen: NDArray[np.int64]) -> None:
    """Take the letters that were not learnt out of their group."""
    codes = np.arange(len(groups))
    rare = (seen == 0) | (seen < RARE * seen.sum()) & (codes < MANY_LETTERS)
    lost = (groups == group) & rare & (codes >= FIRST_LETTER)
    ideographs = lost & (codes >= MANY_LETTERS) & (codes < HANGUL) & (seen[HAN] > 0)
    letters[ideographs[letters]] = HAN
    groups[lost & ~ideographs] = scripts.UNKNOWN
