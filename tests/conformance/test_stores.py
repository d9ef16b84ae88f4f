"""The suite of stores, over every adapter."""

import secrets
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest

from headrace.stores.memory import MemoryStore
from headrace.stores.mongodb import MongodbStore
from headrace.stores.postgresql import PostgresqlStore
from headrace.stores.sqlite import SqliteStore
from headrace.testing.stores import Connect, StoreSuite


class TestMemory(StoreSuite):
    @pytest.fixture
    def connect(self) -> Connect:
        store = MemoryStore()
        return lambda: store


class TestSqlite(StoreSuite):
    @pytest.fixture
    def connect(self, tmp_path: Path) -> Iterator[Connect]:
        with ExitStack() as opened:

            def connect() -> SqliteStore:
                store = SqliteStore(tmp_path / "store.db")
                opened.callback(store.close)
                return store

            yield connect


class TestPostgresql(StoreSuite):
    @pytest.fixture
    def connect(self, postgresql: str) -> Iterator[Connect]:
        schema = f"suite_{secrets.token_hex(6)}"
        with ExitStack() as opened:

            def connect() -> PostgresqlStore:
                store = PostgresqlStore(postgresql, schema=schema)
                opened.callback(store.close)
                return store

            yield connect
        with psycopg.connect(postgresql) as connection:
            connection.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE")


class TestMongodb(StoreSuite):
    @pytest.fixture
    def connect(self, mongodb: str) -> Iterator[Connect]:
        prefix = f"suite_{secrets.token_hex(6)}"
        with ExitStack() as opened:

            def connect() -> MongodbStore:
                store = MongodbStore(f"{mongodb}headrace", prefix=prefix)
                opened.callback(store.close)
                return store

            yield connect
            connect().remove()
