"""What became of documents, found by their ids, in the shapes of the API."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from headrace.browse import letters_of, results_of
from headrace.documents import DeadLetter, Prediction, Result
from headrace.ports import History, Store, model_of


class DeadLetterInfo(msgspec.Struct, frozen=True):
    """A dead letter: what could not be processed, why, and when it was buried. `data` is what a replay publishes."""

    id: str
    burial: int
    kind: str
    reason: str
    model: str
    source: str
    buried_at: str
    data: str


class VersionPrediction(msgspec.Struct, frozen=True):
    """A prediction by a version of a model (`language`, `language@3f9c2a`); `answer`: whether it is the one that stands for its model."""

    model: str
    version: str
    label: str
    score: float
    answer: bool


class FullResult(msgspec.Struct, frozen=True, omit_defaults=True):
    """A result. `dead` is there if some of it was buried: a model that failed, another text under the same id. `versions` is there if a
    single document was asked for: all predictions that are stored for it, those of shadows and of later versions included."""

    id: str
    text: str
    source: str
    created_at: str | None
    meta: dict[str, Any]
    predictions: dict[str, Prediction]
    published_at: datetime | None
    stored_at: datetime | None
    dead: tuple[DeadLetterInfo, ...] = ()
    versions: tuple[VersionPrediction, ...] = ()


class StoredOutcome(msgspec.Struct, frozen=True):
    """What the store has for one id; the newest dead letter first."""

    result: Result | None
    letters: tuple[DeadLetter, ...]

    def shown(self) -> "FullResult | DeadLetterInfo | None":
        """The result with its dead letters; without a result the newest dead letter; None for an unknown id."""
        if self.result is not None:
            dead = tuple(dead_letter_info(letter) for letter in self.letters)
            return FullResult(**msgspec.structs.asdict(self.result), dead=dead)
        return dead_letter_info(self.letters[0]) if self.letters else None


def dead_letter_info(letter: DeadLetter) -> DeadLetterInfo:
    """A dead letter as JSON can hold it: bytes that are not UTF-8 become replacement characters."""
    at = datetime.fromtimestamp(letter.buried_at / 1_000_000, UTC).isoformat(timespec="milliseconds")
    said = letter.id, letter.burial, letter.kind, letter.reason, letter.model, letter.source
    return DeadLetterInfo(*said, at.replace("+00:00", "Z"), letter.data.decode(errors="replace"))


def add_versions(store: History, found: FullResult) -> FullResult:
    """The result with all predictions that the store has for its document."""
    versions = tuple(
        VersionPrediction(
            model_of(one.prediction.model),
            one.prediction.model,
            one.prediction.label,
            one.prediction.score,
            one.answer,
        )
        for one in store.predictions([found.id]).get(found.id, ())
    )
    return msgspec.structs.replace(found, versions=versions)


def outcomes_of(store: Store, ids: Sequence[str]) -> dict[str, StoredOutcome]:
    """What became of each of these documents, by id. Unknown ids have neither a result nor dead letters."""
    results = {result.id: result for result in results_of(store, ids)}
    letters: dict[str, list[DeadLetter]] = {}
    for letter in letters_of(store, ids):
        letters.setdefault(letter.id, []).append(letter)
    # A result that was written with its dead letters between the two queries must not look like a dead letter alone.
    late = [identity for identity in letters if identity not in results]
    results.update((result.id, result) for result in results_of(store, late))
    return {identity: StoredOutcome(results.get(identity), tuple(letters.get(identity, ()))) for identity in ids}
