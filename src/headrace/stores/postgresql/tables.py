"""The tables of a store in PostgreSQL: made, taken forward, and removed; and the server's settings that lose what is in them."""

from collections.abc import Mapping

from psycopg import errors, sql
from sqlalchemy.dialects import postgresql

from headrace.errors import Misconfigured
from headrace.stores.postgresql.server import Open
from headrace.stores.sql import migrations
from headrace.stores.sql.schema import VERSION, ddl, metadata

LOSES: Mapping[str, str] = {
    "fsync": "a loss of power can lose what was written, and damage the rest",
    "full_page_writes": "a loss of power can damage what was written",
    "synchronous_commit": "a crash of the server can lose what was written last, though it was confirmed",
}


def prepare(open_: Open, doing: str) -> None:
    """Create the tables if they are missing, and take those of an earlier version forward; all or nothing.

    Raises Misconfigured for those of a newer Headrace.
    """
    found = version(open_)
    if found is None or found < VERSION:
        # One process at a time; those that waited find it done.
        open_.execute("SELECT pg_advisory_xact_lock(hashtextextended('headrace ' || %s, 0))", (open_.schema,))
        # Only here are names without their schema, until the transaction ends.
        open_.execute("SELECT set_config('search_path', quote_ident(%s), true)", (open_.schema,))
        found = version(open_)
        if found is None:
            _create(open_)
        else:
            _upgrade(open_, found)
    if found is not None and found > VERSION:
        raise Misconfigured(
            f"{doing}: its tables were made by a newer Headrace"
            f" (version {found}, this one knows {VERSION}); upgrade Headrace"
        )


def remove(open_: Open) -> None:
    """Drop the tables, and the schema if it contains nothing else."""
    for name in ("about", *metadata.tables):
        open_.connection.execute(sql.SQL("DROP TABLE IF EXISTS {} CASCADE").format(sql.Identifier(open_.schema, name)))
    try:
        with open_.connection.transaction():
            open_.connection.execute(sql.SQL("DROP SCHEMA IF EXISTS {} RESTRICT").format(sql.Identifier(open_.schema)))
    except errors.DependentObjectsStillExist:
        pass  # it contains tables of others


def losses(open_: Open) -> list[str]:
    """Settings with which what was committed can be lost."""
    rows = open_.execute("SELECT name, setting FROM pg_settings WHERE name = ANY(%s)", (list(LOSES),))
    return [f"{name} is {value}: {LOSES[name]}; set it to on" for name, value in sorted(rows) if value == "off"]


def version(open_: Open) -> int | None:
    """The version of the tables, or None if there are none."""
    # The catalogue is read as a table: to_regclass uses a cache that may date from before this transaction waited.
    there = open_.execute(
        "SELECT FROM pg_catalog.pg_tables WHERE schemaname = %s AND tablename = 'about'", (open_.schema,)
    ).fetchone()
    if there is None:
        return None
    found = open_.execute("SELECT version FROM {}about").fetchone()
    return None if found is None else int(found[0])


def _create(open_: Open) -> None:
    there = open_.execute("SELECT FROM pg_catalog.pg_namespace WHERE nspname = %s", (open_.schema,)).fetchone()
    if there is None:
        open_.connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(open_.schema)))
    for statement in ddl(postgresql.dialect()):  # type: ignore[no-untyped-call]
        open_.connection.execute(sql.SQL(statement))
    open_.execute("CREATE TABLE {}about (version integer NOT NULL)")
    open_.execute("INSERT INTO {}about VALUES (%s)", (VERSION,))


def _upgrade(open_: Open, found: int) -> None:
    for step in range(found, VERSION):
        for statement in migrations.POSTGRESQL[step]:
            if callable(statement):
                statement(open_.connection)
            else:
                open_.connection.execute(sql.SQL(statement))
    open_.execute("UPDATE {}about SET version = greatest(version, %s)", (VERSION,))
