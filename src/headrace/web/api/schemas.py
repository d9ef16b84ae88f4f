"""The API's shapes, as OpenAPI tells them: the very structs that are encoded, so that the description can't drift."""

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
from fastapi import FastAPI

from headrace import __version__
from headrace.documents import Prediction, Result
from headrace.models.card import Figures
from headrace.ports import HourCount
from headrace.web.lookup import Dead, Found, Version
from headrace.web.responses import Error

REFERENCE = "#/components/schemas/{name}"
_FOUND_OR_DEAD: Mapping[str, Any] = {"anyOf": [{"$ref": REFERENCE.format(name=name)} for name in ("Found", "Dead")]}
ABOUT = """Documents go in, and come out with their predictions. Errors are `{"error": {"message": …}}`, with the `index` of the
member that was wrong where a list was sent; 503 comes with `Retry-After`. Off loopback send `Authorization: Bearer TOKEN`."""


class NewDocument(msgspec.Struct, forbid_unknown_fields=False, omit_defaults=True):
    """A text, and whatever is known of it. Without an id it gets the hash of its members; members of other names go to `meta`."""

    text: str
    id: str | int | None = None
    source: str = "api"
    created_at: str | None = None
    meta: dict[str, Any] = {}


class Accepted(msgspec.Struct, frozen=True):
    """The documents are durably queued; their ids, in the order of the request."""

    ids: tuple[str, ...]


class Items(msgspec.Struct, frozen=True):
    """What became of each document, in the order of the request: its result, or its dead letter."""

    items: Annotated[list[Any], msgspec.Meta(extra_json_schema={"items": _FOUND_OR_DEAD})]


class Queueing(msgspec.Struct, frozen=True):
    """The document is on its way."""

    id: str
    status: str = "queued"


class Results(msgspec.Struct, frozen=True):
    """A page of results, newest first; `next` asks for the one after it."""

    items: list[Result]
    next: str | None


class HourCounts(msgspec.Struct, frozen=True):
    """Answers by the hour in which their document was stored, and by label; ordered by both, and without those that are none."""

    counts: list[HourCount]


class DeadLetters(msgspec.Struct, frozen=True):
    """A page of dead letters, newest first; `next` asks for the one after it."""

    items: list[Dead]
    next: str | None


class Texts(msgspec.Struct, frozen=True, omit_defaults=True):
    """What to predict: `text`, or a list of `texts`. `threshold` replaces that of the models' cards; 0 always names a label."""

    text: str | None = None
    texts: list[str] | None = None
    threshold: float | None = None


class Predictions(msgspec.Struct, frozen=True):
    """For each text, in order, a prediction by each model."""

    predictions: list[dict[str, Prediction]]


class ModelVersion(msgspec.Struct, frozen=True, omit_defaults=True):
    """A version of the registry; `error` says why its card can't be read."""

    model: str
    aliases: tuple[str, ...]
    served: bool
    labels: tuple[str, ...]
    figures: Figures | None
    created_at: str = ""
    error: str = ""


class Models(msgspec.Struct, frozen=True):
    """All versions of the registry, by name, the newest first."""

    models: list[ModelVersion]


class Alive(msgspec.Struct, frozen=True):
    """The process answers."""

    live: bool = True


class Ready(msgspec.Struct, frozen=True):
    """Whether all that the API needs answers; "ok" for each, or what is wrong."""

    ready: bool
    checks: dict[str, str]


SHAPES = (
    NewDocument, Accepted, Items, Queueing, Result, Results, HourCount, HourCounts, Found, Version, Dead, DeadLetters, Texts, Predictions,
    Prediction,    Models, ModelVersion, Alive, Ready, Error,
)  # fmt: skip


def reference(shape: type) -> dict[str, str]:
    """Where the description has this shape."""
    return {"$ref": REFERENCE.format(name=shape.__name__)}


def answers(shapes: Mapping[int, type | tuple[type, ...]], *errors: int) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route: shapes by status, and the statuses of its errors."""
    told: dict[int | str, dict[str, Any]] = {}
    for status, given in {**shapes, **dict.fromkeys(errors, Error)}.items():
        those = given if isinstance(given, tuple) else (given,)
        schema = reference(those[0]) if len(those) == 1 else {"anyOf": [reference(one) for one in those]}
        about = " ".join((those[0].__doc__ or "").split())
        told[status] = {"description": about, "content": {"application/json": {"schema": schema}}}
    return told


def takes(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The `openapi_extra` of a route that reads a JSON body."""
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


def describe(app: FastAPI) -> None:
    """Let `/openapi.json` tell the structs as they are."""
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
    """An app without FastAPI's own pages of documentation: they load scripts from elsewhere."""
    return FastAPI(title=title, version=__version__, description=ABOUT, docs_url=None, redoc_url=None, **more)
