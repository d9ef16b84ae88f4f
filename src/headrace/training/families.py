"""Families: languages that are no labels, gathered by likeness, since a table has no room for a column for each."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage

#: Texts of a language that its likeness to others is judged by.
TEXTS = 400
#: Places that letter pairs and triples are hashed to.
PLACES = 1 << 14


def families(texts: Mapping[str, Sequence[NDArray[np.uint16]]], most: int) -> dict[str, str]:
    """A family for each language, by its name: its own if there are at most `most` languages, else one of `most`.

    `texts` are letter codes (uint16) by language. Families are clusters by the average cosine distance of the frequencies of pairs and
    triples of letters.
    """
    names = sorted(texts)
    if len(names) <= most:
        return {name: name for name in names}
    frequencies = np.stack([_frequencies(texts[name][:TEXTS]) for name in names])
    clusters = fcluster(linkage(frequencies, "average", metric="cosine"), most, "maxclust")
    first: dict[int, str] = {}
    return {name: first.setdefault(int(cluster), name) for name, cluster in zip(names, clusters, strict=True)}


def _frequencies(texts: Sequence[NDArray[np.uint16]]) -> NDArray[np.float64]:
    """The square roots of the frequencies of pairs and triples of letters, hashed to PLACES."""
    counts = np.zeros(PLACES)
    for codes in texts:
        wide = codes.astype(np.uint64)
        for size in (2, 3):
            if len(wide) >= size:
                hashed = np.zeros(len(wide) - size + 1, np.uint64)
                for place in range(size):
                    hashed = hashed * np.uint64(1_000_003) + wide[place : len(wide) - size + 1 + place]
                np.add.at(counts, (hashed * np.uint64(2_654_435_761) >> np.uint64(7)) % np.uint64(PLACES), 1)
    roots: NDArray[np.float64] = np.sqrt(counts / max(counts.sum(), 1))
    return roots
