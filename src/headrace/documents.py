"""What flows: documents, predictions, results and dead letters, and how documents are packed into bodies and back.

Nothing here does I/O. What can be stored is decided here, at the door, and nowhere else: text, id and meta are Unicode
without NUL or lone surrogates, an id has up to 256 bytes, a document up to a limit (1 MiB unless set otherwise).
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

import msgspec

from headrace.clock import microseconds as microseconds
from headrace.errors import Rejected
from headrace.validation import ID_BYTES as ID_BYTES
from headrace.validation import META_DEPTH, check_members, fault, kind

DOCUMENT_BYTES = 1 << 20
BODY_BYTES = 16 << 10
ADDED_BYTES = 128  # of what the door adds to a document that it took: an id, the time, the source

# None of the structs below can be part of a cycle (what they hold was JSON), so the garbage collector need not look at them.
_MEMBERS = ("id", "text", "source", "created_at", "meta", "published_at")


class Document(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, forbid_unknown_fields=True):
    """A text and where it comes from.

    `created_at` is an ISO 8601 date or time, as its source wrote it. `published_at` is stamped by ingest and the API:
    microseconds since the epoch.
    """

    id: str
    text: str
    source: str = ""
    created_at: str | None = None
    meta: dict[str, Any] = {}
    published_at: int | None = None


class Prediction(msgspec.Struct, frozen=True, gc=False):
    """A label and its score (a probability where the model is calibrated), by one model version (`language@3f9c2a`)."""

    label: str
    score: float
    model: str = ""


class Result(msgspec.Struct, frozen=True):
    """A document with its answers, keyed by the model's name, as stored.

    `stored_at` is when its first outcome was written to the store; None where nothing is stored (the store `none:`). Both times are in
    UTC, and in JSON as RFC 3339 (`2026-01-31T12:00:00.123456Z`).
    """

    id: str
    text: str
    source: str
    created_at: str | None
    meta: dict[str, Any]
    predictions: dict[str, Prediction]
    published_at: datetime | None = None
    stored_at: datetime | None = None


class DeadLetter(msgspec.Struct, frozen=True, gc=False):
    """What could not be processed, with its reason.

    `data` is what to publish again; `kind` is one word that can be counted (malformed, raised, killed, overdue, memory,
    conflict, refused, evicted); `model` names the model that failed, or is empty where the whole document is set aside;
    `content` identifies what was buried: the same content buried twice for the same model is one dead letter, under the newer
    number. The store gives `burial`, its number, and `buried_at`, microseconds since the epoch.
    """

    id: str
    kind: str
    reason: str
    data: bytes
    content: str
    model: str = ""
    source: str = ""
    published_at: int | None = None
    burial: int = 0
    buried_at: int = 0


class Outcome(msgspec.Struct, frozen=True, gc=False):
    """What became of a document: predictions, dead letters, or some of each.

    `document` is None where the line could not be decoded. `shadows` are predictions that are kept but never answer.
    """

    document: Document | None
    predictions: tuple[Prediction, ...] = ()
    shadows: tuple[Prediction, ...] = ()
    dead: tuple[DeadLetter, ...] = ()


class Body(msgspec.Struct, frozen=True):
    """What a broker moves: JSON Lines, one document a line. `key` is the name of the source."""

    data: bytes
    key: str = ""


_decode_document = msgspec.json.Decoder(Document).decode
_decode_any = msgspec.json.Decoder().decode
encode = msgspec.json.Encoder().encode
_encode_canonical = msgspec.json.Encoder(order="deterministic").encode


def read(members: object, *, source: str = "", limit: int = DOCUMENT_BYTES) -> Document:
    """The document that a decoded JSON object describes.

    A missing id becomes the hash of all members, a missing source becomes `source`, members that are not a document's go to
    `meta`. Raises Rejected, saying which member is wrong and how.
    """
    if not isinstance(members, Mapping):
        raise Rejected(f"a document is a JSON object with a member 'text', not {kind(members)}")
    if "text" not in members:
        raise Rejected("the document has no member 'text'")
    meta = members.get("meta")
    if meta is not None and not isinstance(meta, Mapping):
        raise Rejected(f"'meta' must be an object, not {kind(meta)}")
    extra = {name: value for name, value in members.items() if name not in _MEMBERS}
    identity = _identity(members.get("id"))
    document = Document(
        id="" if identity is None else identity,
        text=members["text"],
        source=source if members.get("source") is None else members["source"],
        created_at=members.get("created_at"),
        meta={**extra, **(meta or {})},
        published_at=members.get("published_at"),
    )
    _check(document, limit, unnamed=identity is None)
    return document if identity is not None else msgspec.structs.replace(document, id=content_id(document))


def decode(line: bytes, *, limit: int = DOCUMENT_BYTES) -> Document:
    """The document of one line of a body. Raises Rejected where it is none.

    What the door took fits, with what it added.
    """
    limit += ADDED_BYTES
    if len(line) > limit:
        raise _too_long(len(line), limit)
    try:
        document = _decode_document(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return read(parse(line), limit=limit)
    if document.meta or b"\\u0000" in line:
        _check(document, limit, unnamed=False)
    else:
        check_members(document)
    return document


def parse(line: bytes) -> object:
    """The JSON value of a line; Rejected, with the reason, where it is no JSON."""
    if not line.strip():
        raise Rejected("the body is empty; a document is a JSON object with a member 'text'")
    try:
        return _decode_any(line.removeprefix(b"\xef\xbb\xbf"))
    except UnicodeDecodeError as error:
        raise Rejected(f"the document is no valid UTF-8 (byte {error.start}); encode it as UTF-8") from None
    except RecursionError:
        raise Rejected("the JSON is nested too deeply") from None
    except msgspec.DecodeError as error:
        hint = "; or it holds half of a surrogate pair" if b"\\u" in line else ""
        raise Rejected(f"the document is no JSON: {error}{hint}") from None


def content_id(document: Document) -> str:
    """The id of a document that came without one: the hash of all its members, so that sending it twice stores it once."""
    members = (document.text, document.source, document.created_at, document.meta)
    return hashlib.blake2b(_encode_canonical(members), digest_size=16).hexdigest()


def content_hash(identity: str, text: str) -> str:
    """Tells whether a known id comes with the same text again."""
    return hashlib.blake2b(text.encode(), digest_size=16, key=hashlib.blake2b(identity.encode()).digest()).hexdigest()


def stamp(document: Document, at: int) -> Document:
    """The document with the time (microseconds) at which it is published."""
    return msgspec.structs.replace(document, published_at=at)


def bury(document: Document, kind: str, reason: str, *, model: str = "") -> DeadLetter:
    """A dead letter for a document that was decoded; replaying it publishes the document again."""
    return DeadLetter(
        id=document.id,
        kind=kind,
        reason=reason,
        data=encode(document),
        content=content_hash(document.id, document.text),
        model=model,
        source=document.source,
        published_at=document.published_at,
    )


def bury_bytes(data: bytes, reason: str, *, source: str = "", kind: str = "malformed") -> DeadLetter:
    """A dead letter for bytes that are no document. Id, source and time are those that they name, if they can be read and stored; the
    id is their hash where they name none."""
    digest = hashlib.blake2b(data, digest_size=16).hexdigest()
    named = _named(data)
    return DeadLetter(
        id=named.id or digest,
        kind=kind,
        reason=reason,
        data=data,
        content=digest,
        source=source or named.source,
        published_at=named.published_at,
    )


def pack(documents: Iterable[Document], *, target: int = BODY_BYTES) -> Iterator[Body]:
    """Bodies of about `target` bytes, each of one source, documents in order; a longer document gets a body of its own."""
    lines: list[bytes] = []
    size, key = 0, ""
    for document in documents:
        line = encode(document)
        if lines and (size + len(line) > target or document.source != key):
            yield Body(b"\n".join(lines), key)
            lines, size = [], 0
        lines.append(line)
        size += len(line) + 1
        key = document.source
    if lines:
        yield Body(b"\n".join(lines), key)


def unpack(data: bytes) -> list[bytes]:
    """The lines of a body, at least one; blank lines are left out."""
    return [line for line in data.split(b"\n") if line.strip()] or [b""]


def _identity(value: Any) -> Any:
    """Numbers are ids too."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _named(data: bytes) -> Document:
    """What bytes that are no document say of id, source and time."""
    try:
        members = parse(data)
    except Rejected:
        members = None
    said = dict(members) if isinstance(members, Mapping) else {}
    named = Document("", "")
    for member in ("id", "source", "published_at"):
        value = _identity(said.get(member)) if member == "id" else said.get(member)
        try:
            told = msgspec.structs.replace(named, **{member: value})
            check_members(msgspec.structs.replace(told, text="-"), unnamed=True)
        except Rejected:
            continue
        named = told
    return named


def _too_long(size: int, limit: int) -> Rejected:
    return Rejected(f"the document has {size:,} bytes; the limit is {limit:,} (setting document_bytes)")


def _check(document: Document, limit: int, *, unnamed: bool) -> None:
    check_members(document, unnamed=unnamed)
    if document.meta and (found := fault(document.meta, META_DEPTH)):
        raise Rejected(f"'meta' {found}")
    try:
        size = len(encode(document))
    except (UnicodeEncodeError, RecursionError, TypeError, ValueError, OverflowError, msgspec.MsgspecError) as error:
        raise Rejected(f"the document cannot be written as JSON: {error}") from None
    if size > limit:
        raise _too_long(size, limit)
