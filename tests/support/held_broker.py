"""A broker for tests that confirms nothing until it is let go, and what a broker was given."""

import threading
from collections.abc import Sequence

from headrace.brokers.memory import MemoryBroker
from headrace.documents import Body, unpack
from support import PATIENCE


class HeldBroker(MemoryBroker):
    """A broker that waits in `publish` until it is let go; `entered` is set once it has been called."""

    def __init__(self) -> None:
        super().__init__()
        self.entered, self.let_go = threading.Event(), threading.Event()

    def publish(self, bodies: Sequence[Body]) -> None:
        self.entered.set()
        self.let_go.wait(PATIENCE)
        super().publish(bodies)


def lines(broker: MemoryBroker) -> list[bytes]:
    """The documents that are ready, as they were published; they are leased by this."""
    return [line for delivery in broker.receive(1 << 30, 0) for line in unpack(delivery.data)]
