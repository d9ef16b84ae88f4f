"""A connection to a topic: what is known of it, and a producer, each opened by the first call that needs it.

The driver reopens lost connections by itself. A server that never answered, or refuses us, is an error of the call.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from confluent_kafka import KafkaException

from headrace.brokers.kafka.errors import translate
from headrace.brokers.kafka.producer import TopicProducer
from headrace.brokers.kafka.topic import Topic
from headrace.brokers.kafka.url import KafkaUrl
from headrace.documents import Body
from headrace.errors import Unavailable
from headrace.validation import check_sizes

CONFIRM_SECONDS = 30.0  #: that a body may take to be confirmed


class Connection:
    """`patience`: how many seconds a body may take to be confirmed. `keyed`: bodies of one key go to one partition."""

    def __init__(self, address: KafkaUrl, *, patience: float = CONFIRM_SECONDS, keyed: bool = False) -> None:
        self._address, self._patience, self._keyed = address, patience, keyed
        self._topic: Topic | None = None
        self._producer: TopicProducer | None = None
        self._closed = False

    def topic(self) -> Topic:
        """The topic, created if it is missing. Raises Unavailable if no server answers, and Misconfigured if the topic can't be used."""
        self.check_open()
        if self._topic is None:
            with self.translated("connecting to"):
                self._topic = Topic(self._address)
        return self._topic

    def publish(self, bodies: Sequence[Body]) -> None:
        """Does what `Sink.publish` promises."""
        self.check_open()
        if not bodies:
            return
        most = self.topic().body_bytes
        check_sizes((len(body.data) for body in bodies), most, f"publishing to {self._address}")
        try:
            with self.translated("publishing to"):
                if self._producer is not None and self._producer.is_down():
                    self.topic().partitions()  # raises at once if no server answers, instead of after `patience`
                self._producer = self._producer or TopicProducer(self._address, most, self._patience)
                self._producer.publish(bodies, keyed=self._keyed)
        except BaseException:
            self._producer = None
            self.forget_topic()
            raise

    @contextmanager
    def translated(self, doing: str) -> Iterator[None]:
        """Raise the driver's errors as Headrace's. `doing`: what is being done to the topic, for the message."""
        try:
            yield
        except KafkaException as error:
            raise translate(error, f"{doing} {self._address}") from error

    def forget_topic(self) -> None:
        """Ask the server about the topic again when it is needed next: it may have been deleted."""
        topic, self._topic = self._topic, None
        if topic is not None:
            topic.close()

    def check_open(self) -> None:
        """Raises Unavailable after `close`."""
        if self._closed:
            raise Unavailable(f"using {self._address}: this connection is closed")

    def close(self) -> None:
        """Calling it twice is harmless."""
        self._closed = True
        self._producer = None
        self.forget_topic()
