"""Brokers and sinks: what moves bodies."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from headrace.documents import Body


@dataclass(frozen=True, slots=True)
class Delivery:
    """One body as the broker hands it over. The receipt is the adapter's own; it dies with its connection.

    `reply`, where whoever published it asked for an answer, sends one; what can't be sent now is left out. `evicted`: why the
    broker's server has put the body out of the queue; it is to be buried, and acked.
    """

    data: bytes
    receipt: Any
    reply: Callable[[bytes], None] | None = None
    evicted: str = ""


@dataclass(frozen=True, slots=True)
class Backlog:
    """Bodies ready and leased, and the age in seconds of the oldest that is not acked; None for what the broker can't tell."""

    ready: int | None
    leased: int | None
    oldest: float | None


class Sink(Protocol):
    """Where bodies are published: a broker, or a place for others to consume results from; used by one thread.

    A body of results has one key, `model.label` (or `dead.kind`), by which consumers take what they want: a routing key, a message key.
    Whoever isn't there to consume holds nobody up.
    """

    def body_bytes(self) -> int:
        """How large a body may be. Asks the server, where that decides."""
        ...

    def publish(self, bodies: Sequence[Body]) -> None:
        """Return once all are durable, or raise; some may have been published when it raises. Nothing for no bodies.

        Raises Rejected, before it publishes any, where one is larger than `body_bytes`; and where the server will never take one of
        them: the caller halves.
        """
        ...

    def close(self) -> None:
        """May be called twice. What isn't acked goes back at once."""
        ...


class Broker(Sink, Protocol):
    """Moves bodies, at least once; promises no order."""

    def receive(self, limit: int, wait: float) -> list[Delivery]:
        """Lease bodies of up to `limit` bytes together, but at least one; wait up to `wait` seconds for the first, never for more."""
        ...

    def ack(self, deliveries: Sequence[Delivery]) -> None:
        """These are done: any set, in any order. A lease that is lost, or acked already, is ignored."""
        ...

    def keep(self, deliveries: Sequence[Delivery]) -> None:
        """Extend the leases and answer heartbeats; called every few seconds, also with none."""
        ...

    def backlog(self) -> Backlog:
        """What waits, as far as the broker can tell."""
        ...


class Provisioned(Protocol):
    """Where an adapter keeps things, as a thing of its own; by the same adapters as brokers and stores."""

    def warnings(self) -> list[str]:
        """Settings of the server, or of the place, with which something that was confirmed can be lost: what, when, and what to set
        instead. What the server doesn't tell is left out."""
        ...

    def remove(self) -> None:
        """Remove the queue or the store itself, with all that it holds, and close. Again, or closed already: nothing."""
        ...


class BrokerAdapter(Broker, Provisioned, Protocol):
    """What every adapter of brokers is: a broker with the small port beside it."""
