"""What a scrape is answered with, read by Prometheus' own parser."""

import math

from support.scraping import kinds, samples, value

from headrace import exposition, metrics
from headrace.meter import Meter

AWKWARD = 'quotes " and \\ and\nlines and नमस्ते 🌊'


def written(*meters: Meter) -> str:
    return exposition.write(*meters).decode()


def test_every_metric_is_read_with_its_kind_and_its_help() -> None:
    meter = Meter()
    for metric in metrics.ALL:
        labels = ["x"] * len(metric.labels)
        if metric.kind == "histogram":
            meter.observe(metric, 1, *labels)
        else:
            meter.add(metric, 1, *labels)
    assert kinds(written(meter)) == {one.name.removesuffix("_total"): (one.kind, one.help) for one in metrics.ALL}


def test_a_label_may_hold_anything() -> None:
    meter = Meter()
    meter.add(metrics.STORED, 1, AWKWARD)
    assert samples(written(meter)) == {metrics.STORED.name: {frozenset({("source", AWKWARD)}): 1}}


def test_a_lone_surrogate_does_not_stop_a_scrape() -> None:
    meter = Meter()
    meter.add(metrics.STORED, 1, "\ud800")
    assert value(written(meter), metrics.STORED.name, source="?") == 1


def test_buckets_count_all_that_is_not_larger() -> None:
    meter = Meter()
    for size in (1, 2, 1_000_000):
        meter.observe(metrics.BATCH_DOCUMENTS, size)
    text, name = written(meter), metrics.BATCH_DOCUMENTS.name
    counts = [value(text, f"{name}_bucket", le=f"{bound}.0") for bound in metrics.SIZES]
    assert counts == [1, 2, 2, 2, 2, 2, 2, 2]
    assert value(text, f"{name}_bucket", le="+Inf") == value(text, f"{name}_count") == 3
    assert value(text, f"{name}_sum") == 1_000_003


def test_numbers_that_are_none_are_written_as_prometheus_reads_them() -> None:
    meter = Meter()
    meter.set(metrics.OLDEST, math.nan)
    meter.set(metrics.BACKLOG, math.inf, "ready")
    assert math.isnan(value(written(meter), metrics.OLDEST.name))
    assert value(written(meter), metrics.BACKLOG.name, state="ready") == math.inf


def test_without_a_value_there_is_nothing() -> None:
    assert exposition.write(Meter(), Meter()) == b""
