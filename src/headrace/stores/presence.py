"""Which workers a store remembers: the rule of every store, and a memory for those that keep nothing elsewhere."""

import threading
from dataclasses import replace

from headrace.clock import microseconds
from headrace.ports import WorkerStatus


def forgotten_before(now: int, before: int | None, seconds: float) -> int:
    """When a worker reports, those that were last seen before this time are forgotten: `seconds` before its previous one.

    `now` is when it reports, `before` when it did so the time before, if it did; all by the clock of the store. If the clock is set
    forward, or the store comes back after a long time, the other workers have reported again before they are judged.
    """
    return 0 if before is None else min(now, before) - int(seconds * 1_000_000)


class RememberedWorkers:
    """The workers that report in this process. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._workers: dict[str, WorkerStatus] = {}

    def beat(self, worker: WorkerStatus, forget: float) -> None:
        """See `ports.Presence.beat`."""
        with self._lock:
            now, before = microseconds(), self._workers.get(worker.name)
            oldest = forgotten_before(now, before.seen_at if before else None, forget)
            known = {name: replace(one, seen_at=min(one.seen_at, now)) for name, one in self._workers.items()}
            known[worker.name] = replace(worker, seen_at=now)
            self._workers = {name: one for name, one in known.items() if one.seen_at >= oldest}

    def listed(self, *, stopped: bool) -> list[WorkerStatus]:
        """See `ports.Presence.workers`."""
        workers = self._workers
        return [one for _, one in sorted(workers.items()) if stopped or one.state != "stopped"]

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._workers = {}
