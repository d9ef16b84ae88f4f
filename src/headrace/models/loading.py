"""The models that a predictor has open: those of the registry, and classifiers of the user's own."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from headrace.documents import Prediction
from headrace.errors import HeadraceError, Misconfigured
from headrace.models.model import Model
from headrace.models.registry import Registry
from headrace.models.spec import ModelSpec, Setup, parse
from headrace.ports import Classifier
from headrace.predictor import frames
from headrace.urls import open_classifier
from headrace.validation import fault

TOLD_LETTERS = 1000


@dataclass(frozen=True)
class Open:
    """A model that is served, and open."""

    served: ModelSpec
    version: str
    classifier: Classifier
    check: Callable[[], None]

    def best(self, texts: Sequence[str], request: frames.Texts) -> list[list[Prediction]]:
        """What was asked for each text; a classifier of the user's own knows its best label only."""
        if not isinstance(self.classifier, Model):
            return [[one] for one in self.predict(texts)]
        if request.top:
            return self.classifier.top(texts, request.top)
        return [[one] for one in self.classifier.predict(texts, threshold=request.threshold)]

    def predict(self, texts: Sequence[str]) -> list[Prediction]:
        """Predictions that name their version. Raises ValueError where the classifier gives none that can be stored."""
        found = self.classifier.predict(texts)
        if len(found) != len(texts):
            raise ValueError(f"the model gave {len(found)} predictions for {len(texts)} texts")
        made = [Prediction(str(one.label), float(one.score), self.version) for one in found]
        for one in made:
            if not math.isfinite(one.score):
                raise ValueError(f"the model gave the score {one.score}")
        for label in {one.label for one in made}:
            if not label or fault(label, 0):
                raise ValueError(f"the model gave the label {label!r}")
        return made


def open_models(setup: Setup) -> list[Open]:
    """Open every model that is served; golden texts are checked. Raises Misconfigured."""
    registry = Registry.from_url(setup.registry)
    opened: list[Open] = []
    for served in parse(setup.models):
        if served.own:
            classifier = open_classifier(f"python:{served.own}")
            version = f"{served.name}@{getattr(classifier, 'version', '0')}"
            opened.append(Open(served, version, classifier, _golden_check(version, classifier)))
        else:
            model = registry.get(served.reference)
            opened.append(Open(served, model.name, model, model.check))
    for one in opened:
        one.check()
    return opened


def told(error: BaseException) -> str:
    """An exception in words that can be stored, and not too many, whatever its message is."""
    try:
        message = str(error)
    except Exception:  # of an exception's own __str__
        message = "(its message can't be read)"
    return f"{type(error).__name__}: {message[:TOLD_LETTERS]}".encode(errors="replace").decode().replace("\0", "?")


def _golden_check(version: str, classifier: Classifier) -> Callable[[], None]:
    """The check of a classifier of the user's own: its member `golden`, pairs of a text and a label, if it has one."""

    def check() -> None:
        golden = [(str(text), str(label)) for text, label in getattr(classifier, "golden", ())]
        try:
            found = [str(one.label) for one in classifier.predict([text for text, _ in golden])]
        except (MemoryError, HeadraceError):
            raise
        except Exception as error:
            raise Misconfigured(f"model {version} is broken: its golden texts raise {told(error)}") from error
        if found != [label for _, label in golden]:
            raise Misconfigured(f"model {version} is broken: its golden texts come out as {found}")

    return check
