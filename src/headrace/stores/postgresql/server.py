"""The PostgreSQL server of a store: connections to it, and transactions in which nothing depends on the state of a session."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Literal

import psycopg
from psycopg import sql
from sqlalchemy import Connection, text

from headrace.stores.postgresql.failures import refused
from headrace.stores.postgresql.url import options_of

Mode = Literal["READ ONLY", "READ WRITE"]


class Server:
    """The server and schema of a store. `str` gives hosts and database, without the password."""

    def __init__(self, address: str, schema: str) -> None:
        self._options = options_of(address)
        self.schema = schema
        host, port = self._options.get("host", "localhost"), self._options.get("port", 5432)
        self._named = f"postgresql://{host}:{port}/{self._options.get('dbname', '')}"

    def __str__(self) -> str:
        return self._named

    def open(self) -> psycopg.Connection[Any]:
        """A connection that begins no transaction by itself.

        Raises Unavailable, or Misconfigured if the server refuses the credentials, the database or the parameters.
        """
        try:
            # Without prepared statements: a pool may hand the next transaction to a server that doesn't know them, and a plan made for an
            # empty table would be used long after the table has grown.
            return psycopg.connect(**self._options, autocommit=True, prepare_threshold=None)
        except psycopg.Error as error:
            raise refused(error, f"connecting to {self}") from error


def begin(connection: psycopg.Connection[Any], mode: Mode) -> None:
    """Begin a transaction. Whatever a role, a database or a former user of the session has set, it is the same.

    Nothing that is set here outlives the transaction: in a pool, the session goes on to others. No plan may depend on when the tables were
    last analysed: every query has an index.
    """
    connection.execute(f"BEGIN ISOLATION LEVEL READ COMMITTED {mode}; SET LOCAL enable_seqscan = off")


@contextmanager
def ended(connection: psycopg.Connection[Any]) -> Iterator[None]:
    """End the transaction that has begun: committed at the end, rolled back after an error."""
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if not connection.closed:
            connection.rollback()
        raise


def notify(connection: psycopg.Connection[Any], schema: str) -> None:
    """Tell those who watch a store of what was committed on this connection.

    In a transaction of its own: as a part of the one that writes, it would make all writers wait for each other's disk. If it fails, those
    who watch find what is new by looking, a little later.
    """
    with suppress(psycopg.Error):
        connection.execute(f"NOTIFY {identifier(schema)}")


def identifier(name: str) -> str:
    """A name as an identifier of SQL."""
    return sql.Identifier(name).as_string(None)


@dataclass(frozen=True, slots=True)
class Open:
    """A connection in a transaction, and the schema of the store. In statements `{}` stands before the name of each of its tables."""

    connection: psycopg.Connection[Any]
    schema: str

    def execute(self, statement: str, values: Sequence[Any] = ()) -> psycopg.Cursor[Any]:
        """Run a statement."""
        schema = identifier(self.schema).replace("%", "%%")
        return self.connection.execute(sql.SQL(statement.replace("{}", f"{schema}.")), tuple(values))

    def copy(self, table: str, columns: str, rows: Sequence[tuple[Any, ...]]) -> None:
        """Add rows to a table. `columns` are names with types, separated by commas.

        Raises `psycopg.Error`.
        """
        if not rows:
            return
        pairs = [column.split() for column in columns.split(", ")]
        names = sql.SQL(", ").join(sql.Identifier(name) for name, _ in pairs)
        into = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(sql.Identifier(self.schema, table), names)
        try:
            with self.connection.cursor().copy(into) as copy:
                copy.set_types([kind for _, kind in pairs])
                for row in rows:
                    copy.write_row(row)
        except ValueError as error:
            if not self.connection.closed:
                raise
            # psycopg expects one answer to a copy; PgBouncer tells of a session that has ended, and then of the connection that it closes.
            raise psycopg.OperationalError("the session ended while rows were copied") from error


def now(connection: Connection) -> int:
    """The time by the server's clock, in microseconds since the epoch."""
    told = connection.execute(text("SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint"))
    return int(told.scalar_one())
