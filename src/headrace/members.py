"""Members of a record, by their names or by JSON Pointers, and lists of such names as users write them."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from headrace.errors import Misconfigured, did_you_mean

#: Names of members that usually hold a text, which are suggested if there is no `text`.
SUGGESTED = ("content", "body", "message", "tweet", "sentence")
SHOWN = 20  # names in a message

_ABSENT = object()
#: A part of a list: in double quotes, after `name=` too, or up to the next comma.
_PART = re.compile(r'(?:\s*[\w-]+\s*=)?\s*"(?:[^"]|"")*"\s*(?=,|$)|[^,]*')
_QUOTED = re.compile(r'"((?:[^"]|"")*)"')


@dataclass(frozen=True)
class Field:
    """A member of a record: its name (or that of a column), or a JSON Pointer to it (RFC 6901), such as `/payload/body`.

    A record may have a member whose name begins with a slash; that comes first. Raises Misconfigured for what is neither.
    """

    written: str

    def __post_init__(self) -> None:
        stray = self.written[:1] == "/" and "~" in self.written.replace("~0", "").replace("~1", "")
        if not self.written or stray:
            raise Misconfigured(
                f"{self.written!r} names no member; write a name, or a JSON Pointer such as /payload/body, with ~1 for / and ~0 for ~"
            )

    @cached_property
    def path(self) -> tuple[str, ...]:
        """The names on the way to the member, its own last."""
        return tuple(map(_unescaped, self.written[1:].split("/"))) if self.written[:1] == "/" else (self.written,)

    def of(self, members: Mapping[str, Any]) -> Any:
        """The member's value; None if the record lacks it."""
        return None if (value := self._found(members)) is _ABSENT else value

    def _found(self, members: Mapping[str, Any]) -> Any:
        value = members.get(self.written, _ABSENT)
        if value is _ABSENT and self.written[:1] == "/":
            value = members
            for part in self.path:
                value = _part(value, part)
        return value

    def is_in(self, members: Mapping[str, Any]) -> bool:
        """Whether the record has the member."""
        return self._found(members) is not _ABSENT

    def absence(self, members: Mapping[str, Any]) -> str:
        """That the record lacks the member, and what it has instead."""
        at, place = members, ""
        if len(self.path) > 1:
            for part in self.path:
                if not isinstance(inner := _part(at, part), Mapping):
                    break
                at, place = inner, f"{place}/{_escaped(part)}"
        names = [f"{place}/{_escaped(name)}" if place else name for name in at]
        said = f"no member {self.written!r}; {place or 'it'} has {_listed(names)}"
        return f"{said}{_suggestion(self.written, names)}"


def split(written: str) -> list[str]:
    """The parts of a list, separated by commas, but by none in double quotes. The quotes stay: `unquoted` takes them off."""
    parts: list[str] = []
    at = 0
    while at <= len(written):
        found = _PART.match(written, at)
        end = found.end() if found else at
        parts.append(written[at:end].strip())
        at = end + 1
    return parts


def unquoted(part: str) -> str:
    """A name without the double quotes around it, if it begins with one; a doubled quote in them is one.

    Raises Misconfigured for quotes that are not closed, or closed too early.
    """
    found = _QUOTED.fullmatch(part)
    if found is None and part[:1] == '"':
        raise Misconfigured(
            f"the quotes of {part!r} are wrong; write a name with a comma in double quotes, and each quote in it twice"
        )
    return found[1].replace('""', '"') if found else part


def quoted(name: str) -> str:
    """A name as a part of a list: in double quotes if it needs them."""
    needs = "," in name or '"' in name or name != name.strip()
    return '"' + name.replace('"', '""') + '"' if needs else name


def suggestion(names: Iterable[str]) -> str:
    """What to do if there is no `text` among these names, but one other that usually holds one; else empty."""
    obvious = [name for name in names if name.lower() in SUGGESTED]
    return f"; if the text is in {obvious[0]!r}, say so: --text {obvious[0]}" if len(obvious) == 1 else ""


def names_of(members: Mapping[str, Any]) -> str:
    """The names of the members that a record has, for a message."""
    return _listed(list(members))


def _suggestion(wanted: str, names: Sequence[str]) -> str:
    if wanted == "text":
        return suggestion(names)
    meant = did_you_mean(wanted, [name for name in names if (name[:1] == "/") == (wanted[:1] == "/")])
    return f"; {meant.rstrip()}" if meant else ""


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else ""
    return (", ".join(map(repr, names[:SHOWN])) or "none") + more


def _part(value: Any, part: str) -> Any:
    if isinstance(value, Mapping):
        return value.get(part, _ABSENT)
    if isinstance(value, list) and part.isdecimal() and int(part) < len(value):
        return value[int(part)]
    return _ABSENT


def _unescaped(part: str) -> str:
    return part.replace("~1", "/").replace("~0", "~")


def _escaped(part: str) -> str:
    return part.replace("~", "~0").replace("/", "~1")
