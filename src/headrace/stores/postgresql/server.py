"""The PostgreSQL server of a store: its address, connections to it, its tables, and the translation of its errors."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

import psycopg
from psycopg import conninfo, errors, sql
from sqlalchemy.dialects import postgresql

from headrace.errors import HeadraceError, Misconfigured, Rejected, Unavailable
from headrace.stores.sql import migrations
from headrace.stores.sql import schema as tables

# Without these, libpq waits as long as the kernel does. The URL overrides them. Seconds; the last in milliseconds.
PATIENCE: Mapping[str, Any] = {
    "application_name": "headrace",
    "connect_timeout": 10,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 4,
    "tcp_user_timeout": 30_000,
}
LOSES: Mapping[str, str] = {
    "fsync": "a loss of power can lose what was written, and damage the rest",
    "full_page_writes": "a loss of power can damage what was written",
    "synchronous_commit": "a crash of the server can lose what was written last, though it was confirmed",
}
# A refusal while connecting has no error code, only a message.
_REFUSED = re.compile(
    r"password authentication failed|no password supplied|does not exist|no pg_hba\.conf entry|permission denied"
    r"|not permitted to log in|authentication failed|SSL negotiation|does not support SSL|connection option|unsupported frontend"
)


class Server:
    """The server and schema of a store. `str` gives host and database, without the password."""

    def __init__(self, address: str, schema: str) -> None:
        try:
            parsed = conninfo.conninfo_to_dict(address)
        except psycopg.Error as error:
            raise Misconfigured(f"the address of a PostgreSQL store cannot be read: {error}".strip()) from None
        self._options = {**PATIENCE, **parsed}
        self._schema = schema
        self._named = (
            f"postgresql://{parsed.get('host', 'localhost')}:{parsed.get('port', 5432)}/{parsed.get('dbname', '')}"
        )

    def __str__(self) -> str:
        return self._named

    @staticmethod
    def parse(url: str) -> dict[str, str]:
        """The keyword arguments of the store that a URL describes."""
        parts = urlsplit(url)
        # The rest is left as it is: libpq takes a + literally.
        parameters = parts.query.split("&")
        schema = [unquote(part.removeprefix("schema=")) for part in parameters if part.startswith("schema=")]
        rest = "&".join(part for part in parameters if not part.startswith("schema="))
        return {"conninfo": urlunsplit(parts._replace(query=rest)), "schema": schema[-1] if schema else "headrace"}

    def open(self) -> psycopg.Connection[Any]:
        """A connection that begins no transaction by itself, in the store's schema.

        Raises Unavailable, or Misconfigured if the server refuses the credentials, the database or the parameters.
        """
        doing = f"connecting to {self}"
        try:
            # A prepared plan made for an empty table would be used long after the table has grown, so none is kept.
            connection = psycopg.connect(**self._options, autocommit=True, prepare_threshold=None)
        except psycopg.Error as error:
            message = _message(error)
            if isinstance(error, psycopg.ProgrammingError) or _REFUSED.search(message):
                raise Misconfigured(
                    f"{doing}: {message}; check user, password, database and parameters of the URL"
                ) from error
            raise Unavailable(f"{doing}: {message}") from error
        try:
            # Nor may a plan depend on when the tables were last analysed: every query has an index.
            connection.execute(
                "SELECT set_config('search_path', quote_ident(%s), false), set_config('enable_seqscan', 'off', false)",
                (self._schema,),
            )
        except psycopg.Error as error:
            connection.close()
            raise translate(error, doing) from error
        return connection

    def prepare(self) -> None:
        """Create the tables if they are missing, and take those of an earlier version forward; all or nothing.

        Raises Misconfigured for those of a newer Headrace.
        """
        doing = f"opening the store {self}"
        try:
            with self.open() as connection, connection.transaction():
                found = self._version(connection)
                if found is None or found < tables.VERSION:
                    # One process at a time; those that waited find it done.
                    connection.execute(
                        "SELECT pg_advisory_xact_lock(hashtextextended('headrace ' || %s, 0))", (self._schema,)
                    )
                    found = self._version(connection)
                    if found is None:
                        self._create(connection)
                    else:
                        self._upgrade(connection, found)
        except psycopg.Error as error:
            raise translate(error, doing) from error
        if found is not None and found > tables.VERSION:
            raise Misconfigured(
                f"{doing}: its tables were made by a newer Headrace (version {found}, this one knows {tables.VERSION}); upgrade Headrace"
            )

    def warnings(self, connection: psycopg.Connection[Any]) -> list[str]:
        """Settings with which what was committed can be lost."""
        rows = connection.execute("SELECT name, setting FROM pg_settings WHERE name = ANY(%s)", (list(LOSES),))
        return [
            f"{self}: {name} is {value}: {LOSES[name]}; set it to on" for name, value in sorted(rows) if value == "off"
        ]

    def remove(self, connection: psycopg.Connection[Any]) -> None:
        """Drop the tables, and the schema if it contains nothing else."""
        for name in ("about", *tables.metadata.tables):
            connection.execute(sql.SQL("DROP TABLE IF EXISTS {} CASCADE").format(sql.Identifier(self._schema, name)))
        try:
            with connection.transaction():
                connection.execute(sql.SQL("DROP SCHEMA IF EXISTS {} RESTRICT").format(sql.Identifier(self._schema)))
        except errors.DependentObjectsStillExist:
            pass  # it contains tables of others

    def _version(self, connection: psycopg.Connection[Any]) -> int | None:
        # The catalogue is read as a table: to_regclass uses a cache that may date from before this transaction waited.
        there = connection.execute(
            "SELECT FROM pg_catalog.pg_tables WHERE schemaname = %s AND tablename = 'about'", (self._schema,)
        ).fetchone()
        if there is None:
            return None
        found = connection.execute("SELECT version FROM about").fetchone()
        return None if found is None else int(found[0])

    def _create(self, connection: psycopg.Connection[Any]) -> None:
        there = connection.execute("SELECT FROM pg_catalog.pg_namespace WHERE nspname = %s", (self._schema,)).fetchone()
        if there is None:
            connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(self._schema)))
        for statement in tables.ddl(postgresql.dialect()):  # type: ignore[no-untyped-call]
            connection.execute(sql.SQL(statement))
        connection.execute("CREATE TABLE about (version integer NOT NULL)")
        connection.execute("INSERT INTO about VALUES (%s)", (tables.VERSION,))

    def _upgrade(self, connection: psycopg.Connection[Any], found: int) -> None:
        for version in range(found, tables.VERSION):
            for statement in migrations.POSTGRESQL[version]:
                connection.execute(sql.SQL(statement))
        connection.execute("UPDATE about SET version = greatest(version, %s)", (tables.VERSION,))


def translate(error: psycopg.Error, doing: str) -> HeadraceError:
    """The error to raise for one of PostgreSQL's."""
    message = _message(error)
    state = error.sqlstate or ""
    if isinstance(error, errors.InsufficientPrivilege):
        return Misconfigured(
            f"{doing}: {message}; grant the user CREATE on the database, or ownership of the store's schema"
        )
    if isinstance(error, errors.ReadOnlySqlTransaction):
        return Unavailable(
            f"{doing}: the server only reads; name the primary, or add target_session_attrs=read-write to the URL"
        )
    if isinstance(error, errors.DiskFull):
        return Unavailable(f"{doing}: the server's disk is full; free some space there, and it goes on by itself")
    if state[:2] in ("22", "23", "54") or (not state and isinstance(error, psycopg.DataError)):
        return Rejected(f"{doing}: the server can never store it ({message})")
    # An error without a state is one of the connection.
    lost = not state and isinstance(error, (psycopg.OperationalError, psycopg.InterfaceError))
    if lost or state[:2] in ("08", "40", "53", "55", "57", "58", "XX"):
        return Unavailable(f"{doing}: {message}")
    return Misconfigured(f"{doing}: {message}")


def _message(error: psycopg.Error) -> str:
    return " ".join(str(error).split())
