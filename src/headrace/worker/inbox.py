"""What comes from the broker, with plain bodies."""

from collections import deque
from collections.abc import Sequence
from dataclasses import replace

from headrace.burial import bury_bytes
from headrace.documents import ADDED_BYTES, Outcome, microseconds
from headrace.errors import Rejected
from headrace.ports import Broker, Delivery
from headrace.worker.content_encoding import decode
from headrace.worker.content_type import is_plain, plain

UNPACKED_BYTES = 16 << 20  #: the largest body after unpacking, unless a single document may be larger


class Inbox:
    """Receives from a broker, unpacks what its publisher has compressed, and makes JSON of what is something else. What would be too much
    at once waits, compressed. `keyed`: records get what their messages are called by as the member KEY of `content_type`."""

    def __init__(self, broker: Broker, *, document_bytes: int, keyed: bool = False) -> None:
        self._broker, self._keyed = broker, keyed
        self._most = max(UNPACKED_BYTES, document_bytes + ADDED_BYTES)
        self._waiting: deque[Delivery] = deque()
        self._refused: list[tuple[Delivery, Outcome]] = []

    @property
    def waiting(self) -> Sequence[Delivery]:
        """Deliveries that were received and not handed out yet; their leases have to be kept too."""
        return tuple(self._waiting)

    def receive(self, limit: int, wait: float) -> list[Delivery]:
        """Deliveries with plain bodies of about `limit` bytes together. Waits and raises as the broker does."""
        if not self._waiting:
            self._waiting.extend(self._broker.receive(limit, wait))
        taken: list[Delivery] = []
        size = 0
        while self._waiting and size < limit:
            delivery = self._waiting[0]
            if delivery.encoding or not is_plain(delivery, keyed=self._keyed):
                try:
                    delivery = self._plain(delivery)
                except Rejected as error:
                    letter = bury_bytes(delivery.data, str(error), received_at=microseconds())
                    # An empty body has one line, for the one outcome.
                    self._refused.append((replace(delivery, data=b"", encoding=""), Outcome(None, dead=(letter,))))
                    self._waiting.popleft()
                    continue
            self._waiting.popleft()
            size += len(delivery.data)
            taken.append(delivery)
        return taken

    def _plain(self, delivery: Delivery) -> Delivery:
        """A delivery with a body of JSON that is not packed. Raises Rejected if it cannot be had."""
        data = decode(delivery.data, delivery.encoding, self._most) if delivery.encoding else delivery.data
        unpacked = replace(delivery, data=data, encoding="")
        return unpacked if is_plain(unpacked, keyed=self._keyed) else plain(unpacked, keyed=self._keyed)

    def refused(self) -> tuple[list[Delivery], list[Outcome]]:
        """The deliveries that could not be unpacked since the last call, and the outcome of each: a dead letter with its bytes."""
        refused, self._refused = self._refused, []
        return [delivery for delivery, _ in refused], [outcome for _, outcome in refused]
