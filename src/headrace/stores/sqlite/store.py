"""The embedded store: an SQLite file that several processes share."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from sqlalchemy import Connection, Executable, create_engine, delete, exc, select
from sqlalchemy.dialects import sqlite
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.pool import QueuePool

from headrace import sqlite_file
from headrace.documents import Outcome, microseconds
from headrace.errors import Unavailable
from headrace.ports import Page, Query, WorkerStatus
from headrace.stores.sql import queries, schema
from headrace.stores.sqlite.writing import IN, as_json, write

APPLICATION = 0x48445253


class SqliteStore:
    """A store in a file; what `write` has returned for survives a loss of power."""

    def __init__(self, path: Path | str) -> None:
        self._path = Path(path)
        self._names: dict[str, int] = {}
        # The pool hands a connection to one thread at a time; SQLite itself lets one write at a time.
        self._engine = create_engine("sqlite://", creator=self._open, poolclass=QueuePool, pool_size=4, max_overflow=60)
        self._open().close()

    @classmethod
    def from_url(cls, url: str) -> Self:
        return cls(sqlite_file.path_of(url))

    def write(self, outcomes: Sequence[Outcome]) -> None:
        if not outcomes:
            return
        with self._writing(f"writing {len(outcomes)} outcomes to {self._path}") as connection:
            names = write(connection, outcomes, self._names)
        self._names = names  # only what was committed

    def find(self, query: Query, *, limit: int = 50, page: str | None = None) -> Page:
        with self._reading() as connection:
            return queries.find(connection, query, limit, page)

    def count(self, query: Query) -> dict[str, int]:
        with self._reading() as connection:
            return queries.count(connection, query)

    def erase(self, ids: Sequence[str]) -> None:
        keys = {identity: schema.key_of(identity) for identity in ids}
        now = microseconds()
        with self._writing(f"erasing {len(keys)} documents from {self._path}") as connection:
            rows = connection.execute(
                f"SELECT n, id, published_at FROM documents WHERE key {IN}", (as_json(keys.values()),)
            )
            numbers, times = [], dict.fromkeys(keys, now)
            for number, identity, published_at in rows:
                if identity in keys:
                    numbers.append(number)
                    # A clock that was set back must not make the tombstone older than what it erases.
                    times[identity] = max(now, published_at or 0)
            erased = as_json(numbers)
            connection.execute(
                "INSERT INTO counts SELECT model, label, -count(*) FROM answers WHERE document IN (SELECT value FROM json_each(?1))"
                " GROUP BY model, label UNION ALL SELECT 0, 0, -json_array_length(?1)"
                " ON CONFLICT (model, label) DO UPDATE SET total = total + excluded.total",
                (erased,),
            )
            for table, column in (("answers", "document"), ("predictions", "document"), ("documents", "n")):
                connection.execute(f"DELETE FROM {table} WHERE {column} {IN}", (erased,))
            connection.executemany(
                "DELETE FROM dead_letters WHERE key = ? AND id = ?", ((key, name) for name, key in keys.items())
            )
            connection.executemany(
                "INSERT INTO tombstones VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET erased_at = max(erased_at, excluded.erased_at)",
                ((key, times[name]) for name, key in keys.items()),
            )

    def drop(self, burials: Sequence[int]) -> None:
        with self._writing(f"dropping dead letters from {self._path}") as connection:
            connection.execute(f"DELETE FROM dead_letters WHERE burial {IN}", (as_json(burials),))

    def load(self, name: str) -> str | None:
        with self._reading() as connection:
            cursor: str | None = connection.execute(
                select(schema.cursors.c.cursor).where(schema.cursors.c.name == name)
            ).scalar()
            return cursor

    def save(self, name: str, cursor: str) -> None:
        statement = insert(schema.cursors).values(name=name, cursor=cursor)
        self._execute(statement.on_conflict_do_update(index_elements=["name"], set_={"cursor": cursor}))

    def beat(self, worker: WorkerStatus) -> None:
        if worker.state == "stopped":
            self._execute(delete(schema.workers).where(schema.workers.c.name == worker.name))
            return
        row = queries.worker_row(worker)
        self._execute(insert(schema.workers).values(row).on_conflict_do_update(index_elements=["name"], set_=row))
        self._execute(queries.forget_workers(worker))

    def workers(self) -> list[WorkerStatus]:
        with self._reading() as connection:
            return queries.list_workers(connection)

    def close(self) -> None:
        self._engine.dispose()

    def warnings(self) -> list[str]:
        return sqlite_file.warnings(self._path)

    def remove(self) -> None:
        self.close()
        for path in sqlite_file.files_of(self._path):
            path.unlink(missing_ok=True)

    def _open(self) -> sqlite3.Connection:
        tables = sqlite_file.Tables(
            APPLICATION, schema.VERSION, schema.ddl(sqlite.dialect()), schema.steps(sqlite.dialect())
        )
        return sqlite_file.open_file(self._path, kind="store", tables=tables, durable=True)

    def _execute(self, statement: Executable) -> None:
        with self._reading() as connection:
            connection.execute(statement)

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with _translated(f"using the store {self._path}"), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def _writing(self, doing: str) -> Iterator[sqlite3.Connection]:
        with _translated(doing), self._engine.connect() as pooled:
            connection = pooled.connection.driver_connection
            assert isinstance(connection, sqlite3.Connection)
            with sqlite_file.transaction(connection, doing):
                yield connection


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
