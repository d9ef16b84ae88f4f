"""What the calls answer, for OpenAPI: the very structs that are encoded, so that the description stays true; and what errors mean."""

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec

from headrace.documents import Prediction, Result
from headrace.ingest.ledger import COUNTS, Missed
from headrace.models.card import Figures
from headrace.ports import HourCount
from headrace.web.lookup import DeadLetterInfo, FullResult, VersionPrediction
from headrace.web.responses import Error

REFERENCE = "#/components/schemas/{name}"
_FOUND_OR_DEAD: Mapping[str, Any] = {
    "anyOf": [{"$ref": REFERENCE.format(name=name)} for name in ("FullResult", "DeadLetterInfo")]
}
#: What the status of an error means.
ERRORS: Mapping[int, str] = {
    400: "The request cannot be read: broken gzip, no Host header.",
    401: "The token, or the signature of a webhook, is missing or wrong.",
    403: "The request came from a page of another site.",
    404: "There is no such document or dead letter.",
    408: "The request did not come in time.",
    409: "The id is known with another text.",
    413: "The request is larger than `request_bytes`.",
    414: "The address is too long.",
    415: "The content is not `application/json`, or is compressed by something other than gzip.",
    421: "The Host header is not a name of this server.",
    422: "The content is wrong; the message names the member and what is wrong with it.",
    431: "The head of the request is too large.",
    500: "A bug of Headrace; its log has the details.",
    503: "Something is unavailable, or too much is waiting for it.",
}


class Accepted(msgspec.Struct, frozen=True):
    """The ids of the documents, in the order of the request. All are queued durably."""

    ids: tuple[str, ...]


class Received(msgspec.Struct, frozen=True):
    """What became of a webhook's records: how many documents were published, and how many records were ignored because they have no text;
    and the ids of the documents, in the order of the payload."""

    published: int
    ignored: int
    ids: tuple[str, ...]


class Challenge(msgspec.Struct, frozen=True):
    """What Slack asks for before it sends events to a URL."""

    challenge: str


class Items(msgspec.Struct, frozen=True):
    """What became of each document, in the order of the request: its result or its dead letter."""

    items: Annotated[list[Any], msgspec.Meta(extra_json_schema={"items": _FOUND_OR_DEAD})]


class Queued(msgspec.Struct, frozen=True):
    """The document is queued: it has no result yet."""

    id: str
    status: str = "queued"


class Results(msgspec.Struct, frozen=True):
    """A page of results, newest first; `next` asks for the one after it."""

    items: list[Result]
    next: str | None


class HourCounts(msgspec.Struct, frozen=True):
    """Numbers of answers by label and by the hour in which their document was stored, ordered by hour and label; zeros are left out."""

    counts: list[HourCount]


class DeadLetters(msgspec.Struct, frozen=True):
    """A page of dead letters, newest first; `next` asks for the one after it."""

    items: list[DeadLetterInfo]
    next: str | None


class Predictions(msgspec.Struct, frozen=True):
    """For each text, in order, a prediction by each model."""

    predictions: list[dict[str, Prediction]]


class ModelVersion(msgspec.Struct, frozen=True, omit_defaults=True):
    """A version in the registry; `error` says why its card can't be read. `label_sets` are sets of its labels, by name. `about` says what
    kind of text it is for."""

    model: str
    aliases: tuple[str, ...]
    served: bool
    labels: tuple[str, ...]
    figures: Figures | None
    created_at: str = ""
    error: str = ""
    label_sets: dict[str, tuple[str, ...]] = {}
    about: str = ""


class Models(msgspec.Struct, frozen=True):
    """All versions in the registry, by name, newest first."""

    models: list[ModelVersion]


#: What is known of a source: a row of `ledger.table`, which has a member for each of COUNTS.
SourceLedger = msgspec.defstruct(
    "SourceLedger",
    [
        ("name", str), ("url", str), ("state", str), ("reason", str), *((what, int) for what in COUNTS), ("lag_seconds", float | None),
        ("cursor", str), ("saved_at", int), ("gaps", list[Missed]), ("minutes", list[tuple[int, dict[str, int]]]),
    ],
    frozen=True,
    namespace={
        "__doc__": "What a source gave over all runs, and what became of that. `saved_at` and the times of `gaps` are in microseconds "
        "since the epoch; `minutes` are the last minutes in which something was counted, by their number since the epoch."
    },
)  # fmt: skip


class Sources(msgspec.Struct, frozen=True):
    """The ledgers of all sources that have a name."""

    sources: list[SourceLedger]  # type: ignore[valid-type]


class Alive(msgspec.Struct, frozen=True):
    """The process answers."""

    live: bool = True


class Ready(msgspec.Struct, frozen=True):
    """Whether everything that the API needs answers. `checks` has "ok" for each, or what is wrong."""

    ready: bool
    checks: dict[str, str]


SHAPES = (
    Accepted, Received, Challenge, Items, Queued, Result, Results, HourCount, HourCounts, FullResult, VersionPrediction, DeadLetterInfo,
    DeadLetters, Predictions, Prediction, Models, ModelVersion, SourceLedger, Missed,
    Sources, Alive, Ready, Error,
)  # fmt: skip


def reference(shape: type) -> dict[str, str]:
    """A reference to the schema of this shape."""
    return {"$ref": REFERENCE.format(name=shape.__name__)}


def responses(shapes: Mapping[int, type | tuple[type, ...]], *errors: int) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route: its shapes by status, and the statuses of its errors."""
    described: dict[int | str, dict[str, Any]] = {}
    for status, given in shapes.items():
        those = given if isinstance(given, tuple) else (given,)
        schema = reference(those[0]) if len(those) == 1 else {"anyOf": [reference(one) for one in those]}
        about = " ".join((those[0].__doc__ or "").split())
        described[status] = {"description": about, "content": {"application/json": {"schema": schema}}}
    return {**described, **{status: error(status) for status in errors}}


def error(status: int) -> dict[str, Any]:
    """The description of an error's response."""
    content = {"application/json": {"schema": reference(Error)}}
    told: dict[str, Any] = {"description": ERRORS[status], "content": content}
    if status == 503:
        about = {"description": "Seconds after which to try again.", "schema": {"type": "integer", "minimum": 0}}
        told["headers"] = {"Retry-After": about}
    return told
