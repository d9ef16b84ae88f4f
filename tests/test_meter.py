"""Counting and timing in one process, and what another makes of it."""

import threading

import msgspec
import pytest

from headrace import metrics
from headrace.meter import Histogram, Meter
from headrace.metrics import Metric


def values(meter: Meter, metric: Metric) -> dict[tuple[str, ...], float | Histogram]:
    return dict(dict(meter.series()).get(metric, []))


def histogram(meter: Meter, metric: Metric, *labels: str) -> Histogram:
    found = values(meter, metric)[labels]
    assert isinstance(found, Histogram)
    return found


def test_a_counter_grows_for_each_combination_of_labels() -> None:
    meter = Meter()
    meter.add(metrics.RETRIES, 1, "store")
    meter.add(metrics.RETRIES, 2, "store")
    meter.add(metrics.RETRIES, 1, "broker")
    assert values(meter, metrics.RETRIES) == {("store",): 3, ("broker",): 1}
    assert meter.total(metrics.RETRIES) == 4


def test_declared_counters_without_labels_start_at_zero_and_nothing_else_is_there() -> None:
    meter = Meter(metrics.ALL)
    assert values(meter, metrics.RECEIVED) == {(): 0}
    assert {metric.kind for metric, _ in meter.series()} == {"counter"}
    assert not any(metric.labels for metric, _ in meter.series())


def test_a_value_falls_into_the_first_bucket_that_is_not_smaller() -> None:
    meter = Meter()
    for size in (1, 2, 4, 5, 100_000):
        meter.observe(metrics.BATCH_DOCUMENTS, size)
    meter.observe(metrics.BATCH_DOCUMENTS, 16, times=3)
    found = histogram(meter, metrics.BATCH_DOCUMENTS)
    assert found.counts == [1, 2, 4, 0, 0, 0, 0, 0, 1]
    assert found.sum == 1 + 2 + 4 + 5 + 100_000 + 3 * 16


def test_the_first_values_of_a_label_stand_and_later_ones_are_counted_together() -> None:
    meter = Meter()
    for number in range(1000):
        meter.add(metrics.STORED, 1, f"source-{number}")
    meter.add(metrics.STORED, 1, "source-0")
    stored = values(meter, metrics.STORED)
    assert len(stored) == metrics.LIMITS["source"] + 1
    assert stored["source-0",] == 2
    assert stored[metrics.OTHER,] == 1000 - metrics.LIMITS["source"]


def test_each_model_has_its_own_share_of_labels() -> None:
    meter = Meter()
    for model in ("topic", "mood"):
        for number in range(metrics.LIMITS["label"] + 5):
            meter.add(metrics.ANSWERS, 1, model, f"label-{number}")
    answers = values(meter, metrics.ANSWERS)
    assert len(answers) == 2 * (metrics.LIMITS["label"] + 1)
    assert answers["topic", metrics.OTHER] == answers["mood", metrics.OTHER] == 5


def test_histograms_have_bounded_labels_too() -> None:
    meter = Meter()
    for number in range(1000):
        meter.observe(metrics.LATENCY_SECONDS, 1, f"source-{number}")
    assert len(values(meter, metrics.LATENCY_SECONDS)) == metrics.LIMITS["source"] + 1


def test_two_snapshots_add_up() -> None:
    one, other, both = Meter(metrics.ALL), Meter(), Meter()
    for meter, number in ((one, 3), (other, 4)):
        meter.add(metrics.RECEIVED, number)
        meter.add(metrics.ANSWERS, number, "topic", "tea")
        meter.observe(metrics.STAGE_SECONDS, number, "write", times=number)
    both.merge(one.snapshot())
    both.merge(other.snapshot())
    assert values(both, metrics.RECEIVED) == {(): 7}
    assert values(both, metrics.ANSWERS) == {("topic", "tea"): 7}
    assert histogram(both, metrics.STAGE_SECONDS, "write").sum == 3 * 3 + 4 * 4
    assert sum(histogram(both, metrics.STAGE_SECONDS, "write").counts) == 7


def test_only_what_came_between_two_snapshots_is_added() -> None:
    worker, sums = Meter(), Meter()
    worker.add(metrics.STORED, 2, "a")
    worker.observe(metrics.LATENCY_SECONDS, 0.2, "a", times=2)
    before = worker.snapshot()
    worker.add(metrics.STORED, 3, "a")
    worker.add(metrics.STORED, 1, "b")
    worker.observe(metrics.LATENCY_SECONDS, 20, "a")
    sums.merge(worker.snapshot(), before)
    assert values(sums, metrics.STORED) == {("a",): 3, ("b",): 1}
    latency = histogram(sums, metrics.LATENCY_SECONDS, "a")
    assert (sum(latency.counts), latency.sum) == (1, 20)


def test_a_sum_never_falls_whatever_a_snapshot_says() -> None:
    fewer, more, sums = Meter(), Meter(), Meter()
    fewer.add(metrics.RECEIVED, 1)
    fewer.observe(metrics.BATCH_BYTES, 1)
    more.add(metrics.RECEIVED, 5)
    more.observe(metrics.BATCH_BYTES, 1, times=2)
    sums.merge(more.snapshot())
    sums.merge(fewer.snapshot(), more.snapshot())
    assert values(sums, metrics.RECEIVED) == {(): 5}
    assert sum(histogram(sums, metrics.BATCH_BYTES).counts) == 2


def test_gauges_stay_at_home() -> None:
    meter, sums = Meter(), Meter()
    meter.set(metrics.OLDEST, 7)
    sums.merge(meter.snapshot())
    assert not list(sums.series())
    meter.clear(metrics.OLDEST)
    assert not list(meter.series())


@pytest.mark.parametrize(
    "snapshot",
    [
        b"nonsense",
        b"\xc1",
        msgspec.msgpack.encode([{"headrace_from_tomorrow_total": [[[], 5]]}, {}]),
        msgspec.msgpack.encode([{"headrace_worker_documents_received_total": [[["too", "many"], 5]]}, {}]),
        msgspec.msgpack.encode([{"headrace_backlog_oldest_seconds": [[[], 5]]}, {}]),
        msgspec.msgpack.encode([{}, {"headrace_worker_batch_bytes": [[1, 2], [[[], [1, 1, 1], 2.0]]]}]),
        msgspec.msgpack.encode([{}, {"headrace_worker_batch_bytes": [[*metrics.BYTES], [[[], [1, 1, 1], 2.0]]]}]),
    ],
)
def test_what_another_version_counts_is_left_out(snapshot: bytes) -> None:
    sums = Meter()
    sums.merge(snapshot)
    assert not list(sums.series())


def test_counting_and_reading_at_once_loses_nothing() -> None:
    meter, rounds = Meter(), 2000

    def count() -> None:
        for number in range(rounds):
            meter.add(metrics.STORED, 1, f"source-{number % 60}")
            meter.observe(metrics.BATCH_BYTES, number)

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        meter.snapshot()
        list(meter.series())
    assert meter.total(metrics.STORED) == 4 * rounds
    assert sum(histogram(meter, metrics.BATCH_BYTES).counts) == 4 * rounds


def test_every_metric_is_named_as_prometheus_wants_it() -> None:
    assert len({metric.name for metric in metrics.ALL}) == len(metrics.ALL)
    for metric in metrics.ALL:
        assert metric.name.startswith("headrace_")
        assert metric.name.endswith("_total") == (metric.kind == "counter"), metric.name
        assert bool(metric.buckets) == (metric.kind == "histogram"), metric.name
        assert list(metric.buckets) == sorted(set(metric.buckets))
        assert metric.help.endswith(".")
