"""Brokers and sinks, which move bodies."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from headrace.documents import Body


@dataclass(frozen=True, slots=True)
class Delivery:
    """One body as the broker hands it over.

    `receipt` is what acknowledges it: only the adapter that made it can read it, and it dies with its connection. `reply` sends an answer
    to the publisher, at most once and without waiting; it is None if the publisher didn't ask for one. `evicted` says why the broker's
    server has removed the body from its queue, and is empty for all others; such a body has to be buried, then acked. `encoding` is the
    content encoding that the publisher named, in any case, with commas between several; the receiver unpacks `data` then. `content_type`
    is the media type that the publisher named, if the broker has such a thing; else it is empty. `headers` are what else the publisher
    said of the body, as names and values; `key` is by what it called the message: the key of Kafka, or the id of a message; empty if by
    nothing.
    """

    data: bytes
    receipt: Any
    reply: Callable[[bytes], None] | None = None
    evicted: str = ""
    encoding: str = ""
    content_type: str = ""
    headers: Sequence[tuple[str, str]] = ()
    key: str = ""


@dataclass(frozen=True, slots=True)
class Backlog:
    """How many bodies are ready and leased, and the age in seconds of the oldest that is not acked.

    A member is None if the broker can't tell; `oldest` also if there are no bodies.
    """

    ready: int | None
    leased: int | None
    oldest: float | None


class Sink(Protocol):
    """Where bodies are published: a broker, or a place from which others consume results. A sink is used by one thread.

    A body of results has one key, `model.label` (or `dead.kind`), by which consumers select what they want: as a routing key, or a message
    key. An absent consumer blocks nobody.
    """

    def body_bytes(self) -> int:
        """The size in bytes of the largest body. Asks the server if that decides, and then may raise Unavailable."""
        ...

    def publish(self, bodies: Sequence[Body]) -> None:
        """Return once all are durable. Does nothing for no bodies.

        Raises Rejected, before it publishes any, if one is larger than `body_bytes`. Raises Rejected also if the server will never take
        one of them; the caller halves the bodies to find it. Raises Unavailable if they can't be published now. On an error, some of the
        bodies may have been published.
        """
        ...

    def close(self) -> None:
        """Give back at once what is leased and not acked. Calling it twice is harmless; `publish` raises Unavailable afterwards."""
        ...


class Broker(Sink, Protocol):
    """Moves bodies, each at least once, in no particular order. A broker is used by one thread.

    A lost connection is opened again by the next call. Any method may raise Unavailable: what was leased may be lost then, and comes again.
    """

    def receive(self, limit: int, wait: float) -> list[Delivery]:
        """Lease bodies of up to `limit` bytes together, and at least one, however large.

        Waits up to `wait` seconds for the first, and never for more. Returns an empty list if none came.
        """
        ...

    def ack(self, deliveries: Sequence[Delivery]) -> None:
        """Acknowledge that these are done: any set of deliveries, in any order. Leases that are lost or acked already are ignored."""
        ...

    def keep(self, deliveries: Sequence[Delivery]) -> None:
        """Extend the leases of these and answer heartbeats. It is called every few seconds, with no deliveries too."""
        ...

    def backlog(self) -> Backlog:
        """How much waits, as far as the broker can tell."""
        ...


class Provisioned(Protocol):
    """The queue or the store itself, beside what it holds. Every adapter of a broker or a store implements this port too."""

    def warnings(self) -> list[str]:
        """A sentence for each setting by which something that was confirmed can be lost: what, when, and what to set instead.

        Empty if there is none. Settings that the server doesn't tell are left out.
        """
        ...

    def remove(self) -> None:
        """Remove the queue or the store with all that it holds, and close. Does nothing if it is closed already."""
        ...


class BrokerAdapter(Broker, Provisioned, Protocol):
    """What every adapter of a broker implements."""
