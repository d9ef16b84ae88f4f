"""What flows: documents, predictions, results and dead letters; how documents are read from JSON, and packed into bodies and back.

Nothing here does I/O. Whatever enters Headrace is read here, and checked once: text, id and meta are Unicode without NUL and lone
surrogates, an id has up to 256 bytes, a document up to a limit (1 MiB unless set otherwise).
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

import msgspec

from headrace import framing
from headrace.clock import microseconds as microseconds
from headrace.clock import to_microseconds
from headrace.errors import Rejected
from headrace.parsing import id_text
from headrace.parsing import parse as parse
from headrace.timestamps import as_utc, is_utc
from headrace.validation import ID_BYTES as ID_BYTES
from headrace.validation import META_DEPTH, check_members, fault, kind

DOCUMENT_BYTES = 1 << 20  # the largest document, as JSON, unless the setting document_bytes says otherwise
BODY_BYTES = 16 << 10  # the size to which bodies are packed
ADDED_BYTES = 128  # a document that was taken may grow by that much: an id, the time and the source are added

# The structs below hold only what came as JSON and so cannot form cycles: gc=False spares the garbage collector the work.
_BEGIN, _END = b"{}"  # of a document
_MEMBERS = ("id", "text", "source", "created_at", "meta", "published_at")


class Document(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, forbid_unknown_fields=True):
    """A text, and where it comes from.

    `created_at` is a time in UTC, as RFC 3339 (`2026-01-31T12:00:00Z`), or a date. Ingest and the API stamp `published_at`, in microseconds
    since the epoch.
    """

    id: str
    text: str
    source: str = ""
    created_at: str | None = None
    meta: dict[str, Any] = {}
    published_at: int | None = None


class Prediction(msgspec.Struct, frozen=True, gc=False):
    """A label and its score (a probability if the model is calibrated), by one model version (`language@3f9c2a`)."""

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

    `data` is what a replay publishes. `kind` is one word that can be counted: malformed, raised, killed, overdue, memory, conflict,
    refused, evicted. `model` names the model that failed; it is empty if the whole document is set aside. `content` identifies what was
    buried: the same content buried twice for the same model is one dead letter, under the newer number. The store assigns `burial`, the
    number, and `buried_at`, in microseconds since the epoch.
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

    `document` is None if the line could not be decoded. `shadows` are predictions that are kept and never answer.
    """

    document: Document | None
    predictions: tuple[Prediction, ...] = ()
    shadows: tuple[Prediction, ...] = ()
    dead: tuple[DeadLetter, ...] = ()


class Body(msgspec.Struct, frozen=True):
    """What a broker moves: JSON Lines, one document a line, or what `content_type` names. `key` is the source of its documents."""

    data: bytes
    key: str = ""
    content_type: str = ""


_decode_document = msgspec.json.Decoder(Document).decode
encode = msgspec.json.Encoder().encode
_encode_canonical = msgspec.json.Encoder(order="deterministic").encode


def read(members: object, *, source: str = "", limit: int = DOCUMENT_BYTES) -> Document:
    """The document that a decoded JSON object describes.

    A missing id becomes the hash of all members, a missing source becomes `source`, and members that a document does not have go to
    `meta`; so do a `created_at` that cannot be read as a time, and a `published_at` that is text and is not one. Raises Rejected, saying
    which member is wrong and why, or that the document has more than `limit` bytes.
    """
    if not isinstance(members, Mapping):
        raise Rejected(f"a document is a JSON object with a member 'text', not {kind(members)}")
    if "text" not in members:
        raise Rejected("the document has no member 'text'")
    meta = members.get("meta")
    if meta is not None and not isinstance(meta, Mapping):
        raise Rejected(f"'meta' must be an object, not {kind(meta)}")
    extra = {name: value for name, value in members.items() if name not in _MEMBERS}
    identity, created_at = id_text(members.get("id")), as_utc(members.get("created_at"))
    if created_at is None and not _is_blank(members.get("created_at")):
        extra["created_at"] = members["created_at"]
    published_at = _published_at(members.get("published_at"))
    if isinstance(published_at, str):
        extra |= {} if _is_blank(published_at) else {"published_at": published_at}
        published_at = None
    document = Document(
        id="" if identity is None else identity,
        text=members["text"],
        source=source if members.get("source") is None else members["source"],
        created_at=created_at,
        meta={**extra, **(meta or {})},
        published_at=published_at,
    )
    _check(document, limit, unnamed=identity is None)
    return document if identity is not None else msgspec.structs.replace(document, id=content_id(document))


def decode(line: bytes, *, limit: int = DOCUMENT_BYTES) -> Document:
    """The document of one line of a body. Raises Rejected if the line is not a document, or is too long.

    A document that `read` accepted with this limit is accepted, with the ADDED_BYTES by which it may have grown.
    """
    limit += ADDED_BYTES
    if len(line) > limit:
        raise _too_long(len(line), limit)
    try:
        document = _decode_document(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return read(parse(line, lenient=True), limit=limit)
    if (
        not document.id
        or document.id != document.id.strip()
        or not (document.created_at is None or is_utc(document.created_at))
    ):
        return read(parse(line), limit=limit)
    if document.meta or b"\\u0000" in line:
        _check(document, limit, unnamed=False)
    else:
        check_members(document.id, document.text, document.source, document.published_at)
    return document


def content_id(document: Document) -> str:
    """The id of a document that came without one: the hash of all its members, so that sending it twice stores it once."""
    members = (document.text, document.source, document.created_at, document.meta)
    return hashlib.blake2b(_encode_canonical(members), digest_size=16).hexdigest()


def content_hash(identity: str, text: str) -> str:
    """A hash of id and text: it is equal if a known id comes with the same text again."""
    return hashlib.blake2b(text.encode(), digest_size=16, key=hashlib.blake2b(identity.encode()).digest()).hexdigest()


def stamp(document: Document, at: int) -> Document:
    """The document with the time at which it is published, in microseconds since the epoch."""
    return msgspec.structs.replace(document, published_at=at)


def pack(documents: Iterable[Document], *, target: int = BODY_BYTES) -> Iterator[Body]:
    """Bodies of up to `target` bytes, each of one source, with the documents in order; a longer document gets a body of its own."""
    return pack_lines(((encode(document), document.source) for document in documents), target=target)


def pack_lines(lines: Iterable[tuple[bytes, str]], *, target: int = BODY_BYTES) -> Iterator[Body]:
    """Bodies as `pack` makes them, of lines that are encoded already, each with its source."""
    packed: list[bytes] = []
    size, key = 0, ""
    for line, source in lines:
        if packed and (size + len(line) > target or source != key):
            yield Body(b"\n".join(packed), key)
            packed, size = [], 0
        packed.append(line)
        size += len(line) + 1
        key = source
    if packed:
        yield Body(b"\n".join(packed), key)


def unpack(data: bytes) -> list[bytes]:
    """The documents of a body: its lines without blank ones, or its JSON values if it is laid out otherwise; an empty one if blank."""
    text = data.strip()
    lines = text.split(b"\n")
    for line in lines:
        if not line or line[0] != _BEGIN or line[-1] != _END:
            break
    else:
        if len(lines) > 1 or framing.is_single(text):
            return lines
    return [value.data for value in framing.values(data)] or [text]


def _published_at(value: Any) -> Any:
    """The time of publishing in microseconds if it is written as in results (RFC 3339); any other value as it is."""
    time = as_utc(value) if isinstance(value, str) else None
    return value if time is None or "T" not in time else to_microseconds(datetime.fromisoformat(time))


def _is_blank(value: object) -> bool:
    return value is None or value != value or (isinstance(value, str) and not value.strip())


def _too_long(size: int, limit: int) -> Rejected:
    return Rejected(f"the document has {size:,} bytes; the limit is {limit:,} (setting document_bytes)")


def _check(document: Document, limit: int, *, unnamed: bool) -> None:
    check_members(document.id, document.text, document.source, document.published_at, unnamed=unnamed)
    if document.meta and (reason := fault(document.meta, META_DEPTH)):
        raise Rejected(f"'meta' {reason}")
    try:
        size = len(encode(document))
    except (UnicodeEncodeError, RecursionError, TypeError, ValueError, OverflowError, msgspec.MsgspecError) as error:
        raise Rejected(f"the document cannot be written as JSON: {error}") from None
    if size > limit:
        raise _too_long(size, limit)
