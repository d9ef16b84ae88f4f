"""What became of documents, in the shapes of the API.

Nothing here reads all dead letters of an id: a producer that goes on editing texts under one id leaves one for each.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from headrace.documents import DeadLetter, Document, Prediction, Result
from headrace.ports import DeadQuery, History, ResultQuery, Store, Watch, model_of

SHOWN = 10  #: dead letters that are shown with the result of a document, the newest


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
    """A result. `dead` is there if some of it was buried: a model that failed, another text under the same id; if there are more than ten,
    the newest, and `more_dead` says how many are left out. `versions` is there if a single document was asked for: all predictions that
    are stored for it, those of shadows and of later versions included."""

    id: str
    text: str
    source: str
    created_at: str | None
    meta: dict[str, Any]
    predictions: dict[str, Prediction]
    published_at: datetime | None
    stored_at: datetime | None
    dead: tuple[DeadLetterInfo, ...] = ()
    more_dead: int = 0
    versions: tuple[VersionPrediction, ...] = ()


class StoredOutcome(msgspec.Struct, frozen=True):
    """What the store has for a document; the newest dead letter first. `more` is how many older ones were left out."""

    result: Result | None = None
    letters: tuple[DeadLetter, ...] = ()
    more: int = 0

    def shown(self) -> "FullResult | DeadLetterInfo | None":
        """The result with its dead letters; without a result the newest dead letter; None if there is neither."""
        if self.result is not None:
            dead = tuple(dead_letter_info(letter) for letter in self.letters)
            return FullResult(**msgspec.structs.asdict(self.result), dead=dead, more_dead=self.more)
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


def outcome_of(store: Store, identity: str) -> StoredOutcome:
    """What the store has under an id: the result, and the newest dead letters, whatever their texts."""
    query = DeadQuery(ids=[identity])
    result = _result_of(store, identity)
    found = store.find_dead(query, limit=SHOWN)
    more = sum(store.count_dead(query).values()) - len(found.items) if found.next else 0
    # A result that was written with its dead letters between the two queries must not look like a dead letter alone.
    if result is None and found.items:
        result = _result_of(store, identity)
    return StoredOutcome(result, tuple(found.items), max(0, more))


def outcomes_of(watch: Watch, documents: Mapping[str, Document]) -> dict[str, StoredOutcome]:
    """What became of each of these documents, which are given by their contents: the result of the id, if it has this text, and the dead
    letters of this text. Documents of which nothing is known are left out."""
    results = dict(watch.results(_ids(documents.values())))
    letters: dict[str, list[DeadLetter]] = {}
    for letter in watch.letters(list(documents)):
        letters.setdefault(letter.content, []).append(letter)
    # As in `outcome_of`.
    if late := [documents[content].id for content in letters if documents[content].id not in results]:
        results.update(watch.results(late))
    if not results and not letters:
        return {}
    outcomes: dict[str, StoredOutcome] = {}
    for content, document in documents.items():
        result, buried = results.get(document.id), letters.get(content, ())
        same = result if result is not None and result.text == document.text else None
        if same is not None or buried:
            outcomes[content] = StoredOutcome(same, tuple(buried))
    return outcomes


def _result_of(store: Store, identity: str) -> Result | None:
    found = store.find(ResultQuery(ids=[identity]), limit=1).items
    return found[0] if found else None


def _ids(documents: Iterable[Document]) -> list[str]:
    return list({document.id: None for document in documents})
