"""Dead letters, made of what cannot be processed."""

import hashlib
from collections.abc import Mapping
from typing import Any

from headrace.documents import DeadLetter, Document, content_hash, encode, parse
from headrace.errors import Rejected
from headrace.parsing import id_text
from headrace.validation import check_members


def bury(document: Document, kind: str, reason: str, *, model: str = "") -> DeadLetter:
    """A dead letter of a document that was decoded; replaying it publishes the document again."""
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


def bury_bytes(
    data: bytes,
    reason: str,
    *,
    source: str = "",
    kind: str = "malformed",
    published_at: int | None = None,
    received_at: int | None = None,
) -> DeadLetter:
    """A dead letter of bytes that are not a document.

    Its id, source and time are those that the bytes name, if they can be read and stored. If they name no id, it is their hash; `source`
    and `published_at` override those they name, and `received_at` stands in for a time that they do not name. A store drops a dead letter
    without a time if its id was ever erased, so callers that bury what has just arrived give `received_at`.
    """
    digest = hashlib.blake2b(data, digest_size=16).hexdigest()
    named = _storable_members(data)
    times = (published_at, named.get("published_at"), received_at)
    return DeadLetter(
        id=named.get("id") or digest,
        kind=kind,
        reason=reason,
        data=data,
        content=digest,
        source=source or named.get("source", ""),
        published_at=next((at for at in times if at is not None), None),
    )


def _storable_members(data: bytes) -> dict[str, Any]:
    """The id, source and time that bytes name, without those that cannot be stored."""
    try:
        members = parse(data)
    except Rejected:
        return {}
    named = members if isinstance(members, Mapping) else {}
    storable = {}
    for name in ("id", "source", "published_at"):
        try:
            value = id_text(named.get(name)) or "" if name == "id" else named.get(name)
            check_members(**{"id": "", "text": "-", name: value}, unnamed=True)
        except Rejected:
            continue
        storable[name] = value
    return storable
