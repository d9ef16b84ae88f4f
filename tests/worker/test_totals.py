"""What all workers together have counted."""

from headrace import metrics
from headrace.clock import HOUR
from headrace.meter import Histogram, Meter
from headrace.ports import WorkerStatus
from headrace.worker import totals
from headrace.worker.totals import WorkerTotals


def counted(number: int) -> bytes:
    """The snapshot of a worker that has received so many documents, in a batch each."""
    meter = Meter()
    meter.add(metrics.RECEIVED, number)
    meter.observe(metrics.BATCH_DOCUMENTS, 1, times=number)
    return meter.snapshot()


def worker(number: int, *, name: str = "host:1", started_at: int = 1, seen_at: int = 1) -> WorkerStatus:
    return WorkerStatus(name, started_at, seen_at, "working", metrics=counted(number))


def received(sums: WorkerTotals) -> int:
    """The sum of the counter, which the histogram's must be too."""
    found = dict(dict(sums.meter.series()).get(metrics.BATCH_DOCUMENTS, []))
    batches = sum(sum(one.counts) for one in found.values() if isinstance(one, Histogram))
    assert batches == sums.meter.total(metrics.RECEIVED)
    return batches


def test_two_workers_add_up() -> None:
    sums = WorkerTotals()
    sums.take([worker(3), worker(4, name="host:2")])
    assert received(sums) == 7


def test_a_worker_that_goes_on_counts_only_what_is_new() -> None:
    sums = WorkerTotals()
    for seen_at, number in enumerate((3, 3, 5)):
        sums.take([worker(number, seen_at=seen_at)])
    assert received(sums) == 5


def test_what_a_worker_that_is_gone_had_counted_stays() -> None:
    sums = WorkerTotals()
    sums.take([worker(3)])
    sums.take([])
    assert received(sums) == 3


def test_a_worker_that_restarts_under_its_name_or_another_is_not_counted_twice() -> None:
    sums = WorkerTotals()
    sums.take([worker(3)])
    sums.take([worker(1, started_at=2)])
    sums.take([worker(2, name="host:2", started_at=3), worker(2, started_at=2, seen_at=2)])
    assert received(sums) == 3 + 2 + 2


def test_a_worker_that_was_forgotten_and_comes_back_is_not_counted_twice() -> None:
    sums = WorkerTotals()
    sums.take([worker(3)])
    sums.take([])
    sums.take([worker(4, seen_at=700_000_000)])
    assert received(sums) == 4


def test_two_workers_of_one_name_are_not_counted_twice() -> None:
    """Containers may share a host name, and their first process is always number 1."""
    sums = WorkerTotals()
    for seen_at in range(3):
        sums.take([worker(3, started_at=1, seen_at=seen_at)])
        sums.take([worker(4, started_at=2, seen_at=seen_at)])
    assert received(sums) == 7


def test_an_older_status_that_arrives_late_changes_nothing() -> None:
    sums = WorkerTotals()
    for seen_at, number in ((1, 3), (3, 9), (2, 5), (4, 10)):
        sums.take([worker(number, seen_at=seen_at)])
    assert received(sums) == 10


def test_a_worker_goes_on_counting_though_the_clock_was_set_back() -> None:
    sums = WorkerTotals()
    for seen_at, number in ((HOUR + 1, 3), (1, 9), (2, 10)):
        sums.take([worker(number, seen_at=seen_at)])
    assert received(sums) == 10


def test_what_was_counted_before_a_server_began_is_left_out() -> None:
    sums = WorkerTotals(from_now=True)
    sums.take([worker(100)])
    assert received(sums) == 0
    sums.take([worker(103, seen_at=2), worker(2, name="host:2")])
    assert received(sums) == 3 + 2


def test_a_sum_is_bounded_however_many_workers_have_labels_of_their_own() -> None:
    sums = WorkerTotals()
    for number in range(20):
        meter = Meter()
        for source in range(40):
            meter.add(metrics.STORED, 1, f"source-{number}-{source}")
        sums.take([WorkerStatus(f"host:{number}", 1, 1, "working", metrics=meter.snapshot())])
    ((_, series),) = sums.meter.series()
    assert len(series) == metrics.LIMITS["source"] + 1
    assert sums.meter.total(metrics.STORED) == 20 * 40


def test_workers_that_are_long_gone_take_no_memory() -> None:
    sums = WorkerTotals()
    sums.take([worker(1, name=f"host:{number}") for number in range(totals.REMEMBERED + 5)])
    assert len(sums._last) == totals.REMEMBERED
    assert received(sums) == totals.REMEMBERED + 5
