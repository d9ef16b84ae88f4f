"""The topic as seen from outside of the group: created if it is missing, checked, and how much of it is still to do."""

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

from headrace.brokers.kafka.admin import create, most_body_bytes, read
from headrace.brokers.kafka.client import ANSWER_SECONDS, Reports, settings
from headrace.brokers.kafka.errors import translate
from headrace.brokers.kafka.identity import Identity
from headrace.brokers.kafka.progress import Log, done_above, resume
from headrace.brokers.kafka.url import KafkaUrl
from headrace.errors import Unavailable

STEP_SECONDS = 0.5  #: of each attempt to reach a server, between which we look whether one has refused us
HEADS_SECONDS = 2.0  #: that `oldest` takes at most


class Topic:
    """The constructor raises Unavailable if no server answers, and Misconfigured if the topic can't be used or created.

    `body_bytes`: the largest body that the topic takes. `identity`: which topic of this name it is.
    """

    def __init__(self, address: KafkaUrl) -> None:
        self._address = address
        self._reports = Reports()
        self.identity = Identity(address)
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
        """How many replicas each partition has; empty if the topic is missing. Raises Unavailable if no server answers in time."""
        doing = f"connecting to {self._address}"
        deadline = time.monotonic() + ANSWER_SECONDS
        while True:
            try:
                found = self._client.list_topics(self._address.topic, timeout=STEP_SECONDS).topics[self._address.topic]
                self._reports.down = ""
                break
            except KafkaException as error:
                self._client.poll(0)  # calls `reports` back, which then know why
                self._reports.check(doing)
                if time.monotonic() > deadline:
                    raise translate(error, doing) from error
        if found.error is not None and found.error.code() != KafkaError.UNKNOWN_TOPIC_OR_PART:
            raise translate(found.error, doing)
        return [len(found.partitions[number].replicas) for number in sorted(found.partitions)]

    def waiting(self, done: Mapping[int, tuple[int, str]]) -> list[tuple[int, int, int]]:
        """For each partition its number, the offset where the group goes on, and how many bodies from there on are not done.

        `done`: the states of the partitions that are assigned to us, which may not be committed yet.
        """
        numbers = range(len(self.partitions()))
        topic_id = self.identity.ask()
        try:
            committed = self._client.committed(self._parts(numbers), timeout=ANSWER_SECONDS)
            first, end = self._ends(numbers, OFFSET_BEGINNING), self._ends(numbers, OFFSET_END)
        except KafkaException as error:
            raise translate(error, f"asking for the backlog of {self._address}") from error
        waiting = []
        for one in committed:
            log = Log(first[one.partition], end[one.partition], topic_id)
            place = resume(*done.get(one.partition, (one.offset, one.metadata or "")), log, "")
            waiting.append((one.partition, place.offset, max(0, log.end - place.offset - done_above(place.note))))
        return waiting

    def oldest(self, heads: Sequence[tuple[int, int]]) -> float | None:
        """When the oldest of the bodies at these offsets was published, in seconds since the epoch. `heads`: partitions and offsets.

        None if not all of them can be read within HEADS_SECONDS.
        """
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
        """Close the client. It never joined the group, so nothing is rebalanced."""
        self._client.close()

    def _open(self) -> int:
        if not self.partitions():
            create(self._address)
            self._await_leaders()
        return most_body_bytes(
            self._address, read(self._address)
        )  # another may have created it first, with other settings

    def _await_leaders(self) -> None:
        """Wait until every partition answers; a new topic is listed before that."""
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
        parts = self._client.offsets_for_times(self._parts(numbers, which), timeout=ANSWER_SECONDS)
        return {part.partition: part.offset for part in parts}

    def _parts(self, numbers: Sequence[int], offset: int = OFFSET_INVALID) -> list[TopicPartition]:
        return [TopicPartition(self._address.topic, number, offset) for number in numbers]
