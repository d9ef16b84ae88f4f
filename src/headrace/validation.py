"""What can be stored and moved, checked once, where it enters: Unicode without NUL and lone surrogates, numbers of 64 bits, no deep
nesting, bodies of a limited size."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

from headrace.errors import Rejected

ID_BYTES = 256  # the longest id, and the longest source, in UTF-8
META_DEPTH = 32  # how deep `meta` may be nested


def check_sizes(sizes: Iterable[int], most: int, doing: str) -> None:
    """Raises Rejected if one of these bodies has more than `most` bytes. `doing` begins the message, such as "publishing to queue.db"."""
    for size in sizes:
        if size > most:
            raise Rejected(f"{doing}: a body of {size:,} bytes; the limit is {most:,}")


def check_members(
    id: Any,  # noqa: A002
    text: Any,
    source: Any = "",
    published_at: Any = None,
    *,
    unnamed: bool = False,
) -> None:
    """Raises Rejected if one of these members of a document cannot be stored, saying which and why.

    `unnamed`: the id may be empty. `meta` and the size of the whole are not checked here.
    """
    for name, value in (("id", id), ("text", text), ("source", source)):
        if not isinstance(value, str):
            raise Rejected(f"'{name}' must be a string, not {kind(value)}")
        if reason := fault(value, 0):
            raise Rejected(f"'{name}' {reason}")
    if not text:
        raise Rejected("'text' is empty")
    if not id and not unnamed:
        raise Rejected("'id' is empty; leave it out to have one made from the document")
    for name, value in (("id", id), ("source", source)):
        if len(value.encode()) > ID_BYTES:
            raise Rejected(f"'{name}' is longer than {ID_BYTES} bytes")
    if published_at is not None and not _is_microseconds(published_at):
        raise Rejected("'published_at' must be a whole number of microseconds since the epoch; leave it out")


def fault(value: object, depth: int) -> str:
    """Why a JSON value cannot be stored: it holds what cannot, or is nested deeper than `depth`. Empty if it can."""
    if isinstance(value, str):
        if "\0" in value:
            return "holds a NUL character; remove it"
        try:
            value.encode()
        except UnicodeEncodeError:
            return "holds half of a surrogate pair; it is not valid Unicode"
        return ""
    if isinstance(value, Mapping | list) and depth <= 0:
        return f"is nested more than {META_DEPTH} deep"
    if isinstance(value, Mapping):
        return next((reason for item in value.items() for part in item if (reason := fault(part, depth - 1))), "")
    if isinstance(value, list):
        return next((reason for part in value if (reason := fault(part, depth - 1))), "")
    return _number_fault(value)


def not_utf8(data: bytes) -> str:
    """Why bytes are not UTF-8, and what to do; empty if they are."""
    try:
        data.decode()
    except UnicodeDecodeError as error:
        return f"not valid UTF-8: byte {error.start + 1} is 0x{data[error.start]:02x}; convert it to UTF-8"
    return ""


def kind(value: object) -> str:
    """The type of a value, in JSON's words: "a string", "null"; the Python type's name if JSON has no such type."""
    names = {str: "a string", bool: "a boolean", int: "a number", float: "a number", list: "a list", dict: "an object"}
    return "null" if value is None else names.get(type(value), type(value).__name__)


def _is_microseconds(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 62


def _number_fault(value: object) -> str:
    if isinstance(value, int) and not -1 << 63 <= value < 1 << 63:
        return "holds a whole number of more than 64 bits; write it as a string"
    if isinstance(value, float) and not math.isfinite(value):
        return f"holds {value}, which JSON cannot express"
    if value is not None and not isinstance(value, int | float):
        return f"holds {kind(value)}, which JSON cannot express"
    return ""
