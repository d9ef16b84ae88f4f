"""Kafka: a topic, and a group of workers that share its partitions.

A lease lasts while a worker is in the group: it ends when the worker leaves, when nothing was heard of it for `session` seconds or it
didn't call for `poll` seconds, and when its partition is given to another because one came or went. What was leased then comes again,
elsewhere. Bodies have no key, so that those of one source go to all partitions; the documents in them tell their source.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Self

from headrace.brokers.kafka.admin import judge, read, remove
from headrace.brokers.kafka.connection import CONFIRM_SECONDS, Connection
from headrace.brokers.kafka.member import Member
from headrace.brokers.kafka.url import KafkaUrl, parse
from headrace.documents import BODY_BYTES, Body
from headrace.errors import Unavailable
from headrace.ports import Backlog, Delivery

MOST_AT_ONCE = 10_000


class KafkaBroker:
    """A connection to a topic, opened by the first call that needs it. The driver opens lost connections again by itself.

    What `publish` has returned for is on all replicas that are in sync. A body has up to 16 MiB, or what the topic takes. `patience`: how
    many seconds a body may take to be confirmed, before `publish` raises Unavailable.
    """

    def __init__(self, address: KafkaUrl, *, patience: float = CONFIRM_SECONDS) -> None:
        self._address = address
        self._connection = Connection(address, patience=patience)
        self._member: Member | None = None
        self._mean_bytes = float(BODY_BYTES)
        self._closed = False

    @classmethod
    def from_url(cls, url: str) -> Self:
        """`kafka://host[:port][,host2…]/topic?group=headrace`; docs/configuration.md has the options."""
        return cls(parse(url))

    def body_bytes(self) -> int:
        """What the topic takes (its `max.message.bytes`)."""
        return self._connection.topic().body_bytes

    def publish(self, bodies: Sequence[Body]) -> None:
        self._connection.publish(bodies)

    def receive(self, limit: int, wait: float) -> list[Delivery]:
        """Raises Unavailable, once, where the server threw bodies away that were not done."""
        self._connection.check_open()
        self._check_reached()
        with self._joined("receiving from") as member:
            member.tell()
            self._take_in(member, limit, wait)
        if member.lost:
            lost, member.lost = member.lost, ""
            raise Unavailable(f"receiving from {self._address}: {lost}")
        deliveries: list[Delivery] = []
        size = 0
        while member.arrived:
            assignment, offset, data = member.arrived[0]
            if deliveries and size + len(data) > limit:
                break
            member.arrived.popleft()
            size += len(data)
            deliveries.append(Delivery(data, (assignment, offset)))
        if deliveries:
            self._mean_bytes += (size / len(deliveries) - self._mean_bytes) / 2
        return deliveries

    def ack(self, deliveries: Sequence[Delivery]) -> None:
        """What is done is told to the server without waiting; where that is lost, it comes again."""
        self._connection.check_open()
        if self._member is not None:
            with self._joined("acknowledging to") as member:
                member.finish(delivery.receipt for delivery in deliveries)
                member.tell()

    def keep(self, deliveries: Sequence[Delivery]) -> None:  # noqa: ARG002
        """Tells the group that we live."""
        self._connection.check_open()
        if self._member is not None:
            with self._joined("keeping leases of") as member:
                member.live()

    def backlog(self) -> Backlog:
        """`ready` includes what other workers hold: Kafka can't tell that apart."""
        topic = self._connection.topic()
        done, held = self._member.progress() if self._member is not None else ({}, 0)
        waiting = topic.waiting(done)
        heads = [(partition, offset) for partition, offset, bodies in waiting if bodies]
        oldest = topic.oldest(heads) if heads else None
        ready = max(0, sum(bodies for _, _, bodies in waiting) - held)
        return Backlog(ready, None, None if oldest is None else max(0.0, time.time() - oldest))

    def close(self) -> None:
        self._closed = True
        self._leave()
        self._connection.close()

    def warnings(self) -> list[str]:
        replicas = self._connection.topic().partitions()
        with self._connection.translated("looking at"):
            return judge(self._address, read(self._address), min(replicas, default=0))

    def remove(self) -> None:
        """The topic, and the group where nobody else is in it."""
        if not self._closed:
            self._leave()
            with self._connection.translated("deleting"):
                remove(self._address)
            self.close()

    def _take_in(self, member: Member, limit: int, wait: float) -> None:
        """Wait for the first; then take what has come, as much as is asked for."""
        deadline = time.monotonic() + wait
        while not member.take_in(self._number(member, limit), deadline - time.monotonic()) and not member.arrived:
            if time.monotonic() >= deadline:
                return
        while member.held_back() < limit and member.take_in(self._number(member, limit), 0):
            pass

    def _number(self, member: Member, limit: int) -> int:
        return max(1, min(MOST_AT_ONCE, int((limit - member.held_back()) / self._mean_bytes) + 1))

    def _check_reached(self) -> None:
        """Raises Unavailable where no server could be reached of late, and can't be now."""
        if self._member is not None and self._member.reports.down:
            self._connection.topic().partitions()
            self._member.reports.down = ""

    @contextmanager
    def _joined(self, doing: str) -> Iterator[Member]:
        """The member, joining where there is none. What it raises ends it, and with it the leases."""
        try:
            with self._connection.translated(doing):
                if self._member is None:
                    self._connection.topic()
                    self._member = Member(self._address)
                yield self._member
        except BaseException:
            self._leave()
            self._connection.look_away()
            raise

    def _leave(self) -> None:
        member, self._member = self._member, None
        if member is not None:
            member.close()
