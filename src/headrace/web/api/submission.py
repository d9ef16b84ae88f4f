"""The documents of a request: each is checked, stamped with the time, and encoded once; then they are published together."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from headrace import documents, metrics
from headrace.documents import Document, encode
from headrace.errors import Conflict, Rejected
from headrace.web.api.inputs import MOST_DOCUMENTS
from headrace.web.conflicts import OtherText
from headrace.web.publishing import Oversized
from headrace.web.responses import Refused, refusal
from headrace.web.state import AppState

SOURCE = "api"  #: of documents that name none
SHORT = documents.ID_BYTES // 4  #: characters that are not too long, whichever they are
#: A document, its JSON, and whether its sender has named its id.
Read = tuple[Document, bytes, bool]
_PLAIN = frozenset({"id", "text", "source"})


@dataclass(frozen=True, slots=True)
class Submission:
    """The documents of a request in their order, stamped with the time, with their places among its members; the JSON and the source of
    each that is different; and the texts of those whose ids their sender has named."""

    documents: Sequence[Document]
    places: Sequence[int]
    lines: Sequence[tuple[bytes, str]]
    texts: dict[str, str]


def read_submission(value: object, *, limit: int, now: int) -> Submission:
    """The documents of a request, a JSON value, stamped with `now`. `limit` is the most bytes of one.

    Raises Refused for the first document that is wrong, with its place in a list.
    """
    members = value if isinstance(value, list) else [value]
    if not 0 < len(members) <= MOST_DOCUMENTS:
        raise Refused(422, f"the list has {len(members):,} documents; send between 1 and {MOST_DOCUMENTS:,} at a time")
    return gather(members, lambda member: _read(member, limit, now), listed=isinstance(value, list))


def gather(members: Sequence[Any], read: Callable[[Any], Read | None], *, listed: bool) -> Submission:
    """What `read` makes of members; those of which it makes None are left out.

    Raises Refused for the first that it rejects, and for another text under an id; with the place if the members are `listed`.
    """
    taken: list[Document] = []
    places: list[int] = []
    lines: dict[str, tuple[bytes, str]] = {}
    texts: dict[str, str] = {}
    named: dict[str, str] = {}
    for index, member in enumerate(members):
        try:
            if (found := read(member)) is None:
                continue
            document, line, is_named = found
            if texts.setdefault(document.id, document.text) != document.text:
                raise Conflict(f"the list has another text under the id {document.id!r}; give each its own id")
        except Rejected as error:
            raise refusal(error, index=index if listed else None) from None
        lines[document.id] = line, document.source
        if is_named:
            named[document.id] = document.text
        taken.append(document)
        places.append(index)
    return Submission(taken, places, list(lines.values()), named)


async def publish(state: AppState, sent: Submission, size: int, *, listed: bool) -> None:
    """Publish the documents of a request, which are `size` bytes of JSON.

    Raises Refused for a document that is too large or in conflict, with its place if they are `listed`, and as `Outbox.publish` does.
    """
    try:
        await state.outbox.publish(sent.lines, sent.texts, size)
    except (Oversized, OtherText) as error:
        pairs = zip(sent.places, sent.documents, strict=True)
        index = next(place for place, document in pairs if document.id == error.identity)
        raise refusal(error, index=index if listed else None) from None
    state.meter.add(metrics.HTTP_DOCUMENTS, len(sent.lines))
    state.recent_ids.add(document.id for document in sent.documents)


def _read(member: Any, limit: int, now: int) -> Read:
    """A document as it was sent. Raises Rejected as `documents.read` does."""
    if (plain := _plain(member, now)) is not None:
        with suppress(UnicodeEncodeError):
            line = encode(plain)
            if len(line) <= limit:
                return plain, line, True
    document = documents.stamp(documents.read(unstamped(member), source=SOURCE, limit=limit), now)
    return document, encode(document), member.get("id") is not None


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


def unstamped(member: object) -> object:
    """What was sent, without a time of publishing: the server stamps it."""
    if isinstance(member, dict) and "published_at" in member:
        return {name: value for name, value in member.items() if name != "published_at"}
    return member
