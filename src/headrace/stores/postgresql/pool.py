"""The connections of a store, and the transactions in them."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

import psycopg
from psycopg import errors
from sqlalchemy import Connection, create_engine, exc
from sqlalchemy.pool import QueuePool

from headrace.errors import Unavailable
from headrace.stores.postgresql.failures import translate
from headrace.stores.postgresql.server import Mode, Open, Server, begin, ended, notify

NOTHING: Mapping[str, Callable[[Open], object]] = {}
ATTEMPTS = 30  # at a transaction that collides with those of other writers

T = TypeVar("T")


class Pool:
    """Hands a connection to one thread at a time. Nothing is remembered of a server beyond its connections."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._engine = create_engine(
            "postgresql+psycopg://",
            creator=server.open,
            poolclass=QueuePool,
            pool_size=4,
            max_overflow=28,
            isolation_level="AUTOCOMMIT",
            use_native_hstore=False,
            execution_options={"schema_translate_map": {None: server.schema}},
        )

    @contextmanager
    def begun(self, doing: str, mode: Mode) -> Iterator[Connection]:
        """A connection in a transaction, which is committed at the end. `doing` begins the messages of errors."""
        with self._translated(doing), self._begun(mode) as (connection, _):
            yield connection

    def ask(self, doing: str, work: Callable[[Open], T]) -> T:
        """The work's value, in a transaction that only reads: a standby will do."""
        with self._translated(doing), self._begun("READ ONLY") as (_, driven):
            return work(Open(driven, self._server.schema))

    def transact(
        self,
        doing: str,
        work: Callable[[Open], T],
        mend: Mapping[str, Callable[[Open], object]] = NOTHING,
        tells: Callable[[T], bool] = lambda _: False,
    ) -> T:
        """The work's value, in a transaction that writes; retried if another writer was first.

        `mend`: what to do before trying again if a constraint of this name was violated. `tells`: whether those who watch the store are
        told of what the work has done.
        """
        with self._translated(doing):
            for _ in range(ATTEMPTS):
                try:
                    with self._borrowed("READ WRITE") as (_, driven):
                        with ended(driven):
                            done = work(Open(driven, self._server.schema))
                        if tells(done):
                            notify(driven, self._server.schema)
                        return done
                except errors.UniqueViolation as error:
                    if mending := mend.get(error.diag.constraint_name or ""):
                        with self._begun("READ WRITE") as (_, driven):
                            mending(Open(driven, self._server.schema))
                except (errors.DeadlockDetected, errors.SerializationFailure):
                    continue
        raise Unavailable(f"{doing}: another writer was first {ATTEMPTS} times in a row; try again")

    def close(self) -> None:
        """May be called twice."""
        self._engine.dispose()

    @contextmanager
    def _begun(self, mode: Mode) -> Iterator[tuple[Connection, psycopg.Connection[Any]]]:
        with self._borrowed(mode) as (pooled, driven), ended(driven):
            yield pooled, driven

    @contextmanager
    def _borrowed(self, mode: Mode) -> Iterator[tuple[Connection, psycopg.Connection[Any]]]:
        """A connection on which a transaction has begun, which the caller ends."""
        with self._engine.connect() as pooled:
            driven = _driven(pooled)
            try:
                begin(driven, mode)
            except psycopg.Error:
                if not driven.closed:
                    raise
                # It was closed while nobody used it, and nothing was done yet: a new one does as well.
                self._forget(pooled)
                driven = _driven(pooled)
                begin(driven, mode)
            try:
                yield pooled, driven
            finally:
                if driven.closed:
                    self._forget(pooled)

    def _forget(self, pooled: Connection) -> None:
        """Forget a connection that is closed, and all that wait for their turn: what closed it has mostly closed them too."""
        pooled.invalidate()
        self._engine.dispose()

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


def _driven(pooled: Connection) -> psycopg.Connection[Any]:
    """The driver's own connection; another one after the last was forgotten."""
    connection = pooled.connection.driver_connection
    assert isinstance(connection, psycopg.Connection)
    return connection
