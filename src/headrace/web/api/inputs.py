"""What the calls take, as JSON Schema: what the description allows is accepted, but for what JSON Schema cannot say (the size of a document
in bytes, how deep `meta` is nested)."""

from collections.abc import Mapping
from typing import Annotated, Any, Final

from fastapi import Path, Query
from pydantic import WithJsonSchema

MOST_DOCUMENTS = 1000  #: documents in a request
MOST_TEXTS = 1000  #: texts in a request
MOST_LABELS, LABEL_LENGTH = 1000, 256  #: labels in a request, and characters of one
LIMIT, MOST = 50, 1000  #: results of a page: unless the request says otherwise, and at most
NAME_LENGTH, TEXT_LENGTH, TIME_LENGTH, TOKEN_LENGTH = 256, 1000, 64, 64
LAST_BURIAL = (1 << 63) - 1
LARGEST = 1e308  #: the largest number that is taken where any will do

NO_NUL: Final = r"^[^\u0000]*$"
_WORD: Mapping[str, Any] = {"type": "string", "pattern": NO_NUL}
_TEXT: Mapping[str, Any] = {**_WORD, "minLength": 1}
#: A name of up to 256 bytes in UTF-8.
_SHORT: Mapping[str, Any] = {
    "type": "string",
    "anyOf": [{"maxLength": 64, "pattern": NO_NUL}, {"maxLength": 256, "pattern": r"^[\u0001-\u007f]*$"}],
}
_AT: Mapping[str, Any] = {"anyOf": [{"type": "string", "format": "date-time"}, {"type": "string", "format": "date"}]}
_ANY: Mapping[str, Any] = {"$ref": "#/components/schemas/AnyValue"}


def _named(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


#: The schemas of what is sent, by name.
SENT: Mapping[str, Mapping[str, Any]] = {
    "AnyValue": {
        "description": "Any JSON without NUL characters, and without whole numbers of more than 64 bits.",
        "anyOf": [
            _WORD,
            {"type": "number", "minimum": -(1 << 63), "maximum": (1 << 63) - 1},
            {"type": "boolean"},
            {"type": "null"},
            {"type": "array", "items": _ANY},
            {"type": "object", "propertyNames": {"pattern": NO_NUL}, "additionalProperties": _ANY},
        ],
    },
    "NewDocument": {
        "description": "A text and what is known about it, of up to `document_bytes` (1 MiB) as JSON. Without an id it gets a hash of its"
        " members. Members with other names go to `meta`.",
        "type": "object",
        "required": ["text"],
        "properties": {
            "text": _TEXT,
            "id": {"anyOf": [_SHORT, {"type": "number"}, {"type": "null"}]},
            "source": {"anyOf": [_SHORT, {"type": "null"}], "default": "api"},
            "created_at": {
                "description": "A time, as ISO 8601, RFC 2822 or seconds since the epoch. What cannot be read as one goes to `meta`.",
                "anyOf": [{"type": "number"}, _ANY],
            },
            "meta": {
                "anyOf": [
                    {"type": "object", "propertyNames": {"pattern": NO_NUL}, "additionalProperties": _ANY},
                    {"type": "null"},
                ]
            },
            "published_at": {"description": "Ignored: the server stamps the time."},
        },
        "propertyNames": {"pattern": NO_NUL},
        "additionalProperties": _ANY,
    },
    "OneText": {
        "description": "A text to predict. `threshold` replaces those of the models' cards; with 0 every text gets a label. `labels`"
        " restricts the models that have them.",
        "type": "object",
        "required": ["text"],
        "properties": {"text": _TEXT, "threshold": _named("Threshold"), "labels": _named("Labels")},
        "additionalProperties": False,
    },
    "Texts": {
        "description": "Texts to predict; `threshold` and `labels` are as with one.",
        "type": "object",
        "required": ["texts"],
        "properties": {
            "texts": {"type": "array", "items": _TEXT, "minItems": 1, "maxItems": MOST_TEXTS},
            "threshold": _named("Threshold"),
            "labels": _named("Labels"),
        },
        "additionalProperties": False,
    },
    "Labels": {
        "description": "Labels of the models, or sets of labels that their cards name. A label that no model has is an error.",
        "type": ["array", "null"],
        "items": {**_TEXT, "maxLength": LABEL_LENGTH},
        "minItems": 1,
        "maxItems": MOST_LABELS,
        "uniqueItems": True,
    },
    "Threshold": {"type": ["number", "null"], "minimum": 0, "maximum": 1},
}


def body(schema: Mapping[str, Any], examples: Mapping[str, Any]) -> dict[str, Any]:
    """The `openapi_extra` of a call that reads a JSON body; `examples` by their summaries."""
    told = {
        f"example{number}": {"summary": name, "value": value}
        for number, (name, value) in enumerate(examples.items(), 1)
    }
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema, "examples": told}}}}


DOCUMENTS: Mapping[str, Any] = body(
    {
        "oneOf": [
            _named("NewDocument"),
            {"type": "array", "items": _named("NewDocument"), "minItems": 1, "maxItems": MOST_DOCUMENTS},
        ]
    },
    {
        "one document": {"id": "twitter:123", "text": "Hej på dig", "source": "twitter"},
        "a list": [
            {"text": "Hyvää päivää"},
            {"text": "Hej", "created_at": "2026-01-31T12:00:00Z", "meta": {"likes": 3}},
        ],
    },
)
TEXTS: Mapping[str, Any] = body(
    {"oneOf": [_named("OneText"), _named("Texts")]},
    {
        "one text": {"text": "Hej på dig"},
        "two texts": {"texts": ["Hej på dig", "Hyvää päivää"], "threshold": 0.5},
        "among three languages": {"text": "Hej på dig", "labels": ["sv", "da", "no"]},
    },
)


def _wait(longest: int) -> dict[str, Any]:
    about = f"Seconds to wait for the results; more than {longest} count as {longest}."
    schema = {"type": "number", "minimum": 0, "maximum": LARGEST}
    return {"name": "wait", "in": "query", "description": about, "schema": schema, "example": 5}


WAIT_SECONDS = 60  #: the longest wait for results
WAIT: Mapping[str, Any] = _wait(WAIT_SECONDS)

_NAME: Mapping[str, Any] = {**_WORD, "maxLength": NAME_LENGTH}
_TIME: Mapping[str, Any] = {"anyOf": [*_AT["anyOf"], {"type": "string", "maxLength": 0}]}
_PAGE: Mapping[str, Any] = {"type": "string", "pattern": "^[0-9]{1,18}$"}
_SCORE: Mapping[str, Any] = {"type": "number", "minimum": -LARGEST, "maximum": LARGEST}
_MODEL: Mapping[str, Any] = {**_NAME, "pattern": r"^[^@\u0000]*$"}
_VERSION: Mapping[str, Any] = {**_NAME, "pattern": r"^([^\u0000]*@[^\u0000]*)?$"}

# The types of parameters: how they are read, how they are described, and an example.
Identity = Annotated[
    str,
    Path(examples=["twitter:123"]),
    WithJsonSchema({"type": "string", "minLength": 1, "maxLength": 256, "pattern": NO_NUL}),
]
DocumentId = Annotated[
    str, Query(alias="id", max_length=NAME_LENGTH, examples=["twitter:123"]), WithJsonSchema(dict(_NAME))
]
Label = Annotated[str, Query(max_length=NAME_LENGTH, examples=["sv"]), WithJsonSchema(dict(_NAME))]
Source = Annotated[str, Query(max_length=NAME_LENGTH, examples=["twitter"]), WithJsonSchema(dict(_NAME))]
FailedModel = Annotated[str, Query(max_length=NAME_LENGTH, examples=["sentiment"]), WithJsonSchema(dict(_NAME))]
ModelName = Annotated[str, Query(max_length=NAME_LENGTH, examples=["language"]), WithJsonSchema(dict(_MODEL))]
VersionName = Annotated[
    str, Query(max_length=NAME_LENGTH, examples=["language@3f9c2a"]), WithJsonSchema(dict(_VERSION))
]
Text = Annotated[
    str, Query(max_length=TEXT_LENGTH, examples=["Hej"]), WithJsonSchema({**_WORD, "maxLength": TEXT_LENGTH})
]
Score = Annotated[
    float | None, Query(ge=-LARGEST, le=LARGEST, allow_inf_nan=False, examples=[0.5]), WithJsonSchema(dict(_SCORE))
]
Time = Annotated[str, Query(max_length=TIME_LENGTH, examples=["2026-01-31T12:00:00Z"]), WithJsonSchema(dict(_TIME))]
Limit = Annotated[int, Query(ge=1, le=MOST, examples=[20])]
Page = Annotated[str | None, Query(max_length=TOKEN_LENGTH, examples=["1000"]), WithJsonSchema(dict(_PAGE))]
Burial = Annotated[int, Path(ge=1, le=LAST_BURIAL, examples=[7])]
