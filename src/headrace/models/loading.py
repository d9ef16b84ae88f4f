"""Opening models: versions of the registry, and classifiers that a URL names."""

import math
import sys
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

from headrace.documents import Prediction
from headrace.errors import Misconfigured, Unavailable
from headrace.log import logger
from headrace.models.registry import Registry
from headrace.models.spec import ModelSpec
from headrace.ports import Classifier, Ranking, Restrictable, Spanning, Stepwise, VersionRef
from headrace.spans import Span
from headrace.urls import open_classifier
from headrace.validation import fault

LOG = logger("headrace.models")
MESSAGE_LETTERS = 1000  # of an exception's message are kept


@dataclass(frozen=True)
class OpenModel:
    """A model that is open, and ready to predict. `version` names it on predictions: "language@3f9c2a".

    `check` predicts the golden texts again, and raises Misconfigured if they come out wrong. `stamped` says that the predictions of the
    classifier carry `version` already, with labels of its card.
    """

    spec: ModelSpec
    version: str
    classifier: Classifier
    check: Callable[[], None]
    stamped: bool = False

    @property
    def most_texts(self) -> int:
        """How many texts it should be given at once now."""
        return max(1, self.classifier.most_texts) if isinstance(self.classifier, Stepwise) else sys.maxsize

    def predict(self, texts: Sequence[str], threshold: float | None = None) -> list[Prediction]:
        """One prediction a text, in order, with `version` on each. Raises ValueError if what the classifier gives can't be stored.

        A classifier that is not `Ranking` knows no threshold, and always names its label.
        """
        if threshold is not None and isinstance(self.classifier, Ranking):
            found = self.classifier.predict(texts, threshold=threshold)
        else:
            found = self.classifier.predict(texts)
        return self._checked(len(texts), found)

    def top(self, texts: Sequence[str], n: int) -> list[list[Prediction]]:
        """The best `n` labels of each text, best first; of a classifier that is not `Ranking`, the label that it predicts."""
        if not isinstance(self.classifier, Ranking):
            return [[one] for one in self.predict(texts)]
        found = self.classifier.top(texts, n)
        if len(found) != len(texts) or not all(found):
            raise ValueError(f"the model ranked labels for {sum(map(bool, found))} of {len(texts)} texts")
        return [self._checked(len(best), best) for best in found]

    def knows(self, label: str) -> bool:
        """Whether it can be restricted to this label, or to the set of labels of this name."""
        one = self.classifier
        return isinstance(one, Restrictable) and (label in one.labels or label in one.label_sets)

    def restricted(self, labels: Sequence[str]) -> "OpenModel":
        """The same, restricted to some labels or sets. Raises Misconfigured for those that it doesn't have."""
        if not isinstance(self.classifier, Restrictable):
            raise Misconfigured(
                f"model {self.version} can't be restricted to labels: its class has no `labels`, `label_sets` and `restricted(labels)`"
                " (docs/extending.md); take the labels away"
            )
        return replace(self, classifier=self.classifier.restricted(labels))

    @property
    def finds_spans(self) -> bool:
        """Whether `spans` finds any: the classifier is `Spanning`, and does not say that it can't."""
        return isinstance(self.classifier, Spanning) and bool(getattr(self.classifier, "finds_spans", True))

    def spans(self, texts: Sequence[str], threshold: float | None = None) -> list[list[Span]]:
        """The spans of each text, as `Model.spans` finds them. Raises Misconfigured for a classifier that has no spans."""
        if not isinstance(self.classifier, Spanning):
            raise Misconfigured(
                f"model {self.version} can't find spans: its class has no `spans(texts)`; choose a language model with --model"
            )
        return self.classifier.spans(texts, threshold=threshold)

    def _checked(self, wanted: int, found: Sequence[Prediction]) -> list[Prediction]:
        if len(found) != wanted:
            raise ValueError(f"the model gave {len(found)} predictions for {wanted} texts")
        if not self.stamped:
            found = [Prediction(str(one.label), float(one.score), self.version) for one in found]
            for label in {one.label for one in found}:
                if not label or fault(label, 0):
                    raise ValueError(f"the model gave the label {label!r}")
        scores = [one.score for one in found]
        if not all(map(math.isfinite, scores)):
            raise ValueError(f"the model gave the score {next(score for score in scores if not math.isfinite(score))}")
        return list(found)


def open_models(
    specs: Sequence[ModelSpec],
    registry: Registry,
    working: Callable[[int], None] = lambda _place: None,
    left_out: Collection[int] = (),
) -> "list[OpenModel | None]":
    """Open every model and let it predict its golden texts. Raises Misconfigured if one can't be opened, or fails on them.

    Raises Unavailable if a remote one can't be reached. A shadow that can't be opened, or whose place is in `left_out`, is None.
    `working` is called with the place of each before it is opened.
    """
    opened: list[OpenModel | None] = [None] * len(specs)
    for place, spec in sorted(enumerate(specs), key=lambda one: one[1].shadow):
        if place in left_out:
            continue
        working(place)
        try:
            model = _open(spec, registry)
            model.check()
            opened[place] = model
        except MemoryError:
            raise
        except Exception as error:
            if not spec.shadow:
                raise
            LOG.error(f"the shadow {spec.reference or spec.name} cannot be opened: {error_text(error)}")
    return opened


def error_text(error: BaseException) -> str:
    """An exception's type and message as text that can be stored: cut to MESSAGE_LETTERS, whatever the message holds."""
    try:
        message = str(error)
    except Exception:  # raised by the exception's own __str__
        message = "(its message can't be read)"
    shown = f"{type(error).__name__}: {message[:MESSAGE_LETTERS]}"
    return shown.encode(errors="replace").decode().replace("\0", "?")


def _open(spec: ModelSpec, registry: Registry) -> OpenModel:
    if spec.reference:
        model = registry.get(spec.reference)
        opened = OpenModel(spec, str(model.ref), model, model.check, stamped=True)
    else:
        found = open_classifier(spec.url)
        version = str(VersionRef(spec.name, found.version))
        opened = OpenModel(spec, version, found, _golden_check(version, found))
    return opened.restricted(spec.restriction) if spec.restriction else opened


def _golden_check(version: str, found: Classifier) -> Callable[[], None]:
    """The check of a classifier that is not in the registry: its golden texts get the labels that it states."""

    def check() -> None:
        golden = [(str(text), str(label)) for text, label in found.golden]
        try:
            labels = [str(one.label) for one in found.predict([text for text, _ in golden])]
        except (MemoryError, Misconfigured, Unavailable):
            raise
        except Exception as error:
            raise Misconfigured(f"model {version} is broken: its golden texts raise {error_text(error)}") from error
        if labels != [label for _, label in golden]:
            raise Misconfigured(f"model {version} is broken: its golden texts come out as {labels}")

    return check
