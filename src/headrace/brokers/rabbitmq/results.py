"""RabbitMQ as a sink: results go to a topic exchange, from which any bound queue takes them."""

from collections.abc import Sequence
from typing import Self

from headrace.brokers.rabbitmq.nodes import Nodes
from headrace.brokers.rabbitmq.publisher import CONFIRM_SECONDS, MOST_BODY_BYTES, Publisher
from headrace.brokers.rabbitmq.url import RabbitmqUrl, parse
from headrace.documents import Body
from headrace.errors import Unavailable

EXCHANGE = "headrace.results"


class RabbitmqResults:
    """A connection to the exchange, opened by the first call that needs it, to whichever node answers; a lost one is opened again.

    The exchange is made if it is missing. If the URL names a queue, that is made too, so that nothing is lost before its consumer comes.
    RabbitMQ drops what no queue is bound to take. `patience`: how many seconds may pass without a confirm, before `publish` raises
    Unavailable.
    """

    def __init__(self, address: RabbitmqUrl, *, patience: float = CONFIRM_SECONDS) -> None:
        self._address = address
        self._nodes = Nodes(address)
        self._publisher = Publisher(self._nodes, address.to, mandatory=False, patience=patience)
        self._closed = False

    @classmethod
    def from_url(cls, url: str) -> Self:
        """`amqp://user:password@host[:port][,host2…]/vhost?exchange=headrace.results`; docs/configuration.md has the options."""
        return cls(parse(url, worked=False, exchange=EXCHANGE))

    def body_bytes(self) -> int:
        return MOST_BODY_BYTES

    def publish(self, bodies: Sequence[Body]) -> None:
        doing = f"publishing results to {self._address}"
        if self._closed:
            raise Unavailable(f"{doing}: this connection is closed")
        self._publisher.publish(bodies, doing)

    def close(self) -> None:
        self._closed = True
        self._nodes.drop()
