"""The columns of a table: names that occur several times, or not at all."""

from collections.abc import Iterable, Sequence
from itertools import count

#: What a column of a table of documents may be called by, to be a member of the document.
MEMBERS: Sequence[str] = ("text", "id", "source", "created_at", "meta", "published_at")


def repeated(header: Sequence[str], needed: Iterable[str]) -> str:
    """What is wrong if one of the columns that are needed is there several times: which of them is meant cannot be told. Else empty."""
    twice = next((name for name in needed if header.count(name) > 1), None)
    return "" if twice is None else f"there are {header.count(twice)} columns {twice!r}; rename all but one"


def distinct(header: Sequence[str]) -> list[str]:
    """The names of columns, each once. A column without a name is called by its place, and one whose name was there before gets the first
    number behind it that makes a name of its own, so that none is lost."""
    taken, names = set(header), list[str]()
    for place, name in enumerate(header):
        known = name or f"column {place + 1}"
        if known in names or (not name and known in taken):
            known = next(free for number in count(1) if (free := f"{known}.{number}") not in taken)
        taken.add(known)
        names.append(known)
    return names
