"""The store in PostgreSQL: many workers write at once, and wait for each other only if they write the same rows.

A batch is written in one transaction, by COPY. Nothing is locked beforehand: if two write the same new document, or the same new answer,
a unique index refuses the second, which tries again and finds what the first has written.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Self

from sqlalchemy import Connection

from headrace.belonging import keys_to_erase
from headrace.documents import DeadLetter, Outcome, Result
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
from headrace.stores.postgresql import tables, writing
from headrace.stores.postgresql.pool import Pool
from headrace.stores.postgresql.server import Server, now
from headrace.stores.postgresql.url import parse
from headrace.stores.postgresql.watch import PostgresqlWatch
from headrace.stores.sql import history, notes, queries
from headrace.stores.sql.schema import VERSION


class PostgresqlStore:
    """A store in a schema of a PostgreSQL database (15 or newer), which is created if it is missing.

    When `write` has returned, the outcomes survive a loss of power, unless the server's `synchronous_commit` or `fsync` is off. A lost
    connection is opened again by the next call; the call that loses it raises Unavailable.
    """

    def __init__(self, conninfo: str, *, schema: str = "headrace") -> None:
        self._server = Server(conninfo, schema)
        self._pool = Pool(self._server)
        doing = f"opening the store {self._server}"
        try:
            if self._pool.ask(doing, tables.version) != VERSION:
                self._pool.transact(doing, lambda open_: tables.prepare(open_, doing))
        except BaseException:
            self.close()
            raise

    @classmethod
    def from_url(cls, url: str) -> Self:
        """`postgresql://user:password@host[:port][,host2…]/database`, with libpq's parameters, and `schema`."""
        return cls(**parse(url))

    def write(self, outcomes: Sequence[Outcome]) -> None:
        if not outcomes:
            return
        doing = f"writing {len(outcomes)} outcomes to {self._server}"
        self._pool.transact(doing, lambda open_: writing.write(open_, outcomes), writing.BEHIND, tells=bool)

    def find(self, query: ResultQuery, *, limit: int = 50, page: str | None = None) -> Page[Result]:
        with self._reading() as connection:
            return queries.find(connection, query, limit, page)

    def find_dead(self, query: DeadQuery, *, limit: int = 50, page: str | None = None) -> Page[DeadLetter]:
        with self._reading() as connection:
            return queries.find_dead(connection, query, limit, page)

    def count(self, query: ResultQuery) -> Counts:
        with self._reading() as connection:
            return queries.count(connection, query)

    def count_dead(self, query: DeadQuery) -> dict[str, int]:
        with self._reading() as connection:
            return queries.count_dead(connection, query)

    def predictions(self, ids: Sequence[str]) -> dict[str, list[StoredPrediction]]:
        with self._reading() as connection:
            return history.all_predictions(connection, ids)

    def count_by_hour(
        self, model: str, since: datetime | None = None, until: datetime | None = None
    ) -> list[HourCount]:
        with self._reading() as connection:
            return history.count_by_hour(connection, model, since, until)

    def erase(self, ids: Sequence[str], *, authors: Sequence[str] = ()) -> None:
        keys = keys_to_erase(ids, authors)
        doing = f"erasing {len(keys)} ids and authors from {self._server}"
        self._pool.transact(doing, lambda open_: writing.erase(open_, keys))

    def drop(self, burials: Sequence[int]) -> None:
        doing = f"dropping dead letters from {self._server}"
        self._pool.transact(doing, lambda open_: writing.drop(open_, burials))

    def erased(self, keys: Sequence[str]) -> dict[str, int]:
        with self._reading() as connection:
            return notes.erased(connection, keys)

    def load(self, name: str) -> str | None:
        with self._reading() as connection:
            return notes.load_cursor(connection, name)

    def save(self, name: str, cursor: str) -> None:
        with self._writing() as connection:
            notes.save_cursor(connection, name, cursor)

    def cursors(self) -> dict[str, str]:
        with self._reading() as connection:
            return notes.all_cursors(connection)

    def time(self) -> int:
        with self._reading() as connection:
            return now(connection)

    def beat(self, worker: WorkerStatus, *, forget: float = FORGET_SECONDS) -> None:
        with self._writing() as connection:
            notes.beat(connection, worker, now(connection), forget)

    def workers(self, *, stopped: bool = False) -> list[WorkerStatus]:
        with self._reading() as connection:
            return notes.list_workers(connection, stopped=stopped)

    def watch(self) -> PostgresqlWatch:
        return PostgresqlWatch(self._server)

    def close(self) -> None:
        self._pool.close()

    def warnings(self) -> list[str]:
        losses = self._pool.ask(f"asking {self._server} for its settings", tables.losses)
        return [f"{self._server}: {told}" for told in losses]

    def remove(self) -> None:
        """The schema is dropped too, unless it contains something else."""
        doing = f"removing the store {self._server}"
        self._pool.transact(doing, tables.remove)
        self.close()

    def _reading(self) -> AbstractContextManager[Connection]:
        return self._pool.begun(f"using the store {self._server}", "READ ONLY")

    def _writing(self) -> AbstractContextManager[Connection]:
        return self._pool.begun(f"using the store {self._server}", "READ WRITE")
