"""Answers to whoever asked for them: the properties `reply_to` and `correlation_id` of a message."""

from collections.abc import Callable
from typing import Any

import pika

from headrace.brokers.rabbitmq.nodes import Nodes
from headrace.brokers.rabbitmq.publisher import KEY_BYTES
from headrace.brokers.rabbitmq.url import RabbitmqUrl
from headrace.errors import Unavailable

MOST_REPLY_BYTES = 16 << 20  # more would end the connection


class Replies:
    """Sends replies, on a connection of its own that is opened for the first: a server with an alarm reads nothing from a connection that
    has published, and acks must get through.

    Nothing is sent to a queue that is gone, beyond 16 MiB, while the server takes nothing, or where no node answers.
    """

    def __init__(self, address: RabbitmqUrl) -> None:
        self._nodes = Nodes(address)

    def asked(self, properties: Any) -> Callable[[bytes], None] | None:
        """The reply to a message that has these properties; None where it wants none."""
        to, correlation = properties.reply_to, properties.correlation_id
        return (lambda data: self._send(to, correlation, data)) if to else None

    def keep(self) -> None:
        """Answer heartbeats, where the connection is open."""
        try:
            if self._nodes.open is not None:
                self._nodes.open.step(0)
        except Unavailable:
            self._nodes.drop()

    def close(self) -> None:
        """Once what was sent has arrived. Again: nothing."""
        self._nodes.drop()

    def _send(self, to: str, correlation: str | None, data: bytes) -> None:
        if len(data) > MOST_REPLY_BYTES or len(to.encode()) > KEY_BYTES:
            return
        properties = pika.BasicProperties(content_type="application/jsonl", correlation_id=correlation)
        try:
            link = self._nodes.link()
            if not link.blocked:
                link.publish("", to, data, properties, mandatory=False)
                link.step(0)
        except Unavailable:
            self._nodes.drop()
