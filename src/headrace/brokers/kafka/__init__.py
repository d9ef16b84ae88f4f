"""Kafka as a broker, and as a place that results are published to."""

from headrace.brokers.kafka.broker import KafkaBroker
from headrace.brokers.kafka.results import KafkaResults

__all__ = ["KafkaBroker", "KafkaResults"]
