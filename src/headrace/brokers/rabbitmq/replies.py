"""Replies to messages that ask for one with the properties `reply_to` and `correlation_id`."""

from collections.abc import Callable
from typing import Any

import pika

from headrace.brokers.rabbitmq.nodes import Nodes
from headrace.brokers.rabbitmq.publisher import KEY_BYTES
from headrace.brokers.rabbitmq.url import RabbitmqUrl
from headrace.errors import HeadraceError

MOST_REPLY_BYTES = 16 << 20  #: a larger message would end the connection


class Replies:
    """Sends replies, at most once, on a connection that is opened for the first of them.

    The connection is a separate one because a server whose memory or disk is full stops reading from connections that have published, and
    acks must get through. A reply is dropped if its queue is gone, if it is larger than 16 MiB, while the server blocks us, if no node
    answers, and if we may not write to the default exchange.
    """

    def __init__(self, address: RabbitmqUrl) -> None:
        self._nodes = Nodes(address)

    def asked(self, properties: Any) -> Callable[[bytes], None] | None:
        """The function that replies to a message with these properties; None if it asks for no reply, or names no queue by it."""
        to, correlation = properties.reply_to, properties.correlation_id
        return (lambda data: self._send(to, correlation, data)) if isinstance(to, str) and to else None

    def keep(self) -> None:
        """Answer heartbeats, if the connection is open."""
        try:
            if self._nodes.open is not None:
                self._nodes.open.step(0)
        except HeadraceError:
            self._nodes.drop()

    def close(self) -> None:
        """Close the connection once what was sent has arrived. Calling it twice is harmless."""
        self._nodes.drop()

    def _send(self, to: str, correlation: str | None, data: bytes) -> None:
        if len(data) > MOST_REPLY_BYTES or len(to.encode()) > KEY_BYTES:
            return
        properties = pika.BasicProperties(content_type="application/jsonl", correlation_id=correlation)
        try:
            connection = self._nodes.connection()
            if not connection.blocked:
                connection.send("", to, data, properties, mandatory=False)
                connection.step(0)
        except HeadraceError:
            self._nodes.drop()
