"""What an app holds while it runs."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TypeVar

import anyio.to_thread

from headrace import metrics
from headrace.documents import DeadLetter
from headrace.errors import Unavailable
from headrace.meter import Meter
from headrace.operations import replay
from headrace.ports import Backlog, WorkerStatus
from headrace.web.api.waiting import Queued, Waiters
from headrace.web.publishing import PATIENCE_SECONDS, Publisher
from headrace.web.services import Services
from headrace.worker.totals import WorkerTotals

ANSWER_SECONDS = 2.0

T = TypeVar("T")


@dataclass(frozen=True)
class AppState:
    """The services, and what works on them: one publisher, the waiting requests, the ids queued of late, the meters."""

    services: Services
    publisher: Publisher
    waiters: Waiters
    queued: Queued
    meter: Meter
    totals: WorkerTotals

    @classmethod
    def from_services(cls, services: Services) -> "AppState":
        """All that an app needs; nothing is connected before it is used."""
        return cls(
            services,
            Publisher(services.connect),
            Waiters(services.store),
            Queued(),
            Meter(metrics.OF_SERVERS),
            WorkerTotals(from_now=True),
        )

    async def backlog(self) -> Backlog:
        """What waits in the broker. Raises Unavailable where it doesn't tell at once."""
        return await answer(self.publisher.ask(lambda broker: broker.backlog()), ANSWER_SECONDS)

    async def workers(self) -> list[WorkerStatus]:
        """The workers that the store knows, whose counts are added to the totals. Raises Unavailable."""
        workers = await anyio.to_thread.run_sync(self.services.store.workers, abandon_on_cancel=True)
        self.totals.take(workers)
        return workers

    async def replay(self, letters: Sequence[DeadLetter]) -> None:
        """Publish dead letters again, then drop them. Raises Unavailable where the broker or the store can't be reached; then they are
        still there. Raises Rejected where the broker never takes one of them, which stays; the others are published."""
        store = self.services.store
        refused = await answer(self.publisher.ask(lambda broker: replay.replay(store, broker, letters)))
        if refused:
            raise refused[0]
        self.queued.add(letter.id for letter in letters)

    def close(self) -> None:
        """End what waits, and publish what is left if that works at once."""
        self.waiters.close()
        self.publisher.close()


async def answer(future: "Future[T]", seconds: float = PATIENCE_SECONDS + 2) -> T:
    """What the publisher's thread says; Unavailable where it says nothing in time."""
    try:
        return await asyncio.wait_for(asyncio.wrap_future(future), seconds)
    except TimeoutError:
        raise Unavailable(f"the broker has not answered for {seconds:.0f} seconds; try again later") from None
