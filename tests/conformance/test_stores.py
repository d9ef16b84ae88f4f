"""The suite of stores, over every adapter."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from headrace.stores.memory import MemoryStore
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
