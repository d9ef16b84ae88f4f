"""A model that is restricted to some of its labels."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, overload

from headrace.documents import Prediction
from headrace.models import restriction
from headrace.models.card import Rule, applied_rule, has_letters
from headrace.models.spans import find_spans
from headrace.scoring.scorer import ContentReader, Scorer, Stretching
from headrace.spans import Span

if TYPE_CHECKING:
    from numpy import bool_, float64, str_
    from numpy.typing import NDArray

    from headrace.models.model import Model

#: How much a restriction is believed: by this factor it raises the odds that a text is in the chosen labels, against all else that it may
#: be. Odds that are still below evens then, a share of less than 1 in 21 of the whole probability, mean that the text is in none of them.
ODDS_FACTOR = 20.0
#: Texts of which the probabilities of all labels are held at a time.
BATCH_TEXTS = 2048


class RestrictedModel:
    """A model that names only `labels`, some of those that it has (a `ports.Restrictable`). Its predictions name the same version.

    The score of a label is its share of the probability of the chosen labels, so the scores of a text sum to 1; where each of these
    probabilities is 0, the shares are equal. If the model's scores are not probabilities, they stay as they are.

    With a rule the model declines (`und`) if the whole model finds the text more likely none of its labels than its best one; if the
    chosen labels' share of the whole probability is too small (ODDS_FACTOR); or if the best score is below the rule's threshold.
    """

    def __init__(self, whole: "Model", scorer: Scorer, labels: Sequence[str]) -> None:
        self.ref, self.card, self.labels = whole.ref, whole.card, tuple(labels)
        self._whole, self._scorer = whole, scorer
        self._places = [whole.labels.index(label) for label in labels]
        self._stamp = str(whole.ref)
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
        """Those of the card's golden texts that must get one of the chosen labels."""
        return tuple((text, label) for text, label in self._whole.golden if label in self.labels)

    @property
    def label_sets(self) -> Mapping[str, Sequence[str]]:
        """The card's sets of labels. Of a set, those labels count that are chosen."""
        return self.card.label_sets

    @property
    def compiled(self) -> bool:
        """Whether its scorer runs in a kernel, not as a scikit-learn pipeline."""
        return self._whole.compiled

    @property
    def finds_spans(self) -> bool:
        """As `Model.finds_spans`."""
        return self._stretching is not None

    @property
    def classes_(self) -> "NDArray[str_]":
        """The chosen labels as scikit-learn's users know them, in the order of the columns of `predict_proba`."""
        return self._scorer.classes_[self._places]

    @property
    def predict_proba(self) -> "Callable[[Sequence[str]], NDArray[float64]]":
        """Called with texts: the share of each chosen label, float64 of shape (texts, labels); rows sum to 1.

        If the model's scores are not probabilities it has no `predict_proba`: AttributeError.
        """
        whole = self._scorer.predict_proba
        return lambda texts: self._shares(whole(texts))

    def restricted(self, labels: Iterable[str]) -> "RestrictedModel":
        """The same model with fewer labels. Raises Misconfigured as `Model.restricted`, also for a label that is not among the chosen."""
        of = restriction.restricted_name(self._stamp, self.labels)
        chosen = restriction.choose(labels, of=of, known=self.labels, sets=self.label_sets, rule=self.card.rule)
        return RestrictedModel(self._whole, self._scorer, chosen)

    def predict(self, texts: Sequence[str], *, threshold: float | None = None) -> list[Prediction]:
        """One prediction a text, in order, as `Model.predict`; with the threshold 0, always one of the chosen labels."""
        rule = applied_rule(self.card.rule, threshold)
        names = (*self.labels, rule.unknown, rule.no_letters) if rule else self.labels
        found: list[Prediction] = []
        for some in _batches(texts):
            whole, wordless = self._read(some, rule)
            shares = self._shares(whole)
            places, scores = shares.argmax(1), shares.max(1)
            if rule is not None:
                places[self._unknown(whole, scores, rule)] = len(names) - 2
            if wordless is not None:
                places[wordless], scores[wordless] = len(names) - 1, 1.0
            rows = zip(places.tolist(), scores.tolist(), strict=True)
            found += [Prediction(names[place], score, self._stamp) for place, score in rows]
        return found

    def top(self, texts: Sequence[str], n: int = 3) -> list[list[Prediction]]:
        """The best `n` of the chosen labels of each text, or all if there are fewer, best first; the card's rule plays no part."""
        best = []
        for some in _batches(texts):
            for row in self._shares(self._scorer.scores(some)):
                order = (-row).argsort(kind="stable")[: max(n, 0)]
                best.append([Prediction(self.labels[i], float(row[i]), self._stamp) for i in order])
        return best

    @overload
    def spans(self, texts: str, *, threshold: float | None = None) -> list[Span]: ...  # type: ignore[overload-overlap]

    @overload
    def spans(self, texts: Sequence[str], *, threshold: float | None = None) -> list[list[Span]]: ...

    def spans(self, texts: str | Sequence[str], *, threshold: float | None = None) -> list[Span] | list[list[Span]]:
        """As `Model.spans`: what is in none of the chosen labels is `und`, or with the threshold 0 gets one of them."""
        if isinstance(texts, str):
            return self.spans([texts], threshold=threshold)[0]
        rule, predict = applied_rule(self.card.rule, threshold), partial(self.predict, threshold=threshold)
        return find_spans(self.ref, self._stretching, list(texts), predict, rule, self._places)

    def prepare(self, *, wait: bool = False) -> bool:
        """As `Model.prepare`."""
        return self._whole.prepare(wait=wait)

    def _read(
        self, texts: Sequence[str], rule: Rule | None
    ) -> "tuple[NDArray[float64], NDArray[bool_] | list[bool] | None]":
        """The scores of all labels, and which texts have no words; None if the rule doesn't ask for that."""
        if rule is None or not rule.no_letters:
            return self._scorer.scores(texts), None
        if self._reader is not None:
            from headrace.scoring.cleaning.content import WORDS

            scores, kinds = self._reader.content_scores(texts)
            return scores, kinds != WORDS
        return self._scorer.scores(texts), [not has_letters(text) for text in texts]

    def _shares(self, whole: "NDArray[float64]") -> "NDArray[float64]":
        """The scores of the chosen labels, given those of all labels."""
        chosen = whole[:, self._places]
        if self._scorer.calibrated:
            chosen[chosen.sum(1) == 0] = 1.0
            chosen /= chosen.sum(1, keepdims=True)
        return chosen

    def _unknown(self, whole: "NDArray[float64]", scores: "NDArray[float64]", rule: Rule) -> "NDArray[bool_]":
        """Of which texts no label is named."""
        unknown = scores < rule.threshold
        if self._scorer.calibrated:
            share = whole[:, self._places].sum(1)
            unknown |= (1 - whole.sum(1) > whole.max(1)) | (share * ODDS_FACTOR < 1 - share)
        return unknown


def _batches(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    """BATCH_TEXTS texts at a time; one empty batch if there are none, so that what is not a list of texts is refused all the same."""
    if not isinstance(texts, list | tuple | str | bytes):
        texts = list(texts)
    for start in range(0, max(len(texts), 1), BATCH_TEXTS):
        yield texts[start : start + BATCH_TEXTS]
