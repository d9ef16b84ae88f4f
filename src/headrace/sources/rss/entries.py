"""An entry of a feed as a document."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from html import unescape
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import msgspec

from headrace.documents import Document
from headrace.documents import read as read_document
from headrace.errors import Rejected
from headrace.framing import KEPT_BYTES
from headrace.ports import Malformed
from headrace.sources import html_text
from headrace.sources.rss.feed import Feed

SOURCE = "rss"
_HTML = ("text/html", "application/xhtml+xml")
_PLAIN = "text/plain"
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_ID_BYTES = 200  # of an id of a feed; a longer one is hashed
_KEY, _TEXT = 16, 8  # hexadecimal digits by which an entry and its text are remembered


class Entry(NamedTuple):
    """An entry: what identifies it among others, and its text among its versions; and the document, or why it is none."""

    key: str
    version: str
    item: Document | Malformed

    @property
    def remembered(self) -> str:
        """How it is remembered."""
        return self.key + self.version

    def apart(self) -> "Entry":
        """The entry with an id of its own for this text."""
        if isinstance(self.item, Malformed):
            return self
        return self._replace(item=msgspec.structs.replace(self.item, id=f"{self.item.id}@{self.version}"))

    def edited(self) -> "Entry":
        """The entry as an edit of what was told before."""
        if isinstance(self.item, Malformed):
            return self
        meta = {**self.item.meta, "edit_of": self.item.id}
        return self._replace(item=msgspec.structs.replace(self.item, meta=meta)).apart()


def known(told: Sequence[str]) -> dict[str, str]:
    """The versions of the entries that are remembered, by their keys, the newest last."""
    return {one[:_KEY]: one[_KEY:] for one in told}


def entries_of(feed: Feed, address: str, where: str, limit: int) -> Sequence[Entry]:
    """The entries of a feed at this address, the oldest first. `where` is the feed in messages; `limit`: bytes of a document."""
    found = [_entry(one, feed, address, where, f"entry {place}", limit) for place, one in enumerate(feed.entries, 1)]
    found.reverse()  # the newest is usually the first
    found.sort(key=lambda entry: getattr(entry.item, "created_at", "") or "")
    return _apart(found)


def _apart(entries: Sequence[Entry]) -> Sequence[Entry]:
    """The entries, those with the id of an earlier one as documents of their own: some feeds give all the same id."""
    apart: dict[str, Entry] = {}
    for entry in entries:
        if (earlier := apart.get(entry.key)) and earlier.version != entry.version:
            entry = entry.apart()._replace(key=_hash(entry.remembered.encode())[:_KEY])
        apart[entry.key] = entry
    return list(apart.values())


def _entry(members: Mapping[str, Any], feed: Feed, address: str, where: str, place: str, limit: int) -> Entry:
    text, identity = _text(members, feed), _identity(members, address)
    try:
        document = read_document(_document(members, text, feed), source=SOURCE, limit=limit)
    except Rejected as error:
        said = {"id": identity, "link": members.get("link"), "text": text}
        data = json.dumps(said, ensure_ascii=False).encode(errors="backslashreplace")
        return Entry(
            _hash(data)[:_KEY],
            _hash(data)[:_TEXT],
            Malformed(data[:KEPT_BYTES], str(error), f"{where}, {identity or place}"),
        )
    identity = identity or document.id
    document = msgspec.structs.replace(document, id=f"{SOURCE}:{identity}")
    return Entry(_hash(identity.encode())[:_KEY], _hash(text.encode())[:_TEXT], document)


def _document(members: Mapping[str, Any], text: str, feed: Feed) -> dict[str, Any]:
    """What makes up the document, without its id."""
    published, updated = _time(members, "published"), _time(members, "updated")
    terms = [tag.get("label") or tag.get("term") for tag in members.get("tags", ())]
    meta = {
        "link": members.get("link"),
        "author": members.get("author"),
        "feed": _unescaped(feed.title, feed),
        "categories": [term for term in terms if term],
        "updated": updated if published and updated != published else None,
    }
    return {
        "text": text,
        "created_at": published or updated,
        "meta": {name: value for name, value in meta.items() if value},
    }


def _text(members: Mapping[str, Any], feed: Feed) -> str:
    """Title and content, or the summary if there is none; a title with which the content begins is not repeated."""
    title = _plain(members.get("title_detail") or {}, feed)
    contents = [one for one in members.get("content", ()) if one.get("type") in (*_HTML, _PLAIN)]
    content = _plain(contents[0] if contents else members.get("summary_detail") or {}, feed)
    parts = [content] if content.startswith(title) else [title, content]
    return "\n".join(part for part in parts if part)


def _plain(detail: Mapping[str, Any], feed: Feed) -> str:
    value = str(detail.get("value") or "")
    return html_text.plain(value) if detail.get("type") in _HTML else _unescaped(value, feed).strip()


def _unescaped(text: str, feed: Feed) -> str:
    """A text that is said to be plain, without the entities that RSS often has in it all the same."""
    return text if feed.unescaped else unescape(text)


def _identity(members: Mapping[str, Any], address: str) -> str:
    """The id of an entry, or its link; empty if it has none. An id that is not a URI says nothing without the feed's host."""
    identity = str(members.get("id") or "").strip()
    if identity and not _SCHEME.match(identity):
        identity = f"{urlsplit(address).netloc}/{identity}"
    identity = identity or str(members.get("link") or "").strip()
    return identity if len(identity.encode(errors="replace")) <= _ID_BYTES else _hash(identity.encode(errors="replace"))


def _time(members: Mapping[str, Any], name: str) -> str | None:
    """A time of an entry: as feedparser reads it, or as it is written if it can't."""
    if parsed := members.get(f"{name}_parsed"):
        year, month, day, hour, minute, second = parsed[:6]
        return f"{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z"
    written: str | None = members.get(name)
    return written


def _hash(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=16).hexdigest()
