"""The store in PostgreSQL: many workers write at once, and wait for each other only if they write the same rows.

A batch is written in one transaction, by COPY. Nothing is locked beforehand: if two write the same new document, or the same new answer,
a unique index refuses the second, which tries again and finds what the first has written.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Self, TypeVar

import psycopg
from psycopg import errors
from sqlalchemy import Connection, create_engine, exc
from sqlalchemy.pool import QueuePool

from headrace.documents import DeadLetter, Outcome, Result
from headrace.errors import Unavailable
from headrace.ports import Counts, DeadQuery, HourCount, Page, ResultQuery, StoredPrediction, WorkerStatus
from headrace.stores.postgresql import writing
from headrace.stores.postgresql.server import Server, translate
from headrace.stores.sql import history, notes, queries

ATTEMPTS = 30  # at a transaction that collides with those of other writers

T = TypeVar("T")


class PostgresqlStore:
    """A store in a schema of a PostgreSQL database (15 or newer), which is created if it is missing.

    When `write` has returned, the outcomes survive a loss of power, unless the server's `synchronous_commit` or `fsync` is off. A lost
    connection is opened again by the next call; the call that loses it raises Unavailable.
    """

    def __init__(self, conninfo: str, *, schema: str = "headrace") -> None:
        self._server = Server(conninfo, schema)
        self._names: dict[str, int] = {}
        # The pool hands a connection to one thread at a time.
        self._engine = create_engine(
            "postgresql+psycopg://",
            creator=self._server.open,
            poolclass=QueuePool,
            pool_size=4,
            max_overflow=28,
            isolation_level="AUTOCOMMIT",
            use_native_hstore=False,
        )
        self._server.prepare()

    @classmethod
    def from_url(cls, url: str) -> Self:
        """`postgresql://user:password@host[:port][,host2…]/database`, with libpq's parameters, and `schema`."""
        return cls(**Server.parse(url))

    def write(self, outcomes: Sequence[Outcome]) -> None:
        if not outcomes:
            return
        doing = f"writing {len(outcomes)} outcomes to {self._server}"
        # Only names that were committed are remembered.
        self._names = self._transact(doing, lambda open_: writing.write(open_, outcomes, self._names))

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

    def erase(self, ids: Sequence[str]) -> None:
        doing = f"erasing {len(ids)} documents from {self._server}"
        self._transact(doing, lambda open_: writing.erase(open_, ids))

    def drop(self, burials: Sequence[int]) -> None:
        doing = f"dropping dead letters from {self._server}"
        self._transact(doing, lambda open_: writing.drop(open_, burials))

    def load(self, name: str) -> str | None:
        with self._reading() as connection:
            return notes.load_cursor(connection, name)

    def save(self, name: str, cursor: str) -> None:
        with self._reading() as connection:
            notes.save_cursor(connection, name, cursor)

    def beat(self, worker: WorkerStatus) -> None:
        with self._reading() as connection:
            notes.beat(connection, worker)

    def workers(self, *, stopped: bool = False) -> list[WorkerStatus]:
        with self._reading() as connection:
            return notes.list_workers(connection, stopped=stopped)

    def close(self) -> None:
        self._engine.dispose()

    def warnings(self) -> list[str]:
        with self._translated(f"asking {self._server} for its settings"), self._server.open() as connection:
            return self._server.warnings(connection)

    def remove(self) -> None:
        """The schema is dropped too, unless it contains something else."""
        self._transact(f"removing the store {self._server}", self._server.remove)
        self.close()

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with self._translated(f"using the store {self._server}"), self._engine.connect() as connection:
            yield connection

    def _transact(self, doing: str, work: Callable[[psycopg.Connection[Any]], T]) -> T:
        """The work's value, in a transaction; retried if another writer was first."""
        for _ in range(ATTEMPTS):
            with self._translated(doing), self._engine.connect() as pooled:
                connection = pooled.connection.driver_connection
                assert isinstance(connection, psycopg.Connection)
                try:
                    with connection.transaction():
                        return work(connection)
                except (errors.UniqueViolation, errors.DeadlockDetected, errors.SerializationFailure):
                    continue
                except psycopg.Error:
                    if connection.closed:
                        pooled.invalidate()
                    raise
        raise Unavailable(f"{doing}: another writer was first {ATTEMPTS} times in a row; try again")

    @contextmanager
    def _translated(self, doing: str) -> Iterator[None]:
        try:
            yield
        except psycopg.Error as error:
            raise translate(error, doing) from error
        except exc.DBAPIError as error:
            if isinstance(error.orig, psycopg.Error):
                raise translate(error.orig, doing) from error
            raise
        except exc.TimeoutError as error:
            raise Unavailable(f"{doing}: too many calls at once; try again") from error
