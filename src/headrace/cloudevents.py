"""CloudEvents 1.0: what an event of any origin says of itself, and what it carries (https://github.com/cloudevents/spec).

In structured mode a message is an event as JSON. In binary mode its body is the data, and its headers have the attributes.
"""

import base64
import binascii
import hashlib
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import unquote

from headrace.errors import Rejected
from headrace.parsing import parse
from headrace.validation import ID_BYTES, fault, kind

MEDIA_TYPE = "application/cloudevents"  #: the beginning of the media types of events
STRUCTURED = "application/cloudevents+json"  #: of an event as JSON
VERSION = "1.0"
REQUIRED = ("specversion", "id", "source", "type")  #: attributes of every event
_DATA = ("data", "data_base64")
#: Before the names of attributes in headers: of Kafka, of HTTP and NATS, of AMQP.
_PREFIXES = ("ce_", "ce-", "cloudevents:", "cloudevents_")
_ENCODED = "ce-"  # values of these are percent-encoded


def is_event(members: Mapping[str, Any]) -> bool:
    """Whether an object is an event of version 1 that carries data.

    It has all attributes that an event must have, beside its data; other objects hardly happen to have a `specversion`, an `id`, a
    `source` and a `type` too.
    """
    version = members.get("specversion")
    return (
        isinstance(version, str)
        and version.startswith("1.")
        and all(_is_named(members.get(name)) for name in REQUIRED)
        and any(name in members for name in _DATA)
    )


def lack(members: Mapping[str, Any]) -> str:
    """Why an object that seems to be an event is not one, as the end of a message; empty if it does not seem to be one."""
    version = members.get("specversion")
    if version is None:
        return ""
    if missing := [name for name in REQUIRED if not _is_named(members.get(name))]:
        return f"; as a CloudEvent it lacks {' and '.join(map(repr, missing))}"
    if not str(version).startswith("1."):
        return f"; CloudEvents of version {VERSION} are read, and this one is of version {version}"
    return "; it is a CloudEvent without data" if not any(name in members for name in _DATA) else ""


def identity(event: Mapping[str, Any]) -> str:
    """The source and the id of an event, which only together tell it from others; a hash of them if they are too long for an id.

    No URI has a bar, so the two can be told apart.
    """
    both = f"{event['source']}|{event['id']}"
    if len(both.encode(errors="surrogatepass")) <= ID_BYTES:
        return both
    return hashlib.blake2b(both.encode(errors="surrogatepass"), digest_size=16).hexdigest()


def attributes(event: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes of an event but for its version, those of extensions included."""
    left_out = ("specversion", "datacontenttype", *_DATA)
    return {name: value for name, value in event.items() if name not in left_out and value is not None}


def data_of(event: Mapping[str, Any]) -> Mapping[str, Any] | str:
    """The data of an event: an object of JSON, or a text. Raises Rejected for any other."""
    media_type = event.get("datacontenttype") or "application/json"
    if not isinstance(media_type, str):
        raise Rejected(f"'datacontenttype' of the CloudEvent must be a string, not {kind(media_type)}")
    data = event.get("data")
    if "data" not in event:
        data = _unpacked(event["data_base64"], media_type)
    elif not (_is_json(media_type) or _is_text(media_type)):
        raise _unread(media_type)
    if isinstance(data, str | Mapping):
        return data
    raise Rejected(f"the data of the CloudEvent must be an object or a string, not {kind(data)}")


def in_headers(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The attributes of the event that a message is in binary mode, by its headers; empty if they lack one that every event has."""
    found: dict[str, str] = {}
    for name, value in headers:
        lower = name.lower()
        for prefix in _PREFIXES:
            if lower.startswith(prefix):
                found[lower.removeprefix(prefix)] = unquote(value) if prefix == _ENCODED else value
    return found if all(found.get(name) for name in REQUIRED) else {}


def structured(attributes: Mapping[str, str], data: bytes, media_type: str) -> dict[str, Any]:
    """The event in structured mode that a message is in binary mode. Raises Rejected if its data is not what its media type says."""
    media_type = media_type or attributes.get("datacontenttype", "")
    event: dict[str, Any] = {name: value for name, value in attributes.items() if name not in _DATA}
    if media_type:
        event["datacontenttype"] = media_type
    if not media_type or _is_json(media_type):
        event["data"] = _untyped(data) if not media_type else parse(data, lenient=True)
    elif _is_text(media_type):
        event["data"] = decoded(data, media_type)
    else:
        raise _unread(media_type)
    return event


def decoded(data: bytes, media_type: str) -> str:
    """A text in the charset that its media type names, or in UTF-8. Raises Rejected if it is not in that."""
    charset = next(
        (one.partition("=")[2].strip("\"' ") for one in media_type.split(";") if "charset" in one.lower()), "utf-8"
    )
    try:
        text = data.decode(charset)
    except UnicodeDecodeError as error:
        raise Rejected(f"the body is not in {charset}, as its content type says: byte {error.start + 1}") from None
    except (LookupError, ValueError):  # what is known and can decode nothing raises ValueError
        raise Rejected(f"the body is in {charset!r}, of which nothing is known here; publish it in UTF-8") from None
    if reason := fault(text, 0):
        raise Rejected(f"the body {reason}")
    return text


def _is_named(value: object) -> bool:
    return isinstance(value, str) and bool(value)


def _bare(media_type: str) -> str:
    return media_type.partition(";")[0].strip().lower()


def _is_json(media_type: str) -> bool:
    bare = _bare(media_type)
    return bare.endswith(("/json", "+json"))


def _is_text(media_type: str) -> bool:
    return _bare(media_type).startswith("text/")


def _unread(media_type: str) -> Rejected:
    return Rejected(f"the data of the CloudEvent is {_bare(media_type)}; JSON and text are read")


def _unpacked(data: object, media_type: str) -> object:
    if not isinstance(data, str):
        raise Rejected(f"'data_base64' of the CloudEvent must be a string, not {kind(data)}")
    try:
        plain = base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        raise Rejected("'data_base64' of the CloudEvent is not Base64") from None
    if _is_json(media_type):
        return parse(plain, lenient=True)
    if _is_text(media_type):
        return decoded(plain, media_type)
    raise _unread(media_type)


def _untyped(data: bytes) -> object:
    """The data of a message that doesn't say what it is: JSON, or else a text."""
    try:
        return parse(data, lenient=True)
    except Rejected:
        return decoded(data, "text/plain")
