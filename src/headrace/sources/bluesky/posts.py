"""Records of the network as documents: posts, and all else that has a text."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from headrace.clock import to_datetime
from headrace.documents import Document
from headrace.documents import read as read_document
from headrace.errors import Rejected
from headrace.sources.bluesky.events import Event
from headrace.sources.bluesky.wanted import POSTS, languages_of
from headrace.validation import ID_BYTES, kind

SOURCE = "bluesky"  #: the source of all documents, and the beginning of their ids
#: The members of a record that are its text, in this order.
TEXTS: Sequence[str] = (
    "title",
    "name",
    "displayName",
    "text",
    "description",
    "textContent",
    "content",
    "body",
)
_REV_BYTES = 40  # of an id are left for `@` and the revision of an edit
_TAG = "app.bsky.richtext.facet#tag"


def author_of(did: str) -> str:
    """The author with this DID, as all of theirs is erased."""
    return f"{SOURCE}:{did}"


def id_of(event: Event) -> str:
    """The id of the document of a record, whatever becomes of the record: its address. Raises Rejected if it has none."""
    if not (event.did and event.collection and event.rkey):
        raise Rejected("a record has texts 'did', 'collection' and 'rkey'")
    return _id(f"{event.did}/{event.collection}/{event.rkey}")


def document_of(event: Event, limit: int) -> Document | None:
    """The document of a record that was created or updated; None if it has no text. Raises Rejected if it can't be stored."""
    record = event.record
    if not isinstance(record, Mapping):
        raise Rejected(f"a record is an object, not {kind(record)}")
    identity, text = id_of(event), "\n".join(_texts(record))
    if not text:
        return None
    about = _about(event, record)
    if event.operation == "update":
        about |= {"edit_of": identity, "edited_at": _time(event.at)}
        identity = f"{identity}@{event.rev or hashlib.blake2b(text.encode(), digest_size=8).hexdigest()}"
    meta = {name: value for name, value in about.items() if value}
    described = {"id": identity, "text": text, "created_at": record.get("createdAt"), "meta": meta}
    document = read_document(described, source=SOURCE, limit=limit)
    if document.created_at is None and event.at:
        document = read_document({**described, "created_at": _time(event.at)}, source=SOURCE, limit=limit)
    return document


def _id(address: str) -> str:
    """The id of what has this address; its hash if it is too long for an id."""
    if len(address.encode()) + len(SOURCE) + _REV_BYTES > ID_BYTES:
        address = hashlib.blake2b(address.encode(), digest_size=20).hexdigest()
    return f"{SOURCE}:{address}"


def _texts(record: Mapping[str, Any]) -> Iterator[str]:
    for name in TEXTS:
        value = record.get(name)
        if isinstance(value, str) and value.strip():
            yield value
        elif name == "text" and value is not None and not isinstance(value, str):
            raise Rejected(f"a record has a text 'text', not {kind(value)}")


def _about(event: Event, record: Mapping[str, Any]) -> dict[str, Any]:
    languages, tags = languages_of(record), [*dict.fromkeys(_tags(record))]
    return {
        "author_id": event.did,
        "url": _url(event),
        "lang": languages[0] if languages else "",
        "langs": languages if len(languages) > 1 else [],
        "reply_to": _address(_within(record, "reply", "parent", "uri")),
        "quote_of": _address(
            _within(record, "embed", "record", "uri") or _within(record, "embed", "record", "record", "uri")
        ),
        "tags": tags,
        "collection": "" if event.collection == POSTS else event.collection,
    }


def _url(event: Event) -> str:
    """Where the record is seen; empty if Bluesky's own site does not show it."""
    profile = f"https://bsky.app/profile/{event.did}"
    places = {
        POSTS: f"{profile}/post/{event.rkey}",
        "app.bsky.actor.profile": profile,
        "app.bsky.feed.generator": f"{profile}/feed/{event.rkey}",
        "app.bsky.graph.list": f"{profile}/lists/{event.rkey}",
    }
    return places.get(event.collection, "")


def _tags(record: Mapping[str, Any]) -> Iterator[str]:
    """The hashtags in the text, and those that are beside it."""
    for facet in _list(record.get("facets")):
        for feature in _list(facet.get("features") if isinstance(facet, Mapping) else None):
            if isinstance(feature, Mapping) and feature.get("$type") == _TAG and isinstance(feature.get("tag"), str):
                yield feature["tag"]
    yield from (tag for tag in _list(record.get("tags")) if isinstance(tag, str) and tag)


def _list(value: object) -> Sequence[Any]:
    return value if isinstance(value, list) else ()


def _within(value: Any, *names: str) -> object:
    """A member of members; None if there is none."""
    for name in names:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _address(uri: object) -> str:
    """What stands after `bluesky:` in the id of the document of a record."""
    return _id(uri.removeprefix("at://")).removeprefix(f"{SOURCE}:") if isinstance(uri, str) and uri else ""


def _time(at: int) -> str:
    return to_datetime(at).isoformat().replace("+00:00", "Z") if at else ""
