"""A member of the consumer group: what is assigned to it, what has come, and what is committed of what is done.

Nothing happens between calls but the driver's heartbeats. Once a call has raised anything, the member has to be closed: messages that the
driver has delivered may not have been recorded, and must be fetched again.
"""

import time
from collections.abc import Iterable
from contextlib import suppress
from typing import cast

from confluent_kafka import OFFSET_BEGINNING, OFFSET_END, Consumer, KafkaError, KafkaException, Message, TopicPartition

from headrace.brokers.arrivals import Arrivals
from headrace.brokers.headers import headers_of, value_of
from headrace.brokers.kafka.assignment import Assignment
from headrace.brokers.kafka.client import ANSWER_SECONDS, Reports, settings
from headrace.brokers.kafka.errors import translate
from headrace.brokers.kafka.identity import Identity
from headrace.brokers.kafka.progress import Log, resume
from headrace.brokers.kafka.url import KafkaUrl
from headrace.errors import HeadraceError, Unavailable
from headrace.ports import Delivery

AHEAD_BYTES = 4 << 20  #: bodies held back, beyond which `keep` pauses fetching
AHEAD_KILOBYTES = 4 << 10  #: what the driver fetches ahead of us
FETCH_BYTES = 2 << 20  #: of the answer of one node to one request; more only if a single body is larger
CLOSE_SECONDS = 2.0  #: that `close` takes at most for committing what is done
POLL_SECONDS = 0.05  #: of each wait for the answer to a commit
_PASSING = (KafkaError._MAX_POLL_EXCEEDED, KafkaError._TRANSPORT, KafkaError._ALL_BROKERS_DOWN)


class Member:
    """What comes is added to `arrivals`; the receipts name the assignment and the offset.

    `notices` say what was lost, or begins again, in the partitions that were assigned to us; their reader removes them.
    """

    def __init__(self, address: KafkaUrl, identity: Identity, arrivals: Arrivals) -> None:
        self._address, self._identity = address, identity
        self._topic_id = identity.ask()
        self.reports = Reports()
        self.notices: list[str] = []
        self._arrivals = arrivals
        self._assigned: dict[int, Assignment] = {}
        self._committing: list[tuple[Assignment, tuple[int, str]]] = []  # asked of the server and not yet answered
        self._paused = self._closed = False
        self._consumer = Consumer(
            {
                **settings(address, self.reports),
                "group.id": address.group,
                "partition.assignment.strategy": "cooperative-sticky",
                "session.timeout.ms": address.session * 1000,
                "heartbeat.interval.ms": min(500, address.session * 300),
                "max.poll.interval.ms": address.poll * 1000,
                "auto.offset.reset": "error",  # so that we hear of bodies that were deleted
                "enable.auto.commit": False,
                "enable.auto.offset.store": False,
                "enable.partition.eof": True,
                "on_commit": self._on_commit,
                "queued.max.messages.kbytes": AHEAD_KILOBYTES,
                "fetch.max.bytes": FETCH_BYTES,
                "fetch.queue.backoff.ms": 20,
                "fetch.wait.max.ms": 100,  # requests to a node wait for those before them
            }
        )
        # Connects at once. Otherwise the driver would look for the group half a second later.
        self._consumer.list_topics(address.topic, timeout=ANSWER_SECONDS)
        self._consumer.subscribe(
            [address.topic], on_assign=self._on_assign, on_revoke=self._on_revoke, on_lost=self._on_lost
        )

    def take_in(self, number: int, wait: float) -> int:
        """Add about `number` messages to the arrivals. If there are none, wait up to `wait` seconds for the first. Returns how many
        came. Raises Unavailable if the topic was made anew.
        """
        self._check_same()
        self._pause(False)
        before = len(self._arrivals)
        if not self._arrivals and wait > 0:
            message = self._consumer.poll(wait)
            self._take([] if message is None else [message])
        self._take(self._consumer.consume(number, 0))
        return len(self._arrivals) - before

    def keep(self) -> None:
        """Poll, which keeps our place in the group and tells whether we still have our partitions. Fetching pauses while much is held
        back.
        """
        self._check_same()
        if self._arrivals.bytes > AHEAD_BYTES:
            self._pause(True)
        message = self._consumer.poll(0)
        self._take([] if message is None else [message])
        self.commit()

    def finish(self, receipts: Iterable[tuple[Assignment, int]]) -> None:
        """Mark these as done; stale ones are ignored."""
        for assignment, offset in receipts:
            if self._assigned.get(assignment.partition) is assignment:
                assignment.finish((offset,))

    def commit(self) -> None:
        """Commit what is done, without waiting. While a commit is under way this does nothing: the next call commits what has changed."""
        if not self._committing and (offsets := self._changed(self._assigned.values())):
            self._consumer.commit(offsets=offsets, asynchronous=True)

    def progress(self) -> tuple[dict[int, tuple[int, str]], int]:
        """The state of each partition that is assigned, committed or not; and how many bodies are delivered and not done."""
        delivered = sum(assignment.open for assignment in self._assigned.values()) - len(self._arrivals)
        return {number: assignment.state for number, assignment in self._assigned.items()}, delivered

    def close(self) -> None:
        """Commit what is done, and leave, so that others get the rest at once. Raises nothing: what can't be committed comes again."""
        if self._closed:
            return
        self._closed = True
        with suppress(KafkaException):
            self._consumer.poll(0)  # so that we hear whether a server can be reached
            if self.reports.down:  # that may be over; if not, this raises
                self._consumer.list_topics(self._address.topic, timeout=CLOSE_SECONDS)
            self._commit_at_last()
        self._assigned.clear()
        self._consumer.close()

    def _check_same(self) -> None:
        if self._identity.differs(self._topic_id):
            raise Unavailable(f"receiving from {self._address}: the topic was deleted and made anew")

    def _take(self, messages: Iterable[Message]) -> None:
        trouble: HeadraceError | None = None
        for message in messages:
            error = message.error()
            assignment = self._assigned.get(cast(int, message.partition()))
            offset = cast(int, message.offset())
            if error is None:
                if assignment is not None and assignment.take(offset):
                    self._arrivals.add(_delivery(message, (assignment, offset)))
            elif error.code() == KafkaError._PARTITION_EOF:
                if assignment is not None:
                    assignment.reach(offset)
            elif error.code() not in _PASSING:
                trouble = translate(error, f"receiving from {self._address}")
        if trouble is not None:
            raise trouble

    def _commit_and_wait(self, assignments: Iterable[Assignment]) -> None:
        if offsets := self._changed(assignments):
            self._consumer.commit(offsets=offsets, asynchronous=False)

    def _commit_at_last(self) -> None:
        """Commit what is done and wait for the answer; retry if the node that keeps the group has yet to be found."""
        deadline = time.monotonic() + CLOSE_SECONDS
        while True:
            # The driver may repeat a commit after a connection was lost, and the last one that the server hears counts.
            while self._committing and time.monotonic() < deadline:
                self._consumer.poll(POLL_SECONDS)
            try:
                self._commit_and_wait(self._assigned.values())
            except KafkaException:
                if time.monotonic() >= deadline:
                    raise
                self._committing = []
                self._consumer.poll(POLL_SECONDS)
            else:
                return

    def _changed(self, assignments: Iterable[Assignment]) -> list[TopicPartition]:
        """What to commit, remembered until the server has answered."""
        self._committing = [(assignment, assignment.state) for assignment in assignments if assignment.has_changed]
        return [TopicPartition(self._address.topic, one.partition, *state) for one, state in self._committing]

    def _on_commit(self, error: KafkaError | None, parts: list[TopicPartition]) -> None:
        committing, self._committing = self._committing, []
        failed = {part.partition for part in parts if part.error is not None}
        for assignment, state in committing:
            if error is None and assignment.partition not in failed:
                assignment.mark_committed(state)

    def _on_assign(self, consumer: Consumer, parts: list[TopicPartition]) -> None:
        if self._closed or not parts:
            return
        committed = consumer.committed(parts, timeout=ANSWER_SECONDS)
        first, end = _ends(consumer, parts, OFFSET_BEGINNING), _ends(consumer, parts, OFFSET_END)
        for part in committed:
            number, note = part.partition, part.metadata or ""
            log = Log(first[number], end[number], self._topic_id)
            place = resume(part.offset, note, log, f"partition {number} of {self._address}")
            self._assigned[number] = assignment = Assignment(number, place.offset, place.note, self._topic_id)
            if place.offset != part.offset:
                # So that the place is committed before anything is done.
                assignment.mark_committed((part.offset, note))
            if place.why:
                self.notices.append(place.why)
            part.offset = place.offset
        consumer.incremental_assign([TopicPartition(part.topic, part.partition, part.offset) for part in committed])

    def _on_revoke(self, _consumer: Consumer, parts: list[TopicPartition]) -> None:
        revoked = [self._assigned[part.partition] for part in parts if part.partition in self._assigned]
        with suppress(KafkaException):  # then what is done and not committed comes again
            self._commit_and_wait(revoked)
        self._forget(parts)

    def _on_lost(self, _consumer: Consumer, parts: list[TopicPartition]) -> None:
        self._forget(parts)

    def _forget(self, parts: list[TopicPartition]) -> None:
        for part in parts:
            self._assigned.pop(part.partition, None)
        self._arrivals.drop(self._is_stale)

    def _is_stale(self, delivery: Delivery) -> bool:
        assignment, _ = delivery.receipt
        return self._assigned.get(assignment.partition) is not assignment

    def _pause(self, paused: bool) -> None:
        if paused != self._paused:
            parts = self._consumer.assignment()
            (self._consumer.pause if paused else self._consumer.resume)(parts)
            self._paused = paused


def _ends(consumer: Consumer, parts: Iterable[TopicPartition], which: int) -> dict[int, int]:
    """The first offsets of these partitions, or the ones after their last, by their numbers."""
    asked = [TopicPartition(part.topic, part.partition, which) for part in parts]
    return {part.partition: part.offset for part in consumer.offsets_for_times(asked, timeout=ANSWER_SECONDS)}


def _delivery(message: Message, receipt: tuple[Assignment, int]) -> Delivery:
    body, named = message.value() or b"", message.headers()
    if not named and message.key() is None:  # as we publish it
        return Delivery(body, receipt)
    headers = headers_of(named.items() if isinstance(named, dict) else named or ())
    return Delivery(
        body,
        receipt,
        encoding=value_of(headers, "content-encoding"),
        content_type=value_of(headers, "content-type"),
        headers=headers,
        key=_key(message.key()),
    )


def _key(key: str | bytes | None) -> str:
    """The key of a message as text; empty if it has none, or one that is not text."""
    try:
        return key.decode() if isinstance(key, bytes) else key or ""
    except UnicodeDecodeError:
        return ""
