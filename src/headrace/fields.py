"""Fields: where the members of a document stand in records that were not made for Headrace."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

from headrace.documents import DOCUMENT_BYTES, Document
from headrace.documents import decode as decode_document
from headrace.documents import read as read_document
from headrace.errors import Misconfigured, Rejected, did_you_mean
from headrace.parsing import parse
from headrace.validation import kind

#: Names of members that usually hold a text, which are suggested if there is no `text`.
SUGGESTED = ("content", "body", "message", "tweet", "sentence")
NAMES: Sequence[str] = ("text", "id", "created_at", "source", "meta")  #: of the members of a document that can be said
_OWN = frozenset((*NAMES, "published_at"))
JOINED = "\n"  # between the texts of several members
SHOWN = 20  # names in a message

_ABSENT = object()


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


@dataclass(frozen=True)
class Fields:
    """Which members of a record are the text, the id, the time, the source and the meta of a document.

    The texts of several members are joined by line ends; those that are missing, null or empty are left out. Without `meta`, that is all
    else that the record holds.
    """

    text: tuple[Field, ...] = (Field("text"),)
    id: Field | None = None
    created_at: Field | None = None
    source: Field | None = None
    meta: tuple[Field, ...] | None = None

    @classmethod
    def parse(cls, *, text: str = "", id: str = "", created_at: str = "", source: str = "", meta: str = "") -> Self:  # noqa: A002
        """The fields that these name, those of `text` and `meta` separated by commas; an empty string stands for the usual one.

        Raises Misconfigured for what names no member, and if two members would have the same name in `meta`.
        """
        one = {"id": id, "created_at": created_at, "source": source}
        named = {name: Field(written.strip()) for name, written in one.items() if written}
        fields = cls(_several(text) or cls.text, meta=_several(meta) or None, **named)
        names = [field.path[-1] for field in fields.meta or ()]
        if twice := next((name for name in names if names.count(name) > 1), ""):
            raise Misconfigured(f"meta would have two members {twice!r}; leave one out")
        return fields

    @cached_property
    def usual(self) -> bool:
        """Whether records are documents as Headrace writes them."""
        return self == USUAL

    @property
    def named(self) -> Sequence[Field]:
        """The fields that every table has to have as columns; without any, only a text."""
        others = (self.id, self.created_at, self.source, *(self.meta or ()))
        return (*self.text, *(field for field in others if field is not None))

    def read(self, members: object, *, source: str = "", limit: int = DOCUMENT_BYTES) -> Document:
        """The document that a decoded record describes. Raises Rejected as `documents.read` does, and if the record has no text."""
        if isinstance(members, Mapping):
            if not any(field.is_in(members) for field in self.text):
                raise Rejected(f"the document has {self.text[0].absence(members)}")
            if not self.usual:
                members = self._arranged(members)
        return read_document(members, source=source, limit=limit)

    def decode(self, line: bytes, *, limit: int = DOCUMENT_BYTES) -> Document:
        """The document of one line of a body; raises Rejected as `documents.decode` does. What Headrace has published itself is read as it
        is, whatever the fields are."""
        if self.usual:
            return decode_document(line, limit=limit)
        members = parse(line, lenient=True)
        if isinstance(members, dict) and "published_at" in members and members.keys() <= _OWN:
            return decode_document(line, limit=limit)
        return self.read(members, limit=limit)

    def text_of(self, members: Mapping[str, Any]) -> Any:
        """The text of a record; what is not a string if it has none. Raises Rejected if one of several texts is not a string."""
        if len(self.text) == 1:
            return self.text[0].of(members)
        found = [(field, value) for field in self.text if (value := field.of(members))]
        for field, value in found:
            if not isinstance(value, str):
                raise Rejected(f"{field.written!r} must be a string, not {kind(value)}")
        return JOINED.join(value for _, value in found)

    def _arranged(self, members: Mapping[str, Any]) -> dict[str, Any]:
        """The record with the members of a document."""
        arranged: dict[str, Any] = {"text": self.text_of(members)}
        taken = [*self.text]
        for name, usual, fits in (("id", _ID, _is_id), ("created_at", _TIME, _is_time), ("source", _SOURCE, _is_text)):
            field: Field = getattr(self, name) or usual
            value = field.of(members)
            if value is not None and (field is not usual or fits(value)):
                arranged[name] = value
                taken.append(field)
        arranged["meta"] = self._meta(members, taken)
        return arranged

    def _meta(self, members: Mapping[str, Any], taken: Sequence[Field]) -> dict[str, Any]:
        if self.meta is not None:
            return {field.path[-1]: field.of(members) for field in self.meta if field.is_in(members)}
        rest = dict(members)
        for field in taken:
            if field.written in rest:
                del rest[field.written]
            elif len(field.path) > 1 or field.written[:1] == "/":
                rest = _without(rest, field.path)
        inner = rest.get("meta")
        if isinstance(inner, Mapping):
            del rest["meta"]
            rest |= inner
        return rest


_ID, _TIME, _SOURCE = Field("id"), Field("created_at"), Field("source")
USUAL = Fields()  #: those of records that are documents
LABEL = Field("label")  #: of a labelled text


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


def _several(written: str) -> tuple[Field, ...]:
    return tuple(Field(part.strip()) for part in written.split(",")) if written.strip() else ()


def _part(value: Any, part: str) -> Any:
    if isinstance(value, Mapping):
        return value.get(part, _ABSENT)
    if isinstance(value, list) and part.isdecimal() and int(part) < len(value):
        return value[int(part)]
    return _ABSENT


def _without(members: Mapping[str, Any], path: Sequence[str]) -> dict[str, Any]:
    """A copy of an object without the member at a path; the objects on the way to it are copied too."""
    rest, name = dict(members), path[0]
    if len(path) == 1:
        rest.pop(name, None)
    elif isinstance(rest.get(name), Mapping):
        rest[name] = _without(rest[name], path[1:])
    return rest


def _unescaped(part: str) -> str:
    return part.replace("~1", "/").replace("~0", "~")


def _escaped(part: str) -> str:
    return part.replace("~", "~0").replace("/", "~1")


def _is_id(value: object) -> bool:
    return value is None or (isinstance(value, str | int | float) and not isinstance(value, bool))


def _is_time(value: object) -> bool:
    return not isinstance(value, Mapping | list)


def _is_text(value: object) -> bool:
    return value is None or isinstance(value, str)
