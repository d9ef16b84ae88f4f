"""What to write for outcomes, given what a store already knows: the rules of answers, conflicts and burials, without I/O."""

from collections.abc import Callable, Iterable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from headrace.belonging import keys_of, keys_of_letter
from headrace.burial import bury
from headrace.documents import DeadLetter, Document, Outcome, Prediction, content_hash
from headrace.ports import StoredPrediction, model_of

CONFLICT = "a document with this id is stored with another text; publish this one under an id of its own"

T = TypeVar("T")
Named = TypeVar("Named", Document, DeadLetter)


@dataclass(slots=True)
class Known:
    """A stored document: its number, its text and when it was stored, the models that have an answer, and the versions that have a
    prediction."""

    number: int
    text: str
    stored_at: int
    answered: list[str] = field(default_factory=list)
    versions: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Plan:
    """What is new: documents, answers and other predictions by the document's number; what to bury; and of which content and model the
    earlier dead letters are cleared.

    `now` is when the new documents are stored; `earlier` says when those were that had been stored before, by their numbers.
    """

    now: int
    earlier: Mapping[int, int]
    documents: list[tuple[int, Document]] = field(default_factory=list)
    answers: list[tuple[int, Prediction]] = field(default_factory=list)
    predictions: list[tuple[int, Prediction]] = field(default_factory=list)
    burials: dict[tuple[str, str], DeadLetter] = field(default_factory=dict)
    cleared: set[tuple[str, str]] = field(default_factory=set)

    def clears(self, letters: Iterable[tuple[T, str, str]]) -> list[T]:
        """Which dead letters, of those that have a content that is cleared, are cleared; of each its key, its content and its model."""
        return [key for key, content, model in letters if (content, model) in self.cleared]

    def cleared_contents(self) -> list[str]:
        """The contents of which something is cleared, sorted."""
        return sorted({content for content, _ in self.cleared})


def plan(
    outcomes: Sequence[Outcome],
    known: MutableMapping[str, Known],
    erased: Mapping[str, int],
    *,
    next_number: int,
    now: int,
    any_buried: bool,
) -> Plan:
    """Decide on outcomes in their order; `known` gains the documents that are new.

    `known` need only hold those of `ids_of`, and `erased` (when each was erased) those of `keys_in`. New documents are stored at `now`.
    `any_buried`: whether the store has dead letters that an outcome might clear. Times are microseconds since the epoch.
    """
    made = Plan(now, {entry.number: entry.stored_at for entry in known.values()})
    for outcome in outcomes:
        document = outcome.document
        if document is None:
            _bury(made, [letter for letter in outcome.dead if not _is_erased(letter, keys_of_letter, erased)])
            continue
        if _is_erased(document, keys_of, erased):
            continue
        entry = known.get(document.id)
        if entry is not None and entry.text != document.text:
            _bury(made, (bury(document, "conflict", CONFLICT),))
            continue
        if any_buried or made.burials:
            _clear(made, outcome, content_hash(document.id, document.text))
        _bury(made, outcome.dead)
        if outcome.predictions or not outcome.dead:
            if entry is None:
                entry = known[document.id] = Known(next_number + len(made.documents), document.text, now)
                made.documents.append((entry.number, document))
            _add_predictions(made, outcome, entry)
    return made


def ids_of(outcomes: Sequence[Outcome]) -> set[str]:
    """The ids in outcomes, including those of dead letters without a document."""
    documents = {outcome.document.id for outcome in outcomes if outcome.document is not None}
    return documents.union(letter.id for outcome in outcomes if outcome.document is None for letter in outcome.dead)


def keys_in(outcomes: Sequence[Outcome]) -> set[str]:
    """What the documents and the dead letters of outcomes are erased by."""
    keys: set[str] = set()
    for outcome in outcomes:
        if outcome.document is not None:
            keys.update(keys_of(outcome.document))
        else:
            keys.update(*map(keys_of_letter, outcome.dead))
    return keys


def names_in(made: Plan) -> set[str]:
    """All names that a plan mentions: of sources, versions, models and labels."""
    predictions = [prediction for _, prediction in (*made.answers, *made.predictions)]
    versions = {prediction.model for prediction in predictions}
    labels = {prediction.label for prediction in predictions}
    return versions | labels | {model_of(version) for version in versions} | {one.source for _, one in made.documents}


def ordered(predictions: Iterable[StoredPrediction]) -> list[StoredPrediction]:
    """Predictions for one document, ordered by model, its answer first, then by version."""
    return sorted(predictions, key=lambda one: (model_of(one.prediction.model), not one.answer, one.prediction.model))


def _add_predictions(made: Plan, outcome: Outcome, entry: Known) -> None:
    for prediction in outcome.predictions:
        version = prediction.model
        if version not in entry.versions:
            entry.versions.append(version)
            model = model_of(version)
            if model in entry.answered:
                made.predictions.append((entry.number, prediction))
            else:
                made.answers.append((entry.number, prediction))
                entry.answered.append(model)
    for prediction in outcome.shadows:
        if prediction.model not in entry.versions:
            entry.versions.append(prediction.model)
            made.predictions.append((entry.number, prediction))


def _bury(made: Plan, letters: Sequence[DeadLetter]) -> None:
    for letter in letters:
        made.burials[letter.content, letter.model] = letter


def _clear(made: Plan, outcome: Outcome, content: str) -> None:
    """Clear the dead letters of the models that have answered and, if nothing failed, the one of the whole document.

    Those of models that were not asked stay: nothing has come of them.
    """
    models = {model_of(prediction.model) for prediction in outcome.predictions}
    for model in models if outcome.dead else {*models, ""}:
        made.cleared.add((content, model))
        made.burials.pop((content, model), None)


def _is_erased(one: Named, keys: Callable[[Named], Iterable[str]], erased: Mapping[str, int]) -> bool:
    at = max((erased[key] for key in keys(one) if key in erased), default=None) if erased else None
    return at is not None and (one.published_at is None or one.published_at <= at)
