"""The scorer of our own language model: hashed n-grams of characters, eight bits a weight, calibrated by length."""

import json
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numba import types
from numpy.typing import NDArray

from headrace.documents import Prediction
from headrace.errors import Misconfigured
from headrace.scoring import folding, native, nature, ngrams, weights

KIND = "hashed"
BATCH_TEXTS = 512
BATCH_CHARACTERS = 1 << 20

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
    the tables of `headrace.scoring.letters`; `flags` says which features there are besides n-grams of characters (`ngrams.WORDS`,
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

    def predict(self, texts: Sequence[str]) -> list[Prediction]:
        """The likeliest label of each text and its probability, in order; nothing for nothing."""
        found: list[Prediction] = []
        for best, certain, _ in self._run(texts, whole=False):
            names = map(self.labels.__getitem__, best.tolist())
            found.extend(map(Prediction, names, certain.tolist()))
        return found

    def scores(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """The probability of each label: shape (texts, labels), each row's sum 1."""
        blocks = [chances for _, _, chances in self._run(texts, whole=True)]
        return np.concatenate(blocks) if blocks else np.empty((0, len(self.labels)))

    def natures(self, texts: Sequence[str]) -> NDArray[np.int8]:
        """`nature.BLANK` (no letter of any script outside links and @names), `nature.CODE` or `nature.WORDS`, for each text."""
        points, bounds = _points(_listed(texts))
        found = np.empty(len(bounds) - 1, np.int8)
        native.compiled(nature.natures, _NATURES)(points, bounds, self.parts.letters, found)
        return found

    def has_letters(self, texts: Sequence[str]) -> NDArray[np.bool_]:
        """Whether each text has a letter of any script outside links and @names."""
        lettered: NDArray[np.bool_] = self.natures(texts) != nature.BLANK
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

    def _run(self, texts: Sequence[str], *, whole: bool) -> Iterator[tuple[Any, Any, Any]]:
        batches = list(_batches(_listed(texts)))
        if self.threads <= 1 or len(batches) <= 1:
            return (self._score(batch, whole) for batch in batches)
        with ThreadPoolExecutor(self.threads) as pool:
            return iter(list(pool.map(lambda batch: self._score(batch, whole), batches)))

    def _score(
        self, texts: list[str], whole: bool
    ) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
        parts = self.parts
        points, bounds = _points(texts)
        best, certain = np.empty(len(texts), np.int64), np.empty(len(texts))
        chances = np.empty((len(texts) if whole else 0, len(self.labels)))
        tables = (parts.letters, parts.keys, parts.values, parts.weights)
        native.compiled(ngrams.score, _SCORE)(
            points, bounds, *tables, np.uint64(parts.buckets), parts.flags, parts.gains, best, certain, chances
        )
        return best, certain, chances


def _listed(texts: Sequence[str]) -> list[str]:
    if isinstance(texts, str):
        raise TypeError("texts must be a sequence of strings, not one string; write [text]")
    return list(texts)


def _batches(texts: list[str]) -> Iterator[list[str]]:
    """Up to BATCH_TEXTS texts of about BATCH_CHARACTERS characters together; a longer one alone."""
    for start in range(0, len(texts), BATCH_TEXTS):
        batch = texts[start : start + BATCH_TEXTS]
        if sum(map(len, batch)) <= BATCH_CHARACTERS:
            yield batch
        else:
            yield from ([text] for text in batch)


def _points(texts: list[str]) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    """The code points of all texts, and where each begins."""
    bounds = np.zeros(len(texts) + 1, np.int64)
    np.cumsum(np.fromiter(map(len, texts), np.int64, len(texts)), out=bounds[1:])
    return np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), np.uint32), bounds


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
