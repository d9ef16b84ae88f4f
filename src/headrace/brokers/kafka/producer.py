"""An idempotent producer, whose records are confirmed by all replicas that are in sync."""

import time
from collections.abc import Iterable

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from headrace.brokers.kafka.admin import RECORD_BYTES
from headrace.brokers.kafka.client import Reports, settings
from headrace.brokers.kafka.errors import translate
from headrace.brokers.kafka.url import KafkaUrl
from headrace.documents import Body
from headrace.errors import Unavailable

WINDOW, WINDOW_KILOBYTES = 50_000, 64 << 10  #: records, and KiB of them, that may be unconfirmed at a time
SLICE_SECONDS = 0.5  #: of each wait for the driver, between which a failure is noticed


class TopicProducer:
    """Publishes to the topic of an address. Once `publish` has raised, its owner makes another.

    `body_bytes`: the largest value that the topic takes; `patience`: how many seconds a record may take to be confirmed.
    """

    def __init__(self, address: KafkaUrl, body_bytes: int, patience: float) -> None:
        self._address, self._patience = address, patience
        self._reports = Reports()
        self._failure: KafkaError | None = None
        self._producer = Producer(
            {
                **settings(address, self._reports),
                "enable.idempotence": True,
                "message.max.bytes": body_bytes + RECORD_BYTES,
                "delivery.timeout.ms": int(patience * 1000),
                "queue.buffering.max.messages": WINDOW,
                "queue.buffering.max.kbytes": max(WINDOW_KILOBYTES, (body_bytes >> 10) + 1),
                "linger.ms": 0,
                "delivery.report.only.error": True,
                "on_delivery": self._on_failure,
            }
        )
        # Connects at once. Otherwise the first record would wait half a second, until the driver looks for servers.
        self._producer.list_topics(address.topic, timeout=patience)

    def is_down(self) -> bool:
        """Whether no server could be reached at some time since the last call of this method."""
        self._producer.poll(0)  # calls back, if there is something to report
        down, self._reports.down = self._reports.down, ""
        return bool(down)

    def publish(self, bodies: Iterable[Body], *, keyed: bool) -> None:
        """Return once all bodies are confirmed. If they are `keyed`, those of one key go to one partition, otherwise each goes to any.

        Raises Unavailable, Rejected or Misconfigured; some may have been published then.
        """
        doing = f"publishing to {self._address}"
        try:
            for body in bodies:
                self._produce(body, body.key.encode() if keyed else None)
            deadline = time.monotonic() + self._patience + 1
            while len(self._producer) and self._failure is None and time.monotonic() < deadline:
                self._producer.flush(SLICE_SECONDS)
            if self._failure is not None:
                self._reports.check(doing)
                raise translate(self._failure, doing)
            if len(self._producer):
                raise Unavailable(f"{doing}: {len(self._producer)} bodies are not confirmed")
        except KafkaException as error:
            raise translate(error, doing) from error
        finally:
            if len(self._producer):
                self._producer.purge()  # they count as not published, whatever becomes of those that were sent

    def _produce(self, body: Body, key: bytes | None) -> None:
        headers: dict[str, str | bytes | None] | None = (
            {"content-type": body.content_type} if body.content_type else None
        )
        while self._failure is None:
            try:
                self._producer.produce(self._address.topic, body.data, key, headers=headers)
            except BufferError:  # the window is full
                self._producer.poll(SLICE_SECONDS)
            else:
                return

    def _on_failure(self, error: KafkaError | None, _message: Message) -> None:
        self._failure = self._failure or error
