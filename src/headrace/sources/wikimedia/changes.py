"""Changes of pages, as the stream `recentchange` tells them, and the documents that they become."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec

from headrace.clock import to_microseconds
from headrace.documents import Document, parse
from headrace.documents import read as read_document
from headrace.errors import Rejected
from headrace.sources.positions import LATEST
from headrace.validation import kind

SOURCE = "wikimedia"  #: the source of all documents, and the beginning of their ids
TYPES: Sequence[str] = ("edit", "new")  #: of changes that have a text
ALL = "all"  #: instead of the numbers of namespaces
CANARY = "canary"
#: A wiki in a language of its own, with that language.
_IN_LANGUAGE = re.compile(
    r"([a-z][a-z-]*)\.(?:wikipedia|wiktionary|wikibooks|wikinews|wikiquote|wikisource|wikiversity|wikivoyage)\.org"
)
_LANGUAGES: Mapping[str, str] = {"simple": "en"}  # by the name in the host, where it is not the language


@dataclass(frozen=True)
class Wanted:
    """Which changes are read: those of these wikis (all if there are none), types and namespaces (numbers as text; all if there are none).
    Those of bots only if `bots`."""

    wikis: frozenset[str] = frozenset()
    types: frozenset[str] = frozenset(TYPES)
    namespaces: frozenset[str] = frozenset({"0"})
    bots: bool = False

    def includes(self, event: Mapping[str, Any]) -> bool:
        """Whether this event is one of them."""
        return (
            isinstance(event.get("type"), str)
            and event["type"] in self.types
            and (not self.wikis or (isinstance(event.get("wiki"), str) and event["wiki"] in self.wikis))
            and (not self.namespaces or str(event.get("namespace")) in self.namespaces)
            and (self.bots or not event.get("bot"))
        )


USUAL = Wanted()


class Event(msgspec.Struct, frozen=True):
    """What the stream says: an object, and when it was said, in microseconds since the epoch; 0 if that is not known.

    That is the time of the platform, in `meta.dt`: the `timestamp` of a canary is one of an example.
    """

    members: Mapping[str, Any]
    at: int

    @classmethod
    def read(cls, data: bytes) -> "Event":
        """The event of a message. Raises Rejected if it is none."""
        members = parse(data, lenient=True)
        if not isinstance(members, dict):
            raise Rejected(f"an event is a JSON object, not {kind(members)}")
        try:
            at = datetime.fromisoformat(str(_in_meta(members, "dt")))
        except ValueError:
            return cls(members, 0)
        return cls(members, min(max(0, to_microseconds(at.replace(tzinfo=at.tzinfo or UTC))), LATEST))

    @property
    def is_canary(self) -> bool:
        """Whether it only shows that the stream is alive."""
        return _in_meta(self.members, "domain") == CANARY


class Change(msgspec.Struct, frozen=True):
    """A page that was changed: which revision, and where the wiki answers questions about the page; empty if that is not known."""

    event: Mapping[str, Any]
    wiki: str
    title: str
    revision: int
    api: str
    data: bytes = b""

    @classmethod
    def read(cls, event: Mapping[str, Any], data: bytes = b"") -> "Change":
        """The change that an event tells of, in a message with this `data`. Raises Rejected if it has no wiki, title or revision."""
        wiki, title = (_text(event, name) for name in ("wiki", "title"))
        revisions = event.get("revision")
        revision = revisions.get("new") if isinstance(revisions, dict) else None
        if not isinstance(revision, int) or isinstance(revision, bool) or revision <= 0:
            raise Rejected(f"a change has a whole number 'revision.new', not {kind(revision)}")
        server, path = event.get("server_url"), event.get("server_script_path", "/w")
        known = isinstance(server, str) and server.startswith("https://") and isinstance(path, str)
        return cls(event, wiki, title, revision, f"{server}{path}/api.php" if known else "", data)

    def document(self, extract: str, limit: int) -> Document:
        """The document, whose text is the extract of the page, or its title and the comment if there is none. Raises Rejected if it can't
        be stored, or is longer than `limit` bytes."""
        event = self.event
        comment = event["comment"] if isinstance(event.get("comment"), str) else ""
        about = {
            "wiki": self.wiki,
            "title": self.title,
            "user": event.get("user"),
            "comment": comment,
            "url": event.get("notify_url") or _in_meta(event, "uri"),
            "type": event.get("type"),
            "lang": language_of(event.get("server_name")),
        }
        meta: dict[str, Any] = {name: value for name, value in about.items() if isinstance(value, str) and value}
        meta |= {"namespace": event.get("namespace"), "bot": bool(event.get("bot"))}
        meta["text_of"] = "extract" if extract else "comment"
        described = {
            "id": f"{SOURCE}:{self.wiki}:{self.revision}",
            "text": extract or "\n".join(filter(None, (self.title, comment))),
            "created_at": event.get("timestamp") or _in_meta(event, "dt"),
            "meta": meta,
        }
        return read_document(described, source=SOURCE, limit=limit)


def language_of(host: object) -> str:
    """The language of the wiki at this host, such as `sv` of `sv.wikipedia.org`; empty if the host does not say."""
    found = _IN_LANGUAGE.fullmatch(host) if isinstance(host, str) else None
    return _LANGUAGES.get(found[1], found[1]) if found else ""


def _text(event: Mapping[str, Any], name: str) -> str:
    value = event.get(name)
    if not isinstance(value, str) or not value:
        raise Rejected(f"a change has a text {name!r}, not {kind(value)}")
    return value


def _in_meta(event: Mapping[str, Any], name: str) -> object:
    meta = event.get("meta")
    return meta.get(name) if isinstance(meta, dict) else None
