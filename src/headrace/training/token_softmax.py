"""A scikit-learn estimator: softmax over the words, emoji, emoticons and n-grams of informal text, on rows of several sources."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import check_is_fitted

from headrace.scoring.native import compiled
from headrace.scoring.tokens.characters import Characters
from headrace.scoring.tokens.parameters import BLOCKS, TokenParameters
from headrace.scoring.tokens.score import SIGN_SHIFT
from headrace.scoring.tokens.scorer import TokenScorer
from headrace.training import calibration, token_adagrad
from headrace.training.raw_texts import RawTextClassifier, check_lengths, labels_of, places_of, texts_of
from headrace.training.token_examples import TokenExamples
from headrace.training.token_owners import NOBODY, owned, owners

#: The share of weights that is clipped to the range of int8.
CLIPPED = 1e-4


@dataclass(frozen=True, eq=False)
class Material:
    """What is learnt from: texts, as examples, with the probability of each label (float32, texts x labels), how much each text counts
    (float32, texts), and its source (int64, texts), a row of `known` (bool, sources x labels): the labels that rows of a source may have.
    """

    examples: TokenExamples
    targets: NDArray[np.float32]
    weights: NDArray[np.float32]
    sources: NDArray[np.int64]
    known: NDArray[np.bool_]


class TokenSoftmax(RawTextClassifier):
    """Learns labels of raw texts; `to_scorer` returns the same classifier for production.

    X is a sequence of strings (also an array of one dimension or of one column), y their labels. Features (`headrace.scoring.tokens`) are
    hashed to `buckets` rows, a power of two; a row belongs to one feature, which occurs in at least `least` texts. `fit` passes over the
    texts `passes` times in random order, with a learning rate that falls linearly from `rate` to 0, and weights that shrink by `shrinkage`.
    A label with few texts counts as much as one with many if `balance` is 1, and as its texts do if it is 0. The same `seed` and data give
    the same weights. Predictions, this class's included, are those of the scorer: its weights have eight bits, and its probabilities are
    calibrated if `calibrate` was called.
    """

    def __init__(
        self,
        *,
        buckets: int = 1 << 18,
        rate: float = 0.1,
        shrinkage: float = 1e-3,
        passes: int = 6,
        balance: float = 1.0,
        least: int = 2,
        seed: int = 0,
    ) -> None:
        self.buckets = buckets
        self.rate = rate
        self.shrinkage = shrinkage
        self.passes = passes
        self.balance = balance
        self.least = least
        self.seed = seed

    def fit(self, X: Any, y: ArrayLike) -> Self:  # noqa: N803 (scikit-learn's names)
        """Learn from scratch. Raises ValueError if X holds non-strings, its length is not y's, or y has fewer than two labels."""
        texts, names = texts_of(X), labels_of(y)
        check_lengths(texts, names)
        self.start(np.unique(names))
        examples = self.own(TokenExamples.of(texts, self.characters_))
        material = self.material(examples, places_of(names, self.classes_))
        random = np.random.default_rng(self.seed)
        for number in range(self.passes):
            rates = (self.rate * (1 - number / self.passes), self.rate * (1 - (number + 1) / self.passes))
            self.learn(material, random.permutation(len(texts)), rates)
        return self

    def start(self, classes: NDArray[Any], owners: NDArray[np.int64] | None = None, sources: int = 1) -> None:
        """Forget everything, and prepare for `learn`: `classes` are the labels, sorted, two or more; `owners` the features that rows belong
        to, if `own` is not to say it."""
        if len(classes) < 2:
            raise ValueError(f"a classifier needs two classes or more; the labels hold {len(classes)} class")
        if self.buckets < 1 or self.buckets & (self.buckets - 1) or self.rate <= 0:
            raise ValueError(f"buckets must be a power of two, and rate above 0, not {self.buckets} and {self.rate}")
        self.classes_ = classes
        self.characters_ = Characters.new()
        self.owners_ = np.full(self.buckets, NOBODY, np.int64) if owners is None else owners
        self.weights_ = np.zeros((self.buckets, len(classes)), np.float32)
        self.squares_ = np.zeros(self.buckets, np.float32)
        self.biases_ = np.zeros((sources, len(classes)))
        self.gains_: NDArray[np.float64] = np.ones(BLOCKS)
        self.shift_: NDArray[np.float64] = np.zeros(len(classes))
        self._scorer: TokenScorer | None = None

    def own(self, examples: TokenExamples) -> TokenExamples:
        """Give the rows of the table to the features of these examples, and return them with those that got one."""
        self.owners_ = owners(examples, np.ones(len(examples.words), np.float32), self.buckets, self.least)
        return owned(examples, self.owners_)

    def material(self, examples: TokenExamples, labels: NDArray[np.int64]) -> Material:
        """Texts of one source with their labels, indexes of `classes_`."""
        counts = np.bincount(labels, minlength=len(self.classes_))
        shares = (len(labels) / np.maximum(counts, 1) / np.count_nonzero(counts)) ** self.balance
        return Material(
            examples,
            np.eye(len(self.classes_), dtype=np.float32)[labels],
            shares[labels].astype(np.float32),
            np.zeros(len(labels), np.int64),
            (counts > 0)[None],
        )

    def learn(self, material: Material, order: NDArray[np.int64], rates: tuple[float, float]) -> float:
        """One pass over the texts of `order`, with a rate that falls linearly from rates[0] to rates[1]; returns the mean log loss, each
        text's before it was learnt from."""
        self._scorer = None
        one = material.examples
        given = (one.features, one.bounds, one.words, order, material.targets, material.weights, material.sources)
        learnt = (material.known, self.biases_, rates, self.shrinkage, self.weights_, self.squares_)
        return float(compiled(token_adagrad.learn, token_adagrad.LEARN)(*given, *learnt))

    def odds(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Log odds by the weights as they are, before any calibration; (texts, labels)."""
        one = owned(TokenExamples.of(texts, self.characters_), self.owners_)
        out = np.empty((len(texts), len(self.classes_)))
        given = (one.features, one.bounds, one.words, np.ones(BLOCKS), self.biases_[0], self.weights_)
        compiled(token_adagrad.odds, token_adagrad.ODDS)(*given, out)
        return out

    def calibrate(self, X: Any, y: ArrayLike) -> Self:  # noqa: N803
        """Calibrate on texts that were not learnt from: labels as if all were as frequent, and scores that say how often a label is right
        (see `calibration.balanced`)."""
        check_is_fitted(self, "weights_")
        texts, names = texts_of(X), labels_of(y)
        check_lengths(texts, names)
        gain, self.shift_ = calibration.balanced(self.odds(texts), places_of(names, self.classes_))
        self.gains_ = np.full(BLOCKS, gain)
        self._scorer = None
        return self

    def to_scorer(self) -> TokenScorer:
        """The classifier as it is now, with weights of eight bits. Its labels are the classes as strings."""
        check_is_fitted(self, "weights_")
        if self._scorer is None:
            sizes = np.abs(self.weights_[self.squares_ > 0])
            scale = float(np.quantile(sizes, 1 - CLIPPED)) / 127 if sizes.size and sizes.any() else 1.0
            labels = len(self.classes_)
            rows = np.zeros((self.buckets, -(-(labels + 1) // 4) * 4), np.int8)
            rows[:, :labels] = np.clip(np.rint(self.weights_ / scale), -127, 127)
            rows[:, labels] = (self.owners_ >> SIGN_SHIFT).astype(np.uint8).view(np.int8)
            names = tuple(map(str, self.classes_.tolist()))
            biases = self.biases_[0] * self.gains_[0] + self.shift_
            self._scorer = TokenScorer(TokenParameters(names, rows, self.gains_ * scale, biases, self.characters_))
        return self._scorer
