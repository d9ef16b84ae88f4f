"""RabbitMQ as a broker, and as a place that results are published to."""

from headrace.brokers.rabbitmq.broker import RabbitmqBroker
from headrace.brokers.rabbitmq.results import RabbitmqResults

__all__ = ["RabbitmqBroker", "RabbitmqResults"]
