"""Augmentation: short examples out of long texts (fragments, pairs and single words), and words of frequency lists.

Short texts are the hard ones in language identification, and corpora hold few of them. So the examples of each pass are drawn anew: a
label, a source, a text, and of that text all or a few successive words.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headrace.scoring.hashed.folding import BOUNDARY
from headrace.training.encoder import Examples, TextEncoder

#: A listed word of frequency f is drawn in proportion to f ** FLATNESS.
FLATNESS = 0.35

# Labels that wordfreq knows under another name. It answers for any name, if need be with another language's list: ask only for known ones.
_NAMES: Mapping[str, str] = {"no": "nb", "hr": "sh", "sr": "sh", "bs": "sh"}


@dataclass(frozen=True)
class Mix:
    """The shares of the kinds of examples: whole texts, fragments of 3 to 8 words, pairs of words, single words, and words of lists."""

    texts: float = 0.28
    fragments: float = 0.18
    pairs: float = 0.18
    singles: float = 0.14
    listed: float = 0.22


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
    encoder: TextEncoder,
    texts: Sequence[str],
    labels: NDArray[np.int64],
    weights: NDArray[np.float64],
    lists: Mapping[int, Mapping[str, float]],
    long_only: NDArray[np.bool_] | None = None,
    flatness: float = FLATNESS,
) -> Corpus:
    """Encode texts and word lists (label → word → frequency in any unit).

    Labels are indexes. Texts without a word are never drawn; of those marked as `long_only` (none, if not given), only whole texts and
    fragments are. A word is drawn in proportion to its relative frequency, summed over lists, to the power of `flatness`, so that rare
    words are met too; its label is drawn in proportion to its frequency in that label's list, p(label | word).
    """
    codes, starts = encoder.encode(texts)
    boundaries = np.flatnonzero(codes == BOUNDARY)
    first, beyond = np.searchsorted(boundaries, starts[:-1]), np.searchsorted(boundaries, starts[1:])
    counts = beyond - first - 1
    names, owners, shares, sums = _entries(lists)
    listed, offsets = encoder.encode(names)
    offsets = offsets + len(codes)
    words = Examples(np.concatenate([codes, listed]), offsets[:-1], offsets[1:], owners)
    return Corpus(
        words.codes,
        boundaries,
        first,
        counts,
        labels,
        np.where(counts > 0, weights, 0.0),
        np.zeros(len(labels), np.bool_) if long_only is None else long_only,
        words,
        shares * sums ** (flatness - 1),
    )


def draw(source: Corpus, size: int, mix: Mix, random: np.random.Generator) -> Examples:
    """About `size` examples in random order, as many of each label, and of each kind as `mix` says."""
    present = np.unique(source.labels[source.weights > 0])
    listed = int(size * mix.listed) if len(source.word_weights) else 0
    drawn = [_draw_words(source, listed, random)] if listed else []
    drawn += [_draw_texts(source, label, (size - listed) // len(present), mix, random) for label in present]
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


def merge_lists(lists: Iterable[Mapping[str, Mapping[str, float]]]) -> dict[str, dict[str, float]]:
    """One word list (label → word → relative frequency) out of several: for each label the mean of the lists that have it."""
    given: dict[str, list[Mapping[str, float]]] = {}
    for one in lists:
        for label, words in one.items():
            if words:
                given.setdefault(label, []).append(words)
    blended: dict[str, dict[str, float]] = {}
    for label, several in given.items():
        into = blended.setdefault(label, {})
        for words in several:
            scale = 1.0 / (sum(words.values()) * len(several))
            for word, frequency in words.items():
                into[word] = into.get(word, 0.0) + frequency * scale
    return blended


def word_frequencies(labels: Iterable[str], limit: int = 120_000) -> dict[str, dict[str, float]]:
    """The most frequent words of each label that the package wordfreq has a list for; other labels are left out. Needs wordfreq."""
    import wordfreq

    known = set(wordfreq.available_languages("small")) | set(wordfreq.available_languages("large"))
    found = {}
    for label in labels:
        name = _NAMES.get(label, label)
        if name in known:
            words = sorted(wordfreq.get_frequency_dict(name, "best").items(), key=lambda entry: (-entry[1], entry[0]))
            kept = [entry for entry in words if any(map(str.isalpha, entry[0])) and not any(map(str.isdigit, entry[0]))]
            found[label] = dict(kept[:limit])
    return found


def _entries(
    lists: Mapping[int, Mapping[str, float]],
) -> tuple[list[str], NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """The words of all lists, their labels, their relative frequencies there, and the sums of these over all lists."""
    sums: dict[str, float] = {}
    scales = {label: 1.0 / sum(words.values()) for label, words in lists.items() if words}
    for label, scale in scales.items():
        for word, frequency in lists[label].items():
            sums[word] = sums.get(word, 0.0) + frequency * scale
    names = [word for label in scales for word in lists[label]]
    owners = np.array([label for label in scales for _ in lists[label]], np.int64)
    shares = np.array([frequency * scale for label, scale in scales.items() for frequency in lists[label].values()])
    return names, owners, shares, np.array([sums[word] for word in names])


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
