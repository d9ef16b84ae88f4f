"""Reading the documents of a request: each is checked, stamped with the time, and encoded once."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from headrace import documents
from headrace.documents import Document, encode
from headrace.errors import Conflict, Rejected
from headrace.web.api.inputs import MOST_DOCUMENTS
from headrace.web.responses import Refused, refusal

SOURCE = "api"  #: of documents that name none
SHORT = documents.ID_BYTES // 4  #: characters that are not too long, whichever they are
_PLAIN = frozenset({"id", "text", "source"})


@dataclass(frozen=True, slots=True)
class Submission:
    """The documents of a request in their order, stamped with the time; the JSON and the source of each that is different; and the texts
    of those whose ids their sender has named."""

    documents: Sequence[Document]
    lines: Sequence[tuple[bytes, str]]
    texts: dict[str, str]


def read_submission(value: object, *, limit: int, now: int) -> Submission:
    """The documents of a request, a JSON value, stamped with `now`. `limit` is the most bytes of one.

    Raises Refused for the first document that is wrong, with its place in a list.
    """
    members = value if isinstance(value, list) else [value]
    if not 0 < len(members) <= MOST_DOCUMENTS:
        raise Refused(422, f"the list has {len(members):,} documents; send between 1 and {MOST_DOCUMENTS:,} at a time")
    taken: list[Document] = []
    lines: dict[str, tuple[bytes, str]] = {}
    texts: dict[str, str] = {}
    named: dict[str, str] = {}
    for index, member in enumerate(members):
        try:
            document, line = _read(member, limit, now)
            if texts.setdefault(document.id, document.text) != document.text:
                raise Conflict(f"the list has another text under the id {document.id!r}; give each its own id")
        except Rejected as error:
            raise refusal(error, index=index if isinstance(value, list) else None) from None
        lines[document.id] = line, document.source
        if member.get("id") is not None:
            named[document.id] = document.text
        taken.append(document)
    return Submission(taken, list(lines.values()), named)


def _read(member: Any, limit: int, now: int) -> tuple[Document, bytes]:
    """A document and its JSON. Raises Rejected as `documents.read` does."""
    if (plain := _plain(member, now)) is not None:
        with suppress(UnicodeEncodeError):
            line = encode(plain)
            if len(line) <= limit:
                return plain, line
    document = documents.stamp(documents.read(_unstamped(member), source=SOURCE, limit=limit), now)
    return document, encode(document)


def _plain(member: Any, now: int) -> Document | None:
    """The document of members that are as usual, as `documents.read` reads it; None for all others. Its size is not checked."""
    if type(member) is not dict or not member.keys() <= _PLAIN:
        return None
    identity, text, source = member.get("id"), member.get("text"), member.get("source", SOURCE)
    for value in (identity, text, source):
        if type(value) is not str or "\0" in value:
            return None
    if not text or not identity or len(identity) > SHORT or len(source) > SHORT or identity != identity.strip():
        return None
    return Document(identity, text, source, published_at=now)


def _unstamped(member: object) -> object:
    """What was sent, without a time of publishing: the server stamps it."""
    if isinstance(member, dict) and "published_at" in member:
        return {name: value for name, value in member.items() if name != "published_at"}
    return member
