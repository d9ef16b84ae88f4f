"""Every metric of Headrace: its name, help text, labels and buckets, declared once.

Names follow Prometheus' conventions: the prefix `headrace_`, base units (seconds, bytes), `_total` for counters. A new metric is one line
here, the place that observes it, and a row in docs/operations.md.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

#: Upper bounds of what takes from a millisecond to a minute.
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
#: Upper bounds of what may wait in a queue: from ten milliseconds to a day.
QUEUE_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 21600, 86400)
#: Upper bounds of counts, from one to a full batch.
SIZES = (1, 4, 16, 64, 256, 1024, 4096, 16384)
#: Upper bounds of bytes, from 256 bytes to 4 MiB.
BYTES = (256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304)

OTHER = "other"
#: How many values of a label a process shows, for each combination of the labels before it. Later values are counted under `other`.
#: Labels that are not listed have values from a fixed set.
LIMITS: Mapping[str, int] = {"source": 50, "model": 20, "version": 20, "label": 200}


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric. `buckets` are the upper bounds of a histogram in rising order, without infinity."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()


def _counter(name: str, text: str, *labels: str) -> Metric:
    return Metric(name, "counter", text, labels)


def _gauge(name: str, text: str, *labels: str) -> Metric:
    return Metric(name, "gauge", text, labels)


def _histogram(name: str, text: str, *labels: str, buckets: tuple[float, ...] = SECONDS) -> Metric:
    return Metric(name, "histogram", text, labels, buckets)


# What the server counts of itself, and what it asks the broker and the store for at each scrape.
HTTP_REQUESTS = _counter("headrace_http_requests_total", "Requests answered.", "method", "route", "status")
HTTP_SECONDS = _histogram("headrace_http_request_seconds", "Time until a request was answered.", "route")
HTTP_DOCUMENTS = _counter("headrace_http_documents_total", "Documents published through the API.")
HTTP_PREDICTIONS = _counter("headrace_http_predictions_total", "Texts predicted by the API.", "model", "version")
WEBHOOK_DOCUMENTS = _counter("headrace_webhook_documents_total", "Records that webhooks sent.", "webhook", "outcome")
BACKLOG = _gauge("headrace_backlog_bodies", "Bodies in the broker.", "state")
OLDEST = _gauge("headrace_backlog_oldest_seconds", "Age of the oldest body that is not acknowledged.")
PROGRESS = _gauge("headrace_worker_progress", "What each worker has done since it started.", "worker", "what")
SEEN = _gauge("headrace_worker_seen_timestamp_seconds", "When each worker was last heard of.", "worker", "state")
SOURCE_DOCUMENTS = _gauge("headrace_source_documents", "What became of what each source gave, ever.", "source", "what")
SOURCE_SAVED = _gauge(
    "headrace_source_saved_timestamp_seconds", "When each source was heard of last.", "source", "state"
)
SOURCE_LAG = _gauge("headrace_source_lag_seconds", "Age of the newest document of each source when it came.", "source")

# What workers count. A server adds them up, from its own start.
RECEIVED = _counter("headrace_worker_documents_received_total", "Documents received from the broker.")
STORED = _counter("headrace_worker_documents_stored_total", "Documents stored without a dead letter.", "source")
BURIED = _counter("headrace_worker_dead_letters_total", "Dead letters written to the store.", "kind", "model")
ANSWERS = _counter("headrace_worker_answers_total", "Answers written to the store.", "model", "label")
PREDICTIONS = _counter("headrace_worker_predictions_total", "Predictions made.", "model", "version", "role")
SHADOW_FAILURES = _counter("headrace_worker_shadow_failures_total", "Documents on which a shadow failed.")
SHADOW_SKIPPED = _counter(
    "headrace_worker_shadow_skipped_total",
    "Documents not given to a shadow that was left out, or slower than the answers.",
)
PREDICTOR_DEATHS = _counter("headrace_worker_predictor_deaths_total", "Predictor processes that died.")
RETRIES = _counter("headrace_worker_retries_total", "Calls repeated because something was unavailable.", "what")
WAITED = _counter("headrace_worker_retry_wait_seconds_total", "Time waited before those repetitions.", "what")
STAGE_SECONDS = _histogram("headrace_worker_stage_seconds", "Time a batch spent in a stage.", "stage")
PREDICT_SECONDS = _histogram("headrace_worker_predict_seconds", "Time a model took for a batch.", "model")
LATENCY_SECONDS = _histogram(
    "headrace_worker_latency_seconds", "Time from publishing to storing a document.", "source", buckets=QUEUE_SECONDS
)
BATCH_DOCUMENTS = _histogram("headrace_worker_batch_documents", "Documents in a batch.", buckets=SIZES)
BATCH_BYTES = _histogram("headrace_worker_batch_bytes", "Bytes in a batch.", buckets=BYTES)

ALL: Sequence[Metric] = tuple(value for value in list(globals().values()) if isinstance(value, Metric))
OF_WORKERS: Sequence[Metric] = tuple(
    metric for metric in ALL if metric.name.startswith("headrace_worker_") and metric.kind != "gauge"
)
OF_SERVERS: Sequence[Metric] = tuple(metric for metric in ALL if metric not in OF_WORKERS)
BY_NAME: Mapping[str, Metric] = {metric.name: metric for metric in ALL}
