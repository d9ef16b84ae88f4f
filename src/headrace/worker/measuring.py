"""What a worker counts of its batches. Called once for each batch, so that a document costs little."""

from collections import Counter
from collections.abc import Mapping, Sequence

from headrace import metrics
from headrace.documents import Outcome, microseconds
from headrace.meter import Meter
from headrace.ports import VersionRef
from headrace.predictor.handle import Predictor


def count_received(meter: Meter, lines: Sequence[bytes]) -> None:
    """Count the lines of a batch, and measure it."""
    meter.add(metrics.RECEIVED, len(lines))
    meter.observe(metrics.BATCH_DOCUMENTS, len(lines))
    meter.observe(metrics.BATCH_BYTES, sum(map(len, lines)))


def count_written(meter: Meter, outcomes: Sequence[Outcome]) -> None:
    """Count what was just written: documents and their latency by source, answers by label, dead letters by kind."""
    now = microseconds()
    stored = [one.document for one in outcomes if one.document is not None and not one.dead]
    # What was published together has one time, so there are far fewer of these pairs than documents.
    for (source, at), number in Counter([(document.source, document.published_at) for document in stored]).items():
        meter.add(metrics.STORED, number, source)
        if at is not None:
            meter.observe(metrics.LATENCY_SECONDS, max(0, now - at) / 1e6, source, times=number)
    answers = Counter([(said.model, said.label) for one in outcomes for said in one.predictions])
    for (reference, label), number in answers.items():
        model, version = VersionRef.parse(reference)
        meter.add(metrics.ANSWERS, number, model, label)
        meter.add(metrics.PREDICTIONS, number, model, version, "answer")
    for reference, number in Counter([said.model for one in outcomes for said in one.shadows]).items():
        model, version = VersionRef.parse(reference)
        meter.add(metrics.PREDICTIONS, number, model, version, "shadow")
    for (kind, model), number in Counter(
        [(letter.kind, letter.model) for one in outcomes for letter in one.dead]
    ).items():
        meter.add(metrics.BURIED, number, kind, model)


def count_failures(meter: Meter, predictor: Predictor) -> None:
    """Count what the predictor has counted since this was called last."""
    meter.add(metrics.SHADOW_FAILURES, predictor.shadow_failures - meter.total(metrics.SHADOW_FAILURES))
    meter.add(metrics.SHADOW_SKIPPED, predictor.shadow_skipped - meter.total(metrics.SHADOW_SKIPPED))
    meter.add(metrics.PREDICTOR_DEATHS, predictor.deaths - meter.total(metrics.PREDICTOR_DEATHS))


def progress(meter: Meter) -> Mapping[str, int]:
    """The counts that `headrace status` shows of a worker."""
    return {
        "received": meter.total(metrics.RECEIVED),
        "stored": meter.total(metrics.STORED),
        "buried": meter.total(metrics.BURIED),
        "shadow_failures": meter.total(metrics.SHADOW_FAILURES),
        "predictor_deaths": meter.total(metrics.PREDICTOR_DEATHS),
    }
