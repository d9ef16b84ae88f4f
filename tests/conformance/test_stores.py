"""The suites of stores, over every adapter."""

import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest

from headrace.ports import StoreAdapter
from headrace.stores.memory import MemoryStore
from headrace.stores.mongodb import MongodbStore
from headrace.stores.postgresql import PostgresqlStore
from headrace.stores.sqlite import SqliteStore
from headrace.testing.dead_letters import DeadLetterSuite
from headrace.testing.erasing import ErasingSuite
from headrace.testing.history import HistorySuite
from headrace.testing.progress import ProgressSuite
from headrace.testing.queries import QuerySuite
from headrace.testing.stores import Connect, StoreSuite
from headrace.testing.watching import WatchSuite

ADAPTERS = ("memory", "sqlite", "postgresql", "pgbouncer", "mongodb")


@pytest.fixture(params=ADAPTERS)
def connect(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Connect]:
    """A function: each call opens a connection of its own to one empty store."""
    name = f"suite_{secrets.token_hex(6)}"
    made: Callable[[], StoreAdapter]
    if request.param == "memory":
        made = MemoryStore().connect
    elif request.param == "sqlite":
        made = lambda: SqliteStore(tmp_path / "store.db")  # noqa: E731
    elif request.param in ("postgresql", "pgbouncer"):
        server: str = request.getfixturevalue(request.param)
        made = lambda: PostgresqlStore(server, schema=name)  # noqa: E731
    else:
        server = request.getfixturevalue("mongodb")
        made = lambda: MongodbStore(f"{server}headrace", prefix=name)  # noqa: E731
    with ExitStack() as opened:

        def connect() -> StoreAdapter:
            store = made()
            opened.callback(store.close)
            return store

        yield connect
        if request.param == "mongodb":
            connect().remove()
    if request.param in ("postgresql", "pgbouncer"):
        with psycopg.connect(server) as connection:
            connection.execute(f"DROP SCHEMA IF EXISTS {name} CASCADE")


class TestStores(StoreSuite):
    pass


class TestErasing(ErasingSuite):
    pass


class TestDeadLetters(DeadLetterSuite):
    pass


class TestQueries(QuerySuite):
    pass


class TestHistory(HistorySuite):
    pass


class TestProgress(ProgressSuite):
    pass


class TestWatches(WatchSuite):
    pass
