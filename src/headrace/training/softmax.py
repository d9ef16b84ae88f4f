"""A scikit-learn estimator: softmax over hashed character n-grams within words, made for short texts and many labels."""

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import check_is_fitted

from headrace.scoring.hashed.features import LANES, PAIRS, WORDS
from headrace.scoring.hashed.folding import FIRST_LETTER, HAN, OTHER
from headrace.scoring.hashed.parameters import one_table
from headrace.scoring.hashed.scorer import HashedScorer
from headrace.scoring.native import compiled
from headrace.training import adagrad, calibration
from headrace.training.encoder import Examples, TextEncoder
from headrace.training.raw_texts import RawTextClassifier, check_lengths, labels_of, places_of, texts_of

#: The number of gains: for 1, 2, 4 ... 8,192 features.
GAINS = 14
#: A letter of an alphabet counts as unknown if its share of all codes learnt from is smaller.
RARE = 1e-6
#: Scripts with many letters begin at this code point, and Korean ones at this one.
ALPHABETIC, HANGUL = 0x2E80, 0xAC00
#: The share of weights that is clipped to the range of int8.
CLIPPED = 1e-4


class HashedSoftmax(RawTextClassifier):
    """Learns labels of raw texts; `to_scorer` returns the same classifier for production.

    X is a sequence of strings (also an array of one dimension or of one column), y their labels. Features are n-grams of one to five
    characters within lower-case words, and if asked for, whole `words` and `pairs` of neighbouring ones, hashed to `buckets` rows. `power`
    is how much less each feature of a text with many features counts (see `adagrad`). `fit` passes over the texts `passes` times in random
    order, with a learning rate that falls linearly from `rate` to 0; the same `seed` and data give the same weights. Predictions, this
    class's included, are those of the scorer: its weights have eight bits, and its probabilities are calibrated if `calibrate` was called.
    """

    def __init__(
        self,
        *,
        buckets: int = 1 << 18,
        words: bool = True,
        pairs: bool = False,
        power: float = 0.25,
        rate: float = 0.6,
        passes: int = 4,
        seed: int = 0,
    ) -> None:
        self.buckets = buckets
        self.words = words
        self.pairs = pairs
        self.power = power
        self.rate = rate
        self.passes = passes
        self.seed = seed

    def fit(self, X: Any, y: ArrayLike) -> Self:  # noqa: N803 (scikit-learn's names)
        """Learn from scratch. Raises ValueError if X holds non-strings, its length is not y's, or y has fewer than two labels."""
        texts, names = texts_of(X), labels_of(y)
        check_lengths(texts, names)
        self.start(np.unique(names))
        examples = self._examples(texts, names)
        random = np.random.default_rng(self.seed)
        for number in range(self.passes):
            rates = (self.rate * (1 - number / self.passes), self.rate * (1 - (number + 1) / self.passes))
            self.learn(examples.shuffled(random), rates)
        return self

    def partial_fit(self, X: Any, y: ArrayLike, classes: ArrayLike | None = None) -> Self:  # noqa: N803
        """One pass over these texts at the full rate. The first call needs all labels: in `classes`, else in y."""
        texts, names = texts_of(X), labels_of(y)
        check_lengths(texts, names)
        if not hasattr(self, "classes_"):
            self.start(np.unique(names if classes is None else labels_of(classes)))
        self.learn(self._examples(texts, names).shuffled(np.random.default_rng(self.seed)), (self.rate, self.rate))
        return self

    def start(self, classes: NDArray[Any], encoder: TextEncoder | None = None) -> None:
        """Forget everything, and prepare for `learn`: `classes` are the labels, sorted, two or more; `encoder` encodes their texts."""
        if len(classes) < 2:
            raise ValueError(f"a classifier needs two classes or more; the labels hold {len(classes)} class")
        if self.buckets < 1 or self.rate <= 0:
            raise ValueError(f"buckets and rate must be above 0, not {self.buckets} and {self.rate}")
        self.classes_ = classes
        self.encoder_ = encoder or TextEncoder.new()
        lanes = -(-len(classes) // 8) * 8
        self.weights_ = np.zeros((self.buckets, lanes), np.float32)
        self.squares_ = np.zeros(self.buckets, np.float32)
        self.seen_ = np.zeros(1 << 16, np.int64)
        self.gains_: NDArray[np.float64] = np.exp2(-self.power * np.arange(GAINS, dtype=np.float64))
        self.loss_ = float("nan")
        self._scorer: HashedScorer | None = None

    def learn(self, examples: Examples, rates: tuple[float, float]) -> float:
        """One pass over the examples in their order, with a rate that falls linearly from rates[0] to rates[1].

        Returns the mean log loss, each example's before it was learnt from. Labels of examples are indexes of `classes_`.
        """
        self.seen_ += np.bincount(examples.codes, minlength=1 << 16)
        self._scorer = None
        given = (examples.codes, examples.begins, examples.ends, examples.labels)
        shape = (self._flags(), self.power, rates, len(self.classes_), 0.0)
        self.loss_ = float(compiled(adagrad.learn, adagrad.LEARN)(*given, *shape, self.weights_, self.squares_))
        return self.loss_

    def calibrate(self, X: Any, y: ArrayLike) -> Self:  # noqa: N803
        """Calibrate probabilities, by length of text, on texts that were not learnt from (see `calibration.gains`)."""
        check_is_fitted(self, "weights_")
        return self.calibrate_on(self._examples(texts_of(X), labels_of(y)))

    def calibrate_on(self, examples: Examples) -> Self:
        """As `calibrate`, for examples that are encoded already."""
        parameters, width, size = self.to_scorer().parameters, len(self.classes_), len(examples.labels)
        sums, counts = np.zeros((size, width), np.int64), np.zeros(size, np.int64)
        given = (examples.codes, examples.begins, examples.ends, parameters.flags, parameters.weights[:-LANES])
        compiled(adagrad.tally, adagrad.TALLY)(*given, width, sums, counts)
        self.gains_ = calibration.gains(
            np.multiply(sums, self._scale(), dtype=np.float64), counts, examples.labels, self.gains_
        )
        self._scorer = None
        return self

    def to_scorer(self) -> HashedScorer:
        """The classifier as it is now, with weights of eight bits. Its labels are the classes as strings."""
        check_is_fitted(self, "weights_")
        if self._scorer is None:
            scale, width = self._scale(), len(self.classes_)
            flat = np.zeros(self.buckets * width + LANES, np.int8)
            flat[:-LANES] = np.clip(np.rint(self.weights_[:, :width] / scale), -127, 127).astype(np.int8).ravel()
            alphabet = _learnt_alphabet(self.encoder_.letters, self.seen_)
            names = tuple(map(str, self.classes_.tolist()))
            tables = (alphabet, self.encoder_.keys, self.encoder_.values)
            self._scorer = HashedScorer(one_table(names, self._flags(), flat, np.multiply(self.gains_, scale), *tables))
        return self._scorer

    def _scale(self) -> float:
        """The weight that 1 of int8 stands for."""
        sizes = np.abs(self.weights_[self.squares_ > 0])
        largest = float(np.quantile(sizes[:: max(1, len(sizes) // 200_000)], 1 - CLIPPED)) if sizes.size else 0.0
        return (largest or 1.0) / 127

    def _flags(self) -> int:
        return (WORDS if self.words else 0) | (PAIRS if self.pairs else 0)

    def _examples(self, texts: list[str], names: NDArray[Any]) -> Examples:
        targets = places_of(names, self.classes_)
        codes, bounds = self.encoder_.encode(texts)
        return Examples(codes, bounds[:-1], bounds[1:], targets)


def _learnt_alphabet(alphabet: NDArray[np.uint16], seen: NDArray[np.int64]) -> NDArray[np.uint16]:
    """The alphabet with letters that were not learnt, whose weights are chance, turned into OTHER, or if they are ideographs, into HAN.

    `seen` counts the codes that were learnt from. Ideographs become OTHER too if none was ever turned into HAN.
    """
    rare = (seen == 0) | (seen < RARE * seen.sum()) & (np.arange(len(seen)) < ALPHABETIC)
    lost = (alphabet >= FIRST_LETTER) & rare[alphabet]
    points = np.arange(len(alphabet))
    ideographs = lost & (points >= ALPHABETIC) & (points < HANGUL) & (seen[HAN] > 0)
    return np.where(ideographs, HAN, np.where(lost, OTHER, alphabet)).astype(np.uint16)
