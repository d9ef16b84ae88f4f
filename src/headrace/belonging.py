"""What is erased together: the documents of an author, and a document with its edits.

By convention, `meta` says so: `author_id` is what a platform always calls an author, or else `author` is a name; `edit_of` is the id under
which an edited document was first written.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from headrace.documents import DeadLetter, Document
from headrace.errors import Rejected
from headrace.parsing import parse

_OF_AUTHOR = "\0"  # begins the keys of authors; no id contains it


def author_of(document: Document) -> str:
    """Who wrote a document, after its source: `bluesky:did:plc:x`, `comments.csv:Anna`. Empty if it does not say."""
    return _author(document.source, document.meta)


def keys_of(document: Document) -> tuple[str, ...]:
    """What a document is erased by: its id, that of the document of which it is an edit, and its author's key."""
    return (document.id, *owners_of(document.source, document.meta))


def keys_of_letter(letter: DeadLetter) -> tuple[str, ...]:
    """What a dead letter is erased by: its id, and what the document in it says."""
    try:
        members = parse(letter.data, lenient=True)
    except Rejected:
        return (letter.id,)
    meta = members.get("meta") if isinstance(members, Mapping) else None
    return (letter.id, *owners_of(letter.source, meta if isinstance(meta, Mapping) else {}))


def owners_of(source: str, meta: Mapping[str, Any]) -> Iterable[str]:
    """The keys, beside its id, by which a document is erased that has this source and this `meta`."""
    if meta:
        original = meta.get("edit_of")
        if isinstance(original, str) and original:
            yield original
        if author := _author(source, meta):
            yield _OF_AUTHOR + author


def keys_to_erase(ids: Iterable[str], authors: Iterable[str]) -> list[str]:
    """The keys of these ids and authors, each once."""
    return list(dict.fromkeys((*ids, *(_OF_AUTHOR + author for author in authors))))


def _author(source: str, meta: Mapping[str, Any]) -> str:
    for name in ("author_id", "author"):
        author = meta.get(name)
        if isinstance(author, int) and not isinstance(author, bool):
            author = str(author)
        if isinstance(author, str) and author.strip():
            return f"{source}:{author}"
    return ""
