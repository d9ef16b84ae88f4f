"""What all workers together have counted, from the snapshots of their heartbeats."""

from collections.abc import Sequence

from headrace import metrics
from headrace.meter import Meter
from headrace.ports import WorkerStatus

#: How many workers' last statuses are remembered, those of workers that have gone included; the oldest are dropped first.
REMEMBERED = 10_000
#: A status that is older by less than this arrives late. One that is older by more comes from a clock that was set back, and is new.
LATE_SECONDS = 60


class WorkerTotals:
    """Adds up what workers count. `meter` has the sums, which only grow, whatever workers come, go and come back.

    A worker that started again is a new one: it counts from zero, and what it had counted before stays in the sums. With `from_now`, what
    workers had counted before the first call of `take` is left out: like every counter of the process, the sums begin with the process.
    """

    def __init__(self, *, from_now: bool = False) -> None:
        self.meter = Meter()
        self._left_out = from_now
        self._last: dict[tuple[str, int], WorkerStatus] = {}

    def take(self, workers: Sequence[WorkerStatus]) -> None:
        """Add what these workers have counted since they were last taken; those that are not among them stay as they were.

        A status that is older than the one taken last (of two that were asked for at once) adds nothing.
        """
        for worker in workers:
            identity = worker.name, worker.started_at
            last = self._last.pop(identity, None)
            if last is not None and 0 < last.seen_at - worker.seen_at < LATE_SECONDS * 1_000_000:
                self._last[identity] = last
                continue
            before = last.metrics if last else worker.metrics if self._left_out else b""
            self.meter.merge(worker.metrics, before)
            self._last[identity] = worker
        self._left_out = False
        for identity in list(self._last)[:-REMEMBERED]:
            del self._last[identity]


def show_states(meter: Meter, workers: Sequence[WorkerStatus]) -> None:
    """Set the gauges that tell the workers apart: when each was last heard of, and what it has done. Those that have stopped have none."""
    meter.clear(metrics.PROGRESS)
    meter.clear(metrics.SEEN)
    for worker in workers:
        if worker.state != "stopped":
            meter.set(metrics.SEEN, worker.seen_at / 1e6, worker.name, worker.state)
            for what, number in worker.counts.items():
                meter.set(metrics.PROGRESS, number, worker.name, what)
