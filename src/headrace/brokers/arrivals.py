"""Deliveries that a driver has handed over and nobody has received yet."""

from collections import deque
from collections.abc import Callable

from headrace.documents import BODY_BYTES
from headrace.ports import Delivery


class Arrivals:
    """A queue of deliveries in the order in which they came. `len` is their number, and `bytes` the size of their bodies together.

    `mean_bytes` follows the size of the bodies that were taken recently; before the first it is the size that bodies are packed to.
    """

    def __init__(self) -> None:
        self._waiting: deque[Delivery] = deque()
        self.bytes = 0
        self.mean_bytes = float(BODY_BYTES)

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, delivery: Delivery) -> None:
        """Put a delivery at the end."""
        self._waiting.append(delivery)
        self.bytes += len(delivery.data)

    def take(self, limit: int) -> list[Delivery]:
        """Remove and return the first deliveries: as many as have up to `limit` bytes together, and at least one. Empty if none waits."""
        taken: list[Delivery] = []
        size = 0
        while self._waiting and (not taken or size + len(self._waiting[0].data) <= limit):
            taken.append(self._waiting.popleft())
            size += len(taken[-1].data)
        if taken:
            self.bytes -= size
            self.mean_bytes += (size / len(taken) - self.mean_bytes) / 2  # recent batches count most
        return taken

    def expect(self, size: int) -> None:
        """Count with bodies of at least this size from now on: one came for which there was no room."""
        self.mean_bytes = max(self.mean_bytes, float(size))

    def drop(self, is_stale: Callable[[Delivery], bool]) -> None:
        """Remove the deliveries whose lease was lost."""
        self._waiting = deque(delivery for delivery in self._waiting if not is_stale(delivery))
        self.bytes = sum(len(delivery.data) for delivery in self._waiting)

    def clear(self) -> None:
        """Remove all; the mean size stays."""
        self._waiting.clear()
        self.bytes = 0
