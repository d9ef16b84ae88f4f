"""The headers of messages: what their publishers say of them beside the body, as text."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from headrace.documents import encode, parse
from headrace.errors import Rejected
from headrace.ports import Delivery

Headers = Sequence[tuple[str, str]]


def headers_of(pairs: Iterable[tuple[object, object]]) -> Headers:
    """Headers as text, whatever their driver makes of them; those of tables, lists and nothing are left out."""
    return tuple((text_of(name), text_of(value)) for name, value in pairs if isinstance(value, _PLAIN))


def text_of(value: object) -> str:
    """A value as text, whatever a driver makes of it: one that is not UTF-8 may come as bytes."""
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    if isinstance(value, datetime):
        return f"{value.isoformat()}{'' if value.tzinfo else 'Z'}"
    return str(value).lower() if isinstance(value, bool) else str(value)


def value_of(headers: Headers, name: str) -> str:
    """The values of all headers of this name, in any case, with commas between them; empty if there is none."""
    return ",".join(value for one, value in headers if value and one.lower() == name)


def of_entry(fields: Sequence[bytes], receipt: Any) -> Delivery:
    """What an entry of a stream is to its receiver, by its fields, names and values in turn.

    The first has the body, and the others are its headers, if it is alone, is called `data`, holds JSON, or if a header names its media
    type. Any other entry is a record of its fields.
    """
    if fields[0] == _BODY and fields[2::2] == _OURS:
        return Delivery(fields[1], receipt)
    headers = headers_of(zip(fields[2::2], fields[3::2], strict=True))
    named = value_of(headers, "content-encoding"), value_of(headers, "content-type")
    if len(fields) == 2 or fields[0] == _BODY or any(named) or _is_json(fields[1]):
        return Delivery(fields[1], receipt, None, "", *named, headers)
    try:
        members = {name.decode(): value.decode() for name, value in zip(fields[::2], fields[1::2], strict=True)}
    except UnicodeDecodeError:
        return Delivery(fields[1], receipt)  # it is buried as it is
    return Delivery(encode(members), receipt)


def _is_json(body: bytes) -> bool:
    """Whether a body is an object or a list of JSON."""
    try:
        return body.lstrip()[:1] in (b"{", b"[") and isinstance(parse(body), dict | list)
    except Rejected:
        return False


_BODY, _OURS = b"data", [b"key", b"at"]  # the fields of an entry that we publish
_PLAIN = str, bytes, bool, int, float, datetime
