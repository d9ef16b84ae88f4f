"""Augmentation: short examples out of long texts (fragments, pairs and single words), and words of frequency lists.

Short texts are the hard ones in language identification, and corpora hold few of them. So the examples of each pass are drawn anew: a
label, a source, a text, and of that text all or a few successive words.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headrace.scoring.hashed.folding import BOUNDARY
from headrace.training.encoder import Examples

#: A listed word of frequency f is drawn in proportion to f ** FLATNESS.
FLATNESS = 0.35


@dataclass(frozen=True)
class Mix:
    """The shares of the kinds of examples: whole texts, fragments of 3 to 8 words, pairs of words, single words, and words of lists."""

    texts: float = 0.28
    fragments: float = 0.18
    pairs: float = 0.18
    singles: float = 0.14
    listed: float = 0.22


@dataclass(frozen=True, eq=False)
class Listed:
    """Encoded words of lists: word i is codes[starts[i]:starts[i + 1]], with the label labels[i], and weights[i] to be drawn by."""

    codes: NDArray[np.uint16]
    starts: NDArray[np.int64]
    labels: NDArray[np.int64]
    weights: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Corpus:
    """Encoded texts and words of lists, to draw examples from.

    `codes`: the letter codes of all texts, followed by those of the listed words. `boundaries`: the indexes of all BOUNDARY codes of texts.
    Of text i, boundaries[first[i]] is the first boundary and counts[i] the number of words; labels[i] is its label, an index; weights[i]
    (float64) its weight among the texts of the label; long_only[i] (bool) whether only the whole text and fragments of it are drawn.
    `words` are examples of one word each, and `word_weights` (float64) their weights.
    """

    codes: NDArray[np.uint16]
    boundaries: NDArray[np.int64]
    first: NDArray[np.int64]
    counts: NDArray[np.int64]
    labels: NDArray[np.int64]
    weights: NDArray[np.float64]
    long_only: NDArray[np.bool_]
    words: Examples
    word_weights: NDArray[np.float64]


def build_corpus(
    codes: NDArray[np.uint16],
    starts: NDArray[np.int64],
    labels: NDArray[np.int64],
    weights: NDArray[np.float64],
    long_only: NDArray[np.bool_],
    listed: Listed,
) -> Corpus:
    """A corpus of encoded texts, given by their codes, end to end, and their bounds (`starts`, one more than texts), and of listed words.

    `labels`, `weights` and `long_only` are those of `Corpus`. Texts without a word are never drawn.
    """
    boundaries = np.flatnonzero(codes == BOUNDARY)
    first, beyond = np.searchsorted(boundaries, starts[:-1]), np.searchsorted(boundaries, starts[1:])
    counts = beyond - first - 1
    offsets = listed.starts + len(codes)
    words = Examples(np.concatenate([codes, listed.codes]), offsets[:-1], offsets[1:], listed.labels)
    kept = np.where(counts > 0, weights, 0.0)
    return Corpus(words.codes, boundaries, first, counts, labels, kept, long_only, words, listed.weights)


def draw(
    source: Corpus, size: int, mix: Mix, random: np.random.Generator, shares: NDArray[np.float64] | None = None
) -> Examples:
    """About `size` examples in random order, of each kind as many as `mix` says, and as many of each label, or in proportion to `shares`.

    `shares` (float64) has one for each label.
    """
    present = np.unique(source.labels[source.weights > 0])
    wanted = np.ones(len(present)) if shares is None else shares[present]
    wanted = wanted / wanted.sum()
    listed = int(size * mix.listed) if len(source.word_weights) else 0
    drawn = [_draw_words(source, listed, random)] if listed else []
    drawn += [
        _draw_texts(source, label, int((size - listed) * share), mix, random)
        for label, share in zip(present, wanted, strict=True)
    ]
    begins, ends, labels = (np.concatenate(part) for part in zip(*drawn, strict=True))
    order = random.permutation(len(begins))
    return Examples(source.codes, begins[order], ends[order], labels[order])


def source_weights(
    labels: NDArray[np.int64], sources: NDArray[np.int64], power: float, factors: NDArray[np.float64]
) -> NDArray[np.float64]:
    """A weight for each text, (texts,), by which a source with n texts of a label is drawn from in proportion to n ** power * its factor.

    `labels` and `sources` are indexes, (texts,); `factors` has one for each source.
    """
    keys = labels * (sources.max(initial=0) + 1) + sources
    _, inverse, counts = np.unique(keys, return_inverse=True, return_counts=True)
    weights: NDArray[np.float64] = counts[inverse].astype(np.float64) ** (power - 1) * factors[sources]
    return weights


def list_words(
    lists: Mapping[int, Mapping[str, float]], flatness: float = FLATNESS
) -> tuple[list[str], NDArray[np.int64], NDArray[np.float64]]:
    """The words of all lists (label → word → frequency in any unit), their labels, and the weights that they are drawn by.

    A word is drawn in proportion to its relative frequency, summed over lists, to the power of `flatness`, so that rare words are met too;
    its label is drawn in proportion to its frequency in that label's list, p(label | word).
    """
    sums: dict[str, float] = {}
    scales = {label: 1.0 / sum(words.values()) for label, words in lists.items() if words}
    for label, scale in scales.items():
        for word, frequency in lists[label].items():
            sums[word] = sums.get(word, 0.0) + frequency * scale
    names = [word for label in scales for word in lists[label]]
    owners = np.array([label for label in scales for _ in lists[label]], np.int64)
    shares = np.array([frequency * scale for label, scale in scales.items() for frequency in lists[label].values()])
    return names, owners, shares * np.array([sums[word] for word in names]) ** (flatness - 1)


def _draw_words(source: Corpus, size: int, random: np.random.Generator) -> tuple[Any, Any, Any]:
    chosen = _pick(source.word_weights, size, random)
    return source.words.begins[chosen], source.words.ends[chosen], source.words.labels[chosen]


def _draw_texts(source: Corpus, label: int, size: int, mix: Mix, random: np.random.Generator) -> tuple[Any, Any, Any]:
    rows = np.flatnonzero((source.labels == label) & (source.weights > 0))
    chosen = rows[_pick(source.weights[rows], size, random)]
    shares = np.array([mix.texts, mix.fragments, mix.pairs, mix.singles])
    kind = np.where(source.long_only[chosen], _pick(shares[:2], size, random), _pick(shares, size, random))
    counts = source.counts[chosen]
    wanted = np.choose(kind, [counts, random.integers(3, 9, size), np.full(size, 2), np.ones(size, np.int64)])
    length = np.minimum(wanted, counts)
    at = source.first[chosen] + random.integers(0, counts - length + 1)
    return source.boundaries[at], source.boundaries[at + length] + 1, np.full(size, label)


def _pick(weights: NDArray[np.float64], size: int, random: np.random.Generator) -> NDArray[np.int64]:
    """Indexes drawn with replacement, in proportion to weights."""
    sums = np.cumsum(weights)
    places = np.searchsorted(sums, random.random(size) * sums[-1], side="right")
    chosen: NDArray[np.int64] = np.minimum(places, len(sums) - 1)
    return chosen
