"""X's filtered stream, as it comes: what `twitter:` without a path means."""

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Self

from headrace.documents import DOCUMENT_BYTES
from headrace.errors import HeadraceError, Misconfigured
from headrace.masking import forms, hide
from headrace.ports import Batch
from headrace.sources.back_off import Kind, Pause
from headrace.sources.platform_url import PlatformUrl
from headrace.sources.positions import begun_anew
from headrace.sources.stream import follow
from headrace.sources.twitter.backfill import SETTLE_SECONDS, Backfill
from headrace.sources.twitter.connection import StreamConnection
from headrace.sources.twitter.progress import Progress, Saved
from headrace.sources.twitter.reading import Reading
from headrace.sources.x_api.api import HOST, KEEP_ALIVE_SECONDS, LIKE, Api, address_of, check_token

LOG = logging.getLogger("headrace.sources")
#: X's own rules: at once, then by what is wrong. Once it has refused, it is asked rarely.
PAUSES: Mapping[Kind, Pause] = {
    Kind.ENDED: Pause(0.0, 320.0, step=5.0),
    Kind.NETWORK: Pause(0.0, 16.0, factor=1.0, step=0.25),
    Kind.SERVER: Pause(5.0, 320.0),
    Kind.LIMITED: Pause(60.0, 3600.0),
    Kind.REFUSED: Pause(300.0, 3600.0),
}
#: What documents are made of. The original of a retweet is asked for, since its text is the whole one.
_FIELDS = "author_id,created_at,edit_history_tweet_ids,entities,lang,note_tweet,referenced_tweets"


@dataclass(frozen=True)
class Timing:
    """Seconds after which an open stream is dead if nothing comes, and between a reconnection and the search for what was missed; and how
    long to wait before connecting again."""

    keep_alive: float = KEEP_ALIVE_SECONDS
    settle: float = SETTLE_SECONDS
    pauses: Mapping[Kind, Pause] = field(default_factory=lambda: PAUSES)


USUAL = Timing()


class FilteredStream:
    """The posts that match the rules of an app. After a break, what came meanwhile is searched for, if `fill`; else a gap is told.

    `address` is that of the API, `token` the bearer token of the app. `users`: ask for the names of authors, which X charges for. `budget`:
    how many posts may be read in a calendar month (UTC), None for any number. `renewed` gives the token again at each connection, as it may
    have been replaced; if it fails, the one before stands. Raises Misconfigured without a token.
    """

    endless = True
    pausable = False  # X ends a connection that is not read, and a search for what was missed is charged

    def __init__(
        self,
        address: str = HOST,
        token: str = "",
        *,
        renewed: Callable[[], str] | None = None,
        users: bool = False,
        fill: bool = True,
        budget: int | None = None,
        limit: int = DOCUMENT_BYTES,
        timing: Timing = USUAL,
    ) -> None:
        check_token(token)
        self._address, self._token, self._fill, self._budget = address, token, fill, budget
        self._limit, self._timing, self._renewed = limit, timing, renewed
        self._parameters = {
            "tweet.fields": _FIELDS,
            "expansions": "referenced_tweets.id" + (",author_id" if users else ""),
            **({"user.fields": "username"} if users else {}),
        }
        self._closed = threading.Event()

    @classmethod
    def from_url(
        cls,
        url: str,
        *,
        limit: int = DOCUMENT_BYTES,
        token: Callable[[], str] = str,
        budget: int | None = None,
    ) -> Self:
        """The stream of `twitter:`, or of another host by `twitter://127.0.0.1:8080?tls=no`; its options are `users` and `fill`. `token`
        reads the token, now and at each connection. Raises Misconfigured for any other URL, and without a token."""
        parts = PlatformUrl.read(url, ("fill", "users"), LIKE)
        users, fill = parts.switch("users", default=False), parts.switch("fill", default=True)
        return cls(address_of(parts), token(), renewed=token, users=users, fill=fill, budget=budget, limit=limit)

    @property
    def name(self) -> str:
        """`twitter:`, or `twitter://` and the host if it is not X's."""
        return "twitter:" if self._address == HOST else f"twitter://{self._address.partition('://')[2]}"

    def read(self, after: str | None = None) -> Iterator[Batch]:
        yield from begun_anew(after, self.name, Saved)
        with Api(self._address, self._token, keep_alive=self._timing.keep_alive) as api:
            progress = Progress(after, self._budget)

            def left() -> int | None:
                return progress.budget.left(api.time.now())

            backfill = (
                Backfill(
                    api, self._parameters, left, name=self.name, pauses=self._timing.pauses, settle=self._timing.settle
                )
                if self._fill
                else None
            )

            def connect(cursor: str) -> StreamConnection:
                self._renew(api)
                return reading.connect(cursor)

            reading = Reading(api, self._parameters, progress, backfill, name=self.name, limit=self._limit)
            try:
                for part in follow(
                    connect,
                    "",
                    self._closed,
                    name=self.name,
                    pauses=self._timing.pauses,
                    silent=float("inf"),
                    ticks=True,
                ):
                    yield from reading.batches(part)
            except Misconfigured as error:
                raise Misconfigured(hide(str(error), forms(self._token))) from None

    def close(self) -> None:
        self._closed.set()

    def _renew(self, api: Api) -> None:
        """Take the token as it is now, if it can be read."""
        if self._renewed is not None:
            try:
                api.use(self._renewed())
            except HeadraceError as error:
                LOG.warning(f"{self.name}: {error}; the token from before stands")
