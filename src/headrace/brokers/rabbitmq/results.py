"""RabbitMQ: results behind a topic exchange, for whoever binds a queue to it."""

from collections.abc import Sequence
from typing import Self

from headrace.brokers.rabbitmq.nodes import Nodes
from headrace.brokers.rabbitmq.publisher import CONFIRM_SECONDS, Message, send
from headrace.brokers.rabbitmq.url import RabbitmqUrl, parse
from headrace.documents import Body
from headrace.errors import Unavailable
from headrace.validation import check_sizes

MOST_BODY_BYTES = 16 << 20
EXCHANGE = "headrace.results"


class RabbitmqResults:
    """A connection to the exchange, opened by the first call that needs it, at whichever node answers; a lost one is opened again.

    The exchange is made where it is missing; so is a queue, where the URL names one: then nothing is gone before its consumer comes.
    What no queue is bound to take, RabbitMQ drops.
    """

    def __init__(self, address: RabbitmqUrl, *, patience: float = CONFIRM_SECONDS) -> None:
        self._address = address
        self._patience = patience
        self._nodes = Nodes(address)
        self._closed = False

    @classmethod
    def from_url(cls, url: str) -> Self:
        """`amqp://user:password@host[:port][,host2…]/vhost?exchange=headrace.results`; docs/configuration.md has the options."""
        return cls(parse(url, worked=False, exchange=EXCHANGE))

    def body_bytes(self) -> int:
        """What RabbitMQ 4 takes unless set otherwise (`max_message_size`)."""
        return MOST_BODY_BYTES

    def publish(self, bodies: Sequence[Body]) -> None:
        doing = f"publishing results to {self._address}"
        if self._closed:
            raise Unavailable(f"{doing}: this connection is closed")
        check_sizes((len(body.data) for body in bodies), MOST_BODY_BYTES, doing)
        if not bodies:
            return
        link = self._nodes.link()
        try:
            messages = (Message(self._address.to, body.key, body.data, mandatory=False) for body in bodies)
            send(link, messages, self._patience, doing)
        except BaseException:
            self._nodes.drop()
            raise

    def close(self) -> None:
        self._closed = True
        self._nodes.drop()
