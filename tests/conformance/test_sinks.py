"""The suite of sinks, run over every adapter."""

import secrets
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing

import pika
import pytest
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient

from headrace.brokers.kafka import KafkaResults
from headrace.brokers.rabbitmq import RabbitmqResults
from headrace.documents import Body
from headrace.testing.brokers import PATIENCE
from headrace.testing.sinks import Connect, Consume, SinkSuite


class TestRabbitmq(SinkSuite):
    @pytest.fixture
    def exchange(self) -> str:
        return f"suite-{secrets.token_hex(6)}"

    @pytest.fixture
    def connect(self, rabbitmq: str, exchange: str) -> Iterator[Connect]:
        with ExitStack() as opened:

            def connect() -> RabbitmqResults:
                sink = RabbitmqResults.from_url(f"{rabbitmq}?exchange={exchange}")
                opened.callback(sink.close)
                return sink

            yield connect

    @pytest.fixture
    def consume(self, rabbitmq: str, exchange: str) -> Iterator[Consume]:
        with closing(pika.BlockingConnection(pika.URLParameters(f"{rabbitmq}?heartbeat=0"))) as connection:
            channel = connection.channel()
            channel.exchange_declare(exchange, "topic", durable=True)
            taken: list[Body] = []

            def consume(number: int) -> list[Body]:
                if not channel.consumer_tags:
                    own = channel.queue_declare("", exclusive=True).method.queue
                    channel.queue_bind(own, exchange, "#")
                    channel.basic_consume(
                        own,
                        lambda _channel, method, _properties, data: taken.append(Body(data, method.routing_key)),
                        auto_ack=True,
                    )
                deadline = time.monotonic() + PATIENCE
                while len(taken) < number:
                    connection.process_data_events(1.0)
                    assert time.monotonic() < deadline, f"{len(taken)} bodies came of {number}"
                came = list(taken)
                taken.clear()
                return came

            yield consume
            channel.exchange_delete(exchange)


class TestKafka(SinkSuite):
    @pytest.fixture
    def topic(self, kafka: str) -> Iterator[str]:
        topic = f"suite-{secrets.token_hex(6)}"
        with closing(KafkaResults.from_url(f"{kafka}{topic}?partitions=2")) as sink:
            sink.body_bytes()  # makes it
        yield topic
        admin = AdminClient({"bootstrap.servers": kafka.removeprefix("kafka://").rstrip("/")})
        admin.delete_topics([topic])[topic].result()

    @pytest.fixture
    def connect(self, kafka: str, topic: str) -> Iterator[Connect]:
        with ExitStack() as opened:

            def connect() -> KafkaResults:
                sink = KafkaResults.from_url(f"{kafka}{topic}")
                opened.callback(sink.close)
                return sink

            yield connect

    @pytest.fixture
    def consume(self, kafka: str, topic: str) -> Iterator[Consume]:
        consumer = Consumer({"bootstrap.servers": kafka.removeprefix("kafka://").rstrip("/"), "group.id": topic})
        parts = [TopicPartition(topic, number) for number in range(2)]

        def consume(number: int) -> list[Body]:
            if not consumer.assignment():
                for part in parts:
                    _, part.offset = consumer.get_watermark_offsets(part, PATIENCE)
                consumer.assign(parts)
            came: list[Body] = []
            deadline = time.monotonic() + PATIENCE
            while len(came) < number:
                message = consumer.poll(1.0)
                if message is not None and message.error() is None:
                    came.append(Body(message.value() or b"", (message.key() or b"").decode()))
                assert time.monotonic() < deadline, f"{len(came)} bodies came of {number}"
            return came

        yield consume
        consumer.close()
