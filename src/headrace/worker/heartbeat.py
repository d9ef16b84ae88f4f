"""A worker's heartbeat: it tells the store that the worker is alive, and what it has counted so far."""

import os
import platform
import time
from collections.abc import Callable, Mapping
from dataclasses import replace

from headrace import metrics
from headrace.documents import microseconds
from headrace.errors import Unavailable
from headrace.meter import Meter
from headrace.ports import Presence, WorkerStatus
from headrace.worker.measuring import progress

BEAT_SECONDS = 2.0  #: between two heartbeats of a worker whose state does not change
#: A worker with little to do changes between these states with every document; each heartbeat would cost a write as durable as a result's.
AT_WORK = frozenset({"ready", "working"})
#: What may be unavailable, and the state of a worker that waits for it.
WAITING: Mapping[str, str] = {
    "broker": "waiting for the broker",
    "store": "waiting for the store",
    "model": "waiting for a model",
    "results": "waiting for the broker of results",
}


class Heartbeat:
    """Tells the store every BEAT_SECONDS that the worker is alive, and at once when it begins or ceases to be at work.

    `meter` holds all that the worker counts; each heartbeat carries a snapshot of it. `on_status` is called with every status, even if
    the store can't be reached; times in it are by the clock of this host.
    """

    def __init__(
        self,
        store: Presence,
        on_status: Callable[[WorkerStatus], None] = lambda _status: None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store, self._on_status, self._clock = store, on_status, clock
        self._name = f"{platform.node()}:{os.getpid()}"
        self._began, self._began_at = clock(), microseconds()
        # By the clock of the store, once that can be asked. It tells this run from others of the same name, so it never changes.
        self._started_at: int | None = None
        self._beat_at = float("-inf")
        self._state = ""
        self.models: list[str] = []
        self.left_out: list[str] = []  # shadows that failed
        self.meter = Meter(metrics.OF_WORKERS)

    def beat(self, state: str) -> None:
        """Say that the worker is in this state. If the store can't be reached, the next call says it again."""
        now = self._clock()
        unchanged = state == self._state or {state, self._state} == AT_WORK
        if unchanged and now - self._beat_at < BEAT_SECONDS:
            return
        self._state, self._beat_at = state, now
        counts = {**progress(self.meter), **({"shadows_left_out": len(self.left_out)} if self.left_out else {})}
        snapshot = self.meter.snapshot()
        status = WorkerStatus(self._name, self._began_at, microseconds(), state, tuple(self.models), counts, snapshot)
        self._on_status(status)
        try:
            if self._started_at is None:
                self._started_at = self._store.time() - int((self._clock() - self._began) * 1_000_000)
            self._store.beat(replace(status, started_at=self._started_at))
        except Unavailable:
            self._beat_at = float("-inf")
