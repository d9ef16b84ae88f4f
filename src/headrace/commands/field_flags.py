"""The flags that say how records are read, and where the members of documents stand in them."""

from dataclasses import dataclass, fields
from typing import Annotated

from cyclopts import Group, Parameter

from headrace.fields import Field, Fields

_GROUP = Group(
    "Fields",
    sort_key=5,
    help="Where the members of documents stand in the records that are read: a name, that of a column, or a JSON Pointer (/payload/body).",
)


def _flag(help: str) -> Parameter:  # noqa: A002
    return Parameter(group=_GROUP, help=help, show_default=False)


_Text = Annotated[
    str,
    _flag(
        "The text; those of several members, separated by commas, are joined; a name with a comma is in double quotes. [default: text]"
    ),
]
_Label = Annotated[str, _flag("The label. [default: label]")]


@dataclass(frozen=True)
class FieldFlags:
    """Fields of a document."""

    text: _Text = ""
    id: Annotated[str, _flag("The id. [default: id, else made from the document]")] = ""
    created_at: Annotated[str, _flag("The time at which it was written. [default: created_at]")] = ""
    source: Annotated[str, _flag("The source. [default: source, else the kind of the stream]")] = ""
    meta: Annotated[str, _flag("What else to keep, separated by commas. [default: all else]")] = ""

    def read(self) -> Fields:
        """The fields. Raises Misconfigured for what names no member."""
        return Fields.parse(**{one.name: getattr(self, one.name) for one in fields(self)})


@dataclass(frozen=True)
class LabelledFlags:
    """Fields of a labelled text."""

    text: _Text = ""
    label: _Label = ""

    def read(self) -> tuple[Fields, Field]:
        """The fields of the text, and that of the label. Raises Misconfigured for what names no member."""
        return Fields.parse(text=self.text), Field(self.label or "label")


Encoding = Annotated[
    str,
    Parameter(
        help="Encoding of the files, such as cp1252. [default: UTF-8, or UTF-16 if a file shows it]",
        show_default=False,
    ),
]
Whole = Annotated[
    bool, Parameter(negative="", help="Take a file of plain text for one document, and not for one a line.")
]
DocumentFields = Annotated[FieldFlags, Parameter(name="*")]
LabelledFields = Annotated[LabelledFlags, Parameter(name="*")]
