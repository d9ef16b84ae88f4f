"""What is erased together: the documents of an author, and a document with its edits.

By convention, `meta` says so: `author_id` is what a platform always calls an author, or else `author` is a name; `edit_of` is the id under
which an edited document was first written.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from headrace.documents import DeadLetter, Document
from headrace.errors import Rejected
from headrace.parsing import parse
from headrace.ports import Tombstones

_AUTHOR = " "  # begins the keys of authors; no id begins with it


class Owners(NamedTuple):
    """The keys, beside its id, by which a document is erased: the id of the document of which it is an edit, and its author's key. Each is
    empty if there is none."""

    original: str = ""
    author: str = ""


def owners_of(source: str, meta: Mapping[str, Any]) -> Owners:
    """The owners of a document that has this source and this `meta`."""
    if not meta:
        return Owners()
    original, author = meta.get("edit_of"), _author(meta)
    return Owners(original.strip() if isinstance(original, str) else "", author and f"{_AUTHOR}{source}:{author}")


def author_of(document: Document) -> str:
    """Who wrote a document, after its source: `bluesky:did:plc:x`, `files:Anna`. Empty if it does not say."""
    return owners_of(document.source, document.meta).author.removeprefix(_AUTHOR)


def keys_of(document: Document) -> tuple[str, ...]:
    """What a document is erased by."""
    return (document.id, *filter(None, owners_of(document.source, document.meta)))


def owners_of_letter(source: str, data: bytes) -> Owners:
    """The owners of what was buried: those of the document in it, or none."""
    try:
        members = parse(data, lenient=True)
    except Rejected:
        return Owners()
    meta = members.get("meta") if isinstance(members, Mapping) else None
    return owners_of(source, meta if isinstance(meta, Mapping) else {})


def keys_of_letter(letter: DeadLetter) -> tuple[str, ...]:
    """What a dead letter is erased by."""
    return (letter.id, *filter(None, owners_of_letter(letter.source, letter.data)))


def erased_at(tombstones: Tombstones, documents: Iterable[Document]) -> dict[str, int]:
    """When each of these documents was erased last, by its id, in microseconds since the epoch; those that never were are left out."""
    keys = [(document.id, keys_of(document)) for document in documents]
    times = tombstones.erased(sorted({key for _, some in keys for key in some}))
    found: dict[str, int] = {}
    for identity, some in keys:
        if at := max((times[key] for key in some if key in times), default=0):
            found[identity] = max(at, found.get(identity, 0))
    return found


def keys_to_erase(ids: Iterable[str], authors: Iterable[str]) -> list[str]:
    """The keys of these ids and authors, each once."""
    return list(dict.fromkeys((*ids, *(_AUTHOR + author for author in authors))))


def _author(meta: Mapping[str, Any]) -> str:
    for name in ("author_id", "author"):
        author = meta.get(name)
        if isinstance(author, int) and not isinstance(author, bool):
            author = str(author)
        if isinstance(author, str) and author.strip():
            return author.strip()
    return ""
