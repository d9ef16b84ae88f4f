"""What puts records into a topic: idempotent, and confirmed by all replicas that are in sync."""

import time
from collections.abc import Iterable

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from headrace.brokers.kafka.admin import RECORD_BYTES
from headrace.brokers.kafka.client import Reports, settings, translate
from headrace.brokers.kafka.url import KafkaUrl
from headrace.errors import Unavailable

WINDOW, WINDOW_KILOBYTES = 50_000, 64 << 10
SLICE_SECONDS = 0.5


class Publisher:
    """Good until `publish` raises anything; then its owner makes another.

    `body_bytes`: what the topic takes; `patience`: how many seconds a record may take.
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
        # Connects at once: without it the first record waits for the driver's next look, half a second later.
        self._producer.list_topics(address.topic, timeout=patience)

    def is_down(self) -> bool:
        """Whether no server could be reached since this was asked last."""
        self._producer.poll(0)  # hear of it
        down, self._reports.down = self._reports.down, ""
        return bool(down)

    def publish(self, records: Iterable[tuple[bytes, bytes | None]]) -> None:
        """Return once all are durable. Values, and keys that say which records belong to one partition."""
        doing = f"publishing to {self._address}"
        try:
            for value, key in records:
                self._produce(value, key)
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
                self._producer.purge()  # whatever becomes of them now, they count as not published

    def _produce(self, value: bytes, key: bytes | None) -> None:
        while self._failure is None:
            try:
                self._producer.produce(self._address.topic, value, key)
            except BufferError:  # the window is full
                self._producer.poll(SLICE_SECONDS)
            else:
                return

    def _on_failure(self, error: KafkaError | None, _message: Message) -> None:
        self._failure = self._failure or error
