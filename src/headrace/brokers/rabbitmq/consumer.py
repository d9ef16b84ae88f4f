"""A consumer of one queue: how much it fetches ahead, what has arrived, and the leases on it."""

from collections.abc import Sequence
from typing import Any

from pika import spec

from headrace.brokers.arrivals import Arrivals
from headrace.brokers.headers import headers_of, text_of
from headrace.brokers.rabbitmq.connection import Connection
from headrace.brokers.rabbitmq.replies import Replies
from headrace.brokers.rabbitmq.tags import Leases
from headrace.ports import Delivery

AHEAD_BYTES = 8 << 20  #: bodies that have arrived and wait for a caller, together; more only if a single one is larger
MOST_AHEAD = 4096  #: messages fetched ahead of a caller that acks what it takes
MOST_HELD = (
    65535  #: messages fetched for a caller that holds all it took and asks for more; AMQP has no larger prefetch
)


class Consumer:
    """Takes messages from a queue, on a channel of its own. It lives as long as its connection, and so do its leases.

    What comes is added to `arrivals`; the receipts name this consumer and the delivery tag. `evicted`: the queue holds what the server
    has put out of another one, so every delivery gets the reason.

    A prefetch counts messages, so large ones that come after small ones could be more than the memory holds. What would exceed `most`
    bytes of arrivals goes back to the queue at once, and fewer are fetched from then on.

    The prefetch of a consumer can't be changed. To fetch more, another one is added on the same channel. To fetch less, all are cancelled,
    and replaced by one. What is still on its way to them is rejected by pika, and so goes back to the queue.
    """

    def __init__(
        self,
        connection: Connection,
        queue: str,
        arrivals: Arrivals,
        replies: Replies,
        *,
        evicted: bool = False,
        most: int = AHEAD_BYTES,
    ) -> None:
        self.connection = connection
        self._queue, self._arrivals, self._replies, self._evicted, self._most = queue, arrivals, replies, evicted, most
        self._channel = connection.open_channel()
        self._leases = Leases()
        self._consumers: list[str] = []  # their tags
        self._size = 0  # how many messages these consumers may have unacked together
        self._since = 0  # the last delivery tag before the first of them

    def fetch(self, number: int) -> None:
        """Let `number` messages or more arrive that are not acked yet, up to MOST_AHEAD, and as far as there is room for their bytes.

        A caller that has taken all of them and acked none gets more, up to MOST_HELD.
        """
        room = int((self._most - self._arrivals.bytes) / self._arrivals.mean_bytes)
        if self._arrivals and room < 1:
            return
        wanted = min(MOST_AHEAD, number, max(1, room))
        if self._consumers:
            nothing_can_come = self._leases.open_above(self._since) >= self._size
            if nothing_can_come and not self._arrivals:
                wanted = min(MOST_HELD, max(wanted, 2 * self._size))
            if wanted > self._size:
                wanted = max(wanted, min(MOST_AHEAD, 2 * self._size))  # so that few consumers are enough
            elif nothing_can_come and wanted < self._size / 4:
                self._cancel()
            else:
                return
        if not self._consumers:
            self._since = self._leases.delivered
        more = wanted - self._size
        self.connection.call(
            lambda done: self._channel.basic_qos(prefetch_count=more, callback=done), "setting the prefetch"
        )
        self._consumers.append(self._channel.basic_consume(self._queue, self._on_message))
        self._size = wanted

    def ack(self, deliveries: Sequence[Delivery]) -> None:
        """Acknowledge those deliveries that are this consumer's; the connection's next step sends it. Does nothing on a lost connection."""
        if self.connection.is_lost:
            return  # and the leases with it
        tags = [delivery.receipt[1] for delivery in deliveries if delivery.receipt[0] is self]
        for tag, all_below in self._leases.finish(tags):
            self._channel.basic_ack(tag, multiple=all_below)

    def _cancel(self) -> None:
        # Without waiting for an answer: only then does pika reject what still comes, however late, instead of leaving it unacked.
        for tag in self._consumers:
            self._channel.basic_cancel(tag)
        self._consumers, self._size = [], 0

    def _on_message(self, _channel: Any, method: spec.Basic.Deliver, properties: Any, body: bytes) -> None:
        tag = method.delivery_tag
        self._leases.deliver(tag)
        if self._arrivals and self._arrivals.bytes + len(body) > self._most:
            self._channel.basic_reject(tag)
            self._leases.skip(tag)
            self._arrivals.expect(len(body))
            self._cancel()
            return
        reply = self._replies.asked(properties)
        reason = _reason(properties.headers or {}) if self._evicted else ""
        headers = headers_of(properties.headers.items()) if properties.headers else ()
        named = _text(properties.content_encoding), _text(properties.content_type)
        key = properties.message_id if isinstance(properties.message_id, str) else ""
        self._arrivals.add(Delivery(body, (self, tag), reply, reason, *named, headers, key))


def _text(value: object) -> str:
    return "" if value is None else text_of(value)


def _reason(headers: dict[str, Any]) -> str:
    """Why the server evicted a message, in RabbitMQ's words: expired, maxlen, delivery_limit, rejected."""
    deaths = headers.get("x-death") or [{}]
    return str(deaths[0].get("reason") or headers.get("x-first-death-reason") or "no reason given")
