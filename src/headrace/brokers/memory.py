"""A broker in the memory of one process: for tests, and for a `headrace up` that keeps nothing."""

import itertools
import threading
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field

from headrace.documents import Body
from headrace.errors import Unavailable
from headrace.ports import Backlog, Delivery
from headrace.validation import check_sizes

MOST_BODY_BYTES = 128 << 20  #: more than any document that the settings allow
WARNING = "the broker memory: loses all that is published when its process ends; name another"


@dataclass
class Queue:
    """What the connections to one memory broker share: bodies and the times when they were published, by number."""

    ready: OrderedDict[int, tuple[bytes, float]] = field(default_factory=OrderedDict)
    leased: dict[int, tuple[bytes, float]] = field(default_factory=dict)
    numbers: "itertools.count[int]" = field(default_factory=itertools.count)
    changed: threading.Condition = field(default_factory=threading.Condition)


class MemoryBroker:
    """One connection to a `Queue`. Bodies live as long as the queue; each has up to `most` bytes."""

    def __init__(self, queue: Queue | None = None, *, most: int = MOST_BODY_BYTES) -> None:
        self._queue = queue or Queue()
        self._most = most
        self._mine: set[int] = set()
        self._closed = False

    @classmethod
    def from_url(cls, _url: str) -> "MemoryBroker":
        return cls()

    def connect(self) -> "MemoryBroker":
        """Another connection to the same queue."""
        return MemoryBroker(self._queue, most=self._most)

    def body_bytes(self) -> int:
        return self._most

    def publish(self, bodies: Sequence[Body]) -> None:
        self._check_open()
        check_sizes((len(body.data) for body in bodies), self._most, "publishing to the memory broker")
        with self._queue.changed:
            for body in bodies:
                self._queue.ready[next(self._queue.numbers)] = (body.data, time.monotonic())
            self._queue.changed.notify_all()

    def receive(self, limit: int, wait: float) -> list[Delivery]:
        self._check_open()
        queue = self._queue
        deliveries: list[Delivery] = []
        with queue.changed:
            queue.changed.wait_for(lambda: queue.ready, wait)
            size = 0
            while queue.ready:
                number, (data, at) = next(iter(queue.ready.items()))
                if deliveries and size + len(data) > limit:
                    break
                del queue.ready[number]
                queue.leased[number] = (data, at)
                self._mine.add(number)
                size += len(data)
                deliveries.append(Delivery(data, (id(self), number)))
        return deliveries

    def ack(self, deliveries: Sequence[Delivery]) -> None:
        self._check_open()
        with self._queue.changed:
            for delivery in deliveries:
                owner, number = delivery.receipt
                if owner == id(self) and number in self._mine:
                    self._mine.remove(number)
                    self._queue.leased.pop(number, None)

    def keep(self, deliveries: Sequence[Delivery]) -> None:
        """Leases last as long as the connection."""

    def backlog(self) -> Backlog:
        self._check_open()
        with self._queue.changed:
            times = [at for held in (self._queue.ready, self._queue.leased) for _, at in held.values()]
            oldest = time.monotonic() - min(times) if times else None
            return Backlog(len(self._queue.ready), len(self._queue.leased), oldest)

    def close(self) -> None:
        self._closed = True
        with self._queue.changed:
            for number in sorted(self._mine & self._queue.leased.keys(), reverse=True):
                self._queue.ready[number] = self._queue.leased.pop(number)
                self._queue.ready.move_to_end(number, last=False)
            self._mine.clear()
            self._queue.changed.notify_all()

    def warnings(self) -> list[str]:
        return [WARNING]

    def remove(self) -> None:
        with self._queue.changed:
            self._queue.ready.clear()
            self._queue.leased.clear()
            self._mine.clear()
        self.close()

    def _check_open(self) -> None:
        if self._closed:
            raise Unavailable("using the memory broker: this connection is closed")
