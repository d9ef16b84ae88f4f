"""A model that is open: the scorer of one version, its card's rule, and the check of its golden texts."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from itertools import repeat
from typing import TYPE_CHECKING, overload

from headrace.documents import Prediction
from headrace.errors import Misconfigured
from headrace.models import restriction
from headrace.models.card import Card, Rule, applied_rule, has_letters
from headrace.models.restricted import RestrictedModel
from headrace.models.spans import find_spans
from headrace.ports import VersionRef
from headrace.scoring.scorer import ContentReader, Preparing, Scorer, Stretching
from headrace.spans import Span

if TYPE_CHECKING:
    from numpy import float64, str_
    from numpy.typing import NDArray

GOLDEN_TOLERANCE = 1e-3  # how far a golden text's score may be from the card's: other processors round differently


class Model:
    """A version of the registry that is open: a classifier (`ports.Restrictable`) that names its version on every prediction.

    `name` is the model's ("language"), `version` its version ("3f9c2a"), `ref` both, and `card` what is known of it. It may be used from
    several threads if its scorer may.
    """

    def __init__(self, ref: VersionRef, card: Card, scorer: Scorer) -> None:
        self.ref = ref
        self.card = card
        self._scorer = scorer
        self._stamp = str(ref)
        # what the scorer can do beside scoring; asking a protocol takes microseconds, so it is asked once
        self._reader = scorer if isinstance(scorer, ContentReader) else None
        self._stretching = scorer if isinstance(scorer, Stretching) else None

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

    @property
    def labels(self) -> tuple[str, ...]:
        """All labels, in the order of the columns of `predict_proba`."""
        return self.card.labels

    @property
    def label_sets(self) -> Mapping[str, Sequence[str]]:
        """The sets of labels that the card names."""
        return self.card.label_sets

    @property
    def compiled(self) -> bool:
        """Whether its scorer runs in a kernel, not as a scikit-learn pipeline."""
        return self._scorer.compiled

    @property
    def finds_spans(self) -> bool:
        """Whether its scorer finds where the label changes within a text, which `spans` needs."""
        return self._stretching is not None

    @property
    def classes_(self) -> "NDArray[str_]":
        """The labels as scikit-learn's users know them, shape (labels,): strings, in the order of the columns of `predict_proba`."""
        return self._scorer.classes_

    @property
    def predict_proba(self) -> "Callable[[Sequence[str]], NDArray[float64]]":
        """Called with texts: the probability of each label, float64 of shape (texts, labels); the card's rule plays no part.

        If the model's scores are not probabilities it has no `predict_proba`: AttributeError, as with scikit-learn's classifiers.
        """
        return self._scorer.predict_proba

    def restricted(self, labels: Iterable[str]) -> "Model | RestrictedModel":
        """This model, restricted to some of its labels; itself if these are all. A name of `label_sets` stands for the labels of that set.

        Raises Misconfigured for no labels, for one that is named twice, and for one that it does not have, with those that it has.
        """
        chosen = restriction.choose(
            labels, of=self._stamp, known=self.labels, sets=self.label_sets, rule=self.card.rule
        )
        return self if chosen == self.labels else RestrictedModel(self, self._scorer, chosen)

    def predict(
        self, texts: Sequence[str], *, threshold: float | None = None, labels: Iterable[str] | None = None
    ) -> list[Prediction]:
        """One prediction a text, in order; none for no texts.

        The card's rule decides whether to name a label or to decline (`und`, `zxx`). `threshold` replaces the rule's, also if the card has
        no rule; 0 always names a label. The score beside `und` is that of the label that was not named. `labels` restricts the model as
        `restricted` does.
        """
        if labels is not None:
            return self.restricted(labels).predict(texts, threshold=threshold)
        if not isinstance(texts, list | tuple | str | bytes):
            texts = list(texts)  # an iterator could be read only once
        rule = applied_rule(self.card.rule, threshold)
        if rule is None:
            return [Prediction(one.label, one.score, self._stamp) for one in self._scorer.predict(texts)]
        if rule.no_letters and self._reader is not None:
            return self._predict_content(self._reader, texts, rule)
        found = [
            Prediction(one.label if one.score >= rule.threshold else rule.unknown, one.score, self._stamp)
            for one in self._scorer.predict(texts)
        ]
        for place, text in enumerate(texts if rule.no_letters else ()):
            if not has_letters(text):
                found[place] = Prediction(rule.no_letters, 1.0, self._stamp)
        return found

    def top(self, texts: Sequence[str], n: int = 3, *, labels: Iterable[str] | None = None) -> list[list[Prediction]]:
        """The best `n` labels of each text, or all if there are fewer, best first; the card's rule plays no part.

        `labels` restricts the model as `restricted` does.
        """
        if labels is not None:
            return self.restricted(labels).top(texts, n)
        names = self._scorer.labels
        best = []
        for row in self._scorer.scores(texts):
            order = (-row).argsort(kind="stable")[: max(n, 0)]
            best.append([Prediction(names[i], float(row[i]), self._stamp) for i in order])
        return best

    @overload
    def spans(  # type: ignore[overload-overlap]
        self, texts: str, *, threshold: float | None = None, labels: Iterable[str] | None = None
    ) -> list[Span]: ...

    @overload
    def spans(
        self, texts: Sequence[str], *, threshold: float | None = None, labels: Iterable[str] | None = None
    ) -> list[list[Span]]: ...

    def spans(
        self, texts: str | Sequence[str], *, threshold: float | None = None, labels: Iterable[str] | None = None
    ) -> list[Span] | list[list[Span]]:
        """The languages of a mixed text, or of each of several: its spans, in order, without overlap, neighbours with different labels.

        A text in one language is one span, with the label and score that `predict` gives it; a text without any (`zxx`) has none. Each span
        has the label and score that `predict` gives it as a text of its own, with the same `threshold` and `labels`. Together the spans are
        the text, but blanks around them, and markup, links and the like at their edges. Raises Misconfigured if the model can't find spans.
        """
        if labels is not None:
            return self.restricted(labels).spans(texts, threshold=threshold)
        if isinstance(texts, str):
            return self.spans([texts], threshold=threshold)[0]
        rule = applied_rule(self.card.rule, threshold)
        return find_spans(self.ref, self._stretching, list(texts), partial(self.predict, threshold=threshold), rule)

    def prepare(self, *, wait: bool = False) -> bool:
        """Get ready for many texts, as `scoring.scorer.Preparing` says, and return whether it is ready."""
        return not isinstance(self._scorer, Preparing) or self._scorer.prepare(wait=wait)

    def check(self) -> None:
        """Predict the golden texts again. Raises Misconfigured if a label or a score is not what the card says."""
        try:
            found = self.predict([golden.text for golden in self.card.golden])
        except MemoryError:
            raise
        except Exception as error:
            raise self._broken(f"its golden texts raise {type(error).__name__}: {error}") from error
        for golden, one in zip(self.card.golden, found, strict=True):
            if one.label != golden.label or not abs(one.score - golden.score) <= GOLDEN_TOLERANCE:
                raise self._broken(
                    f"{golden.text!r} must be {golden.label} ({golden.score:.4f}) and is {one.label} ({one.score:.4f})"
                )

    def _predict_content(self, scorer: ContentReader, texts: Sequence[str], rule: Rule) -> list[Prediction]:
        """As `predict`, by a scorer that tells in the same pass what is not language: code, too, besides texts without letters."""
        from headrace.scoring.cleaning.content import WORDS

        places, scores, kinds, none = scorer.predict_content(texts)
        names = (*self._scorer.labels, rule.unknown, rule.no_letters)
        places[(scores < rule.threshold) | (none > scores)] = len(names) - 2
        nowhere = kinds != WORDS
        places[nowhere], scores[nowhere] = len(names) - 1, 1.0
        return list(map(Prediction, map(names.__getitem__, places.tolist()), scores.tolist(), repeat(self._stamp)))

    def _broken(self, reason: str) -> Misconfigured:
        return Misconfigured(f"model {self.ref} is broken: {reason}; train or add it again, or promote another version")
