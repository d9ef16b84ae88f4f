"""Short examples out of long ones: fragments, pairs and single words of training texts, and words of frequency lists.

Language identification is hard on short text, and corpora hold little of it, so the examples of a pass are drawn anew: a label, a source,
a text, and of it the whole or a few words in a row.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headrace.scoring.hashed.folding import BOUNDARY
from headrace.training.encoder import Examples, TextEncoder

FLATNESS = 0.35  # a listed word of frequency f is drawn in proportion to f ** FLATNESS

# wordfreq's names for languages that it knows under another one; it answers for any name, so that only listed ones may be asked for
_NAMES: Mapping[str, str] = {"no": "nb", "hr": "sh", "sr": "sh", "bs": "sh"}


@dataclass(frozen=True)
class Mix:
    """Shares of kinds of examples: whole texts, fragments of 3 to 8 words, pairs, single words, and words of the lists."""

    texts: float = 0.28
    fragments: float = 0.18
    pairs: float = 0.18
    singles: float = 0.14
    listed: float = 0.22


@dataclass(frozen=True, eq=False)
class Corpus:
    """Folded texts to draw from, of any length, and words of lists.

    `chances` (float64) is the weight of each text within its label, `long` (bool) whether pairs and single words of it are left out;
    `codes` holds texts first and listed words behind them; `words` are
    examples of one word, `masses` (float64) their weights.
    """

    codes: NDArray[np.uint16]
    boundaries: NDArray[np.int64]
    first: NDArray[np.int64]
    counts: NDArray[np.int64]
    labels: NDArray[np.int64]
    chances: NDArray[np.float64]
    long: NDArray[np.bool_]
    words: Examples
    masses: NDArray[np.float64]


def corpus(
    folder: TextEncoder,
    texts: Sequence[str],
    labels: NDArray[np.int64],
    chances: NDArray[np.float64],
    lists: Mapping[int, Mapping[str, float]],
    long: NDArray[np.bool_] | None = None,
    flatness: float = FLATNESS,
) -> Corpus:
    """Fold texts and word lists (label → word → frequency, any unit).

    A word of several lists is drawn for each in proportion to its share there, p(label | word); how often it is drawn at all
    goes with its summed frequency to the power of `flatness`, so that rare words are met too. Texts without a word are never drawn;
    of those marked as `long` (none, if not given) only wholes and fragments are.
    """
    codes, starts = folder.fold(texts)
    boundaries = np.flatnonzero(codes == BOUNDARY)
    first, beyond = np.searchsorted(boundaries, starts[:-1]), np.searchsorted(boundaries, starts[1:])
    counts = beyond - first - 1
    names, owners, shares, sums = _entries(lists)
    listed, offsets = folder.fold(names)
    offsets = offsets + len(codes)
    words = Examples(np.concatenate([codes, listed]), offsets[:-1], offsets[1:], owners)
    return Corpus(
        words.codes,
        boundaries,
        first,
        counts,
        labels,
        np.where(counts > 0, chances, 0.0),
        np.zeros(len(labels), np.bool_) if long is None else long,
        words,
        shares * sums ** (flatness - 1),
    )


def draw(source: Corpus, size: int, mix: Mix, random: np.random.Generator) -> Examples:
    """About `size` examples in random order: each label as often as the others, kinds as `mix` says."""
    present = np.unique(source.labels[source.chances > 0])
    listed = int(size * mix.listed) if len(source.masses) else 0
    drawn = [_draw_words(source, listed, random)] if listed else []
    drawn += [_draw_texts(source, label, (size - listed) // len(present), mix, random) for label in present]
    begins, ends, labels = (np.concatenate(part) for part in zip(*drawn, strict=True))
    order = random.permutation(len(begins))
    return Examples(source.codes, begins[order], ends[order], labels[order])


def source_chances(
    labels: NDArray[np.int64], sources: NDArray[np.int64], power: float, factors: NDArray[np.float64]
) -> NDArray[np.float64]:
    """A weight for each text, so that a source of n texts of a label is drawn from in proportion to n ** power, times its factor."""
    keys = labels * (sources.max(initial=0) + 1) + sources
    _, inverse, counts = np.unique(keys, return_inverse=True, return_counts=True)
    chances: NDArray[np.float64] = counts[inverse].astype(np.float64) ** (power - 1) * factors[sources]
    return chances


def blend(lists: Iterable[Mapping[str, Mapping[str, float]]]) -> dict[str, dict[str, float]]:
    """One list (label → word → relative frequency) of several, each of which may lack labels: the mean over those that have the label."""
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
    """The most frequent words of the labels that the package wordfreq has a list of its own for; the others are left out."""
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
    chosen = _pick(source.masses, size, random)
    return source.words.begins[chosen], source.words.ends[chosen], source.words.labels[chosen]


def _draw_texts(source: Corpus, label: int, size: int, mix: Mix, random: np.random.Generator) -> tuple[Any, Any, Any]:
    rows = np.flatnonzero((source.labels == label) & (source.chances > 0))
    chosen = rows[_pick(source.chances[rows], size, random)]
    shares = np.array([mix.texts, mix.fragments, mix.pairs, mix.singles])
    kind = np.where(source.long[chosen], _pick(shares[:2], size, random), _pick(shares, size, random))
    counts = source.counts[chosen]
    wanted = np.choose(kind, [counts, random.integers(3, 9, size), np.full(size, 2), np.ones(size, np.int64)])
    length = np.minimum(wanted, counts)
    at = source.first[chosen] + random.integers(0, counts - length + 1)
    return source.boundaries[at], source.boundaries[at + length] + 1, np.full(size, label)


def _pick(weights: NDArray[np.float64], size: int, random: np.random.Generator) -> NDArray[np.int64]:
    """Places drawn with replacement, in proportion to weights."""
    sums = np.cumsum(weights)
    places = np.searchsorted(sums, random.random(size) * sums[-1], side="right")
    chosen: NDArray[np.int64] = np.minimum(places, len(sums) - 1)
    return chosen
