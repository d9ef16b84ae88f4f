"""Kafka as a broker: a topic, and a consumer group that shares its partitions.

A lease lasts while a worker is a member of the group. It ends when the worker leaves, when the server has heard nothing of it for
`session` seconds, when it has not called for `poll` seconds, and when its partition goes to another member because one came or went. What
was leased then comes again, elsewhere. Bodies have no key, so that those of one source go to all partitions; each document names its
source itself.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Self

from headrace.brokers.arrivals import Arrivals
from headrace.brokers.kafka.admin import read, remove, warnings
from headrace.brokers.kafka.connection import CONFIRM_SECONDS, Connection
from headrace.brokers.kafka.member import Member
from headrace.brokers.kafka.url import KafkaUrl, parse
from headrace.documents import Body
from headrace.errors import Unavailable
from headrace.ports import Backlog, Delivery

MOST_AT_ONCE = 10_000  #: messages asked of the driver in one call


class KafkaBroker:
    """A connection to a topic, opened by the first call that needs it. The driver reopens lost connections by itself.

    When `publish` returns, the bodies are on all replicas that are in sync. A body has up to 16 MiB, or what the topic takes. `patience`:
    how many seconds a body may take to be confirmed, before `publish` raises Unavailable.
    """

    def __init__(self, address: KafkaUrl, *, patience: float = CONFIRM_SECONDS) -> None:
        self._address = address
        self._connection = Connection(address, patience=patience)
        self._member: Member | None = None
        self._arrivals = Arrivals()
        self._closed = False

    @classmethod
    def from_url(cls, url: str) -> Self:
        """`kafka://host[:port][,host2…]/topic?group=headrace`; docs/configuration.md has the options."""
        return cls(parse(url))

    def body_bytes(self) -> int:
        """The topic's `max.message.bytes`, less what a record needs beside the body."""
        return self._connection.topic().body_bytes

    def publish(self, bodies: Sequence[Body]) -> None:
        self._connection.publish(bodies)

    def receive(self, limit: int, wait: float) -> list[Delivery]:
        """Raises Unavailable, once, if the server deleted bodies that were not done, or a partition is read from its beginning again."""
        self._connection.check_open()
        self._check_reachable()
        with self._joined("receiving from") as member:
            member.commit()
            self._take_in(member, limit, wait)
        if member.notices:
            notices, member.notices = member.notices, []
            raise Unavailable(f"receiving from {self._address}: {'; '.join(notices)}")
        return self._arrivals.take(limit)

    def ack(self, deliveries: Sequence[Delivery]) -> None:
        """The server is told without waiting for its answer; if that is lost, the bodies come again."""
        self._connection.check_open()
        if self._member is not None:
            with self._joined("acknowledging to") as member:
                member.finish(delivery.receipt for delivery in deliveries)
                member.commit()

    def keep(self, deliveries: Sequence[Delivery]) -> None:  # noqa: ARG002
        """Polls, which shows the group that we are alive."""
        self._connection.check_open()
        if self._member is not None:
            with self._joined("keeping leases of") as member:
                member.keep()

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
            return warnings(self._address, read(self._address), min(replicas, default=0))

    def remove(self) -> None:
        """Also removes the group, if it has no other members."""
        if not self._closed:
            self._leave()
            with self._connection.translated("deleting"):
                remove(self._address)
            self.close()

    def _take_in(self, member: Member, limit: int, wait: float) -> None:
        """Wait for the first; then take in what has come, up to the limit."""
        deadline = time.monotonic() + wait
        while not member.take_in(self._number(limit), deadline - time.monotonic()) and not self._arrivals:
            if time.monotonic() >= deadline:
                return
        while self._arrivals.bytes < limit and member.take_in(self._number(limit), 0):
            pass

    def _number(self, limit: int) -> int:
        """How many messages to ask for, so that they fill the limit if they have the mean size."""
        return max(1, min(MOST_AT_ONCE, int((limit - self._arrivals.bytes) / self._arrivals.mean_bytes) + 1))

    def _check_reachable(self) -> None:
        """Raises Unavailable if the driver has reported that it reaches no server, and still can't."""
        if self._member is not None and self._member.reports.down:
            self._connection.topic().partitions()
            self._member.reports.down = ""

    @contextmanager
    def _joined(self, doing: str) -> Iterator[Member]:
        """Our member of the group, which joins if there is none. Whatever is raised ends the membership, and with it the leases."""
        try:
            with self._connection.translated(doing):
                if self._member is None:
                    topic = self._connection.topic()
                    self._member = Member(self._address, topic.identity, self._arrivals)
                yield self._member
        except BaseException:
            self._leave()
            self._connection.forget_topic()
            raise

    def _leave(self) -> None:
        member, self._member = self._member, None
        if member is not None:
            member.close()
        self._arrivals.clear()
