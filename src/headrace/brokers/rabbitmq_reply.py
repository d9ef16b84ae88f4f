"""Answers to whoever asked for them: the properties `reply_to` and `correlation_id` of a message."""

from dataclasses import dataclass

import pika

from headrace.brokers.rabbitmq_link import Link
from headrace.brokers.rabbitmq_sending import KEY_BYTES

MOST_REPLY_BYTES = 16 << 20  # more would end the channel, and with it the leases


@dataclass(frozen=True)
class Reply:
    """Sends to the queue that a message names, on the connection that it came by.

    Sent before the ack, and on the same channel, it is there whenever the ack is. It waits for nothing and nobody: to a queue that is
    gone, on a connection that is lost, while the server takes nothing, or beyond 16 MiB, nothing is sent.
    """

    link: Link
    to: str
    correlation: str | None

    def __call__(self, data: bytes) -> None:
        if self.link.is_lost or self.link.blocked or len(data) > MOST_REPLY_BYTES or len(self.to.encode()) > KEY_BYTES:
            return
        properties = pika.BasicProperties(content_type="application/jsonl", correlation_id=self.correlation)
        self.link.publish("", self.to, data, properties, mandatory=False)
