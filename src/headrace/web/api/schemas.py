"""The API's shapes for OpenAPI: the very structs that are encoded, so that the description stays true."""

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
from fastapi import FastAPI

from headrace import __version__
from headrace.documents import Prediction, Result
from headrace.models.card import Figures
from headrace.ports import HourCount
from headrace.web.lookup import DeadLetterInfo, FullResult, VersionPrediction
from headrace.web.responses import Error

REFERENCE = "#/components/schemas/{name}"
_FOUND_OR_DEAD: Mapping[str, Any] = {
    "anyOf": [{"$ref": REFERENCE.format(name=name)} for name in ("FullResult", "DeadLetterInfo")]
}
ABOUT = """Documents go in and come out with their predictions. Errors are `{"error": {"message": …}}`, with the `index` of the wrong
member if a list was sent; 503 comes with `Retry-After`. Off loopback send `Authorization: Bearer TOKEN`."""


class NewDocument(msgspec.Struct, forbid_unknown_fields=False, omit_defaults=True):
    """A text and what is known about it. Without an id it gets a hash of its members. Members with other names go to `meta`, and so does a
    `created_at` that cannot be read as a time."""

    text: str
    id: str | int | float | None = None
    source: str = "api"
    created_at: Any = None
    meta: dict[str, Any] = {}


class Accepted(msgspec.Struct, frozen=True):
    """The ids of the documents, in the order of the request. All are queued durably."""

    ids: tuple[str, ...]


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


class Texts(msgspec.Struct, frozen=True, omit_defaults=True):
    """What to predict: `text`, or a list of `texts`. `threshold` replaces those of the models' cards; with 0 every text gets a label."""

    text: str | None = None
    texts: list[str] | None = None
    threshold: float | None = None


class Predictions(msgspec.Struct, frozen=True):
    """For each text, in order, a prediction by each model."""

    predictions: list[dict[str, Prediction]]


class ModelVersion(msgspec.Struct, frozen=True, omit_defaults=True):
    """A version in the registry; `error` says why its card can't be read."""

    model: str
    aliases: tuple[str, ...]
    served: bool
    labels: tuple[str, ...]
    figures: Figures | None
    created_at: str = ""
    error: str = ""


class Models(msgspec.Struct, frozen=True):
    """All versions in the registry, by name, newest first."""

    models: list[ModelVersion]


class Alive(msgspec.Struct, frozen=True):
    """The process answers."""

    live: bool = True


class Ready(msgspec.Struct, frozen=True):
    """Whether everything that the API needs answers. `checks` has "ok" for each, or what is wrong."""

    ready: bool
    checks: dict[str, str]


SHAPES = (
    NewDocument, Accepted, Items, Queued, Result, Results, HourCount, HourCounts, FullResult, VersionPrediction, DeadLetterInfo,
    DeadLetters, Texts, Predictions, Prediction, Models, ModelVersion, Alive, Ready, Error,
)  # fmt: skip


def reference(shape: type) -> dict[str, str]:
    """A reference to the schema of this shape."""
    return {"$ref": REFERENCE.format(name=shape.__name__)}


def responses(shapes: Mapping[int, type | tuple[type, ...]], *errors: int) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route: its shapes by status, and the statuses of its errors."""
    described: dict[int | str, dict[str, Any]] = {}
    for status, given in {**shapes, **dict.fromkeys(errors, Error)}.items():
        those = given if isinstance(given, tuple) else (given,)
        schema = reference(those[0]) if len(those) == 1 else {"anyOf": [reference(one) for one in those]}
        about = " ".join((those[0].__doc__ or "").split())
        described[status] = {"description": about, "content": {"application/json": {"schema": schema}}}
    return described


def json_body(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The `openapi_extra` of a route that reads a JSON body."""
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


def describe(app: FastAPI) -> None:
    """Let `/openapi.json` describe the structs."""
    plain = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            described = plain()
            _, shapes = msgspec.json.schema_components(SHAPES, ref_template=REFERENCE)
            described.setdefault("components", {}).setdefault("schemas", {}).update(shapes)
            app.openapi_schema = described
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def new_app(title: str, **more: Any) -> FastAPI:
    """An app without FastAPI's documentation pages, which load scripts from other hosts."""
    return FastAPI(title=title, version=__version__, description=ABOUT, docs_url=None, redoc_url=None, **more)
