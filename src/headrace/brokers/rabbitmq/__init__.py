"""RabbitMQ as a broker, and as a sink for results."""

from headrace.brokers.rabbitmq.broker import RabbitmqBroker
from headrace.brokers.rabbitmq.results import RabbitmqResults

__all__ = ["RabbitmqBroker", "RabbitmqResults"]
