"""What the server put out of our queue all the same, by a policy of its own: a queue beside it, whose bodies come with the reason."""

import secrets
from collections import deque
from collections.abc import Sequence
from typing import Any

from pika import spec

from headrace.brokers.rabbitmq.connection import Link
from headrace.brokers.rabbitmq.replies import Replies
from headrace.brokers.rabbitmq.tags import Leases
from headrace.ports import Delivery

PREFETCH = 256


class Evicted:
    """A consumer of that queue, on a channel of its own of a link."""

    def __init__(self, link: Link, queue: str, replies: Replies) -> None:
        self._replies = replies
        self._generation = secrets.randbits(62)
        self._leases = Leases()
        self.arrived: deque[Delivery] = deque()
        self._channel = link.open_channel()
        link.call(lambda done: self._channel.basic_qos(prefetch_count=PREFETCH, callback=done), "setting the prefetch")
        self._channel.basic_consume(queue, self._on_message)

    def ack(self, deliveries: Sequence[Delivery]) -> None:
        """Those of this channel are done; others are ignored."""
        tags = [delivery.receipt[1] for delivery in deliveries if delivery.receipt[0] == self._generation]
        for tag, all_below in self._leases.finish(tags):
            self._channel.basic_ack(tag, multiple=all_below)

    def _on_message(self, _channel: Any, method: spec.Basic.Deliver, properties: Any, body: bytes) -> None:
        self._leases.delivered = method.delivery_tag
        receipt = (self._generation, method.delivery_tag)
        reason = _reason(properties.headers or {})
        self.arrived.append(Delivery(body, receipt, self._replies.asked(properties), reason))


def _reason(headers: dict[str, Any]) -> str:
    """In RabbitMQ's word: expired, maxlen, delivery_limit, rejected."""
    deaths = headers.get("x-death") or [{}]
    return str(deaths[0].get("reason") or headers.get("x-first-death-reason") or "no reason told")
