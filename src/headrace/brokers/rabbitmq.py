"""RabbitMQ: a quorum queue behind a topic exchange.

A body is published with its source as the routing key, so that other queues can take what they want of it. A lease belongs to a
connection: it lasts while that lives, however slow its owner is, and ends the moment it is lost. RabbitMQ ends the connection of a
consumer that holds a delivery for longer than the server's `consumer_timeout` (30 minutes unless set otherwise).
"""

import time
from collections.abc import Sequence
from typing import Self

import pika

from headrace.brokers.rabbitmq_link import Link
from headrace.brokers.rabbitmq_queue import connect, other_arguments
from headrace.brokers.rabbitmq_url import Address, parse
from headrace.documents import BODY_BYTES, Body
from headrace.errors import Unavailable
from headrace.ports import Backlog, Delivery
from headrace.storable import check_sizes

MOST_BODY_BYTES = 16 << 20
WINDOW, WINDOW_BYTES = 1024, 8 << 20
CONFIRM_SECONDS, BLOCKED_SECONDS = 30.0, 5.0  # of no progress
MOST_PREFETCH, MOST_HELD = 4096, 65535
KEY_BYTES = 255


class RabbitmqBroker:
    """A connection to a queue, opened by the first call that needs it, at whichever node answers; a lost one is opened again.

    What `publish` has returned for is on the disks of most nodes that have the queue. A body has up to 16 MiB. `patience`: how many
    seconds `publish` waits without progress, before it raises Unavailable; less where the server says that it takes nothing now.
    """

    def __init__(self, address: Address, *, patience: float = CONFIRM_SECONDS) -> None:
        self._address = address
        self._patience = patience
        self._link: Link | None = None
        self._next_host = 0
        self._consumer = ""
        self._confirming = False
        self._prefetch = self._consumed_from = 0
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
            self._unblocked(link)
            if not self._confirming:
                link.confirm()
                self._confirming = True
            self._publish(link, bodies)
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
        while len(link.arrived) > waiting and sum(len(data) for _, data in link.arrived) < limit:
            waiting = len(link.arrived)
            link.step(0)
        link.wait(lambda: link.arrived, wait)
        deliveries: list[Delivery] = []
        size = 0
        while link.arrived:
            tag, data = link.arrived[0]
            if deliveries and size + len(data) > limit:
                break
            link.arrived.popleft()
            size += len(data)
            deliveries.append(Delivery(data, (link.generation, tag)))
        if deliveries:
            self._mean_bytes += (size / len(deliveries) - self._mean_bytes) / 2
        return deliveries

    def ack(self, deliveries: Sequence[Delivery]) -> None:
        self._check_open()
        link = self._link
        if link is None or link.is_lost:
            return  # and with it the leases
        generation = link.generation
        tags = [delivery.receipt[1] for delivery in deliveries if delivery.receipt[0] == generation]
        for tag, all_below in link.leases.finish(tags):
            link.channel.basic_ack(tag, multiple=all_below)
        if tags:
            link.step(0)

    def keep(self, deliveries: Sequence[Delivery]) -> None:  # noqa: ARG002
        """Answers heartbeats. Raises Unavailable once where the connection was lost; then the leases are lost as well."""
        self._check_open()
        if self._link is not None:
            try:
                self._link.step(0)
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

    def warnings(self) -> list[str]:
        """Of a queue that was made otherwise than ours are. How many nodes have the queue, AMQP doesn't tell."""
        self._check_open()
        self._linked()
        told = "" if self._address.declare else other_arguments(self._address, self._next_host - 1)
        return [told] if told else []

    def remove(self) -> None:
        """The exchange too, where it is called like the queue."""
        if self._closed:
            return
        self._drop()  # the end of a consumer would end the link
        link, queue = self._linked(), self._address.queue
        link.call(lambda done: link.channel.queue_delete(queue, callback=done), f"deleting queue {queue}")
        if self._address.to == queue:
            link.call(lambda done: link.channel.exchange_delete(queue, callback=done), f"deleting exchange {queue}")
        self.close()

    def _publish(self, link: Link, bodies: Sequence[Body]) -> None:
        properties = pika.BasicProperties(
            content_type="application/jsonl", delivery_mode=pika.DeliveryMode.Persistent, timestamp=int(time.time())
        )
        for body in bodies:
            if len(link.confirms) >= WINDOW or link.confirms.bytes >= WINDOW_BYTES:
                self._confirmed(link, WINDOW // 2, WINDOW_BYTES // 2)
            link.channel.basic_publish(self._address.to, _key(body.key), body.data, properties, mandatory=True)
            link.confirms.add(len(body.data))
        self._confirmed(link, 0, 0)
        if link.unroutable:
            raise Unavailable(
                f"publishing to {self._address}: no queue takes what is published ({link.unroutable}); bind one to it"
            )
        if link.confirms.refused:
            raise Unavailable(
                f"publishing to {self._address}: the server refused {link.confirms.refused} bodies; the queue is full, or has no leader"
            )

    def _confirmed(self, link: Link, most: int, most_bytes: int) -> None:
        """Wait until so few are unconfirmed. Raises Unavailable where the server confirms nothing for long, or blocks us."""
        while len(link.confirms) > most or link.confirms.bytes > most_bytes:
            before = len(link.confirms)
            moved = link.wait(lambda: len(link.confirms) < before or link.blocked, self._patience)  # noqa: B023
            if link.blocked:
                self._unblocked(link)
            elif not moved:
                raise Unavailable(
                    f"publishing to {self._address}: nothing was confirmed for {self._patience:.0f} seconds"
                )

    def _unblocked(self, link: Link) -> None:
        """Wait until the server lets us publish. Raises Unavailable where that takes long."""
        if not link.wait(lambda: not link.blocked, min(BLOCKED_SECONDS, self._patience)):
            raise Unavailable(
                f"publishing to {self._address}: the server takes nothing now ({link.blocked}); it goes on by itself once that is over"
            )

    def _linked(self) -> Link:
        if self._link is not None and not self._link.is_lost:
            try:
                self._link.step(0)  # what has happened since the last call
            except Unavailable:
                self._drop()
            else:
                return self._link
        self._drop()
        self._link = self._connect()
        return self._link

    def _connect(self) -> Link:
        """A link to the first node that answers, starting with the one after the last that was tried."""
        failures: list[str] = []
        for _ in self._address.hosts:
            number, self._next_host = self._next_host, self._next_host + 1
            try:
                return connect(self._address, number)
            except Unavailable as error:
                failures.append(str(error))
        raise Unavailable(f"connecting to {self._address}: " + "; ".join(failures))

    def _consume(self, link: Link, limit: int) -> None:
        """Have at least two batches of this limit fetched, by the sizes of late; more for a caller that holds all of them."""
        wanted = min(MOST_PREFETCH, int(2 * limit / self._mean_bytes) + 2)
        if self._consumer:
            # pika rejects what comes for a consumer that is being cancelled, so it is only changed while nothing can come.
            if link.leases.open_above(self._consumed_from) < self._prefetch:
                return
            if not link.arrived:
                wanted = min(MOST_HELD, max(wanted, 2 * self._prefetch))
            if self._prefetch / 4 <= wanted <= self._prefetch:
                return
            link.call(lambda done: link.channel.basic_cancel(self._consumer, done), "changing the prefetch")
            self._consumer = ""
        link.call(lambda done: link.channel.basic_qos(prefetch_count=wanted, callback=done), "setting the prefetch")
        self._consumer = link.channel.basic_consume(self._address.queue, link.on_message)
        self._prefetch, self._consumed_from = wanted, link.leases.delivered

    def _drop(self) -> None:
        link, self._link = self._link, None
        self._consumer, self._confirming = "", False
        if link is not None:
            link.close()

    def _check_open(self) -> None:
        if self._closed:
            raise Unavailable(f"using {self._address}: this connection is closed")


def _key(source: str) -> str:
    """A routing key has up to 255 bytes."""
    return source if len(source) <= KEY_BYTES // 4 else source.encode()[:KEY_BYTES].decode(errors="ignore")
