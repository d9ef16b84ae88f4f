"""What comes from the broker, with plain bodies."""

from collections import deque
from collections.abc import Sequence
from dataclasses import replace

from headrace.burial import bury_bytes
from headrace.documents import ADDED_BYTES, Outcome, encode, microseconds
from headrace.errors import Rejected
from headrace.parsing import parse
from headrace.ports import Broker, Delivery
from headrace.worker.content_encoding import decode

PLAIN = "text/plain"  #: the media type of a body that is one text
UNPACKED_BYTES = 16 << 20  #: the largest body after unpacking, unless a single document may be larger


class Inbox:
    """Receives from a broker, and unpacks what its publisher has compressed. What would be too much at once waits, compressed."""

    def __init__(self, broker: Broker, *, document_bytes: int) -> None:
        self._broker = broker
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
            if delivery.encoding or delivery.content_type.lower().startswith(PLAIN):
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
        if delivery.content_type.lower().startswith(PLAIN) and not _is_object(data):
            # With a member of a document of ours, so that it is read as one, whatever the setting `fields`.
            data = encode({"text": _text(data, delivery.content_type), "published_at": None})
        return replace(delivery, data=data, encoding="", content_type="")

    def refused(self) -> tuple[list[Delivery], list[Outcome]]:
        """The deliveries that could not be unpacked since the last call, and the outcome of each: a dead letter with its bytes."""
        refused, self._refused = self._refused, []
        return [delivery for delivery, _ in refused], [outcome for _, outcome in refused]


def _is_object(data: bytes) -> bool:
    """Whether a body is an object of JSON: many clients say text/plain of every string."""
    try:
        return data.lstrip()[:1] == b"{" and isinstance(parse(data), dict)
    except Rejected:
        return False


def _text(data: bytes, content_type: str) -> str:
    """The text of a plain body, in the charset that its type names, or in UTF-8. Raises Rejected if it is not in that."""
    charset = next(
        (one.partition("=")[2].strip("\"' ") for one in content_type.split(";") if "charset" in one.lower()), "utf-8"
    )
    try:
        return data.decode(charset)
    except LookupError:
        raise Rejected(f"the body is in {charset!r}, of which nothing is known here; publish it in UTF-8") from None
    except UnicodeDecodeError as error:
        raise Rejected(f"the body is not in {charset}, as its content type says: byte {error.start + 1}") from None
