"""Flow control: what is done about a source while the broker's backlog is over its limit.

A source that can wait is paused. What any other gives is shed: dropped by a rule, and counted.
"""

from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from typing import NamedTuple

from headrace.documents import Document
from headrace.errors import HeadraceError
from headrace.ingest import shedding
from headrace.ingest.backlog import LOW, BacklogGauge
from headrace.ingest.shedding import Held, Rule
from headrace.ingest.ticking import Ticking
from headrace.log import logger
from headrace.ports import Backlog, Batch, Source
from headrace.retrying import patiently, until_stopped
from headrace.runtime import Stop

TICK_SECONDS = 0.2  # between two looks whether a source may go on, or what is held may be published

LOG = logger("headrace.ingest")


class Flow(NamedTuple):
    """A batch to take, how many documents that came with it or before it were shed, and how the source is doing, with the reason.
    `came`: something came with it, even if it waits for now."""

    batch: Batch
    shed: int = 0
    state: str = "reading"
    told: str = ""
    came: bool = False


class FlowControl:
    """Keeps the backlog below the limit of the gauge, if one is given. `ask` asks the broker for it; while it is unavailable, it is waited
    for. `held`: bytes of documents that wait, at most."""

    def __init__(
        self,
        stop: Stop,
        gauge: BacklogGauge | None = None,
        ask: Callable[[], Backlog] = lambda: Backlog(None, None, None),
        *,
        held: int = shedding.HELD_BYTES,
    ) -> None:
        self._stop, self._gauge, self._ask, self._most = stop, gauge, ask, held

    def published(self, bodies: int) -> None:
        """Note that so many bodies were published."""
        if self._gauge is not None:
            self._gauge.add(bodies)

    def batches(
        self, source: Source, batches: Generator[Batch], cursor: str, rule: Rule | None = None
    ) -> Generator[Flow]:
        """The batches of a source that are to be taken, from a cursor on, until they end, or until the stop is requested.

        While the backlog is over the limit, a paused source gives a batch without items at each look at it. By the rule `oldest`, what is
        held comes in one batch once the source ends, or the stop is requested. Raises what `batches` raise, and Unavailable if the stop
        is requested while the broker is waited for.
        """
        if self._gauge is None:
            flows: Iterator[Flow] = map(_plain, batches)
        elif rule == "never" or getattr(source, "pausable", True):
            flows = self._pausing(batches, cursor, self._gauge)
        elif rule == "sample":
            flows = self._sampling(batches, self._gauge)
        else:
            yield from self._holding(source, batches, cursor, self._gauge)
            return
        for flow in flows:
            yield flow
            if self._stop.requested and flow.state != "paused":  # then a batch waits that is taken first
                return

    def _pausing(self, batches: Iterator[Batch], cursor: str, gauge: BacklogGauge) -> Iterator[Flow]:
        for batch in batches:
            if any(isinstance(item, Document) for item in batch.items) and self._is_over(gauge):
                told = f"{_told(gauge)}: nothing is read until it has fallen to {int(gauge.limit * LOW):,}"
                while not self._stop.requested and self._is_over(gauge):
                    yield Flow(Batch((), cursor), 0, "paused", told)
                    # As often as what is held is looked at, or that would always come first.
                    self._stop.wait(min(TICK_SECONDS, gauge.seconds))
            yield _plain(batch)
            cursor = batch.cursor

    def _sampling(self, batches: Iterator[Batch], gauge: BacklogGauge) -> Iterator[Flow]:
        told = ""
        for batch in batches:
            if not self._is_over(gauge):
                told = ""
                yield _plain(batch)
                continue
            told = told or f"{_told(gauge)}: only a sample of what comes is published"
            kept = shedding.sample(batch, shedding.one_in(gauge.bodies, gauge.limit))
            yield Flow(kept, len(batch.items) - len(kept.items), "shedding", told)

    def _holding(self, source: Source, batches: Generator[Batch], cursor: str, gauge: BacklogGauge) -> Generator[Flow]:
        held, error = Held(self._most), None
        try:
            with closing(Ticking(batches, source.close, seconds=TICK_SECONDS)) as coming:
                yield from self._held_back(coming, held, cursor, gauge)
        except HeadraceError as caught:
            error = caught
        if (rest := held.take_all()) is not None:
            yield _plain(rest)
        if error is not None:
            raise error

    def _held_back(self, coming: Ticking[Batch], held: Held, cursor: str, gauge: BacklogGauge) -> Iterator[Flow]:
        """What is to be taken of batches and ticks. While the backlog is over the limit, documents are held, and the oldest dropped."""
        told = ""
        for batch in coming:
            while held and not self._is_over(gauge):
                told, first = "", held.take()
                yield _plain(first)
                cursor = first.cursor
            if batch is None:
                continue
            if held or self._is_over(gauge):
                told = told or f"{_told(gauge)}: what comes is held, and what has waited longest is dropped"
                others, deleted = held.hold(batch, cursor)
                yield Flow(others, deleted, "shedding", told, came=bool(batch.items))
                for rest, dropped in held.excess():
                    yield Flow(rest, dropped, "shedding", told)
                    cursor = rest.cursor
            else:
                yield _plain(batch)
                cursor = batch.cursor

    def _is_over(self, gauge: BacklogGauge) -> bool:
        return gauge.is_over(lambda: patiently(self._ask, until_stopped(self._stop, LOG.warning)))


def _plain(batch: Batch) -> Flow:
    return Flow(batch, state="waiting" if batch.waiting else "reading", told=batch.waiting)


def _told(gauge: BacklogGauge) -> str:
    return f"the backlog is {gauge.bodies:,} bodies, and the limit is {gauge.limit:,}"
