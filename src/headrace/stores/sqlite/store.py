"""The embedded store: an SQLite file that several processes share."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Self

from sqlalchemy import Connection, create_engine, exc, text
from sqlalchemy.dialects import sqlite
from sqlalchemy.pool import QueuePool

from headrace import sqlite_file
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
from headrace.stores.sql import history, migrations, notes, queries, schema
from headrace.stores.sqlite import writing
from headrace.stores.sqlite.watch import SqliteWatch

APPLICATION = 0x48445253
CONNECTIONS = 16  #: that stay open, each with up to 2 MB of pages
MORE_CONNECTIONS = 48  #: that are opened for one call


class SqliteStore:
    """A store in a file. When `write` has returned, the outcomes survive a loss of power."""

    def __init__(self, path: Path | str) -> None:
        self._path = Path(path)
        # The pool hands a connection to one thread at a time; SQLite itself lets one write at a time.
        self._engine = create_engine(
            "sqlite://", creator=self._open, poolclass=QueuePool, pool_size=16, max_overflow=48
        )
        self._open().close()

    @classmethod
    def from_url(cls, url: str) -> Self:
        return cls(sqlite_file.path_of(url))

    def write(self, outcomes: Sequence[Outcome]) -> None:
        if not outcomes:
            return
        with self._writing(f"writing {len(outcomes)} outcomes to {self._path}") as connection:
            writing.write(connection, outcomes)

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
        with self._writing(f"erasing {len(keys)} ids and authors from {self._path}") as connection:
            writing.erase(connection, keys)

    def drop(self, burials: Sequence[int]) -> None:
        with self._writing(f"dropping dead letters from {self._path}") as connection:
            writing.drop(connection, burials)

    def erased(self, keys: Sequence[str]) -> dict[str, int]:
        with self._reading() as connection:
            return notes.erased(connection, keys)

    def load(self, name: str) -> str | None:
        with self._reading() as connection:
            return notes.load_cursor(connection, name)

    def save(self, name: str, cursor: str) -> None:
        with self._reading() as connection:
            notes.save_cursor(connection, name, cursor)

    def cursors(self) -> dict[str, str]:
        with self._reading() as connection:
            return notes.all_cursors(connection)

    def time(self) -> int:
        with self._reading() as connection:
            return _now(connection)

    def beat(self, worker: WorkerStatus, *, forget: float = FORGET_SECONDS) -> None:
        with self._reading() as connection:
            notes.beat(connection, worker, _now(connection), forget)

    def workers(self, *, stopped: bool = False) -> list[WorkerStatus]:
        with self._reading() as connection:
            return notes.list_workers(connection, stopped=stopped)

    def watch(self) -> SqliteWatch:
        return SqliteWatch(self._open)

    def close(self) -> None:
        self._engine.dispose()

    def warnings(self) -> list[str]:
        return sqlite_file.warnings(self._path)

    def remove(self) -> None:
        self.close()
        for path in sqlite_file.files_of(self._path):
            path.unlink(missing_ok=True)

    def _open(self) -> sqlite_file.OpenFile:
        tables = sqlite_file.Tables(APPLICATION, schema.VERSION, schema.ddl(sqlite.dialect()), migrations.SQLITE)
        return sqlite_file.open_file(self._path, kind="store", tables=tables, durable=True)

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with _translated(f"using the store {self._path}"), self._connected() as (connection, _):
            yield connection

    @contextmanager
    def _writing(self, doing: str) -> Iterator[sqlite3.Connection]:
        with (
            _translated(doing),
            self._connected() as (_, connection),
            sqlite_file.transaction(connection, doing),
        ):
            yield connection

    @contextmanager
    def _connected(self) -> Iterator[tuple[Connection, sqlite_file.OpenFile]]:
        """A connection to the file that the path names now: all that have another open are closed."""
        with self._engine.connect() as pooled:
            connection = pooled.connection.driver_connection
            assert isinstance(connection, sqlite_file.OpenFile)
            if not connection.is_current():
                pooled.invalidate()
                self._engine.dispose()
                connection = pooled.connection.driver_connection
                assert isinstance(connection, sqlite_file.OpenFile)
            yield pooled, connection


def _now(connection: Connection) -> int:
    """The time by SQLite's clock, that of the host, in microseconds since the epoch; it tells milliseconds."""
    days: float = connection.execute(text("SELECT julianday('now') - 2440587.5")).scalar_one()
    return round(days * 86_400_000) * 1000


@contextmanager
def _translated(doing: str) -> Iterator[None]:
    try:
        yield
    except exc.DBAPIError as error:
        if isinstance(error.orig, sqlite3.Error):
            raise sqlite_file.translate(error.orig, doing) from error
        raise
    except exc.TimeoutError as error:
        raise Unavailable(f"{doing}: too many calls at once; try again") from error
