"""Publishing with confirms: a window of messages that the server has not confirmed yet, and a deadline if nothing moves."""

import time
from collections.abc import Sequence
from typing import Any

import pika
from pika import spec

from headrace.brokers.rabbitmq.connection import Connection
from headrace.brokers.rabbitmq.nodes import Nodes
from headrace.brokers.rabbitmq.tags import Confirms
from headrace.documents import Body
from headrace.errors import Unavailable
from headrace.validation import check_sizes

MOST_BODY_BYTES = 16 << 20  #: the largest message that RabbitMQ 4 takes unless set otherwise (`max_message_size`)
WINDOW, WINDOW_BYTES = 1024, 8 << 20  #: messages and bytes that may be unconfirmed at a time
CONFIRM_SECONDS = 30.0  #: without any confirm, after which `publish` gives up
BLOCKED_SECONDS = 5.0  #: during which the server may read nothing, before `publish` gives up
LINES = "application/jsonl"  #: the content type of bodies that name none
KEY_BYTES = 255  #: the longest routing key that AMQP allows


class Publisher:
    """Publishes bodies to one exchange, over whichever node answers, under their keys.

    `mandatory`: a queue must take each body; otherwise the server drops what no queue is bound to take. `patience`: how many seconds may
    pass without a confirm.
    """

    def __init__(self, nodes: Nodes, exchange: str, *, mandatory: bool, patience: float = CONFIRM_SECONDS) -> None:
        self._nodes, self._exchange, self._mandatory, self._patience = nodes, exchange, mandatory, patience
        self._connection: Connection | None = None
        self._confirms = Confirms()
        self._unroutable = ""

    def publish(self, bodies: Sequence[Body], doing: str) -> None:
        """Return once the server has confirmed all. Does nothing for no bodies.

        Raises Rejected, before it publishes any, if one is larger than MOST_BODY_BYTES. Raises Unavailable if one is refused, if no queue
        takes it, or if that takes too long; some may have been published then. An error closes the connection: otherwise what is
        unconfirmed would count as part of the next call.
        """
        check_sizes((len(body.data) for body in bodies), MOST_BODY_BYTES, doing)
        if not bodies:
            return
        connection = self._nodes.connection()
        try:
            self._wait_until_unblocked(connection, doing)
            if connection is not self._connection:
                self._start(connection)
            self._send(connection, bodies, doing)
            self._wait_for_confirms(connection, 0, 0, doing)
            self._check_taken(doing)
        except BaseException:
            self._nodes.drop()
            raise

    def _start(self, connection: Connection) -> None:
        """Ask for confirms on a new connection, whose channel counts messages from one again."""
        self._confirms, self._unroutable = Confirms(), ""
        connection.channel.add_on_return_callback(self._on_returned)
        connection.call(lambda done: connection.channel.confirm_delivery(self._on_confirm, done), "asking for confirms")
        self._connection = connection

    def _send(self, connection: Connection, bodies: Sequence[Body], doing: str) -> None:
        at = int(time.time())
        for body in bodies:
            if len(self._confirms) >= WINDOW or self._confirms.bytes >= WINDOW_BYTES:
                self._wait_for_confirms(connection, WINDOW // 2, WINDOW_BYTES // 2, doing)
            properties = pika.BasicProperties(
                content_type=body.content_type or LINES, delivery_mode=pika.DeliveryMode.Persistent, timestamp=at
            )
            connection.send(self._exchange, _cut(body.key), body.data, properties, mandatory=self._mandatory)
            self._confirms.add(len(body.data))

    def _wait_for_confirms(self, connection: Connection, most: int, most_bytes: int, doing: str) -> None:
        """Wait until at most so many messages and bytes are unconfirmed. Raises Unavailable if the server confirms nothing or blocks us."""
        confirms = self._confirms
        while len(confirms) > most or confirms.bytes > most_bytes:
            before = len(confirms)
            moved = connection.wait(lambda: len(confirms) < before or connection.blocked, self._patience)  # noqa: B023
            if connection.blocked:
                self._wait_until_unblocked(connection, doing)
            elif not moved:
                raise Unavailable(f"{doing}: nothing was confirmed for {self._patience:.0f} seconds")

    def _wait_until_unblocked(self, connection: Connection, doing: str) -> None:
        if not connection.wait(lambda: not connection.blocked, min(BLOCKED_SECONDS, self._patience)):
            raise Unavailable(
                f"{doing}: the server takes nothing now ({connection.blocked}); it goes on by itself once that is over"
            )

    def _check_taken(self, doing: str) -> None:
        if self._unroutable:
            raise Unavailable(f"{doing}: no queue takes what is published ({self._unroutable}); bind one to it")
        if self._confirms.refused:
            raise Unavailable(
                f"{doing}: the server refused {self._confirms.refused} bodies; the queue is full, or has no leader"
            )

    def _on_confirm(self, frame: Any) -> None:
        method = frame.method
        self._confirms.settle(method.delivery_tag, multiple=method.multiple, taken=isinstance(method, spec.Basic.Ack))

    def _on_returned(self, _channel: Any, method: Any, _properties: Any, _body: bytes) -> None:
        self._unroutable = f"exchange {method.exchange!r}, key {method.routing_key!r}: {method.reply_text}"


def _cut(key: str) -> str:
    """A key of up to KEY_BYTES."""
    return key if len(key) <= KEY_BYTES // 4 else key.encode()[:KEY_BYTES].decode(errors="ignore")
