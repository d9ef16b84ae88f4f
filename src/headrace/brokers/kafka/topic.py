"""The topic, looked at from outside of the group: made where it is missing, checked, and how much of it is still to do."""

import time
from collections.abc import Mapping, Sequence
from typing import cast

from confluent_kafka import (
    OFFSET_BEGINNING,
    OFFSET_END,
    OFFSET_INVALID,
    Consumer,
    KafkaError,
    KafkaException,
    TopicPartition,
)

from headrace.brokers.kafka.admin import make, most_body_bytes, read
from headrace.brokers.kafka.client import ANSWER_SECONDS, Reports, settings, translate
from headrace.brokers.kafka.offsets import done_above
from headrace.brokers.kafka.url import KafkaUrl
from headrace.errors import Unavailable

STEP_SECONDS, HEADS_SECONDS = 0.5, 2.0


class Topic:
    """The constructor raises Unavailable where no server answers, and Misconfigured where the topic can't be used or made.

    `body_bytes`: what the topic takes.
    """

    def __init__(self, address: KafkaUrl) -> None:
        self._address = address
        self._reports = Reports()
        self._client = Consumer(
            {
                **settings(address, self._reports),
                "group.id": address.group,
                "enable.auto.commit": False,
                "fetch.wait.max.ms": 100,
                "fetch.message.max.bytes": 1024,
                "queued.max.messages.kbytes": 1024,
            }
        )
        try:
            self.body_bytes = self._open()
        except BaseException:
            self.close()
            raise

    def partitions(self) -> Sequence[int]:
        """How many replicas each has; empty where the topic is missing. Raises Unavailable where no server answers in time."""
        doing = f"connecting to {self._address}"
        deadline = time.monotonic() + ANSWER_SECONDS
        while True:
            try:
                found = self._client.list_topics(self._address.topic, timeout=STEP_SECONDS).topics[self._address.topic]
                self._reports.down = ""
                break
            except KafkaException as error:
                self._client.poll(0)  # hear why
                self._reports.check(doing)
                if time.monotonic() > deadline:
                    raise translate(error, doing) from error
        if found.error is not None and found.error.code() != KafkaError.UNKNOWN_TOPIC_OR_PART:
            raise translate(found.error, doing)
        return [len(found.partitions[number].replicas) for number in sorted(found.partitions)]

    def waiting(self, done: Mapping[int, tuple[int, str]]) -> list[tuple[int, int, int]]:
        """Of each partition its number, where the group goes on, and how many bodies from there on are not done.

        `done`: what is known of some partitions, and perhaps not to the server yet.
        """
        numbers = range(len(self.partitions()))
        try:
            committed = self._client.committed(self._parts(numbers), timeout=ANSWER_SECONDS)
            first, end = self._ends(numbers, OFFSET_BEGINNING), self._ends(numbers, OFFSET_END)
        except KafkaException as error:
            raise translate(error, f"asking for the backlog of {self._address}") from error
        waiting = []
        for one in committed:
            offset, note = done.get(one.partition, (one.offset, one.metadata or ""))
            start = max(offset, first[one.partition])
            above = done_above(note) if start == offset else 0
            waiting.append((one.partition, start, max(0, end[one.partition] - start - above)))
        return waiting

    def oldest(self, heads: Sequence[tuple[int, int]]) -> float | None:
        """The time since the epoch of the oldest body among those at the given offsets of partitions, where it comes soon."""
        parts = [TopicPartition(self._address.topic, number, offset) for number, offset in heads]
        times: dict[int, float] = {}
        deadline = time.monotonic() + HEADS_SECONDS
        try:
            self._client.assign(parts)
            while len(times) < len(parts) and (left := deadline - time.monotonic()) > 0:
                message = self._client.poll(left)
                if message is not None and message.error() is None:
                    times.setdefault(cast(int, message.partition()), message.timestamp()[1] / 1000)
            self._client.unassign()
        except KafkaException as error:
            raise translate(error, f"asking for the backlog of {self._address}") from error
        return min(times.values()) if times and len(times) == len(parts) else None

    def close(self) -> None:
        """Leave; nobody notices."""
        self._client.close()

    def _open(self) -> int:
        if not self.partitions():
            make(self._address)
            self._await_leaders()
        return most_body_bytes(self._address, read(self._address))  # another may have made it first, otherwise

    def _await_leaders(self) -> None:
        """A topic that was just made is known before its partitions answer."""
        deadline = time.monotonic() + ANSWER_SECONDS
        while True:
            if numbers := range(len(self.partitions())):
                try:
                    self._ends(numbers, OFFSET_END)
                except KafkaException as error:
                    if time.monotonic() > deadline:
                        raise translate(error, f"making {self._address}") from error
                else:
                    return
            elif time.monotonic() > deadline:
                raise Unavailable(f"making {self._address}: the topic does not appear")

    def _ends(self, numbers: Sequence[int], which: int) -> dict[int, int]:
        told = self._client.offsets_for_times(self._parts(numbers, which), timeout=ANSWER_SECONDS)
        return {one.partition: one.offset for one in told}

    def _parts(self, numbers: Sequence[int], offset: int = OFFSET_INVALID) -> list[TopicPartition]:
        return [TopicPartition(self._address.topic, number, offset) for number in numbers]
