"""Whether the broker's backlog is over a limit."""

import threading
import time
from collections.abc import Callable

from headrace.log import logger
from headrace.ports import Backlog

LOW = 0.9  # of the limit: the backlog counts as over it until it has fallen to this part
LOOK_SECONDS = 1.0  # between two looks at the backlog, at least
HASTE_SECONDS = 0.01  # the same, if what was published since may have passed the limit
SHARE = 0.1  # of the time that may be spent on asking for it, unless there is haste

LOG = logger("headrace.ingest")


class Watermark:
    """Whether a number of bodies is over a limit: from when it passes the limit until it has fallen to nine tenths of it."""

    def __init__(self, limit: int) -> None:
        self.limit, self.over = limit, False

    def see(self, bodies: int | None) -> bool:
        """Take the number as it is now; whether it is over the limit. None, for one that is not known, is not."""
        self.over = bodies is not None and bodies > self.limit * (LOW if self.over else 1)
        return self.over


class BacklogGauge:
    """Whether the broker's backlog is over a limit. Safe to use from several threads: what one of them has asked for is shared.

    The backlog is what is ready: bodies that no worker has taken. It is asked for once in so many `seconds` at most, and more rarely if
    asking takes long; sooner only when what was published here since may have passed the limit.
    """

    def __init__(
        self, limit: int, *, seconds: float = LOOK_SECONDS, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.seconds = seconds
        self._mark, self._clock = Watermark(limit), clock
        self._asking = threading.Lock()
        self._counting = threading.Lock()
        self._bodies = 0  # at the last look, and those that were published here since
        self._due, self._due_in_haste = float("-inf"), float("-inf")
        self._is_told = True

    @property
    def limit(self) -> int:
        """The limit, in bodies."""
        return self._mark.limit

    @property
    def bodies(self) -> int:
        """About how many bodies are ready."""
        return self._bodies

    def add(self, bodies: int) -> None:
        """Note that so many were published here."""
        with self._counting:
            self._bodies += bodies

    def is_over(self, ask: Callable[[], Backlog]) -> bool:
        """Whether the backlog is over the limit. Calls `ask` if it is time to, and raises what that raises; then nothing has changed."""
        if self._is_due() and self._asking.acquire(blocking=False):
            try:
                self._look(ask)
            finally:
                self._asking.release()
        return self._mark.over

    def _is_due(self) -> bool:
        now = self._clock()
        may_be_over = not self._mark.over and self._bodies > self.limit
        return now >= self._due or (may_be_over and now >= self._due_in_haste)

    def _look(self, ask: Callable[[], Backlog]) -> None:
        began = self._clock()
        ready = ask().ready
        now = self._clock()
        with self._counting:
            self._bodies = ready or 0
        self._mark.see(ready)
        self._due = now + max(self.seconds, (now - began) / SHARE)
        self._due_in_haste = now + max(HASTE_SECONDS, now - began)
        if ready is None and self._is_told:
            self._is_told = False
            LOG.warning("the broker does not tell how many bodies are ready, so backlog_limit has no effect")
