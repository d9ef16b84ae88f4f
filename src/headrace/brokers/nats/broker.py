"""NATS JetStream as a broker: a stream that keeps what is not acked, and one durable consumer from which all workers pull.

A lease lasts for the consumer's `ack_wait`, and `keep` renews it. It doesn't end with its connection: a new connection goes on with
what this broker holds. It ends with its stream: if that is deleted and made anew, nothing is acknowledged to the new one.
"""

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Self

from headrace.brokers.nats.connection import Connection
from headrace.brokers.nats.jetstream import delivery
from headrace.brokers.queue_url import QueueUrl, parse
from headrace.documents import Body
from headrace.errors import Misconfigured, Unavailable
from headrace.ports import Backlog, Delivery
from headrace.validation import check_sizes

ANSWER_SECONDS = 20.0  #: how long the server may take to answer
WINDOW = 256  #: bodies that are sent before the first of them is confirmed
ACK, HOLD, GIVE_BACK = b"+ACK", b"+WPI", b"-NAK"  # JetStream's words for a message


class NatsBroker:
    """A connection to a stream, opened by the first call that needs it, and again when it was lost. `patience`: seconds for an answer."""

    def __init__(self, address: QueueUrl, *, patience: float = ANSWER_SECONDS) -> None:
        if address.path:
            raise Misconfigured("a nats: URL has no path; write nats://host:4222/?queue=headrace")
        self._address = address
        self._connection = Connection(address, patience=patience)
        self._leases: dict[str, float] = {}  # by the subject that acknowledges; the time when each runs out
        self._leased_from = ""  # the stream's `created`

    @classmethod
    def from_url(cls, url: str) -> Self:
        """`nats://user:password@host:4222[,host2…]/?queue=headrace`; docs/configuration.md has the options."""
        return cls(parse(url, port=4222, letters="A-Za-z0-9_-", several=True))

    def body_bytes(self) -> int:
        """The server's `max_payload`, 1 MiB unless set otherwise."""
        return self._connection.body_bytes("asking for the limits of")

    def publish(self, bodies: Sequence[Body]) -> None:
        """When it returns, the bodies are in the server's files; the server's `sync_interval` decides when those are on the disk."""
        check_sizes((len(body.data) for body in bodies), self.body_bytes(), f"publishing to {self._address}")
        for start in range(0, len(bodies), WINDOW):
            self._connection.publish([body.data for body in bodies[start : start + WINDOW]], "publishing to")

    def receive(self, limit: int, wait: float) -> list[Delivery]:
        until = time.monotonic() + self._address.lease
        pulled = self._connection.pull(limit, wait, "receiving from")
        self._forget_other_streams()
        self._leases.update((message.reply, until) for message in pulled)
        return [delivery(message, (self, message.reply)) for message in pulled]

    def ack(self, deliveries: Sequence[Delivery]) -> None:
        held = self._held(deliveries)
        self._tell(held, ACK, "acknowledging to")
        for subject in held:
            self._leases.pop(subject, None)

    def keep(self, deliveries: Sequence[Delivery]) -> None:
        until = time.monotonic() + self._address.lease
        held = self._held(deliveries)
        if held or self._connection.is_open:  # an open connection has to answer the server's pings
            self._tell(held, HOLD, "keeping the leases of")
            self._leases.update(dict.fromkeys(held, until))

    def backlog(self) -> Backlog:
        """A lease that has run out counts as leased until its body is received again."""
        doing = "counting what waits in"
        stream, consumer = self._connection.stream_info(doing)["state"], self._connection.consumer_info(doing)
        leased = min(consumer["num_ack_pending"], stream["messages"])
        age = (datetime.now(UTC) - datetime.fromisoformat(stream["first_ts"])).total_seconds()
        return Backlog(stream["messages"] - leased, leased, max(0.0, age) if stream["messages"] else None)

    def close(self) -> None:
        try:
            now = time.monotonic()
            held = [subject for subject, until in self._leases.items() if until > now]
            if held and self._connection.is_open:
                self._tell(held, GIVE_BACK, "giving back what came from")
        except Unavailable:
            return  # then the leases run out
        finally:
            self._leases.clear()
            self._connection.close()

    def warnings(self) -> list[str]:
        settings = self._connection.stream_info("asking for the settings of")["config"]
        found = []
        if settings["storage"] == "memory":
            found.append("loses all when the server ends, as it keeps the stream in memory; make it with storage file")
        elif settings["num_replicas"] < 2:
            found.append(
                "loses what came in the last two minutes when the power fails, unless the server's sync_interval says otherwise;"
                " set that to always, or make the stream with three replicas"
            )
        if settings["discard"] == "old" and any(settings[most] > 0 for most in ("max_age", "max_msgs", "max_bytes")):
            found.append("drops its oldest messages when it reaches a limit; make the stream without limits")
        return [f"{self._address} {text}" for text in found]

    def remove(self) -> None:
        if not self._connection.is_closed:
            self._connection.delete_stream("removing")
            self._leases.clear()
            self.close()

    def _held(self, deliveries: Sequence[Delivery]) -> list[str]:
        """The leases among these that are ours and have not run out, each once."""
        now = time.monotonic()
        subjects = (subject for owner, subject in (delivery.receipt for delivery in deliveries) if owner is self)
        return [subject for subject in dict.fromkeys(subjects) if self._leases.get(subject, 0.0) > now]

    def _tell(self, subjects: Sequence[str], word: bytes, doing: str) -> None:
        try:
            self._connection.acknowledge(subjects, word, self._leased_from, doing)
        finally:
            self._forget_other_streams()

    def _forget_other_streams(self) -> None:
        """Drop the leases on a stream that is gone, although there is one of its name."""
        if self._leased_from != self._connection.created:
            self._leased_from = self._connection.created
            created = datetime.fromisoformat(self._leased_from).timestamp()
            self._leases = {one: until for one, until in self._leases.items() if _stored_at(one) >= created}


def _stored_at(subject: str) -> float:
    """When a message was stored, in seconds since the epoch, by the subject that acknowledges it: `$JS.ACK.` (domain, account,) stream,
    consumer, deliveries, two numbers, the time, and what more the server puts there."""
    parts = subject.split(".")
    return int(parts[7 if len(parts) == 9 else 9]) / 1e9
