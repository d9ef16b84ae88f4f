"""The scorer of our own language model: hashed n-grams of characters, eight bits a weight, calibrated by length."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numba import types
from numpy.typing import NDArray

from headrace.documents import Prediction
from headrace.errors import Misconfigured
from headrace.scoring import native, weights
from headrace.scoring.hashed import content, folding, ngrams
from headrace.scoring.texts import Reading, listed

KIND = "hashed"
BATCH_TEXTS = 512
BATCH_CHARACTERS = 1 << 20

_READING = Reading(lowercase=False)  # the kernel folds

_POINTS, _BOUNDS, _LETTERS = (
    native.array(types.uint32),
    native.array(types.int64, mutable=True),
    native.array(types.uint16),
)
_SCORE = (_POINTS, _BOUNDS, _LETTERS, native.array(types.uint32), _LETTERS, native.array(types.int8), types.uint64, types.int64,
          native.array(types.float64), native.array(types.int64, mutable=True), native.array(types.float64, mutable=True),
          native.array(types.float64, 2, mutable=True))  # fmt: skip
_NATURES = (_POINTS, _BOUNDS, _LETTERS, native.array(types.int8, mutable=True))
_SHAPES: Mapping[str, Any] = {
    "weights": ("int8", 1),
    "gains": ("float64", 1),
    "letters": ("uint16", 1),
    "keys": ("uint32", 1),
    "values": ("uint16", 1),
}


@dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """What a hashed model is made of.

    `weights` (int8, flat) holds `buckets` rows of one weight a label, and `ngrams.LANES` more at its end that mean nothing;
    `gains` (float64) multiply the sums of 1, 2, 4, 8 ... n-grams into log odds; `letters` (uint16, 65,536), `keys` and `values` are
    the tables of `headrace.scoring.hashed.letters`; `flags` says which features there are besides n-grams of characters (`ngrams.WORDS`,
    `ngrams.PAIRS`).
    """

    labels: tuple[str, ...]
    buckets: int
    flags: int
    weights: NDArray[np.int8]
    gains: NDArray[np.float64]
    letters: NDArray[np.uint16]
    keys: NDArray[np.uint32]
    values: NDArray[np.uint16]

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Those that are kept in the file, by name."""
        return {name: getattr(self, name) for name in _SHAPES}


class HashedScorer:
    """Probabilities of labels by a softmax over hashed n-grams; the same for a text alone and in a batch, on any number of threads.

    Any Unicode is taken, lone surrogates included; a text without letters gives every label the same probability. Memory
    grows with a text only by its code points, four bytes each. Safe to use from several threads.
    """

    compiled = True
    calibrated = True
    reason = ""

    def __init__(self, parts: Parts, *, threads: int = 1) -> None:
        self.labels = parts.labels
        self.threads = threads
        self.parts = parts

    @property
    def classes_(self) -> NDArray[np.str_]:
        """The labels as scikit-learn's users know them, shape (labels,): strings, in the order of the columns of `scores`."""
        return np.array(self.labels)

    def predict_proba(self, texts: Iterable[str]) -> NDArray[np.float64]:
        """`scores` under scikit-learn's name."""
        return self.scores(texts)

    def predict(self, texts: Iterable[str]) -> list[Prediction]:
        """The likeliest label of each text and its probability, in order; nothing for nothing. Any container of strings (or UTF-8) will do.

        Raises Rejected for a text that is no string, and Misconfigured for a single string instead of several.
        """
        found: list[Prediction] = []
        for best, certain in self._map(self._best, texts):
            found.extend(map(Prediction, map(self.labels.__getitem__, best.tolist()), certain.tolist()))
        return found

    def scores(self, texts: Iterable[str]) -> NDArray[np.float64]:
        """The probability of each label: shape (texts, labels), each row's sum 1. Raises as `predict` does."""
        blocks = self._map(self._chances, texts)
        return np.concatenate(blocks) if blocks else np.empty((0, len(self.labels)))

    def judge(self, texts: Iterable[str]) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int8]]:
        """For each text the place of the likeliest label, its probability, and its nature, in one go. Raises as `predict` does."""
        parts = self._map(self._judge, texts)
        if len(parts) < 2:
            return parts[0] if parts else self._judge([])
        best, certain, natures = (np.concatenate(column) for column in zip(*parts, strict=True))
        return best, certain, natures

    def natures(self, texts: Iterable[str]) -> NDArray[np.int8]:
        """`nature.BLANK` (no letter of any script outside links and @names), `nature.CODE` or `nature.WORDS`, for each text."""
        return self.judge(texts)[2]

    def has_letters(self, texts: Iterable[str]) -> NDArray[np.bool_]:
        """Whether each text has a letter of any script outside links and @names."""
        lettered: NDArray[np.bool_] = self.natures(texts) != content.BLANK
        return lettered

    def save(self, folder: Path) -> None:
        """Into a folder that exists, as `weights.safetensors`."""
        settings = {"buckets": self.parts.buckets, "flags": self.parts.flags}
        metadata = {"kind": KIND, "labels": json.dumps(self.labels), "settings": json.dumps(settings)}
        weights.write(folder / weights.FILE, self.parts.arrays(), metadata)

    @classmethod
    def open(cls, folder: Path, *, threads: int = 1) -> Self:
        """The scorer saved in a folder, its weights mapped, not copied. Raises Misconfigured, naming the file, where it is damaged."""
        path = folder / weights.FILE
        arrays, metadata = weights.read(path)
        return cls(_parts(path, arrays, metadata), threads=threads)

    def _map(self, work: Callable[[list[str]], Any], texts: Iterable[str]) -> list[Any]:
        every = _READING.decode(listed(texts))
        if self.threads <= 1 or len(every) <= 1:
            return list(map(work, _batches(every, BATCH_TEXTS)))
        with ThreadPoolExecutor(self.threads) as pool:
            return list(pool.map(work, _batches(every, min(BATCH_TEXTS, -(-len(every) // self.threads)))))

    def _best(self, texts: list[str]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        best, certain, _ = self._score(*_READING.points(texts), whole=False)
        return best, certain

    def _chances(self, texts: list[str]) -> NDArray[np.float64]:
        return self._score(*_READING.points(texts), whole=True)[2]

    def _judge(self, texts: list[str]) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int8]]:
        points, bounds = _READING.points(texts)
        natures = np.empty(len(texts), np.int8)
        native.compiled(content.natures, _NATURES)(points, bounds, self.parts.letters, natures)
        best, certain, _ = self._score(points, bounds, whole=False)
        return best, certain, natures

    def _score(
        self, points: NDArray[np.uint32], bounds: NDArray[np.int64], *, whole: bool
    ) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
        parts, count = self.parts, len(bounds) - 1
        best, certain = np.empty(count, np.int64), np.empty(count)
        chances = np.empty((count if whole else 0, len(self.labels)))
        tables = (parts.letters, parts.keys, parts.values, parts.weights)
        native.compiled(ngrams.score, _SCORE)(
            points, bounds, *tables, np.uint64(parts.buckets), parts.flags, parts.gains, best, certain, chances
        )
        return best, certain, chances


def _batches(texts: list[str], size: int) -> Iterator[list[str]]:
    """Up to `size` texts of about BATCH_CHARACTERS characters together; a longer one alone."""
    for start in range(0, len(texts), size):
        batch = texts[start : start + size]
        if sum(map(len, batch)) <= BATCH_CHARACTERS:
            yield batch
        else:
            yield from ([text] for text in batch)


def _parts(path: Path, arrays: dict[str, NDArray[Any]], metadata: dict[str, str]) -> Parts:
    try:
        labels, settings = tuple(json.loads(metadata["labels"])), json.loads(metadata["settings"])
        buckets, flags = int(settings["buckets"]), int(settings["flags"])
        found = {name: (array.dtype.name, array.ndim) for name, array in arrays.items()}
    except (KeyError, TypeError, ValueError) as error:
        raise Misconfigured(
            f"the weights {path} can't be used: no settings of a hashed model ({error!r}); save the model again"
        ) from None
    if metadata.get("kind") != KIND or found != _SHAPES:
        raise Misconfigured(f"the weights {path} can't be used: they are not of a hashed model; save the model again")
    sizes = (buckets * len(labels) + ngrams.LANES, 1 << 16, folding.COMPOSITIONS, folding.COMPOSITIONS)
    if (
        tuple(len(arrays[name]) for name in ("weights", "letters", "keys", "values")) != sizes
        or len(arrays["gains"]) < 2
        or buckets < 1
    ):
        raise Misconfigured(
            f"the weights {path} can't be used: {len(labels)} labels and {buckets:,} rows don't fit its arrays"
        )
    return Parts(labels, buckets, flags, **arrays)
