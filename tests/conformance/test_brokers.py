"""The suite of brokers, over every adapter."""

import secrets
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pika
import pytest

from headrace.brokers.memory import MemoryBroker
from headrace.brokers.rabbitmq import RabbitmqBroker
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


class TestRabbitmq(BrokerSuite):
    @pytest.fixture
    def connect(self, rabbitmq: str) -> Iterator[Connect]:
        name = f"suite-{secrets.token_hex(6)}"
        with ExitStack() as opened:

            def connect() -> RabbitmqBroker:
                broker = RabbitmqBroker.from_url(f"{rabbitmq}?queue={name}")
                opened.callback(broker.close)
                return broker

            yield connect
        with pika.BlockingConnection(pika.URLParameters(rabbitmq)) as connection:
            channel = connection.channel()
            channel.queue_delete(name)
            channel.exchange_delete(name)
