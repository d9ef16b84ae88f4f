"""A Mastodon server's public posts, by its streaming API: the adapter of `mastodon:`."""

import logging
import re
import threading
from collections.abc import Callable, Iterator
from typing import Self

from headrace.documents import DOCUMENT_BYTES
from headrace.errors import HeadraceError, Misconfigured
from headrace.masking import forms, hide
from headrace.ports import Batch
from headrace.sources import http_client
from headrace.sources.events import ACCEPTED
from headrace.sources.mastodon.connection import MastodonConnection
from headrace.sources.mastodon.posts import Posts
from headrace.sources.mastodon.reading import Reading
from headrace.sources.mastodon.server import Server, Timeline
from headrace.sources.platform_url import PlatformUrl
from headrace.sources.positions import Position, begun_anew
from headrace.sources.stream import follow

LIKE = "mastodon://mastodon.social, or mastodon://mastodon.social/hashtag/NAME"
TOKEN = "HEADRACE_MASTODON_TOKEN"
LOG = logging.getLogger("headrace.sources")
QUIET_SECONDS = 300.0  #: without a post after which it is told that none comes, and why, as far as the server says


class MastodonSource:
    """The posts of a server's timeline, their edits and deletions.

    `address` is `https://host`, `path` the timeline, `token` that of a user of the server. After a break it reads what was missed; what is
    too much is told as a gap. `renewed` gives the token again at each connection, as it may have been replaced; if it fails, the one before
    stands. `quiet`: seconds without a post after which that is told.
    """

    endless = True
    pausable = False  # edits and deletions are told once, and posts are paged back only so far

    def __init__(
        self,
        address: str,
        path: str,
        token: str,
        *,
        renewed: Callable[[], str] | None = None,
        limit: int = DOCUMENT_BYTES,
        quiet: float = QUIET_SECONDS,
    ) -> None:
        self._address, self._timeline, self._token = address, Timeline.read(path), token
        self._renewed, self._secrets = renewed, forms(token)
        self._limit, self._quiet = limit, quiet
        self._closed = threading.Event()

    @classmethod
    def from_url(cls, url: str, *, limit: int = DOCUMENT_BYTES, token: Callable[[], str] = str) -> Self:
        """The public posts of `mastodon://host`, which may be followed by `/public/local`, `/public/remote` or `/hashtag/NAME`; without TLS
        if its option `tls` is `no`. `token` reads the token, now and at each connection. Raises Misconfigured for any other URL, and
        without a token."""
        parts = PlatformUrl.read(url, (), LIKE)
        if not parts.address:
            raise Misconfigured(f"a mastodon: URL names a server, as there is no server of all; write {LIKE}")
        Timeline.read(parts.path)
        first = token()
        if not first:
            raise Misconfigured(
                f"{parts.address} streams to its users only: set {TOKEN}, or {TOKEN}_FILE to the path of a file that has it. You"
                f" get one at {parts.address}/settings/applications (Preferences, Development, New application) with the scope"
                ' read:statuses, as "Your access token"'
            )
        _check(first)
        return cls(parts.address, parts.path, first, renewed=token, limit=limit)

    @property
    def name(self) -> str:
        """`mastodon://`, the host and the timeline."""
        return f"mastodon://{self._host}/{self._timeline.path}"

    @property
    def _host(self) -> str:
        return self._address.partition("://")[2]

    def read(self, after: str | None = None) -> Iterator[Batch]:
        yield from begun_anew(after, self.name)
        authorization = {"Authorization": f"Bearer {self._token}"}
        with (
            http_client.client(authorization) as asking,
            http_client.client({**ACCEPTED, **authorization}) as streaming,
        ):
            server = Server(asking, self._address, self._timeline)
            reading = Reading(Position.read(after), Posts(self._host, self._limit), server, self._quiet)

            def connect(_cursor: str) -> MastodonConnection:
                asking.headers["Authorization"] = streaming.headers["Authorization"] = f"Bearer {self._token_now()}"
                return MastodonConnection(server, streaming, reading.position.id)

            told = ""
            try:
                for part in follow(connect, "", self._closed, name=self.name, silent=float("inf"), ticks=True):
                    if part.connected:
                        reading.connected()
                    if reading.begins(part.messages):  # is kept before any post is told
                        yield Batch((), reading.position.write())
                    items = reading.take(part.messages)
                    waiting = part.waiting or reading.why_nothing_comes()
                    if part.messages or waiting != told:
                        told = waiting
                        yield Batch(items, reading.position.write(), waiting=hide(waiting, self._secrets))
            except Misconfigured as error:
                raise Misconfigured(hide(str(error), self._secrets)) from None

    def close(self) -> None:
        self._closed.set()

    def _token_now(self) -> str:
        """The token, which may have been replaced since the last connection."""
        try:
            renewed = self._renewed() if self._renewed else self._token
            _check(renewed)
        except HeadraceError as error:
            LOG.warning(f"{self.name}: {error}; the token from before stands")
            return self._token
        if renewed != self._token:
            self._token, self._secrets = renewed, self._secrets | forms(renewed)
            LOG.info(f"{self.name}: the token has been replaced")
        return renewed


def _check(token: str) -> None:
    """Raises Misconfigured for what is not a token."""
    if not re.fullmatch(r"[!-~]+", token):
        raise Misconfigured(f"the token in {TOKEN} has characters that no token has; copy it again")
