"""What a message is by its headers: a body of JSON as it is, a text, or the data of a CloudEvent; and by what it is called."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from headrace import cloudevents
from headrace.documents import encode, unpack
from headrace.errors import Rejected
from headrace.fields import KEY, Fields
from headrace.parsing import parse
from headrace.ports import Delivery

TEXT = "text/plain"  #: the media type of a body that is one text


def names_key(fields: Fields) -> bool:
    """Whether one of the fields is what messages are called by."""
    return any(field.written == KEY for field in fields.named)


def is_plain(delivery: Delivery, *, keyed: bool) -> bool:
    """Whether a body is JSON as it is. `keyed`: it is to get what the message is called by, if it is called anything."""
    if delivery.headers or (keyed and delivery.key):
        return False
    media_type = delivery.content_type.lower()
    return not media_type.startswith((TEXT, cloudevents.MEDIA_TYPE))


def plain(delivery: Delivery, *, keyed: bool) -> Delivery:
    """A delivery with a body of JSON. Raises Rejected if the body is not what its headers say, or of a kind that is not read."""
    data, media_type, key = delivery.data, delivery.content_type, delivery.key if keyed else ""
    if media_type.lower().startswith(cloudevents.MEDIA_TYPE):
        if not media_type.partition(";")[0].strip().lower().endswith("+json"):
            raise Rejected(f"the body is {media_type}; of the formats of CloudEvents, JSON is read")
    elif attributes := cloudevents.in_headers(delivery.headers):
        data = _encoded(cloudevents.structured(attributes, data, media_type))
    elif media_type.lower().startswith(TEXT) and not _is_object(data):
        # With a member of a document of ours, so that it is read as one, whatever the fields.
        named = {"id": key} if key else {}
        data, key = encode({"text": cloudevents.decoded(data, media_type), **named, "published_at": None}), ""
    if key:
        data = b"\n".join(_with_key(line, key) for line in unpack(data))
    return replace(delivery, data=data, content_type="", headers=(), key="")


def _with_key(line: bytes, key: str) -> bytes:
    """A record with what its message is called by; what is not an object of JSON, or is of our own making, as it is."""
    try:
        members = parse(line, lenient=True)
    except Rejected:
        return line  # it is buried as it came
    if not isinstance(members, dict) or KEY in members or "published_at" in members:
        return line
    return _encoded({**members, KEY: key})


def _encoded(members: Mapping[str, Any]) -> bytes:
    """An object as JSON. Raises Rejected for one that can be read, but not written."""
    try:
        return encode(members)
    except (RecursionError, ValueError, OverflowError) as error:
        raise Rejected(f"the message cannot be written as JSON: {error}") from None


def _is_object(data: bytes) -> bool:
    """Whether a body is an object of JSON: many clients say text/plain of every string."""
    try:
        return data.lstrip()[:1] == b"{" and isinstance(parse(data), dict)
    except Rejected:
        return False
