"""The pace of publishing: so many documents a second, evenly."""

import threading
import time
from collections.abc import Iterator, Sequence
from typing import TypeVar

from headrace.runtime import Stop

SLICE_SECONDS = 0.1  # of documents that are published together

T = TypeVar("T")


class Pace:
    """Hands out items at a rate, a second; without one, at once. What was not used of a pause is not made up for."""

    def __init__(self, rate: float | None, stop: Stop) -> None:
        self._rate, self._stop = rate, stop
        self._next = time.monotonic()

    def slices(self, items: Sequence[T]) -> Iterator[Sequence[T]]:
        """The items in parts, each when its time has come, or at once if the stop is requested; nothing without items."""
        if self._rate is None:
            if items:
                yield items
            return
        size = max(1, int(self._rate * SLICE_SECONDS))
        for first in range(0, len(items), size):
            some = items[first : first + size]
            now = time.monotonic()
            self._stop.wait(min(max(0.0, self._next - now), threading.TIMEOUT_MAX))
            self._next = max(self._next, now) + len(some) / self._rate
            yield some
