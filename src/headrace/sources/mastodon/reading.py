"""How far a timeline was read, and why nothing comes if nothing does."""

import time
from collections.abc import Sequence

from headrace.clock import microseconds
from headrace.ports import Gap, Item
from headrace.sources.mastodon.connection import BEGIN, GAP
from headrace.sources.mastodon.posts import Posts
from headrace.sources.mastodon.server import Server
from headrace.sources.positions import Position
from headrace.sources.stream import Message


class Reading:
    """Takes the messages of a timeline after a position. `quiet`: seconds without a post after which it is told that none comes."""

    def __init__(self, position: Position, posts: Posts, server: Server, quiet: float) -> None:
        self._at, self._posts, self._server, self._quiet = position.at, posts, server, quiet
        self._posts.last = position.id
        # when a post came last, or the first connection was made, by the monotonic clock
        self._since: float | None = None
        self._deletions = False  # have come since

    @property
    def position(self) -> Position:
        """After the last post that was taken."""
        return Position(self._posts.last, self._at)

    def connected(self) -> None:
        """Note that there is a connection."""
        self._since = self._since or time.monotonic()

    def begins(self, messages: Sequence[Message]) -> bool:
        """Whether these are the first messages of a timeline that is read from now on; the position is there then."""
        if not messages or messages[0].event != BEGIN:
            return False
        self._posts.last = messages[0].data.decode()
        return True

    def take(self, messages: Sequence[Message]) -> list[Item]:
        """The items of messages."""
        items: list[Item] = []
        for message in messages:
            if message.event == GAP:
                items.append(Gap(message.data.decode()))
            elif message.event != BEGIN:
                items += self._posts.items(message)
                self._note(message.event)
        return items

    def why_nothing_comes(self) -> str:
        """That no post has come for long, and why, as far as the server says; empty if posts come, or there was no connection yet."""
        if self._since is None:
            return ""
        if time.monotonic() - self._since < self._quiet and not self._server.closed:
            return ""
        but = ", only deletions" if self._deletions else ""
        told = "no post comes" if self._server.closed else f"no post has come for {self._quiet:,.0f} s{but}"
        return "; ".join(filter(None, (told, self._server.limits)))

    def _note(self, event: str) -> None:
        if event in ("update", "status.update"):
            self._at, self._since, self._deletions = microseconds(), time.monotonic(), False
        elif event == "delete":
            self._deletions = True
