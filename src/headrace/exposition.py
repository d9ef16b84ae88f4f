"""Prometheus' text format, version 0.0.4: what a scrape is answered with."""

from collections.abc import Iterator, Sequence

from headrace.meter import Histogram, Meter

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_IN_HELP = str.maketrans({"\\": r"\\", "\n": r"\n"})
_IN_LABEL = str.maketrans({"\\": r"\\", "\n": r"\n", '"': r"\""})


def write(*meters: Meter) -> bytes:
    """All metrics of these meters, which have no metric in common."""
    return "".join(line for meter in meters for line in _lines(meter)).encode(errors="replace")


def _lines(meter: Meter) -> Iterator[str]:
    for metric, series in meter.series():
        yield f"# HELP {metric.name} {metric.help.translate(_IN_HELP)}\n# TYPE {metric.name} {metric.kind}\n"
        for values, value in series:
            labels = list(zip(metric.labels, values, strict=True))
            if isinstance(value, Histogram):
                yield from _histogram(metric.name, labels, metric.buckets, value)
            else:
                yield f"{metric.name}{_braces(labels)} {_number(value)}\n"


def _histogram(
    name: str, labels: Sequence[tuple[str, str]], bounds: Sequence[float], histogram: Histogram
) -> Iterator[str]:
    """Buckets as Prometheus has them: each counts all that is not larger than its bound."""
    count = 0
    for bound, inside in zip([*bounds, float("inf")], histogram.counts, strict=True):
        count += inside
        yield f"{name}_bucket{_braces([*labels, ('le', _number(bound))])} {_number(count)}\n"
    yield f"{name}_sum{_braces(labels)} {_number(histogram.sum)}\n"
    yield f"{name}_count{_braces(labels)} {_number(count)}\n"


def _braces(labels: Sequence[tuple[str, str]]) -> str:
    inside = ",".join(f'{name}="{value.translate(_IN_LABEL)}"' for name, value in labels)
    return f"{{{inside}}}" if inside else ""


def _number(value: float) -> str:
    words = {"inf": "+Inf", "-inf": "-Inf", "nan": "NaN"}
    text = repr(float(value))
    return words.get(text, text)
