"""The limit of the broker's backlog, beyond which requests to publish are refused."""

import asyncio
import math
from collections.abc import Awaitable, Callable

from headrace.errors import HeadraceError
from headrace.ingest.backlog import LOOK_SECONDS, SHARE, Watermark
from headrace.ports import Backlog
from headrace.web.responses import Refused

STALE_SECONDS = 2.0  #: what was seen longer ago says nothing about a request: it waits for a look
PATIENCE_SECONDS = 0.5  #: how long it waits; then it is let in


class BacklogLimit:
    """Refuses requests to publish while more than `limit` bodies are ready in the broker; 0 is no limit. For one event loop.

    All requests share one look at the backlog a second, or fewer if looking takes long, and nobody waits for it but those who come after a
    time without requests. If the broker can't be asked, requests are let in: publishing says what is wrong.
    """

    def __init__(
        self, limit: int, ask: Callable[[], Awaitable[Backlog]], *, clock: Callable[[], float] | None = None
    ) -> None:
        self._mark, self._ask = Watermark(limit), ask
        self._clock = clock or (lambda: asyncio.get_running_loop().time())
        self._bodies = 0
        self._seen_at = self._due = -math.inf
        self._looking: asyncio.Task[None] | None = None

    async def check(self) -> None:
        """Raises Refused (429) while the backlog is over the limit."""
        if not self._mark.limit:
            return
        now = self._clock()
        if self._looking is None and now >= self._due:
            self._looking = asyncio.create_task(self._look(now))
        if self._looking is not None and now - self._seen_at >= STALE_SECONDS:
            await asyncio.wait([self._looking], timeout=PATIENCE_SECONDS)
        if self._mark.over:
            raise Refused(
                429,
                f"the backlog is {self._bodies:,} bodies, and the limit is {self._mark.limit:,}; try again when the workers have caught up",
                again=True,
            )

    async def _look(self, began: float) -> None:
        ready: int | None = None
        try:
            ready = (await self._ask()).ready
        except HeadraceError:
            ready = None  # publishing meets the same error, and answers with it
        finally:
            self._bodies = ready or 0
            self._mark.see(ready)
            self._seen_at = self._clock()
            self._due = self._seen_at + max(LOOK_SECONDS, (self._seen_at - began) / SHARE)
            self._looking = None
