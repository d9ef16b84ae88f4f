"""A model that is open: the scorer of one version, its card's rule, and the check that it still says what it said."""

from collections.abc import Sequence
from itertools import repeat
from typing import TYPE_CHECKING, Any, Protocol

from headrace.documents import Prediction
from headrace.errors import Misconfigured
from headrace.models.card import Card, Rule, has_letters
from headrace.ports import VersionRef

if TYPE_CHECKING:
    from numpy import float64
    from numpy.typing import NDArray

GOLDEN_TOLERANCE = 1e-3


class Scorer(Protocol):
    """What the registry wants of a scorer; those of `headrace.scoring` are such."""

    @property
    def labels(self) -> tuple[str, ...]:
        """In the order of the columns of `scores`."""
        ...

    @property
    def compiled(self) -> bool:
        """Whether it runs in the kernel; if not, it has a `reason`."""
        ...

    @property
    def calibrated(self) -> bool:
        """Whether scores are probabilities."""
        ...

    def predict(self, texts: Sequence[str]) -> list[Prediction]:
        """The best label of each text, with its score, in order."""
        ...

    def scores(self, texts: Sequence[str]) -> "NDArray[float64]":
        """Shape (texts, labels)."""
        ...

    def save(self, folder: Any) -> None:
        """Into a folder that exists, as files that `headrace.scoring.opening.open_scorer` opens."""
        ...


class Model:
    """A version of the registry that is open: a classifier (`ports.Ranking`) that names its version on every prediction.

    `name` is the model's ("language"), `version` its version ("3f9c2a"), `ref` both, and `card` what is known of it. It may be used from
    several threads if its scorer may.
    """

    def __init__(self, ref: VersionRef, card: Card, scorer: Scorer) -> None:
        self.ref = ref
        self.card = card
        self._scorer = scorer
        self._stamp = str(ref)

    @property
    def name(self) -> str:
        """The model's name, without the version: "language"."""
        return self.ref.name

    @property
    def version(self) -> str:
        """The version, without the name: "3f9c2a"."""
        return self.ref.version

    @property
    def golden(self) -> tuple[tuple[str, str], ...]:
        """The card's golden texts, each with the label that it must get."""
        return tuple((golden.text, golden.label) for golden in self.card.golden)

    def predict(self, texts: Sequence[str], *, threshold: float | None = None) -> list[Prediction]:
        """One prediction a text, in order; none for none.

        The card's rule decides between naming a label and declining (`und`, `zxx`); `threshold` replaces the rule's, also
        where the card has no rule, and 0 always names a label. The score beside `und` is that of the label not named.
        """
        if not isinstance(texts, list | tuple | str | bytes):
            texts = list(texts)  # they are looked at twice
        rule = self._rule(threshold)
        if rule is None:
            return [Prediction(one.label, one.score, self._stamp) for one in self._scorer.predict(texts)]
        if rule.no_letters and hasattr(self._scorer, "predict_content"):
            return self._judge(texts, rule)
        found = [
            Prediction(one.label if one.score >= rule.threshold else rule.unknown, one.score, self._stamp)
            for one in self._scorer.predict(texts)
        ]
        for place, text in enumerate(texts if rule.no_letters else ()):
            if not has_letters(text):
                found[place] = Prediction(rule.no_letters, 1.0, self._stamp)
        return found

    def top(self, texts: Sequence[str], n: int = 3) -> list[list[Prediction]]:
        """The best `n` labels of each text, or all where there are fewer, best first; the card's rule plays no part."""
        labels = self._scorer.labels
        best = []
        for row in self._scorer.scores(texts):
            order = (-row).argsort(kind="stable")[: max(n, 0)]
            best.append([Prediction(labels[i], float(row[i]), self._stamp) for i in order])
        return best

    def check(self) -> None:
        """Predict the golden texts again; raises Misconfigured where a label or a score is not what the card says."""
        try:
            found = self.predict([golden.text for golden in self.card.golden])
        except MemoryError:
            raise
        except Exception as error:
            raise self._broken(f"its golden texts raise {type(error).__name__}: {error}") from error
        for golden, one in zip(self.card.golden, found, strict=True):
            if one.label != golden.label or not abs(one.score - golden.score) <= GOLDEN_TOLERANCE:
                told = (
                    f"{golden.text!r} must be {golden.label} ({golden.score:.4f}) and is {one.label} ({one.score:.4f})"
                )
                raise self._broken(told)

    def _rule(self, threshold: float | None) -> Rule | None:
        if threshold is None:
            return self.card.rule
        if threshold <= 0:
            return None
        known = self.card.rule
        return Rule(threshold, known.unknown, known.no_letters) if known else Rule(threshold, no_letters="")

    def _judge(self, texts: Sequence[str], rule: Rule) -> list[Prediction]:
        """By a scorer that tells in one go what is no language, too: code besides what has no letters."""
        from headrace.scoring.hashed.content import WORDS

        places, scores, kinds = self._scorer.predict_content(texts)  # type: ignore[attr-defined]
        names = (*self._scorer.labels, rule.unknown, rule.no_letters)
        places[scores < rule.threshold] = len(names) - 2
        nowhere = kinds != WORDS
        places[nowhere], scores[nowhere] = len(names) - 1, 1.0
        return list(map(Prediction, map(names.__getitem__, places.tolist()), scores.tolist(), repeat(self._stamp)))

    def _broken(self, reason: str) -> Misconfigured:
        return Misconfigured(f"model {self.ref} is broken: {reason}; train or add it again, or promote another version")
