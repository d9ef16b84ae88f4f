"""The models that are served together, over documents and over texts: conditions, shadows, and what a model fails on.

Workers, the API (each through a predictor process), the commands `predict` and `score` and batch jobs all predict with a `ModelSet`.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from itertools import chain
from typing import TypeVar

from headrace.burial import bury
from headrace.documents import DeadLetter, Document, Outcome, Prediction
from headrace.errors import HeadraceError, Misconfigured, Rejected, Unavailable
from headrace.models import restriction
from headrace.models.loading import OpenModel, error_text, open_models
from headrace.models.model import Model
from headrace.models.registry import Registry
from headrace.models.restricted import RestrictedModel
from headrace.models.spec import ModelSpec
from headrace.ports import Restrictable
from headrace.retrying import isolate
from headrace.spans import Span

T = TypeVar("T")


class ModelSet:
    """Open models, in the order of the setting. Used by one thread, unless `parallel`.

    `working` is called with the place of a model (0 for the first) before each call of that model, so that a crash can be blamed on it and
    progress is seen.
    """

    def __init__(
        self, models: Sequence[OpenModel | None], working: Callable[[int], None] = lambda _place: None
    ) -> None:
        self._models = models
        self._working = working

    @classmethod
    def open(
        cls,
        specs: Sequence[ModelSpec],
        registry: Registry,
        working: Callable[[int], None] = lambda _place: None,
        left_out: Collection[int] = (),
    ) -> "ModelSet":
        """Open every model and predict its golden texts. Raises Misconfigured if one can't be opened or gets them wrong.

        Raises Unavailable if a remote one can't be reached. A shadow that can't be opened, or whose place is in `left_out`, is missing.
        """
        return cls(open_models(specs, registry, working, left_out), working)

    @property
    def missing(self) -> list[int]:
        """The places of shadows that are not open."""
        return [place for place, model in enumerate(self._models) if model is None]

    @property
    def versions(self) -> list[str]:
        """The versions that predict, shadows too, such as ["language@3f9c2a"]."""
        return [model.version for model in self._models if model is not None]

    @property
    def parallel(self) -> bool:
        """Whether `predict` and `top` may be called by several threads at once, and are quicker then: every model is compiled."""
        known = [model.classifier for model in self._models if model is not None]
        return all(isinstance(one, Model | RestrictedModel) and one.compiled for one in known)

    def prepare(self, *, wait: bool = False) -> bool:
        """Get the models of the registry ready for many texts, as `Model.prepare` does, and return whether all are. Another thread may
        call it."""
        known = [model.classifier for model in self._models if model is not None]
        ready = [one.prepare(wait=wait) for one in known if isinstance(one, Model | RestrictedModel)]
        return all(ready)

    def restricted(self, labels: Sequence[str]) -> "ModelSet":
        """The same models, each restricted to those of these labels, or sets of labels, that it has; one that has none stays as it is.

        Raises Misconfigured for no labels, for one that is named twice, and for one that no model has.
        """
        wanted = restriction.check(labels)
        answering = [model for model in self._models if model is not None and not model.spec.shadow]
        for label in wanted:
            if not any(model.knows(label) for model in answering):
                raise _no_such_label(label, answering)
        return ModelSet([model and _restricted(model, wanted) for model in self._models], self._working)

    def label(self, documents: Sequence[Document], *, skip: Collection[int] = ()) -> tuple[list[Outcome], int]:
        """One outcome a document, in order, and how often shadows failed. `skip` has the places of models to leave out.

        A document on which a model raises is found by halving and buried for that model. Raises Misconfigured if the model's golden texts
        fail too (then the model is broken, not the document), and Unavailable if a model that answers is.
        """
        labelling = _Labelling(documents)
        for place, model in enumerate(self._models):
            if place not in skip and model is not None:
                labelling.add(model, partial(self._working, place))
        return labelling.outcomes(), labelling.shadow_failures

    def predict(self, texts: Sequence[str], *, threshold: float | None = None) -> list[dict[str, Prediction]]:
        """For each text, in order, its predictions by the model's name; shadows are left out.

        `threshold` replaces the models' own; 0 always names a label. Raises Rejected if a model fails on one of the texts.
        """
        return self._ask(texts, lambda model, some: model.predict(some, threshold), lambda one: one)

    def top(self, texts: Sequence[str], n: int) -> list[dict[str, list[Prediction]]]:
        """As `predict`, but the best `n` labels of each model, best first, whatever the threshold; `n` is at least 1."""
        return self._ask(texts, lambda model, some: model.top(some, n), lambda best: best[0])

    def spans(self, texts: Sequence[str], *, threshold: float | None = None) -> list[dict[str, list[Span]]]:
        """As `predict`, but the spans of each text, by the models that find any; conditions are judged by the longest span of a text.

        Raises Misconfigured if no model finds spans.
        """
        answering = [model for model in self._models if model is not None and not model.spec.shadow]
        finding = [model for model in answering if model.finds_spans]
        return ModelSet(finding or answering, self._working)._ask(
            texts, lambda model, some: model.spans(some, threshold), _longest
        )

    def _ask(
        self,
        texts: Sequence[str],
        predict: Callable[[OpenModel, list[str]], list[T]],
        best: Callable[[T], Prediction],
    ) -> list[dict[str, T]]:
        """What every model that answers says of each text, by its name. `best` gives the prediction that conditions are judged by."""
        found: list[dict[str, T]] = [{} for _ in texts]
        for place, model in enumerate(self._models):
            if model is None or model.spec.shadow or not (chosen := _applying(model.spec, found, best)):
                continue
            predictions: list[T] = []
            try:
                while some := chosen[len(predictions) :][: model.most_texts]:
                    self._working(place)
                    predictions += predict(model, [texts[number] for number in some])
            except (MemoryError, HeadraceError):
                raise
            except Exception as error:
                raise Rejected(f"model {model.version} fails on this: {error_text(error)}") from error
            for number, one in zip(chosen, predictions, strict=True):
                found[number][model.spec.name] = one
        return found


class _Labelling:
    """Documents on their way through the models."""

    def __init__(self, documents: Sequence[Document]) -> None:
        self._documents = documents
        self._answers: list[dict[str, Prediction]] = [{} for _ in documents]
        self._shadows: list[list[Prediction]] = [[] for _ in documents]
        self._dead: list[list[DeadLetter]] = [[] for _ in documents]
        self.shadow_failures = 0

    def add(self, model: OpenModel, working: Callable[[], None]) -> None:
        """Let a model predict the documents to which its condition applies. `working` is called before each call of the model."""
        left = _applying(model.spec, self._answers, lambda one: one)
        while left:
            most = model.most_texts
            some, left = left[:most], left[most:]
            try:
                parts = isolate(some, lambda part: self._predict(model, part, working), lambda _, error: [str(error)])
            except Unavailable as error:
                if not model.spec.shadow:
                    raise
                some, left = some + left, []  # nobody waits for a shadow, so it is not asked again
                parts = [[str(error)]] * len(some)
            for number, found in zip(some, chain.from_iterable(parts), strict=True):
                self._keep(model, number, found)

    def outcomes(self) -> list[Outcome]:
        """What became of each document, in order."""
        rows = zip(self._documents, self._answers, self._shadows, self._dead, strict=True)
        return [Outcome(one, tuple(known.values()), tuple(also), tuple(dead)) for one, known, also, dead in rows]

    def _keep(self, model: OpenModel, number: int, found: Prediction | str) -> None:
        if isinstance(found, str):
            if model.spec.shadow:
                self.shadow_failures += 1
            else:
                self._dead[number].append(bury(self._documents[number], "raised", found, model=model.spec.name))
        elif model.spec.shadow:
            self._shadows[number].append(found)
        else:
            self._answers[number][model.spec.name] = found

    def _predict(
        self, model: OpenModel, chosen: Sequence[int], working: Callable[[], None]
    ) -> Sequence[Prediction | str]:
        """A prediction for each document.

        Raises Rejected if the model fails on one of them, after it has predicted its golden texts; nobody asks that of a shadow.
        """
        working()
        try:
            return model.predict([self._documents[number].text for number in chosen])
        except (MemoryError, Unavailable):
            raise
        except Exception as error:
            if not model.spec.shadow:
                working()
                model.check()
            raise Rejected(f"model {model.version} raised {error_text(error)}") from error


def _longest(spans: list[Span]) -> Prediction:
    """The label of the longest span; an empty one if there is none."""
    if not spans:
        return Prediction("", 0.0)
    longest = max(spans, key=lambda one: one.end - one.begin)
    return Prediction(longest.label, longest.score, longest.model)


def _applying(spec: ModelSpec, known: Sequence[Mapping[str, T]], best: Callable[[T], Prediction]) -> list[int]:
    """The numbers of the rows to which the model's condition applies, given what is known of each row by the models' names."""
    if not spec.condition:
        return list(range(len(known)))
    rows = enumerate(known)
    return [number for number, row in rows if spec.condition in row and best(row[spec.condition]).label in spec.labels]


def _restricted(model: OpenModel, labels: Sequence[str]) -> OpenModel:
    mine = [label for label in labels if model.knows(label)]
    return model.restricted(mine) if mine else model


def _no_such_label(label: str, models: Sequence[OpenModel]) -> Misconfigured:
    """The error for a label that none of these models has: what each of them says, or those that have labels to choose from."""
    reasons = []
    for model in [one for one in models if isinstance(one.classifier, Restrictable)] or models:
        try:
            model.restricted([label])
            reasons.append(f"{model.version} has no label {label!r}")
        except Misconfigured as error:
            reasons.append(str(error))
    return Misconfigured("; ".join(reasons))
