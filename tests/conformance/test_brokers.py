"""The suite of brokers, over every adapter."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from headrace.brokers.memory import MemoryBroker
from headrace.brokers.sqlite import SqliteBroker
from headrace.testing.brokers import BrokerSuite, Connect


class TestMemory(BrokerSuite):
    @pytest.fixture
    def connect(self) -> Connect:
        return MemoryBroker().connect


class TestSqlite(BrokerSuite):
    @pytest.fixture
    def connect(self, tmp_path: Path) -> Iterator[Connect]:
        with ExitStack() as opened:

            def connect() -> SqliteBroker:
                broker = SqliteBroker(tmp_path / "queue.db")
                opened.callback(broker.close)
                return broker

            yield connect
