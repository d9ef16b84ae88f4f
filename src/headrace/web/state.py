"""What the API and the console share while they run."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, TypeVar

from headrace import metrics
from headrace.documents import DeadLetter
from headrace.errors import Unavailable
from headrace.ingest import ledger
from headrace.meter import Meter
from headrace.operations import replay
from headrace.ports import Backlog, WorkerStatus
from headrace.web.access.connections import most_connections
from headrace.web.admission import MANY, Admission
from headrace.web.api.waiting import ResultWatcher
from headrace.web.backlog import BacklogLimit
from headrace.web.outbox import GRACE_SECONDS, PATIENCE_SECONDS, Outbox
from headrace.web.pool import (
    PREDICTION_THREADS,
    STORE_THREADS,
    Pool,
    SharedCall,
)
from headrace.web.predictions import Predictions
from headrace.web.publishing import Publisher
from headrace.web.recent import RecentIds
from headrace.web.services import Services
from headrace.worker.totals import WorkerTotals

ANSWER_SECONDS = 2.0  #: how long the broker, the store or the models may take to answer a question about their state

T = TypeVar("T")


@dataclass(frozen=True)
class AppState:
    """The services, and what the app itself keeps.

    `outbox` publishes for all requests, `watcher` answers those that wait for results, `recent_ids` are the ids published recently,
    `meter` counts what the server does, and `totals` adds up what the workers count. `predictions` asks the predictor, if there is one.
    Calls of the store run in the pool `asking`, those of the console's predictions in `predicting`. `published` and `predicted` say whether
    one more request to publish or to predict is admitted, `limit` whether the backlog lets any publish.
    """

    services: Services
    outbox: Outbox
    watcher: ResultWatcher
    recent_ids: RecentIds
    meter: Meter
    totals: WorkerTotals
    asking: Pool
    predicting: Pool
    predictions: Predictions | None
    published: Admission
    predicted: Admission
    limit: BacklogLimit
    listing: SharedCall[list[WorkerStatus]]
    ledgers: SharedCall[list[dict[str, Any]]]

    @classmethod
    def from_services(cls, services: Services) -> "AppState":
        """The state of a new app. Nothing is connected before it is used."""
        store = services.store
        many = min(MANY, most_connections(services.settings.limits) // 2)
        asking = Pool("the store", threads=STORE_THREADS)
        outbox = Outbox(services.connect, store.watch)
        return cls(
            services,
            outbox,
            ResultWatcher(store.watch),
            RecentIds(),
            Meter(metrics.OF_SERVERS),
            WorkerTotals(from_now=True),
            asking,
            Pool("predictions", threads=PREDICTION_THREADS),
            None if services.predictor is None else Predictions(services.predictor),
            Admission("the broker", many=many),
            Admission("predictions", many=many),
            BacklogLimit(services.settings.backlog_limit, lambda: _backlog(outbox.publisher)),
            SharedCall(lambda: store.workers(stopped=True)),
            SharedCall(lambda: ledger.table(store)),
        )

    @property
    def publisher(self) -> Publisher:
        """Its thread makes all calls of the broker."""
        return self.outbox.publisher

    async def backlog(self) -> Backlog:
        """The broker's backlog. Raises Unavailable if the broker does not answer within ANSWER_SECONDS."""
        return await _backlog(self.publisher)

    async def workers(self) -> list[WorkerStatus]:
        """The workers that the store knows, those that have stopped included; what they have counted is added to the totals.

        Raises Unavailable if the store does not answer within ANSWER_SECONDS.
        """
        workers = await _in_time(self.listing)
        self.totals.take(workers)
        return workers

    async def sources(self) -> list[dict[str, Any]]:
        """The ledgers of sources, as `ledger.table` has them. Raises Unavailable if the store does not answer within ANSWER_SECONDS."""
        return await _in_time(self.ledgers)

    async def replay(self, letters: Sequence[DeadLetter]) -> None:
        """Publish dead letters again, then drop them.

        Raises Unavailable if the broker or the store can't be reached: the dead letters are still there then. Raises Rejected if the
        broker refuses one of them, which stays; the others are published.
        """
        store = self.services.store
        refused = await wait_for(self.publisher.ask(lambda broker: replay.replay(store, broker, letters)))
        if refused:
            raise refused[0]
        self.recent_ids.add(letter.id for letter in letters)

    def close(self) -> None:
        """Answer the requests that wait, and publish what is left if that works at once."""
        self.watcher.close()
        self.outbox.close()


async def _backlog(publisher: Publisher) -> Backlog:
    return await wait_for(publisher.ask(lambda broker: broker.backlog()), ANSWER_SECONDS)


async def wait_for(future: "Future[T]", seconds: float = PATIENCE_SECONDS + GRACE_SECONDS) -> T:
    """The value of a future of the publisher. Raises Unavailable if it does not come in time."""
    try:
        return await asyncio.wait_for(asyncio.wrap_future(future), seconds)
    except TimeoutError:
        raise Unavailable(f"the broker has not answered for {seconds:.0f} seconds; try again later") from None


async def _in_time(call: SharedCall[T]) -> T:
    """What the store answers. Raises Unavailable if it does not within ANSWER_SECONDS."""
    try:
        return await asyncio.wait_for(call.value(), ANSWER_SECONDS)
    except TimeoutError:
        raise Unavailable(f"the store has not answered for {ANSWER_SECONDS:.0f} seconds; try again later") from None
