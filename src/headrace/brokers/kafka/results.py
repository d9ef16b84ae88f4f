"""Kafka as a sink: results go to a topic, under their keys."""

from collections.abc import Sequence
from typing import Self

from headrace.brokers.kafka.connection import CONFIRM_SECONDS, Connection
from headrace.brokers.kafka.url import KafkaUrl, parse
from headrace.documents import Body

TOPIC = "headrace.results"


class KafkaResults:
    """A connection to the topic, opened by the first call that needs it. The topic is created if it is missing.

    Results of one key go to one partition, as long as the topic keeps its number of partitions.
    """

    def __init__(self, address: KafkaUrl, *, patience: float = CONFIRM_SECONDS) -> None:
        self._connection = Connection(address, patience=patience, keyed=True)

    @classmethod
    def from_url(cls, url: str) -> Self:
        """`kafka://host[:port][,host2…]/headrace.results`; docs/configuration.md has the options."""
        return cls(parse(url, topic=TOPIC))

    def body_bytes(self) -> int:
        """The topic's `max.message.bytes`, less what a record needs beside the body."""
        return self._connection.topic().body_bytes

    def publish(self, bodies: Sequence[Body]) -> None:
        self._connection.publish(bodies)

    def close(self) -> None:
        self._connection.close()
