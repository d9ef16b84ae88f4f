"""Metrics, in Prometheus's text format. Every label has a bounded number of values."""

from collections.abc import Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import generate_latest

from headrace.ports import Backlog, WorkerStatus

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


OTHER = "other"


class Meters:
    """The metrics of one app, in a registry of their own."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "headrace_http_requests", "Requests answered.", ["method", "route", "status"], registry=self._registry
        )
        self._seconds = Histogram(
            "headrace_http_request_seconds",
            "Time until a request was answered.",
            ["route"],
            buckets=BUCKETS,
            registry=self._registry,
        )
        self._documents = Counter("headrace_http_documents", "Documents taken and published.", registry=self._registry)
        self._predictions = Counter(
            "headrace_http_predictions", "Texts predicted at once, by model.", ["model"], registry=self._registry
        )
        self._backlog = Gauge("headrace_backlog_bodies", "Bodies in the broker.", ["state"], registry=self._registry)
        self._oldest = Gauge(
            "headrace_backlog_oldest_seconds", "Age of the oldest body that is not acked.", registry=self._registry
        )

        self._done = Gauge(
            "headrace_worker_progress",
            "What each worker has done since it started: received, stored, buried and the like.",
            ["worker", "what"],
            registry=self._registry,
        )
        self._seen = Gauge(
            "headrace_worker_seen_timestamp_seconds",
            "When each worker was last heard of, and in which state.",
            ["worker", "state"],
            registry=self._registry,
        )

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request by the template of its route, never by its path."""
        self._requests.labels(method if method in METHODS else OTHER, route or OTHER, str(status)).inc()
        self._seconds.labels(route or OTHER).observe(seconds)

    def took(self, documents: int) -> None:
        """Count documents that the broker has confirmed."""
        self._documents.inc(documents)

    def predicted(self, model: str, texts: int) -> None:
        """Count texts; `model` is a version that this server serves."""
        self._predictions.labels(model).inc(texts)

    def show(self, backlog: Backlog | None, workers: Sequence[WorkerStatus] = ()) -> bytes:
        """All metrics in Prometheus's text format; the backlog is NaN where it can't be told.

        Of workers it is told what they last told the store: one process gathers for all, so none needs a port of its own.
        """
        for gauge in (self._done, self._seen):
            gauge.clear()
        for worker in workers:
            self._seen.labels(worker.name, worker.state).set(worker.seen_at / 1e6)
            for what, number in worker.counts.items():
                self._done.labels(worker.name, what).set(number)
        unknown = float("nan")
        ready, leased, oldest = (backlog.ready, backlog.leased, backlog.oldest) if backlog else (None, None, None)
        self._backlog.labels("ready").set(unknown if ready is None else ready)
        self._backlog.labels("leased").set(unknown if leased is None else leased)
        empty = backlog is not None and ready == 0 and leased == 0
        self._oldest.set((0.0 if empty else unknown) if oldest is None else oldest)
        return generate_latest(self._registry)
