"""Lessons: for each script, the columns of its table, and the examples to learn them from and to calibrate them on."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from headrace.scoring.hashed import scripts
from headrace.training import noise
from headrace.training.augment import Corpus, Listed, build_corpus, list_words, source_weights
from headrace.training.encoder import TextEncoder
from headrace.training.families import families
from headrace.training.sift import Sifted, sift

Triple = tuple[str, str, str]
Words = Mapping[str, Mapping[str, float]]

#: A label has a column in each script that more than this share of its texts is written in; another language, above the second share.
LABEL_SHARE, OTHER_SHARE = 0.05, 0.3
#: Columns of a table that its labels and what is none of them share, by the script; if the labels need more, they get more.
COLUMNS: Mapping[str, int] = {"latin": 128}
OTHER_COLUMNS = 32
#: Texts of each kind of noise in a script, and the texts of each label that they are made of, at most.
NOISE: Mapping[str, int] = {"latin": 24_000, "cyrillic": 16_000, "arabic": 12_000, "hebrew": 12_000, "greek": 12_000}
OTHER_NOISE = 6_000
SAMPLE = 800
#: Texts of a kind of noise that are made from one of them, at most.
FROM_ONE = 10
#: The source that noise counts as.
NOISE_SOURCE = "noise"
#: Begins the name of a column that stands for none of the labels; no label begins with it.
OTHER = "\0"


@dataclass(frozen=True)
class Material:
    """What a language model learns from: rows of (text, label, source), rows of languages that are none of the labels, and word lists.

    `power` and `emphasis` weigh sources: a source of n texts of a label is drawn from in proportion to n ** power * emphasis(source).
    `long_only` says of a source that a few words of its texts could as well be of another label.
    """

    rows: Sequence[Triple]
    others: Sequence[Triple]
    words: Words
    power: float
    emphasis: Callable[[str], float]
    long_only: Callable[[str], bool]


@dataclass(frozen=True, eq=False)
class Lesson:
    """What the table of a script learns. `columns` are its labels, sorted, followed by what is none of the labels; labels of `corpus` are
    indexes of them. `families` has the column of each other language. `counts` (int64, 65,536) says how often each letter code occurs.
    """

    script: str
    columns: tuple[str, ...]
    families: Mapping[str, str]
    corpus: Corpus
    counts: NDArray[np.int64]

    @property
    def labels(self) -> tuple[str, ...]:
        """The columns that are labels."""
        return tuple(column for column in self.columns if not column.startswith(OTHER))


class Lessons:
    """The lessons of all scripts that a label is written in, in the order of `scripts.SCRIPTS`."""

    def __init__(self, encoder: TextEncoder, material: Material, seed: int) -> None:
        self._encoder, self._material, self._seed = encoder, material, seed
        self._names = tuple(scripts.SCRIPTS)
        self._groups = scripts.group_table(encoder.letters, self._names)
        self._texts = [*material.rows, *((text, OTHER + label, source) for text, label, source in material.others)]
        self._sifted = self._sift(text for text, _, _ in self._texts)
        self._labels, self._label = np.unique([label for _, label, _ in self._texts], return_inverse=True)
        self._sources, self._source = np.unique([source for _, _, source in self._texts], return_inverse=True)
        self._shares = self._shares_by_script()
        self._sample = self._sampled()

    @property
    def scripts(self) -> list[str]:
        """The scripts that a label is written in."""
        return [name for name in self._names if self._in_script(name, LABEL_SHARE, other=False)]

    def of(self, script: str, like: Lesson | None = None) -> Lesson:
        """The lesson of a script; with the columns of another lesson of it, `like`, if there is one: other texts are left out then."""
        group = self._names.index(script) + 1
        chosen, codes, bounds = self._sifted.of_group(group)
        label, source = self._label[chosen], self._source[chosen]
        labels = [str(name) for name in self._in_script(script, LABEL_SHARE, other=False)]
        made = self._noise(script, labels)
        family = like.families if like else self._families(script, chosen, codes, bounds, labels, made)
        kinds = sorted({OTHER + one.kind for one in made})
        columns = like.columns if like else (*labels, *sorted(set(family.values())), *kinds)
        places = {name: place for place, name in enumerate(columns)}
        column_of = np.array([places.get(family.get(str(name), str(name)), -1) for name in self._labels], np.int64)
        spoilt = self._sift(one.text for one in made)
        kept, noise_codes, noise_bounds = spoilt.of_group(group)
        column = np.concatenate(
            [column_of[label], np.array([places.get(OTHER + made[i].kind, -1) for i in kept], np.int64)]
        )
        sources = [*map(str, self._sources), NOISE_SOURCE]
        of_source = np.concatenate([source, np.full(len(kept), len(sources) - 1)]).astype(np.int64)
        factors = np.array([self._material.emphasis(name) for name in sources])
        known = column >= 0
        weights = source_weights(np.where(known, column, len(columns)), of_source, self._material.power, factors)
        # A few words of another language are often words of a label, too: they are left to that.
        other = np.array([name.startswith(OTHER) for name in self._labels])
        short_too = np.array([not self._material.long_only(name) for name in sources])[of_source]
        short_too[: len(chosen)] &= ~other[label]
        short_too[len(chosen) :] = [not made[i].long_only for i in kept]
        whole = np.concatenate([codes, noise_codes])
        corpus = build_corpus(
            whole,
            np.concatenate([bounds, noise_bounds[1:] + bounds[-1]]),
            np.where(known, column, 0),
            np.where(known, weights, 0.0),
            ~short_too,
            self._listed(group, places),
        )
        counts = np.bincount(codes, minlength=1 << 16) if len(codes) else np.zeros(1 << 16, np.int64)
        return Lesson(script, columns, family, corpus, counts)

    def _sift(self, texts: Iterable[str]) -> Sifted:
        codes, bounds = self._encoder.encode(list(texts))
        return sift(codes, bounds, self._groups, scripts.mass_table(self._names))

    def _shares_by_script(self) -> NDArray[np.float64]:
        """Of each label (rows) the share of texts in each group (columns)."""
        width = len(self._names) + 1
        counts = np.bincount(self._label * width + self._sifted.groups, minlength=len(self._labels) * width)
        whole = counts.reshape(-1, width)
        shares: NDArray[np.float64] = whole / np.maximum(whole.sum(1, keepdims=True), 1)
        return shares

    def _in_script(self, script: str, share: float, *, other: bool) -> list[str]:
        written = self._shares[:, self._names.index(script) + 1] > share
        return [str(name) for name in self._labels[written] if name.startswith(OTHER) == other]

    def _families(
        self,
        script: str,
        chosen: NDArray[np.int64],
        codes: NDArray[np.uint16],
        bounds: NDArray[np.int64],
        labels: Sequence[str],
        made: Sequence[noise.Noise],
    ) -> dict[str, str]:
        """The column of each other language that is written in the script: as many columns as labels and noise leave."""
        room = COLUMNS.get(script, OTHER_COLUMNS) - len(labels) - len({one.kind for one in made})
        texts: dict[str, list[NDArray[np.uint16]]] = {}
        for name in self._in_script(script, OTHER_SHARE, other=True):
            rows = np.flatnonzero(self._labels[self._label[chosen]] == name)
            texts[name] = [codes[bounds[row] : bounds[row + 1]] for row in rows]
        return families(texts, max(room, 1))

    def _sampled(self) -> dict[str, list[str]]:
        """Texts of each label to make noise of, SAMPLE at most, from all over its rows."""
        rows: dict[str, list[str]] = defaultdict(list)
        for text, label, _ in self._material.rows:
            rows[label].append(text)
        return {label: texts[:: max(1, len(texts) // SAMPLE)][:SAMPLE] for label, texts in rows.items()}

    def _noise(self, script: str, labels: Sequence[str]) -> list[noise.Noise]:
        most = NOISE.get(script, OTHER_NOISE)
        size = min(most, FROM_ONE * sum(len(self._sample[label]) for label in labels))
        return noise.make(self._sample, labels, script, size, self._seed)

    def _listed(self, group: int, places: Mapping[str, int]) -> Listed:
        lists = {places[label]: words for label, words in sorted(self._material.words.items()) if label in places}
        names, owners, weights = list_words(lists)
        chosen, codes, bounds = self._sift(names).of_group(group)
        return Listed(codes, bounds, owners[chosen], weights[chosen])
