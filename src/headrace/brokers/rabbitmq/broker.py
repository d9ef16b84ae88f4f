"""RabbitMQ as a broker: a quorum queue behind a topic exchange.

A body is published with its source as the routing key, so that other queues can take the sources they want. A lease belongs to a
connection: it lasts as long as that, however slow its owner is, and ends the moment the connection is lost. RabbitMQ ends the connection
of a consumer that holds a delivery for longer than the server's `consumer_timeout` (30 minutes unless set otherwise).

Messages that the server itself evicts from the queue, by a policy (time to live, number of deliveries), go to a second queue. Every
connection that receives takes from that one too. A queue that is full by a policy refuses what is published, and evicts nothing.
"""

from collections.abc import Callable, Sequence
from typing import Any, Self

from headrace.brokers.arrivals import Arrivals
from headrace.brokers.rabbitmq.connection import Connection
from headrace.brokers.rabbitmq.consumer import AHEAD_BYTES, Consumer
from headrace.brokers.rabbitmq.nodes import Nodes
from headrace.brokers.rabbitmq.publisher import CONFIRM_SECONDS, MOST_BODY_BYTES, Publisher
from headrace.brokers.rabbitmq.replies import Replies
from headrace.brokers.rabbitmq.topology import other_arguments
from headrace.brokers.rabbitmq.url import RabbitmqUrl, parse
from headrace.documents import Body
from headrace.errors import Unavailable
from headrace.ports import Backlog, Delivery

EVICTED_AHEAD = 256  #: evicted messages that are fetched ahead


class RabbitmqBroker:
    """A connection to a queue, opened by the first call that needs it, to whichever node answers; a lost one is opened again.

    When `publish` returns, the bodies are on the disks of most nodes that have the queue. A body has up to 16 MiB. `patience`: how many
    seconds may pass without a confirm, before `publish` raises Unavailable; fewer if the server says that it takes nothing now. `ahead`:
    how many bytes of bodies are fetched ahead of `receive` at most, or one body that is larger.
    """

    def __init__(self, address: RabbitmqUrl, *, patience: float = CONFIRM_SECONDS, ahead: int = AHEAD_BYTES) -> None:
        self._address, self._ahead = address, ahead
        self._nodes, self._replies = Nodes(address), Replies(address)
        self._publisher = Publisher(self._nodes, address.to, mandatory=True, patience=patience)
        self._arrivals = Arrivals()
        self._consumers: list[Consumer] = []  # of the queue, and of what is evicted from it
        self._closed = False

    @classmethod
    def from_url(cls, url: str) -> Self:
        """`amqp://user:password@host[:port][,host2…]/vhost?queue=headrace`; docs/configuration.md has the options."""
        return cls(parse(url))

    def body_bytes(self) -> int:
        return MOST_BODY_BYTES

    def publish(self, bodies: Sequence[Body]) -> None:
        self._check_open()
        self._publisher.publish(bodies, f"publishing to {self._address}")

    def receive(self, limit: int, wait: float) -> list[Delivery]:
        self._check_open()
        connection = self._connection()
        self._consume(connection, limit)
        connection.step(0)
        # Take in what has come, up to the limit; only then wait, and only for the first.
        before = -1
        while len(self._arrivals) > before and self._arrivals.bytes < limit:
            before = len(self._arrivals)
            connection.step(0)
        connection.wait(lambda: self._arrivals, wait)
        return self._arrivals.take(limit)

    def ack(self, deliveries: Sequence[Delivery]) -> None:
        self._check_open()
        connection = self._nodes.open
        if connection is None or connection.is_lost:
            return  # and the leases with it
        for consumer in self._consumers:
            consumer.ack(deliveries)
        if deliveries:
            connection.step(0)

    def keep(self, deliveries: Sequence[Delivery]) -> None:  # noqa: ARG002
        """Answers heartbeats. If the connection was lost it raises Unavailable once; the leases are lost then."""
        self._check_open()
        self._replies.keep()
        if self._nodes.open is not None:
            try:
                self._nodes.open.step(0)
            except Unavailable:
                self._drop()
                raise

    def backlog(self) -> Backlog:
        """`ready` includes what this connection has fetched ahead. RabbitMQ doesn't tell what others have fetched, nor any age."""
        self._check_open()
        connection = self._connection()
        declared = connection.call(
            lambda done: connection.channel.queue_declare(self._address.queue, passive=True, callback=done),
            f"asking for the length of queue {self._address.queue}",
        )
        return Backlog(declared.method.message_count + len(self._arrivals), None, None)

    def close(self) -> None:
        self._closed = True
        self._drop()
        self._replies.close()

    def warnings(self) -> list[str]:
        """What is lost with a queue that was not made by Headrace. AMQP doesn't tell how many nodes have the queue."""
        self._check_open()
        self._connection()
        warning = "" if self._address.declare else other_arguments(self._address, self._nodes.number)
        return [warning] if warning else []

    def remove(self) -> None:
        """Also removes the exchange, if it has the name of the queue."""
        if self._closed:
            return
        self._drop()  # deleting a queue that we consume would end the connection
        connection, queue = self._connection(), self._address.queue
        for name in (queue, self._address.evicted):

            def delete(done: Callable[[Any], None], name: str = name) -> None:
                connection.channel.queue_delete(name, callback=done)

            connection.call(delete, f"deleting queue {name}")
        if self._address.to == queue:
            connection.call(
                lambda done: connection.channel.exchange_delete(queue, callback=done), f"deleting exchange {queue}"
            )
        self.close()

    def _connection(self) -> Connection:
        """The open connection. If it is another one than before, the consumers of that one are forgotten, and what they fetched."""
        connection = self._nodes.connection()
        if any(consumer.connection is not connection for consumer in self._consumers):
            self._forget()
        return connection

    def _consume(self, connection: Connection, limit: int) -> None:
        """Fetch at least two batches of `limit` bytes ahead, going by the recent size of bodies."""
        if not self._consumers:
            self._add_consumer(connection, self._address.queue, evicted=False)
            if self._address.declare:
                self._add_consumer(connection, self._address.evicted, evicted=True)
        ahead = int(2 * limit / self._arrivals.mean_bytes) + 2
        for consumer, number in zip(self._consumers, (ahead, EVICTED_AHEAD), strict=False):
            consumer.fetch(number)

    def _add_consumer(self, connection: Connection, queue: str, *, evicted: bool) -> None:
        self._consumers.append(
            Consumer(connection, queue, self._arrivals, self._replies, evicted=evicted, most=self._ahead)
        )

    def _drop(self) -> None:
        self._forget()
        self._nodes.drop()

    def _forget(self) -> None:
        self._consumers = []
        self._arrivals.clear()

    def _check_open(self) -> None:
        if self._closed:
            raise Unavailable(f"using {self._address}: this connection is closed")
