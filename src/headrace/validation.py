"""What can be stored, and moved: Unicode without NUL or lone surrogates, numbers of 64 bits, no deep nesting, bodies of a limited size.
Such is what the door lets in."""

import math
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Protocol

from headrace.errors import Rejected

ID_BYTES = 256
META_DEPTH = 32


class Named(Protocol):
    """The members of a document that are checked one by one."""

    @property
    def id(self) -> Any: ...
    @property
    def text(self) -> Any: ...
    @property
    def source(self) -> Any: ...
    @property
    def created_at(self) -> Any: ...
    @property
    def published_at(self) -> Any: ...


def check_sizes(sizes: Iterable[int], most: int, doing: str) -> None:
    """Raises Rejected where one of these sizes, of bodies, is more than the most that a broker takes."""
    for size in sizes:
        if size > most:
            raise Rejected(f"{doing}: a body of {size:,} bytes; the limit is {most:,}")


def check_members(document: Named, *, unnamed: bool = False) -> None:
    """Raises Rejected, saying which member is wrong and how; `meta` and the size are not looked at. `unnamed`: the id may be empty."""
    for name in ("id", "text", "source"):
        value = getattr(document, name)
        if not isinstance(value, str):
            raise Rejected(f"'{name}' must be a string, not {kind(value)}")
        if found := fault(value, 0):
            raise Rejected(f"'{name}' {found}")
    if not document.text:
        raise Rejected("'text' is empty")
    if not document.id and not unnamed:
        raise Rejected("'id' is empty; leave it out to have one made from the document")
    for name in ("id", "source"):
        if len(getattr(document, name).encode()) > ID_BYTES:
            raise Rejected(f"'{name}' is longer than {ID_BYTES} bytes")
    if document.created_at is not None:
        _check_time(document.created_at)
    at = document.published_at
    if at is not None and (not isinstance(at, int) or isinstance(at, bool) or not 0 <= at < 1 << 62):
        raise Rejected("'published_at' must be a whole number of microseconds since the epoch; leave it out")


def _check_time(value: object) -> None:
    if not isinstance(value, str):
        raise Rejected(f"'created_at' must be a string such as 2026-01-31T12:00:00Z, not {kind(value)}")
    try:
        datetime.fromisoformat(value)
        value.encode("ascii")  # any character may stand before the hour, also one that can't be stored
    except ValueError:
        raise Rejected("'created_at' must be an ISO 8601 time, such as 2026-01-31T12:00:00Z") from None
    if not value.isprintable():
        raise Rejected("'created_at' holds a control character; remove it")


def fault(value: object, depth: int) -> str:
    """Why a value that is nested up to `depth` cannot be stored, or an empty string."""
    if isinstance(value, str):
        if "\0" in value:
            return "holds a NUL character; remove it"
        try:
            value.encode()
        except UnicodeEncodeError:
            return "holds half of a surrogate pair; it is no valid Unicode"
        return ""
    if isinstance(value, Mapping | list) and depth <= 0:
        return f"is nested more than {META_DEPTH} deep"
    if isinstance(value, Mapping):
        return next((found for item in value.items() for part in item if (found := fault(part, depth - 1))), "")
    if isinstance(value, list):
        return next((found for part in value if (found := fault(part, depth - 1))), "")
    return _number_fault(value)


def _number_fault(value: object) -> str:
    if isinstance(value, int) and not -1 << 63 <= value < 1 << 63:
        return "holds a whole number of more than 64 bits; write it as a string"
    if isinstance(value, float) and not math.isfinite(value):
        return f"holds {value}, which is no number of JSON's"
    if value is not None and not isinstance(value, int | float):
        return f"holds {kind(value)}, which JSON has no word for"
    return ""


def kind(value: object) -> str:
    """What a value is, in JSON's words."""
    names = {str: "a string", bool: "a boolean", int: "a number", float: "a number", list: "a list", dict: "an object"}
    return "null" if value is None else names.get(type(value), type(value).__name__)
