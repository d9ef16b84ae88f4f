"""Which events of the network are read."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from headrace.errors import Misconfigured
from headrace.sources.platform_url import PlatformUrl

POSTS = "app.bsky.feed.post"  #: the collection that is read unless others are named
COLLECTIONS, AUTHORS = 100, 10_000  #: that a server takes, at most
WIDE = ".*"  #: ends the name of all collections that begin so
_NAMED_BYTES = 100  # of authors that stand in the name of a source; more are a hash

_LABEL = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
_DOMAIN = rf"(?=[a-zA-Z]){_LABEL}(?:\.{_LABEL})+"
_NSID = re.compile(rf"{_DOMAIN}\.[a-zA-Z][a-zA-Z0-9]{{0,62}}", re.ASCII)
_WIDE = re.compile(rf"{_DOMAIN}\.\*", re.ASCII)
_DID = re.compile(r"did:[a-z]+:[a-zA-Z0-9._:%-]*[a-zA-Z0-9._-]", re.ASCII)
_TAG = re.compile(r"[a-z]{2,3}(-[a-z0-9]{1,8})*", re.ASCII)
_NSID_BYTES, _DID_BYTES = 317, 2048


@dataclass(frozen=True)
class Wanted:
    """Records of these collections, by these authors, in these languages (in lower case); of all if there are none."""

    collections: frozenset[str] = frozenset({POSTS})
    authors: frozenset[str] = frozenset()
    languages: frozenset[str] = frozenset()

    @classmethod
    def read(cls, url: PlatformUrl) -> "Wanted":
        """What the options of a URL ask for. Raises Misconfigured for what is not a collection, an author or a language."""
        collections = url.several("collections", [POSTS])
        authors = url.several("authors", [])
        languages = [language.lower() for language in url.several("languages", [])]
        if not collections:
            raise Misconfigured(f"the option collections of bluesky: is empty; write {POSTS}, or leave it out")
        for one in collections:
            if len(one) > _NSID_BYTES or not (_NSID.fullmatch(one) or _WIDE.fullmatch(one)):
                raise Misconfigured(f"{one!r} is not a collection; write its NSID, such as {POSTS}, or app.bsky.feed.*")
        for one in authors:
            if len(one) > _DID_BYTES or not _DID.fullmatch(one):
                raise Misconfigured(
                    f"{one!r} is not the DID of an author; write one like did:plc:z72i7hdynmk6r22z27h6tvur. The page"
                    " https://HANDLE/.well-known/atproto-did, or com.atproto.identity.resolveHandle, has that of a handle"
                )
        for one in languages:
            if not _TAG.fullmatch(one):
                raise Misconfigured(f"{one!r} is not the tag of a language; write en, or pt-BR")
        for name, given, most in (("collections", collections, COLLECTIONS), ("authors", authors, AUTHORS)):
            if len(given) > most:
                raise Misconfigured(f"bluesky: has {len(given):,} {name}; a server takes {most:,} at most")
        if "authors" in url.options and not authors:
            raise Misconfigured("the option authors of bluesky: is empty; write DIDs, or leave it out")
        return cls(frozenset(collections), frozenset(authors), frozenset(languages))

    @property
    def name(self) -> Mapping[str, str]:
        """The options that differ from the usual ones, as they stand in the name of a source."""
        authors = ",".join(sorted(self.authors))
        if len(authors) > _NAMED_BYTES:
            authors = f"{len(self.authors)}-{hashlib.blake2b(authors.encode(), digest_size=8).hexdigest()}"
        options = {
            "authors": authors,
            "collections": "" if self.collections == {POSTS} else ",".join(sorted(self.collections)),
            "languages": ",".join(sorted(self.languages)),
        }
        return {option: value for option, value in options.items() if value}

    def has_author(self, did: str) -> bool:
        """Whether what this author does is read."""
        return not self.authors or did in self.authors

    def has_collection(self, collection: str) -> bool:
        """Whether this collection is read."""
        if collection in self.collections:
            return True
        parts = collection.split(".")
        return any(".".join(parts[:end]) + WIDE in self.collections for end in range(1, len(parts)))

    def has_language(self, record: Mapping[str, Any]) -> bool:
        """Whether a record says that it is in one of the languages; `pt` includes `pt-BR`."""
        return not self.languages or any(
            tag == language or tag.startswith(f"{language}-")
            for tag in map(str.lower, languages_of(record))
            for language in self.languages
        )


USUAL = Wanted()  #: posts of all authors, in all languages


def languages_of(record: Mapping[str, Any]) -> Sequence[str]:
    """The tags of the languages that a record says it is in."""
    told = record.get("langs")
    return [tag for tag in told if isinstance(tag, str) and tag] if isinstance(told, list) else []
