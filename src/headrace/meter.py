"""What one process counts and times, and how that travels to another process.

Written here because the client library of Prometheus takes a worker 60 ms to import, and has no way to add up the figures of other
processes (docs/decisions/0011-metrics-of-workers.md).
"""

import threading
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import msgspec

from headrace.metrics import ALL, BY_NAME, LIMITS, OTHER, Metric


@dataclass(slots=True)
class Histogram:
    """How many values fell into each bucket, the last of which has no upper bound, and the sum of all values."""

    counts: list[int]
    sum: float = 0.0


class _Snapshot(msgspec.Struct, array_like=True):
    """Counters and histograms by name; with each histogram its bounds, so that a reader sees whether they are its own."""

    counters: dict[str, list[tuple[tuple[str, ...], float]]] = {}
    histograms: dict[str, tuple[tuple[float, ...], list[tuple[tuple[str, ...], list[int], float]]]] = {}


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Snapshot).decode


class Meter:
    """Counters, gauges and histograms of one process. Safe to use from several threads.

    A counter without labels that is `declared` starts at zero; everything else appears with its first value. Labels are given in the order
    in which the metric declares them; of those with a limit (`metrics.LIMITS`) the first values stand, and later ones are `other`.
    """

    def __init__(self, declared: Iterable[Metric] = ()) -> None:
        self._lock = threading.Lock()
        self._values: dict[str, dict[tuple[str, ...], float]] = {}
        self._histograms: dict[str, dict[tuple[str, ...], Histogram]] = {}
        self._admitted: dict[tuple[str, ...], set[str]] = {}
        for metric in declared:
            if metric.kind == "counter" and not metric.labels:
                self._values[metric.name] = {(): 0}

    def add(self, metric: Metric, amount: float = 1, *labels: str) -> None:
        """Count so many more."""
        with self._lock:
            series = self._values.setdefault(metric.name, {})
            if (known := series.get(labels)) is None:
                labels = self._bounded(metric, labels)
                known = series.get(labels, 0)
            series[labels] = known + amount

    def set(self, metric: Metric, value: float, *labels: str) -> None:
        """Give a gauge its value."""
        with self._lock:
            self._values.setdefault(metric.name, {})[labels] = value

    def clear(self, metric: Metric) -> None:
        """Forget all values of a gauge."""
        with self._lock:
            self._values.pop(metric.name, None)

    def observe(self, metric: Metric, value: float, *labels: str, times: int = 1) -> None:
        """Put a value into a histogram, so many times."""
        with self._lock:
            histogram = self._histogram(metric, labels)
            histogram.counts[bisect_left(metric.buckets, value)] += times
            histogram.sum += value * times

    def total(self, metric: Metric) -> int:
        """A counter's value, added up over all labels."""
        with self._lock:
            return int(sum(self._values.get(metric.name, {}).values()))

    def snapshot(self) -> bytes:
        """Counters and histograms as bytes, for `merge`."""
        with self._lock:
            counters = {
                name: list(series.items()) for name, series in self._values.items() if BY_NAME[name].kind == "counter"
            }
            histograms = {
                name: (BY_NAME[name].buckets, [(labels, one.counts, one.sum) for labels, one in series.items()])
                for name, series in self._histograms.items()
            }
            return _encode(_Snapshot(counters, histograms))

    def merge(self, snapshot: bytes, before: bytes = b"") -> None:
        """Add what a process has counted between two of its snapshots; all of it if `before` is empty.

        What another version of Headrace counts and this one does not know, is left out; so is a snapshot that cannot be read.
        """
        now, then = _read(snapshot), _read(before)
        for name, series in now.counters.items():
            metric, earlier = BY_NAME.get(name), dict(then.counters.get(name, ()))
            for labels, value in series:
                if metric is not None and metric.kind == "counter" and len(labels) == len(metric.labels):
                    self.add(metric, max(0, value - earlier.get(labels, 0)), *labels)
        for name, (bounds, rows) in now.histograms.items():
            metric = BY_NAME.get(name)
            if metric is None or metric.buckets != bounds:
                continue
            old = {labels: (counts, total) for labels, counts, total in then.histograms.get(name, (bounds, []))[1]}
            for labels, counts, total in rows:
                if len(labels) == len(metric.labels) and len(counts) == len(bounds) + 1:
                    self._add_histogram(metric, labels, counts, total, *old.get(labels, ([0] * len(counts), 0.0)))

    def series(self) -> Iterator[tuple[Metric, list[tuple[tuple[str, ...], float | Histogram]]]]:
        """All metrics that have a value, in the order of their declaration, each with its values by labels, sorted."""
        with self._lock:
            values = {name: dict[tuple[str, ...], float | Histogram](series) for name, series in self._values.items()}
            for name, series in self._histograms.items():
                values[name] = {labels: Histogram([*one.counts], one.sum) for labels, one in series.items()}
        for metric in ALL:
            if values.get(metric.name):
                yield metric, sorted(values[metric.name].items(), key=lambda item: item[0])

    def _add_histogram(
        self,
        metric: Metric,
        labels: tuple[str, ...],
        counts: Sequence[int],
        total: float,
        old_counts: Sequence[int],
        old_total: float,
    ) -> None:
        with self._lock:
            histogram = self._histogram(metric, labels)
            for place, (count, old) in enumerate(zip(counts, old_counts, strict=True)):
                histogram.counts[place] += max(0, count - old)
            histogram.sum += max(0.0, total - old_total)

    def _histogram(self, metric: Metric, labels: tuple[str, ...]) -> Histogram:
        series = self._histograms.setdefault(metric.name, {})
        if (known := series.get(labels)) is not None:
            return known
        return series.setdefault(self._bounded(metric, labels), Histogram([0] * (len(metric.buckets) + 1)))

    def _bounded(self, metric: Metric, labels: tuple[str, ...]) -> tuple[str, ...]:
        """The labels under which this is counted."""
        kept: list[str] = []
        for name, value in zip(metric.labels, labels, strict=True):
            limit = LIMITS.get(name)
            shown = value
            if limit is not None:
                admitted = self._admitted.setdefault((name, *kept), set())
                if value not in admitted and len(admitted) >= limit:
                    shown = OTHER
                admitted.add(shown)
            kept.append(shown)
        return tuple(kept)


def _read(snapshot: bytes) -> _Snapshot:
    try:
        return _decode(snapshot) if snapshot else _Snapshot()
    except msgspec.DecodeError:
        return _Snapshot()
