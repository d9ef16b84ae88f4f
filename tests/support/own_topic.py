"""A topic of one test's own in Kafka."""

import secrets
from contextlib import ExitStack, closing, suppress
from dataclasses import replace
from typing import Any

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from headrace.brokers.kafka import KafkaBroker
from headrace.brokers.kafka.url import parse
from headrace.testing.brokers import PATIENCE
from support import until


class OwnTopic:
    """A topic for one test, and the driver's clients to look at it."""

    def __init__(self, url: str, opened: ExitStack) -> None:
        self.url, self._opened = url, opened
        self.server = url.removeprefix("kafka://").rstrip("/")
        self.admin = AdminClient({"bootstrap.servers": self.server})
        self.name = f"test-{secrets.token_hex(6)}"

    def connect(self, options: str = "&partitions=4", *, patience: float = PATIENCE, **members: Any) -> KafkaBroker:
        """A broker on this topic. It stays in the group however slow the test is, unless the options say otherwise. `members` are those of
        its address that no option sets."""
        patient = "" if "&session=" in options else "&session=120"
        address = parse(f"{self.url}{self.name}?group={self.name}{patient}{options}")
        broker = KafkaBroker(replace(address, **members), patience=patience)
        self._opened.callback(broker.close)
        return broker

    def make(self, partitions: int = 2, **config: str) -> None:
        """Create the topic, as another program would."""
        made = NewTopic(
            self.name, partitions, 1, config={name.replace("_", "."): value for name, value in config.items()}
        )
        self.admin.create_topics([made])[self.name].result()

    def put(self, *names: str, partition: int) -> None:
        """Publish to one partition."""
        producer = Producer({"bootstrap.servers": self.server, "linger.ms": 0})
        for name in names:
            producer.produce(self.name, name.encode(), partition=partition)
        assert producer.flush(PATIENCE) == 0

    def throw_away(self, before: int) -> None:
        """Delete what is before this offset of the first partition, as retention does."""
        part = TopicPartition(self.name, 0, before)
        self.admin.delete_records([part])[part].result()

    def offsets(self) -> list[TopicPartition]:
        """What the group has committed."""
        with self._outsider() as consumer:
            parts = [
                TopicPartition(self.name, number)
                for number in self.admin.list_topics(self.name).topics[self.name].partitions
            ]
            return list(consumer.committed(parts, timeout=PATIENCE))

    def commit(self, *offsets: TopicPartition) -> None:
        """Commit for the group, as one of its members; it has none now."""
        with self._outsider() as consumer:
            consumer.commit(offsets=list(offsets), asynchronous=False)

    def make_anew(self, partitions: int = 1) -> None:
        """Delete the topic and create another of the same name."""
        self.remove()
        until(lambda: self.name not in self.admin.list_topics(timeout=PATIENCE).topics, "the end of the topic")
        self.make(partitions)

    def _outsider(self) -> "closing[Consumer]":
        return closing(Consumer({"bootstrap.servers": self.server, "group.id": self.name}))

    def remove(self) -> None:
        with suppress(KafkaException):  # not every test makes it
            self.admin.delete_topics([self.name])[self.name].result()
