"""A quick look at an object: whether it is surely a document. `documents.read`, which decides if not, takes several times as long."""

import math
from typing import Any

from headrace.validation import META_DEPTH

_KNOWN = frozenset({"id", "text", "source", "created_at", "meta", "published_at"})
_SHORT, _NOT_TEXT = frozenset({"id", "source"}), frozenset({"meta", "published_at"})
SHORT = 64  # characters of an id or a source, which then has no more than the permitted bytes
FRAME = 1024  # bytes of a document beside its members: their names, an id that is made for it
BYTES = 6  # of a character in JSON, at most
NUMBER = 5  # characters that have as many bytes as the longest number in JSON, or more
UNSURE = 1 << 62  # more characters than any limit


def is_surely_document(members: object, limit: int) -> bool:
    """Whether `documents.read` accepts a decoded JSON object as a document of up to `limit` bytes; false if that is not sure."""
    if type(members) is not dict or not members.get("text"):
        return False
    size = 0
    for name, value in members.items():
        size += len(name) + 2
        if name not in _KNOWN and not _is_storable(name):
            return False
        if type(value) is str:
            if (name in _SHORT and len(value) > SHORT) or name in _NOT_TEXT or not _is_storable(value):
                return False
            size += len(value)
        elif name in _KNOWN and not ((value is None and name != "text") or (name == "meta" and type(value) is dict)):
            return False
        else:
            size += _characters(value, META_DEPTH if name == "meta" else META_DEPTH - 1)
    return FRAME + BYTES * size <= limit


def _is_storable(text: str) -> bool:
    return "\0" not in text and (text.isascii() or _is_unicode(text))


def _characters(value: Any, depth: int) -> int:
    """As many characters as a value that can be stored has in JSON, or more; UNSURE for any other value."""
    kind = type(value)
    if kind is str:
        return len(value) + 1 if _is_storable(value) else UNSURE
    if value is None or kind is bool or (kind is int and -1 << 63 <= value < 1 << 63):
        return NUMBER
    if kind is float:
        return NUMBER if math.isfinite(value) else UNSURE
    if kind is dict and depth > 0:
        return 1 + sum(_characters(name, 0) + _characters(part, depth - 1) + 1 for name, part in value.items())
    if kind is list and depth > 0:
        return 1 + sum(_characters(part, depth - 1) + 1 for part in value)
    return UNSURE


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
