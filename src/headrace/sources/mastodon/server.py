"""A Mastodon server: where it streams, which feeds it gives to whom, and pages of its timelines."""

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import reduce
from typing import Any
from urllib.parse import quote, urlsplit

import httpx

from headrace.documents import parse
from headrace.errors import Misconfigured, Rejected
from headrace.framing import values
from headrace.sources import http_client
from headrace.sources.back_off import Broken, Kind
from headrace.sources.mastodon.posts import id_in, later

PAGE = 40  #: posts of a page, at most
LONGEST_REST = 900.0  #: seconds to wait for more requests to be allowed, at most
PUBLIC = "public"
Feed = Sequence[str]  #: "local", "remote", or both


@dataclass(frozen=True)
class Timeline:
    """Which posts are read: where they are streamed, where pages of them are, and by which names the server says who may read them."""

    path: str
    streaming: str
    pages: str
    access: str
    feeds: Feed = ("local", "remote")

    @classmethod
    def read(cls, path: str) -> "Timeline":
        """The timeline of `public`, `public/local`, `public/remote` or `hashtag/NAME`; empty is `public`. Raises Misconfigured for any
        other."""
        first, _, rest = (path or PUBLIC).partition("/")
        if first == PUBLIC and rest in ("", "local", "remote"):
            streaming = f"/api/v1/streaming/{first}" + (f"/{rest}" if rest else "")
            pages = "/api/v1/timelines/public?" + (f"{rest}=true&" if rest else "")
            return cls(path or PUBLIC, streaming, pages, "live_feeds", (rest,) if rest else ("local", "remote"))
        if first == "hashtag" and re.fullmatch(r"[^\s/#?]+", rest):
            name = quote(rest, safe="")
            return cls(path, f"/api/v1/streaming/hashtag?tag={name}", f"/api/v1/timelines/tag/{name}?", "hashtag_feeds")
        raise Misconfigured(
            f"mastodon: has no timeline {path!r}; write /public, /public/local, /public/remote or /hashtag/NAME after the host"
        )


@dataclass
class Server:
    """Asks a server. `address` is `https://host`; `streaming` is where it streams, once `look` was called."""

    client: httpx.Client
    address: str
    timeline: Timeline
    streaming: str = ""
    access: Mapping[str, str] = field(
        default_factory=dict
    )  # who may read the feeds of the timeline, as far as the server says

    def look(self) -> None:
        """Ask where the server streams, and who may read what. A server that does not say streams itself. Raises Broken."""
        self.streaming, self.access = self.address, {}
        with http_client.telling():
            response = self.client.get(f"{self.address}/api/v2/instance")
        if response.status_code >= 400:
            if http_client.kind_of(response.status_code) is not Kind.REFUSED:
                http_client.check(response)
            return
        try:
            configuration = _members(parse(response.content), "configuration")
        except Rejected:
            return
        told = _members(configuration, "urls").get("streaming")
        with suppress(ValueError):
            host = urlsplit(told).netloc if isinstance(told, str) else ""
            # The token is sent there: never without TLS if the server itself has it.
            self.streaming = f"{self.address.partition('://')[0]}://{host}" if host else self.address
        feeds = _members(_members(configuration, "timelines_access"), self.timeline.access)
        self.access = {name: str(feeds[name]) for name in self.timeline.feeds if name in feeds}

    @property
    def closed(self) -> bool:
        """Whether the server says that nobody may read any of this timeline."""
        return bool(self.access) and set(self.access.values()) == {"disabled"}

    @property
    def limits(self) -> str:
        """What the server says about who may read the timeline, if not everybody may; else empty."""
        if not set(self.access.values()) - {PUBLIC}:
            return ""
        told = ", ".join(f"{name} {value}" for name, value in self.access.items())
        return f"the server says who may read its {self.timeline.access.replace('_', ' ')}: {told}"

    def newest(self) -> str:
        """The id of the newest post; empty if there is none. Raises Broken."""
        found, _ = self._page("limit=1")
        return reduce(later, map(id_in, found), "")

    def page(self, after: str) -> tuple[Sequence[bytes], float]:
        """Up to PAGE posts next after this one as JSON, in order, and the seconds to wait before the next page. Raises Broken."""
        found, response = self._page(f"min_id={quote(after, safe='')}&limit={PAGE}")
        return found[::-1], _rest(response) if response.headers.get("X-RateLimit-Remaining", "").strip() == "0" else 0.0

    def _page(self, query: str) -> tuple[list[bytes], httpx.Response]:
        with http_client.telling():
            response = self.client.get(f"{self.address}{self.timeline.pages}{query}")
        if response.status_code == 404 and self.timeline.access == "hashtag_feeds":
            return [], response  # nobody has used it yet
        if response.status_code == 429:
            seconds = http_client.retry_after(response.headers)
            reason = "the server answers 429: too many requests"
            raise Broken(Kind.LIMITED, reason, _rest(response) if seconds is None else seconds)
        http_client.check(response)
        found = list(values(response.content))  # one by one: one that is damaged does not touch the others
        if not response.content.lstrip().startswith(b"[") or any(value.fault for value in found):
            raise Broken(Kind.SERVER, "a page of the timeline is not a list of posts")
        return [value.data for value in found], response


def _rest(response: httpx.Response) -> float:
    """Seconds until the server allows more requests."""
    try:
        at = datetime.fromisoformat(response.headers.get("X-RateLimit-Reset", "").strip())
    except ValueError:
        return 60.0
    seconds = (at.replace(tzinfo=at.tzinfo or UTC) - datetime.now(UTC)).total_seconds()
    return min(max(seconds, 1.0), LONGEST_REST)


def _members(value: object, name: str) -> Mapping[str, Any]:
    """An object within another one; empty if there is none."""
    found = value.get(name) if isinstance(value, dict) else None
    return found if isinstance(found, dict) else {}
