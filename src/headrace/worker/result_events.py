"""Results and dead letters as CloudEvents, an event in a message, as JSON.

The id of an event is made of what it tells, so that an event that is published again has the same source and id.
"""

import hashlib
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import msgspec

from headrace.cloudevents import VERSION
from headrace.documents import DeadLetter, Result, content_hash, encode

SOURCE = "/headrace"  #: followed by the name of the model
RESULT, DEAD_LETTER = "headrace.result", "headrace.dead_letter"  #: types of events


def of_result(result: Result, model: str) -> bytes:
    """The event that a model has answered for a document; the same answer for the same text is the same event."""
    said = result.predictions[model]
    at = result.stored_at or result.published_at
    told = (content_hash(result.id, result.text), said.model, said.label)
    return _event(f"{SOURCE}/{quote(model, safe='')}", RESULT, _hash(*told), result.id, result, at and at.isoformat())


def of_letter(letter: DeadLetter, data: msgspec.Struct) -> bytes:
    """The event that a document was buried, with what is told of it."""
    model = f"/{quote(letter.model, safe='')}" if letter.model else ""
    return _event(SOURCE + model, DEAD_LETTER, _hash(letter.content, letter.kind), letter.id, data)


def _event(source: str, kind: str, identity: str, subject: str, data: msgspec.Struct, time: Any = None) -> bytes:
    event: dict[str, Any] = {"specversion": VERSION, "id": identity, "source": source, "type": kind}
    event |= _said({"subject": subject, "time": time and time.replace("+00:00", "Z")})
    return encode({**event, "datacontenttype": "application/json", "data": data})


def _said(attributes: Mapping[str, Any]) -> Mapping[str, Any]:
    return {name: value for name, value in attributes.items() if value}


def _hash(*told: str) -> str:
    return hashlib.blake2b("\0".join(told).encode(errors="surrogatepass"), digest_size=16).hexdigest()
