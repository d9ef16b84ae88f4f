"""A scikit-learn estimator of our own: softmax over hashed n-grams of characters within words, made for short text and many labels."""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted

from headrace.scoring.hashed.folding import FIRST_LETTER, HAN, OTHER
from headrace.scoring.hashed.ngrams import LANES, PAIRS, WORDS
from headrace.scoring.hashed.scorer import HashedParameters, HashedScorer
from headrace.scoring.native import compiled
from headrace.training import adagrad, calibration
from headrace.training.encoder import Examples, TextEncoder

SIZES = 14  # gains are kept for 1, 2, 4 ... 8,192 n-grams
RARE = 1e-6  # share of all codes below which a letter of an alphabet counts as unknown
ALPHABETIC, HANGUL = 0x2E80, 0xAC00  # scripts with many letters begin here; those of Korean
CLIPPED = 1e-4  # share of the weights that int8 clips


class HashedSoftmax(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Learns labels of raw texts; `to_scorer` gives the same classifier for production.

    X is a sequence (or an array of one dimension, or of one column) of strings, y their labels. Features are n-grams of one to five
    characters within lower-case words, and whole `words` and `pairs` of neighbours where asked, hashed to `buckets` rows. `fit` goes
    `passes` times over the texts in random order, with a rate that falls evenly from `rate` to 0; the same seed and data give the same
    weights. Predictions, also this class's own, are those of the scorer: weights of eight bits, probabilities calibrated if `calibrate`
    was called.
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
        """Learn from scratch. Raises ValueError where X holds no strings, its length is not y's, or y has fewer than two labels."""
        texts, names = _texts(X), _labels(y)
        _check_lengths(texts, names)
        self.start(np.unique(names))
        examples = self._examples(texts, names)
        random = np.random.default_rng(self.seed)
        for number in range(self.passes):
            rates = (self.rate * (1 - number / self.passes), self.rate * (1 - (number + 1) / self.passes))
            self.learn(examples.shuffled(random), rates)
        return self

    def partial_fit(self, X: Any, y: ArrayLike, classes: ArrayLike | None = None) -> Self:  # noqa: N803
        """One pass over these texts at the full rate; `classes` names all labels at the first call."""
        texts, names = _texts(X), _labels(y)
        _check_lengths(texts, names)
        if not hasattr(self, "classes_"):
            self.start(np.unique(names if classes is None else _labels(classes)))
        self.learn(self._examples(texts, names).shuffled(np.random.default_rng(self.seed)), (self.rate, self.rate))
        return self

    def start(self, classes: NDArray[Any], folder: TextEncoder | None = None) -> None:
        """Forget everything; from here `learn` may be called for these labels (sorted, two or more), of texts folded by this folder."""
        if len(classes) < 2:
            raise ValueError(f"a classifier needs two classes or more; the labels hold {len(classes)} class")
        if self.buckets < 1 or self.rate <= 0:
            raise ValueError(f"buckets and rate must be above 0, not {self.buckets} and {self.rate}")
        self.classes_ = classes
        self.folder_ = folder or TextEncoder.new()
        lanes = -(-len(classes) // 8) * 8
        self.weights_ = np.zeros((self.buckets, lanes), np.float32)
        self.squares_ = np.zeros(self.buckets, np.float32)
        self.seen_ = np.zeros(1 << 16, np.int64)
        self.gains_: NDArray[np.float64] = np.exp2(-self.power * np.arange(SIZES, dtype=np.float64))
        self.loss_ = float("nan")
        self._scorer: HashedScorer | None = None

    def learn(self, examples: Examples, rates: tuple[float, float]) -> float:
        """One pass in the order given, the rate falling evenly; the mean log loss, each example's before it was learnt from.

        The labels of examples are places in `classes_`.
        """
        self.seen_ += np.bincount(examples.codes, minlength=1 << 16)
        self._scorer = None
        given = (examples.codes, examples.begins, examples.ends, examples.labels)
        shape = (self._flags(), self.power, rates, len(self.classes_))
        self.loss_ = float(compiled(adagrad.learn, adagrad.LEARN)(*given, *shape, self.weights_, self.squares_))
        return self.loss_

    def calibrate(self, X: Any, y: ArrayLike) -> Self:  # noqa: N803
        """Choose for each length of text how sharp probabilities are, by the likelihood of texts that were not learnt from."""
        check_is_fitted(self, "weights_")
        return self.calibrate_on(self._examples(_texts(X), _labels(y)))

    def calibrate_on(self, examples: Examples) -> Self:
        """As `calibrate`, for texts that are folded already."""
        parameters, width, size = self.to_scorer().parameters, len(self.classes_), len(examples.labels)
        sums, counts = np.zeros((size, width), np.int64), np.zeros(size, np.int64)
        given = (examples.codes, examples.begins, examples.ends, parameters.flags, parameters.weights[:-LANES])
        compiled(adagrad.tally, adagrad.TALLY)(*given, width, sums, counts)
        self.gains_ = calibration.gains(
            np.multiply(sums, self._scale(), dtype=np.float64), counts, examples.labels, self.gains_
        )
        self._scorer = None
        return self

    def predict(self, X: Any) -> NDArray[Any]:  # noqa: N803
        """The likeliest class of each text."""
        chances = self.predict_proba(X)
        predicted: NDArray[Any] = self.classes_[chances.argmax(1)]
        return predicted

    def predict_proba(self, X: Any) -> NDArray[np.float64]:  # noqa: N803
        """Shape (texts, classes), columns as in `classes_`."""
        check_is_fitted(self, "weights_")
        return self.to_scorer().scores(_texts(X))

    def decision_function(self, X: Any) -> NDArray[np.float64]:  # noqa: N803
        """Log probabilities, shape (texts, classes); of two classes the log odds of the second, shape (texts,)."""
        logs = np.log(np.maximum(self.predict_proba(X), 1e-300))
        return logs[:, 1] - logs[:, 0] if len(self.classes_) == 2 else logs

    def to_scorer(self) -> HashedScorer:
        """The classifier as it is now, with weights of eight bits; labels are str(class)."""
        check_is_fitted(self, "weights_")
        if self._scorer is None:
            scale, width = self._scale(), len(self.classes_)
            flat = np.zeros(self.buckets * width + LANES, np.int8)
            flat[:-LANES] = np.clip(np.rint(self.weights_[:, :width] / scale), -127, 127).astype(np.int8).ravel()
            alphabet = _known(self.folder_.letters, self.seen_)
            names = tuple(map(str, self.classes_.tolist()))
            tables = (alphabet, self.folder_.keys, self.folder_.values)
            self._scorer = HashedScorer(
                HashedParameters(names, self.buckets, self._flags(), flat, np.multiply(self.gains_, scale), *tables)
            )
        return self._scorer

    def _scale(self) -> float:
        """What one step of an eight-bit weight is worth."""
        sizes = np.abs(self.weights_[self.squares_ > 0])
        largest = float(np.quantile(sizes[:: max(1, len(sizes) // 200_000)], 1 - CLIPPED)) if sizes.size else 0.0
        return (largest or 1.0) / 127

    def _flags(self) -> int:
        return (WORDS if self.words else 0) | (PAIRS if self.pairs else 0)

    def _examples(self, texts: list[str], names: NDArray[Any]) -> Examples:
        targets = np.searchsorted(self.classes_, names)
        unknown = self.classes_[np.minimum(targets, len(self.classes_) - 1)] != names
        if unknown.any():
            raise ValueError(f"the label {names[unknown][0]!r} is not among the classes that learning began with")
        codes, bounds = self.folder_.fold(texts)
        return Examples(codes, bounds[:-1], bounds[1:], targets)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.one_d_array = True
        tags.input_tags.two_d_array = False
        tags.no_validation = True
        return tags


def _known(alphabet: NDArray[np.uint16], seen: NDArray[np.int64]) -> NDArray[np.uint16]:
    """The alphabet without letters that were not learnt: what they would say is chance. All ideographs stand for known ones."""
    rare = (seen == 0) | (seen < RARE * seen.sum()) & (np.arange(len(seen)) < ALPHABETIC)
    lost = (alphabet >= FIRST_LETTER) & rare[alphabet]
    ideographs = lost & (np.arange(len(seen)) >= ALPHABETIC) & (np.arange(len(seen)) < HANGUL) & (seen[HAN] > 0)
    return np.where(ideographs, HAN, np.where(lost, OTHER, alphabet)).astype(np.uint16)


def _texts(given: Any) -> list[str]:
    if isinstance(given, str):
        raise ValueError("X must be a sequence of strings, not one string; write [text]")
    if getattr(given, "ndim", 1) == 2 and given.shape[1] == 1:
        given = np.asarray(given)[:, 0]
    texts = list(given)
    for text in texts:
        if not isinstance(text, str):
            raise ValueError(f"X must hold strings, not {type(text).__name__}")
    return texts


def _labels(given: ArrayLike) -> NDArray[Any]:
    labels = np.asarray(given)
    check_classification_targets(labels)
    if labels.ndim != 1:
        raise ValueError(f"y must have one dimension, not {labels.ndim}")
    return labels


def _check_lengths(texts: Sequence[str], labels: NDArray[Any]) -> None:
    if len(texts) != len(labels):
        raise ValueError(f"X has {len(texts)} texts and y {len(labels)} labels; each text needs one")
    if not texts:
        raise ValueError("X is empty: there is nothing to learn from")
