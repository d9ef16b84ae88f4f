"""RabbitMQ: a quorum queue behind a topic exchange.

A body is published with its source as the routing key, so that other queues can take what they want of it. A lease belongs to a
connection: it lasts while that lives, however slow its owner is, and ends the moment it is lost. RabbitMQ ends the connection of a
consumer that holds a delivery for longer than the server's `consumer_timeout` (30 minutes unless set otherwise).

What the server itself puts out of the queue, by a policy (time to live, deliveries), goes to a queue beside it, from which any connection
that receives takes it too. When the queue is full by a policy, it refuses what is published, and puts nothing out.
"""

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Self

from headrace.brokers.rabbitmq.connection import Link
from headrace.brokers.rabbitmq.consumer import Prefetch
from headrace.brokers.rabbitmq.evicted import Evicted
from headrace.brokers.rabbitmq.nodes import Nodes
from headrace.brokers.rabbitmq.publisher import CONFIRM_SECONDS, Message, send
from headrace.brokers.rabbitmq.replies import Replies
from headrace.brokers.rabbitmq.topology import other_arguments
from headrace.brokers.rabbitmq.url import RabbitmqUrl, parse
from headrace.documents import BODY_BYTES, Body
from headrace.errors import Unavailable
from headrace.ports import Backlog, Delivery
from headrace.validation import check_sizes

MOST_BODY_BYTES = 16 << 20


class RabbitmqBroker:
    """A connection to a queue, opened by the first call that needs it, at whichever node answers; a lost one is opened again.

    What `publish` has returned for is on the disks of most nodes that have the queue. A body has up to 16 MiB. `patience`: how many
    seconds `publish` waits without progress, before it raises Unavailable; less where the server says that it takes nothing now.
    """

    def __init__(self, address: RabbitmqUrl, *, patience: float = CONFIRM_SECONDS) -> None:
        self._address = address
        self._patience = patience
        self._nodes, self._replies = Nodes(address), Replies(address)
        self._prefetch: Prefetch | None = None
        self._evicted: Evicted | None = None
        self._mean_bytes = float(BODY_BYTES)
        self._closed = False

    @classmethod
    def from_url(cls, url: str) -> Self:
        """`amqp://user:password@host[:port][,host2…]/vhost?queue=headrace`; docs/configuration.md has the options."""
        return cls(parse(url))

    def body_bytes(self) -> int:
        """What RabbitMQ 4 takes unless set otherwise (`max_message_size`)."""
        return MOST_BODY_BYTES

    def publish(self, bodies: Sequence[Body]) -> None:
        self._check_open()
        check_sizes((len(body.data) for body in bodies), MOST_BODY_BYTES, f"publishing to {self._address}")
        if not bodies:
            return
        link = self._linked()
        try:
            messages = (Message(self._address.to, body.key, body.data) for body in bodies)
            send(link, messages, self._patience, f"publishing to {self._address}")
        except BaseException:
            self._drop()  # what is not confirmed would be taken for part of the next publish
            raise

    def receive(self, limit: int, wait: float) -> list[Delivery]:
        self._check_open()
        link = self._linked()
        self._consume(link, limit)
        # Take in what has come, as much as is asked for; only then wait, and only for the first.
        link.step(0)
        waiting = -1
        while len(link.arrived) > waiting and sum(len(data) for _, data, _ in link.arrived) < limit:
            waiting = len(link.arrived)
            link.step(0)
        evicted = self._evicted.arrived if self._evicted is not None else deque()
        link.wait(lambda: link.arrived or evicted, wait)
        deliveries: list[Delivery] = []
        size = 0
        while link.arrived:
            tag, data, asks = link.arrived[0]
            if deliveries and size + len(data) > limit:
                break
            link.arrived.popleft()
            size += len(data)
            reply = self._replies.asked(asks) if asks is not None else None
            deliveries.append(Delivery(data, (link.generation, tag), reply))
        if deliveries:
            self._mean_bytes += (size / len(deliveries) - self._mean_bytes) / 2
        while evicted and (not deliveries or size + len(evicted[0].data) <= limit):
            deliveries.append(evicted.popleft())
            size += len(deliveries[-1].data)
        return deliveries

    def ack(self, deliveries: Sequence[Delivery]) -> None:
        self._check_open()
        link = self._nodes.open
        if link is None or link.is_lost:
            return  # and with it the leases
        generation = link.generation
        tags = [delivery.receipt[1] for delivery in deliveries if delivery.receipt[0] == generation]
        for tag, all_below in link.leases.finish(tags):
            link.channel.basic_ack(tag, multiple=all_below)
        if self._evicted is not None:
            self._evicted.ack(deliveries)
        if deliveries:
            link.step(0)

    def keep(self, deliveries: Sequence[Delivery]) -> None:  # noqa: ARG002
        """Answers heartbeats. Raises Unavailable once where the connection was lost; then the leases are lost as well."""
        self._check_open()
        self._replies.keep()
        if self._nodes.open is not None:
            try:
                self._nodes.open.step(0)
            except Unavailable:
                self._drop()
                raise

    def backlog(self) -> Backlog:
        """`ready` includes what this connection has fetched ahead; what others have, and the ages, RabbitMQ doesn't tell."""
        self._check_open()
        link = self._linked()
        told = link.call(
            lambda done: link.channel.queue_declare(self._address.queue, passive=True, callback=done),
            f"asking for the length of queue {self._address.queue}",
        )
        return Backlog(told.method.message_count + len(link.arrived), None, None)

    def close(self) -> None:
        self._closed = True
        self._drop()
        self._replies.close()

    def warnings(self) -> list[str]:
        """Of a queue that was made otherwise than ours are. How many nodes have the queue, AMQP doesn't tell."""
        self._check_open()
        self._linked()
        told = "" if self._address.declare else other_arguments(self._address, self._nodes.number)
        return [told] if told else []

    def remove(self) -> None:
        """The exchange too, where it is called like the queue."""
        if self._closed:
            return
        self._drop()  # the end of a consumer would end the link
        link, queue = self._linked(), self._address.queue
        for name in (queue, self._address.evicted):

            def delete(done: Callable[[Any], None], name: str = name) -> None:
                link.channel.queue_delete(name, callback=done)

            link.call(delete, f"deleting queue {name}")
        if self._address.to == queue:
            link.call(lambda done: link.channel.exchange_delete(queue, callback=done), f"deleting exchange {queue}")
        self.close()

    def _linked(self) -> Link:
        before, link = self._nodes.open, self._nodes.link()
        if link is not before:
            self._prefetch = self._evicted = None
        return link

    def _consume(self, link: Link, limit: int) -> None:
        """Have at least two batches of this limit fetched, by the sizes of late."""
        if self._prefetch is None:
            self._prefetch = Prefetch(link, self._address.queue)
        self._prefetch.want(int(2 * limit / self._mean_bytes) + 2)
        if self._evicted is None and self._address.declare:
            self._evicted = Evicted(link, self._address.evicted, self._replies)

    def _drop(self) -> None:
        self._prefetch = self._evicted = None
        self._nodes.drop()

    def _check_open(self) -> None:
        if self._closed:
            raise Unavailable(f"using {self._address}: this connection is closed")
