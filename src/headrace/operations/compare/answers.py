"""What models say of the same texts, and how long each takes."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from headrace.documents import Prediction
from headrace.errors import Misconfigured, Rejected
from headrace.models.loading import open_models
from headrace.models.model_set import ModelSet
from headrace.models.registry import Registry
from headrace.models.spec import ModelSpec
from headrace.retrying import isolate
from headrace.training.labels import canonical

BATCH = 256  # texts that a model is given at once
WARM_UP = 32  # texts that a model predicts before its time is taken
FAILED = Prediction("", 0.0)  # stands for the prediction of a text on which the model failed


@dataclass(frozen=True)
class NamedModel:
    """A model that is open, under the name that it has in the comparison.

    `labels` are those that it may name, empty if it does not say; `declining` those that say that it names none (`und`, `zxx`).
    """

    name: str
    version: str
    models: ModelSet
    labels: frozenset[str] = frozenset()
    declining: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Answers:
    """What a model says of each text: `labels`, as `labels.canonical` writes them, and `scores`.

    A text on which the model failed has an empty label; `failure` is the reason of the first. `seconds` is the wall time of them all.
    """

    model: NamedModel
    labels: Sequence[str]
    scores: Sequence[float]
    failure: str
    seconds: float

    @property
    def failed(self) -> int:
        """On how many texts the model failed."""
        return sum(not label for label in self.labels)


def open_named(name: str, spec: ModelSpec, registry: Registry) -> NamedModel:
    """Open a model and predict its golden texts. Raises Misconfigured if it can't be opened or gets them wrong, Unavailable if it is a
    remote one that can't be reached."""
    (model,) = open_models([spec], registry)
    if model is None:
        raise Misconfigured(f"{name} is a shadow that can't be opened")
    rule = registry.card(model.version).rule if spec.reference else None
    stated = getattr(model.classifier, "labels", ())
    return NamedModel(
        name,
        model.version,
        ModelSet([model]),
        frozenset(map(canonical, stated if isinstance(stated, list | tuple) else ())),
        frozenset((rule.unknown, rule.no_letters) if rule else ()),
    )


def ask(model: NamedModel, texts: Sequence[str], progress: Callable[[int], None] = lambda _done: None) -> Answers:
    """What a model says of these texts, in batches, by one thread.

    Before its time is taken, it is compiled and predicts the first few texts. A text on which it fails is found by halving, which counts as
    its time. `progress` is called with the number of texts that are done. Raises Unavailable if a remote model is away.
    """
    failures: list[str] = []

    def predict(some: Sequence[str]) -> list[Prediction]:
        return [one for known in model.models.predict(some) for one in known.values()]

    def fail(_text: str, error: Rejected) -> list[Prediction]:
        failures.append(str(error))
        return [FAILED]

    model.models.prepare(wait=True)
    isolate(texts[:WARM_UP], predict, fail)
    failures.clear()
    found: list[Prediction] = []
    began = time.perf_counter()
    for start in range(0, len(texts), BATCH):
        for part in isolate(texts[start : start + BATCH], predict, fail):
            found += part
        progress(len(found))
    seconds = time.perf_counter() - began
    written = {one.label: canonical(one.label) or one.label for one in found}
    return Answers(
        model, [written[one.label] for one in found], [one.score for one in found], "".join(failures[:1]), seconds
    )
