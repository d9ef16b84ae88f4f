"""How a worker tells the store that it is there, and how far it is. Liveness means that the counts grow."""

import dataclasses
import os
import platform
import time
from dataclasses import dataclass

from headrace.documents import microseconds
from headrace.errors import Unavailable
from headrace.ports import Presence, WorkerStatus

BEAT_SECONDS = 2.0


@dataclass
class Progress:
    """What a worker has done since it started."""

    received: int = 0
    stored: int = 0
    buried: int = 0
    shadow_failures: int = 0
    predictor_deaths: int = 0


class Heartbeat:
    """Tells the store every few seconds, and at once when the state changes."""

    def __init__(self, store: Presence) -> None:
        self._store = store
        self._name = f"{platform.node()}:{os.getpid()}"
        self._started_at = microseconds()
        self._told_at = 0.0
        self._state = ""
        self.models: list[str] = []
        self.progress = Progress()

    def tell(self, state: str) -> None:
        """Say that the worker is in this state; a store that can't be reached hears it another time."""
        now = time.monotonic()
        if state == self._state and now - self._told_at < BEAT_SECONDS:
            return
        self._state, self._told_at = state, now
        counts = dataclasses.asdict(self.progress)
        try:
            self._store.beat(
                WorkerStatus(self._name, self._started_at, microseconds(), state, tuple(self.models), counts)
            )
        except Unavailable:
            self._told_at = 0.0
