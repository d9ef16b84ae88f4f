"""A connection to a Mastodon server: first what was missed, page by page, then what is streamed."""

from collections.abc import Iterator, Sequence

import httpx

from headrace.sources.back_off import Broken, Kind
from headrace.sources.events import SseConnection
from headrace.sources.mastodon.posts import id_in, later
from headrace.sources.mastodon.server import PAGE, Server
from headrace.sources.stream import Message

PAGES = 250  #: pages that are read after a break, at most: what one connection may ask without being told to wait
#: Posts of a page; two pages in a row with fewer are the end, where each page has what was written meanwhile.
SHORT = PAGE // 2
#: Statuses with which a server answers to an unknown token, or to one with too little scope.
DENIED: Sequence[int] = (401, 403, 422)
# Events of our own. An event of a server has no line end in its name.
BEGIN = "\nbegin"  #: the id of the newest post as the stream begins
GAP = "\ngap"  #: why posts are missing


class MastodonConnection:
    """Posts after the one with the id `last`, or from now on if it is empty. Raises Broken, or Misconfigured.

    The stream is opened before the pages are asked for, so that nothing falls between.
    """

    def __init__(self, server: Server, streaming: httpx.Client, last: str, *, pages: int = PAGES) -> None:
        self._server, self._pages = server, pages
        try:
            server.look()
            self._first = "" if last else server.newest()
            self._last = last or self._first
            self._stream = SseConnection(streaming, f"{server.streaming}{server.timeline.streaming}")
        except Broken as broken:
            if broken.kind is Kind.REFUSED and any(f" {status} " in str(broken) for status in DENIED):
                hint = "is the token in HEADRACE_MASTODON_TOKEN one of this server, with the scope read:statuses?"
                raise Broken(Kind.REFUSED, f"{broken}; {hint}", broken.retry_after) from broken
            raise

    def __iter__(self) -> Iterator[Message]:
        try:
            if self._first:
                yield Message(self._first.encode(), event=BEGIN)
            yield from self._missed()
            for message in self._stream:
                if "\n" not in message.event:
                    yield message
        finally:
            self._stream.end()

    def close(self) -> None:
        self._stream.close()

    def _missed(self) -> Iterator[Message]:
        """What was written since the last post, in order. Raises Broken if the server asks to wait."""
        last, rest, short = self._last, 0.0, 0
        for _ in range(self._pages if last else 0):
            if rest:
                reason = "reading what was missed, the server allows no more requests for now"
                raise Broken(Kind.LIMITED, reason, rest)
            posts, rest = self._server.page(last)
            short, before = short + 1 if len(posts) < SHORT else 0, last
            for post in posts:
                last = later(last, id_in(post))
                yield Message(post, event="update")
            if posts and last == before:
                told = f"no post of a page has an id: what was written after post {last} up to now cannot be asked for"
                yield Message(told.encode(), event=GAP)
            if last == before or short == 2:
                return
        if last:
            told = f"more than {self._pages * PAGE:,} posts were missed: what was written after post {last}, up to now, is missing"
            yield Message(told.encode(), event=GAP)
