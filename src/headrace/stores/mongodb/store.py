"""The store in MongoDB: many workers write at once, without transactions, so a single server will do as well as a replica set."""

import random
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Self, TypeVar

from bson.errors import BSONError
from pymongo.errors import DuplicateKeyError, PyMongoError

from headrace.belonging import keys_to_erase
from headrace.documents import DeadLetter, Outcome, Result
from headrace.errors import Unavailable
from headrace.ports import (
    FORGET_SECONDS,
    Counts,
    DeadQuery,
    HourCount,
    Page,
    ResultQuery,
    StoredPrediction,
    WorkerStatus,
)
from headrace.stores.mongodb import migrations, queries, workers, writing
from headrace.stores.mongodb.failures import translate
from headrace.stores.mongodb.server import Server
from headrace.stores.mongodb.url import PREFIX, parse
from headrace.stores.mongodb.watch import MongodbWatch

ATTEMPTS = 60  # at a write that collides with those of other writers
LONGEST_PAUSE = 0.05  # seconds between two attempts

T = TypeVar("T")


class MongodbStore:
    """A store in collections of a MongoDB database, which are created if they are missing.

    When `write` has returned, the outcomes are on the disks of most nodes. A `write` that fails or dies may have written a part: repeating
    it completes it, and writes nothing twice. The driver reopens lost connections; a call that cannot wait for that raises Unavailable.
    """

    def __init__(self, address: str, *, prefix: str = PREFIX) -> None:
        self._server = Server(address, prefix)
        self._kept = self._server.collections
        self._closed = False
        try:
            self._prepare()
        except BaseException:
            self.close()
            raise

    @classmethod
    def from_url(cls, url: str) -> Self:
        """`mongodb://user:password@host[:port][,host2…]/database`, with MongoDB's options, and `prefix`."""
        return cls(**parse(url))

    def write(self, outcomes: Sequence[Outcome]) -> None:
        if not outcomes:
            return
        doing = f"writing {len(outcomes)} outcomes to {self._server}"
        if self._insist(doing, lambda: writing.write(self._kept, outcomes)):
            self._prepare()  # somebody may have dropped the collections since they were opened

    def find(self, query: ResultQuery, *, limit: int = 50, page: str | None = None) -> Page[Result]:
        return self._ask(lambda: queries.find(self._kept, query, limit, page))

    def find_dead(self, query: DeadQuery, *, limit: int = 50, page: str | None = None) -> Page[DeadLetter]:
        return self._ask(lambda: queries.find_dead(self._kept, query, limit, page))

    def count(self, query: ResultQuery) -> Counts:
        return self._ask(lambda: queries.count(self._kept, query))

    def count_dead(self, query: DeadQuery) -> dict[str, int]:
        return self._ask(lambda: queries.count_dead(self._kept, query))

    def predictions(self, ids: Sequence[str]) -> dict[str, list[StoredPrediction]]:
        return self._ask(lambda: queries.all_predictions(self._kept, ids))

    def count_by_hour(
        self, model: str, since: datetime | None = None, until: datetime | None = None
    ) -> list[HourCount]:
        return self._ask(lambda: queries.count_by_hour(self._kept, model, since, until))

    def erase(self, ids: Sequence[str], *, authors: Sequence[str] = ()) -> None:
        keys = keys_to_erase(ids, authors)
        doing = f"erasing {len(keys)} ids and authors from {self._server}"
        self._insist(doing, lambda: writing.erase(self._kept, keys))

    def drop(self, burials: Sequence[int]) -> None:
        doing = f"dropping dead letters from {self._server}"
        self._insist(doing, lambda: writing.drop(self._kept, burials))

    def erased(self, keys: Sequence[str]) -> dict[str, int]:
        return self._ask(lambda: writing.erased_at(self._kept, keys))

    def load(self, name: str) -> str | None:
        row = self._ask(lambda: self._kept.cursors.find_one({"_id": name}))
        return None if row is None else str(row["cursor"])

    def save(self, name: str, cursor: str) -> None:
        row = {"_id": name, "cursor": cursor}
        self._ask(lambda: self._kept.cursors.replace_one({"_id": name}, row, upsert=True))

    def cursors(self) -> dict[str, str]:
        rows = self._ask(lambda: list(self._kept.cursors.find()))
        return {row["_id"]: row["cursor"] for row in sorted(rows, key=lambda row: str(row["_id"]))}

    def time(self) -> int:
        return self._ask(self._server.now)

    def beat(self, worker: WorkerStatus, *, forget: float = FORGET_SECONDS) -> None:
        self._ask(lambda: workers.beat(self._kept, worker, self._server.now(), forget))

    def workers(self, *, stopped: bool = False) -> list[WorkerStatus]:
        return self._ask(lambda: workers.listed(self._kept, stopped=stopped))

    def watch(self) -> MongodbWatch:
        return MongodbWatch(self._kept, self._ask)

    def close(self) -> None:
        self._closed = True
        self._server.client.close()

    def warnings(self) -> list[str]:
        return self._ask(self._server.warnings)

    def remove(self) -> None:
        """MongoDB drops the database too, if it has no other collection."""
        if not self._closed:
            self._insist(f"removing the store {self._server}", self._server.remove)
        self.close()

    def _prepare(self) -> None:
        self._insist(f"opening the store {self._server}", lambda: self._server.prepare(migrations.STEPS))

    def _ask(self, work: Callable[[], T]) -> T:
        return self._insist(f"using the store {self._server}", work)

    def _insist(self, doing: str, work: Callable[[], T]) -> T:
        """The work's value; retried with jitter if another writer was first."""
        for attempt in range(ATTEMPTS):
            try:
                return work()
            except (writing.AnotherWasFirst, DuplicateKeyError):
                # Without jitter, writers that collided once would collide again.
                time.sleep(random.uniform(0.0, min(LONGEST_PAUSE, 0.002 * (attempt + 1))))
            except (PyMongoError, BSONError, OverflowError) as error:
                raise translate(error, doing) from error
        raise Unavailable(f"{doing}: another writer was first {ATTEMPTS} times in a row; try again")
