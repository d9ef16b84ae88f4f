"""What the scorer of informal text consists of, and how its file is read."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headrace.errors import Misconfigured
from headrace.scoring import weights
from headrace.scoring.tokens.characters import Characters
from headrace.scoring.tokens.features import CHARACTERS

#: The kind that is written to the metadata of the weights.
KIND = "tokens"
#: Blocks of features, each with a gain.
BLOCKS = CHARACTERS + 1

_TABLES: Mapping[str, Any] = {
    "kind_starts": ("uint32", 1),
    "kinds": ("uint8", 1),
    "letters": ("uint32", 1),
    "small_letters": ("uint32", 1),
}
_SHAPES: Mapping[str, Any] = {"weights": ("int8", 2), "gains": ("float64", 1), "biases": ("float64", 1), **_TABLES}


@dataclass(frozen=True, slots=True, eq=False)
class TokenParameters:
    """A softmax over hashed features.

    `weights` (int8, buckets x width): rows, a power of two of them at most 2 ** 24, of which a feature has the one that the lowest bits of
    its hash say. The first columns are the labels', in their order. The next has the sign of the feature that the row belongs to, the
    highest eight bits of its hash: for others with the same row it counts as empty. `gains` (float64, BLOCKS): what the sum of a block's
    rows is multiplied by, besides 1 / sqrt(known features of the block), to give log odds; `biases` (float64, labels): what is added.
    """

    labels: tuple[str, ...]
    weights: NDArray[np.int8]
    gains: NDArray[np.float64]
    biases: NDArray[np.float64]
    characters: Characters

    def save(self, path: Path) -> None:
        """Write a weights file, whole or not at all."""
        arrays: dict[str, NDArray[Any]] = {
            "weights": self.weights,
            "gains": self.gains,
            "biases": self.biases,
            **self.characters.arrays(),
        }
        weights.write(path, arrays, {"kind": KIND, "labels": json.dumps(self.labels)})

    @classmethod
    def from_file(cls, path: Path) -> "TokenParameters":
        """What the file holds, its weights mapped. Raises Misconfigured, naming the file and the reason."""
        arrays, metadata = weights.read(path)
        try:
            labels = tuple(map(str, json.loads(metadata["labels"])))
            shapes = {name: (array.dtype.name, array.ndim) for name, array in arrays.items()}
            if shapes != dict(_SHAPES):
                raise ValueError(f"its arrays are {shapes}")
            _check(labels, arrays)
            characters = Characters.from_arrays(**{name: arrays[name] for name in _TABLES})
        except (KeyError, TypeError, ValueError) as error:
            raise Misconfigured(f"the weights {path} can't be used: {error}; save the model again") from error
        return cls(labels, arrays["weights"], arrays["gains"], arrays["biases"], characters)


def _check(labels: tuple[str, ...], arrays: Mapping[str, NDArray[Any]]) -> None:
    buckets, width = arrays["weights"].shape
    if buckets < 1 or buckets & (buckets - 1) or buckets > 1 << 24:
        raise ValueError(f"they have {buckets} rows, which is not a power of two")
    if not 2 <= len(labels) < width or len(set(labels)) < len(labels):
        raise ValueError(f"they have {width} columns for {len(labels)} labels")
    if arrays["gains"].shape != (BLOCKS,) or arrays["biases"].shape != (len(labels),):
        raise ValueError(f"they have {arrays['gains'].size} gains and {arrays['biases'].size} biases")
