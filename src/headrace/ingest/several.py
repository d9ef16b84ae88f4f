"""Several sources at once: those that end one after the other, and each endless one in a thread of its own."""

import threading
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import NamedTuple

from headrace.errors import HeadraceError, Misconfigured, Unavailable
from headrace.ingest.accounts import Tally
from headrace.ingest.backlog import BacklogGauge
from headrace.ingest.flow import FlowControl
from headrace.ingest.ingest import Ingest
from headrace.ingest.shedding import Rule
from headrace.log import logger
from headrace.ports import BrokerAdapter, SourceAdapter, StoreAdapter
from headrace.runtime import Stop

LOG = logger("headrace.ingest")


class Opened(NamedTuple):
    """A source, its URL without secrets, and the rule by which it is shed, if one was given for it."""

    source: SourceAdapter
    url: str
    shed: Rule | None = None


def check_distinct(sources: Sequence[Opened]) -> None:
    """Raises Misconfigured if an endless source is there twice: each would publish all, and save its place over that of the other."""
    names = [one.source.name for one in sources if one.source.endless and one.source.name]
    if twice := next((name for name in names if names.count(name) > 1), ""):
        raise Misconfigured(f"the source {twice} is named twice; leave one out, or give it what sets it apart")


@dataclass(frozen=True)
class Options:
    """See `Ingest`; `again`: sources are read from their start. `backlog_limit`: bodies in the broker, of which more pause sources, or have
    them shed by the rule `shed`; 0 for no limit."""

    again: bool = False
    rate: float | None = None
    until_idle: float | None = None
    backlog_limit: int = 0
    shed: Rule | None = None


class Several:
    """Publishes sources. `broker` and `store` connect, once for each thread; `progress` is called with how many were published."""

    def __init__(
        self,
        broker: Callable[[], BrokerAdapter],
        store: Callable[[], StoreAdapter],
        *,
        stop: Stop,
        options: Options = Options(),
        progress: Callable[[int], None] = lambda _published: None,
    ) -> None:
        self._broker, self._store, self._stop, self._options, self._progress = broker, store, stop, options, progress
        self._gauge = BacklogGauge(options.backlog_limit) if options.backlog_limit else None
        self._parts: list[_Part] = []

    @property
    def tally(self) -> Tally:
        """What became of the documents of all sources so far."""
        return sum((part.tally for part in self._parts), Tally())

    def run(self, sources: Sequence[Opened]) -> bool:
        """Publish them all; whether all were read to their ends.

        A source that fails ends none of the others. Raises the first error when all have ended.
        """
        endless = [[one] for one in sources if one.source.endless]
        bounded = [one for one in sources if not one.source.endless]
        self._parts = [_Part(some) for some in (*endless, bounded) if some]
        threads = [threading.Thread(target=self._run, args=(part,), name="ingest") for part in self._parts[1:]]
        for thread in threads:
            thread.start()
        if self._parts:
            self._run(self._parts[0])
        for thread in threads:
            thread.join()
        if errors := [part.error for part in self._parts if part.error is not None]:
            raise errors[0]
        return all(part.ended for part in self._parts)

    def _run(self, part: "_Part") -> None:
        try:
            with closing(self._store()) as store, closing(self._broker()) as broker:
                work = Ingest(
                    broker,
                    store,
                    stop=self._stop,
                    progress=lambda _tally: self._progress(self.tally.published),
                    rate=self._options.rate,
                    until_idle=self._options.until_idle,
                    flow=FlowControl(self._stop, self._gauge, broker.backlog),
                )
                part.tally = work.tally
                for opened in part.sources:
                    self._publish(work, opened, part)
        except HeadraceError as error:
            part.error = part.error or error
            self._tell(error)

    def _tell(self, error: HeadraceError) -> None:
        """Log an error that does not end everything at once."""
        if sum(len(part.sources) for part in self._parts) > 1:
            LOG.error(str(error))

    def _publish(self, work: Ingest, opened: Opened, part: "_Part") -> None:
        """Publish one source; what it fails on is noted, so that the others are read."""
        if self._stop.requested:
            part.ended = False
            return
        source, url, shed = opened
        again, rule = self._options.again or not source.name, shed or self._options.shed
        try:
            part.ended &= work.run(source, source.name, url=url, again=again, shed=rule)
        except Unavailable:
            raise
        except HeadraceError as error:
            part.error = part.error or error
            self._tell(error)
        except Exception as error:  # a bug, which is logged with its trace; the other sources go on
            LOG.exception(f"reading {url} has failed in a way that was not expected")
            part.error = part.error or HeadraceError(f"reading {url}: {type(error).__name__}: {error}")


class _Part:
    """Sources that one thread publishes, and what became of them."""

    def __init__(self, sources: Sequence[Opened]) -> None:
        self.sources = sources
        self.tally = Tally()
        self.ended = True
        self.error: HeadraceError | None = None
