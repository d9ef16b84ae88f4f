"""The changes of Wikimedia's wikis, by EventStreams: the adapter of `wikimedia:`."""

import re
import threading
from collections.abc import Iterator, Sequence
from typing import Self

from headrace.documents import DOCUMENT_BYTES
from headrace.errors import Misconfigured
from headrace.ports import Batch
from headrace.sources import http_client
from headrace.sources.events import ACCEPTED, SseConnection
from headrace.sources.platform_url import PlatformUrl, parts_of
from headrace.sources.positions import Position, begun_anew
from headrace.sources.stream import follow
from headrace.sources.wikimedia.changes import ALL, TYPES, USUAL, Wanted
from headrace.sources.wikimedia.extracts import AN_HOUR, Extracts
from headrace.sources.wikimedia.window import Window

HOST = "https://stream.wikimedia.org"
PATH = "/v2/stream/recentchange"
LIKE = "wikimedia:enwiki,svwiki, or wikimedia: for all wikis"
OPTIONS: Sequence[str] = ("api", "bots", "contact", "extracts", "hourly", "namespaces", "types")
ABOUT = "https://pypi.org/project/headrace/"  #: who asks, unless the user says how to be reached


class WikimediaSource:
    """The changes that are wanted of wikis. It goes on after the last event as long as the platform remembers it; else a gap is told.

    `address` is that of the host; `api` is the address of the API of all wikis, each has its own if it is empty; `hourly` are the requests
    for extracts in an hour, 0 for none. `contact` is how the platform reaches the user.
    """

    endless = True
    pausable = True

    def __init__(
        self,
        wanted: Wanted = USUAL,
        *,
        address: str = HOST,
        api: str = "",
        hourly: int = AN_HOUR,
        contact: str = ABOUT,
        limit: int = DOCUMENT_BYTES,
    ) -> None:
        self._wanted, self._address, self._api, self._hourly = wanted, address, api, hourly
        self._contact, self._limit = contact, limit
        self._closed = threading.Event()

    @classmethod
    def from_url(cls, url: str, *, limit: int = DOCUMENT_BYTES) -> Self:
        """The wikis of `wikimedia:enwiki,svwiki`; all of `wikimedia:`; those of another host by `wikimedia://127.0.0.1:9000/enwiki?tls=no`.
        Raises Misconfigured for what is no wiki, and for unknown options."""
        parts = PlatformUrl.read(url, OPTIONS, LIKE)
        wikis = parts_of(parts.path)
        wrong = next((one for one in wikis if not re.fullmatch(r"[a-z][a-z0-9_-]*", one)), "")
        if wrong:
            raise Misconfigured(
                f"{wrong!r} is not the name of a wiki; write {LIKE}, with names of databases, not of hosts"
            )
        types = parts.several("types", TYPES)
        if not types or not set(types) <= set(TYPES):
            raise Misconfigured(
                f"the option types of wikimedia: is {','.join(types)!r}; write one or both of {','.join(TYPES)}"
            )
        namespaces = parts.several("namespaces", ["0"])
        if namespaces != (ALL,) and not (namespaces and all(re.fullmatch(r"-?\d{1,5}", one) for one in namespaces)):
            raise Misconfigured(
                f"the option namespaces of wikimedia: is {','.join(namespaces)!r}; write numbers, such as 0,1, or {ALL}"
            )
        numbers = frozenset(namespaces) - {ALL}
        wanted = Wanted(frozenset(wikis), frozenset(types), numbers, parts.switch("bots", default=False))
        api, contact = parts.options.get("api", ""), parts.options.get("contact", "")
        if api and not re.match(r"https?://[^/?#]", api):
            raise Misconfigured(f"the option api of wikimedia: is {api!r}; write https://host/w/api.php")
        if not re.fullmatch(r"[!-~]*", contact):
            raise Misconfigured("the option contact of wikimedia: is not an address; write an e-mail's or a page's")
        return cls(
            wanted,
            address=parts.address or HOST,
            api=api,
            hourly=_hourly(parts),
            contact=contact or ABOUT,
            limit=limit,
        )

    @property
    def name(self) -> str:
        """`wikimedia:`, the host if it is not Wikimedia's, the wikis, and which of their changes are read."""
        wanted = self._wanted
        host = "" if self._address == HOST else f"//{self._address.partition('://')[2]}/"
        differing = {
            "bots": "yes" if wanted.bots else "",
            "namespaces": "" if wanted.namespaces == {"0"} else ",".join(sorted(wanted.namespaces)) or ALL,
            "types": "" if wanted.types == set(TYPES) else ",".join(sorted(wanted.types)),
        }
        options = "&".join(f"{name}={value}" for name, value in differing.items() if value)
        return f"wikimedia:{host}{','.join(sorted(wanted.wikis))}" + (f"?{options}" if options else "")

    def read(self, after: str | None = None) -> Iterator[Batch]:
        yield from begun_anew(after, self.name)
        agent = f"{http_client.USER_AGENT} ({self._contact})"
        with (
            http_client.client({**ACCEPTED, "User-Agent": agent}) as streaming,
            http_client.client({"User-Agent": agent}) as asking,
        ):
            extracts = Extracts(asking, api=self._api, hourly=self._hourly)
            window = Window(self.name, self._wanted, extracts, Position.read(after), self._limit)

            def connect(last: str) -> SseConnection:
                return SseConnection(streaming, f"{self._address}{PATH}", last)

            for part in follow(connect, window.position.id, self._closed, name=self.name, ticks=True):
                window.take(part)
                if window.is_due():
                    yield window.batch()
                if part.waiting:
                    yield window.batch(part.waiting)

    def close(self) -> None:
        self._closed.set()


def _hourly(parts: PlatformUrl) -> int:
    """The requests for extracts that may be sent in an hour."""
    given = parts.options.get("hourly", str(AN_HOUR))
    if not re.fullmatch(r"\d{1,7}", given, re.ASCII) or int(given) == 0:
        raise Misconfigured(
            f"the option hourly of wikimedia: is {given!r}; write a number of requests, or extracts=no for none"
        )
    return int(given) if parts.switch("extracts", default=True) else 0
