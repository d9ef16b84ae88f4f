"""The suite of brokers, run over every adapter."""

import secrets
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pika
import pytest
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from headrace.brokers.beanstalkd import BeanstalkdBroker
from headrace.brokers.kafka import KafkaBroker
from headrace.brokers.memory import MemoryBroker
from headrace.brokers.nats import NatsBroker
from headrace.brokers.rabbitmq import RabbitmqBroker
from headrace.brokers.redis import RedisBroker
from headrace.brokers.sqlite import SqliteBroker
from headrace.ports import BrokerAdapter
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
        with pika.BlockingConnection(pika.URLParameters(f"{rabbitmq}?heartbeat=0")) as connection:
            channel = connection.channel()
            channel.queue_delete(name)
            channel.queue_delete(f"{name}.evicted")
            channel.exchange_delete(name)


class TestKafka(BrokerSuite):
    @pytest.fixture
    def connect(self, kafka: str) -> Iterator[Connect]:
        topic = f"suite-{secrets.token_hex(6)}"
        with ExitStack() as opened:

            def connect() -> KafkaBroker:
                broker = KafkaBroker.from_url(f"{kafka}{topic}?group={topic}&partitions=3&session=120")
                opened.callback(broker.close)
                return broker

            yield connect
        admin = AdminClient({"bootstrap.servers": kafka.removeprefix("kafka://").rstrip("/")})
        for deleted in admin.delete_topics([topic]).values():
            with suppress(KafkaException):  # a test that opens nothing makes none
                deleted.result()


def connector(adapter: type[BrokerAdapter], url: str, opened: ExitStack) -> Connect:
    """Connections to one queue of this test, which is removed at the end."""
    place = f"{url}?queue=suite-{secrets.token_hex(6)}&lease=3600"

    def connect() -> BrokerAdapter:
        broker = adapter.from_url(place)
        opened.callback(broker.close)
        return broker

    opened.callback(lambda: adapter.from_url(place).remove())
    return connect


class TestRedis(BrokerSuite):
    @pytest.fixture
    def connect(self, redis: str) -> Iterator[Connect]:
        with ExitStack() as opened:
            yield connector(RedisBroker, redis, opened)


class TestNats(BrokerSuite):
    @pytest.fixture
    def connect(self, nats: str) -> Iterator[Connect]:
        with ExitStack() as opened:
            yield connector(NatsBroker, nats, opened)


class TestBeanstalkd(BrokerSuite):
    @pytest.fixture
    def connect(self, beanstalkd: str) -> Iterator[Connect]:
        with ExitStack() as opened:
            yield connector(BeanstalkdBroker, beanstalkd, opened)
