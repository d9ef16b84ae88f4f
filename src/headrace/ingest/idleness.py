"""Closing a source in time: when the stop is requested, or once nothing has come from it for long enough."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from headrace.ports import Source
from headrace.runtime import Stop

WATCH_SECONDS = 0.1  # between two looks


class Idleness:
    """Since when nothing has come from a source, which counts as idle after `until_idle` seconds; never, if that is None."""

    def __init__(self, until_idle: float | None, stop: Stop) -> None:
        self._until_idle, self._stop = until_idle, stop
        self._since = float("inf")  # monotonic

    def begin(self) -> None:
        """Nothing has come from now on."""
        self._since = time.monotonic()

    def suspend(self) -> None:
        """The source is not idle until the next `begin`."""
        self._since = float("inf")

    @contextmanager
    def interrupted(self) -> Iterator[None]:
        """Within the block, the source is not idle: something of it is being taken. Afterwards nothing has come since it was before."""
        before, self._since = self._since, float("inf")
        yield
        self._since = before

    @contextmanager
    def closing(self, source: Source, *, may_be_idle: bool) -> Iterator[None]:
        """Within the block, close the source as soon as the stop is requested or, if it may be idle, once it is."""
        done = threading.Event()

        def watch() -> None:
            while not done.is_set():
                idle = may_be_idle and self._until_idle and time.monotonic() - self._since > self._until_idle
                if idle or self._stop.wait(WATCH_SECONDS):
                    source.close()
                    return

        threading.Thread(target=watch, name="ingest watch", daemon=True).start()
        try:
            yield
        finally:
            done.set()
