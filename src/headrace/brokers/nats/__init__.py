"""NATS JetStream as a broker."""

from headrace.brokers.nats.broker import NatsBroker

__all__ = ["NatsBroker"]
