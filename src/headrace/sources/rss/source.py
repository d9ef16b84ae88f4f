"""A feed that is asked again and again: the adapter of `rss:`."""

import logging
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Self

import msgspec

from headrace.documents import DOCUMENT_BYTES, Document
from headrace.errors import Misconfigured
from headrace.masking import mask_url
from headrace.ports import Batch, Malformed
from headrace.sources import http_client, saved_cursors
from headrace.sources.back_off import printable
from headrace.sources.polling import Polling, Seen, kept, public, seconds_in
from headrace.sources.rss.entries import Entry, entries_of, known
from headrace.sources.rss.feed import Feed, is_whole, parse, ttl
from headrace.sources.stream import Message, follow, shown

EVERY = 300.0  #: seconds from one request to the next, unless the feed asks for more
RAREST = 86_400.0  #: seconds after which a feed is asked, whatever it asks for
MOST_BYTES = 10 << 20  #: of a feed
_MAX_AGE = re.compile(r"(?:^|[\s,])max-age\s*=\s*\"?(\d{1,9})", re.IGNORECASE)
_ACCEPT = "application/rss+xml, application/atom+xml, application/rdf+xml, application/xml;q=0.9, */*;q=0.5"
LOG = logging.getLogger("headrace.sources")


class RssSource:
    """The entries of a feed (RSS, Atom), the oldest first. An entry that was told is told again only if its text has changed, as a document
    with an id of its own, as long as it is among the last that are remembered.

    `every`: seconds from one request to the next; None for EVERY, or what the feed asks for if that is more. `limit`: bytes of a document.
    """

    endless = True
    pausable = True

    def __init__(self, address: str, *, every: float | None = None, limit: int = DOCUMENT_BYTES) -> None:
        self._address, self._every, self._limit = address, every, limit
        self._closed = threading.Event()

    @classmethod
    def from_url(cls, url: str, *, limit: int = DOCUMENT_BYTES) -> Self:
        """The feed of `rss:https://host/feed.xml` or `rss://host/feed.xml?tls=no`; `#every=600` at its end are seconds.

        Raises Misconfigured if there is no host, or for any other fragment.
        """
        whole, every = seconds_in(url)
        return cls(http_client.address(whole, "rss", plain="http", secure="https"), every=every, limit=limit)

    @property
    def name(self) -> str:
        """`rss:` and the address, without secrets."""
        return f"rss:{shown(self._address)}"

    def read(self, after: str | None = None) -> Iterator[Batch]:
        with http_client.client({"Accept": _ACCEPT}) as client:

            def connect(cursor: str) -> Polling:
                seen = Seen.read(cursor)
                return Polling(
                    client,
                    self._address,
                    seen,
                    self._closed,
                    every=self._seconds,
                    most_bytes=MOST_BYTES,
                    is_whole=is_whole,
                )

            cursor, was_feed, warned = Seen.read(after).write(), False, False
            if restarted := saved_cursors.restarted(after, Seen):
                yield Batch((), cursor, restarted)
            for part in follow(connect, cursor, self._closed, name=self.name, silent=float("inf")):
                for message in part.messages:
                    if self._closed.is_set():
                        return
                    feed = self._parsed(message)
                    if not feed.known:
                        yield Batch((), cursor, waiting=self._no_feed(message, feed, was_feed))
                        continue
                    was_feed = True
                    warned = self._warned(feed, warned)
                    items, cursor = self._new(feed, message, Seen.read(cursor).told)
                    yield Batch(items, cursor)
                if part.waiting or part.connected:
                    yield Batch((), cursor, waiting=part.waiting)

    def close(self) -> None:
        self._closed.set()

    def _seconds(self, headers: Mapping[str, str], data: bytes) -> float:
        """How long to wait: what the URL says, else what the feed asks for, within limits."""
        if self._every is not None:
            return self._every
        age = _MAX_AGE.search(headers.get("Cache-Control", ""))
        return min(max(EVERY, ttl(data), float(age[1]) if age else 0.0), RAREST)

    def _parsed(self, message: Message) -> Feed:
        return parse(message.data, message.event, public(Seen.read(message.cursor).moved or self._address))

    def _no_feed(self, message: Message, feed: Feed, was_feed: bool) -> str:
        """That an answer is not a feed, which is waited for. Raises Misconfigured if there has been no feed yet."""
        kind = printable(message.event.partition(";")[0]) or "something unnamed"
        reason = f"{mask_url(self._address)} is no feed, but {kind}"
        if not was_feed:
            hint = f"the page names this feed: rss:{feed.named}" if feed.named else "is the address right?"
            raise Misconfigured(f"{reason}; {hint}")
        return f"{reason}; asking again"

    def _warned(self, feed: Feed, warned: bool) -> bool:
        """Warn of a feed with faults, unless that was done; whether it was done now or before."""
        if feed.fault and not warned:
            LOG.warning(f"{self.name} is not well-formed, and read as far as possible: {printable(feed.fault)}")
        return warned or bool(feed.fault)

    def _new(self, feed: Feed, message: Message, told: Sequence[str]) -> tuple[list[Document | Malformed], str]:
        """The entries that were not told before, and the cursor after them."""
        versions, items, keys = known(told), list[Document | Malformed](), set[str]()
        for entry in entries_of(feed, public(self._address), self.name, self._limit):
            before = versions.pop(entry.key, None)
            versions[entry.key] = entry.version
            keys.add(entry.key)
            if before != entry.version:
                items.append(_as_told(entry, before))
        remembered = kept([key + version for key, version in versions.items()], len(keys))
        return items, msgspec.structs.replace(Seen.read(message.cursor), told=remembered).write()


def _as_told(entry: Entry, before: str | None) -> Document | Malformed:
    return entry.item if before is None else entry.edited().item
