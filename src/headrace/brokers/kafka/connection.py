"""A connection to a topic, for whoever publishes there: opened by the first call that needs it.

The driver opens lost connections again by itself. What was never there, or is refused, is an error of the call.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from confluent_kafka import KafkaException

from headrace.brokers.kafka.client import translate
from headrace.brokers.kafka.producer import Publisher
from headrace.brokers.kafka.topic import Topic
from headrace.brokers.kafka.url import KafkaUrl
from headrace.documents import Body
from headrace.errors import Unavailable
from headrace.validation import check_sizes

CONFIRM_SECONDS = 30.0


class Connection:
    """`patience`: how many seconds a body may take to be confirmed. `keyed`: bodies of one key go to one partition."""

    def __init__(self, address: KafkaUrl, *, patience: float = CONFIRM_SECONDS, keyed: bool = False) -> None:
        self._address, self._patience, self._keyed = address, patience, keyed
        self._topic: Topic | None = None
        self._publisher: Publisher | None = None
        self._closed = False

    def topic(self) -> Topic:
        """The topic, looked at. Raises Unavailable where no server answers, and Misconfigured where the topic can't be used."""
        self.check_open()
        if self._topic is None:
            with self.translated("connecting to"):
                self._topic = Topic(self._address)
        return self._topic

    def publish(self, bodies: Sequence[Body]) -> None:
        """As the port says."""
        self.check_open()
        if not bodies:
            return
        most = self.topic().body_bytes
        check_sizes((len(body.data) for body in bodies), most, f"publishing to {self._address}")
        try:
            with self.translated("publishing to"):
                if self._publisher is not None and self._publisher.is_down():
                    self.topic().partitions()  # raises where that is so still
                self._publisher = self._publisher or Publisher(self._address, most, self._patience)
                self._publisher.publish((body.data, body.key.encode() if self._keyed else None) for body in bodies)
        except BaseException:
            self._publisher = None
            self.look_away()
            raise

    @contextmanager
    def translated(self, doing: str) -> Iterator[None]:
        """The driver's errors as Headrace's."""
        try:
            yield
        except KafkaException as error:
            raise translate(error, f"{doing} {self._address}") from error

    def look_away(self) -> None:
        """Look at the topic again when it is needed next: perhaps it was deleted."""
        topic, self._topic = self._topic, None
        if topic is not None:
            topic.close()

    def check_open(self) -> None:
        """Raises Unavailable after `close`."""
        if self._closed:
            raise Unavailable(f"using {self._address}: this connection is closed")

    def close(self) -> None:
        """Again, and it is nothing."""
        self._closed = True
        self._publisher = None
        self.look_away()
