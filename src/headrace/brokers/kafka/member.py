"""A member of the group: what is assigned to it, what came, and what the server is told of what is done.

Nothing happens between calls but the driver's heartbeats. Once a call has raised anything, the member is to be closed: what the driver had
handed over by then may not have been taken in, and must not be passed over.
"""

import time
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from typing import cast

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Message, TopicPartition

from headrace.brokers.kafka.client import ANSWER_SECONDS, Reports, settings, translate
from headrace.brokers.kafka.offsets import Assignment
from headrace.brokers.kafka.url import KafkaUrl
from headrace.errors import HeadraceError

AHEAD_BYTES, AHEAD_KILOBYTES = 4 << 20, 16 << 10
CLOSE_SECONDS, POLL_SECONDS = 2.0, 0.05
_PASSING = (KafkaError._MAX_POLL_EXCEEDED, KafkaError._TRANSPORT, KafkaError._ALL_BROKERS_DOWN)


class Member:
    """`arrived` holds what came and was not delivered yet. `lost` says which bodies the server threw away before they were done."""

    def __init__(self, address: KafkaUrl) -> None:
        self._address = address
        self.reports = Reports()
        self.arrived: deque[tuple[Assignment, int, bytes]] = deque()
        self.lost = ""
        self._assigned: dict[int, Assignment] = {}
        self._telling: list[tuple[Assignment, tuple[int, str]]] = []
        self._paused = self._closed = False
        self._consumer = Consumer(
            {
                **settings(address, self.reports),
                "group.id": address.group,
                "partition.assignment.strategy": "cooperative-sticky",
                "session.timeout.ms": address.session * 1000,
                "heartbeat.interval.ms": min(500, address.session * 300),
                "max.poll.interval.ms": address.poll * 1000,
                "auto.offset.reset": "error",  # what was thrown away isn't passed over in silence
                "enable.auto.commit": False,
                "enable.auto.offset.store": False,
                "enable.partition.eof": True,
                "on_commit": self._on_commit,
                "queued.max.messages.kbytes": AHEAD_KILOBYTES,
                "fetch.queue.backoff.ms": 20,
                "fetch.wait.max.ms": 100,  # requests to a node wait for those before them
            }
        )
        # Connects at once: without it the group is looked for half a second later.
        self._consumer.list_topics(address.topic, timeout=ANSWER_SECONDS)
        self._consumer.subscribe(
            [address.topic], on_assign=self._on_assign, on_revoke=self._on_revoke, on_lost=self._on_lost
        )

    def take_in(self, number: int, wait: float) -> int:
        """Have what has come in `arrived`, about so many; wait for the first where there is none. Returns how many came."""
        self._pause(False)
        before = len(self.arrived)
        if not self.arrived and wait > 0:
            message = self._consumer.poll(wait)
            self._take([] if message is None else [message])
        self._take(self._consumer.consume(number, 0))
        return len(self.arrived) - before

    def held_back(self) -> int:
        """The bytes in `arrived`."""
        return sum(len(data) for _, _, data in self.arrived)

    def live(self) -> None:
        """Show that we live, and hear whether we still have what we had; what comes meanwhile is held back where it is much."""
        if self.held_back() > AHEAD_BYTES:
            self._pause(True)
        message = self._consumer.poll(0)
        self._take([] if message is None else [message])
        self.tell()

    def finish(self, receipts: Iterable[tuple[Assignment, int]]) -> None:
        """These are done; stale ones are ignored."""
        for assignment, offset in receipts:
            if self._assigned.get(assignment.partition) is assignment:
                assignment.finish((offset,))

    def tell(self) -> None:
        """Tell the server what is done, without waiting, where it isn't told already; what changes meanwhile is told by the next call."""
        if not self._telling and (offsets := self._untold(self._assigned.values())):
            self._consumer.commit(offsets=offsets, asynchronous=True)

    def progress(self) -> tuple[dict[int, tuple[int, str]], int]:
        """What is done of each partition that is assigned, told or not; and how many bodies are delivered and not done."""
        delivered = sum(assignment.open for assignment in self._assigned.values()) - len(self.arrived)
        return {number: assignment.state for number, assignment in self._assigned.items()}, delivered

    def close(self) -> None:
        """Tell what is done, and leave, so that others get the rest at once. Raises nothing: what isn't told comes again."""
        if self._closed:
            return
        self._closed = True
        with suppress(KafkaException):
            self._consumer.poll(0)  # hear whether somebody is there to be told
            if self.reports.down:  # or was not, when that was reported
                self._consumer.list_topics(self._address.topic, timeout=CLOSE_SECONDS)
            self._tell_at_last()
        self._assigned.clear()
        self._consumer.close()

    def _take(self, messages: Iterable[Message]) -> None:
        trouble: HeadraceError | None = None
        for message in messages:
            error = message.error()
            assignment = self._assigned.get(cast(int, message.partition()))
            offset = cast(int, message.offset())
            if error is None:
                if assignment is not None and assignment.take(offset):
                    self.arrived.append((assignment, offset, message.value() or b""))
            elif error.code() == KafkaError._PARTITION_EOF:
                if assignment is not None:
                    assignment.reach(offset)
            elif error.code() not in _PASSING:
                trouble = translate(error, f"receiving from {self._address}")
        if trouble is not None:
            raise trouble

    def _settle(self, assignments: Iterable[Assignment]) -> None:
        """Tell what is done, and wait until it is taken."""
        if offsets := self._untold(assignments):
            self._consumer.commit(offsets=offsets, asynchronous=False)

    def _tell_at_last(self) -> None:
        """Tell what is done, and wait; again where the node to tell it to has yet to be found."""
        deadline = time.monotonic() + CLOSE_SECONDS
        while True:
            # What was told before may be told again after a connection was lost, and what the server hears last counts.
            while self._telling and time.monotonic() < deadline:
                self._consumer.poll(POLL_SECONDS)
            try:
                self._settle(self._assigned.values())
            except KafkaException:
                if time.monotonic() >= deadline:
                    raise
                self._telling = []
                self._consumer.poll(POLL_SECONDS)
            else:
                return

    def _untold(self, assignments: Iterable[Assignment]) -> list[TopicPartition]:
        self._telling = [(one, one.state) for one in assignments if one.untold]
        return [TopicPartition(self._address.topic, one.partition, *state) for one, state in self._telling]

    def _on_commit(self, error: KafkaError | None, parts: list[TopicPartition]) -> None:
        telling, self._telling = self._telling, []
        failed = {part.partition for part in parts if part.error is not None}
        for assignment, state in telling:
            if error is None and assignment.partition not in failed:
                assignment.told(state)

    def _on_assign(self, consumer: Consumer, parts: list[TopicPartition]) -> None:
        if self._closed or not parts:
            return
        committed = consumer.committed(parts, timeout=ANSWER_SECONDS)
        asked = [TopicPartition(part.topic, part.partition, OFFSET_BEGINNING) for part in parts]
        first = {part.partition: part.offset for part in consumer.offsets_for_times(asked, timeout=ANSWER_SECONDS)}
        for part in committed:
            start = max(part.offset, first[part.partition])
            note = (part.metadata or "") if part.offset == start else ""
            self._assigned[part.partition] = assignment = Assignment(part.partition, start, note)
            if part.offset < start:
                assignment.told(
                    (part.offset, "")
                )  # so that the server is told where it goes on, before anything is done
            if 0 <= part.offset < start:
                self.lost = (
                    f"bodies {part.offset:,} to {start - 1:,} of partition {part.partition} of {self._address} were thrown away before they"
                    " were done, since the topic's retention is over; raise its retention.ms. It goes on with the rest"
                )
            part.offset = start
        consumer.incremental_assign([TopicPartition(part.topic, part.partition, part.offset) for part in committed])

    def _on_revoke(self, _consumer: Consumer, parts: list[TopicPartition]) -> None:
        revoked = [self._assigned[part.partition] for part in parts if part.partition in self._assigned]
        with suppress(KafkaException):  # then what is done and not told comes again
            self._settle(revoked)
        self._forget(parts)

    def _on_lost(self, _consumer: Consumer, parts: list[TopicPartition]) -> None:
        self._forget(parts)

    def _forget(self, parts: list[TopicPartition]) -> None:
        for part in parts:
            self._assigned.pop(part.partition, None)
        self.arrived = deque(one for one in self.arrived if self._assigned.get(one[0].partition) is one[0])

    def _pause(self, paused: bool) -> None:
        if paused != self._paused:
            parts = self._consumer.assignment()
            (self._consumer.pause if paused else self._consumer.resume)(parts)
            self._paused = paused
