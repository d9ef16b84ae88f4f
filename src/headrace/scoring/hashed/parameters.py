"""What a hashed softmax consists of, and how its file is read."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from headrace.errors import Misconfigured
from headrace.scoring import weights
from headrace.scoring.hashed import folding, segmenting
from headrace.scoring.hashed.features import LANES

#: The kind that is written to the metadata of the weights.
KIND = "hashed"

#: The gain that the costs of a change of language are stated in: that of 2 ** 4 features, which a word has.
WORD_GAIN = 4

#: The index of the best label of each text, its probability, and the probabilities of all labels, without rows unless they were asked for.
Scored = tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]


class Cleaned(NamedTuple):
    """What `content.clean` leaves of texts: the code points that are words, end to end, where each text begins and the last ends, and the
    kind of content of each text.

    `points` may be longer than the last of `bounds`. `origins` has the index of the original of each code point, or is empty if it was not
    asked for.
    """

    points: NDArray[np.uint32]
    bounds: NDArray[np.int64]
    kinds: NDArray[np.int8]
    origins: NDArray[np.int64]

    @classmethod
    def room(cls, points: NDArray[np.uint32], bounds: NDArray[np.int64], *, origins: bool) -> "Cleaned":
        """Room for what is left of these texts."""
        size, texts = len(points), len(bounds) - 1
        places = np.empty(size if origins else 0, np.int64)
        return cls(np.empty(size, np.uint32), np.empty(texts + 1, np.int64), np.empty(texts, np.int8), places)


class Costs(NamedTuple):
    """What `segmenting.follow` weighs words by, in the unit of the weights: the labels `chosen`, by their places; for each of them the
    handicap; the penalties for a change of label; and `most`.
    """

    chosen: NDArray[np.int64]
    handicaps: NDArray[np.int64]
    penalties: NDArray[np.int64]
    most: int

    @classmethod
    def of(cls, known: "HashedParameters", places: Sequence[int] | None, *, others: bool) -> "Costs":
        """Those of a model: the log odds of `segmenting`, by what its weights are worth in a word. `places` are the labels that a text is
        expected to have, all if it is None; `others` says whether it may have further ones all the same.
        """
        unit = 1 / float(known.gains[min(WORD_GAIN, len(known.gains) - 1)])
        chosen = np.arange(len(known.labels)) if places is None or others else np.array(places, np.int64)
        handicaps = np.zeros(len(chosen), np.int64)
        if places is not None:
            handicaps[~np.isin(chosen, places)] = round(segmenting.UNEXPECTED * unit)
        penalties = (np.array(segmenting.PENALTIES) * unit).astype(np.int64)
        return cls(chosen, handicaps, penalties, round(segmenting.MOST * unit))


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

    `weights` (int8, flat): `buckets` rows with one weight for each label, followed by `features.LANES` unused ones, so that the kernel may
    read past the last row. `gains` (float64): the factors that turn sums of weights over 1, 2, 4, 8 ... features into log odds.
    `letters` (uint16, 65,536), `keys` (uint32) and `values` (uint16): the tables of `headrace.scoring.hashed.letters`. `flags`: the
    features beside character n-grams, `features.WORDS | features.PAIRS`.
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


def from_file(path: Path) -> HashedParameters:
    """What the file holds, mapped. Raises Misconfigured, naming the file and the reason."""
    arrays, metadata = weights.read(path)
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
    sizes = (buckets * len(labels) + LANES, 1 << 16, folding.COMPOSITIONS, folding.COMPOSITIONS)
    if (
        tuple(len(arrays[name]) for name in ("weights", "letters", "keys", "values")) != sizes
        or len(arrays["gains"]) < 2
        or buckets < 1
    ):
        raise Misconfigured(
            f"the weights {path} can't be used: {len(labels)} labels and {buckets:,} rows don't fit its arrays"
        )
    return HashedParameters(labels, buckets, flags, **arrays)
