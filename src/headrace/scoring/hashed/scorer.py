"""The scorer of the hashed softmax, which the default language model uses: eight bits a weight, calibrated by the length of the text."""

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
from headrace.scoring.texts import Preprocessing, as_list

#: The kind that is written to the metadata of the weights.
KIND = "hashed"
#: The largest batch that a kernel gets at once, in texts, and in characters if it has more than one text.
BATCH_TEXTS = 512
BATCH_CHARACTERS = 1 << 20

_PREPROCESSING = Preprocessing(lowercase=False)  # the kernel folds case itself

_POINTS, _BOUNDS, _LETTERS = (
    native.array(types.uint32),
    native.array(types.int64, mutable=True),
    native.array(types.uint16),
)
_SCORE = (_POINTS, _BOUNDS, _LETTERS, native.array(types.uint32), _LETTERS, native.array(types.int8), types.uint64, types.int64,
          native.array(types.float64), native.array(types.int64, mutable=True), native.array(types.float64, mutable=True),
          native.array(types.float64, 2, mutable=True))  # fmt: skip
_CONTENT_KINDS = (_POINTS, _BOUNDS, _LETTERS, native.array(types.int8, mutable=True))
_SHAPES: Mapping[str, Any] = {
    "weights": ("int8", 1),
    "gains": ("float64", 1),
    "letters": ("uint16", 1),
    "keys": ("uint32", 1),
    "values": ("uint16", 1),
}


@dataclass(frozen=True, slots=True, eq=False)
class HashedParameters:
    """All that a hashed softmax consists of.

    `weights` (int8, flat): `buckets` rows with one weight for each label, followed by `ngrams.LANES` unused ones, so that the kernel may
    read past the last row. `gains` (float64): the factors that turn sums of weights over 1, 2, 4, 8 ... features into log odds.
    `letters` (uint16, 65,536), `keys` (uint32) and `values` (uint16): the tables of `headrace.scoring.hashed.letters`. `flags`: the
    features beside character n-grams, `ngrams.WORDS | ngrams.PAIRS`.
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
        """The arrays that are saved, by name."""
        return {name: getattr(self, name) for name in _SHAPES}


class HashedScorer:
    """Probabilities of labels by a softmax over hashed n-grams.

    A text gets exactly the same probabilities alone, in any batch, and with any number of `threads`. Any Unicode text is accepted, lone
    surrogates included; one without letters gives every label the same probability. Memory grows with a text by its code points alone, four
    bytes each. Safe to use from several threads.
    """

    compiled = True
    reason = ""
    calibrated = True
    reason = ""

    def __init__(self, parameters: HashedParameters, *, threads: int = 1) -> None:
        self.labels = parameters.labels
        self.threads = threads
        self.parameters = parameters

    @property
    def classes_(self) -> NDArray[np.str_]:
        """The labels as scikit-learn's users know them, shape (labels,): strings, in the order of the columns of `scores`."""
        return np.array(self.labels)

    def predict_proba(self, texts: Iterable[str]) -> NDArray[np.float64]:
        """`scores` under scikit-learn's name."""
        return self.scores(texts)

    def predict(self, texts: Iterable[str]) -> list[Prediction]:
        """The most probable label of each text, with its probability, in the order of the texts; an empty list for no texts.

        `texts` is any iterable of strings (or of UTF-8 bytes). The predictions name no model. Raises Rejected for a text that is neither
        string nor bytes, and Misconfigured for a single string in place of several texts.
        """
        found: list[Prediction] = []
        for best, probability in self._map(self._best_labels, texts):
            found.extend(map(Prediction, map(self.labels.__getitem__, best.tolist()), probability.tolist()))
        return found

    def scores(self, texts: Iterable[str]) -> NDArray[np.float64]:
        """The probability of each label, float64 of shape (texts, labels); rows sum to 1. Raises as `predict` does."""
        blocks = self._map(self._all_probabilities, texts)
        return np.concatenate(blocks) if blocks else np.empty((0, len(self.labels)))

    def predict_content(self, texts: Iterable[str]) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int8]]:
        """The index of the most probable label, its probability, and the kind of content of each text, in one pass.

        Three arrays of shape (texts,), which the caller may change. The kinds are those of `content_kinds`. Raises as `predict` does.
        """
        batches = self._map(self._predict_content, texts)
        if len(batches) < 2:
            return batches[0] if batches else self._predict_content([])
        best, probability, kinds = (np.concatenate(column) for column in zip(*batches, strict=True))
        return best, probability, kinds

    def content_kinds(self, texts: Iterable[str]) -> NDArray[np.int8]:
        """The kind of content of each text, int8 of shape (texts,): `content.BLANK`, `content.CODE` or `content.WORDS`."""
        return self.predict_content(texts)[2]

    def has_letters(self, texts: Iterable[str]) -> NDArray[np.bool_]:
        """Whether each text has a letter of any script outside links, @names and tokens of digits and Latin letters; bool, (texts,)."""
        readable: NDArray[np.bool_] = self.content_kinds(texts) != content.BLANK
        return readable

    def save(self, folder: Path) -> None:
        """Write `weights.safetensors` into an existing folder, whole or not at all."""
        settings = {"buckets": self.parameters.buckets, "flags": self.parameters.flags}
        metadata = {"kind": KIND, "labels": json.dumps(self.labels), "settings": json.dumps(settings)}
        weights.write(folder / weights.FILE, self.parameters.arrays(), metadata)

    @classmethod
    def open(cls, folder: Path, *, threads: int = 1) -> Self:
        """The scorer that was saved in a folder; its weights stay in the file, mapped. Raises Misconfigured, naming file and reason."""
        path = folder / weights.FILE
        arrays, metadata = weights.read(path)
        return cls(_parameters(path, arrays, metadata), threads=threads)

    def _map(self, work: Callable[[list[str]], Any], texts: Iterable[str]) -> list[Any]:
        every = _PREPROCESSING.decode(as_list(texts))
        if self.threads <= 1 or len(every) <= 1:
            return list(map(work, _batches(every, BATCH_TEXTS)))
        with ThreadPoolExecutor(self.threads) as pool:
            return list(pool.map(work, _batches(every, min(BATCH_TEXTS, -(-len(every) // self.threads)))))

    def _best_labels(self, texts: list[str]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        best, probability, _ = self._score(*_PREPROCESSING.code_points(texts), whole=False)
        return best, probability

    def _all_probabilities(self, texts: list[str]) -> NDArray[np.float64]:
        return self._score(*_PREPROCESSING.code_points(texts), whole=True)[2]

    def _predict_content(self, texts: list[str]) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int8]]:
        code_points, bounds = _PREPROCESSING.code_points(texts)
        kinds = np.empty(len(texts), np.int8)
        native.compiled(content.content_kinds, _CONTENT_KINDS)(code_points, bounds, self.parameters.letters, kinds)
        best, probability, _ = self._score(code_points, bounds, whole=False)
        return best, probability, kinds

    def _score(
        self, code_points: NDArray[np.uint32], bounds: NDArray[np.int64], *, whole: bool
    ) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
        parameters, count = self.parameters, len(bounds) - 1
        best, probability = np.empty(count, np.int64), np.empty(count)
        probabilities = np.empty((count if whole else 0, len(self.labels)))
        tables = (parameters.letters, parameters.keys, parameters.values, parameters.weights)
        native.compiled(ngrams.score, _SCORE)(
            code_points,
            bounds,
            *tables,
            np.uint64(parameters.buckets),
            parameters.flags,
            parameters.gains,
            best,
            probability,
            probabilities,
        )
        return best, probability, probabilities


def _batches(texts: list[str], size: int) -> Iterator[list[str]]:
    """Batches of `size` texts; one of more than BATCH_CHARACTERS characters is taken apart into single texts."""
    for start in range(0, len(texts), size):
        batch = texts[start : start + size]
        if sum(map(len, batch)) <= BATCH_CHARACTERS:
            yield batch
        else:
            yield from ([text] for text in batch)


def _parameters(path: Path, arrays: dict[str, NDArray[Any]], metadata: dict[str, str]) -> HashedParameters:
    try:
        labels, settings = tuple(json.loads(metadata["labels"])), json.loads(metadata["settings"])
        buckets, flags = int(settings["buckets"]), int(settings["flags"])
        shapes = {name: (array.dtype.name, array.ndim) for name, array in arrays.items()}
    except (KeyError, TypeError, ValueError) as error:
        raise Misconfigured(
            f"the weights {path} can't be used: they lack the settings of a hashed model ({error!r}); save the model again"
        ) from None
    if metadata.get("kind") != KIND or shapes != _SHAPES:
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
    return HashedParameters(labels, buckets, flags, **arrays)
