"""The adapter of `hackernews:`."""

import threading
from collections.abc import Iterator
from typing import Self
from urllib.parse import parse_qsl

import msgspec

from headrace.documents import DOCUMENT_BYTES
from headrace.errors import Misconfigured
from headrace.ports import Batch, Gap, Item
from headrace.sources import http_client, saved_cursors
from headrace.sources.hackernews.connection import TRIES, Connection, Part
from headrace.sources.hackernews.items import TYPES, USUAL, Reading
from headrace.sources.hackernews.place import Place, Told
from headrace.sources.polling import seconds_in
from headrace.sources.positions import begun_anew
from headrace.sources.stream import follow, shown

ADDRESS = "https://hacker-news.firebaseio.com"
EVERY = 10.0  #: seconds from one round of requests to the next
_decode = msgspec.json.Decoder(Part).decode


class HackernewsSource:
    """New items of Hacker News in the order of their ids, from a cursor on without a gap; edits and deletions of those.

    `first`: the id to begin with, 0 to begin with what comes from now on; `types`: those that are read; `every`: seconds between two looks
    for what is new; `limit`: bytes of a document.
    """

    endless = True
    pausable = True

    def __init__(
        self,
        address: str = ADDRESS,
        *,
        types: frozenset[str] = USUAL,
        first: int = 0,
        every: float = EVERY,
        limit: int = DOCUMENT_BYTES,
    ) -> None:
        self._address, self._types, self._first, self._every, self._limit = address, types, first, every, limit
        self._closed = threading.Event()

    @classmethod
    def from_url(cls, url: str, *, limit: int = DOCUMENT_BYTES) -> Self:
        """`hackernews:`, or another server of the same API by `hackernews://host:port?tls=no`; `types=story,comment` and `from=ID` are
        options, and `#every=10` at the end are seconds.

        Raises Misconfigured for any other option, and for values that make no sense.
        """
        whole, every = seconds_in(url)
        base, _, query = whole.partition("?")
        options = dict(parse_qsl(query, keep_blank_values=True))
        types = frozenset(options.get("types", ",".join(USUAL)).split(","))
        first = options.get("from", "0")
        if stray := sorted(options.keys() - {"types", "from", "tls"}):
            raise Misconfigured(f"hackernews: has no option {stray[0]!r}; there are types, from and tls")
        if strange := sorted(types - TYPES):
            raise Misconfigured(f"items have no type {strange[0]!r}; there are {', '.join(sorted(TYPES))}")
        if not first.isdecimal() or len(first) > 15 or ("from" in options and int(first) == 0):
            raise Misconfigured(f"from={first} is not the id of an item; write from=1 for the first")
        address = ADDRESS
        if base.partition(":")[2]:
            plain = "?tls=no" if options.get("tls") == "no" else ""
            address = http_client.address(base + plain, "hackernews", plain="http", secure="https").rstrip("/")
        return cls(address, types=types, first=int(first), every=every or EVERY, limit=limit)

    @property
    def name(self) -> str:
        """`hackernews:`, and the address and the types if they are not the usual ones."""
        address = "" if self._address == ADDRESS else shown(self._address)
        return f"hackernews:{address}" + (f"?types={','.join(sorted(self._types))}" if self._types != USUAL else "")

    def read(self, after: str | None = None) -> Iterator[Batch]:
        restarted = saved_cursors.restarted(after, Place)
        place = Place.read(after) if after and not restarted else Place(last=self._first - 1)
        if restarted and self._first:
            yield Batch((), place.write(), restarted)
        elif restarted:
            yield from begun_anew(after, self.name, Place)
        reading = Reading(self.name, self._types, self._limit, told := Told(place.told))
        with http_client.client({"Accept": "application/json"}) as client:

            def connect(cursor: str) -> Connection:
                return Connection(client, f"{self._address}/v0", Place.read(cursor), self._every)

            for part in follow(connect, place.write(), self._closed, name=self.name, silent=float("inf")):
                for message in part.messages:
                    if self._closed.is_set():
                        return
                    items = self._items(_decode(message.data), reading)
                    place = msgspec.structs.replace(Place.read(message.cursor), told=told.write())
                    yield Batch(items, place.write())
                if part.waiting or part.connected:
                    yield Batch((), place.write(), waiting=part.waiting)

    def close(self) -> None:
        self._closed.set()

    def _items(self, part: Part, reading: Reading) -> list[Item]:
        items: list[Item] = []
        for item in part.items:
            items += reading.changed(item) if part.changed else reading.new(item)
        if part.missing:
            listed = ", ".join(map(str, part.missing))
            items.append(
                Gap(f"{self.name}: asked {TRIES} times, the server does not give out {listed}", len(part.missing))
            )
        return items
