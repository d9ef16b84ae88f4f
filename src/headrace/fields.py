"""Fields: where the members of a document stand in records that were not made for Headrace."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

from headrace import cloudevents
from headrace.documents import DOCUMENT_BYTES, Document
from headrace.documents import decode as decode_document
from headrace.documents import read as read_document
from headrace.errors import Misconfigured, Rejected
from headrace.members import Field as Field
from headrace.members import names_of as names_of
from headrace.members import split, unquoted
from headrace.members import suggestion as suggestion
from headrace.parsing import parse
from headrace.validation import kind

NAMES: Sequence[str] = ("text", "id", "created_at", "source", "meta")  #: of the members of a document that can be said
_OWN = frozenset((*NAMES, "published_at"))
_EVENT = b'"specversion"'  # in every CloudEvent
JOINED = "\n"  # between the texts of several members
KEY = "@key"  #: the member of a record that has what its message is called by, for fields that name it
ATTRIBUTES = "cloudevent"  #: the member of `meta` that has those of the CloudEvent


@dataclass(frozen=True)
class Fields:
    """Which members of a record are the text, the id, the time, the source and the meta of a document.

    The texts of several members are joined by line ends; those that are missing, null or empty are left out. Without `meta`, that is all
    else that the record holds.

    In a CloudEvent they are members of its data, unless one of the texts is in the event itself. A text in place of an object is the text.
    Id and time are those of the event, if none are named.
    """

    text: tuple[Field, ...] = (Field("text"),)
    id: Field | None = None
    created_at: Field | None = None
    source: Field | None = None
    meta: tuple[Field, ...] | None = None

    @classmethod
    def parse(cls, *, text: str = "", id: str = "", created_at: str = "", source: str = "", meta: str = "") -> Self:  # noqa: A002
        """The fields that these name, those of `text` and `meta` separated by commas; an empty string stands for the usual one. A name that
        holds a comma is in double quotes there.

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
            if not self._has_text(members):
                members = self._of_event(members)
            elif not self.usual:
                members = self._arranged(members)
        return read_document(members, source=source, limit=limit)

    def decode(self, line: bytes, *, limit: int = DOCUMENT_BYTES) -> Document:
        """The document of one line of a body; raises Rejected as `documents.decode` does. What Headrace has published itself is read as it
        is, whatever the fields are."""
        if self.usual and _EVENT not in line:
            return decode_document(line, limit=limit)
        members = parse(line, lenient=True)
        if isinstance(members, dict):
            ours = "published_at" in members and members.keys() <= _OWN
            if ours or (self.usual and self._has_text(members)):
                return decode_document(line, limit=limit)
        return self.read(members, limit=limit)

    def opened(self, members: Mapping[str, Any]) -> Mapping[str, Any] | str:
        """The record that these fields are of: these members, or the data of a CloudEvent, which may also be just a text.

        Raises Rejected for data that is neither an object nor a text.
        """
        if not cloudevents.is_event(members) or self._has_text(members):
            return members
        return cloudevents.data_of(members)

    def text_of(self, members: Mapping[str, Any]) -> Any:
        """The text of a record; what is not a string if it has none. Raises Rejected if one of several texts is not a string, and as
        `opened` does."""
        record = self.opened(members)
        return record if isinstance(record, str) else self._text(record)

    def labelled(self, members: Mapping[str, Any], label: Field) -> Any:
        """The value of a label, which is in the record, or in a CloudEvent itself; None without one. Raises Rejected as `opened` does."""
        record = self.opened(members)
        return label.of(record) if isinstance(record, Mapping) and label.is_in(record) else label.of(members)

    def _has_text(self, members: Mapping[str, Any]) -> bool:
        return any(field.is_in(members) for field in self.text)

    def _of_event(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """The members of the document that a CloudEvent describes. Raises Rejected for anything else, and for data without a text."""
        if not cloudevents.is_event(event):
            raise Rejected(f"the document has {self.text[0].absence(event)}{cloudevents.lack(event)}")
        own: dict[str, Any] = {"id": cloudevents.identity(event)}
        if event.get("time") is not None:
            own["created_at"] = event["time"]
        data = cloudevents.data_of(event)
        if isinstance(data, str):
            data = {self.text[0].written: data}
        if KEY in event:
            data = {KEY: event[KEY], **data}
        if not self._has_text(data):
            raise Rejected(f"the data of the CloudEvent has {self.text[0].absence(data)}")
        arranged = self._arranged(data, own)
        if self.meta is None:
            said = cloudevents.attributes(event)
            said.pop(KEY, None)
            arranged["meta"].setdefault(ATTRIBUTES, said)
        return arranged

    def _text(self, members: Mapping[str, Any]) -> Any:
        if len(self.text) == 1:
            return self.text[0].of(members)
        found = [(field, value) for field in self.text if (value := field.of(members))]
        for field, value in found:
            if not isinstance(value, str):
                raise Rejected(f"{field.written!r} must be a string, not {kind(value)}")
        return JOINED.join(value for _, value in found)

    def _arranged(self, members: Mapping[str, Any], own: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The record with the members of a document. What is its `own` stands in place of usual members, not of those that are named."""
        own = own or {}
        arranged: dict[str, Any] = {"text": self._text(members), **own}
        taken = [*self.text]
        for name, usual, fits in (("id", _ID, _is_id), ("created_at", _TIME, _is_time), ("source", _SOURCE, _is_text)):
            field: Field = getattr(self, name) or usual
            if field is usual and name in own:
                continue
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


def _several(written: str) -> tuple[Field, ...]:
    return tuple(Field(unquoted(part)) for part in split(written)) if written.strip() else ()


def _without(members: Mapping[str, Any], path: Sequence[str]) -> dict[str, Any]:
    """A copy of an object without the member at a path; the objects on the way to it are copied too."""
    rest, name = dict(members), path[0]
    if len(path) == 1:
        rest.pop(name, None)
    elif isinstance(rest.get(name), Mapping):
        rest[name] = _without(rest[name], path[1:])
    return rest


def _is_id(value: object) -> bool:
    return value is None or (isinstance(value, str | int | float) and not isinstance(value, bool))


def _is_time(value: object) -> bool:
    return not isinstance(value, Mapping | list)


def _is_text(value: object) -> bool:
    return value is None or isinstance(value, str)
