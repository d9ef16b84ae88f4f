"""Kafka as a broker, and as a sink for results."""

from headrace.brokers.kafka.broker import KafkaBroker
from headrace.brokers.kafka.results import KafkaResults

__all__ = ["KafkaBroker", "KafkaResults"]
