"""A quick look at objects: whether they are surely documents. `documents.read`, which decides about others, takes many times as long."""

import math
from collections.abc import Callable, Iterable
from typing import Any

from headrace.validation import META_DEPTH

SHORT = 64  # characters of an id or a source, which then has no more than the permitted bytes
FRAME = 1024  # bytes of a document beside its members: their names, an id that is made for it
BYTES = 6  # of a character in JSON, at most
NUMBER = 5  # characters that have as many bytes as the longest number in JSON, or more
UNSURE = 1 << 62  # more characters than any limit
_KNOWN = frozenset({"id", "text", "source", "created_at", "meta", "published_at"})
_LONGEST = {"id": SHORT, "source": SHORT, "meta": -1, "published_at": -1}.get  # text, in characters


def surely_documents(objects: Iterable[object], limit: int) -> list[bool]:
    """Of each decoded JSON object, whether `documents.read` accepts it as a document of up to `limit` bytes; false if that is not sure."""
    strings: list[str] = []
    most = (limit - FRAME) // BYTES
    found = [type(one) is dict and _size(one, strings.append) <= most for one in objects]
    together = "".join(strings)
    if "\0" in together or not _is_unicode(together):
        return [False] * len(found)
    return found


def _size(members: dict[Any, Any], see: Callable[[str], None]) -> int:
    """As many characters as the document that these members are has, or more; UNSURE if it may be none. `see` gets each string in it."""
    if not members.get("text"):
        return UNSURE
    size = 0
    for name, value in members.items():
        if type(value) is str:
            if len(value) > _LONGEST(name, UNSURE):
                return UNSURE
            size += len(value)
            see(value)
        elif name in _KNOWN and not ((value is None and name != "text") or (name == "meta" and type(value) is dict)):
            return UNSURE
        else:
            size += _characters(value, META_DEPTH if name == "meta" else META_DEPTH - 1, see)
        size += len(name) + 2
        see(name)
    return size


def _characters(value: Any, depth: int, see: Callable[[str], None]) -> int:
    """As many characters as a value that can be stored has in JSON, or more; UNSURE for any other value."""
    kind = type(value)
    if kind is str:
        see(value)
        return len(value) + 1
    if value is None or kind is bool or (kind is int and -1 << 63 <= value < 1 << 63):
        return NUMBER
    if kind is float:
        return NUMBER if math.isfinite(value) else UNSURE
    if kind is dict and depth > 0:
        return 1 + sum(
            _characters(name, 0, see) + _characters(part, depth - 1, see) + 1 for name, part in value.items()
        )
    if kind is list and depth > 0:
        return 1 + sum(_characters(part, depth - 1, see) + 1 for part in value)
    return UNSURE


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
